"""The other hospital of the synthetic cohorts differs in what it says, and shares nobody with the first."""

import numpy as np
import pandas as pd
import pytest

from ovcf.cohort.manifest import read_cohort
from ovcf.problems import InputError
from ovcf.synthetic import synthesise
from ovcf.synthetic.hospitals import HOSPITALS
from ovcf.synthetic.phantom import Effects, portray
from ovcf.synthetic.roster import TABLE1_FRESH, roster, table1_vertebrae

PERSON = {"patient_id": "P0001", "age": 74.0, "sex": "female"}


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return synthesise(tmp_path_factory.mktemp("b"), patients=12, seed=3, hospital="B", workers=1, progress=False)


def test_another_hospital_has_its_own_prevalence_and_levels():
    home, away = (table1_vertebrae(400, HOSPITALS[name]) for name in "AB")
    assert (away.label == "fresh").mean() == pytest.approx(0.35, abs=0.002)
    assert (home.label == "fresh").mean() == pytest.approx(364 / 720, abs=0.002)
    place = {level: i for i, level in enumerate(home.level.unique())}
    assert away.level.map(place).mean() > home.level.map(place).mean() + 0.5


def test_the_papers_hospital_keeps_table_1():
    assert HOSPITALS["A"].level_weights(TABLE1_FRESH).tolist() == list(TABLE1_FRESH)


def test_no_id_stands_in_both(other):
    home, _ = roster(12, 3)
    _, people = roster(12, 3, HOSPITALS["B"])
    assert set(people.patient_id) & set(roster(12, 3)[1].patient_id) == set()
    manifest = pd.read_csv(other)
    assert set(manifest.patient_id) == set(people.patient_id) and manifest.patch_id.str.startswith("R").all()


def test_its_films_come_from_its_own_scanners_and_read_as_synthetic(other):
    manifest = pd.read_csv(other)
    assert set(manifest.scanner) <= {scanner.name for scanner in HOSPITALS["B"].scanners}
    assert not set(manifest.scanner) & {scanner.name for scanner in HOSPITALS["A"].scanners}
    cohort = read_cohort(other)
    assert cohort.synthetic and np.isfinite(cohort.patches.x0).all()


def test_its_beam_is_collimated_closer_and_still_shows_the_neighbours(other):
    rows, _ = roster(12, 3)
    rows = [part for _, part in rows.groupby("patient")]
    for number, part in enumerate(rows[:3]):
        films = {}
        for name, place in HOSPITALS.items():
            films[name] = portray(PERSON, part, Effects(), np.random.default_rng(number), place)
        heights = {name: len(p.film) * p.scanner.mm_per_px for name, p in films.items()}
        assert heights["B"] < heights["A"]
        there, names = films["B"], [body.level for body in films["B"].bodies]
        for level in part.level:
            for beside in (-1, 1):
                _, y0, _, y1 = there.place.box(there.bodies[names.index(level) + beside])
                assert 0 <= y0 and y1 <= len(there.film)


def test_an_unknown_hospital_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="unknown hospital"):
        synthesise(tmp_path, patients=12, hospital="C")
