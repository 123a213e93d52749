"""What a run trains: the comparison, one fold of it, what notebook 04 adds, the final model."""

import dataclasses
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ovcf.problems import InputError, Problem, unknown
from ovcf.study.cohort import StudyCohort

if TYPE_CHECKING:
    from ovcf.models.recipe import Recipe

REGIONS_TABLE = "predictions_by_region"  # the one that need not hold every patch
PREPROCESSING = "image_size margin_mm margin_px context equalisation".split()


class StudyNetworks(StudyCohort):
    """Predictions and the final model of a run, upon its cohort (`StudyCohort`); trained once and read afterwards."""

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
        return self._fitting("predictions")

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
        patches = self.patches_split(other)
        return self._trained("predictions_other_split", lambda: self._cross_validate(patches, other, [self.chosen]))

    @cached_property
    def dealings(self) -> pd.DataFrame:
        """Predictions of the chosen network over `dealings` dealings into folds by patient, and as many by patch.

        With the bodies beside in view where `context` or `other_context` asks for them: two vertebrae that lie beside
        each other are then in both patches (notebook 04). Column `dealing`: 0 has the folds of `patches_split`.
        """
        return self._trained("predictions_dealings", self._over_dealings)

    def _over_dealings(self) -> pd.DataFrame:
        dealt = [(split, k) for split in ("patient", "patch") for k in range(self.parameters["dealings"])]
        versions = [{"patches": self.patches_split(split, k)} for split, k in dealt]
        tables = self._cross_validate_each(versions, images=self.images(context=int(self.beside)))
        for (split, k), table in zip(dealt, tables, strict=True):
            table.insert(1, "split", split)
            table["dealing"] = k
        return pd.concat(tables, ignore_index=True)

    @property
    def beside(self) -> bool:
        """Whether `dealings` has the bodies beside in view."""
        return bool(self.parameters["context"] or self.parameters["other_context"])

    @cached_property
    def by_region(self) -> pd.DataFrame:
        """Predictions of the chosen network trained above, at and below the diaphragm by itself (notebook 04).

        The folds are the run's. A region whose folds cannot all be trained on both classes is left out.
        """
        return self._trained(REGIONS_TABLE, self._regions)

    def _regions(self) -> pd.DataFrame:
        from ovcf.words import REGIONS

        versions = []
        for region in REGIONS:
            within = (self.patches.region == region).to_numpy()
            rows = self.patches[within]
            classes = [rows.label[rows.fold != k].nunique() for k in rows.fold.unique()]  # to train on, fold by fold
            if len(classes) > 1 and min(classes) == 2:
                versions.append({"within": within})
        columns = list(self.predictions.columns)
        return self._joined(versions) if versions else pd.DataFrame(columns=columns)

    @cached_property
    def other_context(self) -> pd.DataFrame:
        """Predictions of the chosen network with the bodies beside, where `context` is 0, or without (notebook 04)."""
        return self._trained("predictions_other_context", self._in_other_context)

    def _in_other_context(self) -> pd.DataFrame:
        images = self.images(context=1 - self.parameters["context"])
        return self._cross_validate(self.patches, self.parameters["split"], [self.chosen], images=images)

    @cached_property
    def other_seeds(self) -> pd.DataFrame:
        """Predictions of the chosen network trained anew `more_seeds` times, with the training seed alone changed.

        The seeds, in the column `seed`, are those that follow the run's own (notebook 04).
        """
        return self._trained("predictions_other_seeds", self._anew)

    def _anew(self) -> pd.DataFrame:
        seeds = [self.recipe.draws + k for k in range(1, self.parameters["more_seeds"] + 1)]
        return self._joined([{"recipe": dataclasses.replace(self.recipe, training_seed=seed)} for seed in seeds])

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
                origin=Origin(
                    {name: self.parameters[name] for name in PREPROCESSING},
                    self.synthetic,
                    self.parameters["threshold"],
                ),
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

    def prepare_networks(self, networks: list[str] | None = None, *, context: int | None = None) -> None:
        """Make what every fold needs: patches, folds, and the features of what stays frozen.

        `networks`: only these; `context`: of the patches with or without the bodies beside.
        """
        from ovcf.models.crossval import prepare_features
        from ovcf.models.jobs import plan

        with self.hold():
            images, cache = self.images(context=context), self.run / "cache"
            networks = networks or self.parameters["networks"]
            prepare_features(plan(images, self.patches, networks, self.recipe, cache), images, cache)

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

    def _trained(self, name: str, train: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Read a table of predictions, or train for it and enter it with its recipe."""
        if self.holds(f"tables/{name}.csv"):
            return self._fitting(name)
        self._refuse_other_recipe()
        self.refuse_adding(f"tables/{name}.csv")
        self.refuse_changed_data()
        return self._table(name, train, recipe=self._versions)

    def _fitting(self, name: str) -> pd.DataFrame:
        """Read a table of predictions that is there; InputError where it is not of this run's patches and folds."""
        from ovcf.study.agreement import check_agreement

        table, path = self.table(name), self.run / "tables" / f"{name}.csv"
        dealt = table if "dealing" in table else table.assign(dealing=0)
        for (split, dealing), part in dealt.groupby(["split", "dealing"], sort=False):
            check_agreement(part, self.patches_split(split, dealing), path, whole=name != REGIONS_TABLE)
        return table

    def _cross_validate(
        self, patches: pd.DataFrame, split: str, networks: list[str], *, images: np.ndarray | None = None
    ) -> pd.DataFrame:
        table = self._cross_validate_each([{"patches": patches}], networks, images=images)[0]
        table.insert(1, "split", split)
        return table

    def _joined(self, versions: list[dict[str, Any]]) -> pd.DataFrame:
        """The chosen network's predictions of several versions, on the folds of the run, one below the other."""
        table = pd.concat(self._cross_validate_each(versions), ignore_index=True)
        table.insert(1, "split", self.parameters["split"])
        return table

    def _cross_validate_each(
        self,
        versions: list[dict[str, Any]],
        networks: list[str] | None = None,
        *,
        images: np.ndarray | None = None,
    ) -> list[pd.DataFrame]:
        """Cross-validate in versions that name what they have other than the run (fields of `crossval.Version`)."""
        from ovcf.models.crossval import Version, cross_validate_each

        usual = {"patches": self.patches, "recipe": self.recipe}
        return cross_validate_each(
            self.images() if images is None else images,
            [Version(**usual | version) for version in versions],
            networks or [self.chosen],
            cache=self.run / "cache",
            workers=self.parameters["workers"],
        )

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
