"""What a reviewer would ask about: bad patches, odd spacing, contradictions about a patient,
imbalance, names.

Each function looks at one thing and returns problems, as a rule one a patch or group; nothing is changed.
"""

import numpy as np
import pandas as pd

from ovcf.cohort.annotators import agreement, consensus, has_two_annotators
from ovcf.cohort.film_facts import BLANK_SPREAD, Facts
from ovcf.cohort.inclusion import exclusion_reasons
from ovcf.cohort.places import Places
from ovcf.cohort.rows import LEVELS
from ovcf.problems import Problem

DARK, BRIGHT = 0.04, 0.96  # mean grey
CLIPPED = 0.5  # share of pixels at the end of the range
TINY_PX = 32  # the shorter side; a network looks at 224
BLURRED_MADS, BLURRED_SHARE = 5.0, 0.25
SPACING_MADS, SPACING_MM = 6.0, (0.05, 1.0)
BODY_MM = (8.0, 90.0)  # a vertebra's sides with some margin, T5 to L5, collapsed or not
UNEVEN, ENOUGH = 0.85, 10  # share of one class at a level, of at least so many patches
ADULT, OLDEST = 18, 105
MODERATE = 0.6  # kappa; Landis and Koch (1977) call 0.61 and more substantial


def bad_patches(places: Places, facts: Facts) -> list[Problem]:
    """Blank, dark, bright, clipped, blurred and tiny patches, each by its worst fault."""
    seen, problems = facts.patches, []
    usual = float(np.median(seen["detail"])) if len(seen) else 0.0
    blurred = (_mads(np.log(seen["detail"].clip(lower=1e-9))) < -BLURRED_MADS) & (
        seen["detail"] < BLURRED_SHARE * usual)
    for place, patch in enumerate(seen.itertuples()):
        if patch.spread < BLANK_SPREAD:
            problems.append(
                places.problem(
                    "blank_patch",
                    place,
                    "hardly any contrast",
                    "image",
                    f"{patch.spread:.3f}",
                    f"a spread of greys of at least {BLANK_SPREAD}",
                )
            )
        elif patch.mean < DARK or patch.mean > BRIGHT or patch.clipped > CLIPPED:
            kind = "dark_patch" if patch.mean < 0.5 else "bright_patch"
            problems.append(
                places.problem(
                    kind,
                    place,
                    f"mean grey {patch.mean:.2f}, {patch.clipped:.0%} of its pixels at the end of the range",
                    "image",
                )
            )
        elif blurred.iloc[place]:
            problems.append(
                places.problem(
                    "blurred_patch",
                    place,
                    "far less fine detail than the others",
                    "image",
                    f"{patch.detail:.4f}",
                    f"about {usual:.4f}",
                )
            )
        if min(patch.width, patch.height) < TINY_PX:
            problems.append(
                places.problem(
                    "tiny_patch",
                    place,
                    "small for a network that looks at 224 px",
                    "x0",
                    f"{patch.width} x {patch.height} px",
                    f"{TINY_PX} px or more",
                )
            )
    return problems


def odd_spacing(places: Places, facts: Facts) -> list[Problem]:
    """Pixel spacings far from the others or from any radiograph, and vertebrae whose size in mm cannot be."""
    table, problems = places.table, []
    spacing = table["mm_per_px"].to_numpy(float)
    known = np.isfinite(spacing)
    if known.any() and not known.all():
        problems.append(
            Problem(
                "spacing_unknown",
                f"{(~known).sum()} of {len(table)} patches have no pixel spacing: "
                "their margin is in pixels, the others' in mm",
                str(places.file),
                None,
                "mm_per_px",
            )
        )
    far = np.abs(_mads(pd.Series(np.log(np.where(known, spacing, np.nan))))) > SPACING_MADS
    with np.errstate(invalid="ignore"):
        far |= known & ((spacing < SPACING_MM[0]) | (spacing > SPACING_MM[1]))
    usual = np.nanmedian(spacing) if known.any() else np.nan
    problems += [
        places.problem(
            "spacing_outlier",
            k,
            "a pixel spacing unlike the others",
            "mm_per_px",
            f"{spacing[k]:g} mm",
            f"about {usual:g} mm",
        )
        for k in np.flatnonzero(far & known)
    ]
    sides = facts.patches[["width", "height"]].to_numpy(float) * spacing[:, None]
    boxed = known & ~facts.patches["ready"].to_numpy(bool)
    wrong = boxed & ((sides < BODY_MM[0]) | (sides > BODY_MM[1])).any(1)
    problems += [
        places.problem(
            "size_in_mm",
            k,
            "no vertebra has this size: box or spacing is wrong",
            "mm_per_px",
            f"{sides[k, 0]:.0f} x {sides[k, 1]:.0f} mm",
            f"{BODY_MM[0]:g} to {BODY_MM[1]:g} mm",
        )
        for k in np.flatnonzero(wrong)
    ]
    return problems


def contradictions(places: Places) -> list[Problem]:
    """Patients with several ages or sexes, ages no study patient has, patients with both classes."""
    table, problems = places.table.reset_index(drop=True), []
    for column in ("age", "sex"):
        if column not in table:
            continue
        filled = table[table[column].notna() & (table[column] != "")]
        for patient, rows in filled.groupby("patient_id", sort=False):
            values = pd.unique(rows[column])
            if len(values) > 1:
                problems.append(
                    places.problem(
                        f"{column}_differs",
                        rows.index[0],
                        f"patient {patient} has several values",
                        column,
                        ", ".join(map(str, values[:5])),
                    )
                )
        if column == "age":
            odd = filled[(filled["age"] < ADULT) | (filled["age"] > OLDEST)]
            problems += [places.problem("odd_age", k, "an unlikely age for this study", "age", f"{age:g}",
                                        f"{ADULT} to {OLDEST} years") for k, age in odd["age"].items()]
    classes = table.groupby("patient_id")["label"].nunique()
    if both := int((classes > 1).sum()):
        problems.append(
            Problem(
                "patients_with_both_classes",
                f"{both} of {len(classes)} patients have fresh and old "
                "vertebrae: keep them in one fold (split: patient)",
                str(places.file),
                None,
                "patient_id",
            )
        )
    return problems


def imbalance(places: Places) -> list[Problem]:
    """Levels that nearly tell the label, and a rare class."""
    table, file, problems = class_balance(places.table), str(places.file), []
    total = table.loc["all"]
    if total[["fresh", "old"]].min() < (1 - UNEVEN) * total["n"]:
        problems.append(
            Problem(
                "rare_class",
                f"{total['fresh']} fresh and {total['old']} old: accuracy will look good "
                "for a model that never says the rarer",
                file,
                None,
                "label",
            )
        )
        return problems  # the levels would only repeat it
    for level, row in table.drop("all").iterrows():
        if row["n"] >= ENOUGH and max(row["fresh"], row["old"]) > UNEVEN * row["n"]:
            problems.append(
                Problem(
                    "uneven_level",
                    f"at {level or 'unknown level'} {row['fresh']} fresh and "
                    f"{row['old']} old: the level alone tells the label",
                    file,
                    None,
                    "level",
                )
            )
    return problems


def class_balance(patches: pd.DataFrame) -> pd.DataFrame:
    """Patches, fresh, old and patients by level (index; "" unknown), with a last row "all"."""
    rows = {level: patches[patches["level"] == level] for level in (*LEVELS, "")}
    rows = {level: part for level, part in rows.items() if len(part)} | {"all": patches}
    return pd.DataFrame({level: {"n": len(part), "fresh": int((part["label"] == "fresh").sum()),
                                 "old": int((part["label"] == "old").sum()),
                                 "patients": part["patient_id"].nunique()} for level, part in rows.items()}).T


def named_patients(places: Places, facts: Facts) -> list[Problem]:
    """Films whose file names the patient in its header or its pixels. Contents are never repeated here."""
    problems = []
    for image, film in facts.films.iterrows():
        if film["identifying"]:
            problems.append(
                Problem(
                    "identifying_fields",
                    "the file's header holds fields that identify",
                    str(image),
                    None,
                    "image",
                    film["identifying"],
                    "none; see `ovcf deidentify`",
                )
            )
        if film["burned_in"] == "YES":
            problems.append(Problem("burned_in_text", "the header says that text is burned into the pixels",
                                    str(image), None, "image"))
        elif film["text_lines"]:
            problems.append(
                Problem(
                    "burned_in_text",
                    "the pixels seem to hold text",
                    str(image),
                    None,
                    "image",
                    f"{film['text_lines']} line(s)",
                )
            )
    return problems


def _mads(values: pd.Series) -> pd.Series:
    """Distance from the median in robust SDs (1.4826 MAD); 0 where there is no spread."""
    centre = values - values.median()
    mad = 1.4826 * centre.abs().median()
    return centre / mad if mad > 0 else centre * 0


def doubtful_studies(places: Places, studies: pd.DataFrame | None) -> list[Problem]:
    """Patients of the cohort whom the table of studies excludes, or does not know."""
    if studies is None or "patient_id" not in studies:
        return []
    kept = exclusion_reasons(studies) == ""
    ids = studies["patient_id"].astype(str)
    excluded = dict(zip(ids[~kept], exclusion_reasons(studies)[~kept], strict=True))
    included, problems = set(ids[kept]), []
    first = places.table.reset_index(drop=True).groupby("patient_id", sort=False).head(1)
    for place, patient in first["patient_id"].items():
        if patient in included:
            continue
        if patient in excluded:
            problems.append(
                places.problem(
                    "excluded_patient",
                    place,
                    f"patient {patient} is excluded by studies.csv",
                    "patient_id",
                    excluded[patient],
                )
            )
        else:
            problems.append(
                places.problem(
                    "patient_not_in_studies", place, f"patient {patient} is not in studies.csv", "patient_id"
                )
            )
    return problems


def disagreements(places: Places) -> list[Problem]:
    """Labels both annotators share but the manifest does not, and agreement that is no more than moderate."""
    table = places.table.reset_index(drop=True)
    if not has_two_annotators(table):
        return []
    decided = consensus(table)
    against = (decided["consensus_label"] != "") & (decided["consensus_label"] != table["label"])
    problems = [
        places.problem(
            "label_against_both",
            k,
            "both annotators gave the other label",
            "label",
            table["label"][k],
            decided["consensus_label"][k],
        )
        for k in np.flatnonzero(against)
    ]
    figures = agreement(table)
    kappa = figures[figures["measure"] == "Cohen's kappa"].head(1)
    if len(kappa) and kappa["value"].item() < MODERATE:
        text = f"{kappa['value'].item():.2f} (95 % {kappa['low'].item():.2f} to {kappa['high'].item():.2f})"
        problems.append(
            Problem(
                "low_agreement",
                "the two annotators agree little beyond chance (Cohen's kappa)",
                str(places.file),
                None,
                "annotator_a_label",
                text,
                f"{MODERATE} or more",
            )
        )
    return problems
