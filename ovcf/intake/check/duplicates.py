"""Copies: the same patch twice, nearly the same patch, the same film under two patients.

Exact copies share a digest of their pixels. Near copies (saved again as JPEG, resized, brightened, cropped a
little differently, mirrored) are looked for by perceptual hash and then verified on the thumbnails, since
hashes alone also meet for films that merely look alike.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ovcf.cohort.films.greys import BLANK_SPREAD
from ovcf.intake.check.film_facts import Facts, Places
from ovcf.problems import Problem

# Calibrated on 421 chest films and 964 frontal vertebrae: no two distinct ones within 14 bits correlate by
# more than 0.83, nearly all by less than 0.78; the same chest film as JPEG of quality 60, at 60 % of its
# size, or with 2 % cut off two sides is found in 100, 100 and 99 of 100 cases. Patches under 30 px are lost
# when rescaled.
HASH_BITS = 12  # of 64
CORRELATION = 0.85
SHIFT = 4  # px of 64: two annotators' boxes do not start at the same pixel
BLUR = 4.0  # px of 64: what is smoother than this is anatomy shared by everyone
MOST_PAIRS = 100_000
CHUNK = 2000  # pairs of thumbnails correlated at once
BLOCK = 64, 2048  # hashes compared with hashes at once: what fits into a processor's cache goes ten times as fast


class Copies(NamedTuple):
    """Items that are the same picture: their places, how they meet ("exact" ..), the least correlation."""

    members: tuple[int, ...]
    how: str
    correlation: float


def exact_copies(digests: Any) -> list[Copies]:
    """Groups of places whose digests are equal.

    What it cannot see: a copy of which one byte differs: see `near_copies`.
    """
    places = pd.Series(np.arange(len(digests))).groupby(np.asarray(digests, object), sort=False)
    return [Copies(tuple(group.tolist()), "exact", 1.0) for _, group in places if len(group) > 1]


def near_copies(hashes: dict[str, np.ndarray], thumbs: np.ndarray, skip: np.ndarray) -> list[Copies]:
    """Groups of items that are nearly the same picture.

    Parameters
    ----------
    hashes : dict
        uint64 (n,) arrays: "as it is", and any of "mirrored", "upside down" (hashes of the turned
        thumbnails).
    thumbs : uint8 array (n, 64, 64)
    skip : bool array (n,)
        Items not to look at: blank ones, which resemble each other, and all but one of exact copies.

    Returns
    -------
    list of Copies
        Connected groups; `how` names how the closest pair meets.

    What it cannot see: a copy that was turned by another angle, cut elsewhere or taken as another film of the same
    patient.
    """
    plain, pairs = hashes["as it is"], {}
    for how, turned in hashes.items():
        one, other = _candidates(plain, turned, skip)
        if len(one):
            found = correlations(thumbs[one], _turned(thumbs[other], how))
            for a, b, value in zip(one, other, found, strict=True):
                if value >= CORRELATION and value > pairs.get((a, b), ("", 0.0))[1]:
                    pairs[a, b] = (how, float(value))
    return _groups(pairs, len(plain))


def _candidates(plain: np.ndarray, turned: np.ndarray, skip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (a < b) whose hashes differ by at most `HASH_BITS`; the closest `MOST_PAIRS` of them."""
    kept = np.flatnonzero(~skip)
    own, others, pairs = plain[kept], turned[kept], np.empty((0, 3), int)
    for first, start in _blocks(len(kept)):
        apart = np.bitwise_count(own[first : first + BLOCK[0], None] ^ others[start : start + BLOCK[1]])
        if apart.min() > HASH_BITS:
            continue
        a, b = np.nonzero(apart <= HASH_BITS)
        later = first + a < start + b
        found = np.column_stack([kept[first + a], kept[start + b], apart[a, b]])[later]
        pairs = np.concatenate([pairs, found])
        if len(pairs) > 2 * MOST_PAIRS:
            pairs = _closest(pairs)
    pairs = _closest(pairs)
    return pairs[:, 0], pairs[:, 1]


def _blocks(n: int) -> Iterator[tuple[int, int]]:
    """Where blocks of rows and of columns begin that hold every pair (a < b) of n."""
    for first in range(0, n, BLOCK[0]):
        for start in range(first, n, BLOCK[1]):
            yield first, start


def _closest(pairs: np.ndarray) -> np.ndarray:
    """The closest `MOST_PAIRS` of pairs (a, b, bits); of equally close ones those that come first."""
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0], pairs[:, 2]))[:MOST_PAIRS]]


def correlations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Greatest correlation of the fine structure of thumbnails over shifts of up to 4 px, pair by pair.

    Parameters
    ----------
    one, other : uint8 arrays (n, 64, 64)

    Returns
    -------
    float array (n,)
    """
    best = np.full(len(one), -1.0)
    for start in range(0, len(one), CHUNK):
        part = slice(start, start + CHUNK)
        a, b = _fine(one[part]), _fine(other[part])
        inner = _unit(a[:, SHIFT:-SHIFT, SHIFT:-SHIFT])
        size = inner.shape[1]
        for dy in range(2 * SHIFT + 1):
            for dx in range(2 * SHIFT + 1):
                moved = _unit(b[:, dy : dy + size, dx : dx + size])
                best[part] = np.maximum(best[part], np.einsum("nij,nij->n", inner, moved))
    return best


def _fine(thumbs: np.ndarray) -> np.ndarray:
    """What is left of thumbnails without their smooth part."""
    greys = thumbs.astype(np.float32)
    return greys - gaussian_filter(greys, (0, BLUR, BLUR))


def _unit(images: np.ndarray) -> np.ndarray:
    """Images with mean 0 and length 1."""
    centred = images - images.mean((1, 2), keepdims=True)
    return centred / np.maximum(np.sqrt((centred**2).sum((1, 2), keepdims=True)), 1e-6)


def _turned(thumbs: np.ndarray, how: str) -> np.ndarray:
    return {"mirrored": thumbs[:, :, ::-1], "upside down": thumbs[:, ::-1]}.get(how, thumbs)


def _groups(pairs: dict, n: int) -> list[Copies]:
    """Connected groups of the verified pairs."""
    if not pairs:
        return []
    a, b = np.array(list(pairs)).T
    _, group = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(n, n)), directed=False)
    table = pd.DataFrame(
        {"group": group[a], "how": [how for how, _ in pairs.values()], "value": [value for _, value in pairs.values()]}
    )
    found, everyone = [], pd.Series(np.arange(n)).groupby(group)
    for number, rows in table.groupby("group"):
        closest = rows.loc[rows["value"].idxmax()]
        members = tuple(everyone.indices[number].tolist())
        found.append(Copies(members, closest["how"], float(rows["value"].min())))
    return found


def copied_patches(places: Places, facts: Facts) -> tuple[list[Problem], list[tuple[str, Copies]]]:
    """Exact and near copies among the patches; worst are those across patients or with different labels.

    What it cannot see: the same vertebra on two different films.
    """
    seen = facts.patches
    exact = exact_copies(seen["digest"])
    skip = (seen["spread"] < BLANK_SPREAD).to_numpy(copy=True)
    for group in exact:
        skip[list(group.members[1:])] = True
    hashes = {"as it is": seen["hash"], "mirrored": seen["hash_mirrored"], "upside down": seen["hash_turned"]}
    near = near_copies({how: column.to_numpy(np.uint64) for how, column in hashes.items()}, facts.patch_thumbs, skip)
    groups = [("duplicate_patch", group) for group in exact] + [("near_duplicate_patch", group) for group in near]
    named, problems = [], []
    for kind, group in groups:
        rows = places.table.iloc[list(group.members)]
        kind += "_across_patients" if rows["patient_id"].nunique() > 1 else ""
        named.append((kind, group))
        problems.append(places.problem(kind, group.members[0], _copies_in_words(rows, group), "image"))
    return problems, named


def _copies_in_words(rows: pd.DataFrame, group: Copies) -> str:
    """Which patches, which patients, which labels."""
    others, extra = rows["patch_id"].iloc[1:6].tolist(), len(rows) - 6
    text = "the same pixels as " if group.how == "exact" else f"nearly the same picture ({group.how}) as "
    text += ", ".join(others) + (f" and {extra} more" if extra > 0 else "")
    if rows["patient_id"].nunique() > 1:
        text += f"; patients {', '.join(pd.unique(rows['patient_id'])[:4])}"
    return text + ("; the labels differ" if rows["label"].nunique() > 1 else "")


def copied_films(places: Places, facts: Facts) -> list[Problem]:
    """Films that are the same picture under two names, or one file used for two patients.

    Ready patches are left to `copied_patches`.

    What it cannot see: a film that was cropped, turned or taken again.
    """
    table, films = places.table, facts.films
    whole = ~facts.patches.groupby(table["image"].to_numpy())["ready"].any().reindex(films.index).to_numpy(bool)
    exact = exact_copies(np.where(whole, films["pixel_digest"], films.index))
    skip = ~whole
    for group in exact:
        skip[list(group.members[1:])] = True
    near = near_copies({"as it is": films["hash"].to_numpy(np.uint64)}, facts.film_thumbs, skip)
    problems, first = [], table.reset_index(drop=True).groupby("image", sort=False).head(1)
    first = pd.Series(first.index, index=first["image"])
    owners = table.groupby("image")["patient_id"].unique()
    for group in exact + near:
        names = films.index[list(group.members)]
        people = pd.unique(np.concatenate([owners[name] for name in names]))
        kind = "same_film_two_patients" if len(people) > 1 else "duplicate_film"
        how = "the same pixels" if group.how == "exact" else "nearly the same film"
        text = f"{how} in {', '.join(names[:5])}" + (f"; patients {', '.join(people[:5])}" if len(people) > 1 else "")
        problems.append(places.problem(kind, first[names[0]], text, "image"))
    for name, people in owners.items():
        if len(people) > 1:
            problems.append(
                places.problem(
                    "same_film_two_patients",
                    first[name],
                    f"one film belongs to patients {', '.join(people[:5])}",
                    "patient_id",
                )
            )
    return problems
