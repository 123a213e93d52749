"""The network of a fold, out of the cache, gives the fold's cross-validated probabilities."""

import numpy as np
import pandas as pd
import pytest

from ovcf.problems import InputError


@pytest.fixture
def trained(tmp_path, rng):
    """Twenty patches in two folds and AlexNet's head trained for two epochs."""
    from ovcf.models.crossval import cross_validate

    images = rng.integers(0, 255, (20, 64, 64), dtype=np.uint8)
    patches = pd.DataFrame(
        {
            "patch_id": [f"p{i}" for i in range(20)],
            "patient_id": [f"m{i}" for i in range(20)],
            "label": ["fresh", "old"] * 10,
            "fold": np.repeat([1, 2], 10),
        }
    )
    how = {"cache": tmp_path, "weights": "none", "trainable": "head", "epochs": 2, "seed": 3}
    said = cross_validate(images, patches, networks=["alexnet"], progress=False, **how)
    return images, patches, how, said


def test_a_folds_network_says_what_the_predictions_table_says(trained):
    from ovcf.models.fold_models import fold_network
    from ovcf.models.training import network_probability

    images, patches, how, said = trained
    net = fold_network(images, patches, "alexnet", 2, **how)
    p = network_probability(net, images[patches["fold"] == 2], "all")
    # the features of a random trunk were made in bfloat16
    np.testing.assert_allclose(p, said.loc[said["fold"] == 2, "p_fresh"], atol=0.02)


def test_a_fold_that_was_never_trained_is_refused_by_name(trained):
    from ovcf.models.fold_models import fold_network

    images, patches, how, _ = trained
    with pytest.raises(InputError, match="alexnet of fold 2"):
        fold_network(images, patches, "alexnet", 2, **how | {"epochs": 3})
