"""The next version of a manifest: what changes, what is refused, and that nothing is ever overwritten."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from ovcf.cohort.versions import Change, exclude, next_version
from ovcf.files import digest
from ovcf.problems import InputError

ROWS = [
    ["patch_id", "patient_id", "level", "label", "image", "note"],
    ["v1", "007", "L1", "fresh", "a.png", '=1+1, "quoted"'],
    ["v2", "007", "Th12", "old", "a.png", ""],
    ["v3", "008", "L2", "old", "b.png", "é"],
    ["v4", "009", "L3", "fresh", "c.png", "x"],
]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def manifest(tmp_path):
    pd.DataFrame(ROWS[1:], columns=ROWS[0]).to_csv(tmp_path / "manifest.csv", index=False)
    return tmp_path / "manifest.csv"


def cells(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_only_what_was_corrected_differs_and_the_changes_say_who_when_and_why(manifest):
    before = manifest.read_bytes()
    changes = [Change("v2", "label", "fresh", "oedema on MRI"), exclude("v4", "metal")]
    made = next_version(manifest, changes, who="Dr B", when=NOON)
    assert made.name == "manifest-v2.csv" and manifest.read_bytes() == before
    expected = cells(manifest)
    expected.loc[1, "label"] = "fresh"
    pd.testing.assert_frame_equal(cells(made), expected[expected.patch_id != "v4"].reset_index(drop=True))
    about = cells(made.with_name("manifest-v2.changes.csv"))
    assert about.iloc[:, :7].to_numpy().tolist() == [
        ["v2", "label", "old", "fresh", "oedema on MRI", "Dr B", "2026-03-01T12:00:00+00:00"],
        ["v4", "row left out", "", "", "metal", "Dr B", "2026-03-01T12:00:00+00:00"],
    ]
    assert set(about.from_file) == {"manifest.csv"} and set(about.from_sha256) == {digest(manifest)}


def test_a_version_follows_the_last_one_and_none_is_overwritten(manifest):
    second = next_version(manifest, [Change("v2", "label", "fresh", "r")], who="B")
    third = next_version(second, [Change("v1", "label", "old", "r")], who="B")
    again = next_version(manifest, [Change("v1", "level", "L4", "r")], who="B")
    assert [path.name for path in (second, third, again)] == [f"manifest-v{n}.csv" for n in (2, 3, 4)]
    assert cells(third).label.tolist() == ["old", "fresh", "old", "fresh"]
    assert cells(again).label.tolist() == ["fresh", "old", "old", "fresh"]  # from the first version, as asked


def test_rows_are_added_with_a_reason(manifest):
    row = {"patch_id": "v5", "patient_id": "010", "label": "old", "image": "d.png"}
    made = next_version(manifest, [], who="B", added=[row], reason="found in the archive")
    assert cells(made).patch_id.tolist()[-1] == "v5" and cells(made).level.tolist()[-1] == ""
    assert cells(made.with_name("manifest-v2.changes.csv")).change.tolist() == ["row added"]


BAD = {
    "no such patch": [Change("v9", "label", "old", "r")],
    "no column to correct": [Change("v1", "colour", "red", "r")],
    "needs a reason": [Change("v2", "label", "fresh", " ")],
    "contradict": [Change("v2", "label", "fresh", "r"), exclude("v2", "r")],
    "unknown label": [Change("v2", "label", "healthy", "r")],
    "needs both classes": [Change("v2", "label", "fresh", "r"), exclude("v3", "r")],
    "nothing differs": [Change("v1", "label", "fresh", "r")],
}


@pytest.mark.parametrize("words", BAD)
def test_what_cannot_be_is_refused_and_writes_nothing(manifest, words):
    with pytest.raises(InputError, match=words):
        next_version(manifest, BAD[words], who="B")
    with pytest.raises(InputError, match="name of who"):
        next_version(manifest, [Change("v2", "label", "fresh", "r")], who=" ")
    assert [path.name for path in manifest.parent.iterdir()] == ["manifest.csv"]


def test_a_failed_writing_leaves_no_version_behind(manifest, monkeypatch):
    from ovcf.cohort import versions

    def full(path, text):
        raise OSError(28, "no space left")

    monkeypatch.setattr(versions, "write_text", full)
    with pytest.raises(OSError):
        next_version(manifest, [Change("v2", "label", "fresh", "r")], who="B")
    assert [path.name for path in manifest.parent.iterdir()] == ["manifest.csv"]
