"""A finished run on another cohort: no byte of the run changes, nobody stands in both, a bundle says the same."""

import json
import zipfile

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
from click.testing import CliRunner

from ovcf.cli import main
from ovcf.cohort.manifest import read_cohort
from ovcf.external import bundle_run, open_validation
from ovcf.intake.across import settle_ids, shared_pictures
from ovcf.models.bundle import FEWEST_PATIENTS, open_bundle
from ovcf.predict import load_model, predict_case
from ovcf.problems import InputError
from ovcf.stats.analytic import analytic_intervals
from ovcf.stats.roc import auc
from ovcf.stats.two_cohorts import difference_of_cohorts
from ovcf.study import Study

TINY = dict(patients=24, image_size=32, networks=["efficientnet_lite0"], epochs=2, folds=3, workers=1, replicates=40)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of 24 synthetic patients, as far as its final model."""
    home = tmp_path_factory.mktemp("external")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVCF_DATA", str(home / "data"))
        study = Study.begin(home / "run", "demo", **TINY)
        study.train_networks()
        study.final  # noqa: B018 - made by notebook 04
        study.images("none")
        yield study.run


@pytest.fixture(scope="module")
def there(run, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVCF_DATA", str(run.parent / "data"))
        yield open_validation(str(run), "synthetic", out=str(tmp_path_factory.mktemp("out") / "there"))


@pytest.fixture(scope="module")
def bundle(run):
    return bundle_run(run, run.parent / "model.ovcf")


def bytes_of(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_validation_changes_no_byte_of_the_run(run, there):
    before = bytes_of(run)
    there.predictions, there.copies(), there.described(), there.counts()  # noqa: B018
    assert bytes_of(run) == before
    assert (there.folder.run / "tables" / "external_predictions.csv").is_file()


def test_the_auc_elsewhere_is_the_literal_one(run, there):
    model, table = load_model(run), there.predictions
    p = model.predict(np.asarray(there.images())).p_fresh
    assert table.p_fresh.tolist() == p.tolist()
    fresh = there.patches.label.to_numpy() == "fresh"
    pairs = p.to_numpy()[fresh][:, None] - p.to_numpy()[~fresh][None]
    assert auc(table.truth, table.p_fresh) == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


def test_the_ensemble_is_the_mean_of_the_folds_models(run, there):
    members = load_model(run).members(np.asarray(there.images()))
    assert members.shape == (1 + TINY["folds"], len(there.patches))
    assert there.predictions.p_ensemble.to_numpy() == pytest.approx(members[1:].mean(axis=0))
    assert members[0] == pytest.approx(there.predictions.p_fresh.to_numpy())


def test_a_head_trained_anew_never_sees_its_own_patches(there):
    n = len(there.patches)
    others, own = np.arange(n // 2), np.arange(n // 2, n)
    before = there.refitted_head(others, own)
    there.predictions.loc[own, "truth"] = 1 - there.predictions.loc[own, "truth"]
    try:
        assert there.refitted_head(others, own).tolist() == before.tolist()
    finally:
        there.predictions.loc[own, "truth"] = 1 - there.predictions.loc[own, "truth"]


def test_patients_of_both_cohorts_are_refused_by_name(run, there, tmp_path):
    with pytest.raises(InputError) as caught:
        open_validation(str(run), str(Study(run).source), out=str(tmp_path / "out"))
    known = set(load_model(run).predictions.patient_id)
    assert {problem.found for problem in caught.value.problems} == known
    cohort = read_cohort(there.source)
    renamed = cohort._replace(patches=cohort.patches.assign(patient_id=["P0001", *cohort.patches.patient_id[1:]]))
    left_out, kept = settle_ids(renamed, np.array(["p0001 "]), "leave out", there.source)
    assert left_out == ["P0001"] and len(kept.patches) == len(cohort.patches) - 1
    assert settle_ids(renamed, np.array(["p0001"]), "other people", there.source)[1] is renamed
    with pytest.raises(InputError, match="did you mean refuse"):
        settle_ids(cohort, None, "refuze", there.source)


def test_one_picture_in_both_cohorts_is_found_even_mirrored(there):
    images = np.asarray(there.images("none"))
    ids = there.patches.patch_id
    found = shared_pictures(images[:4], np.concatenate([images[2:3, :, ::-1], images[6:8]]), ids, "b" + ids)
    assert found[["first", "second"]].to_numpy().tolist() == [[ids[2], "b" + ids[0]]]
    assert found.how.item() == "mirrored"


def test_a_bundle_holds_nothing_of_a_patient(run, bundle):
    study, model = Study(run), load_model(run)
    with zipfile.ZipFile(bundle) as packed:
        inside = {name: packed.read(name) for name in packed.namelist()}
    everything = b"".join(inside.values())
    for word in {*study.patches.patient_id, *study.patches.patch_id, *study.patches.image, str(run)}:
        assert word.encode() not in everything, word
    assert not [name for name in inside if name.endswith((".csv", ".png"))]
    for name in (n for n in inside if n.endswith(".safetensors")):
        assert "p_fresh" not in safetensors.torch.load(inside[name])
    points = safetensors.torch.load(inside["reference.safetensors"])["points"].numpy()
    patients = model.patches.patient_id.nunique()
    assert len(points) <= patients // FEWEST_PATIENTS
    assert min(np.linalg.norm(points[:, None] - model.reference_points[None], axis=2).ravel()) > 1e-3


def test_a_bundle_gives_the_runs_numbers(run, bundle, there, tmp_path):
    by_bundle = open_validation(str(bundle), str(there.source), out=str(tmp_path / "b"))
    assert by_bundle.predictions.p_fresh.tolist() == there.predictions.p_fresh.tolist()
    pd.testing.assert_frame_equal(by_bundle.development.metrics, there.development.metrics)
    assert by_bundle.development.thresholds == there.development.thresholds
    assert not by_bundle.comparable and there.comparable
    row = there.patches.iloc[0]
    film, box = there.cohort.root / row.image, (row.x0, row.y0, row.x1, row.y1)
    one, other = predict_case(film, box, run), predict_case(film, box, bundle)
    assert one["p_fresh"] == other["p_fresh"] and one["calibration"] == other["calibration"]
    assert load_model(bundle).similar(np.asarray(there.images())[0]).empty


def test_the_same_run_gives_the_same_bundle(run, bundle, tmp_path):
    assert bundle_run(run, tmp_path / "again").read_bytes() == bundle.read_bytes()


@pytest.mark.parametrize("harm", ["cut", "not a zip", "a stranger inside", "a changed card"])
def test_a_bundle_that_was_tampered_with_is_refused(bundle, tmp_path, harm):
    bad = tmp_path / "bad"
    if harm in ("cut", "not a zip"):
        bad.write_bytes(bundle.read_bytes()[:-200] if harm == "cut" else b"hello")
    else:
        with zipfile.ZipFile(bundle) as packed, zipfile.ZipFile(bad, "w") as again:
            for name in packed.namelist():
                data = packed.read(name)
                if harm == "a changed card" and name == "about.json":
                    data = json.dumps({"counts": {}}).encode()
                again.writestr(name, data)
            if harm == "a stranger inside":
                again.writestr("../evil.json", "{}")
    with pytest.raises(InputError):
        open_bundle(bad)


def test_the_command_refuses_a_folder_of_something_else_and_leaves_it(run, there, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    done = CliRunner().invoke(main, ["external", str(run), "--data", str(there.source), "--out", str(tmp_path)])
    assert done.exit_code == 2 and "something else" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


# Chest films: a public set that nobody drew, its patients split in two cohorts ------------------------------------


@pytest.fixture(scope="module")
def halves(shared, tmp_path_factory):
    """Manifests of two halves of the patients (40 each, with every film of theirs), and a run on the first."""
    home = tmp_path_factory.mktemp("chest")
    labels = pd.read_csv(shared / "real" / "chest" / "labels.csv", dtype=str)
    kinds = {"pneumonia": "fresh", "no_finding": "old"}
    films = labels.assign(patch_id=labels.image, label=labels.label.map(kinds))
    films["image"] = f"{shared / 'real' / 'chest'}/" + films.image
    people = np.random.default_rng(15).permutation(films.patient_id.unique())[:80]
    sources = []
    for name, part in (("first", people[:40]), ("second", people[40:])):
        (home / name).mkdir()
        films[films.patient_id.isin(part)].to_csv(home / name / "manifest.csv", index=False)
        sources.append(home / name / "manifest.csv")
    others = {"allow_outside": True, "external": ""}
    study = Study.begin(home / "run", "demo", **TINY | others, data=str(sources[0]))
    study.train_networks()
    study.final  # noqa: B018 - made by notebook 04
    return study.run, sources


def test_on_real_films_the_auc_elsewhere_is_counted_by_hand(halves, tmp_path):
    run, (_, second) = halves
    away = open_validation(str(run), str(second), out=str(tmp_path / "out"))
    rows = pd.read_csv(second, dtype=str)
    assert away.predictions.patch_id.tolist() == rows.patch_id.tolist()
    whole = (0, 0, 256, 256)  # each film is a patch; asked about film after film, as a clinician does
    model = load_model(run)
    p = [predict_case(film, whole, run, model=model)["p_fresh"] for film in rows.image]
    assert away.predictions.p_fresh.tolist() == pytest.approx(p, abs=1e-5)
    won = [(a > b) + (a == b) / 2 for a, x in zip(p, rows.label, strict=True) if x == "fresh"
           for b, y in zip(p, rows.label, strict=True) if y == "old"]  # fmt: skip
    columns = away.predictions.truth, away.predictions.p_fresh, away.predictions.patient_id
    table = analytic_intervals(*columns, threshold=0.5).reset_index(names="metric")
    found = difference_of_cohorts(away.development.metrics, table).set_index("metric").loc["auc"]
    assert found.second == pytest.approx(np.mean(won))
    home = model.predictions
    pairs = home[home.truth == 1].p_fresh.to_numpy()[:, None] - home[home.truth == 0].p_fresh.to_numpy()
    assert found.difference == pytest.approx(np.mean(won) - np.mean((pairs > 0) + (pairs == 0) / 2))


def test_on_real_films_patients_of_both_halves_are_refused_by_name(halves, tmp_path):
    run, (first, second) = halves
    rows, known = pd.read_csv(second, dtype=str), pd.read_csv(first, dtype=str).patient_id.unique()
    shared_ids = [known[0], known[7].lstrip("0")]  # one as it is written there, one without its zeros
    rows.loc[rows.patient_id.isin(rows.patient_id.unique()[:2]), "patient_id"] = shared_ids[0]
    rows.loc[len(rows) - 1, "patient_id"] = shared_ids[1]
    rows.to_csv(second.with_name("mixed.csv"), index=False)
    done = CliRunner().invoke(
        main, ["external", str(run), "--data", str(second.with_name("mixed.csv")), "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 2
    assert all(name in done.output for name in shared_ids) and rows.patient_id[5] not in done.output
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").rglob("*.csv"))
