"""The whole sequence by papermill on a tiny synthetic cohort, and what is kept when a notebook stops."""

import json
import shutil

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from click.testing import CliRunner
from PIL import Image

from ovcf.cli import main
from ovcf.report import RunFailed, run, run_study
from ovcf.study import Study


def test_record_says_complete(finished):
    record = json.loads((finished / "run.json").read_text())
    assert record["status"] == "complete"
    assert list(record["notebooks"]) == list(run.SEQUENCE)
    assert record["peak_memory_mb"] > 0 and record["synthetic"]


def test_every_table_of_the_design_is_there(finished):
    patches = pd.read_csv(finished / "tables" / "patches.csv")
    predictions = pd.read_csv(finished / "tables" / "predictions.csv")
    readings = pd.read_csv(finished / "tables" / "readings.csv")
    assert set(predictions.network) == {"efficientnet_lite0", "alexnet"}
    assert len(predictions) == 2 * len(patches)
    assert set(readings.session) == {"unaided", "aided"} and readings.reader.nunique() == 3


def test_table2_and_table3_agree(finished):
    table2 = pd.read_csv(finished / "tables" / "table2.csv").query("metric == 'auc'").set_index("network")
    table3 = pd.read_csv(finished / "tables" / "table3.csv")
    chosen = table3.network.iloc[0]
    assert table2.loc[chosen, "mean"] == pytest.approx(table3.auc.mean())


def test_page_holds_every_table_and_figure_of_the_paper(finished):
    page = BeautifulSoup((finished / "report.html").read_text(), "html.parser")
    headings = " ".join(h.get_text() for h in page.find_all(["h1", "h2"]))
    for name in [f"Table {n}" for n in range(1, 6)] + [f"Figure {n}" for n in range(1, 5)]:
        assert name in headings, name
    assert "Traceback" not in page.get_text()
    assert "synthetic" in page.find(class_="subtitle").get_text()
    assert len(page.find_all("img")) > 12 and page.select(".ovcf-gallery li")


def test_the_brief_answers_every_question_first(finished):
    page = BeautifulSoup((finished / "report.html").read_text(), "html.parser")
    section = page.find("main").find("section")
    questions = [row.th.get_text() for row in section.tbody.find_all("tr")]
    assert section.h1["id"] == "in-brief" and len(questions) == 10 and "leakage" in section.get_text()
    assert {a["href"] for a in section.find_all("a")} <= {"#" + node["id"] for node in page.find_all(id=True)}


def test_every_picture_is_described(finished):
    page = BeautifulSoup((finished / "report.html").read_text(), "html.parser")
    assert all(picture.get("alt") for picture in page.find_all("img"))


def test_the_report_is_printed_too(finished):
    assert (finished / "report.pdf").read_bytes().startswith(b"%PDF")


def test_git_sees_no_outputs_written_back(finished):
    for name in run.SEQUENCE:
        notebook = nbformat.read(run.NOTEBOOKS / f"{name}.ipynb", as_version=4)
        assert not any(cell.get("outputs") for cell in notebook.cells)


def test_ready_patches_without_levels_run_to_a_report(finished, tmp_path, tiny):
    """Two folders and nothing else: no boxes, levels, ages, annotators or studies table."""
    study = Study(finished)
    for image, row in zip(study.images("none"), study.patches.itertuples(), strict=True):
        (tmp_path / "own" / row.label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(tmp_path / "own" / row.label / f"{row.patient_id}_{row.patch_id}.png")
    own = tiny | {"networks": '["efficientnet_lite0"]', "leakage": "false"}
    page = run_study("laptop", data=tmp_path / "own", out=tmp_path / "run", overrides=own)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["status"] == "complete" and not record["synthetic"]
    patches = pd.read_csv(tmp_path / "run" / "tables" / "patches.csv")
    assert patches.patient_id.nunique() == study.patches.patient_id.nunique()
    assert "synthetic cohort" not in page.read_text().split("</header>")[0]


@pytest.fixture
def broken(tmp_path, monkeypatch, finished):
    """A run folder like the finished one, with a third notebook that stops in its second code cell."""
    folder = tmp_path / "notebooks"
    shutil.copytree(run.NOTEBOOKS, folder)
    notebook = nbformat.read(folder / "02_preprocessing.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    cells[1].source = "raise ArithmeticError('no such sum')"
    nbformat.write(notebook, folder / "02_preprocessing.ipynb")
    monkeypatch.setattr(run, "NOTEBOOKS", folder)
    monkeypatch.setattr(run, "SEQUENCE", ("02_preprocessing", "03_model_comparison"))
    copy = tmp_path / "run"
    shutil.copytree(finished, copy)
    monkeypatch.setenv("OVCF_DATA", str(finished.parent / "data"))
    return copy


def test_a_notebook_that_stops_is_named_and_nothing_is_lost(broken, tiny):
    kept = (broken / "tables" / "predictions.csv").read_bytes()
    with pytest.raises(RunFailed, match="02_preprocessing, cell"):
        run_study("demo", out=broken, overrides=tiny)
    record = json.loads((broken / "run.json").read_text())
    assert record["status"] == "failed"
    assert record["failed"]["notebook"] == "02_preprocessing"
    assert "no such sum" in record["failed"]["error"] and "ArithmeticError" in record["failed"]["source"]
    assert (broken / "tables" / "predictions.csv").read_bytes() == kept
    assert "This run failed." in (broken / "report.html").read_text()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--profile", "labtop"], "did you mean laptop?"),
        (["-p", "epoch", "3"], "did you mean epochs"),
        (["-p", "epochs", "many"], "column epochs"),
        (["-p", "networks", "resnet5"], "resnet50"),
        (["--profile", "laptop"], "--data"),
        (["--data", "no/such/manifest.csv"], "manifest.csv"),
    ],
)
def test_mistakes_exit_with_2_before_anything_runs(arguments, said, tmp_path):
    result = CliRunner().invoke(main, ["run", "--out", str(tmp_path / "run"), *arguments])
    assert result.exit_code == 2
    assert said in result.output and "Traceback" not in result.output
    assert not (tmp_path / "run").exists()


def test_hundreds_of_one_mistake_do_not_fill_the_screen(tmp_path):
    rows = [f"v{i},p{i},{i}.png,T12,{('fresh', 'old')[i % 2]}" for i in range(200)]
    (tmp_path / "m.csv").write_text("\n".join(["patch_id,patient_id,image,level,label", *rows]))
    result = CliRunner().invoke(main, ["run", "--data", str(tmp_path / "m.csv"), "--out", str(tmp_path / "run")])
    assert result.exit_code == 2 and result.stderr.startswith("ovcf: 200 problems")
    assert "row 51, column image" in result.stderr and "row 60, column image" not in result.stderr
    assert "and 150 more: missing file" in result.stderr
