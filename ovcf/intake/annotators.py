"""Two annotators: how far they agree, what they agree on, and what they must look at together.

Columns of the patches table, all optional: annotator_a_label, annotator_b_label ("fresh", "old" or empty),
and annotator_a_x0 .. annotator_a_y1, annotator_b_x0 .. annotator_b_y1 in pixels. The rule is the paper's
(section 2.2.1): two surgeons label on their own, and discordant cases go to joint review with MRI and
records.
"""

import math

import numpy as np
import pandas as pd

from ovcf.problems import InputError, Problem
from ovcf.words import BOX, LABELS

IOU_JOINT_REVIEW = 0.5  # below this the two boxes hardly outline the same vertebra


def has_two_annotators(patches: pd.DataFrame) -> bool:
    """Whether the table has the labels of both annotators."""
    return {"annotator_a_label", "annotator_b_label"} <= set(patches.columns)


def agreement(patches: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Agreement of the two annotators with 95 % intervals that resample patients.

    Parameters
    ----------
    patches : DataFrame
        With patient_id and the annotators' columns; rows without both labels are left out, and counted.
    resamples : int
        Bootstrap resamples of whole patients: vertebrae of one patient are not independent.

    Returns
    -------
    DataFrame
        measure, value, low, high, n (vertebrae), patients, interval (how it was made). Observed agreement;
        Cohen's kappa (Cohen 1960), its interval once by patients and once by the asymptotic standard error of
        Fleiss, Cohen and Everitt (1969) as in `statsmodels.stats.inter_rater.cohens_kappa`, which takes
        vertebrae as independent; the mean overlap of boxes where both drew one. An undefined kappa (both
        annotators gave one and the same label throughout) is NaN.

    What it cannot see: an error that both annotators make.
    """
    a, b = _labels(patches)
    both = (a >= 0) & (b >= 0)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 3]))
    rows = []
    if both.any():
        cells = 2 * a[both] + b[both]  # 0 both old, 3 both fresh
        tables = per_patient(patches.loc[both, "patient_id"], np.eye(4)[cells])  # (patients, 4)
        draws = resample(tables, resamples, rng)  # (resamples, 4)
        base = {"n": int(both.sum()), "patients": len(tables)}
        rows.append(_row("observed agreement", observed_agreement(tables.sum(0)), observed_agreement(draws), **base))
        rows.append(_row("Cohen's kappa", cohens_kappa(tables.sum(0)), cohens_kappa(draws), **base))
        rows.append(_asymptotic(tables.sum(0), base))
    overlap = box_iou(_boxes(patches, "a"), _boxes(patches, "b"))
    drawn = np.isfinite(overlap)
    if drawn.any():
        pairs = np.column_stack([overlap[drawn], np.ones(drawn.sum())])
        sums = per_patient(patches.loc[drawn, "patient_id"], pairs)  # (patients, 2): sum of IoU, boxes
        draws = resample(sums, resamples, rng)
        rows.append(
            _row(
                "mean IoU of boxes",
                overlap[drawn].mean(),
                draws[:, 0] / draws[:, 1],
                n=int(drawn.sum()),
                patients=len(sums),
            )
        )
    return pd.DataFrame(rows, columns=["measure", "value", "low", "high", "n", "patients", "interval"])


def cohens_kappa(cells: np.ndarray) -> np.ndarray:
    """Cohen's kappa of k x k tables given as (..., k k) counts, row by row: one annotator's class, then the other's.

    kappa = (observed - chance) / (1 - chance); NaN where chance is 1.
    """
    cells = np.asarray(cells, float)
    classes = math.isqrt(cells.shape[-1])
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (cells / cells.sum(-1, keepdims=True)).reshape(*cells.shape[:-1], classes, classes)
        chance = (share.sum(-1) * share.sum(-2)).sum(-1)
        return np.where(chance < 1 - 1e-12, (observed_agreement(cells) - chance) / (1 - chance), np.nan)


def observed_agreement(cells: np.ndarray) -> np.ndarray:
    """Share of vertebrae called the same by both, of tables as `cohens_kappa` takes them."""
    return cells[..., :: math.isqrt(cells.shape[-1]) + 1].sum(-1) / cells.sum(-1)


def box_iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (n, 4) as x0, y0, x1, y1; NaN without a box or an area."""
    one, other = np.asarray(one, float), np.asarray(other, float)
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    common = np.clip(sides, 0, None).prod(1)
    areas = [
        np.where((box[:, 2:] > box[:, :2]).all(1), (box[:, 2:] - box[:, :2]).prod(1), np.nan) for box in (one, other)
    ]
    return common / (areas[0] + areas[1] - common)


def consensus(patches: pd.DataFrame, *, iou_below: float = IOU_JOINT_REVIEW) -> pd.DataFrame:
    """The paper's consensus rule, a row a vertebra.

    Returns
    -------
    DataFrame
        patch_id, patient_id, level, annotator_a_label, annotator_b_label, iou, consensus_label and status:
        "agreed" (that label), "joint review" (labels differ, or boxes overlap less than `iou_below`; the
        label stays empty), "one annotator" or "no annotator" (empty too). Nothing is decided by a coin or by
        seniority.
    """
    a, b = _labels(patches)
    iou = box_iou(_boxes(patches, "a"), _boxes(patches, "b"))
    differ, apart = (a >= 0) & (b >= 0) & (a != b), iou < iou_below
    status = np.select(
        [(a < 0) & (b < 0), (a < 0) | (b < 0), differ | apart],
        ["no annotator", "one annotator", "joint review"],
        "agreed",
    )
    label = np.where(status == "agreed", np.where(a == 1, "fresh", "old"), "")
    reason = np.select(
        [differ & apart, differ, (status == "joint review") & apart],
        ["labels and boxes differ", "labels differ", "boxes differ"],
        "",
    )
    named = {key: patches[key].to_numpy() for key in ("patch_id", "patient_id", "level") if key in patches}
    return pd.DataFrame(
        {
            **named,
            "annotator_a_label": _words(a),
            "annotator_b_label": _words(b),
            "iou": iou,
            "consensus_label": label,
            "status": status,
            "reason": reason,
        }
    )


def joint_review(patches: pd.DataFrame, *, iou_below: float = IOU_JOINT_REVIEW) -> pd.DataFrame:
    """The cases both annotators should look at together, those with differing labels first."""
    table = consensus(patches, iou_below=iou_below)
    table = table[table["status"] == "joint review"].drop(columns=["consensus_label", "status"])
    return table.sort_values(["reason", "patient_id"], ascending=[False, True], kind="stable", ignore_index=True)


def _labels(patches: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Both annotators' labels as 1 fresh, 0 old, -1 missing; other words are refused, all at once."""
    codes, problems = [], []
    for who in ("a", "b"):
        column = f"annotator_{who}_label"
        if column not in patches:
            raise InputError(
                Problem(
                    "missing_column",
                    "two annotators need this column",
                    column=column,
                    found=", ".join(map(str, patches.columns[:20])),
                )
            )
        words = patches[column].astype("string").fillna("").str.strip().str.lower()
        problems += [
            Problem("unknown_label", "not a label", row=row, column=column, found=word, allowed="fresh, old or empty")
            for row, word in enumerate(words, start=2)
            if word not in (*LABELS, "")
        ]
        codes.append(words.map({"fresh": 1, "old": 0}).fillna(-1).to_numpy(int))
    if problems:
        raise InputError(problems)
    return codes[0], codes[1]


def _words(codes: np.ndarray) -> np.ndarray:
    return np.array(["old", "fresh", ""])[codes]


def _boxes(patches: pd.DataFrame, who: str) -> np.ndarray:
    """One annotator's boxes (n, 4), NaN where none was drawn."""
    columns = [f"annotator_{who}_{corner}" for corner in BOX]
    missing = pd.Series(np.nan, index=patches.index)
    return np.column_stack([pd.to_numeric(patches.get(column, missing), errors="coerce") for column in columns])


def per_patient(patients: pd.Series, values: np.ndarray) -> np.ndarray:
    """Return sums of the values (n, k) over each patient's rows, in order of the ids."""
    codes, ids = pd.factorize(patients, sort=True)
    sums = np.zeros((len(ids), values.shape[1]))
    np.add.at(sums, codes, values)
    return sums


def resample(sums: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Return totals over patients drawn with replacement, (resamples, k)."""
    weights = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=resamples)
    return weights @ sums


def _row(measure: str, value: float, draws: np.ndarray, **base) -> dict:
    """A row with the percentile interval of the draws that are defined."""
    draws = draws[np.isfinite(draws)]
    low, high = np.percentile(draws, [2.5, 97.5]) if len(draws) else (np.nan, np.nan)
    return {
        "measure": measure,
        "value": float(value),
        "low": low,
        "high": high,
        **base,
        "interval": "bootstrap of patients, percentile",
    }


def _asymptotic(cells: np.ndarray, base: dict) -> dict:
    """Kappa with the large-sample interval of statsmodels, for comparison with other reports."""
    from statsmodels.stats.inter_rater import cohens_kappa as reference

    with np.errstate(all="ignore"):
        result = reference(cells.reshape(2, 2))
    return {
        "measure": "Cohen's kappa",
        "value": result.kappa,
        "low": result.kappa_low,
        "high": result.kappa_upp,
        **base,
        "interval": "asymptotic, vertebrae as independent",
    }
