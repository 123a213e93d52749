"""A whole reader study in one call: the tables of `ovcf readers`, as text or as one object for JSON."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ovcf.problems import InputError, Problem
from ovcf.stats.clusters import FEWEST
from ovcf.stats.intervals import clustered_auc_interval, delong_interval
from ovcf.stats.readers.checks import check_readings
from ovcf.stats.readers.components import (
    GENERALISES,
    lay_out,
    negative_components,
    or_components,
    variance_components,
)
from ovcf.stats.readers.covariance import COVARIANCES, merit_covariance
from ovcf.stats.readers.mrmc import NARROWER, average_study, compare_study, narrower, single_readers
from ovcf.stats.readers.power import cases_needed, power_grid
from ovcf.stats.readers.readings import cross, has_answers
from ovcf.stats.readers.tables import reader_table
from ovcf.words import AVERAGE, rounded


def analyse(
    readings: pd.DataFrame, metric: str = "auc", threshold: float | None = None, *,
    covariances: Sequence[str] = COVARIANCES, missing: str = "auto", cluster: str = "auto", level: float = 0.95,
) -> dict:  # fmt: skip
    """Analyse a reader study.

    Parameters
    ----------
    readings : DataFrame
        In either shape that `check_readings` takes; `attrs` may hold its `file` and `notes` on how it was read.
    metric : str
        auc, sensitivity, specificity, accuracy, ppv, npv or kappa: what the treatments are compared by.
    threshold : float, optional
        Rating from which a reading counts as fresh, where no answers were given.
    covariances : sequence of str
        jackknife, delong, unbiased. One that cannot be had for this study is left out, and a note says why;
        it is refused where it is the only one.
    missing, cluster, level
        See `mrmc.obuchowski_rockette`.

    Returns
    -------
    dict of plain lists, texts and numbers (None where there is no number), fit for JSON: `research_use_only`,
    `file`, `design` (treatments, readers, cases, positives, negatives, patients), `metric`, `threshold`,
    `notes`, `obuchowski_rockette` (entries of metric, covariance, generalisation, comparison, statistic, df1,
    df2, p, difference, low, high, sentence ...), `single_readers` (see `mrmc.single_readers`), `one_treatment`,
    `variance_components` (one a covariance; what is below zero stands in `notes`),
    `readers` (one a reader and treatment: n, auc with interval and, where there are answers, the rates of
    `reader_table`) and `averages` (of the readers' rates).

    Raises
    ------
    InputError
        See `check_readings` and `mrmc.obuchowski_rockette`.

    Checked against the published answers of Van Dyke.
    """
    long = check_readings(readings)
    study = lay_out(long, metric, threshold, missing, cluster)
    comparisons, alone, components, singles, notes, said, refused = [], [], [], [], [], [], None
    curves = study.ratings.reshape(-1, study.truth.size)
    for covariance in covariances:
        try:
            parts = or_components(study, metric, covariance)
        except InputError as error:
            refused = refused or error
            notes.append(f"{covariance}: {error}")
            continue
        components.append({"covariance": covariance, **variance_components(parts)})
        said += [(covariance, sentence) for sentence in negative_components(parts)]
        known = (study, parts, metric, covariance)
        matrix = merit_covariance(curves, study.truth, metric, covariance, study.unit)
        singles.append(single_readers(study, parts, matrix, metric, covariance, level=level))
        alone.append(average_study(*known, level=level))
        said += [
            (covariance, f"average under {treatment}, random readers and cases. {NARROWER}")
            for treatment in alone[-1].loc[narrower(alone[-1], "treatment"), "treatment"]
        ]
        if len(study.treatments) > 1:
            comparisons.append(compare_study(*known, level=level))
    if not components:
        raise refused
    notes = [
        *_read_as(readings, long),
        study.note,
        _few(study),
        *_one_answer(long, threshold),
        *notes,
        *_together(said),
    ]
    rows, averages = _reader_rows(long, threshold, cluster, level)
    return {
        "research_use_only": True,
        "file": readings.attrs.get("file"),
        "design": _design(study), "metric": metric, "threshold": threshold,
        "notes": [note for note in notes if note], "obuchowski_rockette": _records(comparisons),
        "single_readers": _records(singles), "one_treatment": _records(alone),
        "variance_components": _records([pd.DataFrame(components)]),
        "readers": rows, "averages": averages,
    }  # fmt: skip


def plan(
    readings: pd.DataFrame, effect: float, metric: str = "auc", threshold: float | None = None, *,
    margin: float | None = None, missing: str = "auto", cluster: str = "auto",
) -> dict:  # fmt: skip
    """Plan a study of two treatments from this one as its pilot: power by readers and cases, and the cases needed.

    Parameters
    ----------
    effect : true difference of the metric. margin : see `power.power_grid` (non-inferiority).
    The others as in `analyse`; the covariance is the jackknife's.

    Returns
    -------
    dict of plain lists and numbers: `metric`, `effect`, `margin`, `power` (rows of `power_grid`), `needed` (one a
    number of readers: cases for 80 % power, None where more than 100,000), `notes`. Where patients were the units,
    cases are patients.

    Raises
    ------
    InputError
        See `analyse` and `power.power_grid`; and for a pilot whose readers share no case.
    """
    long = check_readings(readings)
    study = lay_out(long, metric, threshold, missing, cluster)
    read = ~np.isnan(study.ratings).all(axis=0)  # (r, n)
    if len(read) > 1 and read.sum(axis=0).max() == 1:
        message = "power needs a pilot whose readers share cases: how far they agree is not seen in this one"
        raise InputError(Problem("nested_cases", message, readings.attrs.get("file")))
    parts = or_components(study, metric)
    grid = power_grid(parts, effect=effect, margin=margin, generalisation=tuple(GENERALISES))
    needed = [
        {"readers": r, "cases": cases_needed(parts, r, effect, margin=margin)} for r in sorted(set(grid["readers"]))
    ]
    return {
        "research_use_only": True, "metric": metric, "effect": effect, "margin": margin, "power": _records([grid]),
        "needed": needed, "units": "patients" if study.clustered else "cases",
        "notes": [note for note in (*_read_as(readings, long), study.note, _planned_gaps(study), _few(study),
                                    *negative_components(parts)) if note],
    }  # fmt: skip


def _planned_gaps(study):
    """What a pilot with gaps means for the numbers of cases; "" without gaps."""
    share = (~np.isnan(study.ratings)).mean()
    return f"cases are all those of the study, of which a reader reads {share:.0%} a treatment, as here" * bool(
        share < 1
    )


def _read_as(readings, long):
    """Notes on how the table was read, each once."""
    return dict.fromkeys([*readings.attrs.get("notes", []), *long.attrs.get("notes", [])])


def plan_as_text(result: dict) -> str:
    """Set the result of `plan` as text for a terminal."""
    what = "non-inferiority" if result["margin"] is not None else "a difference"
    units = result["units"]
    head = f"Power to show {what} of {result['metric']}, true difference {result['effect']:g}"
    head += f", margin {result['margin']:g}" if result["margin"] is not None else ""
    lines = [head, "", _grid(result["power"], "generalisation", "readers", "cases", "power")]
    lines += ["", f"{units.capitalize()} for 80 % power, random readers and cases"]
    lines += [
        f"{counted(row['readers'], 'reader')}: {row['cases'] or f'more than 100,000 {units}: other readers are needed'}"
        for row in result["needed"]
    ]
    return "\n".join([*lines, "", *(f"Note: {note}" for note in result["notes"]), "Research use only."])


def counted(number: int, name: str) -> str:
    """Write `1 reader`, `2 readers`."""
    return f"{number} {name}" + ("" if number == 1 else "s")


def as_text(result: dict) -> str:
    """Set the result of `analyse` as text for a terminal.

    Parameters
    ----------
    result : dict

    Returns
    -------
    str
    """
    design, metric = result["design"], result["metric"]
    lines = [
        f"{counted(len(design['readers']), 'reader')}, {counted(len(design['treatments']), 'treatment')}, "
        f"{counted(design['cases'], 'case')} ({design['positives']} fresh, {design['negatives']} old)"
        + (f" of {design['units']} patients, taken as the units" if design["clustered"] else ""),
        "", "Readers", _grid(result["readers"], "reader", "treatment", "n", "auc", *_RATES),
    ]  # fmt: skip
    if result["averages"]:
        lines += ["", "Average of the readers (random readers and cases)"]
        lines += [_grid(result["averages"], "treatment", *_RATES)]
    lines += ["", f"Average {metric} of each treatment"]
    alone = result["one_treatment"]
    first = [row for row in alone if row["covariance"] == alone[0]["covariance"]]
    lines += [_grid(first, "generalisation", "treatment", "estimate", "df2")]
    if result["obuchowski_rockette"]:
        lines += ["", f"Obuchowski-Rockette, {metric}"]
        columns = ("covariance", "generalisation", "comparison", "statistic", "df1", "df2", "p", "difference")
        lines += [_grid(result["obuchowski_rockette"], *columns)]
        first = [row for row in result["obuchowski_rockette"] if row["covariance"] == "jackknife"]
        lines += ["", *(row["sentence"] for row in first or result["obuchowski_rockette"])]
    if result["single_readers"]:
        first = [row for row in result["single_readers"] if row["covariance"] == alone[0]["covariance"]]
        lines += ["", "Each reader alone", _grid(first, "reader", "comparison", "difference", "statistic", "p")]
    lines += ["", *(f"Note: {note}" for note in result["notes"]), "Research use only."]
    return "\n".join(lines)


_RATES = ("accuracy", "sensitivity", "specificity", "ppv", "npv")


def _reader_rows(long, threshold, cluster, level):
    given = has_answers(long, threshold)
    study = cross(long, missing="available", cluster=cluster)  # each reader on their own cases
    rows, averages = [], []
    for treatment, ratings in zip(study.treatments, study.ratings, strict=True):
        areas = pd.DataFrame(
            {"reader": reader, "treatment": treatment} | _area(study, own, level)
            for reader, own in zip(study.readers, ratings, strict=True)
            if not np.isnan(own).all()
        )
        if given:
            of_it = long[long["treatment"] == treatment]
            rates = reader_table(of_it, threshold=threshold, level=level)
            average = rates[rates["reader"] == AVERAGE].dropna(axis="columns")
            averages += _records([average.assign(treatment=treatment)])
            spread = [c for c in rates if c.endswith("_sd")]  # of the average only
            areas = areas.merge(rates.drop(columns=["n", *spread]), on="reader")
        rows += _records([areas])
    return rows, averages


def _area(study, ratings, level):
    """One reader's AUC with DeLong's interval (logit), by patient where some have several cases."""
    seen = ~np.isnan(ratings)
    truth, scores = study.truth[seen], ratings[seen]
    if truth.all() or not truth.any():
        return {"n": truth.size} | dict.fromkeys(("auc", "auc_low", "auc_high"), np.nan)
    if study.clustered:
        interval = clustered_auc_interval(truth, scores, study.unit[seen], level)
    else:
        interval = delong_interval(truth, scores, level, scale="logit")
    return {"n": truth.size, "auc": interval.estimate, "auc_low": interval.low, "auc_high": interval.high}


def _few(study):
    """Warn of a class of fewer than `FEWEST` units, of whose sampling nothing can be said; "" where there is none."""
    what = "patients" if study.clustered else "cases"
    units = {name: np.unique(study.unit[of]).size for name, of in (("fresh", study.truth), ("old", ~study.truth))}
    few = [f"{counted(n, what[:-1])} with {name}" for name, n in units.items() if n < FEWEST]
    return f"only {' and '.join(few)}: too few to tell how other cases would come out; rely on no p or interval" * bool(
        few
    )


def _one_answer(long, threshold):
    """Notes on readers whose ratings all lie on one side of the threshold: their scale may be another."""
    if threshold is None:
        return []
    ranges = long.groupby("reader", sort=False)["rating"].agg(["min", "max"])
    one = ranges[(ranges["min"] >= threshold) | (ranges["max"] < threshold)]
    return [
        f"all ratings of {r.Index} ({r.min:g} to {r.max:g}) lie {'below' if r.max < threshold else 'from'} the "
        f"threshold {threshold:g}{'' if r.max < threshold else ' upwards'}: is their scale another?"
        for r in one.itertuples()
    ]


def _together(said):
    """Say a sentence once for all covariances that it is true of."""
    of = {}
    for covariance, sentence in said:
        of.setdefault(sentence, []).append(covariance)
    return [f"{', '.join(covariances)}: {sentence}" for sentence, covariances in of.items()]


def _design(study):
    return {
        "treatments": list(study.treatments), "readers": list(study.readers), "cases": int(study.truth.size),
        "positives": int(study.truth.sum()), "negatives": int((~study.truth).sum()),
        "units": int(study.unit.max() + 1), "clustered": bool(study.clustered),
    }  # fmt: skip


def _records(tables):
    """Turn tables into a list of dict of plain Python values; None where there is no finite number."""
    return [
        {str(name): _plain(value) for name, value in row.items()}
        for table in tables
        for row in table.to_dict(orient="records")
    ]


def _plain(value):
    value = value.item() if isinstance(value, np.generic) else value
    if value is pd.NA or (isinstance(value, float) and not np.isfinite(value)):
        return None
    return value


def _grid(rows, *columns):
    """Set rows as a text table: each number with its interval where the row holds one."""
    columns = [c for c in columns if any(row.get(c) is not None for row in rows)]
    body = [[_cell(row, column) for column in columns] for row in rows]
    table = [list(columns), *body]
    widths = [max(len(row[i]) for row in table) for i in range(len(columns))]
    lines = ["  ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join(lines)


def _cell(row, column):
    value = row.get(column)
    if value is None or isinstance(value, str | int):
        return "-" if value is None else str(value)
    # the interval by patient where there is one
    names = [(f"{column}_low_clustered", f"{column}_high_clustered"), (f"{column}_low", f"{column}_high")]
    names = [("low", "high")] if column in ("estimate", "difference") else names
    ends = next(((row[low], row[high]) for low, high in names if low in row), None)
    text = f"{value:.4g}" if column in ("statistic", "df2", "p") else rounded(value, 3)
    if ends is None and f"{column}_sd" in row:  # an average over readers that varies with nothing
        ends = (None, None)
    if ends is None:
        return text
    return text + (" (not estimable)" if None in ends else f" ({rounded(ends[0], 3)} to {rounded(ends[1], 3)})")
