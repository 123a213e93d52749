"""Look a cohort over before an hour is spent on it: all that is wrong, and all that is suspicious."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ovcf.cohort.inclusion import inclusion_flow
from ovcf.cohort.manifest import read_cohort
from ovcf.intake.annotators import agreement, has_two_annotators, joint_review
from ovcf.intake.check import contradictions, suspicions
from ovcf.intake.check.confounders import confounder_table, factors
from ovcf.intake.check.duplicates import copied_films, copied_patches
from ovcf.intake.check.film_facts import Facts, Places, gather, places_of
from ovcf.intake.check.identities import doubtful_identities
from ovcf.problems import InputError, Problem
from ovcf.words import rounded

PICTURES = 12  # thumbnails kept a kind


class Findings(NamedTuple):
    """What a check found.

    `errors` stop a study, `warnings` are for the reader to judge. `tables` holds "classes by level",
    "factors", and where the data allow "agreement", "joint review", "inclusion". `pictures` holds (caption,
    uint8 thumbnails) by kind of warning; `notes` say how the tables were read.
    """

    data: str
    errors: list[Problem]
    warnings: list[Problem]
    counts: dict
    tables: dict[str, pd.DataFrame]
    pictures: dict[str, list[tuple[str, list[np.ndarray]]]]
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 when clean or only suspicious, 2 when something must be mended first."""
        return 2 if self.errors else 0

    def by_kind(self) -> pd.DataFrame:
        """Count what was found: severity (errors first), kind, times, example (the first, in words)."""
        rows = [("error", problem) for problem in self.errors] + [("warning", problem) for problem in self.warnings]
        said = [(severity, p.kind.replace("_", " "), _without_folders(p)) for severity, p in rows]
        table = pd.DataFrame(said, columns=["severity", "kind", "example"])
        groups = table.groupby(["severity", "kind"], sort=False).example
        return pd.DataFrame({"times": groups.size(), "example": groups.first()}).reset_index()

    def as_dict(self) -> dict:
        """For JSON: errors and warnings, each with kind, file, row, column, message, found, allowed."""
        return {
            "data": self.data,
            "counts": self.counts,
            "notes": list(self.notes),
            "errors": [_entry(problem) for problem in self.errors],
            "warnings": [_entry(problem) for problem in self.warnings],
        }


def _without_folders(problem: Problem) -> str:
    """The problem in words; a report travels, and the folders of the machine it was made on do not."""
    return str(problem._replace(file=Path(problem.file).name if problem.file else None))


def _entry(problem: Problem) -> dict:
    order = ("kind", "file", "row", "column", "message", "found", "allowed")
    return {name: getattr(problem, name) for name in order}


def check(
    data: str | Path, *, allow_outside: bool = False, workers: int | None = None, seed: int = 0, progress: bool = True
) -> Findings:
    """Check a cohort.

    Parameters
    ----------
    data : path
        Manifest CSV or folder, as for `read_cohort`.
    allow_outside : bool
        Accept image paths that leave the manifest's folder.
    workers : int, optional
        Processes that read films; None for all cores.
    seed : int
        Of the bootstrap and the folds of the factor table.

    Returns
    -------
    Findings
        With errors only, and nothing else looked at, where the cohort cannot be read.
    """
    try:
        cohort = read_cohort(data, allow_outside=allow_outside, workers=workers)
    except InputError as error:
        return Findings(str(data), [_plainer(problem) for problem in error.problems], [], {}, {}, {})
    facts = gather(cohort, workers=workers, progress=progress)
    if facts.problems:
        return Findings(str(data), facts.problems, [], {}, {}, {})
    places = places_of(cohort)
    found = factors(places.table, facts.films, facts.patches)
    if (places.table["image"].map(lambda image: Path(image).parent.name) == places.table["label"]).all():
        # folders called fresh and old are the label
        found = [factor for factor in found if factor.name != "file folder"]
    tables = {
        "classes by level": contradictions.class_balance(places.table),
        "factors": confounder_table(places.table, found, seed=seed),
    }
    errors = _annotations(places, cohort.studies, tables, seed)
    copies, groups = copied_patches(places, facts)
    warnings = [
        *cohort.left_out, *doubtful_identities(places, facts),
        *copies, *copied_films(places, facts), *suspicions.bad_patches(places, facts),
        *suspicions.odd_spacing(places, facts), *suspicions.odd_films(facts), *suspicions.named_patients(facts),
        *contradictions.contradictions(places), *contradictions.imbalance(places),
        *_shortcuts(tables, places),
    ]  # fmt: skip
    if not errors:
        warnings += contradictions.doubtful_studies(places, cohort.studies) + contradictions.disagreements(places)
    pictures = _pictures(places, facts, groups, warnings)
    return Findings(str(data), errors, warnings, _counts(cohort), tables, pictures, cohort.notes)


def _plainer(problem: Problem) -> Problem:
    """An empty label is no unknown word: it is a label still missing."""
    if problem.column == "label" and problem.kind in ("unknown_label", "empty") and not problem.found:
        return problem._replace(
            kind="missing_label", message="the label is missing: fill in fresh or old", found=None, allowed="fresh, old"
        )
    return problem


def _annotations(places: Places, studies, tables: dict, seed: int) -> list[Problem]:
    """Add the tables on annotators and inclusion; return what is wrong with their columns."""
    errors = []
    try:
        if has_two_annotators(places.table):
            tables["agreement"] = agreement(places.table, seed=seed)
            tables["joint review"] = joint_review(places.table)
    except InputError as error:
        lines = places.lines or [None] * len(places.table)
        errors += [problem._replace(file=str(places.file), row=lines[problem.row - 2]) for problem in error.problems]
    try:
        if studies is not None:
            tables["inclusion"] = inclusion_flow(studies)
    except InputError as error:
        errors += [problem._replace(file=str(places.file.parent / "studies.csv")) for problem in error.problems]
    return errors


def _shortcuts(tables: dict, places: Places) -> list[Problem]:
    """A warning for each factor that predicts the label by itself."""
    table = tables["factors"]
    single = table["factor"] != "all together"
    if table.loc[single, "suspicious"].any():
        table = table[single]  # all together say nothing new then
    return [
        Problem(
            "label_shortcut",
            f"{row.factor} alone tells fresh from old: AUC {rounded(row.auc, 3)} (95 % {rounded(row.low, 3)} "
            f"to {rounded(row.high, 3)}); {row.direction}",
            str(places.file),
            None,
            row.factor,
        )
        for row in table[table["suspicious"]].itertuples()
    ]


def _counts(cohort) -> dict:
    """What the cohort holds."""
    patches = cohort.patches
    return {
        "patches": len(patches),
        "fresh": int((patches["label"] == "fresh").sum()),
        "old": int((patches["label"] == "old").sum()),
        "patients": int(patches["patient_id"].nunique()),
        "films": int(patches["image"].nunique()),
        "synthetic": bool(cohort.synthetic),
    }


def _pictures(places: Places, facts: Facts, groups, warnings: list[Problem]) -> dict:
    """A few thumbnails for each kind of warning that is about pictures."""
    ids, pictures = places.table["patch_id"], {}
    for kind, group in groups:
        shown = pictures.setdefault(kind, [])
        if len(shown) < PICTURES:
            members = list(group.members[:4])
            shown.append((", ".join(ids.iloc[members]), [facts.patch_thumbs[k] for k in members]))
    index = {patch_id: k for k, patch_id in enumerate(ids)}
    films = {image: k for k, image in enumerate(facts.films.index)}
    for problem in warnings:
        place = index.get(problem.patch)
        shown = pictures.setdefault(problem.kind, [])
        if place is not None and "duplicate" not in problem.kind and len(shown) < PICTURES:
            shown.append((ids.iloc[place], [facts.patch_thumbs[place]]))
        elif problem.file in films and len(shown) < PICTURES and problem.kind == "burned_in_text":
            shown.append((problem.file, [facts.film_thumbs[films[problem.file]]]))
    return {kind: shown for kind, shown in pictures.items() if shown}
