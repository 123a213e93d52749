"""Per-reader tables, the paper's tests and those beside them, AI effect: other packages, literal counts."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics
from statsmodels.stats.proportion import proportion_confint

from ovcf.problems import InputError
from ovcf.stats.readers.mrmc import obuchowski_rockette, one_treatment
from ovcf.stats.readers.summaries import generalisations
from ovcf.stats.readers.tables import AVERAGE, RATES, ai_effect, paired_difference_interval, reader_table
from ovcf.stats.readers.tests import _paired_t, kappa_between_readers, mcnemar_by_reader, paper_paired_tests
from ovcf.synthetic.readers import simulate_readings

# Tables 3, 4 and 5 of the paper as printed, in percent
FOLDS = pd.DataFrame({
    "accuracy": [77.24, 77.78, 72.92, 76.39, 74.13], "specificity": [85.45, 79.10, 74.24, 74.03, 71.25],
    "sensitivity": [72.22, 76.62, 71.79, 79.10, 77.78],
})  # fmt: skip
UNAIDED = pd.DataFrame({
    "accuracy": [45, 55, 52.5, 50, 55], "specificity": [45, 57.14, 52.94, 50, 56.25],
    "sensitivity": [45, 53.85, 45, 50, 54.17],
})  # fmt: skip
AIDED = pd.DataFrame({
    "accuracy": [62.5, 72.5, 70, 65, 67.5], "specificity": [60.87, 76.47, 72.22, 68.75, 68.42],
    "sensitivity": [64.71, 69.57, 68.18, 62.5, 66.67],
})  # fmt: skip


@pytest.fixture
def cases(rng):
    truth = np.repeat([1, 0], 20)
    p_fresh = 1 / (1 + np.exp(-rng.normal((2 * truth - 1) * 0.8, 1)))
    return pd.DataFrame({
        "patch_id": [f"p{i}" for i in range(40)], "patient_id": [f"q{i}" for i in range(40)], "truth": truth,
        "p_fresh": p_fresh,
    })  # fmt: skip


@pytest.fixture
def readings(cases):
    return simulate_readings(cases, seed=3)


def one_reader(readings, reader, session):
    part = readings[(readings["reader"] == reader) & (readings["session"] == session)].sort_values("patch_id")
    return part["truth"].to_numpy(), (part["answer"] == "fresh").to_numpy(int)


def from_counts(counts, session):
    """A readings table in which each reader has the tp, fn, tn, fp given."""
    rows = []
    for reader, cells in enumerate(counts, 1):
        answer = np.repeat(["fresh", "old", "old", "fresh"], cells)
        truth = np.repeat([1, 1, 0, 0], cells)
        rows.append(pd.DataFrame({"reader": f"R{reader}", "patch_id": np.arange(truth.size), "truth": truth,
                                  "answer": answer}))  # fmt: skip
    return pd.concat(rows).assign(session=session, confidence=3)


# Tables ---------------------------------------------------------------------------------------------------


def test_rates_are_scikit_learns_with_wilson_intervals(readings):
    table = reader_table(readings, "unaided").set_index("reader")
    for reader, row in table.drop(AVERAGE).iterrows():
        truth, answer = one_reader(readings, reader, "unaided")
        tn, fp, fn, tp = metrics.confusion_matrix(truth, answer).ravel()
        assert (row["tp"], row["fn"], row["tn"], row["fp"], row["n"]) == (tp, fn, tn, fp, 40)
        expected = {
            "accuracy": (tp + tn, 40), "sensitivity": (tp, tp + fn), "specificity": (tn, tn + fp),
            "ppv": (tp, tp + fp), "npv": (tn, tn + fn),
        }  # fmt: skip
        for metric, (count, n) in expected.items():
            assert row[metric] == pytest.approx(count / n)
            limits = proportion_confint(count, n, method="wilson")
            assert (row[f"{metric}_low"], row[f"{metric}_high"]) == pytest.approx(limits)
        assert row["kappa"] == pytest.approx(metrics.cohen_kappa_score(truth, answer))


def test_average_row_has_sample_sd_and_the_interval_of_one_treatment(readings):
    table = reader_table(readings, "unaided")
    average, readers = table.iloc[-1], table.iloc[:-1]
    assert average["reader"] == AVERAGE
    for metric in RATES:
        assert average[metric] == pytest.approx(readers[metric].mean())
        assert average[f"{metric}_sd"] == pytest.approx(np.std(readers[metric], ddof=1))
        alone = one_treatment(readings[readings["session"] == "unaided"], metric)
        random = alone.set_index("generalisation").loc["random"]
        limits = average[f"{metric}_low"], average[f"{metric}_high"]
        assert limits == pytest.approx((random["low"], random["high"]))


def test_the_printed_averages_of_table_4(readings):
    # integers that give the printed rates of Table 4 (20 fresh, 20 old where they fit)
    table = reader_table(from_counts([(9, 11, 9, 11), (10, 10, 10, 10)], "unaided"))
    assert table["accuracy"].tolist() == pytest.approx([0.45, 0.50, 0.475])
    assert UNAIDED["accuracy"].mean() == pytest.approx(51.50)
    assert round(UNAIDED["accuracy"].std(ddof=1), 2) == 4.18
    assert round(AIDED["accuracy"].std(ddof=1), 2) == 3.95


def test_patients_with_several_cases_get_clustered_intervals(cases):
    plain = reader_table(simulate_readings(cases, seed=1), "aided")
    assert not [c for c in plain if "clustered" in c]
    twice = pd.concat([cases, cases.assign(patch_id=cases["patch_id"] + "b")])
    readings = simulate_readings(cases, seed=1)
    readings = pd.concat([readings, readings.assign(patch_id=readings["patch_id"] + "b")])
    assert len(twice) == 80
    table = reader_table(readings, "aided")
    # every case twice: the clustered interval is about that of the cases once, the unclustered one too narrow
    width = {n: (table[f"accuracy_high{n}"] - table[f"accuracy_low{n}"])[:-1] for n in ("", "_clustered")}
    once = (plain["accuracy_high"] - plain["accuracy_low"])[:-1]
    assert width["_clustered"].tolist() == pytest.approx(once.tolist(), rel=0.06)
    assert (width[""] < 0.8 * once).all()


def test_each_reader_is_judged_on_the_cases_they_read(readings):
    short = readings[~((readings["reader"] == "Simulated reader 1") & (readings["patch_id"] == "p3"))]
    assert reader_table(short, "unaided")["n"].tolist()[:2] == [39, 40]
    assert reader_table(short, "unaided", missing="complete_cases")["n"].tolist()[:5] == [39] * 5
    with pytest.raises(InputError, match="Simulated reader 1 did not read case p3"):
        reader_table(short, "unaided", missing="refuse")


def test_a_reader_who_always_says_old_has_no_ppv():
    table = reader_table(from_counts([(0, 5, 5, 0), (3, 2, 3, 2)], "unaided"))
    assert np.isnan(table.loc[0, ["ppv", "ppv_low", "ppv_high"]].astype(float)).all()
    assert table.loc[0, "npv"] == 0.5 and table.loc[0, "kappa"] == 0


# The paper's tests ----------------------------------------------------------------------------------------


PRINTED = [
    ("accuracy", "0.001", "0.000"), ("specificity", "0.004", "0.000"), ("sensitivity", "0.000", "0.001"),
]  # fmt: skip


@pytest.mark.parametrize("metric, table4, table5", PRINTED)
def test_the_papers_p_values_follow_from_its_tables(metric, table4, table5):
    # Table 4 prints 0.001, 0.004, < 0.001; Table 5 < 0.001, < 0.001, 0.001. The model's "specificity" and
    # "sensitivity" in Table 4 are the folds' precisions of Table 3.
    row = _paired_t("readers - folds", metric, UNAIDED[metric], FOLDS[metric], 0.95)
    assert f"{row['p']:.3f}" == table4
    row = _paired_t("aided - unaided", metric, AIDED[metric], UNAIDED[metric], 0.95)
    assert f"{row['p']:.3f}" == table5


def test_paired_t_is_scipys_and_marked_as_the_papers(readings):
    table = paper_paired_tests(readings, FOLDS / 100)
    assert table["origin"].eq("paper").all() and table["df"].eq(4).all() and len(table) == 6
    aided, unaided = (reader_table(readings, s)["accuracy"][:-1] for s in ("aided", "unaided"))
    row = table[table["comparison"] == "aided - unaided"].set_index("metric").loc["accuracy"]
    expected = stats.ttest_rel(aided, unaided)
    assert (row["statistic"], row["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert (row["low"], row["high"]) == pytest.approx(tuple(expected.confidence_interval()))
    row = table[table["comparison"] == "readers - folds"].set_index("metric").loc["specificity"]
    own = reader_table(readings, "unaided")["specificity"][:-1]
    assert row["p"] == pytest.approx(stats.ttest_rel(own, FOLDS["specificity"] / 100).pvalue)


def test_paired_t_is_the_or_test_with_fixed_cases(readings):
    paper = paper_paired_tests(readings).set_index("metric")
    ours = obuchowski_rockette(readings, "sensitivity").set_index("generalisation")
    assert paper.loc["sensitivity", "p"] == pytest.approx(ours.loc["fixed_cases", "p"])


def test_equal_differences_have_no_t():
    same = pd.concat([from_counts([(3, 2, 3, 2), (4, 1, 4, 1)], s) for s in ("aided", "unaided")])
    assert paper_paired_tests(same)["p"].isna().all()
    one = paper_paired_tests(same, FOLDS.iloc[:1]).set_index("comparison").loc["readers - folds"]
    assert (one["pairs"] == 1).all() and one[["sd_first", "sd_second", "low", "high", "p"]].isna().all(axis=None)
    split = same[(same["session"] == "aided") == (same["reader"] == same["reader"].iloc[0])]
    assert paper_paired_tests(split).empty  # no reader pairs the sessions


def test_what_the_model_did_follows_its_threshold_and_passes_other_sessions_over(readings, cases):
    high = ai_effect(readings, threshold=0.9)
    expected = ((cases["p_fresh"] >= 0.9) == (cases["truth"] == 1)).sum()
    assert set(high["model_right"]) == {expected} != set(ai_effect(readings)["model_right"])
    third = pd.concat([readings, readings[readings["session"] == "aided"].assign(session="later")])
    pd.testing.assert_frame_equal(ai_effect(third), ai_effect(readings))
    pd.testing.assert_frame_equal(generalisations(third), generalisations(readings))


def test_agreement_on_one_patients_cases_has_no_interval(readings):
    fleiss = kappa_between_readers(readings.assign(patient_id="one")).iloc[-1]
    assert np.isfinite(fleiss["kappa"]) and np.isnan(fleiss["low"])


# McNemar and kappa ----------------------------------------------------------------------------------------


def test_mcnemar_is_a_sign_test_with_holm(readings):
    table = mcnemar_by_reader(readings)
    for row in table.itertuples():
        (truth, aided), (_, unaided) = (one_reader(readings, row.reader, s) for s in ("aided", "unaided"))
        b, c = ((aided == truth) & (unaided != truth)).sum(), ((aided != truth) & (unaided == truth)).sum()
        assert (row.only_first, row.only_second) == (b, c)
        assert row.p == pytest.approx(stats.binomtest(b, b + c).pvalue)
    ranked = np.sort(table["p"]) * np.arange(5, 0, -1)
    assert np.sort(table["p_holm"]) == pytest.approx(np.minimum(np.maximum.accumulate(ranked), 1))


def test_mcnemar_against_the_model(readings, cases):
    table = mcnemar_by_reader(readings, against="model", session="unaided")
    truth, answer = one_reader(readings, "Simulated reader 2", "unaided")
    model = (cases.sort_values("patch_id")["p_fresh"] >= 0.5).to_numpy() == truth
    assert table.loc[1, "only_second"] == (model & (answer != truth)).sum()
    with pytest.raises(InputError, match="model's output is missing"):
        mcnemar_by_reader(readings.drop(columns="model_p_fresh"), against="model")


def test_kappa_between_readers(readings):
    table = kappa_between_readers(readings)
    assert len(table) == 11
    first, second = (one_reader(readings, f"Simulated reader {j}", "unaided")[1] for j in (1, 2))
    assert table.loc[0, "kappa"] == pytest.approx(metrics.cohen_kappa_score(first, second))
    assert table.loc[0, "agreement"] == pytest.approx((first == second).mean())
    yes = np.array([one_reader(readings, f"Simulated reader {j}", "unaided")[1] for j in range(1, 6)])
    # Fleiss (1971), literally
    counts = np.stack([yes.sum(axis=0), 5 - yes.sum(axis=0)], axis=1)
    observed = np.mean(((counts**2).sum(axis=1) - 5) / 20)
    expected = ((counts.sum(axis=0) / 200) ** 2).sum()
    fleiss = table.iloc[-1]
    assert fleiss["kind"] == "Fleiss"
    assert fleiss["kappa"] == pytest.approx((observed - expected) / (1 - expected))
    assert fleiss["agreement"] == pytest.approx(observed) and fleiss["low"] < fleiss["kappa"] < fleiss["high"]


def test_agreement_needs_two_readers(readings):
    with pytest.raises(InputError, match="two readers"):
        kappa_between_readers(readings[readings["reader"] == "Simulated reader 1"])


# AI effect ------------------------------------------------------------------------------------------------


def test_newcombes_published_interval():
    # Newcombe 1998, Stat Med 17:2635, Table II, method 10
    assert paired_difference_interval(36, 12, 2, 0) == pytest.approx((0.0569, 0.3404), abs=5e-5)
    # Altman et al. 2000, Statistics with Confidence, Table 6.2
    assert paired_difference_interval(14, 5, 0, 22) == pytest.approx((0.011, 0.226), abs=6e-4)


@pytest.mark.parametrize("threshold", [0.5, 0.3, 0.8])
def test_flips_are_counted_one_by_one(readings, cases, threshold):
    table = ai_effect(readings, threshold=threshold).set_index("reader")
    model = dict(zip(cases["patch_id"], cases["p_fresh"] >= threshold, strict=True))
    for reader in table.index.drop(AVERAGE):
        part = readings[readings["reader"] == reader]
        part = part.pivot(index="patch_id", columns="session", values="answer")
        truth = dict(zip(cases["patch_id"], cases["truth"] == 1, strict=True))
        harmful = helpful = chances = other = 0
        for patch, row in part.iterrows():
            before, after = ((row[s] == "fresh") == truth[patch] for s in ("unaided", "aided"))
            right = model[patch] == truth[patch]
            harmful += before and not after and not right
            helpful += after and not before and right
            chances += before and not right
            other += (before and not after and right) or (after and not before and not right)
        row = table.loc[reader]
        assert (row["harmful_flips"], row["helpful_flips"], row["harmful_chances"], row["other_flips"]) == (
            harmful, helpful, chances, other)  # fmt: skip


def test_effect_is_aided_minus_unaided_with_the_or_interval_for_the_average(readings):
    table = ai_effect(readings)
    aided, unaided = reader_table(readings, "aided"), reader_table(readings, "unaided")
    for metric in ("accuracy", "sensitivity", "specificity"):
        differences = (aided[metric] - unaided[metric]).tolist()
        assert table[f"{metric}_difference"].tolist() == pytest.approx(differences)
        entry = obuchowski_rockette(readings, metric).iloc[0]
        last = table.iloc[-1]
        found = last[[f"{metric}_difference", f"{metric}_difference_low", f"{metric}_difference_high"]]
        assert found.tolist() == pytest.approx(entry[["difference", "low", "high"]].tolist())


def test_effect_with_patients_of_several_cases(readings):
    doubled = pd.concat([readings, readings.assign(patch_id=readings["patch_id"] + "b")])
    once, twice = ai_effect(readings), ai_effect(doubled)
    assert twice["accuracy_difference"].tolist() == pytest.approx(once["accuracy_difference"].tolist())
    width, own = (t["accuracy_difference_high"] - t["accuracy_difference_low"] for t in (twice, once))
    assert width.tolist() == pytest.approx(own.tolist(), rel=0.15)


def test_effect_needs_both_sessions_and_the_model(readings):
    with pytest.raises(InputError, match="needs both sessions"):
        ai_effect(readings[readings["session"] == "aided"])
    with pytest.raises(InputError, match="model_p_fresh"):
        ai_effect(readings.drop(columns="model_p_fresh"))
    half = readings["patch_id"].isin([f"p{i}" for i in range(0, 40, 2)])
    for unpaired in (half, readings["reader"].isin(["Simulated reader 1", "Simulated reader 2"])):
        apart = readings[unpaired == (readings["session"] == "aided")]  # nested in treatments; split-plot
        for test in (ai_effect, mcnemar_by_reader):
            with pytest.raises(InputError, match="no reader read a case under aided and unaided"):
                test(apart)


@pytest.fixture
def gaps(readings, rng):
    """A tenth of the readings are missing."""
    return readings[rng.random(len(readings)) > 0.1]


@pytest.mark.parametrize("test", [ai_effect, mcnemar_by_reader])
def test_gaps_of_others_cost_a_reader_nothing(gaps, test):
    table = test(gaps).set_index("reader")
    columns = table.columns.drop(["comparison", "p_holm"], errors="ignore")
    for reader, own in gaps.groupby("reader"):
        pairs = own[own.groupby("patch_id")["session"].transform("nunique") == 2]
        alone = test(pairs).set_index("reader")
        assert table.loc[reader, columns].tolist() == pytest.approx(alone.loc[reader, columns].tolist(), nan_ok=True)
        assert table.loc[reader, "n"] == pairs["patch_id"].nunique() > 30


def test_agreement_uses_the_cases_that_two_readers_read(gaps):
    wide = gaps[gaps["session"] == "unaided"].pivot(index="patch_id", columns="reader", values="answer")
    table = kappa_between_readers(gaps)
    for row in table.iloc[:-1].itertuples():
        both = wide[[row.first, row.second]].dropna()
        assert row.n == len(both)
        assert row.kappa == pytest.approx(metrics.cohen_kappa_score(both[row.first], both[row.second]))
    # Fleiss & Cuzick (1979), case by case
    shared = wide[wide.notna().sum(axis=1) > 1]
    mixed = sum((row == "fresh").sum() * (row == "old").sum() / row.notna().sum() for _, row in shared.iterrows())
    share, readers = (shared == "fresh").sum().sum() / shared.notna().sum().sum(), shared.notna().sum(axis=1).mean()
    expected = 1 - mixed / (len(shared) * (readers - 1) * share * (1 - share))
    assert table.iloc[-1]["kappa"] == pytest.approx(expected) and table.iloc[-1]["n"] == len(shared)
    order = {case: i for i, case in enumerate(sorted(wide.index))}
    own = gaps[gaps["patch_id"].map(order) % 5 == gaps["reader"].str[-1].astype(int) - 1]
    with pytest.raises(InputError, match="nested in readers"):
        kappa_between_readers(own)


def test_one_reader_is_no_average(readings):
    alone = readings[readings["reader"] == "Simulated reader 2"]
    assert ai_effect(alone)["reader"].tolist() == ["Simulated reader 2"]
    changes = [f"accuracy_{name}" for name in ("unaided", "aided", "difference", "difference_low", "difference_high")]
    both = ai_effect(readings).set_index("reader").loc["Simulated reader 2", changes]
    assert ai_effect(alone)[changes].iloc[0].tolist() == both.tolist()
