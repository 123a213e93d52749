"""A run folder: what the study is made of, each table made once from its parameters and read afterwards.

`radiographs + manifest -> cohort -> patches -> predictions -> statistics -> figures -> report`

Every notebook opens the same run with `Study(run)`. A table on disk is used while the parameters and the data it was
made from are the same (its key); otherwise it is made again, so no notebook shows numbers of an older run.
"""

import hashlib
import json
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ovcf.files import stamp
from ovcf.problems import InputError, Problem
from ovcf.run_folder import RunFolder, data_home

if TYPE_CHECKING:
    from ovcf.models.recipe import Recipe

TRAINING = "weights trainable epochs batch_size learning_rate momentum decay decay_every seed".split()
PREPROCESSING = "image_size margin_mm margin_px equalisation".split()
COHORT = "data patients seed folds split".split()


class Study(RunFolder):
    """One run of the study: its cohort, predictions, readings and model, upon its folder (`RunFolder`).

    Raises
    ------
    InputError : when they are asked for, for every problem of the data, the folds and the weights.
    """

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
    def cohort(self):
        """The cohort as `ovcf.cohort.manifest.read_cohort` gives it; its films are decoded once a run to prove them."""
        from ovcf.cohort.manifest import read_cohort

        proven = self._keys().get("patches") == self._patches_key
        return read_cohort(self.source, allow_outside=self.parameters["allow_outside"], check_pixels=not proven)

    @cached_property
    def patches(self) -> pd.DataFrame:
        """One row a vertebra, with its fold (see data/README.md for the columns)."""
        return self._table("patches", self._patches_key, self._make_patches)

    @property
    def outdated(self) -> bool:
        """Whether the data, or how they are read, changed after the run's patches were listed."""
        return self._keys().get("patches") not in (None, self._patches_key)

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

    @property
    def synthetic(self) -> bool:
        """Whether the films were drawn by this software."""
        return bool(self.cohort.synthetic)

    @property
    def label(self) -> str:
        """What every title says of the data: synthetic or not, patients and vertebrae."""
        kind = "synthetic cohort" if self.synthetic else f"cohort {self.source.parent.name or self.source.stem}"
        return f"{kind}, {self.patches.patient_id.nunique()} patients, {len(self.patches)} vertebrae"

    def film(self, patch_id: str):
        """Read the film of a patch (`ovcf.cohort.films.Film`); the last few are kept."""
        image = self.patches.loc[self.patches.patch_id == patch_id, "image"].iloc[0]
        return _read_film(self.cohort.root / image)

    def film_samples(self, count: int) -> list:
        """Return some films, drawn by the seed: (title, pixels, boxes (k, 4), labels (k,)) each."""
        import numpy as np

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
        import numpy as np

        rng = np.random.default_rng(np.random.SeedSequence([self.parameters["seed"], 12]))
        rows = np.flatnonzero(self.patches.label == label)
        return sorted(rng.choice(rows, size=min(count, len(rows)), replace=False).tolist())

    def images(self, equalisation: str | None = None):
        """Return the patches as the network sees them: uint8 (n, size, size), rows as in `patches`, on disk.

        `equalisation="none"` gives what readers see.
        """
        from ovcf.cohort.crop import prepare_patches

        p = self.parameters
        return prepare_patches(
            self.cohort,
            size=p["image_size"],
            margin_mm=p["margin_mm"],
            margin_px=p["margin_px"],
            equalisation=equalisation or p["equalisation"],
            out=self.run / "cache",
            workers=p["workers"],
        )

    def prepare(self) -> None:
        """Read and check everything a run needs before an hour is spent: data, folds, weights.

        Raises
        ------
        InputError : with every problem of the manifest, the folds or the weights.
        """
        from ovcf.models.sources import locate

        recipe, networks = self.recipe, self.parameters["networks"]
        self.patches  # noqa: B018 - reads and checks every row, deals the folds
        locate(networks, recipe.weights)

    # Networks ------------------------------------------------------------------------------------------------

    @cached_property
    def recipe(self) -> "Recipe":
        """How the networks are trained; InputError for everything wrong with it or with the choice of networks."""
        from ovcf.models.recipe import Recipe

        return Recipe.chosen(self.parameters)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Out-of-fold probabilities of every network: the one table that all results are made from."""
        p = self.parameters
        key = self._training_key(sorted(p["networks"]))
        return self._table("predictions", key, lambda: self._cross_validate(self.patches, p["split"]))

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
        """Predictions of the chosen network under the split that `split` is not: the price of leakage."""
        other = "patch" if self.parameters["split"] == "patient" else "patient"
        return self._table(
            "predictions_other_split",
            self._training_key(self.chosen, other),
            lambda: self._cross_validate(self.patches_split(other), other, [self.chosen]),
        )

    @cached_property
    def final(self) -> Path:
        """The folder of the final model, trained on all patches with the chosen network's recipe."""
        from ovcf.models.card import Origin
        from ovcf.models.making import train_final

        return train_final(
            self.images(),
            self.patches,
            self.predictions[self.predictions.network == self.chosen],
            recipe=self.recipe,
            origin=Origin({name: self.parameters[name] for name in PREPROCESSING}, self.synthetic),
            cache=self.run / "cache",
            out=self.run / "model",
        )

    # Readers -------------------------------------------------------------------------------------------------

    @property
    def simulated_readers(self) -> bool:
        """Whether the readings come from simulated readers."""
        return self.parameters["readings"] == "simulated"

    @cached_property
    def readings(self) -> pd.DataFrame:
        """Answers of the readers without and with the model: a file, or simulated readers (and called so)."""
        from ovcf.intake.readings import read_readings

        if self.simulated_readers:
            return self._simulate_readings()
        readings = read_readings(self.parameters["readings"])
        self.save_table("readings", readings)
        return readings

    # Making ----------------------------------------------------------------------------------------------------

    def _synthetic_cohort(self) -> Path:
        from ovcf.synthetic import DRAWING, synthesise

        p = self.parameters
        folder = data_home() / f"synthetic-{p['patients']}-patients-seed-{p['seed']}-drawing-{DRAWING}"
        if not (folder / "manifest.csv").is_file():  # written last
            synthesise(folder, patients=p["patients"], seed=p["seed"], workers=p["workers"])
        return folder / "manifest.csv"

    def _make_patches(self) -> pd.DataFrame:
        from ovcf.cohort.folds import assign_folds

        p, patches = self.parameters, self.cohort.patches
        folds = assign_folds(patches, folds=p["folds"], split=p["split"], seed=p["seed"])
        return patches.assign(fold=folds)

    def _cross_validate(self, patches, split, networks=None) -> pd.DataFrame:
        from ovcf.models.crossval import cross_validate

        table = cross_validate(
            self.images(),
            patches,
            networks or self.parameters["networks"],
            self.recipe,
            cache=self.run / "cache",
            workers=self.parameters["workers"],
        )
        table.insert(1, "split", split)
        return table

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
        paths = sorted({self.cohort.root / image for image in self.patches.image})
        return hashlib.sha256(json.dumps([stamp(path) for path in paths]).encode()).hexdigest()

    def _training_key(self, *more) -> str:
        from ovcf.models.catalogue import FEATURES_VERSION, RANDOM_VERSION, RECIPE_VERSION

        names = COHORT + PREPROCESSING + TRAINING
        return self._key(names, self._films, FEATURES_VERSION, RANDOM_VERSION, RECIPE_VERSION, *more)


@lru_cache(maxsize=4)
def _read_film(path: Path):
    from ovcf.cohort.films import read_film

    return read_film(path)
