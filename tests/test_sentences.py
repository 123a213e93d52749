"""Conditional sentences over a grid of designs, parameters, signs and intervals: one of a topic holds, and is true."""

import itertools
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ovcf.profiles import load_profile
from ovcf.sentences import Sentence, results, said
from ovcf.sentences import design as designs
from ovcf.sentences.design import TOPICS, Design, sessions
from ovcf.stats.compare import CLUSTERED_DELONG
from ovcf.stats.versions import paired_versions

ROOT = Path(__file__).parents[1]
GRID = {
    "chosen": ["best", "alexnet"],
    "networks": [["alexnet"], ["alexnet", "efficientnet_lite0"]],
    "weights": ["packaged", "imagenet", "none"],
    "trainable": ["head", "last_stage", "all"],
    "equalisation": ["histogram", "clahe", "none"],
    "split": ["patient", "patch"],
    "leakage": [True, False],
    "regions": ["separate", "pooled"],
    "other_context": [True, False],
    "context": [0, 1],
    "readings": ["simulated", "mine.csv"],
    "epochs": [100, 3],
}


def grid():
    base = load_profile("paper") | {"seed": 0, "image_size": 224}
    demo = load_profile("demo")
    for values in itertools.product(*GRID.values()):
        yield Design(demo | base | dict(zip(GRID, values, strict=True)), "alexnet", True)


def test_exactly_one_sentence_of_each_topic_holds_for_every_design():
    for topic, design in itertools.product(TOPICS.values(), grid()):
        assert sum(sentence.when(design) for sentence in topic) == 1


def test_sentences_say_what_the_parameters_are():
    for d in grid():
        say = {name: said(topic, d) for name, topic in TOPICS.items()}
        several = len(d["networks"]) > 1
        assert ("was chosen from" in say["choice"]) == (d["chosen"] == "best" and several)
        assert ("fixed as a parameter" in say["choice"]) == (d["chosen"] != "best" and several)
        assert ("histogram equalised as a whole" in say["equalisation"]) == (d["equalisation"] == "histogram")
        assert ("without equalisation" in say["equalisation"]) == (d["equalisation"] == "none")
        assert ("All layers are trained" in say["trained layers"]) == (d["trainable"] == "all")
        assert ("none has vertebrae in both" in say["split"]) == (d["split"] == "patient")
        assert ("under both splits" in say["leakage"]) == d["leakage"]
        assert ("for each region by itself" in say["regions"]) == (d["regions"] == "separate")
        assert ("trained again" in say["context"]) == d["other_context"]
        assert ("one body on either side" in say["context"]) == (d["other_context"] and d["context"] == 0)
        assert ("simulated" in say["readers"]) == (d["readings"] == "simulated")
        assert ("AlexNet" in say["random weights"]) == (d["weights"] != "imagenet")
        assert ("those of the paper" in say["recipe"]) == (d["epochs"] == 100 and d["equalisation"] == "histogram")
        assert ("epochs 3 (paper: 100)" in say["recipe"]) == (d["epochs"] == 3)


def test_the_papers_recipe_is_only_the_paper_profiles():
    paper, demo = load_profile("demo") | load_profile("paper"), load_profile("demo")
    assert Design(paper, "resnet101", False).departures == []
    assert "image size 88 (paper: 224)" in Design(demo, "alexnet", True).departures


def test_a_topic_with_a_hole_or_a_contradiction_is_found():
    always = Sentence(lambda fact: True, str)
    for topic in [(), (always, always)]:
        with pytest.raises(LookupError):
            said(topic, 1)


def row(estimate, low, high):
    return pd.Series({"difference": estimate, "estimate": estimate, "low": low, "high": high})


VALUES = (-0.3, -0.1, 0.0, 0.1, 0.3)


def topics(module):
    """Every topic that a module holds, by name."""
    found = {name: value for name, value in vars(module).items() if isinstance(value, tuple)}
    return {n: t for n, t in found.items() if t and all(isinstance(part, Sentence) for part in t)}


@pytest.mark.parametrize("topic", topics(results))
@pytest.mark.parametrize("centre", [0.0, 0.5, 1.0])
def test_one_sentence_holds_for_every_estimate_and_interval(topic, centre):
    for a, b in itertools.combinations_with_replacement(VALUES, 2):
        said(getattr(results, topic), row(centre + (a + b) / 2, centre + a, centre + b))
    for low, high in [(np.nan, 0.1), (0.1, np.nan), (np.nan, np.nan)]:
        said(getattr(results, topic), row(0.1, low, high))
    said(getattr(results, topic), row(np.nan, np.nan, np.nan))


def test_an_auc_is_held_against_chance():
    def words(low, high):
        return results.against_chance(pd.DataFrame([{"metric": "auc", "estimate": 0.5, "low": low, "high": high}]))

    assert words(0.6, 0.8).startswith("The AUC is above chance")
    assert words(0.2, 0.4).startswith("The AUC is below chance")
    assert words(0.4, 0.6).startswith("A difference from chance (0.5) is not shown")


@pytest.mark.parametrize(
    "low, high, words", [(0.2, 0.8, "below 1"), (1.2, 1.8, "above 1"), (0.8, 1.2, "compatible with 1")]
)
def test_a_slope_is_held_against_one(low, high, words):
    assert words in results.slope(pd.DataFrame([{"metric": "slope", "estimate": 1.0, "low": low, "high": high}]))


def comparisons(intervals):
    rows = [
        {"test": CLUSTERED_DELONG, "first": "vgg16", "second": name, "difference": (low + high) / 2,
         "low": low, "high": high}
        for name, (low, high) in intervals.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_every_other_network_is_named_once_by_its_interval():
    said = results.ahead(comparisons({"alexnet": (0.1, 0.3), "resnet50": (-0.1, 0.2), "resnet101": (-0.3, -0.1)}))
    assert said.startswith(
        "The AUC of VGG16 is higher than that of AlexNet; lower than that of ResNet101; not shown to differ from that "
        "of ResNet50 ("
    )
    assert "can be estimated" in results.ahead(
        comparisons({}).reindex(columns=comparisons({"alexnet": (0, 1)}).columns)
    )


def plain(text):
    return text.replace("\u00a0", " ")


def readings(given, times=None):
    rows = [{"reader": "r1", "session": s, "time": t} for s, t in zip(given, times or [""] * len(given), strict=True)]
    return pd.DataFrame(rows)


def test_sessions_are_said_as_they_are_and_time_only_where_known():
    assert sessions(readings(["unaided"])) == "The reader read once, without the model."
    two = pd.concat([readings(["unaided"]), readings(["unaided"]).assign(reader="r2")])
    assert sessions(two) == "Readers read once, without the model."
    assert sessions(readings(["aided"])) == "The reader read once, with the model's output in view."
    split = pd.concat([readings(["unaided"]), readings(["aided"]).assign(reader="r2")])
    assert sessions(split).endswith(
        "one session only: 1 without the model, 1 with the model's output in view (split-plot)."
    )
    nested = readings(["unaided", "aided"]).assign(patch_id=["a", "b"])
    assert "no case in two sessions; how much time" in sessions(nested)
    assert "is not recorded" in sessions(readings(["unaided", "aided"]))
    dated = readings(["unaided", "aided"], ["2026-01-01T10:00:00", "2026-01-31T10:00:00"])
    assert sessions(dated).endswith("was 30 days.")
    dated.attrs["simulation"] = {}
    assert "is not recorded" in sessions(dated)


def test_every_topic_of_the_design_is_in_the_grid():
    found = topics(designs).values()
    assert len(found) == len(TOPICS) and all(any(t is known for known in TOPICS.values()) for t in found)


def test_no_other_module_holds_topics():
    for path in (ROOT / "ovcf").rglob("*.py"):
        holds = re.search(r"(?m)^[A-Z_]+: Topic\b|\bSentence\(", path.read_text(encoding="utf-8")) is not None
        assert not holds or path.parent.name == "sentences", path


def test_what_changed_is_said_of_all_patches_and_of_the_auc():
    columns = ["patches", "metric", "difference", "low", "high"]
    rows = [
        ("seen", "auc", 0.9, 0.8, 1.0),
        ("all", "accuracy", 0.7, 0.6, 0.8),
        ("all", "auc", 0.02, 0.01, 0.03),
        ("all", "auc", 0.03, 0.02, 0.04),
        ("all", "auc", np.nan, np.nan, np.nan),
    ]
    said = plain(results.by_patch(pd.DataFrame(rows, columns=columns)))
    assert said == "AUC with patches dealt into folds, against patients: higher by 0.030 [0.020, 0.040]."


def test_a_second_version_is_held_against_the_first():
    columns = ["group", "metric", "difference", "low", "high", "p"]
    rows = [
        ("all", "accuracy", 0.7, 0.6, 0.8, 0.9),
        ("above", "auc", 0.5, 0.4, 0.6, 0.8),
        ("all", "auc", -0.02, -0.03, -0.01, 0.004),
    ]
    said = plain(results.of_versions(pd.DataFrame(rows, columns=columns), "one network", "three networks"))
    assert said == "AUC of three networks, against one network: lower by 0.020 [0.010, 0.030]; p = 0.004."


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("ends", [(0.01, 0.05), (-0.05, -0.01), (-0.02, 0.03), (np.nan, np.nan)])
def test_what_several_dealings_show_is_said_by_sign(ends, beside):
    names = ["all", "of patients with several patches", "of patients with one patch", "several less one"]
    rows = [(name, "auc", np.mean(ends), *ends) for name in names]
    price = pd.DataFrame(rows, columns=["patches", "metric", "difference", "low", "high"])
    told = plain(results.over_dealings(price, 10, beside))
    words = {0.01: "higher by 0.030 [0.010, 0.050]", -0.05: "lower by 0.030 [0.010, 0.050]"}
    words |= {-0.02: "no difference shown: 0.005 [-0.020, 0.030]"}
    assert told.count(words.get(ends[0], "not estimable")) == 3
    assert told.startswith("Dealt 10 times by either split") and ("neighbouring bodies" in told) == beside


def test_another_cohorts_auc_is_the_final_models_and_stands_first():
    columns = ["model", "metric", "first", "second", "second_low", "second_high", "difference", "low", "high"]
    rows = [
        ("final model", "accuracy", 0.1, 0.2, 0.1, 0.3, 0.1, 0.05, 0.2),
        ("final model", "auc", 0.79, 0.76, 0.7, 0.82, -0.03, -0.1, 0.04),
        ("fold ensemble", "auc", 0.4, 0.5, 0.4, 0.6, 0.1, 0.05, 0.2),
    ]
    assert plain(results.elsewhere(pd.DataFrame(rows, columns=columns))) == (
        "AUC of the final model here: 0.760 [0.700, 0.820]; against the development cohort no difference shown: "
        "-0.030 [-0.100, 0.040]."
    )


def test_only_clustered_tests_that_gave_a_difference_are_told():
    table = comparisons({"alexnet": (0.1, 0.3), "resnet50": (0.1, 0.2), "resnet101": (0.2, 0.4)})
    table.loc[len(table)] = ["DeLong, as if independent", "vgg16", "googlenet", 0.5, 0.4, 0.6]
    table.loc[len(table)] = [CLUSTERED_DELONG, "vgg16", "efficientnet_lite0", np.nan, np.nan, np.nan]
    assert results.ahead(table) == (
        "The AUC of VGG16 is higher than that of AlexNet, ResNet50 and ResNet101 (95 % intervals clustered by "
        "patient, not corrected)."
    )


def test_what_has_no_estimate_is_not_estimable_whatever_else_it_has():
    undefined = pd.Series({"estimate": np.nan, "low": 0.6, "high": 0.7})
    assert said(results.ABOVE_CHANCE, undefined).endswith("is not estimable")
    assert said(results.SLOPE, undefined).endswith("not estimable")
    assert said(results.CHANGED, pd.Series({"difference": np.nan, "low": 0.6, "high": 0.7})).endswith("not estimable")


def test_no_sentence_prints_a_number_that_is_none():
    auc = {"metric": "auc", "patches": "all", "group": "all", "model": "m", "p": np.nan, "estimate": 0.5}
    rows = pd.DataFrame(
        [auc | dict.fromkeys(("difference", "low", "high", "second", "second_low", "second_high"), np.nan)]
    )
    told = [results.by_patch(rows), results.of_versions(rows, "one", "two"), results.elsewhere(rows)]
    told += [results.against_chance(rows), results.slope(rows.assign(metric="slope"))]
    assert not any("nan" in sentence or "undefined" in sentence for sentence in told)
    assert told[1] == "AUC of two, against one: difference not estimable."
    assert told[3] == "Whether the AUC differs from chance (0.5) is not estimable."
    assert told[4] == "The calibration slope is not estimable."
    table = comparisons({"alexnet": (0.1, 0.3), "resnet50": (np.nan, np.nan)}).fillna({"difference": 0.2})
    assert "; without an estimable difference from that of ResNet50 (" in results.ahead(table)
    assert "No difference" in results.ahead(table[1:])


def test_too_few_patches_for_an_auc_are_told_and_stop_no_report():
    """Of fewer than 20 patches of a class tables of versions have no AUC; no other table's sentence needs one."""
    columns = ["metric", "patches", "group", "model", "p", "difference", "low", "high"]
    columns += ["second", "second_low", "second_high"]
    rows = pd.DataFrame([["accuracy", "all", "all", "m"] + [0.1] * 7], columns=columns)
    few = pd.DataFrame({"patch_id": list("abcd"), "patient_id": list("wxyz"), "truth": [0, 1, 0, 1], "p_fresh": 0.4})
    table = paired_versions(few, few.assign(p_fresh=0.6))
    assert len(table) and "auc" not in set(table.metric)
    told = [results.by_patch(rows), results.of_versions(rows, "one", "two"), results.elsewhere(rows)]
    told.append(results.of_versions(table, "one", "two"))
    assert told[1] == told[3] == "AUC of two, against one: difference not estimable."
    assert all("not estimable" in sentence and "nan" not in sentence for sentence in told)


def test_other_readers_and_cases_are_spoken_of_where_they_were_analysed():
    rows = pd.DataFrame({"generalisation": ["fixed readers", "random"], "sentence": ["these", "others"]})
    assert results.for_others(rows) == "others" and results.for_others(rows.head(1)) == ""
