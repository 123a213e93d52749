"""Every printed number is made again from what a run stores; what no longer follows is named, and nothing else."""

import json
import shutil

import nbformat
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from verify_edits import EDITS, stamp_anew

from ovcf.cli import main
from ovcf.problems import InputError
from ovcf.report.cells import Cells, FromFilms, NeedsFilms
from ovcf.report.replay import joined, pairs, replay, with_stored_digits
from ovcf.report.verdict import as_text
from ovcf.report.verify import _notes, hold, remake, verify
from ovcf.run_folder import read_table
from ovcf.stats.rates import fold_table


@pytest.fixture(scope="module")
def remade(finished):
    return remake(finished)


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of the finished run that may be edited."""
    ignored = shutil.ignore_patterns("features", "folds", "figures", "model", "report.pdf")
    return shutil.copytree(finished, tmp_path / "run", ignore=ignored)


def test_an_honest_run_holds_and_is_left_as_it_is(finished, remade):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    verdict = hold(finished, remade)
    assert verdict.failures == [] and verdict.notes == []
    assert verdict.counts["recomputed"] > 2500 and 0 < verdict.counts["films"] < 900
    of_films = {"01_dataset", "02_preprocessing", "07_external_validation"}
    assert {cell.split(",")[0] for cell in verdict.film_cells} == of_films
    assert before == {path: path.stat().st_mtime_ns for path in finished.rglob("*")}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["text", "caption", "CSV cell", "parameter"])
def test_an_edit_is_named_though_every_digest_was_stamped_anew(copy, remade, kind, seed):
    said = EDITS[kind](copy, np.random.default_rng([7, seed]))
    stamp_anew(copy)
    verdict = hold(copy, remade)
    assert not verdict.holds, said
    assert not any(failure.kind == "digest" for failure in verdict.failures)


def test_a_cut_file_is_named_by_its_digest(copy, remade):
    table = copy / "tables" / "predictions.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-3]) + "\n")
    assert [f.where for f in hold(copy, remade).failures if f.kind == "digest"] == ["tables/predictions.csv"]


def test_a_number_missing_from_the_page_or_the_ledger_is_named(copy, finished, remade):
    page, ledger = copy / "report.html", copy / "ledger.csv"
    page.write_text(page.read_text().replace("<h2", "<p>and 42 more</p><h2", 1))
    kinds = {failure.kind for failure in hold(copy, remade).failures}
    assert {"words", "digest"} <= kinds
    shutil.copyfile(finished / "report.html", page)
    lines = ledger.read_text().splitlines()
    ledger.write_text("\n".join(lines[:50] + lines[51:]) + "\n")
    assert any(failure.kind == "ledger" for failure in hold(copy, remade).failures)


def test_after_one_flipped_prediction_only_what_moved_is_named(copy, finished):
    EDITS["prediction"](copy, np.random.default_rng(3))
    stamp_anew(copy)
    verdict = verify(copy)
    before, after = (read_table(run / "tables" / "predictions.csv") for run in (finished, copy))
    touched = after.network[(before.p_fresh != after.p_fresh)].unique()
    assert len(touched) == 1 and not verdict.holds
    named = {failure.where.split(",")[0].split(";")[0] for failure in verdict.failures}
    assert not named & {"01_dataset", "02_preprocessing", "06_published_audit", "tables/table1.csv"}
    assert not any(failure.kind in ("parameter", "ledger", "digest", "cell") for failure in verdict.failures)
    means = [fold_table(table).groupby("network").accuracy.mean().map("{:.10f}".format) for table in (before, after)]
    moved = set(means[0].index[means[0] != means[1]])
    table2 = read_table(copy / "tables" / "table2.csv")
    rows = [int(f.where.split("row ")[1].split(",")[0]) - 1 for f in verdict.failures if "tables/table2.csv" in f.where]
    assert set(table2.network[rows]) == moved == set(touched)


def test_a_turned_answer_is_named_in_the_reader_study_alone(copy):
    EDITS["reading"](copy, np.random.default_rng(4))
    stamp_anew(copy)
    answer = CliRunner().invoke(main, ["verify", str(copy), "--json"])
    failures = json.loads(answer.stdout)["failures"]
    printed = {failure["where"].split(",")[0] for failure in failures if failure["kind"] == "number"}
    assert answer.exit_code == 1
    brief = "Intervals are clustered by patient"  # the caption of the report's first table
    assert printed and all(where.startswith(("05_reader_study", brief)) for where in printed)
    assert any(failure["where"].startswith("tables/readings.csv") for failure in failures)


def test_the_verdict_in_words(copy, remade):
    table = pd.read_csv(copy / "tables" / "table3.csv")
    table.loc[0, "auc"] += 0.1
    table.to_csv(copy / "tables" / "table3.csv", index=False)
    said = as_text(hold(copy, remade))
    assert "2 no longer follow:" in said and "tables/table3.csv, row 1, column auc: stored" in said
    assert "come from the films: held by digest (01_dataset, cell" in said


def test_a_run_without_predictions_is_refused(copy):
    (copy / "tables" / "predictions.csv").unlink()
    answer = CliRunner().invoke(main, ["verify", str(copy)])
    assert answer.exit_code == 2 and "holds no predictions" in answer.output


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="no patches"):
        verify(tmp_path)


# Notebooks of another version ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_cells_that_say_the_same_stay_pairs_whatever_was_put_in_or_taken_out(seed):
    rng = np.random.default_rng(seed)
    kinds = [new_code_cell, new_markdown_cell]
    cells = [kinds[rng.integers(2)](f"cell {i}") for i in range(12)]
    mine = [cell for cell in cells if rng.random() < 0.8]
    theirs = [cell for cell in cells if rng.random() < 0.8]
    theirs.insert(rng.integers(len(theirs) + 1), new_code_cell("added"))
    found = list(pairs(new_notebook(cells=mine), new_notebook(cells=theirs)))
    assert [pair.number for pair in found if pair.cell is not None] == list(range(len(mine)))
    assert [pair.installed.source for pair in found if pair.installed is not None] == [c.source for c in theirs]
    alike = {
        pair.cell.source for pair in found if pair.cell and pair.installed and pair.cell.source == pair.installed.source
    }
    assert alike == {cell.source for cell in mine} & {cell.source for cell in theirs}
    assert all(pair.cell.cell_type == pair.installed.cell_type for pair in found if pair.cell and pair.installed)


def test_a_notebook_of_another_version_is_executed_as_installed_and_said_to_differ(tmp_path):
    printed = [new_output("stream", name="stdout", text="old\n")]
    stored = [new_code_cell(source, outputs=printed) for source in ("a = 1\nprint(a)", "print('gone')", "print(a + b)")]
    installed = [new_code_cell("a = 1\nprint(a)"), new_code_cell("b = 2"), new_code_cell("print(a + b)")]
    nbformat.write(new_notebook(cells=installed), tmp_path / "n.ipynb")
    again = replay(None, {"n": new_notebook(cells=stored[:1] + stored[2:])}, tmp_path)
    assert [cell.outputs[0].text for cell in again.notebooks["n"].cells] == ["1\n", "3\n"]
    assert again.failed == [] and again.film_cells == {"n": set()}
    assert ["1 cells were added since" in note for note in _notes(again, {})] == [True]
    installed[1:] = [new_markdown_cell("words"), new_code_cell("b = 2\nprint(a + b)")]
    nbformat.write(new_notebook(cells=installed), tmp_path / "n.ipynb")
    again = replay(None, {"n": new_notebook(cells=[*stored[:1], new_markdown_cell("words"), *stored[1:]])}, tmp_path)
    assert again.film_cells == {"n": {3}} and "no cell 3 any more" in next(iter(_notes(again, {})))


# Cells ---------------------------------------------------------------------------------------------------------


def test_cells_keep_what_does_not_need_the_films():
    cells = Cells()
    cells.names["films"] = FromFilms()
    outputs, complete = cells.execute("count = len(films)\nrest = 3\nprint('rest', rest)\nrest + 1")
    assert complete and [o.get("text") or o.data["text/plain"] for o in outputs] == ["rest 3\n", "4"]
    assert cells.execute("print(count)") == ([], False)
    with pytest.raises(ZeroDivisionError):
        cells.execute("broken = 1 / 0")
    assert cells.execute("print(broken)")[1] is False


def test_what_comes_from_films_can_not_be_used_by_accident():
    films = FromFilms()
    for use in (
        len,
        list,
        bool,
        str,
        np.asarray,
        lambda f: f[0],
        lambda f: f.pixels,
        lambda f: f + 1,
        lambda f: f == 1,
    ):
        with pytest.raises(NeedsFilms):
            use(films)


def test_displayed_things_keep_their_order_among_pictures():
    cells = Cells()
    outputs, _ = cells.execute("from IPython.display import HTML, display\ndisplay(HTML('<b>1</b>'))\nprint(2)")
    picture = {"output_type": "display_data", "data": {"image/png": "AAAA"}, "metadata": {}}
    stored = [outputs[0], picture, outputs[1]]
    assert joined(stored, outputs) == stored


def test_rounding_errors_of_another_machine_do_not_reach_the_print():
    stored = pd.DataFrame({"network": ["a", "b"], "auc": [0.1235, 0.5]})
    made = pd.DataFrame({"network": ["a", "b"], "auc": [0.1235 - 1e-15, 0.6]})
    assert with_stored_digits(made, stored).auc.tolist() == [0.1235, 0.6]
