"""Nine errors that once passed every test together: each is planted in the source, and a printed table notices."""

import pytest
import test_printed_tables as tables
from mutants import planted

NETWORKS, READERS = "ovcf.tables.networks", "ovcf.tables.readers"
SUMMARIES, COHORT = "ovcf.stats.readers.summaries", "ovcf.stats.cohort"

# What is wrong: the module, what stands there, what is planted, and the test that must fail
ERRORS = {
    "1 the model's sensitivity and specificity exchanged in Table 4": (
        SUMMARIES,
        '"specificity": "recall_old",\n    "sensitivity": "recall_fresh",',
        '"specificity": "recall_fresh",\n    "sensitivity": "recall_old",',
        tables.test_the_networks_row_has_its_own_sensitivity_and_specificity,
    ),
    "2 PPV of the recovered rows computed from TN": (
        "ovcf.audit.rates_table",
        "tp / (tp + fp), tn / (tn + fn))",
        "tn / (tn + fp), tn / (tn + fn))",
        tables.test_rates_recovered_from_the_papers_digits,
    ),
    "3 harmful flips printed as helpful": (
        READERS,
        '"turned right": effect.helpful_flips',
        '"turned right": effect.harmful_flips',
        tables.test_flips_that_helped_and_flips_that_harmed,
    ),
    "4 model and panel exchanged": (
        READERS,
        "[value(r.model, r.metric)",
        "[value(r.panel, r.metric)",
        tables.test_the_model_stands_before_the_panel,
    ),
    "5 the clustered interval printed as the unclustered one": (
        NETWORKS,
        "low=intervals.unclustered_low, high=intervals.unclustered_high",
        "low=intervals.low, high=intervals.high",
        tables.test_intervals_by_patient_stand_before_those_by_patch,
    ),
    "6 every ± of Tables 2 and 3 doubled": (
        NETWORKS,
        "mean_sd(r.mean, r.sd_ddof1,",
        "mean_sd(r.mean, 2 * r.sd_ddof1,",
        tables.test_table3_folds_and_average,
    ),
    "7 the by-patch AUC printed as by-patient": (
        NETWORKS,
        "value(r.by_patient, r.metric)",
        "value(r.by_patch, r.metric)",
        tables.test_leakage_splits_by_patient_and_by_patch,
    ),
    "8 widths in mm divided instead of multiplied": (
        COHORT,
        "(table.width * table.mm_per_px)",
        "(table.width / table.mm_per_px)",
        tables.test_widths_in_mm_are_pixels_times_spacing,
    ),
    "9 fresh and old exchanged in the fold table": (
        COHORT,
        '"fresh": int((part.label == "fresh").sum()),\n            "old": int((part.label == "old").sum())',
        '"fresh": int((part.label == "old").sum()),\n            "old": int((part.label == "fresh").sum())',
        tables.test_folds_count_fresh_as_fresh_and_old_as_old,
    ),
}


@pytest.mark.parametrize("error", ERRORS)
def test_a_planted_error_is_noticed(error):
    module, stands, plants, test = ERRORS[error]
    test()
    with planted(module, stands, plants), pytest.raises(AssertionError):
        test()
    test()
