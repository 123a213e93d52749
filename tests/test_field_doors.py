"""Inputs that failed in the field, as their users met them: by the command. data/README.md lists them all."""

import json
import re
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from ovcf.cli import main
from ovcf.figures.cohort import body_heights
from ovcf.stats.cohort import box_sizes

HEADER = ["patch_id", "patient_id", "image", "level", "label", "x0", "y0", "x1", "y1", "mm_per_px", "age", "sex"]
HEIGHTS = ["anterior_height_mm", "middle_height_mm", "posterior_height_mm", "neighbour_height_mm"]


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Eight small films."""
    folder = tmp_path_factory.mktemp("field")
    rng = np.random.default_rng(0)
    for k in range(8):
        Image.fromarray(rng.integers(0, 255, (90, 80)).astype(np.uint8)).save(folder / f"{k}.png")
    return folder


def table(**columns):
    """A manifest of those films."""
    rows = [(f"S{k}", f"P{k}", f"{k}.png", "L1", ("old", "fresh")[k % 2], 10.25, 12.5, 60.0, 50.75, 0.42, 70.0 + k,
             ("female", "male")[k % 2]) for k in range(8)]  # fmt: skip
    return pd.DataFrame(rows, columns=HEADER).assign(**columns)


def checked(manifest, tmp_path):
    """What `ovcf check` says: its exit status and its JSON."""
    result = CliRunner().invoke(main, ["check", str(manifest), "--json", "--out", str(tmp_path / "out")])
    return result.exit_code, json.loads(result.stdout)


def read(manifest):
    from ovcf.cohort.manifest import read_cohort

    return read_cohort(manifest).patches


def test_01_a_box_with_a_coordinate_missing_is_an_error(films, tmp_path):
    manifest = films / "partial.csv"
    table(x0=["NA", *["10"] * 7]).to_csv(manifest, index=False)
    status, findings = checked(manifest, tmp_path)
    assert status == 2 and [(e["kind"], e["row"], e["column"]) for e in findings["errors"]] == [
        ("partial_box", 2, "x0")]  # fmt: skip


@pytest.mark.parametrize("dialect", [{"na_rep": "NA"}, {"sep": ";", "decimal": ","}])
def test_12_heights_are_numbers_whatever_stood_in_them(films, tmp_path, dialect):
    heights = {name: [np.nan, *np.linspace(13.5, 20.25, 7)] for name in HEIGHTS}
    manifest = films / "heights.csv"
    table(**heights, normal_height=False).to_csv(manifest, index=False, **dialect)
    status, _ = checked(manifest, tmp_path)
    patches = read(manifest)
    assert status == 0 and all(patches[name].dtype == float for name in HEIGHTS)
    assert patches["middle_height_mm"].iloc[1] == 13.5 and len(box_sizes(patches))
    import matplotlib.pyplot as plt

    body_heights(patches, plt.figure().subplots())  # Figure 3 is where the run stopped


def test_12_heights_that_are_no_numbers_are_refused_with_row_and_column(films, tmp_path):
    manifest = films / "heights.csv"
    table(middle_height_mm=["flat", *["12"] * 7]).to_csv(manifest, index=False)
    status, findings = checked(manifest, tmp_path)
    (error,) = findings["errors"]
    assert status == 2 and (error["row"], error["column"], error["found"]) == (2, "middle_height_mm", "flat")


def book(path):
    workbook = openpyxl.Workbook()
    workbook.active.append(HEADER)
    for row in table().itertuples(index=False):
        workbook.active.append(list(row))
    workbook.save(path)


CASE_18 = {
    "sep": lambda path: path.write_text("sep=;\r\n" + table().to_csv(index=False, sep=";", decimal=",")),
    "trailing": lambda path: path.write_text(table().to_csv(index=False).replace("\n", ",,,\n")),
    "rownames": lambda path: path.write_text(table().to_csv(quoting=2)),
    "rna": lambda path: table(level=["", *["L1"] * 7], sex=["", *["male"] * 7]).to_csv(path, index=False, na_rep="NA"),
    "book": book,  # an Excel workbook that is called manifest.csv
}


@pytest.mark.parametrize("name", CASE_18)
def test_18_what_excel_and_r_save_is_read(films, tmp_path, name):
    manifest = films / f"{name}.csv"
    CASE_18[name](manifest)
    status, findings = checked(manifest, tmp_path)
    patches = read(manifest)
    assert status == 0 and findings["counts"]["patches"] == 8
    np.testing.assert_array_equal(patches[["x0", "mm_per_px"]], [[10.25, 0.42]] * 8)
    assert patches["age"].tolist() == [70.0 + k for k in range(8)]


def test_10_readers_takes_semicolons_and_decimal_commas(tmp_path):
    rng = np.random.default_rng(1)
    rows = [(r, t, c, c % 2, round(rng.normal(c % 2), 1)) for r in (1, 2, 3) for t in (1, 2) for c in range(20)]
    columns = ["reader", "treatment", "case", "truth", "rating"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "r.csv", index=False, sep=";", decimal=",")
    result = CliRunner().invoke(main, ["readers", str(tmp_path / "r.csv")])
    assert result.exit_code == 0 and "3 readers, 2 treatments, 20 cases" in result.output
    assert "Note: read with semicolons as separators" in result.output


def test_every_test_that_the_field_log_names_is_there():
    here = Path(__file__).parent
    log = (here.parent / "data" / "README.md").read_text().partition("## Field log")[2]
    named = re.findall(r"(test_\w+\.py)::(test_\w+) \|", log)
    assert len(named) > 30
    missing = [name for file, name in named if f"def {name}(" not in (here / file).read_text()]
    assert missing == []
