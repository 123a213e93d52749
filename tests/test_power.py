"""Power of reader studies: RJafroc's values on Van Dyke, and simulation."""

import numpy as np
import pytest

from ovcf.intake.readings import read_readings
from ovcf.problems import InputError
from ovcf.stats.readers.components import components_of, or_components, prepare
from ovcf.stats.readers.covariance import figures_of_merit, merit_covariance
from ovcf.stats.readers.mrmc import compare_treatments
from ovcf.stats.readers.power import cases_needed, power_grid
from ovcf.synthetic.readers import roe_metz

# RJafroc: SsPowerGivenJK(dataset02, FOM = "Wilcoxon", method = "OR", effectSize = -0.043800322, J, K, ...)
EFFECT = 0.043800322


@pytest.fixture(scope="module")
def pilot(shared):
    return or_components(prepare(read_readings(shared / "reader_study" / "VanDyke.csv")))


@pytest.mark.parametrize("generalisation, readers, cases, power", [
    ("random", 10, 165, 0.80541995),  # analysisOption = "RRRC"
    ("fixed_readers", 10, 131, 0.80091813),  # "FRRC"
    ("fixed_cases", 10, 53, 0.80496663),  # "RRFC"
    ("random", 6, 111, 0.5526116),
])  # fmt: skip
def test_power_is_rjafrocs(pilot, generalisation, readers, cases, power):
    found = power_grid(pilot, [readers], [cases], EFFECT, generalisation=generalisation)["power"][0]
    # the last printed digits depend on the noncentral distributions of R and scipy and on the rounded effect
    assert found == pytest.approx(power, abs=2e-7 if generalisation != "fixed_readers" else 2e-6)


def test_cases_needed_is_rjafrocs(pilot):
    assert cases_needed(pilot, 6, EFFECT) == 251  # SsSampleSizeKGivenJ(dataset02, J = 6, FOM = "Wilcoxon")
    assert cases_needed(pilot, 2, 0.001) is None


def test_grid_has_every_design_and_grows(pilot):
    grid = power_grid(pilot, (3, 6), (40, 80, 160), (0.03, 0.05))
    assert len(grid) == 12
    for _, part in grid.groupby(["effect", "readers"]):
        assert part["power"].is_monotonic_increasing
    small, large = (grid.loc[grid["effect"] == size, "power"].to_numpy() for size in (0.03, 0.05))
    assert (large > small).all()


def test_no_effect_has_the_power_of_chance(pilot):
    kinds = ("random", "fixed_readers", "fixed_cases")
    grid = power_grid(pilot, [5], [100], 0.0, generalisation=kinds)
    assert grid["power"].tolist() == pytest.approx([0.05] * 3)


def test_power_predicts_simulated_studies(rng):
    studies = []
    for _ in range(300):
        ratings, truth = roe_metz(rng, cases=(40, 40), shift=0.5)
        curves = ratings.reshape(10, -1)
        theta = figures_of_merit(curves, truth).reshape(2, 5)
        studies.append(components_of(theta, merit_covariance(curves, truth, method="unbiased"), 80))
    found = np.mean([compare_treatments(s, "ab", "random")[0]["p"] < 0.05 for s in studies])
    effect = np.mean([s.theta[0].mean() - s.theta[1].mean() for s in studies])
    names = ("error", "cov1", "cov2", "cov3")
    mean = {name: np.mean([getattr(s, name) for s in studies]) for name in names}
    ms_tr = np.mean([s.mean_squares["ms_tr"] for s in studies])
    mean["var_tr"] = ms_tr - mean["error"] + mean["cov1"] + mean["cov2"] - mean["cov3"]
    predicted = power_grid(mean, [5], [80], effect, pilot_cases=80)["power"][0]
    assert found == pytest.approx(predicted, abs=0.08)  # 300 studies: 2 SE are 0.06


@pytest.mark.parametrize("arguments, message", [
    ({"components": {"error": 1.0}}, "var_tr, cov1, cov2, cov3, pilot_cases"),
    ({"effect": np.nan}, "from -2 to 2"), ({"effect": 3}, "from -2 to 2"), ({"margin": -1.0}, "must be positive"),
    ({"readers": (1,)}, "two readers"), ({"generalisation": "all"}, "random, fixed_readers"),
])  # fmt: skip
def test_refusals(rng, arguments, message):
    ratings, truth = roe_metz(rng)
    curves = ratings.reshape(10, -1)
    parts = components_of(figures_of_merit(curves, truth).reshape(2, 5), merit_covariance(curves, truth), 40)
    with pytest.raises(InputError, match=message):
        power_grid(**({"components": parts} | arguments))
