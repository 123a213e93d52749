"""A finished run's model on another hospital's cohort, untouched: what is predicted there, and who stands in both.

The run, or the bundle made of it, is only read. What is made here stands in a folder of its own, or among the tables
of a run that is being made. The statistics are called by notebook 07.
"""

from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ovcf.cohort.crop import Preparation, prepare_patches
from ovcf.cohort.manifest import read_cohort
from ovcf.files import write_text
from ovcf.intake.across import settle_ids, shared_pictures, with_greys
from ovcf.predict import load_model
from ovcf.problems import InputError, Problem
from ovcf.profiles.parameters import AS_THE_RUN
from ovcf.run_folder import data_home, from_project, is_run
from ovcf.run_folder.figures import on_screen, write_figure
from ovcf.stats.analytic import analytic_intervals
from ovcf.stats.carried_over import carried_thresholds, threshold_rules
from ovcf.stats.roc import roc_points
from ovcf.stats.validation_size import expected_of
from ovcf.study import Study
from ovcf.words import network_title

DRIFT = "label level region sex age scanner mm_per_px spacing_origin box_height_px grey_mean grey_sd sharpness".split()
"""Columns that two cohorts are compared by; what a cohort does not have is left out."""

TOLD = ("threshold", "replicates", "seed", "patients", "workers")
"""Parameters of a run that its bundle tells."""

PATIENTS = 120  # of the second synthetic hospital, beside 405 of the first


class Development(NamedTuple):
    """What is known of the cohort that a model was made on; from a bundle only what says nothing of any one patient."""

    metrics: pd.DataFrame  # of the out-of-fold predictions at the run's threshold: metric, estimate, low, high
    thresholds: dict[str, float]  # rule to threshold (`ovcf.stats.carried_over`)
    curve: pd.DataFrame  # ROC: fpr, tpr
    counts: dict[str, Any]  # cohort, patients, vertebrae, fresh
    patient_ids: NDArray | None = None
    study: Study | None = None


def development_of(study: Study, predictions: pd.DataFrame, threshold: float) -> Development:
    """Gather what notebook 07 needs of the cohort that a run's final model was made on.

    Parameters
    ----------
    predictions : out-of-fold, of the final model's network.
    """
    table = analytic_intervals(predictions.truth, predictions.p_fresh, predictions.patient_id, threshold=threshold)
    counts = _counts(study.label, predictions)
    return Development(
        table.rename_axis("metric").reset_index(),
        carried_thresholds(predictions, threshold_rules(threshold)),
        roc_points(predictions.truth, predictions.p_fresh),
        counts,
        predictions.patient_id.unique(),
        study,
    )


def open_validation(run: str, external: str, *, out: str = "", shared_ids: str = "refuse") -> "Elsewhere":
    """Open a finished run, or a bundle, on another cohort.

    Parameters
    ----------
    run : folder of the run, or the file of a bundle.
    external : manifest or folder of the other cohort, "synthetic" for the second synthetic hospital, or the word for
        "as the run has it".
    out : folder for what is made; empty puts it among the run's tables, where they are missing.
    shared_ids : one of `SHARED_IDS` (`ovcf.intake.across`).

    Raises
    ------
    InputError
        Where there is no such run or cohort, for every problem of the data, and for patients that stand in both.
    """
    path, typed = from_project(run), external != AS_THE_RUN
    if path.is_file():
        model, development, parameters = _from_bundle(path)
    else:
        study = Study(path, **({"external": external} if typed and not out else {}))
        model, parameters = load_model(study.run), study.parameters
        development = development_of(study, model.predictions, parameters["threshold"])
    source = external if typed else parameters.get("external", "")
    folder = Shelf(from_project(out)) if out else development.study
    if not source or folder is None:
        words = "name the other cohort (external)" if not source else "a bundle is only read: name a folder (out)"
        raise InputError(Problem("no_external", words, str(path)))
    manifest = second_hospital(parameters) if source == "synthetic" else from_project(source)
    return Elsewhere(model, development, manifest, folder, parameters, shared_ids)


def bundle_run(run: str | Path, out: str | Path) -> Path:
    """Write a finished run's bundle (`ovcf.models.bundle`): what another hospital needs, and nothing of a patient.

    Raises
    ------
    InputError
        Where there is no such run, or it has no final model.
    """
    from ovcf.models.bundle import write_bundle

    study = Study(run, adds=False)
    model = load_model(study.run)
    known = development_of(study, model.predictions, study.parameters["threshold"])
    grid = np.linspace(0, 1, 101)  # the curve's own points would be probabilities of single patches
    about = {
        "counts": known.counts,
        "metrics": known.metrics.to_dict("list"),
        "thresholds": known.thresholds,
        "curve": {"fpr": grid.tolist(), "tpr": np.interp(grid, known.curve.fpr, known.curve.tpr).tolist()},
        "parameters": {name: study.parameters[name] for name in TOLD},
    }
    return write_bundle(model, about, from_project(out))


def _from_bundle(path: Path) -> tuple[Any, Development, dict[str, Any]]:
    """The model of a bundle, what is told of its development, and the run's parameters that notebook 07 needs."""
    from ovcf.models.bundle import open_bundle

    model, about = open_bundle(path)
    tables = (pd.DataFrame(about[name]) for name in ("metrics", "curve"))
    metrics, curve = tables
    return model, Development(metrics, about["thresholds"], curve, about["counts"]), about["parameters"]


def new_shelf(folder: Path) -> Path:
    """Return a folder that may take a validation: new, empty, or of an earlier one; InputError otherwise."""
    theirs = folder.is_dir() and any(folder.iterdir()) and not (folder / "tables" / "external_predictions.csv").exists()
    if is_run(folder) or theirs:
        raise InputError(Problem("foreign_folder", "holds something else; name a new folder with --out", str(folder)))
    return folder


class Shelf:
    """A folder for tables and figures that belong to no run."""

    def __init__(self, folder: Path):
        self.run = folder
        for name in ("tables", "figures", "cache"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def save_table(self, name: str, table: pd.DataFrame) -> pd.DataFrame:
        """Write `tables/<name>.csv` and hand the table back."""
        write_text(self.run / "tables" / f"{name}.csv", table.to_csv(index=False))
        return table

    def save_figure(self, name: str, figure: Any) -> bytes:
        """Write `figures/<name>.png`, `.svg` and `.pdf`; return a PNG for the screen."""
        write_figure(self.run / "figures", name, figure)
        return on_screen(figure)


class Elsewhere:
    """A model and another cohort's patches, cut as the model's training patches were.

    Parameters
    ----------
    model : FinalModel; development : what is known of its own cohort.
    source : manifest or folder of the other cohort.
    folder : where tables and figures go: a run, or a `Shelf`.
    parameters : of the run.
    shared_ids : one of `SHARED_IDS` (`ovcf.intake.across`).

    Raises
    ------
    InputError
        For problems of the data, all at once, and for ids that stand in both cohorts, by name.
    """

    def __init__(self, model, development: Development, source: Path, folder, parameters: dict, shared_ids="refuse"):
        self.model, self.development, self.source = model, development, source
        self.folder, self.parameters = folder, parameters
        self.save_table, self.save_figure = folder.save_table, folder.save_figure
        cohort = read_cohort(source, allow_outside=bool(parameters.get("allow_outside")))
        self.left_out, self.cohort = settle_ids(cohort, development.patient_ids, shared_ids, source)

    @property
    def patches(self) -> pd.DataFrame:
        """One row a vertebra of the other cohort."""
        return self.cohort.patches

    @property
    def synthetic(self) -> bool:
        """Whether the other cohort's films were drawn by this software."""
        return bool(self.cohort.synthetic)

    @property
    def comparable(self) -> bool:
        """Whether the development's patches are at hand, to be compared with these; a bundle has none."""
        return self.development.study is not None

    @property
    def title(self) -> str:
        """What every title says: the model and its cohort, the other cohort, synthetic or not."""
        kind = "second synthetic cohort" if self.cohort.synthetic else f"cohort {self.source.parent.name}"
        people = f"{self.patches.patient_id.nunique()} patients, {len(self.patches)} vertebrae"
        return f"{network_title(self.model.network)} of {self.development.counts['cohort']}; here: {kind}, {people}"

    def images(self, equalisation: str | None = None) -> NDArray[np.uint8]:
        """Patches (n, size, size) as the model sees them; `equalisation="none"`: as readers do."""
        card = self.model.card["preprocessing"]
        margins, equalised = (card["margin_mm"], card["margin_px"]), equalisation or card["equalisation"]
        how = Preparation(card["image_size"], *margins, equalised, card.get("context", 0))
        return prepare_patches(self.cohort, how, self.folder.run / "cache", workers=self.parameters.get("workers"))

    # What the model says ---------------------------------------------------------------------------------------

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row a patch: patch_id, patient_id, truth, probabilities, unlike; kept as `external_predictions`.

        p_fresh is the final model's, p_ensemble the mean over the models of the folds, low and high range over all.
        """
        said = self.model.predict(self.images(), self._features)
        members = self.model.members(self.images(), self._features)
        columns = {"p_fresh": said.p_fresh, "p_ensemble": members[1:].mean(axis=0)}
        columns |= {"low": said.low, "high": said.high, "unlike": said.unlike}
        table = self.patches[["patch_id", "patient_id"]].assign(
            truth=(self.patches.label == "fresh").astype(int), **columns
        )
        return self.save_table("external_predictions", table)

    def as_predictions(self) -> pd.DataFrame:
        """The final model's answers in the form of a run's predictions: one network, one split, one fold."""
        named = {"network": self.model.network, "split": "external", "fold": 1}
        return self.predictions[["patch_id", "patient_id", "truth", "p_fresh"]].assign(**named)

    @cached_property
    def _features(self) -> NDArray[np.float32]:
        return self.model.features(self.images())

    def refitted_head(self, others: NDArray[np.intp], own: NDArray[np.intp]) -> NDArray[np.float64]:
        """Train the head anew by the model's recipe on some rows of this cohort; return P(fresh) of others."""
        from ovcf.models.recipe import Recipe
        from ovcf.models.threads import one_thread
        from ovcf.models.training import head_probability, train_head

        fields = Recipe.__dataclass_fields__
        recipe = Recipe(**{k: v for k, v in self.model.card["recipe"].items() if k in fields} | {"flips": ()})
        fresh = self.predictions.truth.to_numpy().astype(bool)
        rng = np.random.default_rng(np.random.SeedSequence([recipe.seed, 16, *map(int, own[:1])]))
        with one_thread():  # so small steps take longer in several
            head = train_head(self._features[others][:, None], fresh[others], recipe, rng)
        return head_probability(self._features[own], head)

    # Who is there ------------------------------------------------------------------------------------------------

    def counts(self) -> pd.DataFrame:
        """Patients, vertebrae and fresh ones of both cohorts."""
        name = "second synthetic cohort" if self.cohort.synthetic else f"cohort {self.source.parent.name}"
        here = _counts(name, self.predictions)
        table = pd.DataFrame([self.development.counts, here], index=["development", "this cohort"])
        table["fresh_share"] = table.fresh / table.vertebrae
        return table.rename_axis("role").reset_index()

    def described(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Both cohorts' patches with the columns of `DRIFT`, the development's first."""
        study = self.development.study
        pairs = ((study.patches, study.images("none")), (self.patches, self.images("none")))
        return tuple(with_greys(patches, images) for patches, images in pairs)

    def features(self) -> tuple[NDArray, NDArray, pd.Series, pd.Series]:
        """Both cohorts' patches as points of the final model's features, (n, d) and (m, d), and their patients."""
        points = self.model.reference_points
        return points, self.model.points(self._features), self.model.patches.patient_id, self.patches.patient_id

    def copies(self) -> pd.DataFrame:
        """Patches of both cohorts that are nearly the same picture: first, second (patch ids), how, correlation.

        Looked for among unequalised patches, also mirrored. Cannot see a film that was cut or windowed far otherwise.
        """
        study = self.development.study
        ids = study.patches.patch_id, self.patches.patch_id
        return shared_pictures(study.images("none"), self.images("none"), *ids)

    def expectations(self, threshold: float) -> dict[str, Any]:
        """What `validation_size` is told: what was found here."""
        table = self.predictions
        return expected_of(table.truth, table.p_fresh, table.patient_id, threshold)


def _counts(name: str, predictions: pd.DataFrame) -> dict[str, Any]:
    truth = predictions.truth.astype(int)
    people = {"patients": predictions.patient_id.nunique(), "vertebrae": len(predictions)}
    return {"cohort": name, **people, "fresh": int(truth.sum())}


def second_hospital(parameters: dict) -> Path:
    """The manifest of the second synthetic hospital, made where it is not there yet; its size goes with the first's."""
    from ovcf.synthetic import kept_cohort

    p = parameters
    patients = max(12, round(PATIENTS * p["patients"] / 405))
    return kept_cohort(data_home(), patients=patients, seed=p["seed"], workers=p["workers"], hospital="B")
