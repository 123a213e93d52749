"""The plan of a reader study: locked once, deviations said, a changed file noticed."""

import re

import pandas as pd
import pytest
from pandas import read_csv

from ovcf.plan import BEST, deviations, lock_plan
from ovcf.problems import InputError
from ovcf.study import Study


class Run:
    """The part of a run that a plan needs: its folder, parameters and `save_table`, which never overwrites."""

    def __init__(self, folder, **parameters):
        self.run, self.parameters = (
            folder,
            {
                "chosen": "best",
                "networks": ["alexnet", "resnet101"],
                "threshold": 0.5,
                "margin": 0.05,
                "readings": "simulated",
            }
            | parameters,
        )
        (folder / "tables").mkdir(exist_ok=True)

    def save_table(self, name, table):
        path = self.run / "tables" / f"{name}.csv"
        assert not path.exists()
        table.to_csv(path, index=False)


def test_it_is_locked_once_with_time_and_digest(tmp_path):
    first = lock_plan(Run(tmp_path))
    planned = first.set_index("item")["planned"]
    assert planned["endpoint"] == "auc" and planned["network"] == BEST and planned["margin"] == "0.05"
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, before the readings, which are simulated$", planned["locked"])
    assert re.match(r"[0-9a-f]{64}$", planned["digest"])
    text = (tmp_path / "tables" / "plan.csv").read_bytes()
    assert deviations(lock_plan(Run(tmp_path))).endswith("No deviation.")
    assert (tmp_path / "tables" / "plan.csv").read_bytes() == text


def test_other_values_later_are_said_and_the_plan_stays(tmp_path):
    lock_plan(Run(tmp_path))
    later = lock_plan(Run(tmp_path, margin=0.1, chosen="vgg16"), endpoint="sensitivity")
    assert later.loc[later["deviation"] != "", "item"].tolist() == ["endpoint", "network", "margin"]
    assert "margin: planned '0.05', now '0.1'" in deviations(later)
    assert later.set_index("item")["planned"]["network"] == BEST


def test_a_plan_changed_by_hand_does_not_fit_its_digest(tmp_path):
    lock_plan(Run(tmp_path))
    path = tmp_path / "tables" / "plan.csv"
    path.write_text(path.read_text().replace("margin,0.05", "margin,0.2"))
    assert "changed after it was locked" in deviations(lock_plan(Run(tmp_path, margin=0.2)))


def test_a_plan_after_the_readings_says_so(tmp_path):
    run = Run(tmp_path)
    pd.DataFrame({"reader": ["a"]}).to_csv(tmp_path / "tables" / "readings.csv")
    assert "after the readings" in deviations(lock_plan(run))


def test_what_was_known_stands_beside_the_time(tmp_path):
    plan = lock_plan(Run(tmp_path, readings="readings.csv", chosen="alexnet")).set_index("item")["planned"]
    assert plan["locked"].endswith("before this run opened the readings, whose file was there already")
    assert plan["network"] == "alexnet"


def test_a_run_locks_its_plan_when_it_is_made_and_a_variant_of_one_that_was_read_says_so(finished, tmp_path):
    made = read_csv(finished / "tables" / "plan.csv").set_index("item")["planned"]
    assert made["locked"].endswith("before the readings, which are simulated")
    assert (finished / "tables" / "plan.csv").stat().st_mtime <= (finished / "tables" / "patches.csv").stat().st_mtime
    assert deviations(lock_plan(Study(finished, adds=False))).endswith("No deviation.")


def test_a_plan_that_names_the_network_which_was_the_best_one_is_kept_to(tmp_path):
    lock_plan(Run(tmp_path, chosen="alexnet"))
    later = Run(tmp_path)
    later.chosen = "alexnet"
    assert deviations(lock_plan(later)).endswith("No deviation.")
    later.chosen = "resnet101"
    assert "network: planned 'alexnet', now 'resnet101'" in deviations(lock_plan(later))


def test_an_unknown_endpoint_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"did you mean sensitivity\?"):
        lock_plan(Run(tmp_path), endpoint="sensitivty")
    assert not (tmp_path / "tables" / "plan.csv").exists()
