"""Cross-validation: nothing leaks, nothing is done twice, and neither order nor workers change a digit."""

import os

import joblib
import numpy as np
import pandas as pd
import psutil
import pytest
import torch

from ovcf.models import crossval, fold
from ovcf.models.crossval import cross_validate, fold_network
from ovcf.models.jobs import plan
from ovcf.models.progress import Progress, beat_file, heartbeat
from ovcf.models.recipe import Recipe
from ovcf.models.training import network_probability
from ovcf.problems import InputError

NETS = ["efficientnet_lite0", "googlenet"]


@pytest.fixture(scope="module")
def cohort():
    """36 patches (36, 64, 64) of 18 patients in 3 folds; the fresh ones hold a bright bar."""
    rng = np.random.default_rng(8)
    images = rng.integers(0, 200, (36, 64, 64)).astype(np.uint8)
    fresh = np.repeat(np.arange(18) % 2, 2)
    images[fresh == 1, 20:30, 10:50] = 255
    patches = pd.DataFrame(
        {
            "patch_id": [f"v{i}" for i in range(36)],
            "patient_id": [f"p{i // 2}" for i in range(36)],
            "label": np.where(fresh, "fresh", "old"),
            "fold": np.repeat(np.arange(18) % 3 + 1, 2),
        }
    )
    return images, patches


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One cache for all tests of this file."""
    return tmp_path_factory.mktemp("cache")


def crossed(cohort, cache, networks=NETS, workers=1, **more):
    recipe = Recipe(**{"weights": "packaged", "epochs": 12} | more)
    return cross_validate(*cohort, networks, recipe, cache=cache, workers=workers, progress=False)


def test_the_table_has_every_patch_of_every_network_once(cohort, cache):
    table = crossed(cohort, cache)
    columns = "network fold patch_id patient_id truth p_fresh seed weights trainable".split()
    assert list(table.columns) == columns and len(table) == 72
    assert list(table.patch_id[:36]) == list(cohort[1].patch_id) == list(table.patch_id[36:])
    assert list(dict.fromkeys(table.network)) == NETS
    assert table.p_fresh.between(0, 1).all() and table.truth.mean() == 0.5
    assert set(table.weights) == {"ImageNet weights (packaged)", "random weights (not pretrained)"}
    assert set(table.trainable) == {"head"}


def test_a_plain_difference_is_learnt(cohort, cache):
    table = crossed(cohort, cache)
    for _, mine in table.groupby("network"):
        assert ((mine.p_fresh > 0.5) == mine.truth).mean() > 0.8


def test_workers_and_order_change_no_digit(cohort, cache, tmp_path):
    one = crossed(cohort, cache)
    two = crossed(cohort, tmp_path, networks=NETS[::-1], workers=2)
    two = pd.concat([two[two.network == name] for name in NETS], ignore_index=True)
    assert np.array_equal(one.p_fresh, two.p_fresh)


def test_folds_train_in_workers_of_their_own(cohort, cache, tmp_path):
    earlier = set(joblib.Parallel(n_jobs=2)(joblib.delayed(os.getpid)() for _ in range(8)))
    crossed(cohort, tmp_path, networks=NETS[:1], workers=2, epochs=1)
    assert os.getpid() not in earlier and not any(psutil.pid_exists(pid) for pid in earlier)


def test_a_finished_fold_is_never_trained_again(cohort, cache, monkeypatch):
    before = crossed(cohort, cache)
    monkeypatch.setattr(fold, "train_head", lambda *a: pytest.fail("trained again"))
    monkeypatch.setattr(crossval, "trunk_features", lambda *a, **k: pytest.fail("features again"))
    assert before.equals(crossed(cohort, cache))


def test_an_interrupted_run_goes_on_where_it_stopped(cohort, tmp_path, monkeypatch):
    trained, real = [], fold.train_head

    def stops_at_third(*args):
        trained.append(1)
        if len(trained) == 3:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(fold, "train_head", stops_at_third)
    with pytest.raises(KeyboardInterrupt):
        crossed(cohort, tmp_path, networks=NETS[:1])
    assert len(list((tmp_path / "folds").glob("*.safetensors"))) == 2
    crossed(cohort, tmp_path, networks=NETS[:1])
    assert len(trained) == 4  # two, the interrupted one, and that one again
    leftovers = [f.name for f in (tmp_path / "folds").glob(".*") if f.suffix != ".lock"]
    assert not leftovers


def test_labels_of_the_test_fold_have_no_influence(cohort, cache, tmp_path):
    images, patches = cohort
    other = patches.label.map({"fresh": "old", "old": "fresh"})
    turned = patches.assign(label=patches.label.where(patches.fold != 2, other))
    a, b = crossed(cohort, cache), crossed((images, turned), tmp_path, networks=NETS[:1])
    a = a[a.network == NETS[0]]
    assert np.array_equal(a.p_fresh[a.fold == 2], b.p_fresh[b.fold == 2])
    assert not np.array_equal(a.p_fresh[a.fold == 1], b.p_fresh[b.fold == 1])


def test_other_choices_make_other_folds(cohort, tmp_path):
    images, patches = cohort

    def names(**more):
        jobs = plan(images, patches, NETS[:1], Recipe(weights="packaged", **more), tmp_path)
        return {job.target.name for job in jobs}

    sets = [names(), names(epochs=50), names(seed=1), names(flips=()), names(batch_size=8)]
    assert len(set.union(*sets)) == 3 * len(sets)


def test_another_training_seed_trains_anew_on_the_same_features(cohort, cache, tmp_path):
    usual = crossed(cohort, tmp_path)
    features = sorted(path.name for path in (tmp_path / "features").iterdir())
    same = crossed(cohort, tmp_path / "same", training_seed=0)  # the seed that draws everything else
    other = crossed(cohort, tmp_path, training_seed=1)
    assert np.array_equal(usual.p_fresh, same.p_fresh) and set(usual.seed) == {0}
    for name in NETS:
        mine = usual.network == name
        assert not np.isclose(usual.p_fresh[mine], other.p_fresh[mine]).all() and set(other.seed) == {1}
    assert sorted(path.name for path in (tmp_path / "features").iterdir()) == features


def test_a_deeper_head_starts_from_the_training_seed_and_the_trunk_does_not(cohort, tmp_path):
    job, other = (
        plan(*cohort, NETS[:1], Recipe(weights="none", trainable="all", training_seed=k), tmp_path)[0] for k in (0, 1)
    )
    one, two = (fold.untrained(job).state_dict() for job in (job, other))
    moved = {name for name in one if not torch.equal(one[name], two[name])}
    assert moved and all(name.startswith("head.") for name in moved)


@pytest.mark.parametrize("trainable", ["last_stage", "all"])
def test_deeper_training_runs_and_repeats(cohort, tmp_path, trainable):
    options = {"networks": NETS[:1], "trainable": trainable, "epochs": 1}
    images, patches = cohort[0][:12], cohort[1][:12]
    a = crossed((images, patches), tmp_path / "a", **options)
    b = crossed((images, patches), tmp_path / "b", **options)
    assert np.array_equal(a.p_fresh, b.p_fresh) and a.p_fresh.notna().all()


def test_the_bar_names_network_fold_and_epoch(cohort, tmp_path, monkeypatch):
    monkeypatch.delenv("OVCF_LINES", raising=False)  # as at a terminal
    jobs = plan(*cohort, NETS[:1], Recipe(weights="packaged", epochs=10), tmp_path)
    heartbeat(jobs[1])(4)
    assert beat_file(jobs[1]).read_text() == "4"
    progress = Progress(jobs, show=True)
    progress.update()
    assert progress.bar.n == 4 and progress.bar.total == 30
    assert "efficientnet_lite0 fold 2 epoch 4/10" in str(progress.bar)
    progress.bar.close()


def test_what_cannot_be_trained_on_is_refused_all_at_once(cohort):
    images, patches = cohort
    with pytest.raises(InputError) as error:
        crossed((images[:5], patches.drop(columns="fold").assign(label="new")), "unused")
    assert len(error.value.problems) == 3
    lonely = patches.assign(fold=np.where(patches.label == "fresh", 1, 2))
    with pytest.raises(InputError, match="only one class"):
        crossed((images, lonely), "unused")


def test_a_folds_network_says_what_the_predictions_table_says(cohort, tmp_path):
    images, patches = cohort
    recipe = Recipe(weights="none", epochs=2, seed=3)
    said = cross_validate(images, patches, ["alexnet"], recipe, cache=tmp_path, progress=False)
    net = fold_network(images, patches, "alexnet", 2, recipe, tmp_path)
    p = network_probability(net, images[patches.fold == 2], Recipe(trainable="all"))
    # the features of a random trunk were made in bfloat16
    np.testing.assert_allclose(p, said.loc[said.fold == 2, "p_fresh"], atol=0.02)
    with pytest.raises(InputError, match="alexnet of fold 2"):  # never trained so long
        fold_network(images, patches, "alexnet", 2, Recipe(weights="none", epochs=3, seed=3), tmp_path)
