"""What a cohort holds, counted: Table 1, patients, folds, sizes of boxes."""

import pandas as pd

from ovcf.words import LABELS, LEVELS, TOTAL


def filled_cells(patches: pd.DataFrame) -> pd.DataFrame:
    """Count the rows that hold a value, column by column: column, filled (an empty text is no value)."""
    filled = [int((patches[c].notna() & (patches[c].astype(str) != "")).sum()) for c in patches.columns]
    return pd.DataFrame({"column": list(patches.columns), "filled": filled})


def level_counts(patches: pd.DataFrame) -> pd.DataFrame:
    """Count vertebrae by level and class.

    Returns
    -------
    DataFrame indexed by level (all of T5..L5, then `unknown` where a level is empty): fresh, old, normal (segments
    labelled old on purpose, which old counts too).
    """
    levels = [*LEVELS, *([""] if (patches.level == "").any() else [])]
    counts = pd.crosstab(patches.level, patches.label).reindex(index=levels, columns=list(LABELS), fill_value=0)
    normal = patches.get("normal_segment", pd.Series(False, index=patches.index)).fillna(False).astype(bool)
    counts["normal"] = patches[normal].groupby("level").size().reindex(levels, fill_value=0)
    return counts.rename(index={"": "unknown"}).rename_axis("level").rename_axis(None, axis=1)


def table1(patches: pd.DataFrame) -> pd.DataFrame:
    """Return Table 1's rows for a cohort: row (level, then Total), fresh, old, normal as `level_counts` has them."""
    counts = level_counts(patches)
    counts.loc[TOTAL] = counts.sum()
    return counts.rename_axis("row").reset_index()


def patients_of(patches: pd.DataFrame) -> pd.DataFrame:
    """Return one row a patient: patient_id, age (years), sex, vertebrae, both_classes (has fresh and old ones)."""
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


def patients_summary(patches: pd.DataFrame) -> pd.DataFrame:
    """Describe the patients, one row a quantity: quantity, value, sd_ddof1 (NaN for counts).

    `patients`; `age` (mean, years; where two patients or more have one); `female` and `male` (where any is);
    `both_classes`.
    """
    patients = patients_of(patches)
    age = patients.age.dropna()
    rows = [("patients", len(patients), float("nan"))]
    rows += [("age", age.mean(), age.std(ddof=1))] * (len(age) > 1)
    rows += [(s, n, float("nan")) for s in ("female", "male") if (n := int((patients.sex == s).sum()))]
    rows.append(("both_classes", int(patients.both_classes.sum()), float("nan")))
    return pd.DataFrame(rows, columns=["quantity", "value", "sd_ddof1"])


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


def fold_counts(patches: pd.DataFrame) -> pd.DataFrame:
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
