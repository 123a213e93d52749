"""Captions of the cohort and its patches."""

from collections.abc import Mapping, Sequence

import pandas as pd

from ovcf.tables.captions.words import Words, of_whom, words
from ovcf.words import network_title


def inclusion(flow: pd.DataFrame, label: str) -> Words:
    """Figure 1."""
    first, last = flow.iloc[0], flow.iloc[-1]
    caption = f"Patients kept and excluded, in the order of the criteria ({label}). Numbers are patients."
    return words(caption, f"Flow chart: {first.n} patients collected, {last.n} included, one exclusion a step.")


def films(count: int, label: str) -> Words:
    """Example films."""
    caption = f"{count} films drawn at random ({label}). Box solid: fresh, dashed: old."
    return words(caption, *[f"Lateral film {i + 1} of {count} with the boxes of its vertebrae." for i in range(count)])


def levels_and_ages(patches: pd.DataFrame, label: str) -> Words:
    """Levels by class, ages by sex."""
    n = patches.label.value_counts()
    caption = f"(a) Vertebrae by level and class; (b) ages of patients by sex ({of_whom(patches, label)})."
    return words(
        caption,
        f"Bars: {n.get('fresh', 0)} fresh and {n.get('old', 0)} old vertebrae over the levels.",
        "Histogram of the patients' ages, stacked by sex.",
    )


def heights(shown: pd.DataFrame, example: pd.Series | None, label: str) -> Words:
    """Figure 3."""
    kept = int((shown.label.eq("fresh") & shown.normal_height.astype(bool)).sum())
    plot = (
        "Middle height of the body over the mean of its neighbours', one dot a vertebra; bar: median; dashed: as high "
        f"as the neighbours. {len(shown)} with measured heights, {kept} fresh ones as high as normal ({label})."
    )
    alt = "Dots: relative heights of fresh compressed, fresh of normal height, and old vertebrae, with medians."
    if example is None:
        return words(plot, alt)
    film = f"ilm of a fresh fracture of normal height (patch {example.patch_id}, {example.level or 'level unknown'})"
    return words(f"(a) F{film}, boxed. (b) {plot}", f"F{film} among its neighbours.", alt)


def warnings(pictures: Mapping[str, Sequence], label: str) -> Words:
    """What the check warned about."""
    kinds = ", ".join(kind.replace("_", " ") for kind in pictures)
    caption = f"What the check warned about in pictures; at most two of a kind: {kinds} ({label}); others have none."
    return words(caption, f"Thumbnails of patches with a warning: {kinds}.")


def pipeline(one: pd.Series, networks: Sequence[str], label: str, *, equalised: bool) -> Words:
    """Figure 2."""
    caption = (
        f"The six steps on one vertebra (patch {one.patch_id}, {one.level or 'level unknown'}, {one.label}; {label}): "
        f"(a) film with the annotated box, (b) patch with its margin, (c) {_step(equalised)}, (d) labelled by the "
        "reference standard, (e) networks compared, (f) one network chosen."
    )
    names = ", ".join(map(network_title, networks))
    return words(caption, f"Six steps from a film with a box to one chosen network; compared are {names}.")


def _step(equalised: bool) -> str:
    return "equalised" if equalised else "as it is, without equalisation"


def equalisation(labels: Sequence[str], label: str) -> Words:
    """The patch under each equalisation."""
    caption = (
        f"One patch of each class as cut, equalised globally and by CLAHE ({label}). Beneath each: how often each grey "
        "value occurs (bars) and the cumulative share (line)."
    )
    return words(caption, *[f"One {name} vertebra three times with its grey-value histograms." for name in labels])


def patches(groups: Mapping[str, Sequence], label: str) -> Words:
    """Random patches of each class."""
    sizes = " and ".join(f"{len(images)} {name}" for name, images in groups.items())
    caption = f"Patches drawn at random, as the networks see them: {sizes} ({label})."
    return words(caption, *[f"{len(images)} {name} vertebrae as patches." for name, images in groups.items()])
