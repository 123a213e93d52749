"""The whole sequence by papermill on a tiny synthetic cohort, and what is kept when a notebook stops."""

import json
import re
import shutil
import subprocess
import sys
import time

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import psutil
import pytest
from another import another_value
from bs4 import BeautifulSoup
from click.testing import CliRunner
from PIL import Image

from ovcf.annotation.consensus import JointSession
from ovcf.annotation.journal import Annotator
from ovcf.annotation.state import read_state
from ovcf.annotation.work import prepare_work
from ovcf.annotation.writing import write_cohort
from ovcf.cli import main
from ovcf.explore import explore_page, open_study
from ovcf.files import digest
from ovcf.problems import InputError
from ovcf.profiles import parse_value
from ovcf.profiles.parameters import ANYWHERE, BY_NAME
from ovcf.report import RunFailed, run, run_study
from ovcf.run_folder.record import now, read_record, write_record
from ovcf.study import Study


@pytest.fixture(scope="module", autouse=True)
def films_of_the_finished_run(finished):
    """Runs that are made here find its cohort, and leave theirs beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVCF_DATA", str(finished.parent / "data"))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture(scope="module")
def laptop(finished, tiny, tmp_path_factory):
    """A finished run of the laptop profile on two folders of ready patches: no boxes, levels, ages or annotators."""
    folder, study, whose = tmp_path_factory.mktemp("laptop"), Study(finished), ["image,patient_id"]
    for image, row in zip(study.images("none"), study.patches.itertuples(), strict=True):
        (folder / "own" / row.label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "own" / row.label / f"{row.patch_id}.png")
        whose.append(f"{row.label}/{row.patch_id}.png,{row.patient_id}")
    (folder / "own" / "patients.csv").write_text("\n".join(whose))
    own = tiny | {
        "networks": '["efficientnet_lite0"]',
        "leakage": "false",
        "readers": "2",
        "margin": "0.1",
        "more_seeds": "0",
        "dealings": "0",
    }
    run_study("laptop", data=folder / "own", out=folder / "run", overrides=own)
    return folder / "run"


@pytest.fixture(scope="module")
def by_hand(finished, tiny, tmp_path_factory):
    """A finished run of films that two annotators marked, its notebooks run one after the other, as in JupyterLab."""
    folder = tmp_path_factory.mktemp("hand")
    shutil.copytree(Study(finished).source.parent, folder / "films")
    (folder / "films" / "cohort.json").unlink()  # from here on they are somebody's own
    annotate_anew(folder / "films")
    own = {name: parse_value(text) for name, text in tiny.items()} | {"networks": ["efficientnet_lite0"], "epochs": 2}
    own |= {"image_size": 48, "equalisation": "none", "external": "", "regions": "pooled", "other_context": False}
    own |= {"more_seeds": 0, "dealings": 0}
    study = Study.begin(folder / "run", data=str(folder / "films"), **own)
    for name in run.order_of(study.parameters):
        open_notebook(name, folder / "run")
        plt.close("all")
    return folder / "run"


def annotate_anew(folder):
    """Let two annotators say of each box what a cohort's manifest says, the second one thing otherwise, which the two
    settle; the manifest written of it stands in the first one's place."""
    (folder / "manifest.csv").rename(folder / "reference.csv")
    work = prepare_work(folder / "reference.csv", folder)
    for name in ("Anna", "Bernd"):
        annotator = Annotator(work, name, folder)
        for film in work.films:
            annotator.keep(film.film, "film", done=True)
    first, (mark, values) = next((film.film, next(iter(film.given.items()))) for film in work.films if film.given)
    annotator.keep(first, "mark", mark=mark, **(values | {"label": "cannot say"}))
    (item,) = read_state(folder).open
    JointSession(work, folder).decide(item, "Anna and Bernd", "first")
    write_cohort(folder, who="Anna")


def open_notebook(name, folder, cells=None, **typed):
    """Run the code cells of a shipped notebook on a run, with values typed into its parameters cell; its names."""
    notebook = nbformat.read(run.NOTEBOOKS / f"{name}.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code[0].metadata.tags == ["parameters"]
    names = {}
    exec(code[0].source, names)
    names |= {"run": str(folder), **typed}
    for cell in code[1:cells]:
        exec(cell.source, names)
    return names


def digests(folder):
    """Return the digest of every file under a folder."""
    return {str(path.relative_to(folder)): digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("kind", ["finished", "laptop", "by_hand"])
def test_shipped_notebooks_open_a_run_show_its_numbers_and_change_no_byte(kind, request, capsys):
    folder = request.getfixturevalue(kind)
    before, parameters = digests(folder), Study(folder).parameters
    for name in run.order_of(parameters):
        names = open_notebook(name, folder)
        plt.close("all")
        assert names.get("study", Study(folder)).parameters == parameters
    tabs = explore_page(folder).children[0].labels
    assert ("Annotation" in tabs) == (kind == "by_hand")  # its films were annotated here
    assert digests(folder) == before
    shown = capsys.readouterr()
    assert Study(folder).label in shown.out and "holds other values" not in shown.err
    assert len(pd.read_csv(folder / "tables" / "readings.csv")) == len(Study(folder).readings)


def test_a_run_on_an_annotated_cohort_keeps_every_vertebra_and_its_protocol(by_hand):
    reference = pd.read_csv(by_hand.parent / "films" / "reference.csv")
    study = Study(by_hand)
    assert len(study.patches) == len(reference) and set(study.patches["patient_id"]) == set(reference["patient_id"])
    protocol = pd.read_csv(by_hand / "tables" / "protocol.csv").set_index("item")["value"]
    assert protocol["Annotators"] == "Anna, Bernd"
    assert protocol["Joint session, Anna and Bernd"].startswith("1 decision,")


@pytest.mark.parametrize("name", run.SEQUENCE)
def test_an_edited_cell_is_refused_by_name_before_a_write(name, finished):
    before = digests(finished)
    for parameter in set(run.notebook_parameters(run.NOTEBOOKS / f"{name}.ipynb")) & set(BY_NAME) - set(ANYWHERE):
        with pytest.raises(InputError, match=f"{parameter}: this run has "):
            open_notebook(name, finished, 3, **{parameter: another_value(parameter, Study(finished))})
    assert digests(finished) == before


def test_notebook_04_alone_says_what_to_do(tmp_path, tiny):
    Study.begin(tmp_path / "run", **{name: parse_value(text) for name, text in tiny.items()})
    with pytest.raises(InputError, match="no predictions in .*notebook 03"):
        open_notebook("04_cross_validation", tmp_path / "run")
    with pytest.raises(InputError, match="there is no run here"):
        open_notebook("03_model_comparison", tmp_path / "rnu")
    assert not (tmp_path / "rnu").exists()


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
    captions = " ".join(node.get_text(" ") for node in page.find_all(["caption", "figcaption", "summary"]))
    for name in [f"Table {n}" for n in range(1, 6)] + [f"Figure {n}" for n in range(1, 5)]:
        assert name in captions, name
    assert "Traceback" not in page.get_text()
    assert "synthetic" in page.find(class_="subtitle").get_text()
    assert len(page.find_all("img")) > 12 and page.select(".ovcf-gallery li")


def test_the_brief_answers_every_question_first(finished):
    page = BeautifulSoup((finished / "report.html").read_text(), "html.parser")
    section = page.find("main").find("section")
    questions = [row.th.get_text() for row in section.select("tbody tr")]
    assert section["id"] == "in-brief" and len(questions) == 13 and "leakage" in section.get_text()
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


def test_ready_patches_without_levels_run_to_a_report(finished, laptop):
    record = json.loads((laptop / "run.json").read_text())
    assert record["status"] == "complete" and not record["synthetic"]
    patches = pd.read_csv(laptop / "tables" / "patches.csv")
    assert patches.patient_id.nunique() == Study(finished).patches.patient_id.nunique()
    assert "synthetic cohort" not in (laptop / "report.html").read_text().split("</header>")[0]


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


def test_sigterm_ends_with_143_and_leaves_no_process(finished, tmp_path):
    again = ["--from", str(finished), "--out", str(tmp_path / "run"), "-p", "readers", "2"]
    with subprocess.Popen([sys.executable, "-m", "ovcf.cli", "run", *again], stderr=subprocess.PIPE, text=True) as run:
        line = run.stderr.readline()
        while "01_dataset" not in line:
            line = run.stderr.readline()
        assert re.match(r"\d{4}-\d\d-\d\dT\S+ 01_dataset", line)  # dated, since this is no terminal
        process = psutil.Process(run.pid)
        while not process.children():
            time.sleep(0.05)
        assert read_record(tmp_path / "run")["status"] == "running"
        children = process.children(recursive=True)
        run.terminate()
        said = run.communicate(timeout=120)[1]
    assert run.returncode == 143 and "the same command goes on from there" in said and "Traceback" not in said
    assert read_record(tmp_path / "run")["status"] == "interrupted"
    assert not psutil.wait_procs(children, timeout=30)[1]


def test_a_record_whose_process_is_gone_reads_interrupted(finished, tmp_path):
    record = json.loads((finished / "run.json").read_text()) | {"status": "running"}
    write_record(tmp_path, record)
    assert read_record(tmp_path)["status"] == "running"  # by this very process
    write_record(tmp_path, record | {"process": record["process"] | {"began": 1.0}})
    assert read_record(tmp_path)["status"] == "interrupted"
    elsewhere = record["process"] | {"host": "another machine"}
    write_record(tmp_path, record | {"process": elsewhere, "heartbeat": "2026-01-01T00:00:00+00:00"})
    assert read_record(tmp_path)["status"] == "interrupted"
    write_record(tmp_path, record | {"process": elsewhere, "heartbeat": now()})
    assert read_record(tmp_path)["status"] == "running"


def test_a_second_run_in_the_same_folder_is_refused_and_names_the_first(finished):
    code = (
        f"from ovcf.run_folder.holding import hold; import pathlib, time\nwith hold(pathlib.Path({str(finished)!r})):"
    )
    code += " print('held', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        other.stdout.readline()
        result = CliRunner().invoke(main, ["run", "--out", str(finished)])
        other.kill()
    assert result.exit_code == 3 and "another process writes into this run" in result.output


def test_clean_drops_the_cache_and_says_how_much(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    result = CliRunner().invoke(main, ["clean", str(tmp_path / "run")])
    assert result.exit_code == 0 and "MB freed" in result.output and not (tmp_path / "run" / "cache").exists()
    assert len(open_study(tmp_path / "run").images()) == len(Study(finished).patches)  # made elsewhere, for a look
    assert not (tmp_path / "run" / "cache").exists()


def test_hundreds_of_one_mistake_do_not_fill_the_screen(tmp_path):
    rows = [f"v{i},p{i},{i}.png,T12,{('fresh', 'old')[i % 2]}" for i in range(200)]
    (tmp_path / "m.csv").write_text("\n".join(["patch_id,patient_id,image,level,label", *rows]))
    result = CliRunner().invoke(main, ["run", "--data", str(tmp_path / "m.csv"), "--out", str(tmp_path / "run")])
    assert result.exit_code == 2 and result.stderr.startswith("ovcf: 200 problems")
    assert "row 51, column image" in result.stderr and "row 60, column image" not in result.stderr
    assert "and 150 more: missing file" in result.stderr
