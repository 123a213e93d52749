"""Flags: kept at once, withdrawn per reviewer, exported without formulas."""

import csv

import pandas as pd
import pytest

from ovcf.viz.corrections import corrections
from ovcf.viz.flags import FlagStore, harmless_cell, joint_review


@pytest.fixture
def store(tmp_path):
    return FlagStore(tmp_path / "flags.csv")


def test_a_flag_is_in_the_file_before_add_returns(store):
    store.add("p1", "poor image", reviewer="Anna", network="vgg16", comment="moved, twice")
    rows = list(csv.DictReader(store.path.open(encoding="utf-8")))
    assert rows[0]["patch_id"] == "p1" and rows[0]["comment"] == "moved, twice"


def test_another_store_on_the_same_file_sees_it(store):
    store.add("p1", "poor image")
    assert FlagStore(store.path).standing()["patch_id"].tolist() == ["p1"]


def test_withdrawing_takes_back_only_ones_own_earlier_flags(store):
    store.add("p1", "poor image", reviewer="Anna")
    store.add("p1", "label doubtful", reviewer="Ben")
    store.add("p1", "withdrawn", reviewer="Anna")
    assert store.standing()["reviewer"].tolist() == ["Ben"]
    store.add("p1", "other finding", reviewer="Anna")
    assert sorted(store.standing()["flag"]) == ["label doubtful", "other finding"]
    assert len(store.history()) == 4


@pytest.mark.parametrize("spelled", ["anna  meier", " Anna Meier", "ANNA\u00a0MEIER", "Anna\u200b Meier"])
def test_one_reviewer_is_one_however_the_name_is_spelled(store, spelled):
    store.add("p1", "poor image", reviewer="Anna Meier")
    store.add("p1", "label doubtful", reviewer=spelled)
    assert joint_review(store.standing())["reviewers"].tolist() == [1]
    store.add("p1", "relabel old", reviewer=spelled, comment="edge")
    store.add("p1", "relabel fresh", reviewer="Anna Meier", comment="no: a step")  # her last word counts
    assert [(change.after, change.reason) for change in corrections(store.standing())] == [
        ("fresh", "Anna Meier: no: a step")
    ]
    store.add("p1", "withdrawn", reviewer=spelled)
    assert store.standing().empty
    for name in ("Anna Meyer", ""):
        store.add("p1", "poor image", reviewer=name)
    assert joint_review(store.standing())["reviewers"].tolist() == [2]


def test_an_unknown_flag_is_refused(store):
    with pytest.raises(ValueError, match="label doubtful"):
        store.add("p1", "nonsense")


def test_the_list_for_joint_review_has_one_row_a_patch_and_no_formula(store, tmp_path):
    store.add("=cmd|' /C calc'!A0", "label doubtful", reviewer="Anna", comment="=1+1")
    store.add("p2", "poor image", reviewer="Anna", comment="@SUM(A1)")
    store.add("p2", "label doubtful", reviewer="Ben")
    table = pd.DataFrame({"patch_id": ["p2", "=cmd|' /C calc'!A0"], "level": ["L1", "-2"], "label": "old"})
    path = store.export(tmp_path / "review.csv", table)
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert [r["patch_id"] for r in rows] == ["p2", "'=cmd|' /C calc'!A0"]
    assert rows[0]["reviewers"] == "2" and rows[0]["flags"] == "poor image; label doubtful"
    assert rows[1]["level"] == "'-2"
    assert all(not cell.startswith(tuple("=+-@")) for r in rows for cell in r.values())


def test_an_empty_list_exports(store, tmp_path):
    assert store.export(tmp_path / "none.csv").read_text().startswith("patch_id,reviewers,flags")


def test_numbers_are_left_alone():
    assert harmless_cell(-0.5) == -0.5 and harmless_cell("a-b") == "a-b" and harmless_cell(" =x") == "' =x"
