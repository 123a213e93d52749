"""Checkpoints: a training that was stopped, even killed, ends with the bits of one that never was."""

import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pandas as pd
import pytest
import torch

from ovcf.models import checkpoint as module
from ovcf.models.checkpoint import Checkpoint
from ovcf.models.crossval import cross_validate
from ovcf.models.random_weights import noise_patches
from ovcf.models.recipe import Recipe
from ovcf.models.training import train_network
from ovcf.models.weights import load_network

EPOCHS = 4
KILLED = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {here!r})
    import test_checkpoint as this
    this.module.EVERY = 0
    this.crossed(Path({cache!r}))
"""


def small_cohort():
    """Eight patches (8, 64, 64) in two folds."""
    labels = ["fresh", "old"] * 4
    names = [f"p{i}" for i in range(8)]
    patches = pd.DataFrame({"patch_id": names, "patient_id": names, "label": labels, "fold": np.repeat([1, 2], 4)})
    return noise_patches(8, 64, seed=4), patches


def crossed(cache, trainable="all"):
    """AlexNet (it has dropout) trained on the small cohort."""
    recipe = Recipe(weights="none", trainable=trainable, epochs=EPOCHS, batch_size=4)
    return cross_validate(*small_cohort(), ["alexnet"], recipe, cache=cache, progress=False)


@pytest.mark.parametrize("trainable", ["last_stage", "all"])
def test_stopped_after_any_epoch_training_ends_with_the_same_bits(tmp_path, monkeypatch, trainable):
    monkeypatch.setattr(module, "EVERY", 0)
    images, fresh = noise_patches(6, 64, seed=2), np.array([0, 1] * 3)
    recipe = Recipe(weights="none", trainable=trainable, epochs=3, batch_size=4)

    def train(path=None, stop=None):
        def report(epoch):
            if epoch == stop:
                raise KeyboardInterrupt

        net = load_network("efficientnet_lite0", "packaged", size=64)
        source = images
        if trainable == "last_stage":
            with torch.inference_mode():
                maps = net.stem(torch.zeros(1, 3, 64, 64))
            source = np.random.default_rng(1).random((6, 4, *maps.shape[1:])).astype(np.float16)
        rng = np.random.default_rng(3)
        return train_network(net, source, fresh, recipe, rng, report, Checkpoint(path) if path else None)

    whole = train()
    for stop in (1, 2):
        path = tmp_path / f"{stop}.checkpoint"
        with pytest.raises(KeyboardInterrupt):
            train(path, stop)
        again = train(path)
        assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_a_killed_run_goes_on_from_its_last_epoch_and_leaves_nothing_behind(tmp_path):
    whole = crossed(tmp_path / "whole")
    cache = tmp_path / "killed"
    code = textwrap.dedent(KILLED.format(here=str(__file__).rsplit("/", 1)[0], cache=str(cache)))
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 120
    while not (kept := list(cache.glob("folds/.*.checkpoint"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert kept and whole.equals(crossed(cache))
    assert {f.suffix for f in (cache / "folds").glob(".*")} <= {".lock"}  # checkpoints, beats, halves of files


def test_short_epochs_are_kept_once_a_minute(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    kept, rng = Checkpoint(tmp_path / "c"), np.random.default_rng(1)
    written = []
    for epoch in range(1, 10):
        now[0] += 25
        kept.keep(epoch, {"w": torch.zeros(1)}, rng, {})
        written.append(int(kept.restore(rng)[0]))
    assert written == [0, 0, 3, 3, 3, 6, 6, 6, 9]


def test_a_damaged_checkpoint_means_from_the_start_and_is_told(tmp_path, monkeypatch, caplog):
    """Whichever byte of it was changed, in a weight, a note or the head: it is never gone on from."""
    monkeypatch.setattr(module, "EVERY", -1)
    path, tensors = tmp_path / "c", {"w": torch.zeros(3), "empty": torch.zeros(0), "b": torch.ones(1).bfloat16()}
    Checkpoint(path).keep(2, tensors, np.random.default_rng(1), {"scale": 2.0})
    whole = path.read_bytes()
    assert Checkpoint(path).restore(np.random.default_rng(5))[0] == 2 and not caplog.text
    flipped = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 5)]
    for data in [b"half of a file", whole[:-1], whole[: len(whole) // 2], bytes(len(whole)), b"", *flipped]:
        path.write_bytes(data)
        assert Checkpoint(path).restore(np.random.default_rng(1)) == (0, {}, {})
    assert "is damaged: its fold is trained from the start" in caplog.text
    Checkpoint(path).done()
    assert not path.exists()
