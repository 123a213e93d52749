"""Features of a frozen trunk: the four flips, the cache and its key."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ovcf.models import features as module
from ovcf.models.arithmetic import BFLOAT16, trunk_arithmetic
from ovcf.models.features import features_key, trunk_features
from ovcf.models.random_weights import noise_patches
from ovcf.models.recipe import Recipe
from ovcf.models.sources import locate
from ovcf.models.tensors import flip, to_tensor
from ovcf.models.weights import load_network
from ovcf.problems import InputError

LITE0 = locate(["efficientnet_lite0"], "packaged")["efficientnet_lite0"]


@pytest.fixture
def images(rng):
    """Five patches, (5, 64, 64) uint8."""
    return rng.integers(0, 256, (5, 64, 64)).astype(np.uint8)


def lite0(images, cache, **more):
    recipe = Recipe(weights="packaged", **more)
    return trunk_features("efficientnet_lite0", images, recipe, path=LITE0, cache=cache, progress=False)


@pytest.mark.parametrize("network, path", [("efficientnet_lite0", LITE0), ("alexnet", None), ("googlenet", None)])
@pytest.mark.parametrize("precision", ["float32", "auto"])
def test_features_have_the_bits_of_any_number_of_cores(network, path, precision, tmp_path):
    """Weights of a random trunk included, and a last batch of odd size, over which several threads share alike."""
    patches, recipe, before = (
        noise_patches(43, 64, 3),
        Recipe(precision=precision, flips=("lr",), weights="none"),
        torch.get_num_threads(),
    )
    made = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            cache = tmp_path / str(threads)
            made.append(trunk_features(network, patches, recipe, path=path, cache=cache, progress=False).copy())
            net = load_network(network, "none", size=64)
            made.append(module.features_of(net, patches, "float32")[:, None])
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert all(np.array_equal(made[n], made[n % 2]) for n in range(6)) and len(made[0]) == len(patches)


def test_features_are_the_trunks_answer_to_each_flip(images, tmp_path):
    found = lite0(images, tmp_path)
    net = load_network("efficientnet_lite0", "packaged", size=64)
    with torch.inference_mode():
        for k, state in enumerate(Recipe().states):
            expected = net.stage(net.stem(flip(to_tensor(images), state)))
            assert np.allclose(found[:, k], expected, atol=1e-4)
    assert found.shape == (5, 4, 1280) and found.dtype == np.float32


def test_the_stems_maps_lead_to_the_same_features(images, tmp_path):
    maps = lite0(images, tmp_path, trainable="last_stage", flips=("lr",))
    assert maps.shape[:2] == (5, 2) and maps.dtype == np.float16
    net = load_network("efficientnet_lite0", "packaged", size=64)
    with torch.inference_mode():
        onwards = net.stage(torch.from_numpy(np.float32(maps[:, 0])))
    assert np.allclose(onwards, lite0(images, tmp_path)[:, 0], atol=2e-2)  # half precision on disk


def test_a_second_call_reads_the_file(images, tmp_path, monkeypatch):
    first = lite0(images, tmp_path)
    monkeypatch.setattr(module, "load_network", lambda *a, **k: pytest.fail("computed again"))
    again = lite0(images, tmp_path)
    assert np.array_equal(first, again) and isinstance(again, np.memmap) and not again.flags.writeable


def test_an_interrupted_run_leaves_no_file(images, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "run_trunk", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        lite0(images, tmp_path)
    assert {f.suffix for f in (tmp_path / "features").iterdir()} <= {".lock"}


def test_the_key_sees_all_that_goes_in(images, tmp_path):
    recipe = Recipe(weights="none")
    keys = [features_key("googlenet", images, recipe, None), features_key("googlenet", images, recipe, LITE0)]
    changes = [{"trainable": "last_stage"}, {"flips": ("lr",)}, {"seed": 1}]
    keys += [features_key("googlenet", images, Recipe(weights="none", **change), None) for change in changes]
    keys += [features_key("resnet50", images, recipe, None), features_key("googlenet", images[::-1], recipe, None)]
    assert len(set(keys)) == len(keys)
    assert features_key("googlenet", images.copy(), Recipe(weights="none", epochs=7), None) == keys[0]


def test_half_precision_is_for_random_trunks_it_hardly_moves(tmp_path):
    assert trunk_arithmetic("resnet50", Path("a pretrained file"), Recipe()) != BFLOAT16
    assert trunk_arithmetic("googlenet", None, Recipe()) != BFLOAT16
    plain = Recipe(weights="none", flips=())
    smooth = noise_patches(8, 112, seed=5)
    found = trunk_features("alexnet", smooth, plain, path=None, cache=tmp_path / "a", progress=False)[:, 0]
    again = trunk_features("alexnet", smooth, plain, path=None, cache=tmp_path / "b", progress=False)[:, 0]
    assert np.array_equal(found, again)  # the same bits each time, whatever the precision
    net = load_network("alexnet", "none", size=112)
    with torch.inference_mode():
        exact = net.stage(net.stem(to_tensor(smooth))).numpy()
    spread = exact.std(0)
    assert np.sqrt(np.mean(((found - exact) / np.maximum(spread, 0.1 * spread.mean())) ** 2)) < 0.1


def test_features_that_the_disk_cannot_hold_are_refused_before_they_are_written(images, tmp_path, monkeypatch):
    """A mapped file that outgrows its disk ends the process by SIGBUS."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2**24))
    with pytest.raises(InputError, match="not enough room on the disk for the features"):
        lite0(images, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]
