"""Runs side by side, sweeps and reruns: what is paired, what is shared, what is said of it."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from click.testing import CliRunner

from ovcf.cli import main
from ovcf.problems import InputError
from ovcf.report.compare import compared, open_runs, write_comparison
from ovcf.report.rerun import DIFFERS, IDENTICAL, MOMENT, ROUNDING, as_text, compare_models, compare_tables
from ovcf.report.sweep import folder_name, is_complete, nearest, split_axes, sweep
from ovcf.run_folder import read_table
from ovcf.run_folder.fixed import read_fixed, write_fixed
from ovcf.run_folder.ledger import Ledger
from ovcf.stats.rates import fold_table
from ovcf.stats.runs import over_seeds, paired_runs, shared_patches


def variant_of(run, folder, **changes):
    """A copy of a finished run with other parameters."""
    ignored = shutil.ignore_patterns("cache", "figures", "notebooks", "report.pdf")
    shutil.copytree(run, folder, ignore=ignored)
    write_fixed(folder, read_fixed(folder)[0] | changes)
    return folder


@pytest.fixture
def two_seeds(finished, tmp_path):
    """Two runs that differ in training seed and in the predictions of the one network, two patches apart."""
    first = variant_of(finished, tmp_path / "a")
    second = variant_of(finished, tmp_path / "b", training_seed=1)
    path = second / "tables" / "predictions.csv"
    table = read_table(path)
    table.loc[[0, 1], "p_fresh"] = 1 - table.p_fresh[[0, 1]]
    table.to_csv(path, index=False)
    facts = Ledger(second).entry("tables/predictions.csv")
    Ledger(second).enter("tables/predictions.csv", **{k: v for k, v in facts.items() if k != "sha256"})
    return first, second


def test_a_run_beside_its_twin_differs_in_nothing(finished, two_seeds):
    tables = compared(open_runs([finished, two_seeds[0]]))
    assert list(tables["parameters"].columns) == ["run"]
    differences = tables["differences"]
    assert (differences.difference == 0).all() and (differences.shared == differences.patches_here).all()


def test_paired_differences_are_those_of_the_shared_patches(two_seeds):
    tables = compared(open_runs(list(two_seeds)))
    assert tables["parameters"].columns.tolist() == ["run", "training_seed"]
    before, after = (read_table(run / "tables" / "predictions.csv") for run in two_seeds)
    touched = before.network[0]
    right = [((t.p_fresh >= 0.5) == t.truth)[t.network == touched].mean() for t in (before, after)]
    ours = tables["differences"].query("metric == 'accuracy'")
    changed = ours[ours.difference != 0]
    assert len(changed) <= 1 and changed.difference.sum() == pytest.approx(right[1] - right[0])
    assert (changed.low <= changed.difference).all() and (changed.difference <= changed.high).all()


def test_a_cohort_of_another_seed_shares_no_patch_though_its_ids_are_the_same(finished, tmp_path):
    other = variant_of(finished, tmp_path / "other", seed=5)
    differences = compared(open_runs([finished, other]))["differences"]
    assert differences.shared.tolist() == [0] and "difference" not in differences
    page = write_comparison([finished, other], tmp_path / "page.html").read_text()
    assert "no patch in common" in page


def test_the_page_stands_alone_and_its_numbers_stand_in_csv(two_seeds, tmp_path):
    answer = CliRunner().invoke(main, ["compare", *map(str, two_seeds), "--out", str(tmp_path / "page.html")])
    assert answer.exit_code == 0, answer.output
    page = BeautifulSoup((tmp_path / "page.html").read_text(), "html.parser")
    titles = [heading.get_text() for heading in page.find_all("h2")]
    assert titles == ["What differs", "Metrics", "Paired differences", "Training seeds", "Folds", "Times"]
    assert page.find("meta")["http-equiv"] == "Content-Security-Policy"
    assert not page.find_all(["script", "link", "iframe"]) and not page.select("[src]")
    assert ".scroll { overflow-x: auto" in page.style.get_text()  # a wide table scrolls in its box, not the page
    assert all(table.find_parent(class_="scroll") for table in page.find_all("table"))
    metrics = pd.read_csv(tmp_path / "page_metrics.csv").query("run == 'a' and metric == 'auc'").iloc[0]
    assert f"{metrics.estimate:.3f}" in page.get_text() and "drawn by software" in page.get_text()
    seeds = pd.read_csv(tmp_path / "page_seeds.csv")
    assert set(seeds.seeds) == {2} and set(seeds.which) == {"0, 1"}


def test_what_is_no_complete_run_is_refused_all_at_once(finished, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as error:
        write_comparison([tmp_path / "empty", tmp_path / "absent", finished], tmp_path / "page.html")
    assert len(error.value.problems) == 2
    with pytest.raises(InputError, match="two runs or more"):
        open_runs([finished, finished])


# Statistics of runs ------------------------------------------------------------------------------------------


def test_patches_are_shared_where_film_box_patient_and_label_agree():
    first = pd.DataFrame(
        {
            "patch_id": list("abcd"),
            "patient_id": list("1122"),
            "image": "f.png",
            "label": "old",
            "x0": [1, 2, 3, np.nan],
        }
    )
    assert list(shared_patches(first, first)) == list("abcd")
    second = first.assign(label=["old", "fresh", "old", "old"], x0=[1, 2, 9, np.nan])
    assert list(shared_patches(first, second)) == ["a", "d"]


def test_pairing_leaves_out_what_only_one_run_has(rng):
    truth = np.repeat([0, 1], 30)
    first = pd.DataFrame({"patch_id": [f"v{i}" for i in range(60)], "patient_id": [f"p{i // 2}" for i in range(60)]})
    first = first.assign(truth=truth, p_fresh=rng.uniform(size=60))
    second = first.assign(p_fresh=rng.uniform(size=60)).iloc[10:].sample(frac=1, random_state=1)
    table = paired_runs(first, second, pd.Index(first.patch_id[10:]), threshold=0.5).set_index("metric")
    both = first.iloc[10:].merge(second, on="patch_id")
    expected = ((both.p_fresh_y >= 0.5) == both.truth_x).mean() - ((both.p_fresh_x >= 0.5) == both.truth_x).mean()
    assert table.difference["accuracy"] == pytest.approx(expected) and set(table.n) == {50}


def test_the_spread_over_seeds_has_divisor_n_less_one():
    values = pd.DataFrame({"group": ["a", "a", "a", "b"], "training_seed": [0, 1, 2, 0], "auc": [0.6, 0.7, 0.8, 0.9]})
    row = over_seeds(values, ["auc"]).iloc[0]
    assert (row["mean"], row.sd_ddof1, row.seeds, row.which) == (pytest.approx(0.7), pytest.approx(0.1), 3, "0, 1, 2")
    assert len(over_seeds(values, ["auc"])) == 1  # one seed has no spread


# Sweeps --------------------------------------------------------------------------------------------------------


def test_a_list_is_an_axis_but_of_networks_only_a_list_of_lists():
    axes, fixed = split_axes({"training_seed": "[0, 1]", "networks": "[alexnet, vgg16]", "epochs": "3"})
    assert axes == {"training_seed": [0, 1]} and fixed == {"networks": ["alexnet", "vgg16"], "epochs": 3}
    assert split_axes({"networks": "[[alexnet], [alexnet, vgg16]]"})[0] == {
        "networks": [["alexnet"], ["alexnet", "vgg16"]]
    }
    for wrong in ({"epochs": "3"}, {"workers": "[1, 2]"}, {"seed": "[1, 1]"}):
        with pytest.raises(InputError):
            split_axes(wrong)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"dealings": "[1, 999]"}, {"dealings"}),
        ({"epochs": "[1, 0, -1]", "chosen": "[best, nonsense]"}, {"epochs", "chosen"}),
        ({"training_seed": "[0, 1]", "folds": "[2, 500]", "patients": "12"}, {"folds"}),
        ({"external": "['', nowhere.csv]", "patients": "12"}, {None}),
    ],
)
def test_a_sweep_is_refused_before_its_first_run_for_what_is_wrong_with_any(values, named, tmp_path, monkeypatch):
    monkeypatch.setenv("OVCF_DATA", str(tmp_path / "data"))
    with pytest.raises(InputError) as caught:
        sweep(None, values, tmp_path / "sweep")
    assert {problem.column for problem in caught.value.problems} == named
    assert not (tmp_path / "sweep").exists()


def test_folders_are_named_by_their_values():
    assert folder_name({"equalisation": "clahe", "training_seed": 1}) == "equalisation-clahe_training_seed-1"
    assert "/" not in folder_name({"data": "../films/manifest.csv", "networks": ["torchvision:densenet121", "alexnet"]})


def test_a_run_takes_what_is_cached_from_the_one_that_shares_its_features(tmp_path):
    made = {
        tmp_path / "h0": {"equalisation": "histogram", "training_seed": 0},
        tmp_path / "h1": {"equalisation": "histogram", "training_seed": 1},
        tmp_path / "c0": {"equalisation": "clahe", "training_seed": 0},
    }
    assert nearest({"equalisation": "clahe", "training_seed": 1}, made) == tmp_path / "c0"
    assert nearest({"equalisation": "histogram", "training_seed": 2}, made) == tmp_path / "h0"
    assert nearest({"equalisation": "clahe", "training_seed": 1}, {}) is None


def test_a_finished_sweep_is_only_compared_again(finished, tmp_path):
    for seed in (0, 1):
        variant_of(finished, tmp_path / f"training_seed-{seed}", training_seed=seed)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("training*/**/*")}
    page = sweep(None, {"training_seed": "[0, 1]"}, tmp_path)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.glob("training*/**/*")}
    assert page.name == "comparison.html" and "2 runs compared" in page.read_text()
    with pytest.raises(InputError, match="training_seed"):
        is_complete(tmp_path / "training_seed-1", {"training_seed": 7})


# Reruns --------------------------------------------------------------------------------------------------------


def test_a_rerun_says_table_by_table_what_is_identical(finished, two_seeds):
    first, second = two_seeds
    same = {line.name: line.outcome for line in compare_tables(finished, first)}
    assert set(same.values()) == {IDENTICAL}
    path = second / "tables" / "table3.csv"
    table = pd.read_csv(path)
    table["auc"] *= 1 + 1e-12
    table.to_csv(path, index=False)
    (second / "tables" / "folds.csv").unlink()
    lines = compare_tables(first, second)
    outcomes = {line.name: line.outcome for line in lines if line.outcome != IDENTICAL}
    assert outcomes.pop("predictions.csv") == DIFFERS and outcomes.pop("table3.csv") == ROUNDING
    assert outcomes == {"folds.csv": "missing in the repeat"}
    assert "predictions.csv: differs (2 of" in as_text(lines)
    assert compare_models(first, second).outcome == IDENTICAL


def test_a_run_is_repeated_elsewhere_down_to_the_last_table(finished, tmp_path, monkeypatch):
    """Films are drawn anew, networks trained anew, in another folder; the first run is only read."""
    monkeypatch.setenv("OVCF_DATA", str(tmp_path / "data"))
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    answer = CliRunner().invoke(main, ["rerun", str(finished), "--out", str(tmp_path / "again")])
    assert answer.exit_code == 0, answer.output
    lines = compare_tables(finished, tmp_path / "again")
    assert {x.name: x.outcome for x in lines if x.outcome != IDENTICAL} == {"plan.csv": MOMENT}  # dated, when locked
    assert f"{len(lines)} of {len(lines) + 1} identical" in answer.output and MOMENT in answer.output
    plan = tmp_path / "again" / "tables" / "plan.csv"
    plan.write_text(plan.read_text().replace("margin,0.05", "margin,0.06"))
    assert {x.name for x in compare_tables(finished, tmp_path / "again") if x.outcome == DIFFERS} == {"plan.csv"}
    assert before == {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    assert not {path.stat().st_ino for path in finished.rglob("*")} & {p.stat().st_ino for p in tmp_path.rglob("*")}


def test_a_run_is_not_repeated_into_itself(finished):
    answer = CliRunner().invoke(main, ["rerun", str(finished), "--out", str(finished)])
    assert answer.exit_code == 2 and "another folder" in answer.output
    assert json.loads((finished / "run.json").read_text())["status"] == "complete"
    assert len(fold_table(read_table(finished / "tables" / "predictions.csv"))) == 4
