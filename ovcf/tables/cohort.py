"""The tables of notebooks 01 and 02: columns explained, Table 1 beside the paper's, boxes, folds, findings."""

from pathlib import Path

import pandas as pd

from ovcf.audit.published import paper_wide
from ovcf.words import LEVELS

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
TABLE1_TOTALS = "Total"


def glossary(patches: pd.DataFrame) -> pd.DataFrame:
    """List the columns of a patches table (annotators' boxes apart): meaning, unit, rows with a value."""
    rows = []
    for column in _without_annotators_boxes(patches.columns):
        meaning, unit = GLOSSARY.get(column, ("brought by the cohort", ""))
        filled = int((patches[column].notna() & (patches[column].astype(str) != "")).sum())
        rows.append({"column": column, "meaning": meaning, "unit": unit, "rows with a value": filled})
    return pd.DataFrame(rows)


def _without_annotators_boxes(columns) -> list:
    """Leave out the annotators' own corners: eight rows that say nothing new."""
    return [c for c in columns if not (c.startswith("annotator_") and c[-3:-1] in ("_x", "_y"))]


def level_counts(patches: pd.DataFrame) -> pd.DataFrame:
    """Count vertebrae per level (all of T5..L5, then unknown ones if any) and class: fresh, old, normal."""
    levels = [*LEVELS, *([""] if (patches.level == "").any() else [])]
    counts = pd.crosstab(patches.level, patches.label).reindex(index=levels, columns=["fresh", "old"], fill_value=0)
    normal = patches.get("normal_segment", pd.Series(False, index=patches.index)).fillna(False).astype(bool)
    counts["normal"] = patches[normal].groupby("level").size().reindex(levels, fill_value=0)
    return counts.rename(index={"": "unknown"}).rename_axis("level").rename_axis(None, axis=1)


def patients_of(patches: pd.DataFrame) -> pd.DataFrame:
    """Return one row a patient: patient_id, age, sex, vertebrae, has both classes."""
    table = patches.assign(age=patches.get("age", float("nan")), sex=patches.get("sex", ""))
    groups = table.groupby("patient_id", sort=False)
    return pd.DataFrame(
        {
            "age": groups.age.first(),
            "sex": groups.sex.first(),
            "vertebrae": groups.size(),
            "both_classes": groups.label.nunique() > 1,
        }
    ).reset_index()


def table1(patches: pd.DataFrame) -> pd.DataFrame:
    """Return Table 1's rows for a cohort: row, fresh, old, normal (segments labelled old on purpose)."""
    counts = level_counts(patches)
    counts.loc[TABLE1_TOTALS] = counts.sum()
    return counts.rename_axis("row").reset_index()


def table1_beside_paper(patches: pd.DataFrame) -> pd.DataFrame:
    """Return Table 1 with the paper's printed counts beside ours, then what is known of the patients."""
    ours = table1(patches).set_index("row")
    printed = paper_wide(1)
    old = [
        f"{o}" + (f"({n})" if n and row != TABLE1_TOTALS else "") for row, o, n in ours[["old", "normal"]].itertuples()
    ]
    table = pd.DataFrame({("fresh", "ours"): ours.fresh.astype(str), ("old", "ours"): old}, index=ours.index)
    for column in ("fresh", "old"):
        table[(column, "paper")] = printed[column].reindex(table.index).fillna("–")
    for name, mine, theirs in _patient_rows(patients_of(patches)):
        table.loc[name] = {("fresh", "ours"): mine, ("fresh", "paper"): theirs}
    order = pd.MultiIndex.from_product([["fresh", "old"], ["ours", "paper"]])
    return table.reindex(columns=order).fillna("").rename_axis(None)


def _patient_rows(patients: pd.DataFrame):
    """Rows about patients: name, ours, the paper's (Table 1)."""
    yield "patients", f"{len(patients)}", "405"
    age = patients.age.dropna()
    if len(age) > 1:
        yield "age, mean ± SD (ddof 1)", f"{age.mean():.0f} ± {age.std(ddof=1):.0f}", "75 ± 14"
    for sex, paper in (("female", "290"), ("male", "115")):
        if (patients.sex == sex).any():
            yield sex, f"{(patients.sex == sex).sum()}", paper
    yield "patients with both classes", f"{patients.both_classes.sum()}", "–"


def box_sizes(patches: pd.DataFrame) -> pd.DataFrame:
    """Describe the boxes by origin of the pixel spacing: how many, their size in px and mm (medians)."""
    table = patches.assign(
        origin=patches.get("spacing_origin", pd.Series("", index=patches.index)).replace("", "manifest"),
        width=patches.x1 - patches.x0,
        height=patches.y1 - patches.y0,
    )
    table.loc[table.mm_per_px.isna(), "origin"] = "unknown"
    table.loc[table.x0.isna(), "origin"] = "ready patches (no box)"
    groups = table.groupby("origin", sort=False)
    return pd.DataFrame(
        {
            "vertebrae": groups.size(),
            "median width (px)": groups.width.median(),
            "median height (px)": groups.height.median(),
            "median mm per px": groups.mm_per_px.median(),
            "median width (mm)": (table.width * table.mm_per_px).groupby(table.origin).median(),
            "median height (mm)": (table.height * table.mm_per_px).groupby(table.origin).median(),
        }
    ).reset_index(names="spacing from")


def folds(patches: pd.DataFrame) -> pd.DataFrame:
    """Count vertebrae, patients and classes per fold, and patients who are in other folds too."""
    where = patches.groupby("patient_id").fold.nunique()
    shared = set(where[where > 1].index)
    rows = [
        {
            "fold": fold,
            "vertebrae": len(part),
            "fresh": int((part.label == "fresh").sum()),
            "old": int((part.label == "old").sum()),
            "patients": part.patient_id.nunique(),
            "of them also in other folds": len(shared & set(part.patient_id)),
        }
        for fold, part in patches.groupby("fold")
    ]
    return pd.DataFrame(rows)


def findings(found) -> pd.DataFrame:
    """List what `ovcf.intake.check.check` found, errors first, one line a kind: how often, and an example."""
    rows = [("error", problem) for problem in found.errors] + [("warning", problem) for problem in found.warnings]
    said = [
        (severity, p.kind.replace("_", " "), str(p._replace(file=Path(p.file).name if p.file else None)))
        for severity, p in rows
    ]  # a report travels: no folders of the machine it was made on
    table = pd.DataFrame(said, columns=["severity", "kind", "example"])
    if table.empty:
        return table.assign(times=pd.Series(dtype=int))
    groups = table.groupby(["severity", "kind"], sort=False).example
    return groups.agg(times="size", example="first").reset_index()
