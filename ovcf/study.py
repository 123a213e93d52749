"""A run: what the study is made of, each table made once from its parameters and read afterwards.

`radiographs + manifest -> cohort -> patches -> predictions -> statistics -> figures -> report`

Every notebook opens the same run with `Study(run)`, which writes nothing. `Study.begin` makes a run, `Study.variant`
one beside another. Only `train_networks` trains the comparison, only `other_split` and `final` what notebook 04 adds.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from ovcf.files import stamp
from ovcf.problems import InputError, Problem, unknown
from ovcf.profiles import defaults, lay_over, load_profile
from ovcf.profiles.parameters import AS_THE_RUN
from ovcf.run_folder import RunFolder, data_home, from_project, is_run

if TYPE_CHECKING:
    from ovcf.models.recipe import Recipe

TRAINING = (
    "weights trainable epochs batch_size learning_rate momentum decay decay_every seed training_seed precision".split()
)
PREPROCESSING = "image_size margin_mm margin_px context equalisation".split()
COHORT = "data patients seed folds split".split()


class Study(RunFolder):
    """One run of the study: its cohort, predictions, readings and model, upon its folder (`RunFolder`)."""

    # Making a run ----------------------------------------------------------------------------------------------

    @classmethod
    def begin(cls, run: str | Path, profile: str | None = None, *, who: str = "the cell", **typed: Any) -> Self:
        """Open a run, or make it where there is none; everything wrong is said before anything is written.

        Parameters
        ----------
        run : its folder, new or empty, or a run that is there already.
        profile : of a new run, `demo` where none is named. On a run that is there, its values count as typed.
        who : who typed the values, for messages.
        typed : values that stand above the profile's.

        Raises
        ------
        InputError : for every unknown name, wrong type and value, every problem of the data, the folds, the readings,
            the published numbers and the weights, all at once; and for a run that has other values.
        """
        folder = from_project(run)
        named = load_profile(profile) if profile not in (None, AS_THE_RUN) else {}
        if is_run(folder):
            return cls(folder, who=who, **named | typed)
        parameters, problems = lay_over(named or defaults(), typed, source=who)
        return cls._make(folder, parameters, problems)

    @classmethod
    def variant(cls, run: str | Path, out: str | Path, *, who: str = "the cell", **changes: Any) -> Self:
        """Make a run beside another that differs in some parameters; what does not depend on them is shared.

        A variant that is there already is opened, where it has these values.
        """
        source, folder = cls(run, adds=False), from_project(out)
        parameters, problems = lay_over(source.parameters, changes, source=who)
        if is_run(folder) and not problems:
            return cls(folder, who=who, **parameters)
        return cls._make(folder, parameters, problems, cached=source.run / "cache")

    @classmethod
    def _make(cls, folder: Path, parameters: dict, problems: list[Problem], cached: Path | None = None) -> Self:
        study = cls.unborn(folder, parameters)
        study.check(problems)
        study.create(cached)
        study.patches  # noqa: B018 - enters the table of the vertebrae, with their folds
        return study

    def check(self, problems: list[Problem] | tuple = ()) -> None:
        """Read and prove everything a run needs before an hour is spent.

        Raises
        ------
        InputError : with `problems` and all that is wrong with the parameters' words, the data, the folds, the
            readings, the published numbers and the weights.
        """
        from ovcf.models.sources import locate

        p, problems = self.parameters, list(problems)

        def attempt(proof: Any) -> bool:
            try:
                proof()
            except InputError as error:
                problems.extend(problem for problem in error.problems if problem not in problems)
                return False
            return True

        if attempt(lambda: self.recipe):
            attempt(lambda: locate(p["networks"], self.recipe.weights))
        if p["chosen"] not in ("best", *p["networks"]):
            words = f"network {p['chosen']!r} is not among those that are trained"
            problems.append(Problem("chosen", words, column="chosen", allowed=", ".join(["best", *p["networks"]])))
        attempt(lambda: self.simulated_readers or self._read_readings())
        attempt(lambda: self.paper)
        if not problems or p["data"] != "synthetic":  # whose films need not be drawn for a run that is refused
            attempt(lambda: self._dealt)
        if problems:
            raise InputError(problems)

    # The cohort ----------------------------------------------------------------------------------------------

    @cached_property
    def source(self) -> Path:
        """The manifest or folder the cohort is read from; the synthetic one is made when it is not there yet."""
        data = self.parameters["data"]
        if not data:
            raise InputError(
                Problem("no_data", "this profile reads your own films: name a manifest or folder with --data")
            )
        return self._synthetic_cohort() if data == "synthetic" else Path(data)

    @cached_property
    def cohort(self) -> Any:
        """The cohort as `ovcf.cohort.manifest.read_cohort` gives it; its films are decoded once a run to prove them."""
        from ovcf.cohort.manifest import read_cohort

        proven = self._made_from.get("key") == self._patches_key
        return read_cohort(self.source, allow_outside=self.parameters["allow_outside"], check_pixels=not proven)

    @cached_property
    def patches(self) -> pd.DataFrame:
        """One row a vertebra, with its fold (see data/README.md for the columns)."""
        return self._table("patches", lambda: self._dealt, **self._facts_if_missing())

    def _facts_if_missing(self) -> dict[str, Any]:
        if self.holds("tables/patches.csv"):
            return {}
        return {"key": self._patches_key, "films": self._films, "synthetic": bool(self.cohort.synthetic)}

    @property
    def _made_from(self) -> dict[str, Any]:
        """What the run's patches were listed from; empty before they were, and in a run of format 1."""
        if self.format == 1:
            old = self.run / "tables" / "keys.json"
            return {"key": json.loads(old.read_text())["patches"]} if old.is_file() else {}
        return self.ledger.entry("tables/patches.csv")

    @property
    def outdated(self) -> bool:
        """Whether the data, or how they are read, changed after the run's patches were listed."""
        return self._made_from.get("key") not in (None, self._patches_key)

    @cached_property
    def _patches_key(self) -> str:
        return self._key(COHORT, stamp(self.source))

    def patches_split(self, split: str) -> pd.DataFrame:
        """Return the patches with the folds of another split (`patient` or `patch`)."""
        from ovcf.cohort.folds import assign_folds

        p = self.parameters
        if split == p["split"]:
            return self.patches
        folds = assign_folds(self.patches, folds=p["folds"], split=split, seed=p["seed"])
        return self.patches.assign(fold=folds)

    @cached_property
    def synthetic(self) -> bool:
        """Whether the films were drawn by this software."""
        known = self._made_from.get("synthetic")
        return bool(self.cohort.synthetic) if known is None else bool(known)

    @property
    def label(self) -> str:
        """What every title says of the data: synthetic or not, patients and vertebrae."""
        data = Path(self.parameters["data"])
        kind = "synthetic cohort" if self.synthetic else f"cohort {data.parent.name or data.stem}"
        return f"{kind}, {self.patches.patient_id.nunique()} patients, {len(self.patches)} vertebrae"

    def film(self, patch_id: str) -> Any:
        """Read the film of a patch (`ovcf.cohort.films.Film`); the last few are kept."""
        image = self.patches.loc[self.patches.patch_id == patch_id, "image"].iloc[0]
        return _read_film(self.cohort.root / image)

    def film_samples(self, count: int) -> list:
        """Return some films, drawn by the seed: (title, pixels, boxes (k, 4), labels (k,)) each."""
        images = self.patches.image.unique()
        rng = np.random.default_rng(np.random.SeedSequence([self.parameters["seed"], 11]))
        chosen = rng.choice(images, size=min(count, len(images)), replace=False)
        samples = []
        for image in chosen:
            rows = self.patches[self.patches.image == image]
            boxed = rows.dropna(subset=["x0"])
            title = f"patient {rows.patient_id.iloc[0]}"
            pixels = self.film(rows.patch_id.iloc[0]).pixels
            samples.append((title, pixels, boxed[["x0", "y0", "x1", "y1"]].to_numpy(), list(boxed.label)))
        return samples

    def patch_samples(self, label: str, count: int) -> list[int]:
        """Return row numbers of some patches of a class, drawn by the seed."""
        rng = np.random.default_rng(np.random.SeedSequence([self.parameters["seed"], 12]))
        rows = np.flatnonzero(self.patches.label == label)
        return sorted(rng.choice(rows, size=min(count, len(rows)), replace=False).tolist())

    def images(self, equalisation: str | None = None, context: int | None = None) -> np.ndarray:
        """Return the patches as the network sees them: uint8 (n, size, size), rows as in `patches`, on disk.

        `equalisation="none"` gives what readers see; `context` the patches with or without the bodies beside. Those
        the run was made with are taken where they are kept; in a
        run that is only shown, or cannot be written, missing ones are made in a temporary folder.
        """
        how = equalisation or self.parameters["equalisation"]
        beside = self.parameters["context"] if context is None else context
        which = f"{how}-context" if beside else how
        if kept := self.cached_images(which):
            return np.load(kept, mmap_mode="r")
        if not (self.adds and self.writable):
            return self._prepare(how, beside, self._elsewhere)
        self.refuse_changed_data()
        with self.hold():
            array = self._prepare(how, beside, self.run / "cache")
            self.ledger.note(f"images/{which}", file=Path(array.filename).name)
        return array

    @cached_property
    def _elsewhere(self) -> Path:
        """A folder for what is needed for a look only; it goes with this object."""
        self._temporary = tempfile.TemporaryDirectory(prefix="ovcf-shown-")
        return Path(self._temporary.name)

    def _prepare(self, equalisation: str, context: int, folder: Path) -> np.ndarray:
        from ovcf.cohort.crop import prepare_patches

        p = self.parameters
        return prepare_patches(
            self.cohort,
            size=p["image_size"],
            margin_mm=p["margin_mm"],
            margin_px=p["margin_px"],
            context=context,
            equalisation=equalisation,
            out=folder,
            workers=p["workers"],
        )

    def refuse_changed_data(self) -> None:
        """Raise InputError where films or manifest are no longer those that the run's patches were listed from."""
        known = self._made_from
        if known and (known["key"], known["films"]) != (self._patches_key, self._films):
            words = (
                "manifest or films changed after this run's patches were listed, so nothing can be added to it; "
                f"ovcf run --from {self.run} --out NEW makes a run of the data as they are now"
            )
            raise InputError(Problem("changed_data", words, str(self.source)))

    # Networks ------------------------------------------------------------------------------------------------

    @cached_property
    def recipe(self) -> "Recipe":
        """How the networks are trained; InputError for everything wrong with it or with the choice of networks."""
        from ovcf.models.recipe import Recipe

        return Recipe.chosen(self.parameters)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Out-of-fold probabilities of every network: the one table that all results are made from.

        Raises
        ------
        InputError : where nothing was trained yet; only `train_networks` does.
        """
        if not self.holds("tables/predictions.csv"):
            words = f"no predictions in {self.run}: run notebook 03 on it, or `ovcf run --out {self.run}`"
            raise InputError(Problem("no_predictions", words))
        return self.table("predictions")

    def train_networks(self) -> pd.DataFrame:
        """Cross-validate every network, where that was not done yet, and return the predictions (notebook 03)."""
        networks = self.parameters["networks"]
        split = self.parameters["split"]
        return self._trained("predictions", lambda: self._cross_validate(self.patches, split, networks))

    @cached_property
    def chosen(self) -> str:
        """The network that Table 3 and the final model show: `chosen`, or the highest mean AUC over folds."""
        wanted, known = self.parameters["chosen"], list(dict.fromkeys(self.predictions.network))
        if wanted != "best" and wanted not in known:
            raise InputError(
                Problem("chosen", f"network {wanted!r} was not trained", allowed=", ".join(["best", *known]))
            )
        return self._best() if wanted == "best" else wanted

    @cached_property
    def other_split(self) -> pd.DataFrame:
        """Predictions of the chosen network under the split that `split` is not: the price of leakage (notebook 04)."""
        other = "patch" if self.parameters["split"] == "patient" else "patient"
        self._refuse_other_recipe()
        patches = self.patches_split(other)
        return self._trained("predictions_other_split", lambda: self._cross_validate(patches, other, [self.chosen]))

    @cached_property
    def by_region(self) -> pd.DataFrame:
        """Predictions of the chosen network trained above, at and below the diaphragm by itself (notebook 04).

        The folds are the run's. A region whose folds cannot all be trained on both classes is left out.
        """
        self._refuse_other_recipe()
        return self._trained("predictions_by_region", lambda: self._regions())

    def _regions(self) -> pd.DataFrame:
        from ovcf.words import REGIONS

        parts = []
        for region in REGIONS:
            within = (self.patches.region == region).to_numpy()
            rows = self.patches[within]
            classes = [rows.label[rows.fold != k].nunique() for k in rows.fold.unique()]  # to train on, fold by fold
            if len(classes) > 1 and min(classes) == 2:
                parts.append(self._cross_validate(self.patches, self.parameters["split"], [self.chosen], within=within))
        columns = list(self.predictions.columns)
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)

    @cached_property
    def other_context(self) -> pd.DataFrame:
        """Predictions of the chosen network with the bodies beside, where `context` is 0, or without (notebook 04)."""
        self._refuse_other_recipe()
        images = self.images(context=1 - self.parameters["context"])
        split = self.parameters["split"]
        return self._trained(
            "predictions_other_context", lambda: self._cross_validate(self.patches, split, [self.chosen], images=images)
        )

    @cached_property
    def final(self) -> Path:
        """The folder of the final model, trained on all patches with the chosen network's recipe (notebook 04)."""
        from ovcf.models.card import Origin
        from ovcf.models.making import train_final

        card = "model/card.json"
        if self.holds(card):
            return self._whole_model()
        self._refuse_other_recipe()
        self.refuse_adding(card)
        self.refuse_changed_data()
        with self.hold():
            folder = train_final(
                self.images(),
                self.patches,
                self.predictions[self.predictions.network == self.chosen],
                recipe=self.recipe,
                origin=Origin({name: self.parameters[name] for name in PREPROCESSING}, self.synthetic),
                cache=self.run / "cache",
                out=self.run / "model",
            )
            self.ledger.enter(card)
        return folder

    def _whole_model(self) -> Path:
        from ovcf.models.final import damaged_parts

        folder = self.run / "model"
        if wrong := damaged_parts(folder):
            words = f"changed since the model was made: {', '.join(wrong)}; `ovcf run --out {self.run}` makes it again"
            raise InputError(Problem("damaged_model", words, str(folder)))
        return folder

    def mend(self) -> None:
        """Set aside and name what was changed since it was made, the final model too (see `RunFolder.mend`)."""
        from ovcf.files import set_aside
        from ovcf.models.final import damaged_parts

        super().mend()
        folder, card = self.run / "model", "model/card.json"
        if folder.is_dir() and (self.ledger.state(card) != "whole" or damaged_parts(folder)):
            set_aside(folder)
            self.ledger.strike([card])

    # Readers -------------------------------------------------------------------------------------------------

    @property
    def simulated_readers(self) -> bool:
        """Whether the readings come from simulated readers."""
        return self.parameters["readings"] == "simulated"

    @cached_property
    def readings(self) -> pd.DataFrame:
        """Answers of the readers without and with the model: a file, or simulated readers (and called so).

        Of a file the run keeps its own table, so that it does not depend on where the file goes afterwards.
        """
        from ovcf.intake.readings import read_readings

        if self.simulated_readers:
            return self._simulate_readings()
        stored = "tables/readings.csv"
        if not self.executing and self.holds(stored):
            return read_readings(self.run / stored)
        return self.save_table("readings", self._read_readings())

    def _read_readings(self) -> pd.DataFrame:
        from ovcf.intake.readings import read_readings

        return read_readings(self.parameters["readings"])

    # Published numbers ---------------------------------------------------------------------------------------

    @cached_property
    def paper(self) -> Any:
        """The printed numbers to audit: the paper's, or another file's (`ovcf.audit.paper.Paper`)."""
        from ovcf.audit import read_paper
        from ovcf.audit.published import published_paper

        published = self.parameters["published"]
        return published_paper() if published == "paper" else read_paper(published)

    # Making ----------------------------------------------------------------------------------------------------

    def _synthetic_cohort(self) -> Path:
        from ovcf.synthetic import DRAWING, synthesise

        p = self.parameters
        folder = data_home() / f"synthetic-{p['patients']}-patients-seed-{p['seed']}-drawing-{DRAWING}"
        if not (folder / "manifest.csv").is_file():  # written last
            synthesise(folder, patients=p["patients"], seed=p["seed"], workers=p["workers"])
        return folder / "manifest.csv"

    @cached_property
    def _dealt(self) -> pd.DataFrame:
        """The cohort's vertebrae, dealt into folds."""
        from ovcf.cohort.folds import assign_folds

        p, patches = self.parameters, self.cohort.patches
        folds = assign_folds(patches, folds=p["folds"], split=p["split"], seed=p["seed"])
        return patches.assign(fold=folds)

    def _trained(self, name: str, train: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Read a table of predictions, or train for it and enter it with its recipe."""
        if self.holds(f"tables/{name}.csv"):
            return self.table(name)
        self.refuse_adding(f"tables/{name}.csv")
        self.refuse_changed_data()
        return self._table(name, train, recipe=self._versions)

    def prepare_networks(self) -> None:
        """Make what every fold needs: patches, folds, and the features of what stays frozen."""
        from ovcf.models.crossval import prepare_features
        from ovcf.models.jobs import plan

        with self.hold():
            images, cache = self.images(), self.run / "cache"
            prepare_features(plan(images, self.patches, self.parameters["networks"], self.recipe, cache), images, cache)

    def train_fold(self, network: str, fold: int) -> Path:
        """Train one network without one fold, unless that was done; return the file of its result.

        Only the fold is locked, so that many processes can train one run's folds at once.

        Raises
        ------
        InputError : for a network or fold that this run does not have.
        """
        from ovcf.models.crossval import run
        from ovcf.models.jobs import plan

        networks, folds = self.parameters["networks"], sorted(set(self.patches.fold))
        problems = [unknown("network", network, networks)] if network not in networks else []
        problems += [unknown("fold", fold, [str(k) for k in folds])] if fold not in folds else []
        if problems:
            raise InputError(problems)
        self.refuse_changed_data()
        images, cache = self.images(), self.run / "cache"
        job = plan(images, self.patches, [network], self.recipe, cache, folds=[fold])[0]
        run([job], images, cache)
        return job.target

    def _cross_validate(
        self,
        patches: pd.DataFrame,
        split: str,
        networks: list[str],
        *,
        images: np.ndarray | None = None,
        within: np.ndarray | None = None,
    ) -> pd.DataFrame:
        from ovcf.models.crossval import cross_validate

        table = cross_validate(
            self.images() if images is None else images,
            patches,
            networks,
            self.recipe,
            cache=self.run / "cache",
            workers=self.parameters["workers"],
            within=within,
        )
        table.insert(1, "split", split)
        return table

    @property
    def _versions(self) -> list[int]:
        """Versions of what turns patches into predictions."""
        from ovcf.models.catalogue import FEATURES_VERSION, RANDOM_VERSION, RECIPE_VERSION

        return [FEATURES_VERSION, RANDOM_VERSION, RECIPE_VERSION]

    def _refuse_other_recipe(self) -> None:
        """Refuse to set results of another version of the recipe beside the run's predictions."""
        made = self.ledger.entry("tables/predictions.csv").get("recipe", self._versions) if self.format > 1 else None
        if made not in (None, self._versions):
            words = "another version of ovcf trained this run's networks by another recipe, so nothing is added to them"
            raise InputError(
                Problem("other_recipe", words, str(self.run), allowed=f"ovcf run --from {self.run} --out NEW")
            )

    def _best(self) -> str:
        from ovcf.stats.rates import fold_table

        return fold_table(self.predictions).groupby("network").auc.mean().idxmax()

    def _simulate_readings(self) -> pd.DataFrame:
        from ovcf.stats.readers.simulated import simulate_readings

        p = self.parameters
        mine = self.predictions[self.predictions.network == self.chosen]
        readings = simulate_readings(
            mine, n_cases=min(p["reader_cases"], len(mine)), readers=p["readers"], seed=p["seed"]
        )
        return self.save_table("readings", readings)

    @cached_property
    def _films(self) -> str:
        """A digest of what changes when a film does: path, size and time of each."""
        paths = sorted({self.cohort.root / image for image in self.cohort.patches.image})
        return hashlib.sha256(json.dumps([stamp(path) for path in paths]).encode()).hexdigest()


@lru_cache(maxsize=4)
def _read_film(path: Path):
    from ovcf.cohort.films import read_film

    return read_film(path)
