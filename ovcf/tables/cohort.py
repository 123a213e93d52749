"""The tables of notebook 01 as printed: columns explained, Table 1 beside the paper's."""

import pandas as pd

from ovcf.tables.show import MISSING, one_cell
from ovcf.words import TOTAL, rounded

# What a column means and its unit; columns a user brings on top are listed as theirs.
GLOSSARY = {
    "patch_id": ("id of the vertebra's patch", ""),
    "patient_id": ("id of the patient; folds and intervals are by patient", ""),
    "level": ("vertebra, T5 to L5; empty: unknown", ""),
    "label": ("reference standard: fresh (the positive class) or old", ""),
    "image": ("film, path below the cohort's folder", ""),
    "x0": ("left edge of the vertebra's box; empty: the image is a ready patch", "px"),
    "y0": ("upper edge", "px"),
    "x1": ("right edge", "px"),
    "y1": ("lower edge", "px"),
    "mm_per_px": ("pixel spacing; empty: unknown", "mm/px"),
    "spacing_origin": ("where the spacing comes from; at the detector it is larger than in the body", ""),
    "fold": ("cross-validation fold, from 1", ""),
    "age": ("age at the film", "years"),
    "sex": ("female or male", ""),
    "normal_segment": ("a normal vertebra labelled old on purpose", ""),
    "normal_height": ("a fresh fracture that kept its height", ""),
    "region": ("above, at (T10-L1) or below the diaphragm", ""),
    "anterior_height_mm": ("height of the body, front", "mm"),
    "middle_height_mm": ("height of the body, middle", "mm"),
    "posterior_height_mm": ("height of the body, back", "mm"),
    "neighbour_height_mm": ("mean middle height of the vertebrae above and below", "mm"),
    "scanner": ("X-ray unit", ""),
    "image_width": ("width of the film as read", "px"),
    "image_height": ("height of the film as read", "px"),
    "image_kind": ("format of the film's file", ""),
    "annotator_a_label": ("first annotator's label before joint review", ""),
    "annotator_b_label": ("second annotator's label before joint review", ""),
}
CORNERS = ("x0", "y0", "x1", "y1")
# Quantity of `patients_summary` to its printed name and the fact of the paper that stands beside it
PATIENT_ROWS = {
    "patients": ("patients", "patients"),
    "age": ("age, mean ± SD (ddof 1)", "age"),
    "female": ("female", "females"),
    "male": ("male", "males"),
    "both_classes": ("patients with both classes", None),
}


def glossary(filled: pd.DataFrame) -> pd.DataFrame:
    """List the columns of a patches table (annotators' corners apart): meaning, unit, rows with a value.

    Parameters
    ----------
    filled : DataFrame of `ovcf.stats.cohort.filled_cells`.
    """
    rows = []
    for column, count in filled[["column", "filled"]].itertuples(index=False):
        if not _annotators_corner(column):
            meaning, unit = GLOSSARY.get(column, ("brought by the cohort", ""))
            rows.append({"column": column, "meaning": meaning, "unit": unit, "rows with a value": count})
    return pd.DataFrame(rows)


def level_tests(tests: pd.DataFrame) -> pd.DataFrame:
    """Return the tests of the levels: each its own question.

    Parameters
    ----------
    tests : DataFrame of `ovcf.stats.paper_tests.table1_tests`.
    """
    shown = one_cell(tests, "difference", "difference of mean counts [95 % interval]", 1)
    return shown[["test", "whose", "question", "difference of mean counts [95 % interval]", "statistic", "df", "p"]]


def sizes(spacing: pd.DataFrame) -> pd.DataFrame:
    """Return the sizes of the boxes: whole pixels, millimetres to a tenth, spacings to a hundredth.

    Parameters
    ----------
    spacing : DataFrame of `ovcf.stats.cohort.box_sizes`.
    """
    digits = {"px)": 0, "per px": 2, "mm)": 1}
    shown = spacing.copy()
    for name in shown:
        decimals = next((count for end, count in digits.items() if name.endswith(end)), None)
        if decimals is not None:
            shown[name] = [MISSING if pd.isna(size) else rounded(size, decimals) for size in shown[name]]
    return shown


def factor_rows(factors: pd.DataFrame) -> pd.DataFrame:
    """Return what each column alone says about the label: its AUC with interval, and where it is higher.

    Parameters
    ----------
    factors : DataFrame of `ovcf.intake.check`, table "factors".
    """
    return one_cell(factors, "auc", "AUC [95 % interval]").assign(factor=factors.factor.map(_in_words))


def _in_words(factor: str) -> str:
    """A column of the patches in words, with its unit; other factors are in words already."""
    return {"mm_per_px": "pixel spacing (mm)"}.get(factor, factor.replace("_", " "))


def _annotators_corner(column: str) -> bool:
    """Whether a column is a corner of an annotator's own box: eight rows that say nothing new."""
    return column in [f"annotator_{who}_{corner}" for who in "ab" for corner in CORNERS]


def table1(counts: pd.DataFrame, patients: pd.DataFrame, printed: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """Set Table 1 with the paper's printed counts beside ours, then what is known of the patients.

    Parameters
    ----------
    counts : DataFrame of `ovcf.stats.cohort.table1`; normal segments stand in brackets.
    patients : DataFrame of `ovcf.stats.cohort.patients_summary`.
    printed, facts : the paper's Table 1 and its numbers in the text (`ovcf.audit.published`: `paper_wide`,
        `paper_facts`).
    """
    rows = counts.set_index("row")
    table = pd.DataFrame({("fresh", "ours"): rows.fresh.astype(str), ("old", "ours"): _old(rows)}, index=rows.index)
    for column in ("fresh", "old"):
        table[(column, "paper")] = printed[column].reindex(table.index).fillna(MISSING)
    theirs = facts.set_index("name").printed
    for r in patients.itertuples():
        name, fact = PATIENT_ROWS[r.quantity]
        ours = f"{r.value:.0f}" + (f" ± {r.sd_ddof1:.0f}" if pd.notna(r.sd_ddof1) else "")
        table.loc[name] = {("fresh", "ours"): ours, ("fresh", "paper"): theirs[fact] if fact else MISSING}
    order = pd.MultiIndex.from_product([["fresh", "old"], ["ours", "paper"]])
    return table.reindex(columns=order).fillna("").rename_axis(None)


def _old(rows: pd.DataFrame) -> list[str]:
    """Old vertebrae, those that are normal segments in brackets; the total without."""
    cells = rows[["old", "normal"]].itertuples()
    return [f"{old}({normal})" if normal and row != TOTAL else f"{old}" for row, old, normal in cells]
