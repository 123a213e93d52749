"""Who is who: ids that may be one patient, headers against the manifest, boxes that may be one vertebra.

A header's content is never repeated: a finding says which films disagree with which rows.
"""

import re
import unicodedata

import numpy as np
import pandas as pd

from ovcf.intake.check.film_facts import Facts, Places
from ovcf.intake.overlaps import overlaps, twice
from ovcf.problems import Problem
from ovcf.words import BOX, rounded

_ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)  # 1.23457E+12
YEARS_APART = 1.5  # a manifest may hold the age at MRI, in whole years, and not at the radiograph


def doubtful_identities(places: Places, facts: Facts) -> list[Problem]:
    """Return everything that makes one ask who is who in a cohort.

    What it cannot see: two people under one id whose header and vertebrae contradict nothing, and one person under two
    unlike ids.
    """
    films = (
        facts.films.reindex(places.table["image"]).reset_index(drop=True).fillna({"patient": "", "sex": "", "age": ""})
    )
    return [
        *alike_ids(places),
        *header_patients(places, films["patient"]),
        *header_against_manifest(places, films),
        *double_vertebrae(places),
    ]


def alike_ids(places: Places) -> list[Problem]:
    """Patient ids that are equal but for capitals, leading zeros, blanks or the way accents are stored, and ids that
    a spreadsheet has rounded.

    What it cannot see: one person under two ids that are written unlike.
    """
    ids = places.table.drop_duplicates("patient_id")["patient_id"]
    problems = []
    for _, same in ids.groupby(ids.map(_plain), sort=False):
        if len(same) > 1:
            message = "ids that differ by capitals, leading zeros or blanks only: one patient?"
            found = ", ".join(same[:5])
            problems.append(places.problem("alike_ids", same.index[1], message, "patient_id", found))
    message = "an id as a spreadsheet rounds long numbers: several patients may have become one"
    rounded = ids[ids.map(_ROUNDED.fullmatch).notna()]
    return problems + [places.problem("alike_ids", k, message, "patient_id", patient) for k, patient in rounded.items()]


def _plain(patient: str) -> str:
    """Return an id without what spreadsheets and people change about one."""
    text = unicodedata.normalize("NFKC", patient).casefold()
    return re.sub(r"0*(\d+)", r"\1", re.sub(r"[\s_\-]+", "", text))


def header_patients(places: Places, header: pd.Series) -> list[Problem]:
    """One PatientID in the headers of several of the manifest's patients, and several in those of one.

    What it cannot see: anything in films without a header, or whose PatientID was replaced.
    """
    table = pd.DataFrame({"manifest": places.table["patient_id"], "header": header})
    table = table[table["header"] != ""].drop_duplicates()
    problems = []
    for _, rows in table.groupby("header", sort=False):
        if len(rows) > 1:
            message = f"the films of {len(rows)} patients have one PatientID in their headers: one patient?"
            found = ", ".join(rows["manifest"][:5])
            problems.append(places.problem("header_patient", rows.index[1], message, "patient_id", found))
    for patient, rows in table.groupby("manifest", sort=False):
        if len(rows) > 1:
            message = f"the films of this patient have {len(rows)} PatientIDs in their headers: several patients?"
            problems.append(places.problem("header_patient", rows.index[1], message, "patient_id", patient))
    return problems


def header_against_manifest(places: Places, films: pd.DataFrame) -> list[Problem]:
    """Sex and age in a film's header that are not the manifest's; one finding a film.

    What it cannot see: a manifest that was filled from wrong headers, and films without a header.
    """
    problems, table = [], places.table
    first = ~table["image"].duplicated()
    wrong = first & (table["sex"] != "") & (films["sex"] != "") & (table["sex"] != films["sex"])
    for place in np.flatnonzero(wrong):
        found, allowed = table["sex"].iloc[place], f"{films['sex'].iloc[place]}, by the film's header"
        problems.append(
            places.problem("sex_differs", place, "the film's header says another sex", "sex", found, allowed)
        )
    years = pd.to_numeric(films["age"], errors="coerce")
    apart = np.floor(years) - np.floor(table["age"])
    for place in np.flatnonzero(first & (apart.abs() > YEARS_APART)):
        found, allowed = f"{table['age'].iloc[place]:g}", f"{years.iloc[place]:.0f}, by the film's header"
        problems.append(
            places.problem("age_differs", place, "the film's header says another age", "age", found, allowed)
        )
    return problems


def double_vertebrae(places: Places) -> list[Problem]:
    """Boxes of one film that overlap as one vertebra's would, and levels that stand twice on one film.

    What it cannot see: one vertebra boxed twice without overlap, or under two levels on two films.
    """
    problems, table = [], places.table
    boxed = table[table[list(BOX)].notna().all(axis=1)]
    for _, rows in boxed.groupby("image", sort=False):
        ids = rows["patch_id"].tolist()
        close = overlaps(rows[list(BOX)])
        for one, other, iou in close:
            message = f"its box overlaps that of {ids[one]} (IoU {rounded(iou, 2)}): one vertebra?"
            problems.append(places.problem("overlapping_boxes", rows.index[other], message, ", ".join(BOX)))
        met = {pair[:2] for pair in close}
        for one, other in twice(rows["level"].tolist()):
            if (one, other) not in met:
                message, level = f"its level is also that of {ids[one]} on this film", rows["level"].iloc[other]
                problems.append(places.problem("level_twice", rows.index[other], message, "level", level))
    return problems
