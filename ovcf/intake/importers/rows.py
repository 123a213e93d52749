"""From boxes of any format to rows of a manifest: patients, levels, labels, patch names.

A format's reader yields `Box` for what it could read and `Problem` for what it could not; everything a row
needs beyond that is decided here, once for all formats.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from ovcf.intake.importers.boxes import Box, on_film
from ovcf.intake.importers.categories import Category, Naming, read_category
from ovcf.intake.importers.images import ImageIndex
from ovcf.intake.importers.sources import printable, refuse
from ovcf.intake.overlaps import overlaps, twice
from ovcf.problems import InputError, Problem
from ovcf.words import LEVELS

DOUBTS = {
    "negation": "holds a negation: no label",
    "unsure": "holds a doubt: no label",
    "two labels": "holds both class words: no label",
    "two levels": "names two levels (a disc?): left out; --levels says otherwise",
    "disc": "names a disc: left out; --levels says otherwise",
}


class Rows:
    """The rows of a manifest as they are made, and on the way what could not be read and what deserves a look.

    Parameters
    ----------
    images : the films.
    person : finds a film's patient, see `patient_finder`.
    names : the user's maps.
    keep_readers : of boxes that overlap, those of the first of these readers are kept.
    """

    def __init__(
        self,
        images: ImageIndex,
        person: Callable[[Path, Path, dict], dict],
        names: Naming,
        keep_readers: tuple[str, ...] = (),
    ) -> None:
        self.images, self.person, self.names, self.keep_readers = images, person, names, keep_readers
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []
        self._counts: Counter[tuple[str, str, str]] = Counter()  # (kind, found, message)
        self._taken: Counter[str] = Counter()

    def table(self, found: Iterable[Box | Problem]) -> pd.DataFrame:
        """Return one row a vertebra, films in order of their path, vertebrae from top to bottom; `image` holds
        absolute Paths."""
        boxes = self._on_films(found)
        rows = [row for image in sorted(boxes) for row in self._film(image, boxes[image])]
        for (kind, what, message), n in sorted(self._counts.items()):
            self.notes.append(Problem(kind, f"{n} {'box' if n == 1 else 'boxes'} {message}", found=what or None))
        for how, n in sorted(self.images.respelt.items()):
            self.notes.append(Problem("respelt_name", f"{n} images found under their name {how}"))
        self._check_maps({box.category.lower() for film in boxes.values() for box in film})
        self._note_folders(rows)
        self.problems, self.notes = list(dict.fromkeys(self.problems)), list(dict.fromkeys(self.notes))
        return pd.DataFrame(rows)

    def _on_films(self, found: Iterable[Box | Problem]) -> dict[Path, list[Box]]:
        """Return the boxes by film, in its pixels; one wrong box never stops the others."""
        by_image = defaultdict(list)
        for item in found:
            if isinstance(item, Problem):
                self.problems.append(item)
                continue
            try:
                box, notes = on_film(item, self.images)
            except InputError as error:
                self.problems += error.problems
                continue
            by_image[box.image].append(box)
            self.notes += notes
            if box.shape:
                self._counts["upright_box", box.shape, "taken as the upright box around what was drawn"] += 1
        return {image: self._of_this_film(image, boxes) for image, boxes in by_image.items()}

    def _of_this_film(self, image: Path, boxes: list[Box]) -> list[Box]:
        """Return the boxes whose annotations mean this film: two folders in them are two films, and here is one."""
        said = {folder: self.images.shared_folders(image, folder) for folder in {box.said for box in boxes}}
        best = [folder for folder, shared in said.items() if shared == max(said.values())]
        meant = best[0] if len(best) == 1 else None
        for folder in sorted(set(said) - {meant}) if len(said) > 1 else []:
            here = image.relative_to(self.images.root).as_posix()
            message = f"annotations of {image.stem!r} in {len(said)} folders, and one film ({here}): not read"
            file = next(box.file for box in boxes if box.said == folder)
            self.problems.append(Problem("same_stem", message, file, found=folder or "(no folder)"))
        return [box for box in boxes if len(said) == 1 or box.said == meant]

    def _film(self, image: Path, boxes: list[Box]) -> list[dict]:
        """Return the rows of one film, from top to bottom; a box drawn twice counts once."""
        kept = []
        for box in sorted(boxes, key=lambda box: (box.y0 + box.y1, box.x0 + box.x1)):
            category = self._vertebra(box)
            if category and not self._known(box, kept):
                kept.append((box, category))
        kept = self._one_a_vertebra(image, kept)
        try:
            whose = [self.person(image, self.images.root, box.more) for box, _ in kept]
            if len({who["patient_id"] for who in whose}) > 1:
                found = ", ".join(sorted({who["patient_id"] for who in whose}))[:200]
                raise refuse("same_film_two_patients", "one film belongs to several patients", image, found=found)
        except InputError as error:
            self.problems += error.problems
            return []
        pairs = zip(kept, whose, strict=True)
        return [self._row(k, box, category, who) for k, ((box, category), who) in enumerate(pairs, start=1)]

    def _vertebra(self, box: Box) -> Category | None:
        """Return what a box's category says; None where that is no vertebra of the study."""
        category = read_category(box.category, self.names)
        if category.doubt:
            self._counts["category", printable(box.category), f"whose category {DOUBTS[category.doubt]}"] += 1
        if category.doubt in ("two levels", "disc"):
            return None
        if category.level and category.level not in LEVELS:
            self._counts["level_outside", category.level, "left out: the study covers T5 to L5"] += 1
            return None
        return category

    def _known(self, box: Box, kept: list[tuple[Box, Category]]) -> bool:
        """Whether the same box was read before; a note says so."""

        def key(box: Box) -> tuple:
            return box.category, *(round(value, 2) for value in box.corners)

        if again := any(key(box) == key(other) for other, _ in kept):
            self.notes.append(Problem("duplicate_box", "the same box twice; read once", box.file, box.row))
        return again

    def _one_a_vertebra(self, image: Path, kept: list[tuple[Box, Category]]) -> list[tuple[Box, Category]]:
        """Drop what the user's choice of readers drops, then say which boxes may still be one vertebra."""
        boxes, dropped = [box for box, _ in kept], set()
        for pair in overlaps([box.corners for box in boxes]):
            ranks = [self._rank(boxes[place]) for place in pair[:2]]
            if ranks[0] != ranks[1]:
                dropped.add(pair.one if ranks[0] > ranks[1] else pair.other)
            else:
                self._note_overlap(image, boxes[pair.one], boxes[pair.other], pair.iou)
        if dropped:
            self._counts["reader_left_out", "", "of other readers left out where they overlap the kept one's"] += len(
                dropped
            )
        kept = [item for place, item in enumerate(kept) if place not in dropped]
        for one, other in twice([category.level for _, category in kept]):
            message = f"{image.name}: level {kept[one][1].level} stands twice on this film"
            self.notes.append(Problem("level_twice", message, kept[other][0].file, kept[other][0].row))
        return kept

    def _rank(self, box: Box) -> int:
        """Return the place of a box's reader among those to keep."""
        whose = {box.whose, Path(box.file).stem, *Path(box.file).parent.parts}
        return next((k for k, reader in enumerate(self.keep_readers) if reader in whose), len(self.keep_readers))

    def _note_overlap(self, image: Path, one: Box, other: Box, iou: float) -> None:
        message = (
            f"{image.name}: two boxes overlap (IoU {iou:.2f}), of {one.whose} and {other.whose}: one vertebra? both "
            "are read; --keep-reader NAME keeps one reader's"
        )
        self.notes.append(Problem("overlapping_boxes", message, other.file, other.row))

    def _row(self, place: int, box: Box, category: Category, who: dict) -> dict:
        """Return one row of the manifest."""
        patch_id = f"{box.image.stem}_{category.level or f'{place:02d}'}"
        self._taken[patch_id] += 1
        patch_id += f"-{self._taken[patch_id]}" if self._taken[patch_id] > 1 else ""
        corners = dict(zip(("x0", "y0", "x1", "y1"), box.corners, strict=True))
        known = {"patch_id": patch_id, **who, "level": category.level, "label": category.label, "image": box.image}
        more = {key: value for key, value in box.more.items() if key not in known and key not in corners}
        return {**known, **corners, "category": printable(box.category), **more}

    def _check_maps(self, known: set[str]) -> None:
        """A mapped category that no box has is a typing mistake that would leave labels silently empty."""
        unused = sorted((set(self.names.levels) | set(self.names.labels)) - known)
        if unused and known:
            allowed = ", ".join(sorted(known)[:30])
            message = "a mapped category that no box has"
            raise InputError([Problem("unknown_category", message, found=key, allowed=allowed) for key in unused])

    def _note_folders(self, rows: list[dict]) -> None:
        """Say which patients have films in several folders: one stem in two folders may be two patients."""
        stems = defaultdict(set)
        for row in rows:
            stems[row["patient_id"], row["image"].stem].add(row["image"])
        for (patient, stem), images in sorted(stems.items()):
            if len(images) > 1:
                where = ", ".join(sorted(image.relative_to(self.images.root).as_posix() for image in images)[:4])
                message = f"patient {patient} has films called {stem!r} in several folders: one patient, or several?"
                self.notes.append(Problem("same_stem", message, where))
