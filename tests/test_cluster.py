"""A Dask cluster gives the local run's numbers, loses workers without losing a job, and is refused where it cannot."""

import os
import signal
import threading
from concurrent.futures import CancelledError
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ovcf.models import cluster as cluster_module
from ovcf.models.cluster import _gather, _here, _spoken
from ovcf.models.crossval import cross_validate
from ovcf.models.jobs import plan
from ovcf.models.random_weights import noise_patches
from ovcf.models.recipe import Recipe
from ovcf.problems import InputError
from ovcf.processes import SCHEDULER

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster():
    """Two workers in processes of their own."""
    os.environ["DASK_DISTRIBUTED__WORKER__DAEMON"] = "False"
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as made:
        yield made


@pytest.fixture(scope="module")
def cohort():
    """12 patches (12, 64, 64) in 3 folds."""
    names = [f"v{i}" for i in range(12)]
    table = {"patch_id": names, "patient_id": names, "label": ["fresh", "old"] * 6, "fold": np.repeat([1, 2, 3], 4)}
    return noise_patches(12, 64, seed=3), pd.DataFrame(table)


def crossed(cohort, cache, trainable):
    recipe = Recipe(weights="packaged", trainable=trainable, epochs=2)
    return cross_validate(*cohort, ["efficientnet_lite0"], recipe, cache=cache, progress=False)


def test_a_cluster_gives_the_local_bits_even_when_all_its_workers_are_killed(cohort, cluster, tmp_path, monkeypatch):
    local = {t: crossed(cohort, tmp_path / "here", t) for t in ("head", "all")}
    monkeypatch.setenv(SCHEDULER, cluster.scheduler_address)
    assert crossed(cohort, tmp_path / "there", "head").equals(local["head"])
    assert len(list((tmp_path / "there" / "features").glob("*.npy"))) == 1
    with killing_the_workers(cluster.scheduler_address) as killed:
        assert crossed(cohort, tmp_path / "killed", "all").equals(local["all"])
    assert len(killed) == 2


@contextmanager
def killing_the_workers(address):
    """Kill both workers (SIGKILL), and what was sent to them, as soon as they are busy; lends a list of the killed."""
    killed, over = [], threading.Event()

    def watch():
        with distributed.Client(address, set_as_default=False) as client:
            processes = client.run(os.getpid)
            while not over.wait(0.02) and not killed:
                if all(client.processing().values()):
                    for process in processes.values():
                        os.kill(process, signal.SIGKILL)
                    killed.extend(processes)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def test_no_scheduler_is_said_in_words(cohort, tmp_path, monkeypatch):
    monkeypatch.setenv(SCHEDULER, "nowhere")
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        crossed(cohort, tmp_path, "all")


def test_the_only_thread_of_a_cluster_works_there_and_none_or_dead_ones_are_said_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_module, "WAIT", 0.1)
    target, sent = tmp_path / "thread", np.arange(3)
    with distributed.LocalCluster(n_workers=0, threads_per_worker=1, processes=False, dashboard_address=":0") as made:
        with pytest.raises(InputError, match="had no worker"):
            _gather([(thread_there, sent)], [sent], [target], made.scheduler_address)
        made.scale(1)
        monkeypatch.setattr(cluster_module, "WAIT", 20)
        _gather([(thread_there, sent)], [sent], [target], made.scheduler_address)
        assert target.read_text() != threading.current_thread().name
        with pytest.raises(InputError, match="killed 4 times before any of 1 jobs"):
            _gather([(lost_there, sent)], [sent], [tmp_path / "lost"], made.scheduler_address)
        with pytest.raises(InputError, match="4 workers were killed at one job"):
            _gather([(deadly_there, sent)], [sent], [tmp_path / "deadly"], made.scheduler_address)


def thread_there(folder, sent):
    """The name of the thread that does a job."""
    return threading.current_thread().name.encode()


def lost_there(folder, sent):
    """A job that ends as one whose patches are gone with all workers that had them."""
    raise CancelledError


def deadly_there(folder, sent):
    """A job that ends as one that is given up by Dask, whose workers died of it."""
    raise distributed.KilledWorker("a job", SimpleNamespace(address="its last worker"), 3)


def test_a_worker_of_another_kind_is_refused(cohort, tmp_path):
    job = plan(*cohort, ["alexnet"], Recipe(weights="none", trainable="all"), tmp_path)[0]
    job, origin, how = _spoken(job)
    assert _here(job, origin, how, tmp_path / "x").target == tmp_path / "x" / job.target.name
    with pytest.raises(InputError, match="other arithmetic"):
        _here(job, origin, "something else", tmp_path)
    with pytest.raises(InputError, match="other starting weights"):
        _here(job, "a digest", how, tmp_path)
