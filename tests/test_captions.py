"""What stands beneath the figures: what, of how many, what the bars are; and a description for each panel."""

import pandas as pd
import pytest

from ovcf.tables import captions

PATCHES = pd.DataFrame({"patient_id": ["a", "a", "b"], "label": ["fresh", "old", "fresh"], "truth": [1, 0, 1]})
AUCS = {"metric": ["auc", "accuracy"], "estimate": [0.7, 0.6], "low": [0.6, 0.5], "high": [0.8, 0.7]}


def words(found):
    return found["caption"], found["alt"]


def test_the_cohorts_figures():
    flow = pd.DataFrame({"n": [557, 405]})
    assert words(captions.inclusion(flow, "mine")) == (
        "Patients kept and excluded, in the order of the criteria (mine). Numbers are patients.",
        ["Flow chart: 557 patients collected, 405 included, one exclusion a step."],
    )
    caption, alt = words(captions.films(2, "mine"))
    assert caption == "2 films drawn at random (mine). Box solid: fresh, dashed: old." and alt[1].startswith(
        "Lateral film 2 of 2"
    )
    caption, alt = words(captions.levels_and_ages(PATCHES, "mine"))
    assert (
        caption.endswith("ages of patients by sex (3 vertebrae of 2 patients; mine).")
        and "2 fresh and 1 old" in alt[0]
        and len(alt) == 2
    )
    for label, said in (("fresh", "1 fresh and 0 old"), ("old", "0 fresh and 1 old")):
        assert said in captions.levels_and_ages(PATCHES.assign(label=label).head(1), "mine")["alt"][0]
    caption, alt = words(captions.patches({"fresh": [0, 0], "old": [0]}, "mine"))
    assert "2 fresh and 1 old (mine)" in caption and alt == [
        "2 fresh vertebrae as patches.",
        "1 old vertebrae as patches.",
    ]
    caption, alt = words(captions.warnings({"blank_patch": [], "copy": []}, "mine"))
    assert "blank patch, copy (mine)" in caption and "blank patch, copy." in alt[0]
    assert len(captions.equalisation(["fresh", "old"], "mine")["alt"]) == 2


def test_a_caption_says_once_of_how_many_it_is():
    flow, title = pd.DataFrame({"metric": ["auc"], "mean": [0.79], "folds": [5]}), "A: mine, 2 patients, 3 vertebrae"
    assert captions.figure4(flow, PATCHES, title)["caption"].endswith(f"shares of the row. {title}.")
    fewer = captions.figure4(flow, PATCHES.head(2), title)["caption"]  # the title is of more than is shown
    assert fewer.endswith(f"2 vertebrae of 1 patient; {title}.")


def test_heights_with_and_without_an_example():
    shown = PATCHES.assign(normal_height=[True, True, False])
    plot, alt = words(captions.heights(shown, None, "mine"))
    assert "3 with measured heights, 1 fresh ones as high as normal (mine)" in plot and len(alt) == 1
    example = pd.Series({"patch_id": "S1", "level": ""})
    caption, alt = words(captions.heights(shown, example, "mine"))
    assert caption.startswith(
        "(a) Film of a fresh fracture of normal height (patch S1, level unknown), boxed. (b) Middle"
    )
    assert alt[0].endswith("among its neighbours.") and len(alt) == 2


def test_the_pipeline_names_what_was_compared():
    one = pd.Series({"patch_id": "S1", "level": "L1", "label": "fresh"})
    caption, alt = words(captions.pipeline(one, ["alexnet", "vgg16"], "mine", equalised=True))
    assert (
        "(patch S1, L1, fresh; mine)" in caption
        and "(c) equalised, (d)" in caption
        and "(f) one network chosen" in caption
    )
    plain = captions.pipeline(one, ["alexnet"], "mine", equalised=False)["caption"]
    assert "(c) as it is, without equalisation, (d)" in plain
    assert alt == ["Six steps from a film with a box to one chosen network; compared are AlexNet, VGG16."]


def test_networks_figures_say_n_and_what_the_bar_is():
    intervals = pd.DataFrame(AUCS).assign(network="alexnet")
    caption, alt = words(captions.auc_by_network(intervals, PATCHES.assign(network="alexnet"), "mine"))
    assert "(3 vertebrae of 2 patients; mine)" in caption and "bar: 95 % interval, clustered by patient" in caption
    assert alt == ["Forest plot of AUC: AlexNet 0.700 [0.600,\u00a00.800]."]
    average = pd.DataFrame({"metric": ["auc"], "mean": [0.79], "folds": [5]})
    caption, alt = words(captions.figure4(average, PATCHES, "T"))
    assert caption.startswith("(a) ROC curve of each fold") and caption.endswith(" 3 vertebrae of 2 patients; T.")
    assert alt[0] == "ROC curves of 5 folds, mean AUC 0.790." and "5 folds" in alt[1]
    caption, _ = words(captions.probabilities(PATCHES, 0.5, "T"))
    assert caption.endswith("dashed: the threshold 0.5. 2 fresh, 1 old vertebrae. T.")
    flow = {"called fresh": 3, "fresh called fresh": 2, "called old": 4, "old called old": 1}
    _, alt = words(captions.stard(pd.DataFrame({"box": list(flow), "n": list(flow.values())}), "T"))
    assert alt == ["Flow chart: 3 vertebrae called fresh, of which 2 are; 4 called old, of which 1 are."]
    curve = pd.DataFrame({"n": [10, 12], "predicted": [0.2, 0.8], "observed": [0.3, 0.7]})
    caption, alt = words(captions.calibration(PATCHES, curve, "T"))
    assert "in 2 groups of about 11 vertebrae" in caption and caption.endswith(" 3 vertebrae of 2 patients; T.")
    assert alt[0] == "Calibration plot: predicted 0.20 to 0.80, observed 0.30 to 0.70." and len(alt) == 2


def test_subgroups_without_an_interval_are_explained_where_there_are_any():
    columns = ["by", "group", "estimate", "low", "high"]
    rows = [("age_group", "60-69", 0.6, 0.5, 0.7), ("sex", "male", 0.9, None, None), ("sex", "female", 0.8, 0.4, 0.95)]
    groups = pd.DataFrame(rows, columns=columns)
    caption, alt = words(captions.subgroups(groups, "T"))
    assert caption.endswith("A dot without a bar: too few for an interval. T.")
    assert alt == ["Forest plot of AUC in 3 subgroups, from 0.600 (age group 60-69) to 0.900 (sex male)."]
    assert "dot without" not in captions.subgroups(groups.head(1), "T")["caption"]


def test_leakage_and_readers():
    rows = [
        ("seen", "auc", 0.3),
        ("all", "accuracy", 0.2),
        ("all", "auc", 0.05),
        ("all", "auc", 0.01),
        ("not seen", "auc", 0.4),
    ]
    price = pd.DataFrame(rows, columns=["patches", "metric", "difference"]).assign(low=-0.02, high=0.04)
    assert captions.leakage(price, "T")["alt"] == [
        "Forest plot of differences of AUC; all patches: 0.010 [-0.020,\u00a00.040]."
    ]
    rates = pd.DataFrame(
        {"session": ["unaided"] * 2, "reader": ["r", "Average"], "sensitivity": [0.5, 0.6], "specificity": [0.7, 0.8]}
    )
    caption, alt = words(captions.reader_roc(rates, 40, "T"))
    assert (
        "on the readers' 40 cases" in caption
        and "the sensitivity and specificity of 1 reader: one session each; diamond: mean of the readers" in caption
    )
    assert alt == [
        "ROC curve of the model with the readers' points. Mean of readers, unaided: sensitivity 60.0 %, specificity 80.0 %."
    ]
    both = pd.concat([rates, rates.assign(session="aided")])
    assert "arrows lead from without to with the model" in captions.reader_roc(both, 40, "T")["caption"]
    table = pd.DataFrame({"reader": ["r", "Average"], "accuracy": [0.5, 0.55]})
    found = captions.readers({"unaided": table, "aided": table.assign(accuracy=0.7)}, ["accuracy"], "T")
    assert found["alt"] == ["Accuracy by reader and session; mean 55.0 % to 70.0 %."]
    alone = captions.readers({"unaided": table[:1], "aided": table[:1]}, ["accuracy"], "T")
    assert "mean" not in alone["caption"] and alone["alt"] == ["Accuracy by reader and session."]
    caption, alt = words(captions.reader_roc(both[both.reader == "r"], 40, "T"))
    assert "mean" not in caption and "The one reader, unaided: sensitivity 50.0 %" in alt[0]
    once = captions.flips(pd.DataFrame({"reader": ["Average"], "helpful_flips": [1], "harmful_flips": [0]}), "T")
    assert once["alt"] == ["Bars by reader: 1 answer turned right, 0 turned wrong, in all."]
    effect = pd.DataFrame({"reader": ["r", "Average"], "helpful_flips": [3, 7], "harmful_flips": [1, 2]})
    assert captions.flips(effect, "T")["alt"] == ["Bars by reader: 7 answers turned right, 2 turned wrong, in all."]
    grid = pd.DataFrame({"power": [0.2, 0.95]})
    caption, alt = words(captions.power(grid, 0.1, "T"))
    assert "a difference of AUC of 0.1 between" in caption and alt[0].startswith("Grid of power from 0.20 to 0.95")


def test_published_numbers_and_another_hospital():
    assert (
        "(3 in all)" in captions.findings(PATCHES)["caption"] and "of 3 folds" in captions.matrices(PATCHES)["caption"]
    )
    assert captions.readings(PATCHES)["alt"] == ["Bars: 3 readings of the columns and the rows that each explains."]
    assert "3 rows" in captions.recovered(PATCHES)["caption"] and len(captions.recovered(PATCHES)["alt"]) == 2
    limits = pd.DataFrame({"printed": [1.0, 2.0], "limit": [1.0, 1.5]})
    assert "(1 of 2)" in captions.f1_limits(limits)["caption"]
    bounds = pd.DataFrame({"smallest_p": [0.05, 0.06, 0.01]})
    caption, alt = words(captions.mcnemar(bounds))
    assert "cannot reach it (1 of 3)" in caption and alt == ["Ranges of p for 3 readers; 1 cannot fall below 0.05."]
    assert "(3 vertebrae of 2 patients)" in captions.external_roc(PATCHES, "T")["caption"]
    assert captions.external_calibration({"a": 0, "b": 0}, "T")["alt"] == [
        "Calibration plots of 2 versions of the model."
    ]
    assert captions.decision(PATCHES, "T")["caption"].endswith("clustered by patient. T.")


@pytest.mark.parametrize("name", [n for n in dir(captions) if not n.startswith("_") and n[0].islower()])
def test_every_caption_is_a_function_with_a_description(name):
    found = getattr(captions, name)
    assert not callable(found) or found.__module__ != captions.__name__ or found.__doc__
