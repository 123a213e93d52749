"""A run's folder in order: who holds it is named, a dead writer's leavings go, its sign of life is written."""

import platform
import subprocess
import sys
import time

import pytest

from ovcf.files import check_room, kept, seal, writing
from ovcf.problems import InputError
from ovcf.run_folder import RunInUse
from ovcf.run_folder import record as module
from ovcf.run_folder.holding import clear_leftovers, hold
from ovcf.run_folder.record import beating, now, read_record, this_process


def test_who_holds_a_run_is_named_and_a_dead_process_holds_nothing(tmp_path):
    code = f"""
import pathlib, time
from ovcf.run_folder.holding import hold
from ovcf.run_folder.record import now, this_process, write_record
run = pathlib.Path({str(tmp_path)!r})
with hold(run):
    write_record(run, {{"status": "running", "process": this_process(), "started": now()}})
    print("held", flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunInUse, match=f"process {other.pid} on {platform.node()} since 20"), hold(tmp_path):
            pass
        other.kill()
    with hold(tmp_path):
        assert read_record(tmp_path)["status"] == "interrupted"


def test_the_sign_of_life_is_written_while_a_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BEAT", 0.02)
    record = {"status": "running", "process": this_process(), "started": now()}
    with beating(tmp_path, record):
        deadline = time.monotonic() + 20
        while "heartbeat" not in read_record(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert read_record(tmp_path)["heartbeat"] >= record["started"]


def test_what_a_dead_writer_left_goes_and_nothing_else(tmp_path):
    left = [".run.json-ab12.part", "tables/.patches.csv-x.part", "figures/.roc.png-x.part", "cache/folds/.a.epoch"]
    left += ["cache/patches-none.npy.tmp", ".model-x.part/final.safetensors"]
    stays = [".gitignore", "notes.txt", "tables/patches.csv", "cache/folds/a.safetensors", "model/card.json", ".lock"]
    for name in [*left, *stays]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("four")
    assert clear_leftovers(tmp_path) == 4 * len(left)
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()} == set(stays)


def test_a_full_disk_is_refused_before_a_byte_is_written(tmp_path):
    with pytest.raises(InputError, match="not enough room on the disk for the features.*MB free"):
        check_room(tmp_path, 2**60, "features")
    check_room(tmp_path, 1, "features")


def test_a_writing_that_fails_leaves_the_old_file_and_nothing_beside(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(OSError), writing(path, "w") as stream:
        stream.write("half of it")
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: bytes(len(b)), lambda b: b"x" + b[1:]]
)
@pytest.mark.parametrize("which", ["file", "seal"])
def test_a_sealed_file_is_used_only_while_it_and_its_seal_are_what_was_written(tmp_path, caplog, damage, which):
    path = tmp_path / "features.npy"
    path.write_bytes(b"\x00\x01features")
    assert not kept(path)  # never finished
    seal(path)
    assert kept(path)
    damaged = path if which == "file" else tmp_path / "features.npy.sha256"
    damaged.write_bytes(damage(damaged.read_bytes()))
    assert not kept(path) and not path.exists() and "features.npy is damaged: set aside" in caplog.text
