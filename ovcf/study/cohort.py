"""The cohort of a run: its films, the table of its vertebrae with their folds, and the patches that networks see."""

import hashlib
import json
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ovcf.files import stamp
from ovcf.problems import InputError, Problem
from ovcf.run_folder import RunFolder, data_home
from ovcf.scratch import Scratch

if TYPE_CHECKING:
    from ovcf.cohort.crop import Preparation

COHORT = "data patients seed folds split".split()


class StudyCohort(RunFolder):
    """What a run reads of its data, upon its folder (`RunFolder`)."""

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

    @cached_property
    def films_root(self) -> Path:
        """The folder that the films' paths start from; unlike `cohort`, nothing is read for it."""
        from ovcf.cohort.manifest import root_of

        return root_of(self.source)

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

    @property
    def differs(self) -> bool:
        """Whether the data say of any vertebra something else than the run's patches; a copy says the same."""
        from ovcf.cohort.manifest import read_cohort

        if not self.outdated:
            return False
        how = {"allow_outside": self.parameters["allow_outside"], "check_pixels": False, "workers": 1}
        try:
            now = read_cohort(self.source, **how).patches
            known = self.patches[[name for name in now if name in self.patches]]
            pd.testing.assert_frame_equal(now[list(known)], known, check_dtype=False, rtol=1e-9)
        except (InputError, AssertionError):
            return True
        return False

    @cached_property
    def _patches_key(self) -> str:
        return self._key(COHORT, stamp(self.source))

    def patches_split(self, split: str, dealing: int = 0) -> pd.DataFrame:
        """Return the patches with the folds of a split (`patient` or `patch`), dealt anew where `dealing` is not 0."""
        from ovcf.cohort.folds import assign_folds

        p = self.parameters
        if split == p["split"] and not dealing:
            return self.patches
        folds = assign_folds(self.patches, folds=p["folds"], split=split, seed=p["seed"] + dealing)
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
        return _read_film(self.films_root / image)

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
            return self._prepare([(how, beside)], self._elsewhere)[0]
        self.refuse_changed_data()
        wanted = dict.fromkeys([(how, beside), *self._wanted])
        with self.hold():
            arrays = self._prepare(list(wanted), self.run / "cache")
            for (name, others), array in zip(wanted, arrays, strict=True):
                which = f"{name}-context" if others else name
                self.ledger.note(f"images/{which}", file=Path(array.filename).name)
        return arrays[0]

    @property
    def _wanted(self) -> list[tuple[str, int]]:
        """What the run needs of each film: equalisation and context of networks and readers."""
        p = self.parameters
        views = [p["context"], 1 - p["context"]] if p["other_context"] else [p["context"]]
        return [*((p["equalisation"], view) for view in views), ("none", p["context"])]

    def vertebra(self, patch_id: str, equalisation: str) -> np.ndarray:
        """Cut one patch anew from its film, uint8 (size, size): as the run does, but equalised as named."""
        from ovcf.cohort.crop import cut_vertebra
        from ovcf.words import BOX

        row = self.patches.set_index("patch_id").loc[patch_id]
        how = self._preparation(equalisation, self.parameters["context"])
        return cut_vertebra(self.film(patch_id).pixels, row[list(BOX)], row.mm_per_px, how)

    @cached_property
    def _elsewhere(self) -> Path:
        """A folder for what is needed for a look only; it goes with this object."""
        self._temporary = Scratch("shown")
        return self._temporary.path

    def _prepare(self, wanted: list[tuple[str, int]], folder: Path) -> list[np.ndarray]:
        from ovcf.cohort.crop import prepare_each

        ways = [self._preparation(*each) for each in wanted]
        return prepare_each(self.cohort, ways, folder, workers=self.parameters["workers"])

    def _preparation(self, equalisation: str, context: int) -> "Preparation":
        from ovcf.cohort.crop import Preparation

        p = self.parameters
        return Preparation(p["image_size"], p["margin_mm"], p["margin_px"], equalisation, context)

    def refuse_changed_data(self) -> None:
        """Raise InputError where films or manifest are no longer those that the run's patches were listed from."""
        known = self._made_from
        if known and (known["key"], known["films"]) != (self._patches_key, self._films):
            words = (
                "manifest or films changed after this run's patches were listed, so nothing can be added to it; "
                f"ovcf run --from {self.run} --out NEW makes a run of the data as they are now"
            )
            raise InputError(Problem("changed_data", words, str(self.source)))

    def _synthetic_cohort(self) -> Path:
        from ovcf.synthetic import kept_cohort

        p = self.parameters
        return kept_cohort(data_home(), patients=p["patients"], seed=p["seed"], workers=p["workers"])

    @cached_property
    def _dealt(self) -> pd.DataFrame:
        """The cohort's vertebrae, dealt into folds."""
        from ovcf.cohort.folds import assign_folds

        p, patches = self.parameters, self.cohort.patches
        folds = assign_folds(patches, folds=p["folds"], split=p["split"], seed=p["seed"])
        return patches.assign(fold=folds)

    @cached_property
    def _films(self) -> str:
        """A digest of what changes when a film does: path, size and time of each."""
        paths = sorted({self.cohort.root / image for image in self.cohort.patches.image})
        return hashlib.sha256(json.dumps([stamp(path) for path in paths]).encode()).hexdigest()


@lru_cache(maxsize=4)
def _read_film(path: Path):
    from ovcf.cohort.films import read_film

    return read_film(path)
