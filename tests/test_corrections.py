"""Flags as corrections: the last word of each reviewer, contradictions named; heights graded; twins found."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ovcf.cohort.versions import EXCLUDED
from ovcf.problems import InputError
from ovcf.viz.corrections import corrected_manifest, corrections
from ovcf.viz.flags import FlagStore
from ovcf.viz.heights import measured_heights
from ovcf.viz.twins import nearest_twins


@pytest.fixture
def flags(tmp_path):
    return FlagStore(tmp_path / "flags.csv")


def test_the_last_word_of_a_reviewer_counts_and_plain_flags_correct_nothing(flags):
    flags.add("v1", "relabel fresh", reviewer="A", comment="oedema")
    flags.add("v1", "relabel old", reviewer="A", comment="no, sclerosis")
    flags.add("v1", "relabel old", reviewer="B", comment="agree")
    flags.add("v2", "exclude", reviewer="A", comment="metal")
    flags.add("v3", "label doubtful", reviewer="A")
    flags.add("v4", "exclude", reviewer="A", comment="blurred")
    flags.add("v4", "withdrawn", reviewer="A")
    found = corrections(flags.standing())
    assert [(c.patch_id, c.column, c.after) for c in found] == [("v1", "label", "old"), ("v2", EXCLUDED, "")]
    assert found[0].reason == "A: no, sclerosis; B: agree"


def test_reviewers_who_contradict_each_other_are_named(flags):
    flags.add("v1", "relabel fresh", reviewer="A", comment="oedema")
    flags.add("v1", "exclude", reviewer="B", comment="metal")
    with pytest.raises(InputError, match="A: relabel fresh; B: exclude"):
        corrections(flags.standing())


@pytest.mark.parametrize("given", [{"reviewer": "A"}, {"comment": "why"}, {}])
def test_a_correction_needs_a_reason_and_a_name(flags, given):
    with pytest.raises(ValueError, match="a reason and your name"):
        flags.add("v1", "exclude", **given)
    assert flags.history().empty


def test_flags_become_the_next_version_of_the_runs_manifest(flags, tmp_path):
    table = {"patch_id": ["v1", "v2", "v3"], "patient_id": "p", "label": ["fresh", "old", "old"], "image": "a.png"}
    pd.DataFrame(table).to_csv(tmp_path / "manifest.csv", index=False)
    study = SimpleNamespace(source=tmp_path, differs=False)
    with pytest.raises(InputError, match="no flag asks"):
        corrected_manifest(study, flags.standing(), "A")
    flags.add("v2", "relabel fresh", reviewer="A", comment="oedema")
    path, changes = corrected_manifest(study, flags.standing(), "A")
    assert path.name == "manifest-v2.csv" and len(changes) == 1
    assert pd.read_csv(path).label.tolist() == ["fresh", "fresh", "old"]
    study.differs = True
    with pytest.raises(InputError, match="changed after this run"):
        corrected_manifest(study, flags.standing(), "A")


def ends(*heights):
    """Six points, with these heights in front, in the middle and behind."""
    return [point for k, h in enumerate(heights) for point in ((10 * k, 5), (10 * k, 5 + h))]


# Genant 1993: to 20 % none, 20-25 % mild, 25-40 % moderate, above severe.
@pytest.mark.parametrize("least, grade", [(40, 0), (33, 0), (32, 1), (31, 1), (30, 2), (25, 2), (24, 3), (10, 3)])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_genants_grade_by_the_least_height_wherever_it_is(least, grade, place):
    heights = [40, 40, 40]
    heights[place] = least
    found = measured_heights(ends(*heights))
    assert (found.grade, found.unit) == (grade, "px") and found.loss == pytest.approx(1 - least / 40)


def test_a_body_crushed_as_a_whole_is_seen_by_its_neighbour():
    found = measured_heights(ends(20, 20, 20), mm_per_px=0.5, neighbour_mm=20)
    assert found.values == (10, 10, 10) and found.grade == 3 and "50 % below the neighbour's height" in str(found)
    assert measured_heights(ends(20, 20, 20)).grade == 0
    with pytest.raises(ValueError, match="six points"):
        measured_heights(ends(20, 20))


def test_the_twin_is_on_another_film_and_found_by_the_slow_way_too(rng):
    images = [np.kron(rng.integers(0, 255, (8, 8)), np.ones((8, 8))).astype(np.uint8) for _ in range(12)]
    images[7] = np.clip(images[2].astype(int) + 4, 0, 255).astype(np.uint8)  # brightened a little
    images[3] = images[2]
    films = ["a", "a", "b", "b", "c", "c", "d", "d", "e", "e", "f", "f"]
    twins = nearest_twins(images, films)
    assert twins.row[2] == 7 and twins.row[3] == 7 and twins.apart[2] <= 4 and twins.row[7] == 2
    assert all(films[i] != films[j] for i, j in enumerate(twins.row))
    alone = nearest_twins(images[:2], ["a", "a"])
    assert alone.row.tolist() == [-1, -1]
