"""Networks trained on some patches only: the folds of all, the features of all, nobody else's labels."""

import numpy as np
import pandas as pd
import pytest

from ovcf.cohort.crop import with_context
from ovcf.models.crossval import cross_validate
from ovcf.models.recipe import Recipe
from ovcf.tables.networks import versions_table

RECIPE = Recipe(weights="none", epochs=2)


@pytest.fixture
def cohort(rng):
    n = 36
    images = rng.integers(0, 256, (n, 48, 48), dtype=np.uint8)
    patches = pd.DataFrame(
        {
            "patch_id": [f"v{i}" for i in range(n)],
            "patient_id": [f"p{i}" for i in range(n)],
            "label": np.where(np.arange(n) % 2, "fresh", "old"),
            "region": np.where(np.arange(n) < 20, "at", "below"),
            "fold": np.arange(n) // 2 % 3 + 1,
        }
    )
    return images, patches, (patches.region == "at").to_numpy()


def test_some_patches_alone_are_as_if_there_were_no_others(cohort, tmp_path):
    images, patches, within = cohort
    options = {"recipe": RECIPE, "progress": False}
    some = cross_validate(images, patches, ["efficientnet_lite0"], cache=tmp_path / "a", within=within, **options)
    alone = cross_validate(images[within], patches[within], ["efficientnet_lite0"], cache=tmp_path / "b", **options)
    assert some.patch_id.tolist() == patches.patch_id[within].tolist() == alone.patch_id.tolist()
    assert some.p_fresh.to_numpy() == pytest.approx(alone.p_fresh.to_numpy(), abs=1e-6)
    turned = patches.assign(label=np.where(within, patches.label, "old"))
    again = cross_validate(images, turned, ["efficientnet_lite0"], cache=tmp_path / "c", within=within, **options)
    assert again.p_fresh.tolist() == some.p_fresh.tolist()  # labels of other regions play no part


def test_no_patch_is_trained_and_tested(cohort, tmp_path):
    from ovcf.models.jobs import plan

    images, patches, within = cohort
    jobs = plan(images, patches, ["efficientnet_lite0"], RECIPE, tmp_path, within=within)
    for job in jobs:
        assert not set(job.train) & set(job.test) and within[job.train].all() and within[job.test].all()
    assert sorted(np.concatenate([job.test for job in jobs])) == np.flatnonzero(within).tolist()


def test_context_takes_one_body_and_disc_on_either_side():
    assert with_context((10, 100, 50, 130), 0) == (10, 100, 50, 130)
    assert with_context((10, 100, 50, 130), 1) == pytest.approx((0, 61, 60, 169))  # 1.3 x 30 px, 0.25 x 40 px


def test_two_versions_are_printed_cell_by_cell():
    table = pd.DataFrame(
        [
            {"group": "all", "n": 40, "metric": "auc", "first": 0.8, "second": 0.75, "difference": -0.05,
             "low": -0.1, "high": 0.0, "p": 0.04},
            {"group": "at", "n": 20, "metric": "recall_old", "first": 0.5, "second": 0.625, "difference": 0.125,
             "low": np.nan, "high": np.nan, "p": np.nan},
        ]
    )  # fmt: skip
    shown = versions_table(table, "one for all", "one for each")
    cells = shown.drop(columns="p").to_numpy().tolist()
    assert cells[0] == ["all", 40, "AUC", "0.800", "0.750", "-0.050 [-0.100,\u00a00.000]"]
    assert cells[1][:2] + cells[1][3:] == ["at", 20, "50.0", "62.5", "12.5 [undefined]"]
