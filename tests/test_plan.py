"""The plan of a reader study: locked once, deviations said, a changed file noticed."""

import re

import pandas as pd
import pytest

from ovcf.plan import deviations, lock_plan
from ovcf.problems import InputError


class Run:
    """The part of a run that a plan needs: its folder, parameters and `save_table`, which never overwrites."""

    def __init__(self, folder, **parameters):
        self.run, self.parameters = folder, {"threshold": 0.5, "margin": 0.05} | parameters
        (folder / "tables").mkdir(exist_ok=True)

    def save_table(self, name, table):
        path = self.run / "tables" / f"{name}.csv"
        assert not path.exists()
        table.to_csv(path, index=False)


def test_it_is_locked_once_with_time_and_digest(tmp_path):
    first = lock_plan(Run(tmp_path), "resnet101")
    planned = first.set_index("item")["planned"]
    assert planned["endpoint"] == "auc" and planned["network"] == "resnet101" and planned["margin"] == "0.05"
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, before the readings$", planned["locked"])
    assert re.match(r"[0-9a-f]{64}$", planned["digest"])
    text = (tmp_path / "tables" / "plan.csv").read_bytes()
    assert deviations(lock_plan(Run(tmp_path), "resnet101")).endswith("No deviation.")
    assert (tmp_path / "tables" / "plan.csv").read_bytes() == text


def test_other_values_later_are_said_and_the_plan_stays(tmp_path):
    lock_plan(Run(tmp_path), "resnet101")
    later = lock_plan(Run(tmp_path, margin=0.1), "vgg16", endpoint="sensitivity")
    assert later.loc[later["deviation"] != "", "item"].tolist() == ["endpoint", "network", "margin"]
    assert "margin: planned '0.05', now '0.1'" in deviations(later)
    assert later.set_index("item")["planned"]["network"] == "resnet101"


def test_a_plan_changed_by_hand_does_not_fit_its_digest(tmp_path):
    lock_plan(Run(tmp_path), "resnet101")
    path = tmp_path / "tables" / "plan.csv"
    path.write_text(path.read_text().replace("margin,0.05", "margin,0.2"))
    assert "changed after it was locked" in deviations(lock_plan(Run(tmp_path, margin=0.2), "resnet101"))


def test_a_plan_after_the_readings_says_so(tmp_path):
    run = Run(tmp_path)
    pd.DataFrame({"reader": ["a"]}).to_csv(tmp_path / "tables" / "readings.csv")
    assert "after the readings" in deviations(lock_plan(run, "resnet101"))


def test_an_unknown_endpoint_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"did you mean sensitivity\?"):
        lock_plan(Run(tmp_path), "resnet101", endpoint="sensitivty")
    assert not (tmp_path / "tables" / "plan.csv").exists()
