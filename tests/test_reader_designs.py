"""Reader studies with gaps and of other designs against literal loops; a second published study to all its digits."""

import json
from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy.stats import f as f_law
from scipy.stats import t as student
from scipy.stats import ttest_ind

from ovcf.cli import main
from ovcf.intake.readings import read_readings
from ovcf.problems import InputError
from ovcf.stats.readers.checks import check_readings
from ovcf.stats.readers.components import (
    GENERALISES,
    components_of,
    negative_components,
    or_components,
    prepare,
    variance_components,
)
from ovcf.stats.readers.covariance import merit_covariance
from ovcf.stats.readers.mrmc import obuchowski_rockette, one_treatment, single_readers
from ovcf.stats.readers.power import power_grid
from ovcf.stats.readers.report import analyse, as_text, plan
from ovcf.synthetic.readers import roe_metz

# Franken et al. (1992), Invest. Radiol. 27: 732-737, as stored with RJafroc (inst/vignettes/Franken1.lrc): per
# treatment and reader the ratings of 33 normal and 67 abnormal cases; smaller ratings are the surer of an abnormality
FRANKEN = (
    (
        "3544444255245424545424344423444131411215111512142511311112112314121312112211112123412121124131111521",
        "2434453245544443442534433535555442222222332322253322222222324324222222222222222232552222233242222423",
        "3544451245345334425454444445434441111111451413142311111111223313144413114411112114422112122241311431",
        "2455551455255555145543535525552552311111523512154211511111115415122214115211112125445111114152111522",
    ),
    (
        "3323551254355444535443445444444231411212511514252231131111134413112313112112111114222111134122411332",
        "3555553245555555533533235535355342422223222524252523222222223425225332233322223322323323222252322432",
        "3544442243445342434444424454444242212213311423232312411111124213145411115311111123424111122151411322",
        "5325353555535555145545525425552551211111121512151511421111113415122515115211115215245111143251511533",
    ),
)


def as_table(ratings, truth):
    """Long table of ratings (t, r, n) without the missing ones."""
    index = list(product(*map(range, ratings.shape)))
    table = pd.DataFrame(index, columns=["treatment", "reader", "case"]).assign(rating=ratings.ravel())
    return table.assign(truth=truth[table["case"]].astype(int)).dropna(subset="rating").reset_index(drop=True)


def auc(row, truth):
    """AUC of what was read, pair by pair."""
    pairs = [(x > y) + (x == y) / 2 for x in row[truth] for y in row[~truth] if not np.isnan(x + y)]
    return np.mean(pairs)


def literal_jackknife(a, b, truth):
    """Each curve leaves out its own cases; the sum runs over those both have read."""
    deviations, factors = [], []
    for row in (a, b):
        seen = np.flatnonzero(~np.isnan(row))
        left = {i: auc(np.delete(row, i), np.delete(truth, i)) for i in seen}
        mean = np.mean(list(left.values()))
        deviations.append({i: v - mean for i, v in left.items()})
        factors.append(np.sqrt((seen.size - 1) / seen.size))
    both = set(deviations[0]) & set(deviations[1])
    return factors[0] * factors[1] * sum(deviations[0][i] * deviations[1][i] for i in both)


def literal_delong(a, b, truth):
    total = 0
    for of in (truth, ~truth):
        parts = []
        for row in (a, b):
            here, there = (np.flatnonzero(c & ~np.isnan(row)) for c in (of, ~of))
            sign = 1 if of is truth else -1
            v = {i: np.mean([(sign * (row[i] - row[j]) > 0) + (row[i] == row[j]) / 2 for j in there]) for i in here}
            own = np.mean(list(v.values()))
            parts.append({i: (x - own) / len(v) * np.sqrt(len(v) / (len(v) - 1)) for i, x in v.items()})
        total += sum(parts[0][i] * parts[1][i] for i in set(parts[0]) & set(parts[1]))
    return total


def literal_unbiased(a, b, truth):
    """theta_a theta_b less the mean product over pairs of pairs without a common case."""
    pairs = [
        [(i, j, (row[i] > row[j]) + (row[i] == row[j]) / 2) for i in np.flatnonzero(truth & ~np.isnan(row))
         for j in np.flatnonzero(~truth & ~np.isnan(row))]
        for row in (a, b)
    ]  # fmt: skip
    apart = [x * y for i, j, x in pairs[0] for k, m, y in pairs[1] if i != k and j != m]
    return auc(a, truth) * auc(b, truth) - np.mean(apart)


LITERAL = {"jackknife": literal_jackknife, "delong": literal_delong, "unbiased": literal_unbiased}


def literal_or(ratings, truth, covariance):
    """F, df2 and p of random readers and cases, every part by its own loop."""
    t_, r_, _ = ratings.shape
    theta = np.array([[auc(row, truth) for row in rows] for rows in ratings])
    parts = {"error": [], "cov1": [], "cov2": [], "cov3": []}
    for (i, j), (k, m) in product(product(range(t_), range(r_)), repeat=2):
        name = {(True, True): "error", (False, True): "cov1", (True, False): "cov2"}.get((i == k, j == m), "cov3")
        parts[name].append(LITERAL[covariance](ratings[i, j], ratings[k, m], truth))
    cov2, cov3 = np.mean(parts["cov2"]), np.mean(parts["cov3"])
    ms_t = r_ * sum((theta[i].mean() - theta.mean()) ** 2 for i in range(t_)) / (t_ - 1)
    rest = [
        (theta[i, j] - theta[i].mean() - theta[:, j].mean() + theta.mean()) ** 2
        for i, j in product(range(t_), range(r_))
    ]
    ms_tr = sum(rest) / ((t_ - 1) * (r_ - 1))
    below = ms_tr + r_ * max(cov2 - cov3, 0)
    df2 = below**2 / (ms_tr**2 / ((t_ - 1) * (r_ - 1)))
    return ms_t / below, df2, f_law.sf(ms_t / below, t_ - 1, df2)


def drawn(seed, treatments, readers, classes, missing=0.0):
    """Rounded ratings with ties, unequal classes and readings missing at random."""
    rng = np.random.default_rng(seed)
    truth = np.repeat([True, False], classes)
    ratings = np.round(
        rng.normal(size=(treatments, readers, truth.size)) + 1.2 * truth + 0.3 * rng.normal(size=truth.size), 1
    )
    ratings[rng.random(ratings.shape) < missing] = np.nan
    return ratings, truth


DESIGNS = {
    "10 % missing": (2, 3, (6, 7), 0.1), "3 treatments, 4 readers": (3, 4, (5, 6), 0.0),
    "4 treatments, 3 readers, unequal classes": (4, 3, (4, 9), 0.0), "3 x 4 with gaps": (3, 4, (6, 5), 0.1),
}  # fmt: skip


@pytest.mark.parametrize("covariance", LITERAL)
@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_designs_equal_literal_loops(design, covariance):
    ratings, truth = drawn(5, *design)
    table = obuchowski_rockette(as_table(ratings, truth), covariance=covariance)
    row = table[(table["generalisation"] == "random")].iloc[0]  # "all", or the only pair
    assert (row["statistic"], row["df2"], row["p"]) == pytest.approx(literal_or(ratings, truth, covariance), rel=1e-9)
    assert bool(row["note"]) == bool(np.isnan(ratings).any())


@pytest.mark.parametrize("covariance", LITERAL)
def test_cases_nested_in_treatments_are_two_samples(covariance):
    ratings, truth = drawn(2, 2, 3, (10, 12))
    own = np.arange(22) % 2 == 0
    ratings[0, :, own], ratings[1, :, ~own] = np.nan, np.nan
    study = prepare(as_table(ratings, truth))
    parts = or_components(study, covariance=covariance)
    assert "nested in treatments" in study.note
    assert parts.cov1 == pytest.approx(0, abs=1e-12) and parts.cov3 == pytest.approx(0, abs=1e-12)
    row = obuchowski_rockette(as_table(ratings, truth), covariance=covariance).set_index("generalisation").loc["random"]
    assert (row["statistic"], row["p"]) == pytest.approx(np.array(literal_or(ratings, truth, covariance))[[0, 2]])


def test_cases_nested_in_readers_are_analysed():
    ratings, truth = drawn(3, 2, 3, (12, 12))
    for j in range(3):
        ratings[:, j, np.arange(24) % 3 != j] = np.nan
    study = prepare(as_table(ratings, truth))
    parts = or_components(study)
    assert "nested in readers" in study.note and parts.cov2 == parts.cov3 == 0
    assert obuchowski_rockette(as_table(ratings, truth))["p"].between(0, 1).all()
    with pytest.raises(InputError, match="cases nested in readers"):
        obuchowski_rockette(as_table(ratings, truth), missing="complete_cases")


@pytest.mark.parametrize("readers", [(3, 3), (2, 4)])
def test_split_plot_is_the_literal_one(readers):
    ratings, truth = drawn(4, 2, sum(readers), (7, 8))
    ratings[0, readers[0] :], ratings[1, : readers[0]] = np.nan, np.nan
    first, second = ratings[0, : readers[0]], ratings[1, readers[0] :]
    theta = [np.array([auc(row, truth) for row in part]) for part in (first, second)]
    alike = [literal_jackknife(a, b, truth) for part in (first, second) for a, b in permutations(part, 2)]
    apart = [literal_jackknife(a, b, truth) for a in first for b in second]
    square = sum(((x - x.mean()) ** 2).sum() for x in theta) / (sum(readers) - 2)
    own, shared = square * sum(1 / r for r in readers), 2 * max(np.mean(alike) - np.mean(apart), 0)
    table = obuchowski_rockette(as_table(ratings, truth)).set_index("generalisation")
    gap = theta[0].mean() - theta[1].mean()
    assert table.loc["random", "difference"] == pytest.approx(gap)
    assert table.loc["random", "statistic"] == pytest.approx(gap**2 / (own + shared))
    assert table.loc["random", "df2"] == pytest.approx((own + shared) ** 2 / (own**2 / (sum(readers) - 2)))
    assert table.loc["fixed_cases", "p"] == pytest.approx(ttest_ind(*theta).pvalue)
    assert "split-plot" in table.loc["random", "note"]
    if readers[0] == readers[1]:  # F of Hillis (2014), as RJafroc's split-plot analysis has it
        ms_t = 3 * gap**2 / 2
        assert table.loc["random", "statistic"] == pytest.approx(ms_t / (square + 3 * shared / 2))
    assert "split-plot" in as_text(analyse(as_table(ratings, truth)))


def franken():
    ratings = -np.array([[[int(c) for c in row] for row in treatment] for treatment in FRANKEN], float)
    return as_table(ratings, np.arange(100) >= 33)


# OR-DBM MRMC 2.51's printed output on these data, stored with RJafroc (tests/testthat/goodValues361/Iowa/Franken1.txt)
def test_franken_to_all_printed_digits():
    table = obuchowski_rockette(franken()).set_index("generalisation").round(10)
    printed = {"random": (4.69, 0.1188, -0.00509, 0.02680), "fixed_cases": (4.69, 0.1188, -0.00509, 0.02680)}
    for name, expected in printed.items():
        row = table.loc[name]
        found = [round(row["statistic"], 2), round(row["p"], 4), round(row["low"], 5), round(row["high"], 5)]
        assert found == list(expected)
    fixed = table.loc["fixed_readers"]
    assert (round(fixed["statistic"], 5), round(fixed["p"], 4)) == (0.32101, 0.5710)
    assert (round(fixed["low"], 5), round(fixed["high"], 5)) == (-0.02670, 0.04840)
    alone = one_treatment(franken()).set_index(["generalisation", "treatment"])
    for key, expected in {
        ("random", "0"): (0.84774989, 0.02440215, 0.79908282, 0.89641696),
        ("random", "1"): (0.83689507, 0.02356642, 0.79048429, 0.88330585),
        ("fixed_readers", "0"): (0.84774989, 0.02710939, 0.79461647, 0.90088331),
        ("fixed_cases", "1"): (0.83689507, 0.00777173, 0.81216196, 0.86162818),
    }.items():
        row = alone.loc[key, ["estimate", "standard_error", "low", "high"]]
        assert [round(float(v), 8) for v in row] == list(expected)
    assert [round(float(alone.loc[("random", t), "df2"]), 2) for t in "01"] == [70.12, 253.64]


def test_franken_components_are_printed_below_zero_and_said():
    parts = or_components(prepare(franken()))
    found = variance_components(parts)
    printed = {
        "var_r": 0.00003776, "var_tr": -0.00071276, "cov1": 0.00079168, "cov2": 0.00048364, "cov3": 0.00051251,
        "error": 0.00152578, "dbm_var_c": 0.05125091, "dbm_var_tc": -0.00288715, "dbm_var_rc": 0.02791730,
        "dbm_var_error": 0.07629656,
    }  # fmt: skip
    assert {name: round(found[name], 8) for name in printed} == printed
    said = negative_components(parts)
    assert len(said) == 2 and "var(TR)" in said[0] and "-0.000713" in said[0] and "Cov2 - Cov3" in said[1]
    assert all(sentence in "\n".join(analyse(franken())["notes"]) for sentence in said)


def test_an_interval_narrower_than_that_of_these_very_readers_is_said_with_its_reason():
    rows = obuchowski_rockette(franken()).set_index("generalisation")["sentence"]  # OR-DBM prints the same two
    assert ["below zero" in rows[name] for name in GENERALISES] == [True, False, False]
    notes = analyse(franken())["notes"]
    assert sum(note.startswith("jackknife, delong, unbiased: average under") for note in notes) == 2
    wide, truth = roe_metz(np.random.default_rng(3), readers=6, cases=(40, 40))
    wide[:, :3] -= 0.7 * truth  # readers who differ widely
    sentences = obuchowski_rockette(as_table(wide, truth))["sentence"]
    assert not sentences.str.contains("narrower").any()


@pytest.mark.parametrize("seed", range(12))
def test_a_split_plot_says_when_its_readers_vary_by_less_than_the_cases(seed):
    ratings, truth = drawn(seed, 2, 4, (12, 12))
    ratings[0, 2:], ratings[1, :2] = np.nan, np.nan
    parts = or_components(prepare(as_table(ratings, truth)))
    between = variance_components(parts)["var_r_t"]
    assert between == pytest.approx(parts.mean_squares["ms_r_t"] - parts.error + parts.cov2)
    assert any("var(R(T))" in said for said in negative_components(parts)) == (between < 0)
    rows = obuchowski_rockette(as_table(ratings, truth)).set_index("generalisation")
    less = (rows["high"] - rows["low"])["random"] < (rows["high"] - rows["low"])["fixed_readers"]
    assert ("narrower" in rows.loc["random", "sentence"]) == less <= (between < 0)
    with pytest.raises(InputError, match="split-plot leaves no"):
        power_grid(parts)


def test_franken_reader_by_reader():
    study = prepare(franken())
    matrix = merit_covariance(study.ratings.reshape(8, -1), study.truth)
    table = single_readers(study, or_components(study), matrix, "auc", "jackknife")
    printed = [
        (0.00384, 0.04279, 0.09, 0.9284, -0.08003, 0.08772, 0.00147717, 0.00056158),
        (0.02148, 0.04007, 0.54, 0.5919, -0.05705, 0.10002, 0.00151861, 0.00071581),
        (0.01719, 0.03499, 0.49, 0.6233, -0.05140, 0.08577, 0.00137738, 0.00076509),
        (0.00090, 0.03481, 0.03, 0.9793, -0.06731, 0.06912, 0.00172995, 0.00112425),
    ]
    digits = {"difference": 5, "standard_error": 5, "statistic": 2, "p": 4, "low": 5, "high": 5, "error": 8, "cov1": 8}
    found = [tuple(round(float(row[name]), n) for name, n in digits.items()) for _, row in table.iterrows()]
    assert found == printed


def test_what_does_not_vary_is_not_estimable():
    truth = np.repeat([False, True], 8)
    same = np.tile(truth.astype(float), (2, 3, 1))
    table = obuchowski_rockette(as_table(same, truth))
    assert table[["p", "low", "high"]].isna().all(axis=None)
    assert table["sentence"].str.contains("not estimable, since it").all()
    assert not table["sentence"].str.contains("holds for").any()
    constant = obuchowski_rockette(as_table(np.ones((2, 3, 16)), truth))
    assert constant["p"].isna().all() and (constant["difference"] == 0).all()
    assert one_treatment(as_table(same, truth))["low"].isna().all()
    text = as_text(analyse(as_table(same, truth)))
    assert "0.000 to 0.000" not in text and "1.000 to 1.000" not in text
    assert text.count("1.000 (not estimable)") > 4 and "0.000 (not estimable)" in text


def test_intervals_of_readers_stay_in_their_range():
    rng = np.random.default_rng(8)
    truth = np.repeat([False, True], 10)
    ratings = np.where(rng.random((2, 4, 20)) < 0.04, ~truth, truth).astype(float)
    result = analyse(as_table(ratings, truth), "ppv")
    for row in [*result["one_treatment"], *result["averages"], *result["readers"]]:
        for name, value in row.items():
            if name.endswith(("low", "high")) and value is not None and "kappa" not in name:
                assert 0 <= value <= 1, (name, value)


def test_gaps_cost_the_readings_that_are_missing_and_no_more():
    rng = np.random.default_rng(1)
    ratings, truth = roe_metz(rng, readers=5, cases=(60, 54))
    whole = obuchowski_rockette(as_table(ratings, truth)).set_index("generalisation").loc["random"]
    ratings[rng.random(ratings.shape) < 0.1] = np.nan
    short = obuchowski_rockette(as_table(ratings, truth)).set_index("generalisation").loc["random"]
    kept = obuchowski_rockette(as_table(ratings, truth), missing="complete_cases").set_index("generalisation")
    assert short["cases"] == 114 and "complete_cases would keep" in short["note"]
    assert short["high"] - short["low"] < 1.3 * (whole["high"] - whole["low"])
    assert kept.loc["random", "cases"] < 60 and "available would use" in kept.loc["random", "note"]


def test_power_of_non_inferiority_is_simulated_power_and_says_what_was_below_zero(tmp_path):
    parts = {"var_tr": 0.0, "error": 0.004, "cov1": 0.002, "cov2": 0.0015, "cov3": 0.001}
    options = {"pilot_cases": 100, "readers": (6,), "cases": (100,), "effect": 0.0, "margin": 0.05}
    found = power_grid(parts, generalisation=tuple(GENERALISES), **options).set_index("generalisation")["power"]
    # as drawn from the model: differences of six readers, the cases' parts shared by all and by pairs
    rng = np.random.default_rng(0)
    shared = rng.normal(0, np.sqrt(2 * 0.0005), 40_000)
    d = shared[:, None] + rng.normal(0, np.sqrt(2 * (0.002 - 0.0005)), (40_000, 6))
    se = np.sqrt(2 * 0.0005 + d.var(axis=1, ddof=1) / 6)
    df = 5 * (se**2 / (d.var(axis=1, ddof=1) / 6)) ** 2
    shown = (d.mean(axis=1) + 0.05) / se > student.isf(0.025, df)
    assert found["random"] == pytest.approx(shown.mean(), abs=0.02)
    assert found["fixed_readers"] > found["random"]
    low = power_grid(parts | {"var_tr": -0.001}, **options)
    assert low["power"][0] == pytest.approx(found["random"]) and "counts as 0" in low["note"][0]
    with pytest.raises(InputError, match="margin must be positive"):
        power_grid(parts, **options | {"margin": 0})


def test_the_command_plans_a_study(tmp_path):
    path = tmp_path / "franken.csv"
    franken().to_csv(path, index=False)
    text = CliRunner().invoke(main, ["readers", str(path), "--power", "0.05"]).output
    assert "Power to show a difference of auc" in text and "taken as 0 in power" in text
    run = CliRunner().invoke(main, ["readers", str(path), "--power", "0", "--margin", "0.05", "--json"])
    plan = json.loads(run.output)
    assert plan["margin"] == 0.05 and len(plan["power"]) == 75 and plan["needed"][2]["readers"] == 8
    run = CliRunner().invoke(main, ["readers", str(path), "--margin", "0.05"])
    assert run.exit_code == 2 and "--power" in run.output


def test_one_reader_is_one_reader():
    ratings, truth = drawn(1, 2, 1, (9, 9))
    assert as_text(analyse(as_table(ratings, truth))).startswith("1 reader, 2 treatments, 18 cases")


def test_a_reader_who_lacks_a_treatment_that_others_have_is_refused():
    ratings, truth = drawn(1, 2, 3, (6, 6))
    ratings[1, 2] = np.nan
    with pytest.raises(InputError, match="this reader lacks a treatment"):
        check_readings(as_table(ratings, truth))


def test_ratings_in_words_and_percent_are_read_as_meant(tmp_path):
    ratings, truth = drawn(2, 2, 3, (12, 12))
    table = as_table(np.round(50 + 10 * ratings), truth)
    called = table.assign(rating=(table["rating"] >= 55).astype(int))
    percent = table.assign(rating=table["rating"].map("{:g}%".format))
    words = called.assign(rating=called["rating"].map({1: "Fresh", 0: "old"}))
    for plain, told, metric in ((table, percent, "auc"), (called, words, "sensitivity")):
        path = tmp_path / "told.csv"
        told.to_csv(path, index=False)
        read = read_readings(path)
        found, expected = (analyse(one, metric)["one_treatment"] for one in (read, plain))
        assert found == expected


def test_a_class_of_few_cases_is_warned_of():
    ratings, truth = drawn(2, 2, 3, (4, 40))
    notes = analyse(as_table(ratings, truth))["notes"]
    assert any("only 4 cases with fresh" in note for note in notes)
    ratings, truth = drawn(2, 2, 3, (5, 40))
    assert not any("rely on no p" in note for note in analyse(as_table(ratings, truth))["notes"])


@pytest.mark.parametrize("ratings, generalisation, reason", [
    ([[1, 1, 0, 0], [0, 1, 1, 0]], "random", "it varies neither between readers nor, for all of them together, with"),
    ([[1, 1, 0, 0], [0, 1, 1, 0]], "fixed_cases", "it does not vary between readers; nothing is said of other readers"),
    ([[1, 1, 1, 1], [0, 0, 0, 0]], "fixed_readers", "it does not vary with the cases; nothing is said of other cases"),
])  # fmt: skip
def test_the_reason_why_nothing_is_estimable_is_that_analysis_own(ratings, generalisation, reason):
    # two readers with the same answers to each class; the cases move their difference or not
    same = np.repeat(np.array(ratings, float)[:, None], 2, axis=1).repeat(3, axis=2)
    truth = np.repeat([False, True], 6)
    if generalisation == "random":
        same = np.ones_like(same)
    table = obuchowski_rockette(as_table(same, truth), "sensitivity").set_index("generalisation")
    assert np.isnan(table.loc[generalisation, "p"]) and reason in table.loc[generalisation, "sentence"]
    assert table["sentence"].str.startswith("sensitivity").all()


def test_a_rate_that_is_nought_by_nought_is_said_so_and_not_called_constant():
    truth = np.repeat([False, True], 6)
    ratings = np.random.default_rng(0).integers(0, 2, (2, 3, 12)).astype(float)
    ratings[0, 0] = 0  # this reader never says fresh: no PPV
    sentences = obuchowski_rockette(as_table(ratings, truth), "ppv")["sentence"]
    assert sentences.str.contains("since it is 0/0 for some reader").all()
    assert not sentences.str.contains("nan|does not vary").any()


def test_a_component_below_zero_is_said_to_matter_only_where_it_does():
    parts = components_of(np.array([[0.8, 0.8], [0.7, 0.7]]), 0.01 * np.eye(4), 40)
    said = dict(zip(("var_r", "var_tr"), negative_components(parts), strict=False))
    assert len(said) == 1 and "var(TR)" in said["var_r"] and "taken as 0 in power" in said["var_r"]
    exact = components_of(np.array([[0.8, 0.8], [0.7, 0.7]]), -1e-18 * np.eye(4), 40)
    assert negative_components(exact) == []  # a last digit is no estimate below zero
    both = components_of(
        np.array([[0.8, 0.8], [0.7, 0.7]]), 0.01 * (np.eye(4) + np.kron(np.ones((2, 2)), np.eye(2))), 40
    )
    (readers,) = [s for s in negative_components(both) if "var(R)" in s]
    assert "power" not in readers  # whose formula holds no var(R)


@pytest.mark.parametrize("spoil, message", [
    (lambda t: t.assign(rating=3), "answer as one, or no case moves"),
    (lambda t: t.assign(rating=t["truth"]), "answer as one, or no case moves"),
    (lambda t: t[t["case"] % 3 == t["reader"]], "share cases"),
])  # fmt: skip
def test_no_size_follows_from_a_pilot_that_shows_no_spread_or_no_agreement(spoil, message):
    with pytest.raises(InputError, match=message):
        plan(spoil(as_table(*drawn(5, 2, 3, (12, 12)))), 0.1)


def test_a_plan_says_what_the_pilot_left_out():
    table = as_table(*drawn(5, 2, 3, (12, 12))).sample(frac=0.8, random_state=0)
    notes = " ".join(plan(table, 0.1)["notes"])
    assert "readings missing" in notes and "of which a reader reads 80% a treatment" in notes


def test_a_reader_on_another_scale_is_asked_about():
    table = as_table(*drawn(5, 2, 3, (12, 12)))
    table["rating"] = pd.qcut(table["rating"], 5, labels=False) + 1
    notes = analyse(table, "accuracy", 3.0)["notes"]
    assert not any("scale" in note for note in notes)
    table.loc[table["reader"] == 0, "rating"] *= 20
    (asked,) = [note for note in analyse(table, "accuracy", 3.0)["notes"] if "scale" in note]
    assert "all ratings of 0 (20 to 100) lie from the threshold 3 upwards" in asked
    assert not any("is their scale" in note for note in analyse(table)["notes"])  # an AUC does not mind


def test_one_reader_alone_is_spoken_of_in_the_singular():
    table = as_table(*drawn(5, 2, 1, (12, 12)))
    assert "exactly this reader" in analyse(table)["obuchowski_rockette"][0]["sentence"]
