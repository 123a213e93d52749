"""Temporary folders: gone with their owner, gone after a kill, and never another's."""

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from ovcf.scratch import HELD, PREFIX, Scratch, clear_abandoned


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """A temporary folder of this test alone, for this process and the ones it starts."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def killed(temporary):
    """Leave a folder behind as a process does that was killed an hour ago."""
    code = "import time; from ovcf.scratch import Scratch; s = Scratch('film'); (s.path / 'film.dcm').touch(); "
    code += "print(s.path, flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    folder = temporary / process.stdout.readline().strip().rpartition("/")[2]
    assert (folder / "film.dcm").exists()
    return process, folder


def an_hour_old(folder):
    os.utime(folder / HELD, (1, 1))


def test_it_goes_with_its_block_and_with_its_owner(temporary):
    with Scratch("verify") as folder:
        (folder / "tables").mkdir()
        assert folder.stat().st_mode & 0o777 == 0o700
    owner = Scratch("case")
    path = owner.path
    del owner
    assert not folder.exists() and not path.exists()


def test_what_a_killed_process_left_goes_with_the_next_and_a_living_ones_stays(temporary):
    process, folder = killed(temporary)
    an_hour_old(folder)
    assert clear_abandoned() == 0 and folder.exists()  # its process lives
    process.send_signal(signal.SIGKILL)
    process.wait()
    an_hour_old(folder)
    with Scratch("kernel") as mine:
        an_hour_old(mine)
        assert not folder.exists()
        assert clear_abandoned() == 0 and mine.exists()


def test_what_is_not_ours_or_just_made_is_left_alone(temporary):
    foreign, young, link = (temporary / f"{PREFIX}{name}" for name in ("foreign", "young", "link"))
    foreign.mkdir()  # no lock in it: half made, or somebody else's
    young.mkdir()
    (young / HELD).touch()
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / HELD).touch()
    an_hour_old(elsewhere)
    link.symlink_to(elsewhere)
    assert clear_abandoned() == 0 and foreign.exists() and young.exists() and elsewhere.exists()
