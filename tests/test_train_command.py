"""One fold a job: prepared, trained by commands of their own, gathered; the numbers are those of one run."""

import numpy as np
import pytest
from click.testing import CliRunner

from ovcf.cli import main
from ovcf.study import Study

SMALL = {"patients": 12, "folds": 2, "networks": "[alexnet]", "image_size": 64, "epochs": 2, "weights": "none"}


def command(*words):
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A prepared run of the synthetic cohort."""
    folder = tmp_path_factory.mktemp("queue")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVCF_DATA", str(folder / "data"))
        given = [word for name, value in SMALL.items() for word in ("-p", name, value)]
        said = command("run", "--prepare", "--out", folder / "run", *given)
        assert said.exit_code == 0 and "prepared" in said.output, said.output
        yield folder / "run"


def test_folds_trained_one_by_one_are_gathered_and_nothing_is_trained_again(run, monkeypatch):
    assert list((run / "cache" / "features").glob("alexnet-stage-*.npy"))
    assert not (run / "report.html").exists() and not list((run / "cache").glob("folds/*.safetensors"))
    for fold in (1, 2):
        assert command("train", run, "--network", "alexnet", "--fold", fold).exit_code == 0
    files = {f: f.stat().st_mtime_ns for f in (run / "cache" / "folds").glob("*.safetensors")}
    assert len(files) == 2
    table = Study(run).train_networks()
    assert len(table) == len(Study(run).patches) and np.isfinite(table.p_fresh).all()
    assert files == {f: f.stat().st_mtime_ns for f in (run / "cache" / "folds").glob("*.safetensors")}


def test_a_network_or_fold_of_no_run_is_refused_at_once(run):
    said = CliRunner().invoke(main, ["train", str(run), "--network", "alexnt", "--fold", "9"])
    assert said.exit_code == 2
    assert "did you mean alexnet" in said.output and "unknown fold" in said.output
