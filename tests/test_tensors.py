"""Patches as tensors: range, channels, flips, digest."""

import numpy as np
import pytest
import torch

from ovcf.models.tensors import check_range, flip, images_digest, to_tensor


def test_ends_of_the_grey_scale_become_the_ends_of_the_range():
    images = np.zeros((2, 4, 4), np.uint8)
    images[1] = 255
    x = to_tensor(images)
    assert x.shape == (2, 3, 4, 4) and x.dtype == torch.float32
    assert (x[0] == -1).all() and (x[1] == 1).all()
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_three_channels_are_equal(rng):
    x = to_tensor(rng.integers(0, 256, (3, 8, 8)).astype(np.uint8))
    assert torch.equal(x[:, 0], x[:, 1]) and torch.equal(x[:, 0], x[:, 2])


def test_a_read_only_memory_map_is_taken(tmp_path, rng):
    np.save(tmp_path / "a.npy", rng.integers(0, 256, (2, 8, 8)).astype(np.uint8))
    to_tensor(np.load(tmp_path / "a.npy", mmap_mode="r"))


@pytest.mark.parametrize("bad", [np.zeros((2, 4, 4)), np.zeros((4, 4), np.uint8)])
def test_other_types_and_shapes_are_refused(bad):
    with pytest.raises(ValueError, match="uint8 of shape"):
        to_tensor(bad)


@pytest.mark.parametrize("value", [1.5, -2.0, float("nan")])
def test_out_of_range_is_refused_quoting_the_value(value):
    x = torch.zeros(1, 3, 4, 4)
    x[0, 0, 0, 0] = value
    with pytest.raises(ValueError, match=r"\[-1, 1\].*" + f"{value:g}"):
        check_range(x)


def test_wrong_number_of_channels_is_refused():
    with pytest.raises(ValueError, match=r"\(1, 1, 4, 4\)"):
        check_range(torch.zeros(1, 1, 4, 4))


def test_flips_agree_with_numpy(rng):
    images = rng.integers(0, 256, (2, 6, 6)).astype(np.uint8)
    x = to_tensor(images)
    assert torch.equal(flip(x, ("lr",)), to_tensor(images[:, :, ::-1]))
    assert torch.equal(flip(x, ("tb",)), to_tensor(images[:, ::-1]))
    assert torch.equal(flip(x, ("lr", "tb")), to_tensor(images[:, ::-1, ::-1]))


def test_digest_sees_pixels_order_and_shape(rng):
    images = rng.integers(0, 256, (300, 4, 4)).astype(np.uint8)
    changed = images.copy()
    changed[299, 3, 3] ^= 1
    others = [changed, images[::-1], images.reshape(75, 8, 8)]
    assert images_digest(images) == images_digest(images.copy())
    assert len({images_digest(i) for i in [images, *others]}) == 4
