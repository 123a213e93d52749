"""Predictions and patches that do not belong together are named, row by row."""

import pandas as pd
import printed
import pytest

from ovcf.files import write_text
from ovcf.problems import InputError
from ovcf.run_folder.ledger import Ledger
from ovcf.study import Study
from ovcf.study.agreement import check_agreement, disagreements

FILE = "tables/predictions.csv"
EDITS = {
    "patch_id": "elsewhere",
    "patient_id": "p99",
    "truth": lambda value: 1 - value,
    "fold": lambda value: 3 - value,
}


@pytest.mark.parametrize("network", range(2))
@pytest.mark.parametrize("column", EDITS)
def test_any_row_of_another_patch_patient_class_or_fold_is_named(rng, column, network):
    table, patches = printed.predictions(), printed.patches()
    assert disagreements(table, patches, FILE) == []
    row = 24 * network + int(rng.integers(24))
    edit = EDITS[column]
    table.loc[row, column] = edit(table[column][row]) if callable(edit) else edit
    problems = disagreements(table, patches, FILE)
    assert {(p.row, p.column) for p in problems if p.row} == {(row + 2, column)}
    assert [p.kind for p in problems if not p.row] == ["patches_missing"] * (column == "patch_id")


def test_a_patch_twice_and_a_patch_that_is_missing_are_named():
    table, patches = printed.predictions(), printed.patches()
    with pytest.raises(InputError, match="row 50, column patch_id: this patch is predicted twice"):
        check_agreement(pd.concat([table, table[3:4]], ignore_index=True), patches, FILE)
    with pytest.raises(InputError, match="resnet101, patient: 2 of the run's 24 patches have no prediction"):
        check_agreement(table[2:], patches, FILE)
    check_agreement(table[2:], patches, FILE, whole=False)


def test_a_run_whose_files_do_not_belong_together_is_not_read(tmp_path, monkeypatch):
    """Every digest fits, as after a copy of one run's table, with its entry, into another's folder."""
    monkeypatch.setenv("OVCF_DATA", str(tmp_path / "data"))
    tiny = {"patients": 16, "folds": 2, "image_size": 48, "networks": ["efficientnet_lite0"], "epochs": 1, "workers": 1}
    study = Study.begin(tmp_path / "run", **tiny)
    table = study.train_networks()
    assert len(Study(study.run).predictions) == len(table)
    write_text(study.run / FILE, table.assign(fold=3 - table.fold).to_csv(index=False))
    Ledger(study.run).enter(FILE)
    with pytest.raises(InputError, match="column fold: is not what tables/patches.csv of this run says") as refused:
        Study(study.run).predictions  # noqa: B018
    assert len(refused.value.problems) == min(20, len(table))
