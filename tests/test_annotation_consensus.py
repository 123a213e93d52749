"""Two annotators together: pairs, differences, shifts, agreement against a peer, decisions; odd cases never crash."""

import numpy as np
import pandas as pd
import pytest
from annotation_parts import annotate, begin, box
from sklearn.metrics import cohen_kappa_score

from ovcf.annotation.agreement import agreement_table, shifts
from ovcf.annotation.consensus import AGREED, DECIDED, ONE, OPEN, JointSession
from ovcf.annotation.journal import Annotator
from ovcf.annotation.marks import mark_values
from ovcf.annotation.state import progress, read_state, remarks
from ovcf.intake.annotators import cohens_kappa
from ovcf.reading.roster import add_readers


@pytest.fixture
def begun(tmp_path):
    work, cohort = begin(tmp_path, 3)
    add_readers(cohort / "annotation", ["Anna", "Bernd"])
    return work, cohort


def test_kappa_of_several_classes_is_scikit_learns(rng):
    one, other = rng.integers(0, 4, (2, 300))
    other = np.where(rng.random(300) < 0.6, one, other)
    cells = np.zeros((4, 4))
    np.add.at(cells, (one, other), 1)
    assert cohens_kappa(cells.ravel()) == pytest.approx(cohen_kappa_score(one, other))
    assert np.isnan(cohens_kappa(np.diag([5.0, 0]).ravel()))


def test_what_two_differ_in_is_named_and_nothing_else_is_asked(begun):
    work, cohort = begun
    annotate(work, cohort, "Anna")
    annotate(work, cohort, "Bernd", dx=4, labels=("fresh", "fresh", "normal", "old"))
    Annotator(work, "Bernd", cohort).keep("02.png", "unmark", mark="Bernd3")
    Annotator(work, "Bernd", cohort).keep("03.png", "mark", mark="Bernd0", level="T11", label="fresh", **box(0, dx=30))
    state = read_state(cohort)
    asked = {(item.film.film, item.differences) for item in state.open}
    assert asked == {
        ("01.png", ("label",)), ("02.png", ("label",)), ("02.png", ("marked by one",)),
        ("03.png", ("label",)), ("03.png", ("box",)),
    }  # fmt: skip
    assert [one.how for one in state.settled].count(AGREED) == 7


def test_agreement_has_every_measure_with_an_interval_by_patients(begun):
    work, cohort = begun
    annotate(work, cohort, "Anna")
    annotate(work, cohort, "Bernd", dx=4, labels=("fresh", "fresh", "cannot say", "old"))
    Annotator(work, "Bernd", cohort).keep("03.png", "mark", mark="Bernd1", level="T12", label="old", **box(1))
    table = agreement_table(read_state(cohort).films).set_index("measure")
    label = table.loc["same label"]
    assert label["value"] == pytest.approx(7 / 12) and label["low"] <= 7 / 12 <= label["high"] and label["low"] < 0.55
    said = ["fresh old normal old".split() * 3, "fresh fresh no old fresh fresh no old fresh old no old".split()]
    kappa = table.loc["Cohen's kappa of the label (4 classes)", "value"]
    assert kappa == pytest.approx(cohen_kappa_score(*said))
    # boxes 50 wide that stand 4 apart overlap by 46 of 54; one of the twelve is the same
    assert table.loc["mean IoU of boxes", "value"] == pytest.approx((11 * 46 / 54 + 1) / 12)
    assert table.loc["same level", "value"] == 1 and (table["patients"] == 3).all()


def test_a_count_that_is_shifted_by_one_level_is_said(begun):
    work, cohort = begun
    annotate(work, cohort, "Anna")
    annotate(work, cohort, "Bernd", ["01.png", "02.png"])
    annotate(work, cohort, "Bernd", ["03.png"], levels=("T12", "L1", "L2", "L3"))
    state = read_state(cohort)
    assert shifts(state.films).values.tolist() == [["03.png", "03", 1]]
    assert "03.png: Bernd counts 1 level below Anna: one of them miscounted?" in remarks(state)


def test_a_decision_counts_for_the_marks_it_was_made_of_and_no_longer(begun):
    work, cohort = begun
    annotate(work, cohort, "Anna")
    bernd = annotate(work, cohort, "Bernd", labels=("fresh", "fresh", "normal", "old"))
    before = bernd.path.read_bytes()
    session = JointSession(work, cohort)
    first, second, third = read_state(cohort).open
    with pytest.raises(ValueError, match="names of those"):
        session.decide(first, "  ", "first")
    session.decide(first, "Anna, Bernd", "second", comment="oedema in STIR")
    session.decide(second, "Anna, Bernd", "no case")
    own = mark_values(third.pair.a) | box(1, dx=2) | {"level": "T12", "label": "fresh"}
    session.decide(third, "Anna, Bernd", "own", **own)
    state = read_state(cohort)
    decided = [one for one in state.settled if one.how == DECIDED]
    assert not state.open and [one.mark and one.mark.label for one in decided] == ["fresh", None, "fresh"]
    assert decided[2].mark.x0 == 62 and decided[0].decision.who == "Anna, Bernd" and decided[0].decision.time
    assert (decided[0].a.label, decided[0].b.label) == ("old", "fresh") and bernd.path.read_bytes() == before
    bernd.keep("01.png", "mark", mark="Bernd1", level="T12", label="cannot say", **box(1))
    state = read_state(cohort)
    assert [item.key for item in state.open] == [first.key]
    assert [one.how for one in state.settled].count(OPEN) == 1
    session.reopen(second.key, "Anna")
    assert len(read_state(cohort).open) == 2


def test_whether_a_film_is_left_out_is_decided_by_people_too(begun):
    work, cohort = begun
    annotate(work, cohort, "Anna")
    bernd = annotate(work, cohort, "Bernd")
    bernd.keep("02.png", "film", done=True, exclusion="MRI unavailable")
    state = read_state(cohort)
    (item,) = state.open
    assert item.differences == ("film left out",) and {one.film for one in state.settled} == {"01.png", "03.png"}
    JointSession(work, cohort).decide(item, "both", "second")
    state = read_state(cohort)
    assert state.left_out == {"02.png": "MRI unavailable"} and not state.open
    JointSession(work, cohort).decide(item, "both", "first")
    assert {one.film for one in read_state(cohort).settled} == {"01.png", "02.png", "03.png"}


def test_one_annotator_other_classes_and_missing_films_never_crash(begun):
    work, cohort = begun
    assert read_state(cohort).names == () and "nobody has annotated" in remarks(read_state(cohort))[0]
    annotate(work, cohort, "Bernd", labels=("cannot say", "", "normal", "fresh"))
    (cohort / "films" / "02.png").unlink()
    state = read_state(cohort)
    assert {one.how for one in state.settled} == {ONE} and len(state.settled) == 12
    assert agreement_table(state.films).empty and list(progress(state)["annotator"]) == ["Bernd"]
    said = " ".join(remarks(state))
    assert "02.png: is missing" in said and "one annotator (Bernd)" in said and "without level or label" in said
    annotate(work, cohort, "Anna", ["01.png"], labels=("old", "old", "old", "old"))
    state = read_state(cohort)
    assert isinstance(agreement_table(state.films), pd.DataFrame)
    assert [item.film.film for item in state.open] == ["01.png"] * 4
    assert "Anna: 2 of 3 films not done" in " ".join(remarks(state))


def test_two_who_mark_nothing_in_common_are_all_differences(begun):
    work, cohort = begun
    Annotator(work, "Anna", cohort).keep("01.png", "mark", mark="m", level="L1", label="old", **box(0))
    Annotator(work, "Bernd", cohort).keep("01.png", "mark", mark="m", level="L1", label="old", **box(3))
    for name in ("Anna", "Bernd"):
        Annotator(work, name, cohort).keep("01.png", "film", done=True)
    state = read_state(cohort)
    assert [item.differences for item in state.open] == [("marked by one",)] * 2
    assert len({item.key for item in state.open}) == 2
