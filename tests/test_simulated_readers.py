"""Simulated readers: a seed repeats, the stored truth is recovered, the defaults look like Tables 4 and 5."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from ovcf.problems import InputError
from ovcf.stats.readers.checks import check_readings
from ovcf.stats.readers.covariance import figures_of_merit
from ovcf.synthetic.readers import COLUMNS, Readers, Variances, roe_metz, select_cases, simulate_readings


@pytest.fixture
def cohort(rng):
    """720 patches of 405 patients, and a model that is right on three of four."""
    n = 720
    truth = rng.permutation(np.repeat([1, 0], [364, 356]))
    patches = pd.DataFrame({
        "patch_id": [f"p{i}" for i in range(n)], "patient_id": [f"q{i}" for i in np.arange(n) * 405 // n],
        "level": "L1",
    })  # fmt: skip
    logits = rng.normal((2 * truth - 1) * 0.8, 1.2)
    return patches, patches[["patch_id"]].assign(truth=truth, p_fresh=1 / (1 + np.exp(-logits)))


def accuracy(readings):
    right = (readings["answer"] == "fresh") == (readings["truth"] == 1)
    return right.groupby([readings["session"], readings["reader"]]).mean()


def test_cases_are_drawn_in_proportion_and_repeat_with_the_seed(cohort):
    cases = select_cases(*cohort, 40, seed=5)
    assert len(cases) == 40 and cases["truth"].sum() == 20 and cases["patch_id"].is_unique
    assert cases.equals(select_cases(*cohort, 40, seed=5))
    assert not cases.equals(select_cases(*cohort, 40, seed=6))
    joined = cases.merge(cohort[1], on="patch_id")
    assert (joined["p_fresh_x"] == joined["p_fresh_y"]).all() and "level" in cases


def test_a_seed_repeats_every_bit(cohort):
    cases = select_cases(*cohort, 40)
    first, again = (simulate_readings(cases, seed=2) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert not first["answer"].equals(simulate_readings(cases, seed=3)["answer"])


def test_the_table_is_a_readings_table_said_to_be_simulated(cohort):
    readings = simulate_readings(select_cases(*cohort, 40), readers=3, seed=1)
    assert tuple(readings.columns) == COLUMNS and len(readings) == 3 * 2 * 40
    assert len(check_readings(readings)) == 240
    assert readings["reader"].str.startswith("Simulated reader").all()
    assert readings["confidence"].between(1, 5).all() and (readings["seconds"] > 0).all()
    assert readings.groupby("session")["model_p_fresh"].count().tolist() == [120, 0]
    orders = readings.groupby(["reader", "session"])["order"].apply(sorted)
    assert all(order == list(range(1, 41)) for order in orders)
    assert pd.to_datetime(readings["time"]).dt.year.eq(2000).all()  # an invented clock
    truth = readings.attrs["simulation"]
    assert truth["simulated"]
    assert [reader["reader"] for reader in truth["readers"]] == readings["reader"].unique().tolist()


def test_defaults_look_like_tables_4_and_5(cohort):
    found = [accuracy(simulate_readings(select_cases(*cohort, 40, seed), seed=seed)) for seed in range(20)]
    mean = pd.concat(found).groupby("session").mean()
    assert 0.50 < mean["unaided"] < 0.60 and 0.64 < mean["aided"] < 0.71


def test_stored_truth_is_recovered(cohort):
    cases = select_cases(*cohort, 700)
    readings = simulate_readings(cases, Readers(1.0, 0.5, 0.3), readers=8, seed=4)
    truth = pd.DataFrame(readings.attrs["simulation"]["readers"]).set_index("reader")
    found = accuracy(readings)
    for session, column in (("unaided", "accuracy"), ("aided", "accuracy_aided")):
        assert found[session].to_numpy() == pytest.approx(truth[column].loc[found[session].index], abs=0.06)
    fresh = readings[(readings["truth"] == 1) & (readings["session"] == "unaided")]
    sensitivity = (fresh["answer"] == "fresh").groupby(fresh["reader"]).mean()
    assert sensitivity.to_numpy() == pytest.approx(truth["sensitivity"].loc[sensitivity.index], abs=0.08)


def test_correlation_makes_readers_agree(cohort):
    cases = select_cases(*cohort, 700)

    def agreement(rho):
        readings = simulate_readings(cases, Readers(0, 0, 0, reader_case_correlation=rho), readers=2, seed=0)
        unaided = readings[readings["session"] == "unaided"]
        wide = unaided.pivot(index="patch_id", columns="reader", values="answer")
        return (wide.iloc[:, 0] == wide.iloc[:, 1]).mean()

    # two normals of correlation rho agree in sign with 1/2 + asin(rho) / pi
    for rho in (0.0, 0.5, 1.0):
        assert agreement(rho) == pytest.approx(0.5 + np.arcsin(rho) / np.pi, abs=0.06)


def test_trust_decides_how_far_the_model_is_followed(cohort):
    cases = select_cases(*cohort, 400)
    ignored = simulate_readings(cases, Readers(trust=0, trust_sd=0, memory=1), seed=0)
    wide = ignored.pivot(index=["reader", "patch_id"], columns="session", values="answer")
    assert (wide["aided"] == wide["unaided"]).all()  # same memory and no trust: nothing changes
    believed = simulate_readings(cases, Readers(trust=50, trust_sd=0), seed=0)
    aided = believed[believed["session"] == "aided"]
    assert ((aided["answer"] == "fresh") == (aided["model_p_fresh"] > 0.5)).mean() > 0.97


def test_patient_correlation_makes_patches_of_a_patient_alike(cohort):
    cases = select_cases(*cohort, 700).assign(patient_id=lambda t: np.arange(700) // 2)
    alike = Readers(0, 0, 0, reader_case_correlation=1)
    readings = simulate_readings(cases, alike._replace(patient_correlation=1), readers=1)
    answers = readings[readings["session"] == "unaided"].groupby("patient_id")["answer"].nunique()
    assert (answers == 1).all()
    readings = simulate_readings(cases, alike._replace(patient_correlation=0), readers=1)
    answers = readings[readings["session"] == "unaided"].groupby("patient_id")["answer"].nunique()
    assert 0.4 < (answers == 1).mean() < 0.6


def test_refusals(cohort):
    patches, predictions = cohort
    with pytest.raises(InputError, match="several predictions"):
        select_cases(patches, pd.concat([predictions, predictions]))
    with pytest.raises(InputError, match="cannot draw 800"):
        select_cases(patches, predictions, 800)
    cases = select_cases(patches, predictions, 20)
    with pytest.raises(InputError, match="p_fresh"):
        simulate_readings(cases.drop(columns="p_fresh"))
    with pytest.raises(InputError, match="row 2, column p_fresh: not a probability"):
        simulate_readings(cases.assign(p_fresh=[1.2] + [0.5] * 19))


def test_roe_metz_has_its_population_auc(rng):
    ratings, truth = roe_metz(rng, Variances(r=0.03, tr=0.03), readers=150, cases=(300, 300), mu=1.0)
    assert ratings.shape == (2, 150, 600) and truth.sum() == 300
    found = figures_of_merit(ratings.reshape(300, -1), truth).mean()
    assert found == pytest.approx(norm.cdf(1 / np.sqrt(2 + 2 * 0.06)), abs=0.03)


def test_roe_metz_shift_moves_the_first_treatment_only():
    null, truth = roe_metz(np.random.default_rng(1))
    moved, _ = roe_metz(np.random.default_rng(1), shift=0.4)
    assert (moved[1] == null[1]).all() and (moved[0] - null[0])[:, truth] == pytest.approx(0.4)
