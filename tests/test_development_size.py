"""Size of a development, against the program of its authors, a fitted model, and simulated shrinkage."""

import numpy as np
import pytest
from scipy.special import expit

from ovcf.problems import InputError
from ovcf.stats.development_size import (
    FITTED,
    KNOWING,
    _shrunk,
    development_size,
    development_sizes,
    explained_variation,
)
from ovcf.stats.simulate import Design, simulate_predictions
from ovcf.stats.validation_size import Expected, expected_of, normal_linear_predictor, validation_size


def of(table):
    return dict(zip(table.criterion, table.independent_patches, strict=True))


def test_sizes_are_those_of_pmsampsize():
    # pmsampsize 0.1.0: pmsampsize(type="b", csrsquared=0.288, parameters=24, prevalence=0.174), results_table: 623,
    # 662, 221, max R^2 0.6032; and with csrsquared=0.12, parameters=2, prevalence=0.5: 140, 50, 385, max R^2 0.75
    for parameters, r2, phi, most, shrinkage, optimism, prevalence in (
        (24, 0.288, 0.174, 0.6032086677670351, 623, 662, 221),
        (2, 0.12, 0.5, 0.75, 140, 50, 385),
    ):
        assert explained_variation(phi, 0.8)[1] == pytest.approx(most)
        assert _shrunk(parameters, 0.9, r2) == shrinkage
        assert _shrunk(parameters, r2 / (r2 + 0.05 * most), r2) == optimism
        assert of(development_size(Expected(phi, 0.8, [0.0]), parameters))["prevalence"] == prevalence


def test_a_stated_auc_gives_the_variation_that_pmsampsize_fits_to_a_million_draws():
    # pmsampsize(type="b", cstatistic=0.8, parameters=10, prevalence=0.35): R^2 0.2422, sizes 319, 236, 350
    assert explained_variation(0.35, 0.8)[0] == pytest.approx(0.2422, abs=0.002)
    sizes = of(development_size(Expected(0.35, 0.8, [0.0]), 10))
    assert sizes["shrinkage"] == pytest.approx(319, abs=2) and sizes["optimism of R²"] == pytest.approx(236, abs=2)
    assert sizes["prevalence"] == 350


def test_a_regression_on_so_many_patches_is_shrunk_as_promised(rng):
    """Slope of ten fitted terms on new patches; nine of ten tell nothing, as the criterion is agnostic of that."""
    from sklearn.linear_model import LogisticRegression

    eta, slopes = normal_linear_predictor(0.4, 0.8), []
    n = of(development_size(Expected(0.4, 0.8, [0.0]), 10))["shrinkage"]
    for _ in range(60):
        x = np.column_stack([rng.choice(eta, n), rng.normal(size=(n, 9))])
        fitted = LogisticRegression(C=1e6).fit(x, rng.random(n) < expit(x[:, 0]))
        new = np.column_stack([rng.choice(eta, 4_000), rng.normal(size=(4_000, 9))])
        score = fitted.decision_function(new)[:, None]
        slopes.append(LogisticRegression(C=1e6).fit(score, rng.random(4_000) < expit(new[:, 0])).coef_[0, 0])
    assert np.mean(slopes) == pytest.approx(0.9, abs=0.04)


def test_the_error_of_probabilities_is_given_where_its_formula_holds():
    # van Smeden et al. 2019 as in Riley et al. 2020, BMJ 368: m441: phi 0.5, ten terms, error 0.05
    by_hand = np.exp((-0.508 + 0.259 * np.log(0.5) + 0.504 * np.log(10) - np.log(0.05)) / 0.544)
    assert of(development_size(Expected(0.5, 0.8, [0.0]), 10))["absolute error"] == np.ceil(by_hand)
    assert "absolute error" not in of(development_size(Expected(0.5, 0.8, [0.0]), 31))
    swapped = [of(development_size(Expected(phi, 0.8, [0.0]), 5))["absolute error"] for phi in (0.2, 0.8)]
    assert swapped[0] == swapped[1]


def test_both_purposes_stand_in_one_table_with_clusters_counted():
    mine = simulate_predictions(Design(patients=150, patches=300), seed=4)
    table = development_sizes(mine)
    about = expected_of(mine.truth, mine.p_fresh, mine.patient_id, 0.5)
    assert table.purpose.unique().tolist() == [KNOWING, *FITTED.values()]
    knowing = table[table.purpose == KNOWING].reset_index(drop=True)
    assert knowing.patches.tolist() == validation_size(**about).patches.tolist()
    assert (table.patches >= about["deff"] * table.independent_patches).all()
    assert about["patches_per_patient"] == 2


def test_nothing_to_fit_is_refused():
    with pytest.raises(InputError, match="nothing is fitted"):
        development_size(Expected(0.4, 0.8, [0.0]), 0)
