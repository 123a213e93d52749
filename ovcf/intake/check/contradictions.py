"""What the tables make a reviewer ask: contradictions about a patient, imbalance, studies, annotators.

Each function looks at one thing and returns problems; nothing is changed.
"""

import numpy as np
import pandas as pd

from ovcf.cohort.inclusion import exclusion_reasons
from ovcf.intake.annotators import agreement, consensus, has_two_annotators
from ovcf.intake.check.film_facts import Places
from ovcf.problems import Problem
from ovcf.words import LEVELS, rounded

UNEVEN, ENOUGH = 0.85, 10  # share of one class at a level, of at least so many patches
ADULT, OLDEST = 18, 105  # years
MODERATE = 0.6  # kappa; Landis and Koch (1977) call 0.61 and more substantial


def contradictions(places: Places) -> list[Problem]:
    """Patients with several ages or sexes, ages no study patient has, patients with both classes.

    What it cannot see: one patient under two ids, or two under one with the same age and sex.
    """
    table = places.table
    problems = [problem for column in ("age", "sex") for problem in _differing(places, column)]
    odd = table[(table["age"] < ADULT) | (table["age"] > OLDEST)]
    problems += [
        places.problem("odd_age", k, "an unlikely age for this study", "age", f"{age:g}", f"{ADULT} to {OLDEST} years")
        for k, age in odd["age"].items()
    ]
    classes = table.groupby("patient_id")["label"].nunique()
    if both := int((classes > 1).sum()):
        text = f"{both} of {len(classes)} patients have fresh and old vertebrae: keep them in one fold"
        problems.append(
            Problem("patients_with_both_classes", f"{text} (split: patient)", str(places.file), None, "patient_id")
        )
    return problems


def _differing(places: Places, column: str) -> list[Problem]:
    """Patients for whom a column holds several values."""
    filled = places.table[places.table[column].notna() & (places.table[column] != "")]
    found = []
    for patient, values in filled.groupby("patient_id", sort=False)[column]:
        if values.nunique() > 1:
            several = ", ".join(map(str, pd.unique(values)[:5]))
            found.append(
                places.problem(
                    f"{column}_differs",
                    values.index[0],
                    f"patient {patient} has several values",
                    column,
                    several,
                )
            )
    return found


def imbalance(places: Places) -> list[Problem]:
    """A rare class, or else levels that nearly tell the label.

    What it cannot see: a class that is rare in one hospital or scanner only.
    """
    table, file, problems = class_balance(places.table), str(places.file), []
    total = table.loc["all"]
    counts = "{fresh} fresh and {old} old"
    if total[["fresh", "old"]].min() < (1 - UNEVEN) * total["n"]:
        text = f"{counts.format(**total)}: accuracy will look good for a model that never says the rarer"
        return [Problem("rare_class", text, file, None, "label")]  # the levels would only repeat it
    for level, row in table.drop("all").iterrows():
        if row["n"] >= ENOUGH and max(row["fresh"], row["old"]) > UNEVEN * row["n"]:
            text = f"at {level or 'unknown level'} {counts.format(**row)}: the level alone tells the label"
            problems.append(Problem("uneven_level", text, file, None, "level"))
    return problems


def class_balance(patches: pd.DataFrame) -> pd.DataFrame:
    """Patches, fresh, old and patients by level (index; "" unknown), with a last row "all".

    What it cannot see: whether the balance is the hospital's or the selection's.
    """
    rows = {level: patches[patches["level"] == level] for level in (*LEVELS, "")}
    rows = {level: part for level, part in rows.items() if len(part)} | {"all": patches}
    return pd.DataFrame(
        {
            level: {
                "n": len(part),
                "fresh": int((part["label"] == "fresh").sum()),
                "old": int((part["label"] == "old").sum()),
                "patients": part["patient_id"].nunique(),
            }
            for level, part in rows.items()
        }
    ).T


def doubtful_studies(places: Places, studies: pd.DataFrame | None) -> list[Problem]:
    """Patients of the cohort whom the table of studies excludes, or does not know.

    What it cannot see: criteria that the table of studies has no column for.
    """
    if studies is None or "patient_id" not in studies:
        return []
    ids, reasons = studies["patient_id"].astype(str), exclusion_reasons(studies)
    included, excluded = set(ids[reasons == ""]), dict(zip(ids, reasons, strict=True))
    problems = []
    for place, patient in places.table.drop_duplicates("patient_id")["patient_id"].items():
        if patient not in excluded:
            problems.append(
                places.problem(
                    "patient_not_in_studies", place, f"patient {patient} is not in studies.csv", "patient_id"
                )
            )
        elif patient not in included:
            problems.append(
                places.problem(
                    "excluded_patient",
                    place,
                    f"patient {patient} is excluded by studies.csv",
                    "patient_id",
                    excluded[patient],
                )
            )
    return problems


def disagreements(places: Places) -> list[Problem]:
    """Labels against what both annotators say, and agreement that is no more than moderate.

    What it cannot see: labels on which both annotators erred alike.
    """
    table = places.table
    if not has_two_annotators(table):
        return []
    decided = consensus(table)["consensus_label"]
    against = np.flatnonzero((decided != "") & (decided.to_numpy() != table["label"].to_numpy()))
    problems = [
        places.problem(
            "label_against_both",
            k,
            "both annotators gave the other label",
            "label",
            table["label"].iloc[k],
            decided.iloc[k],
        )
        for k in against
    ]
    figures = agreement(table)
    kappa = next(figures[figures["measure"] == "Cohen's kappa"].itertuples(), None)
    if kappa and kappa.value < MODERATE:
        problems.append(
            Problem(
                "low_agreement",
                "the two annotators agree little beyond chance (Cohen's kappa)",
                str(places.file),
                None,
                "annotator_a_label",
                f"{rounded(kappa.value, 2)} (95 % {rounded(kappa.low, 2)} to {rounded(kappa.high, 2)})",
                f"{MODERATE} or more",
            )
        )
    return problems
