"""Every printed table of the report, cell by cell, from tiny fixed tables (tests/printed.py).

The counts can be checked by eye: fold 1 of ResNet101 has 6 fresh vertebrae of which 5 are called fresh, and 6 old ones
of which 4 are called old; fold 2 has 7 and 5, of which 6 and 4. Intervals and p values have tests of their own with the
statistics; here they are numbers that tell their row and column (`printed.fixed_ends`), so that a cell printed in
another's place is seen.
"""

import ast
import inspect
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import printed
import pytest

from ovcf.audit import recovered_rates
from ovcf.audit.published import paper_facts, paper_table, paper_wide
from ovcf.stats import by_patient, prevalence, thresholds, versions
from ovcf.stats import cohort as cohort_stats
from ovcf.stats import summaries as network_stats
from ovcf.stats.compare import compare_networks
from ovcf.stats.intervals import fold_intervals, metric_intervals
from ovcf.stats.leakage import price_of_leakage, price_over_dealings
from ovcf.stats.readers import summaries as reader_stats
from ovcf.stats.readers.components import or_components, prepare
from ovcf.stats.readers.panel import model_against_panel
from ovcf.stats.readers.power import power_grid
from ovcf.stats.readers.tables import ai_effect
from ovcf.stats.readers.tests import paper_paired_tests
from ovcf.tables import cohort as cohort_tables
from ovcf.tables import networks as network_tables
from ovcf.tables import readers as reader_tables
from ovcf.tables import recovered as recovered_tables
from ovcf.tables import seeds as seed_tables
from ovcf.tables import show as show_tables

ROOT = Path(__file__).parents[1]
DRAWS = {"threshold": 0.5, "replicates": 200, "seed": 0}


# Notebooks 01 and 02 -----------------------------------------------------------------------------------------


def test_glossary_counts_the_rows_with_a_value():
    filled = cohort_stats.filled_cells(printed.patches()[["level", "age", "x0"]].assign(hospital="A", annotator_a_x0=1))
    assert printed.lines(cohort_tables.glossary(filled)) == [
        "column | meaning | unit | rows with a value",
        "level | vertebra, T5 to L5; empty: unknown |  | 23",
        "age | age at the film | years | 24",
        "x0 | left edge of the vertebra's box; empty: the image is a ready patch | px | 24",
        "hospital | brought by the cohort |  | 24",
    ]


def test_the_glossary_is_of_the_columns_that_the_readme_of_data_lists():
    section = (ROOT / "data" / "README.md").read_text().split("## `patches`")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")][1:-1]
    listed = {name.strip(" *") for cell in cells for name in cell.split(",")} - {"annotator_b_..."}
    listed = {name.removesuffix(" ... y1").replace("_a_x0", "_b_label") for name in listed} - {"---"}
    assert set(cohort_tables.GLOSSARY) == listed
    units = {name: unit for name, (_, unit) in cohort_tables.GLOSSARY.items() if unit}
    px, mm = ("x0", "y0", "x1", "y1", "image_width", "image_height"), ("anterior", "middle", "posterior", "neighbour")
    assert units == dict.fromkeys(px, "px") | {f"{part}_height_mm": "mm" for part in mm} | {
        "mm_per_px": "mm/px",
        "age": "years",
    }
    sides = {
        "x0": "left",
        "y0": "upper",
        "x1": "right",
        "y1": "lower",
        "image_width": "width",
        "image_height": "height",
    }
    assert all(cohort_tables.GLOSSARY[name][0].split()[0] == side for name, side in sides.items())


@pytest.mark.parametrize("corner", ["x0", "y0", "x1", "y1"])
@pytest.mark.parametrize("who", ["a", "b"])
def test_annotators_own_corners_are_not_explained_one_by_one(who, corner):
    names = ["level", f"annotator_{who}_{corner}", f"annotator_c_{corner}"]
    shown = cohort_tables.glossary(pd.DataFrame({"column": names, "filled": 1}))
    assert shown.column.tolist() == ["level", f"annotator_c_{corner}"]


def test_table1_levels_and_patients():
    patches = printed.patches()
    counts, people = cohort_stats.table1(patches), cohort_stats.patients_summary(patches)
    table = cohort_tables.table1(counts, people, paper_wide(1), paper_facts())
    assert printed.lines(table, index=True) == [
        "index | fresh ours | fresh paper | old ours | old paper",
        "T5 | 0 | 3 | 0 | 3",
        "T6 | 0 | 13 | 0 | 12",
        "T7 | 0 | 11 | 1 | 17",
        "T8 | 1 | 22 | 0 | 24(1)",
        "T9 | 1 | 17 | 0 | 18",
        "T10 | 0 | 16 | 1 | 13",
        "T11 | 1 | 33 | 0 | 34(1)",
        "T12 | 4 | 71 | 2 | 61(2)",
        "L1 | 4 | 75 | 4(1) | 57(3)",
        "L2 | 0 | 45 | 2(1) | 41(2)",
        "L3 | 0 | 29 | 1 | 30(1)",
        "L4 | 1 | 21 | 0 | 31(1)",
        "L5 | 0 | 8 | 0 | 15",
        "unknown | 1 | – | 0 | –",
        "Total | 13 | 364 | 11 | 356",
        "patients | 16 | 405 |  | ",
        "age, mean ± SD (ddof 1) | 68 ± 5 | 75 ± 14 |  | ",
        "female | 11 | 290 |  | ",
        "male | 5 | 115 |  | ",
        "patients with both classes | 4 | – |  | ",
    ]


def test_table1_of_patients_of_whom_nothing_is_known():
    bare = printed.patches().drop(columns=["age", "sex", "normal_segment"]).head(6)
    assert printed.lines(cohort_stats.patients_summary(bare)) == [
        "quantity | value | sd_ddof1",
        "patients | 4 | nan",
        "both_classes | 1 | nan",
    ]
    assert cohort_stats.level_counts(bare).normal.sum() == 0


def test_patients_are_counted_once_each():
    assert printed.lines(cohort_stats.patients_of(printed.patches()).head(4)) == [
        "patient_id | age | sex | vertebrae | both_classes",
        "p01 | 61 | female | 2 | False",
        "p02 | 62 | female | 1 | False",
        "p03 | 63 | male | 2 | True",
        "p04 | 64 | female | 1 | False",
    ]


def test_widths_in_mm_are_pixels_times_spacing():
    boxes = printed.patches()
    boxes.loc[0, "mm_per_px"], boxes.loc[1, ["x0", "x1"]], boxes.loc[2, "spacing_origin"] = None, None, ""
    assert printed.lines(cohort_stats.box_sizes(boxes)) == [
        "spacing from | vertebrae | median width (px) | median height (px) | median mm per px | median width (mm) | median height (mm)",
        "ImagerPixelSpacing (at the detector) | 12 | 57.5 | 30 | 0.25 | 14.375 | 7.5",
        "PixelSpacing | 9 | 47 | 30 | 0.25 | 11.75 | 7.5",
        "manifest | 1 | 42 | 30 | 0.25 | 10.5 | 7.5",
        "ready patches (no box) | 1 | nan | 30 | 0.25 | nan | 7.5",
        "unknown | 1 | 40 | 30 | nan | nan | nan",
    ]


def test_folds_count_fresh_as_fresh_and_old_as_old():
    patches = printed.patches()
    assert printed.lines(cohort_stats.fold_counts(patches)) == [
        "fold | vertebrae | fresh | old | patients | of them also in other folds",
        "1 | 12 | 6 | 6 | 8 | 0",
        "2 | 12 | 7 | 5 | 8 | 0",
    ]
    shared = cohort_stats.fold_counts(patches.assign(fold=[1, 2] * 12))
    assert printed.lines(shared) == [
        "fold | vertebrae | fresh | old | patients | of them also in other folds",
        "1 | 12 | 7 | 5 | 12 | 7",
        "2 | 12 | 6 | 6 | 11 | 7",
    ]


# Notebooks 03 and 04 -----------------------------------------------------------------------------------------


def test_table2_mean_spread_and_interval_over_folds():
    means = printed.fixed_ends(network_stats.fold_means(printed.predictions(), **DRAWS))
    assert printed.across(network_tables.table2(means, paper_wide(2))) == [
        " | AlexNet ours | AlexNet paper | ResNet101 ours | ResNet101 paper",
        "Accuracy (%) | 66.7 ± 11.8 [10.1, 90.1] | 69.72 ± 1.55 | 79.2 ± 5.9 [10.0, 90.0] | 75.69 ± 2.08",
        "Precision fresh (%) | 67.0 ± 6.3 [10.3, 90.3] | 70.02 ± 4.00 | 78.6 ± 10.1 [10.2, 90.2] | 76.81 ± 5.59",
        "Precision old (%) | 65.0 ± 21.2 [10.5, 90.5] | 70.12 ± 2.99 | 80.0 ± 0.0 [10.4, 90.4] | 75.50 ± 3.31",
        "Recall fresh = sensitivity (%) | 77.4 ± 8.4 [10.7, 90.7] | 68.80 ± 7.63 | 84.5 ± 1.7 [10.6, 90.6] | 73.90 ± 6.71",
        "Recall old = specificity (%) | 53.3 ± 18.9 [10.9, 90.9] | 70.61 ± 7.57 | 73.3 ± 9.4 [10.8, 90.8] | 77.45 ± 8.03",
        "F1 fresh (%) | 71.8 ± 7.3 [11.1, 91.1] | 70.65 ± 2.85 | 81.3 ± 6.2 [11.0, 91.0] | 74.98 ± 2.27",
        "F1 old (%) | 58.6 ± 20.0 [11.3, 91.3] | 70.09 ± 2.70 | 76.4 ± 5.1 [11.2, 91.2] | 76.18 ± 3.00",
        "AUC | 0.718 ± 0.006 [0.115, 0.915] | 0.734 ± 0.215 | 0.873 ± 0.022 [0.114, 0.914] | 0.796 ± 0.028",
    ]


def test_table2_pooled_intervals():
    intervals = printed.fixed_ends(network_stats.network_intervals(printed.predictions(), **DRAWS))
    assert printed.across(network_tables.interval_table(intervals)) == [
        " | AlexNet | ResNet101",
        "Accuracy (%) | 66.7 [10.9, 90.9] | 79.2 [10.0, 90.0]",
        "Precision fresh (%) | 66.7 [11.0, 91.0] | 78.6 [10.1, 90.1]",
        "Precision old (%) | 66.7 [11.1, 91.1] | 80.0 [10.2, 90.2]",
        "Recall fresh = sensitivity (%) | 76.9 [11.2, 91.2] | 84.6 [10.3, 90.3]",
        "Recall old = specificity (%) | 54.5 [11.3, 91.3] | 72.7 [10.4, 90.4]",
        "F1 fresh (%) | 71.4 [11.4, 91.4] | 81.5 [10.5, 90.5]",
        "F1 old (%) | 60.0 [11.5, 91.5] | 76.2 [10.6, 90.6]",
        "AUC | 0.706 [0.116, 0.916] | 0.867 [0.107, 0.907]",
        "AUC, mean of folds | 0.718 [0.117, 0.917] | 0.873 [0.108, 0.908]",
    ]


def test_networks_are_told_apart_by_every_test():
    comparisons = printed.fixed_ends(compare_networks(printed.predictions(), versus="resnet101"))
    table = network_tables.comparison_table(comparisons).reset_index()
    assert table.pop("what it answers").tolist() == comparisons.question.tolist()
    assert printed.lines(table) == [
        "test | whose | of | networks | difference [95 % interval] | p | p_holm",
        "DeLong, clustered by patient (Obuchowski) | ours | AUC | ResNet101 - AlexNet | 0.161 [0.100, 0.900] | 0.01 | 0.5",
        "DeLong | ours | AUC | ResNet101 - AlexNet | 0.161 [0.101, 0.901] | 0.011 | 0.501",
        "McNemar, clustered by patient | ours | Accuracy, points | ResNet101 - AlexNet | 12.5 [10.2, 90.2] | 0.012 | 0.502",
        "McNemar, exact | ours | Accuracy, points | ResNet101 - AlexNet | 12.5 [10.3, 90.3] | 0.013 | 0.503",
        "Cochran's Q | ours | Accuracy, points | all | – | 0.014 | 0.504",
        "corrected resampled t over folds (Nadeau-Bengio) | ours | AUC | ResNet101 - AlexNet | 0.155 [0.105, 0.905] | 0.015 | 0.505",
        "corrected resampled t over folds (Nadeau-Bengio) | ours | Accuracy, points | ResNet101 - AlexNet | 12.5 [10.6, 90.6] | 0.016 | 0.506",
        "paired t over folds | common practice | AUC | ResNet101 - AlexNet | 0.155 [0.107, 0.907] | 0.017 | 0.507",
        "paired t over folds | common practice | Accuracy, points | ResNet101 - AlexNet | 12.5 [10.8, 90.8] | 0.018 | 0.508",
    ]


def test_table3_folds_and_average():
    folds = printed.fixed_ends(fold_intervals(printed.one_network(), **DRAWS))
    average = printed.fixed_ends(network_stats.fold_means(printed.one_network(), **DRAWS))
    assert printed.across(network_tables.table3(folds, average, paper_wide(3))) == [
        " | Fold 1 ours | Fold 1 paper | Fold 2 ours | Fold 2 paper | Average ours | Average paper",
        "Accuracy (%) | 75.0 [10.0, 90.0] | 77.24 | 83.3 [10.8, 90.8] | 77.78 | 79.2 ± 5.9 [10.0, 90.0] | 75.69 ± 2.08",
        "Precision fresh (%) | 71.4 [10.1, 90.1] | 85.45 | 85.7 [10.9, 90.9] | 79.10 | 78.6 ± 10.1 [10.1, 90.1] | 76.81 ± 5.59",
        "Precision old (%) | 80.0 [10.2, 90.2] | 72.22 | 80.0 [11.0, 91.0] | 76.62 | 80.0 ± 0.0 [10.2, 90.2] | 75.50 ± 3.31",
        "Recall fresh = sensitivity (%) | 83.3 [10.3, 90.3] | 65.28 | 85.7 [11.1, 91.1] | 74.65 | 84.5 ± 1.7 [10.3, 90.3] | 73.90 ± 6.71",
        "Recall old = specificity (%) | 66.7 [10.4, 90.4] | 89.04 | 80.0 [11.2, 91.2] | 80.82 | 73.3 ± 9.4 [10.4, 90.4] | 77.45 ± 8.03",
        "F1 fresh (%) | 76.9 [10.5, 90.5] | 74.02 | 85.7 [11.3, 91.3] | 76.81 | 81.3 ± 6.2 [10.5, 90.5] | 74.98 ± 2.27",
        "F1 old (%) | 72.7 [10.6, 90.6] | 79.75 | 80.0 [11.4, 91.4] | 78.67 | 76.4 ± 5.1 [10.6, 90.6] | 76.18 ± 3.00",
        "AUC | 0.889 [0.107, 0.907] | 0.808 | 0.857 [0.115, 0.915] | 0.843 | 0.873 ± 0.022 [0.107, 0.907] | 0.796 ± 0.028",
    ]


def test_a_mean_that_is_not_defined_is_a_dash():
    average = network_stats.fold_means(printed.one_network(), **DRAWS).assign(mean=float("nan"))
    table = network_tables.table2(average, paper_wide(2))
    assert set(table.iloc[0]) == {"–"}


def test_intervals_by_patient_stand_before_those_by_patch():
    intervals = printed.fixed_ends(metric_intervals(printed.one_network(), **DRAWS)).assign(note="")
    intervals.loc[0, "note"] = "few patients"
    assert printed.lines(network_tables.interval_methods(intervals)) == [
        "metric | estimate [95 % interval, patients as units] | if patches were independent | method | beware",
        "Accuracy (%) | 79.2 [10.0, 90.0] | 79.2 [20.0, 80.0] | Wilson with effective sample size | few patients",
        "Precision fresh (%) | 78.6 [10.1, 90.1] | 78.6 [20.1, 80.1] | Wilson with effective sample size | –",
        "Precision old (%) | 80.0 [10.2, 90.2] | 80.0 [20.2, 80.2] | Wilson with effective sample size | –",
        "Recall fresh = sensitivity (%) | 84.6 [10.3, 90.3] | 84.6 [20.3, 80.3] | Wilson with effective sample size | –",
        "Recall old = specificity (%) | 72.7 [10.4, 90.4] | 72.7 [20.4, 80.4] | Wilson with effective sample size | –",
        "F1 fresh (%) | 81.5 [10.5, 90.5] | 81.5 [20.5, 80.5] | Wilson with effective sample size | –",
        "F1 old (%) | 76.2 [10.6, 90.6] | 76.2 [20.6, 80.6] | Wilson with effective sample size | –",
        "AUC | 0.867 [0.107, 0.907] | 0.867 [0.207, 0.807] | t on the logit scale | –",
        "AUC, mean of folds | 0.873 [0.108, 0.908] | 0.873 [0.208, 0.808] | t on the logit scale | –",
    ]


def test_thresholds_and_what_they_give():
    points = printed.fixed_ends(thresholds.operating_points(printed.one_network(), threshold=0.6))
    assert printed.across(network_tables.operating_table(points)) == [
        " | 0 | 1 | 2 | 3 | 4",
        "rule | fixed 0.6 | Youden | Youden | sensitivity 0.9 | sensitivity 0.9",
        "chosen on | fixed beforehand | other folds | same patches (flatters) | other folds | same patches (flatters)",
        "threshold over folds | 0.60 | 0.61 to 0.62 | 0.61 | 0.27 to 0.47 | 0.47",
        "Accuracy (%) | 83.3 [10.0, 90.0] | 79.2 [10.7, 90.7] | 83.3 [11.4, 91.4] | 66.7 [12.1, 92.1] | 79.2 [12.8, 92.8]",
        "Precision fresh (%) | 100.0 [10.1, 90.1] | 100.0 [10.8, 90.8] | 100.0 [11.5, 91.5] | 63.2 [12.2, 92.2] | 75.0 [12.9, 92.9]",
        "Precision old (%) | 73.3 [10.2, 90.2] | 68.8 [10.9, 90.9] | 73.3 [11.6, 91.6] | 80.0 [12.3, 92.3] | 87.5 [13.0, 93.0]",
        "Recall fresh = sensitivity (%) | 69.2 [10.3, 90.3] | 61.5 [11.0, 91.0] | 69.2 [11.7, 91.7] | 92.3 [12.4, 92.4] | 92.3 [13.1, 93.1]",
        "Recall old = specificity (%) | 100.0 [10.4, 90.4] | 100.0 [11.1, 91.1] | 100.0 [11.8, 91.8] | 36.4 [12.5, 92.5] | 63.6 [13.2, 93.2]",
        "F1 fresh (%) | 81.8 [10.5, 90.5] | 76.2 [11.2, 91.2] | 81.8 [11.9, 91.9] | 75.0 [12.6, 92.6] | 82.8 [13.3, 93.3]",
        "F1 old (%) | 84.6 [10.6, 90.6] | 81.5 [11.3, 91.3] | 84.6 [12.0, 92.0] | 50.0 [12.7, 92.7] | 73.7 [13.4, 93.4]",
    ]


def test_subgroups_with_one_test_of_each_metric_a_grouping():
    groups = printed.fixed_ends(network_stats.known_subgroups(printed.one_network(), printed.patches()))
    table = network_tables.subgroup_rows(groups)
    sizes = {"region": 4, "level": 11, "sex": 2, "age group": 2, "normal segment": 2}
    assert table.groupby("by", sort=False).size().to_dict() == sizes
    assert printed.lines(table[table["by"].isin(["region", "sex"])]) == [
        "by | group | patches | patients | fresh | AUC [95 % interval] | p, AUC | sensitivity (%) [95 % interval] | p, sensitivity | specificity (%) [95 % interval] | p, specificity",
        "region | above | 3 | 3 | 2 | 1.000 [0.100, 0.900] | 0.600 | 100.0 [10.4, 90.4] | 0.604 | 100.0 [10.8, 90.8] | 0.608",
        "region | at | 16 | 13 | 9 | 0.921 [0.101, 0.901] |  | 88.9 [10.5, 90.5] |  | 71.4 [10.9, 90.9] | ",
        "region | below | 4 | 4 | 1 | 1.000 [0.102, 0.902] |  | 100.0 [10.6, 90.6] |  | 66.7 [11.0, 91.0] | ",
        "region | unknown | 1 | 1 | 1 | – |  | 0.0 [10.7, 90.7] |  | – | ",
        "sex | female | 17 | 11 | 10 | 0.886 [0.145, 0.945] | 0.645 | 90.0 [14.7, 94.7] | 0.647 | 57.1 [14.9, 94.9] | 0.649",
        "sex | male | 7 | 5 | 3 | 0.917 [0.146, 0.946] |  | 66.7 [14.8, 94.8] |  | 100.0 [15.0, 95.0] | ",
    ]
    note = network_tables.untested(groups)
    assert note.startswith(
        "Too few of a class to be tested, and left out of the tests of interaction of the AUC: region "
    )
    assert network_tables.untested(groups.assign(tested=True)) == ""


def test_a_cohort_without_groups_has_no_subgroups():
    bare = printed.patches()[["patch_id", "patient_id"]].assign(sex="", level="L1")
    assert network_stats.known_subgroups(printed.one_network(), bare).empty


def test_leakage_splits_by_patient_and_by_patch():
    price = printed.fixed_ends(price_of_leakage(printed.one_network(), printed.by_patch()))
    assert printed.lines(network_tables.leakage_table(price)) == [
        "patches | n | of | split by patient | split by patch | difference [95 % interval] | p | method",
        "all | 24 | Accuracy (%) | 79.2 | 83.3 | 4.2 [10.0, 90.0] | 0.01 | influence of patients, paired",
        "all | 24 | Precision fresh (%) | 78.6 | 80.0 | 1.4 [10.1, 90.1] | 0.011 | influence of patients, paired",
        "all | 24 | Precision old (%) | 80.0 | 88.9 | 8.9 [10.2, 90.2] | 0.012 | influence of patients, paired",
        "all | 24 | Recall fresh = sensitivity (%) | 84.6 | 92.3 | 7.7 [10.3, 90.3] | 0.013 | influence of patients, paired",
        "all | 24 | Recall old = specificity (%) | 72.7 | 72.7 | 0.0 [10.4, 90.4] | 0.014 | influence of patients, paired",
        "all | 24 | F1 fresh (%) | 81.5 | 85.7 | 4.2 [10.5, 90.5] | 0.015 | influence of patients, paired",
        "all | 24 | F1 old (%) | 76.2 | 80.0 | 3.8 [10.6, 90.6] | 0.016 | influence of patients, paired",
        "all | 24 | AUC | 0.867 | 0.958 | 0.091 [0.107, 0.907] | 0.017 | influence of patients, paired",
        "all | 24 | AUC, mean of folds | 0.873 | 0.958 | 0.085 [0.108, 0.908] | 0.018 | influence of patients, paired",
        "all | 24 | AUC | 0.867 | 0.958 | 0.091 [0.109, 0.909] | 0.019 | clustered DeLong (Obuchowski)",
        "patient in training by patch | 15 | AUC | 0.786 | 0.929 | 0.143 [0.110, 0.910] | 0.02 | clustered DeLong (Obuchowski)",
        "patient not in training by patch | 9 | AUC | 1.000 | 1.000 | 0.000 [0.111, 0.911] | 0.021 | clustered DeLong (Obuchowski)",
        "in training less not in training | 24 | AUC | – | – | 0.143 [0.112, 0.912] | 0.022 | clustered DeLong (Obuchowski)",
    ]


def test_leakage_over_dealings():
    tables = [printed.one_network().assign(split="patient"), printed.by_patch()]
    dealings = pd.concat([table.assign(dealing=k) for table in tables for k in range(2)], ignore_index=True)
    price = printed.fixed_ends(price_over_dealings(dealings))
    assert printed.lines(network_tables.leakage_table(price)) == [
        "patches | n | of | split by patient | split by patch | difference [95 % interval] | p | method",
        "all | 24 | AUC | 0.867 | 0.958 | 0.091 [0.100, 0.900] | 0.01 | clustered DeLong (Obuchowski)",
        "of patients with several patches | 15 | AUC | 0.786 | 0.929 | 0.143 [0.101, 0.901] | 0.011 | clustered DeLong (Obuchowski)",
        "of patients with one patch | 9 | AUC | 1.000 | 1.000 | 0.000 [0.102, 0.902] | 0.012 | clustered DeLong (Obuchowski)",
        "several less one | 24 | AUC | – | – | 0.143 [0.103, 0.903] | 0.013 | clustered DeLong (Obuchowski)",
    ]


def test_seeds_how_far_training_anew_moves_a_metric():
    moved = pd.DataFrame({"metric": ["auc", "recall_fresh"], "seeds": 3, "mean": [0.7912, 0.5], "sd_ddof1": [0.004, 0.021],
                          "least": [0.787, 0.48], "most": [0.795, 0.522], "low": [0.781, 0.448], "high": [0.801, 0.552]})  # fmt: skip
    assert printed.lines(seed_tables.seed_table(moved)) == [
        "of | trainings | mean ± SD | mean [95 % interval over seeds] | least | most",
        "AUC | 3 | 0.791 ± 0.004 | 0.791 [0.781, 0.801] | 0.787 | 0.795",
        "Recall fresh = sensitivity (%) | 3 | 50.0 ± 2.1 | 50.0 [44.8, 55.2] | 48.0 | 52.2",
    ]


def test_patients_with_any_fresh_and_with_every_patch_right():
    results = printed.fixed_ends(by_patient.patient_results(printed.one_network()))
    assert printed.lines(network_tables.patient_table(results)) == [
        "of patients | patients | estimate [95 % interval]",
        "AUC | 16 | 0.927 [0.100, 0.900]",
        "sensitivity (%) | 11 | 90.9 [10.1, 90.1]",
        "specificity (%) | 5 | 80.0 [10.2, 90.2]",
        "all right (%) | 16 | 75.0 [10.3, 90.3]",
        "all right, 1 patch (%) | 9 | 100.0 [10.4, 90.4]",
        "all right, 2 patches (%) | 6 | 50.0 [10.5, 90.5]",
        "all right, 3 patches and more (%) | 1 | 0.0 [10.6, 90.6]",
    ]


def test_predictive_values_and_likelihood_ratios():
    values = printed.fixed_ends(prevalence.at_prevalence(printed.one_network(), [0.25, 0.1]))
    # 11 of 13 fresh and 8 of 11 old are called right: 0.8462 / 0.2727 and 0.1538 / 0.7273
    assert printed.lines(network_tables.likelihood_table(values)) == [
        "call | likelihood ratio [95 % interval]",
        "called fresh | 3.10 [0.10, 0.90]",
        "called old | 0.21 [0.10, 0.90]",
    ]
    # 0.1 x 0.8462 / (0.1 x 0.8462 + 0.9 x 0.2727) and 0.9 x 0.7273 / (0.9 x 0.7273 + 0.1 x 0.1538)
    assert printed.lines(network_tables.prevalence_table(values)) == [
        "fresh among patches (%) | called fresh and is (%) | called old and is (%)",
        "10 | 25.6 [10.4, 90.4] | 97.7 [10.5, 90.5]",
        "25 | 50.8 [10.2, 90.2] | 93.4 [10.3, 90.3]",
    ]


def test_a_ratio_that_is_not_defined_is_a_dash():
    none_called_old = printed.one_network().assign(p_fresh=0.9)
    values = prevalence.at_prevalence(none_called_old, [0.25])
    assert printed.lines(network_tables.likelihood_table(values))[2] == "called old | –"
    assert not any("nan" in line for line in printed.lines(network_tables.prevalence_table(values)))


def test_sizes_of_a_development():
    columns = ["purpose", "criterion", "width", "se", "independent_patches", "patches", "patients", "fresh"]
    rows = [
        ("knowing", "AUC", 0.1, 0.0255, 260, 384, 192, 217),
        ("fitting", "shrinkage", 0.9, float("nan"), 47, 70, 35, 40),
    ]
    assert printed.lines(network_tables.development_table(pd.DataFrame(rows, columns=columns), 100)) == [
        "for | criterion | aim | patches | patients | fresh | enough here",
        "knowing | AUC | 0.1 wide | 384 | 192 | 217 | no",
        "fitting | shrinkage | 0.9 | 70 | 35 | 40 | yes",
    ]


def test_widths_with_more_patients():
    widths = by_patient.widths_with_more(printed.one_network(), [32])
    widths["width"] = [round(0.5 - i / 100, 2) for i in range(len(widths))]
    assert printed.lines(network_tables.width_table(widths)) == [
        "width of the interval of | 16 patients (13 fresh) | 32 patients (26 fresh)",
        "Accuracy (%) | 50.0 | 42.0",
        "Precision fresh (%) | 49.0 | 41.0",
        "Precision old (%) | 48.0 | 40.0",
        "Recall fresh = sensitivity (%) | 47.0 | 39.0",
        "Recall old = specificity (%) | 46.0 | 38.0",
        "F1 fresh (%) | 45.0 | 37.0",
        "F1 old (%) | 44.0 | 36.0",
        "AUC | 0.430 | 0.350",
    ]


def test_two_versions_of_a_network_side_by_side():
    groups = ["fold 1"] * 12 + ["fold 2"] * 12
    compared = printed.fixed_ends(versions.paired_versions(printed.one_network(), printed.by_patch(), groups))
    assert printed.lines(network_tables.versions_table(compared, "one for all", "one for each")) == [
        "patches of | n | of | one for all | one for each | difference [95 % interval] | p",
        "all | 24 | Accuracy (%) | 79.2 | 83.3 | 4.2 [10.0, 90.0] | 0.01",
        "all | 24 | Recall fresh = sensitivity (%) | 84.6 | 92.3 | 7.7 [10.1, 90.1] | 0.011",
        "all | 24 | Recall old = specificity (%) | 72.7 | 72.7 | 0.0 [10.2, 90.2] | 0.012",
        "fold 1 | 12 | Accuracy (%) | 75.0 | 83.3 | 8.3 [10.3, 90.3] | 0.013",
        "fold 1 | 12 | Recall fresh = sensitivity (%) | 83.3 | 100.0 | 16.7 [10.4, 90.4] | 0.014",
        "fold 1 | 12 | Recall old = specificity (%) | 66.7 | 66.7 | 0.0 [10.5, 90.5] | 0.015",
        "fold 2 | 12 | Accuracy (%) | 83.3 | 83.3 | 0.0 [10.6, 90.6] | 0.016",
        "fold 2 | 12 | Recall fresh = sensitivity (%) | 85.7 | 85.7 | 0.0 [10.7, 90.7] | 0.017",
        "fold 2 | 12 | Recall old = specificity (%) | 80.0 | 80.0 | 0.0 [10.8, 90.8] | 0.018",
    ]


def test_how_each_network_was_trained():
    assert printed.lines(network_tables.recipes(["alexnet", "resnet50"], "imagenet", "head")) == [
        "network | weights and training",
        "AlexNet | ImageNet weights, frozen trunk, trained head",
        "ResNet50 | ImageNet weights, frozen trunk, trained head",
    ]
    study = SimpleNamespace(chosen="vgg16", parameters={"weights": "mine", "trainable": "all"})
    assert network_tables.recipe_of(study) == "weights from folder mine, all layers trained"


def test_random_weights_are_marked_network_by_network():
    names = network_tables.names_with_weights(["alexnet", "efficientnet_lite0"], "packaged")
    assert names == {"alexnet": "AlexNet (random weights)", "efficientnet_lite0": "EfficientNet-Lite0"}
    assert network_tables.names_with_weights(["alexnet"], "imagenet") == {"alexnet": "AlexNet"}


def test_differences_of_auc_from_each_other_network():
    comparisons = printed.fixed_ends(compare_networks(printed.predictions(), versus="resnet101"))
    assert printed.lines(network_tables.auc_differences(comparisons.head(1))) == [
        "against | difference [95 % interval] | p | p_holm",
        "AlexNet | 0.161 [0.100, 0.900] | 0.01 | 0.5",
    ]


def test_recovered_counts_of_one_table_and_of_two():
    rates = pd.DataFrame(
        {
            "table": "Table 9",
            "row": ["a", "b"],
            "tp": pd.array([3, None], dtype="Int64"),
            "sensitivity": ["75.00", ""],
            "unique": [True, False],
            "as_good": "",
            "accuracy": [80.0, None],
            "ppv": [60.0, None],
            "npv": [90.0, None],
        }
    )
    assert printed.lines(recovered_tables.counts_shown(rates)) == [
        "row | tp | sensitivity",
        "a | 3 | 75.00",
        "b | <NA> | –",
    ]
    both = pd.concat([rates, rates.assign(table="Table 8")])
    assert list(recovered_tables.counts_shown(both).table) == ["Table 9"] * 2 + ["Table 8"] * 2


def test_printed_aucs_by_network():
    assert network_tables.printed_auc(paper_table(2)).round(3).to_dict() == {
        "alexnet": 0.734,
        "vgg16": 0.735,
        "googlenet": 0.763,
        "resnet50": 0.762,
        "resnet101": 0.796,
    }


# Notebook 05 -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recovered():
    """Recovered rates of two rows, in percent; the second could not be had."""
    return pd.DataFrame(
        {
            "row": ["Doctor 1", "Average"],
            "sensitivity": ["66.67", "36.00 to 54.00"],
            "specificity": ["80.00", ""],
            "accuracy": [75.0, None],
            "ppv": [71.428, None],
            "npv": [76.923, None],
        }
    )


def network_average():
    return reader_stats.network_average(reader_stats.network_folds(printed.one_network()))


@pytest.mark.parametrize(("simulated", "who"), [(True, "simulated readers"), (False, "readers")])
def test_titles_say_who_read_what(simulated, who):
    study = SimpleNamespace(readings=printed.readings(), simulated_readers=simulated, label="a cohort")
    assert reader_tables.title(study) == f"3 {who}, 8 cases: a cohort"


@pytest.mark.parametrize("simulated", [True, False])
@pytest.mark.parametrize("synthetic", [True, False])
def test_a_picture_is_marked_with_what_was_made_by_software(simulated, synthetic):
    said = reader_tables.mark(SimpleNamespace(simulated_readers=simulated, synthetic=synthetic))
    assert ("simulated readers" in said, "synthetic films" in said) == (simulated, synthetic)
    assert bool(said) == (simulated or synthetic)


def test_table4_readers_the_network_and_the_paper(recovered):
    unaided = printed.fixed_ends(reader_stats.session_tables(printed.readings())["unaided"])
    theirs = paper_wide(4, kinds=("single", "mean"))
    table = reader_tables.session_table(unaided, theirs, recovered, network_average())
    assert printed.across(table) == [
        " | ours r1 | ours r2 | ours r3 | ours Average | ours ResNet101, mean of folds, all cases | paper, printed Doctor 1 (GWS) | paper, printed Doctor 2 (GZ) | paper, printed Doctor 3 (RB) | paper, printed Doctor 4 (XZY) | paper, printed Doctor 5 (ZS) | paper, printed Average | paper, printed ResNet101 | paper, from its digits Doctor 1 | paper, from its digits Average",
        "Accuracy (%) | 50.0 [30.0, 70.0] | 62.5 [30.1, 70.1] | 75.0 [30.2, 70.2] | 62.5 ± 12.5 [30.3, 70.3] | 79.2 ± 5.9 | 45.00 | 55 | 52.5 | 50 | 55 | 51.50 ± 4.18 | 75.69 ± 2.08 | 75.00 | –",
        "Specificity (%) | 50.0 [30.0, 70.0] | 50.0 [30.1, 70.1] | 75.0 [30.2, 70.2] | 58.3 ± 14.4 [30.3, 70.3] | 73.3 ± 9.4 | 45.00 | 57.14 | 52.94 | 50 | 56.25 | 52.27 ± 4.95 | 76.81 ± 5.59 | 80.00 | –",
        "Sensitivity (%) | 50.0 [30.0, 70.0] | 75.0 [30.1, 70.1] | 75.0 [30.2, 70.2] | 66.7 ± 14.4 [30.3, 70.3] | 84.5 ± 1.7 | 45.00 | 53.85 | 45 | 50 | 54.17 | 49.60 ± 4.51 | 75.50 ± 3.31 | 66.67 | 36.00 to 54.00",
        "PPV = precision fresh (%) | 50.0 [30.0, 70.0] | 60.0 [30.1, 70.1] | 75.0 [30.2, 70.2] | 61.7 ± 12.6 [30.3, 70.3] | 78.6 ± 10.1 | – | – | – | – | – | – | – | 71.43 | –",
        "NPV = precision old (%) | 50.0 [30.0, 70.0] | 66.7 [30.1, 70.1] | 75.0 [30.2, 70.2] | 63.9 ± 12.7 [30.3, 70.3] | 80.0 ± 0.0 | – | – | – | – | – | – | – | 76.92 | –",
    ]


def test_table5_without_a_network(recovered):
    aided = printed.fixed_ends(reader_stats.session_tables(printed.readings())["aided"])
    theirs = paper_wide(5, kinds=("single", "mean"))
    table = reader_tables.session_table(aided, theirs, recovered)
    assert printed.across(table) == [
        " | ours r1 | ours r2 | ours r3 | ours Average | paper, printed Doctor 1 (GWS) | paper, printed Doctor 2 (GZ) | paper, printed Doctor 3 (RB) | paper, printed Doctor 4 (XZY) | paper, printed Doctor 5 (ZS) | paper, printed Average result with AI | paper, printed Without AI assistance | paper, from its digits Doctor 1 | paper, from its digits Average",
        "Accuracy (%) | 100.0 [30.0, 70.0] | 87.5 [30.1, 70.1] | 87.5 [30.2, 70.2] | 91.7 ± 7.2 [30.3, 70.3] | 62.50 | 72.50 | 70.00 | 65.00 | 67.50 | 67.50 ± 3.95 | 51.50 ± 4.18 | 75.00 | –",
        "Specificity (%) | 100.0 [30.0, 70.0] | 75.0 [30.1, 70.1] | 75.0 [30.2, 70.2] | 83.3 ± 14.4 [30.3, 70.3] | 60.87 | 76.47 | 72.22 | 68.75 | 68.42 | 69.33 ± 5.72 | 52.27 ± 4.95 | 80.00 | –",
        "Sensitivity (%) | 100.0 [30.0, 70.0] | 100.0 [30.1, 70.1] | 100.0 [30.2, 70.2] | 100.0 ± 0.0 [30.3, 70.3] | 64.71 | 69.57 | 68.18 | 62.50 | 66.67 | 66.33 ± 2.80 | 49.60 ± 4.51 | 66.67 | 36.00 to 54.00",
        "PPV = precision fresh (%) | 100.0 [30.0, 70.0] | 80.0 [30.1, 70.1] | 80.0 [30.2, 70.2] | 86.7 ± 11.5 [30.3, 70.3] | – | – | – | – | – | – | – | 71.43 | –",
        "NPV = precision old (%) | 100.0 [30.0, 70.0] | 100.0 [30.1, 70.1] | 100.0 [30.2, 70.2] | 100.0 ± 0.0 [30.3, 70.3] | – | – | – | – | – | – | – | 76.92 | –",
    ]


def test_table4_has_the_network_on_the_readers_cases_apart_from_all(recovered):
    model = printed.one_network()
    few = reader_stats.network_on_cases(model, model.patch_id[:8])
    assert list(few.metric) == ["accuracy", "specificity", "sensitivity", "ppv", "npv"]
    called = model[:8].p_fresh >= 0.5
    assert few.estimate[0] == pytest.approx((called == (model[:8].truth == 1)).mean())
    unaided = reader_stats.session_tables(printed.readings())["unaided"]
    table = reader_tables.session_table(unaided, paper_wide(4), recovered, network_average(), few)
    rows = [name for part, name in table.index if part == "ours"]
    assert rows[-2:] == ["ResNet101, these cases", "ResNet101, mean of folds, all cases"]
    cell = table.loc[("ours", "ResNet101, these cases"), "Accuracy (%)"]
    assert cell.startswith(f"{100 * few.estimate[0]:.1f} [") and cell.endswith("]")


def test_any_analysis_has_its_interval_beside_its_estimate():
    rates = pd.DataFrame({"metric": ["accuracy", "auc"], "estimate": 0.725, "low": 0.5, "high": 0.75})
    assert printed.lines(reader_tables.analysis_rows(rates)) == [
        "metric | estimate [95 % interval]",
        "Accuracy (%) | 72.5 [50.0, 75.0]",
        "AUC | 0.725 [0.500, 0.750]",
    ]
    seconds = pd.DataFrame({"reader": ["Average", "r1"], "mean": [15.25, 14], "low": [14, None], "high": [16, None]})
    seconds.insert(1, "median", [None, 12.75])
    assert printed.lines(reader_tables.analysis_rows(seconds)) == [
        "reader | median | mean [95 % interval]",
        "Average | – | 15.25 [14.00, 16.00]",
        "r1 | 12.8 | 14.00",
    ]
    assert reader_tables.analysis_rows(table := pd.DataFrame({"n": [1]})) is table


def test_tests_over_folds_name_what_they_compare():
    tests = pd.DataFrame(
        {"network": "vgg16", "measure": ["recall", "f1"], "difference": 0.0142, "low": -0.05, "high": 0.07, "p": 0.644}
    )
    assert printed.lines(network_tables.fold_tests(tests)) == [
        "measure | difference, points [95 % interval] | p",
        "recall | 1.4 [-5.0, 7.0] | 0.644",
        "F1 | 1.4 [-5.0, 7.0] | 0.644",
    ]


def test_the_networks_row_has_its_own_sensitivity_and_specificity():
    assert printed.lines(network_average()) == [
        "metric | mean | sd_ddof1 | network",
        "accuracy | 0.791667 | 0.0589256 | resnet101",
        "specificity | 0.733333 | 0.0942809 | resnet101",
        "sensitivity | 0.845238 | 0.0168359 | resnet101",
        "ppv | 0.785714 | 0.101015 | resnet101",
        "npv | 0.8 | 0 | resnet101",
    ]


def test_sessions_come_unaided_first():
    aided_first = printed.readings().sort_values("session", kind="stable")
    assert list(reader_stats.session_tables(aided_first)) == ["unaided", "aided"]
    assert list(reader_stats.session_tables(aided_first[aided_first.session == "unaided"])) == ["unaided"]


def test_rates_recovered_from_the_papers_digits():
    table = recovered_rates(5).set_index("row")[["tp", "fn", "tn", "fp", "accuracy", "ppv", "npv"]].head(3)
    assert printed.lines(table, index=True) == [
        "row | tp | fn | tn | fp | accuracy | ppv | npv",
        "Doctor 1 (GWS) | 14 | 6 | 11 | 9 | 62.5 | 60.8696 | 64.7059",
        "Doctor 2 (GZ) | 13 | 7 | 16 | 4 | 72.5 | 76.4706 | 69.5652",
        "Doctor 3 (RB) | 13 | 7 | 15 | 5 | 70 | 72.2222 | 68.1818",
    ]


def test_paired_tests_as_the_paper_has_them():
    folds = reader_stats.network_folds(printed.one_network())
    tests = printed.fixed_ends(paper_paired_tests(printed.readings(), folds))
    assert printed.lines(reader_tables.paper_pairs(tests)) == [
        "comparison | of | pairs | means ± SD (ddof 1), % | difference, points [95 % interval] | p",
        "readers - folds | accuracy | 2 | 56.3 ± 8.8 and 79.2 ± 5.9 | -22.9 [10.0, 90.0] | 0.01",
        "readers - folds | specificity | 2 | 50.0 ± 0.0 and 73.3 ± 9.4 | -23.3 [10.1, 90.1] | 0.011",
        "readers - folds | sensitivity | 2 | 62.5 ± 17.7 and 84.5 ± 1.7 | -22.0 [10.2, 90.2] | 0.012",
        "aided - unaided | accuracy | 3 | 91.7 ± 7.2 and 62.5 ± 12.5 | 29.2 [10.3, 90.3] | 0.013",
        "aided - unaided | specificity | 3 | 83.3 ± 14.4 and 58.3 ± 14.4 | 25.0 [10.4, 90.4] | 0.014",
        "aided - unaided | sensitivity | 3 | 100.0 ± 0.0 and 66.7 ± 14.4 | 33.3 [10.5, 90.5] | 0.015",
    ]
    asked = tests.question.drop_duplicates().tolist()
    assert reader_tables.questions(tests) == f"Readers - folds: {asked[0]} Aided - unaided: {asked[1]}"


def test_what_the_study_extends_to():
    table = printed.fixed_ends(reader_stats.generalisations(printed.readings()))
    shown = reader_tables.generalisation_table(table)
    assert printed.lines(shown) == [
        "extends to | AUC | Sensitivity, points | Specificity, points",
        "other readers and other cases | 0.250 [0.100, 0.900], p = 0.010 | 33.3 [10.3, 90.3], p = 0.013 | 25.0 [10.6, 90.6], p = 0.016",
        "these readers on other cases | 0.250 [0.101, 0.901], p = 0.011 | 33.3 [10.4, 90.4], p = 0.014 | 25.0 [10.7, 90.7], p = 0.017",
        "other readers on these cases | 0.250 [0.102, 0.902], p = 0.012 | 33.3 [10.5, 90.5], p = 0.015 | 25.0 [10.8, 90.8], p = 0.018",
    ]
    small = reader_tables.generalisation_table(table.assign(p=0.0001).head(1))
    assert printed.lines(small)[1] == "other readers and other cases | 0.250 [0.100, 0.900], p < 0.001"


def test_flips_that_helped_and_flips_that_harmed():
    effect = printed.fixed_ends(ai_effect(printed.readings()))
    assert printed.across(reader_tables.effect_table(effect)) == [
        " | 0 | 1 | 2 | 3",
        "reader | r1 | r2 | r3 | Average; answers: sum",
        "cases | 8 | 8 | 8 | 8",
        "without (%) | 50.0 | 62.5 | 75.0 | 62.5",
        "with (%) | 100.0 | 87.5 | 87.5 | 91.7",
        "difference [95 % interval] | 50.0 [10.0, 90.0] | 25.0 [10.1, 90.1] | 12.5 [10.2, 90.2] | 29.2 [10.3, 90.3]",
        "turned right | 4 | 2 | 2 | 8",
        "of wrong, model right | 4 | 2 | 2 | 8",
        "turned wrong | 0 | 0 | 1 | 1",
        "of right, model wrong | 1 | 0 | 1 | 2",
    ]


def test_the_model_stands_before_the_panel():
    against = printed.fixed_ends(model_against_panel(printed.readings(), printed.one_network(), margin=0.05))
    shown = reader_tables.panel_table(against)
    assert printed.lines(shown) == [
        "extends to | model | panel | model - panel [95 % interval] | p_superiority | p_noninferiority | not worse by the margin",
        "other readers and other cases | 1.000 | 0.708 | 0.292 [0.100, 0.900] | 0.3 | 0.4 | yes",
        "these readers on other cases | 1.000 | 0.708 | 0.292 [0.101, 0.901] | 0.301 | 0.401 | yes",
        "other readers on these cases | 1.000 | 0.708 | 0.292 [0.102, 0.902] | 0.302 | 0.402 | yes",
    ]
    worse = reader_tables.panel_table(against.assign(noninferior=False))
    assert set(worse["not worse by the margin"]) == {"not shown"}


def test_power_of_the_next_study():
    grid = reader_stats.next_study(printed.readings(), effect=0.2)
    assert set(grid.effect) == {0.2} and set(grid.readers) >= {3, 5} and grid.power.between(0, 1).all()
    own = or_components(prepare(printed.readings(), "auc"), "auc", "jackknife")
    pd.testing.assert_frame_equal(grid, power_grid(own, effect=0.2))


def test_what_simulated_readers_were_told():
    told = {"reader": ["a", "b"], "ability": [0.25, 0.5], "sensitivity": [0.604, None], "accuracy_aided": [0.66, 0.7]}
    assert printed.lines(reader_tables.simulation_truth(pd.DataFrame(told))) == [
        "reader | ability | sensitivity (%) | accuracy aided (%)",
        "a | 0.25 | 60.4 | 66.0",
        "b | 0.5 | – | 70.0",
    ]


def test_answers_right_in_one_session_only():
    tests = pd.DataFrame(
        {"reader": ["a"], "comparison": "aided - unaided", "n": 40, "only_first": 7, "only_second": 2, "p": 0.18}
    )
    assert printed.lines(reader_tables.mcnemar_rows(tests)) == [
        "reader | cases | right only aided | right only unaided | p",
        "a | 40 | 7 | 2 | 0.18",
    ]
    assert reader_tables.mcnemar_rows(tests.head(0)).empty


def test_how_far_readers_agree():
    kappas = pd.DataFrame(
        {
            "kind": ["Cohen", "Cohen"],
            "first": ["a", "a"],
            "second": ["b", "c"],
            "n": [40, 40],
            "agreement": [0.625, 1.0],
            "kappa": [0.256, float("nan")],
            "low": [-0.031, float("nan")],
            "high": [0.5, float("nan")],
        }
    )
    assert printed.lines(reader_tables.kappa_rows(kappas)) == [
        "kind | first | second | cases | observed agreement | kappa [95 % interval]",
        "Cohen | a | b | 40 | 0.625 | 0.256 [-0.031, 0.500]",
        "Cohen | a | c | 40 | 1.000 | –",
    ]


@pytest.mark.parametrize(
    ("simulated", "synthetic", "said"),
    [
        (True, True, "simulated readers, synthetic films"),
        (False, True, "synthetic films"),
        (True, False, "simulated readers"),
        (False, False, ""),
    ],
)
def test_a_picture_says_what_it_is_made_of(simulated, synthetic, said):
    assert reader_tables.mark(SimpleNamespace(simulated_readers=simulated, synthetic=synthetic)) == said


def test_one_reader_is_no_plural():
    alone = printed.readings()
    alone = alone[(alone.reader == "r1") & (alone.patch_id == alone.patch_id.iloc[0])]
    study = SimpleNamespace(readings=alone, simulated_readers=False, label="a cohort")
    assert reader_tables.title(study) == "1 reader, 1 case: a cohort"


def test_names_say_whose_weights_are_random():
    names = ["alexnet", "efficientnet_lite0"]
    said = network_tables.names_with_weights(names, "packaged")
    assert said == {"alexnet": "AlexNet (random weights)", "efficientnet_lite0": "EfficientNet-Lite0"}
    assert network_tables.names_with_weights(names, "imagenet")["alexnet"] == "AlexNet"
    means = network_stats.fold_means(printed.predictions(), **DRAWS)
    assert network_tables.table2(means, paper_wide(2), said).index[0] == ("AlexNet (random weights)", "ours")
    intervals = network_stats.network_intervals(printed.predictions(), **DRAWS)
    assert list(network_tables.interval_table(intervals, said).index) == ["AlexNet (random weights)", "ResNet101"]
    comparisons = printed.fixed_ends(compare_networks(printed.predictions(), versus="resnet101"))
    shown = network_tables.auc_differences(comparisons[comparisons.test == "DeLong"], said)
    assert printed.lines(shown) == [
        "against | difference [95 % interval] | p | p_holm",
        "AlexNet (random weights) | 0.161 [0.101, 0.901] | 0.011 | 0.501",
    ]
    plain = network_tables.auc_differences(comparisons.head(1))
    assert plain.against.tolist() == ["AlexNet"]
    table = network_tables.comparison_table(comparisons.iloc[[1, 4]], said)
    assert table.networks.tolist() == ["ResNet101 - AlexNet (random weights)", "all"]


def test_calibration_is_said_in_words():
    scores = pd.DataFrame(
        [
            ("slope", 0.9, 0.7, 1.1, "m"),
            ("ece_by_chance", 0.05, float("nan"), float("nan"), "s"),
            ("own", 1.5, 1, 2, ""),
        ],
        columns=["metric", "estimate", "low", "high", "method"],
    )
    assert printed.lines(network_tables.calibration_rows(scores)) == [
        "measure | right would be | estimate [95 % interval] | method",
        "calibration slope | 1 | 0.900 [0.700, 1.100] | m",
        "the same of a perfectly calibrated model, by chance |  | 0.050 | s",
        "own |  | 1.500 [1.000, 2.000] | ",
    ]


def test_thresholds_that_print_alike_are_printed_once():
    points = pd.DataFrame({"threshold_min": [0.501, 0.5, 0.4], "threshold_max": [0.504, 0.5, 0.62]})
    assert network_tables.threshold_spans(points) == ["0.50", "0.50", "0.40 to 0.62"]


def test_sizes_have_the_digits_that_say_something():
    names = ["spacing from", "vertebrae", "median width (px)", "median mm per px", "median width (mm)"]
    sizes = pd.DataFrame([["manifest", 720, 89.47, 0.4213, 26.899], ["unknown", 3, 90.6, None, None]], columns=names)
    assert printed.lines(cohort_tables.sizes(sizes)) == [
        " | ".join(names),
        "manifest | 720 | 89 | 0.42 | 26.9",
        "unknown | 3 | 91 | – | –",
    ]


def test_what_each_column_says_of_the_label():
    factors = pd.DataFrame(
        {"factor": ["mm_per_px", "age_group"], "auc": [0.6, 0.5], "low": [0.5, 0.4], "high": [0.7, 0.6], "n": [9, 9]}
    )
    assert printed.lines(cohort_tables.factor_rows(factors)) == [
        "factor | AUC [95 % interval] | n",
        "pixel spacing (mm) | 0.600 [0.500, 0.700] | 9",
        "age group | 0.500 [0.400, 0.600] | 9",
    ]


def test_each_test_of_the_levels_has_its_question():
    tests = pd.DataFrame(
        {
            "test": ["t", "chi-square"],
            "whose": ["the paper's", "ours"],
            "question": ["a?", "b?"],
            "difference": [0.5, float("nan")],
            "low": [-1.25, float("nan")],
            "high": [2.0, float("nan")],
            "statistic": [0.1, 9.0],
            "df": [24.0, 11.36],
            "p": [0.9, 0.6],
        }
    )
    assert printed.lines(cohort_tables.level_tests(tests)) == [
        "test | whose | question | difference of mean counts [95 % interval] | statistic | df | p",
        "t | the paper's | a? | 0.5 [-1.3, 2.0] | 0.1 | 24 | 0.9",
        "chi-square | ours | b? | – | 9 | 11.36 | 0.6",
    ]


def test_the_mean_of_recovered_rows_has_their_mean_accuracy():
    fifth = recovered_rates(5).set_index("row")
    assert fifth.accuracy["Average result with AI"] == pytest.approx(67.5)  # as printed
    fourth = recovered_rates(4).set_index("row")
    assert fifth.accuracy["Without AI assistance"] == pytest.approx(51.5)  # as printed
    assert (fourth.accuracy["Doctor 4 (XZY)"], fourth.ppv["Doctor 4 (XZY)"]) == (50, 50)  # of all matrices that fit
    assert fourth.accuracy["ResNet101"] == pytest.approx(75.69, abs=0.005)  # as printed: the mean of Table 3's folds
    assert recovered_rates(2).set_index("row").accuracy[["AlexNet", "ResNet50"]].isna().all()


def test_readers_rates_are_under_one_of_two_readings_and_networks_are_not():
    other = "recalls and precisions (predictive values) exchanged"
    assert set(recovered_rates(5).as_good) == {other} and set(recovered_rates(3).as_good) == {""}
    fourth = recovered_rates(4).set_index("row").as_good
    assert fourth["ResNet101"] == "" and set(fourth.drop("ResNet101")) == {other}
    assert recovered_tables.left_open(recovered_rates(3)) == ""
    assert "change places" in recovered_tables.left_open(recovered_rates(4))


def test_sessions_have_95_percent_intervals_unless_told():
    ours, told = (reader_stats.session_tables(printed.readings(), **how)["unaided"] for how in ({}, {"level": 0.95}))
    pd.testing.assert_frame_equal(ours, told)


@pytest.mark.parametrize(("by", "column"), network_stats.SUBGROUPS.items())
def test_a_grouping_comes_from_its_own_column(by, column):
    columns = {"region": "level", "level": "level", "age_group": "age"}
    assert column == columns.get(by, by)


USUAL = {"threshold": 0.5, "level": 0.95, "replicates": 2000, "seed": 0, "folded": False, "index": False}


@pytest.mark.parametrize("module", [network_stats, reader_stats, cohort_stats, show_tables])
def test_what_is_left_out_of_a_call_is_what_the_whole_study_uses(module):
    functions = [f for f in vars(module).values() if inspect.isroutine(f) and f.__module__ == module.__name__]
    found = [
        (f.__name__, name, p.default)
        for f in [*functions, show_tables.Shown]
        for name, p in inspect.signature(f).parameters.items()
        if name in USUAL and p.default is not inspect.Parameter.empty
    ]
    assert found and [(f, name, value) for f, name, value in found if value != USUAL[name]] == []


def test_points_of_readers_and_of_the_network():
    sessions = {
        name: pd.DataFrame({"reader": ["a", "Average"], "sensitivity": [x, x], "specificity": [x + 0.1, x], "n": 4})
        for name, x in (("unaided", 0.5), ("aided", 0.7))
    }
    assert printed.lines(reader_stats.reader_points(sessions)) == [
        "session | reader | sensitivity | specificity",
        "unaided | a | 0.5 | 0.6",
        "unaided | Average | 0.5 | 0.5",
        "aided | a | 0.7 | 0.8",
        "aided | Average | 0.7 | 0.7",
    ]
    model = pd.DataFrame(
        {"patch_id": list("abcdef"), "truth": [1, 1, 1, 0, 0, 1], "p_fresh": [0.5, 0.9, 0.1, 0.4, 0.6, 0]}
    )
    point = reader_stats.network_point(model, ["a", "b", "c", "d", "e"])
    assert point.round(3).to_dict() == {"sensitivity": 0.667, "specificity": 0.5}
    assert reader_stats.network_point(model, "abcde", threshold=0.95).to_dict() == {"sensitivity": 0, "specificity": 1}


def test_findings_are_named_in_words_and_say_what_would_decide_them_where_that_is_asked():
    found = {
        "id": "spread-of-fact-2",
        "severity": "note",
        "place": "Table 1",
        "printed": "75 ± 14",
        "recomputed": "14%",
    }
    table = pd.DataFrame([found | {"message": "Why.", "kind": "spread-of-fact", "decides": "The ages."}])
    assert printed.lines(recovered_tables.finding_rows(table)) == [
        "finding | place | printed | recomputed | message",
        "spread about a mean 2 | Table 1 | 75 ± 14 | 14% | Why.",
    ]
    assert printed.lines(recovered_tables.finding_rows(table, decides=True))[1].endswith("| Why. | The ages.")


def test_the_plan_names_its_endpoint_and_network_as_they_are_printed():
    plan = pd.DataFrame(
        {"item": ["endpoint", "network", "margin"], "planned": ["auc", "resnet50", "0.05"], "now": ["auc", "", "0.05"]}
    ).assign(deviation="")
    assert printed.lines(reader_tables.plan_rows(plan))[1:] == [
        "endpoint | AUC | AUC | ",
        "network | ResNet50 |  | ",
        "margin | 0.05 | 0.05 | ",
    ]


# Nothing is left out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["cohort", "external", "networks", "readers", "recovered", "runs", "seeds"])
def test_every_formatter_has_its_cells_in_a_test(module):
    def public(path):
        tree = ast.parse(path.read_text())
        return {f.name for f in tree.body if isinstance(f, ast.FunctionDef) and not f.name.startswith("_")}

    tests = ["test_printed_tables", "test_external_tables", "test_run_tables"]
    called = {
        node.func.attr
        for name in tests
        for node in ast.walk(ast.parse((ROOT / "tests" / f"{name}.py").read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert public(ROOT / "ovcf" / "tables" / f"{module}.py") <= called
