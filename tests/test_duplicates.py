"""Copies and burned-in text: found where planted, not where there are none."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, grey_opening

from ovcf.cohort.films import read_film
from ovcf.intake.check import duplicates
from ovcf.intake.check.burned_in import _opened, text_lines
from ovcf.intake.check.duplicates import CORRELATION, correlations, exact_copies, near_copies
from ovcf.intake.check.film_facts import phash, thumbnail


def pictures(rng, n=40):
    return [np.clip(0.5 + gaussian_filter(rng.normal(size=(90, 110)), 2) * 1.5, 0, 1) for _ in range(n)]


def search(greys):
    thumbs = np.stack([thumbnail(picture) for picture in greys])
    hashes = {
        "as it is": np.array([phash(thumb) for thumb in thumbs]),
        "mirrored": np.array([phash(thumb[:, ::-1]) for thumb in thumbs]),
    }
    return near_copies(hashes, thumbs, np.zeros(len(thumbs), bool))


def as_jpeg(greys):
    stream = io.BytesIO()
    Image.fromarray((greys * 255).astype(np.uint8)).save(stream, "JPEG", quality=60)
    return np.asarray(Image.open(stream), float) / 255


CHANGES = {
    "jpeg": as_jpeg,
    "smaller": lambda g: np.asarray(Image.fromarray(g.astype(np.float32)).resize((66, 54))),
    "brighter": lambda g: g**0.7 * 0.8,
    "cut": lambda g: g[2:, 2:],
    "mirrored": lambda g: g[:, ::-1],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_nothing_else(rng, change):
    greys = pictures(rng)
    (group,) = search([*greys, CHANGES[change](greys[7])])
    assert group.members == (7, 40) and group.correlation >= CORRELATION
    assert (group.how == "mirrored") == (change == "mirrored")


def test_distinct_pictures_are_no_copies(rng):
    assert search(pictures(rng)) == []


def test_exact_copies_are_groups():
    assert [group.members for group in exact_copies(["a", "b", "a", "c", "a", "b"])] == [(0, 2, 4), (1, 5)]


def test_correlation_of_shifted_thumbnails_is_one_and_matches_numpy(rng):
    big = gaussian_filter(rng.normal(size=(80, 80)), 1.5)
    big = ((big - big.min()) / np.ptp(big) * 255).astype(np.uint8)
    one, other = big[None, 5:69, 5:69], big[None, 8:72, 3:67]
    assert correlations(one, other)[0] > 0.97
    assert correlations(one, one)[0] == pytest.approx(1, abs=1e-5)


def test_opening_equals_scipys(rng):
    greys = rng.integers(0, 255, (40, 50)).astype(np.uint8)
    np.testing.assert_array_equal(_opened(greys), grey_opening(greys, size=(9, 9), mode="nearest"))


@pytest.mark.parametrize("size", [16, 24, 40])
@pytest.mark.parametrize("fill", [0, 255])
def test_text_is_found_in_white_and_black(rng, size, fill):
    image = Image.fromarray(np.clip(rng.normal(125, 10, (300, 700)), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.text((20, 30), "L", fill=fill, font=ImageFont.load_default(size))
    assert text_lines(np.asarray(image) / 255) == 0  # a side marker is no finding
    draw.text((20, 120), "DOE JANE 1941-03-02", fill=fill, font=ImageFont.load_default(size))
    assert text_lines(np.asarray(image) / 255) >= 1


def test_of_real_films_only_the_one_with_text_is_found(shared):
    films = sorted((shared / "real" / "spine_frontal" / "images").iterdir())
    found = [path.name for path in films if text_lines(read_film(path).pixels)]
    assert [name[:9] for name in found] == ["Image_196"]  # "STANDING" along its lower edge, mirrored


def test_pairs_are_those_of_every_hash_against_every_other_whatever_the_blocks(rng, monkeypatch):
    plain, turned = rng.integers(0, 2**64, (2, 90), dtype=np.uint64)
    plain[60:] = plain[:30] ^ (np.uint64(1) << rng.integers(0, 64, 30, dtype=np.uint64))  # a bit apart
    skip = rng.random(90) < 0.1
    monkeypatch.setattr(duplicates, "BLOCK", (7, 11))
    for other, bits in ((plain, 12), (turned, 26)):
        monkeypatch.setattr(duplicates, "HASH_BITS", bits)
        apart = {(a, b): int(plain[a] ^ other[b]).bit_count() for a in range(90) for b in range(a + 1, 90)}
        near = [pair for pair, found in apart.items() if found <= bits and not skip[list(pair)].any()]
        near.sort(key=lambda pair: apart[pair])
        for most in (100_000, 5):
            monkeypatch.setattr(duplicates, "MOST_PAIRS", most)
            found = duplicates._candidates(plain, other, skip)
            assert near[:most] == list(zip(*found, strict=True)) and len(near) > 10
