"""What is made beside the first notebooks: the bytes that a notebook would make, once, and no process left."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import psutil
import pytest

from ovcf.files import digest
from ovcf.processes import SCHEDULER
from ovcf.profiles import parse_value
from ovcf.report import ahead
from ovcf.report.ahead import ahead_of, make_ahead, worth_it
from ovcf.report.run import writes_for
from ovcf.study import Study
from ovcf.synthetic import making


@pytest.fixture
def begun(finished, tiny, tmp_path, monkeypatch):
    """A run as the finished one, with nothing made yet but the table of its vertebrae."""
    monkeypatch.setattr(ahead, "WORTH", 0)
    return Study.begin(tmp_path / "run", **{name: parse_value(text) for name, text in tiny.items()} | {"workers": 2})


def made_features(run):
    """Name and digest of each file of features of a run."""
    return {path.name: digest(path) for path in (run / "cache" / "features").glob("[!.]*.npy")}


def until(true, seconds=90):
    """Wait for something to become true."""
    ends = time.monotonic() + seconds
    while not true() and time.monotonic() < ends:
        time.sleep(0.05)
    assert true()


def test_features_and_the_other_films_are_made_meanwhile_and_are_those_of_a_run(begun, finished, tmp_path, monkeypatch):
    theirs, compared = made_features(finished), len(begun.parameters["networks"])
    (cohort,) = (finished.parent / "data").glob("synthetic-hospital-b-*")
    films = {path.name: digest(path) for path in cohort.rglob("*.png")}
    monkeypatch.setenv("OVCF_DATA", str(tmp_path / "elsewhere"))
    with writes_for(begun.run), ahead_of(begun):
        until(lambda: len(made_features(begun.run)) == compared)
        made = made_features(begun.run)
        begun.train_networks()
        until(lambda: made_features(begun.run) == theirs)  # with the bodies beside, too
        until(lambda: (tmp_path / "elsewhere" / cohort.name / "manifest.csv").exists())
    assert made.items() < theirs.items() and len(films) > 10
    assert films == {path.name: digest(path) for path in (tmp_path / "elsewhere" / cohort.name).rglob("*.png")}


@pytest.mark.parametrize("ends", [None, RuntimeError, KeyboardInterrupt])
def test_no_process_is_left_however_the_notebooks_end(begun, ends, monkeypatch):
    with pytest.raises(ends) if ends else nullcontext():
        with ahead_of(begun):
            until(behind)
            started = behind()
            if ends:
                raise ends("as a notebook may")
    assert not psutil.wait_procs(started, timeout=10)[1]


def behind():
    """Processes of this one that stand back behind it: the worker and what it has started."""
    mine = psutil.Process()
    return [p for p in mine.children(recursive=True) if p.nice() >= min(mine.nice() + ahead.BEHIND, 19)]


def test_what_goes_wrong_ahead_is_left_to_the_notebook_that_needs_it(tmp_path, capfd):
    make_ahead(tmp_path / "no run")
    assert capfd.readouterr() == ("", "") and not list(tmp_path.iterdir())


def test_nothing_is_made_ahead_where_it_is_not_worth_it_or_made_elsewhere(begun, finished, monkeypatch):
    assert worth_it(begun)
    for name, value in {"workers": 1, "trainable": "all"}.items():
        with monkeypatch.context() as patch:
            patch.setitem(begun.parameters, name, value)
            assert not worth_it(begun)
    with monkeypatch.context() as patch:
        patch.setenv(SCHEDULER, "tcp://cluster:8786")
        assert not worth_it(begun)
    with monkeypatch.context() as patch:
        patch.setattr(ahead, "WORTH", 2 * len(begun.patches) + 1)
        assert not worth_it(begun)
    done = Study(finished)
    monkeypatch.setitem(done.parameters, "workers", 2)
    assert not worth_it(done)


def test_two_that_want_the_same_cohort_draw_it_once(tmp_path, monkeypatch):
    drawn, draw = [], making.synthesise

    def counted(folder, **how):
        drawn.append(folder)
        time.sleep(0.2)
        return draw(folder, **how, progress=False)

    monkeypatch.setattr(making, "synthesise", counted)
    with ThreadPoolExecutor(3) as pool:
        asked = [
            pool.submit(making.kept_cohort, tmp_path / "home", patients=6, seed=1, workers=1, hospital=hospital)
            for hospital in "AAB"
        ]
    first, second, other = (each.result() for each in asked)
    assert first == second != other and sorted(drawn) == sorted({first.parent, other.parent})
    assert len(list(first.parent.glob("films/*.png"))) == 6
