"""Tiny fixed tables, from which the printed ones are made; and a table's cells as lines of text."""

import pandas as pd

# 24 vertebrae of 16 patients in two folds; the probabilities of fresh in percent. 1 is fresh.
TRUTH = "110100110100101100101011"
PATIENTS = [1, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 8, 9, 10, 10, 11, 12, 13, 13, 13, 14, 15, 16, 16]
P_FRESH = {
    "resnet101": [91, 62, 38, 55, 44, 12, 71, 47, 29, 83, 58, 57, 66, 35, 77, 52, 41, 18, 93, 56, 61, 49, 88, 27],
    "alexnet": [58, 71, 61, 43, 39, 47, 55, 66, 35, 52, 45, 63, 49, 57, 68, 60, 33, 54, 72, 46, 38, 59, 51, 62],
}
LEVELS = "T12 L1 L1 T8 T12 L2 L4 T12 L1 T11 L1 T12 L1 L3 T9 T12 L1 T7 L1 L2 T12 T10 L1".split() + [""]
# Three readers on eight of the vertebrae: F, f fresh and O, o old, the capitals sure of it
CASES = [0, 1, 2, 4, 6, 8, 9, 10]
ANSWERS = {
    "unaided": {"r1": "FoOFofFo", "r2": "FFfOfOoF", "r3": "oFOofFFO"},
    "aided": {"r1": "FFOOfOFo", "r2": "FFoOFOFF", "r3": "FFOOFoFf"},
}


def predictions() -> pd.DataFrame:
    """Two networks' predictions of 24 vertebrae, split by patient."""
    about = {
        "split": "patient",
        "fold": [1] * 12 + [2] * 12,
        "patch_id": [f"v{i:02}" for i in range(24)],
        "patient_id": [f"p{i:02}" for i in PATIENTS],
        "truth": [int(t) for t in TRUTH],
    }
    parts = [pd.DataFrame({"network": n, **about, "p_fresh": [x / 100 for x in p]}) for n, p in P_FRESH.items()]
    return pd.concat(parts, ignore_index=True)


def one_network() -> pd.DataFrame:
    """Predictions of ResNet101 alone."""
    table = predictions()
    return table[table.network == "resnet101"].reset_index(drop=True)


def by_patch() -> pd.DataFrame:
    """The same network with its folds dealt by patch: each probability a little nearer to the truth."""
    table = one_network()
    nearer = table.p_fresh + 0.1 * (table.truth - table.p_fresh)
    return table.assign(split="patch", fold=[1, 2] * 12, p_fresh=nearer.round(3))


def patches() -> pd.DataFrame:
    """The vertebrae as a cohort has them, with boxes, ages and sexes; two old ones are normal segments."""
    table = one_network()[["patch_id", "patient_id", "fold", "truth"]]
    number = pd.Series(range(24))
    return table.assign(
        label=table.truth.map({1: "fresh", 0: "old"}),
        level=LEVELS,
        age=60.0 + table.patient_id.str[1:].astype(int),
        sex=["female" if int(p[1:]) % 3 else "male" for p in table.patient_id],
        normal_segment=number.isin([2, 5]),
        x0=10.0,
        y0=20.0,
        x1=50.0 + number,
        y1=50.0,
        mm_per_px=0.25,
        spacing_origin=["PixelSpacing"] * 12 + ["ImagerPixelSpacing (at the detector)"] * 12,
    ).drop(columns="truth")


def readings() -> pd.DataFrame:
    """Three readers' answers without and with the model."""
    model, rows = one_network(), []
    for session, answers in ANSWERS.items():
        for reader, said in answers.items():
            for order, (case, letter) in enumerate(zip(CASES, said, strict=True), start=1):
                about = model.iloc[case]
                rows.append(
                    {
                        "reader": reader,
                        "session": session,
                        "order": order,
                        "patch_id": about.patch_id,
                        "patient_id": about.patient_id,
                        "truth": about.truth,
                        "answer": "fresh" if letter.lower() == "f" else "old",
                        "confidence": 5 if letter.isupper() else 2,
                        "seconds": 10.0,
                        "time": "2000-01-01T09:00:00",
                        "model_p_fresh": about.p_fresh if session == "aided" else float("nan"),
                    }
                )
    return pd.DataFrame(rows)


FIXED = {
    "unclustered_low": 0.2,
    "unclustered_high": 0.8,
    "_low_clustered": 0.3,
    "_high_clustered": 0.7,
    "low": 0.1,
    "high": 0.9,
    "p_holm": 0.5,
    "p_interaction": 0.6,
    "p_superiority": 0.3,
    "p_noninferiority": 0.4,
    "statistic": 2.0,
    "df2": 7.0,
    "p": 0.01,
}


def fixed_ends(table: pd.DataFrame) -> pd.DataFrame:
    """Put numbers that tell column and row for the ends of intervals and for p.

    How an interval or a p is had is tested with the statistics; here only where each is printed.
    """
    out, number = table.copy(), pd.Series(range(len(table)), index=table.index) / 1000
    for column in table:
        name = next((n for n in FIXED if column == n or column.endswith(n)), None)
        if name and pd.api.types.is_float_dtype(table[column]):
            out[column] = FIXED[name] + number
    return out


def across(table: pd.DataFrame) -> list[str]:
    """`lines` with the headings down the side: for tables of many columns."""
    turned = table.T
    turned.index = turned.index.map(lambda c: " ".join(filter(None, c)) if isinstance(c, tuple) else c)
    return lines(turned.rename_axis(""), index=True)


def lines(table: pd.DataFrame, *, index: bool = False) -> list[str]:
    """A table's headings and rows, cells apart by ` | `, spaces that do not break as plain ones."""
    kept = table.reset_index() if index else table
    heads = [" ".join(str(part) for part in c if part) if isinstance(c, tuple) else str(c) for c in kept.columns]
    rows = [[_text(value) for value in row] for row in kept.itertuples(index=False, name=None)]
    return [" | ".join(row).replace("\u00a0", " ") for row in [heads, *rows]]


def _text(value: object) -> str:
    """Numbers to six digits, so that a last bit says nothing."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
