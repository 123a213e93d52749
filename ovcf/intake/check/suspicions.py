"""What the pictures and their spacing make a reviewer ask: blank, dark, blurred, tiny, odd sizes, names.

Each function looks at one thing and returns problems, one a patch or film; nothing is changed.
"""

import numpy as np
import pandas as pd

from ovcf.cohort.films.greys import fault_of
from ovcf.intake.check.film_facts import Facts, Places
from ovcf.problems import Problem
from ovcf.words import rounded

TINY_PX = 32  # the shorter side; a network looks at 224
BLURRED_MADS, BLURRED_SHARE = 5.0, 0.25  # below the median in robust SDs, and as a share of it
SPACING_MADS, SPACING_MM = 6.0, (0.05, 1.0)
BODY_MM = (8.0, 90.0)  # a vertebra's sides with some margin, T5 to L5, collapsed or not


def bad_patches(places: Places, facts: Facts) -> list[Problem]:
    """Blank, dark, bright, clipped or blurred patches, each by its worst fault; and tiny ones.

    What it cannot see: a sharp, well exposed patch of the wrong vertebra.
    """
    seen, problems = facts.patches, []
    usual = float(np.median(seen["detail"]))
    low = robust_z(np.log(seen["detail"].clip(lower=1e-9))) < -BLURRED_MADS
    blurred = low & (seen["detail"] < BLURRED_SHARE * usual)
    for place, patch in enumerate(seen.itertuples()):
        if fault := _fault(patch, blurred.iloc[place], usual):
            kind, message, found, allowed = fault
            problems.append(places.problem(kind, place, message, "image", found, allowed))
        if min(patch.width, patch.height) < TINY_PX:
            found = f"{patch.width} x {patch.height} px"
            problems.append(
                places.problem(
                    "tiny_patch",
                    place,
                    "small for a network that looks at 224 px",
                    "x0",
                    found,
                    f"{TINY_PX} px or more",
                )
            )
    return problems


def _fault(patch, blurred: bool, usual: float) -> tuple | None:
    """The worst fault of a patch: kind, message, found, allowed."""
    if fault := fault_of(patch.spread, patch.mean, patch.clipped):
        kind, _, text = fault.removeprefix("too ").partition(": ")  # blank, dark or bright
        return f"{kind}_patch", text, None, None
    if blurred:
        text = "far less fine detail than the others"
        return "blurred_patch", text, rounded(patch.detail, 4), f"about {rounded(usual, 4)}"
    return None


def odd_spacing(places: Places, facts: Facts) -> list[Problem]:
    """Pixel spacings unlike the others or any radiograph's, and vertebrae whose size in mm cannot be.

    What it cannot see: a wrong spacing that is usual for the cohort, and one that a wrong box makes good.
    """
    spacing = places.table["mm_per_px"].to_numpy(float)
    known, problems = np.isfinite(spacing), []
    if not known.any():
        return problems
    if not known.all():
        text = f"{(~known).sum()} of {len(known)} patches have no pixel spacing: their margin is in pixels"
        problems.append(Problem("spacing_unknown", text, str(places.file), None, "mm_per_px"))
    far = np.abs(robust_z(pd.Series(np.log(np.where(known, spacing, np.nan))))) > SPACING_MADS
    far = far.to_numpy() | (known & ((spacing < SPACING_MM[0]) | (spacing > SPACING_MM[1])))
    usual = f"about {np.nanmedian(spacing):g} mm"
    problems += [
        places.problem(
            "spacing_outlier", k, "a pixel spacing unlike the others", "mm_per_px", f"{spacing[k]:g} mm", usual
        )
        for k in np.flatnonzero(far)
    ]
    return problems + _odd_sizes(places, facts, spacing)


def _odd_sizes(places: Places, facts: Facts, spacing: np.ndarray) -> list[Problem]:
    """Boxes that no vertebra fills."""
    sides = facts.patches[["width", "height"]].to_numpy(float) * spacing[:, None]  # (n, 2) mm
    boxed = np.isfinite(spacing) & ~facts.patches["ready"].to_numpy(bool)
    wrong = boxed & ((sides < BODY_MM[0]) | (sides > BODY_MM[1])).any(1)
    text, allowed = (
        "no vertebra has this size: box or spacing is wrong",
        f"{BODY_MM[0]:g} to {BODY_MM[1]:g} mm",
    )
    return [
        places.problem("size_in_mm", k, text, "mm_per_px", f"{sides[k, 0]:.0f} x {sides[k, 1]:.0f} mm", allowed)
        for k in np.flatnonzero(wrong)
    ]


def odd_films(facts: Facts) -> list[Problem]:
    """Films whose header and pixels disagree, or whose header says what cannot be: the film reader's own remarks.

    What it cannot see: a header that is wrong but possible.
    """
    return [
        Problem("odd_film", film["odd"], str(image), None, "image")
        for image, film in facts.films.iterrows()
        if film["odd"]
    ]


def named_patients(facts: Facts) -> list[Problem]:
    """Films whose file names the patient in its header or its pixels. Contents are never repeated here.

    What it cannot see: names that are drawn, handwritten or in a script whose letters look unlike text lines.
    """
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
            problems.append(
                Problem(
                    "burned_in_text", "the header says that text is burned into the pixels", str(image), None, "image"
                )
            )
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


def robust_z(values: pd.Series) -> pd.Series:
    """Distance from the median in robust SDs (1.4826 median absolute deviations); 0 without spread."""
    centre = values - values.median()
    mad = 1.4826 * centre.abs().median()
    return centre / mad if mad > 0 else centre * 0
