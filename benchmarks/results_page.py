"""What `results.py` writes from its rows: a page of tables, and a figure of the ratios."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

TITLES = {
    "frozen_forward": "Frozen trunks",
    "training": "Training",
    "last_stage": "The last stage",
    "frozen_study": "The frozen study",
    "laptop": "The laptop profile's networks, whole",
    "statistics": "Statistics",
    "scaling": "From 720 to 72,000 patches",
    "cluster": "Dask workers",
}
HEAD = """# Results of the benchmarks

Made by `make bench` (`benchmarks/results.py`) from `results.json`, which holds the same rows. A ratio is the seconds of
the peer by ours, both timed in turns in one run; above 1 ours is faster. Patches and scores are made up. Weights are
random; scaling and Dask workers take EfficientNet-Lite0's packaged ones.

![ratios of all comparisons](results.png)
"""
PEER_COLUMNS = ("times as fast", "must reach", "kept", "what", "beside", "ours", "peer", "remarks")
EXPONENT, PEAK_MB, TWO_WORKERS = 1.1, 4000, 1.7  # limits that the rows of scaling and cluster do not carry


def page(results: dict[str, dict]) -> str:
    """Return the page (Markdown) of `results.json`: each part's machine, then its rows."""
    return "\n".join([HEAD, *(line for name in TITLES if name in results for line in _part(name, results[name]))])


def _part(name: str, part: dict) -> Iterator[str]:
    """Lines of one part."""
    took = f", {part['seconds']:.0f} s in all" if "seconds" in part else ""
    yield f"## {TITLES[name]}\n"
    yield f"`{part['command']}`, {part['machine']}, {part['date']}{took}.\n"
    if part["quick"]:
        yield "**A rehearsal: sizes so small that the figures mean nothing.**\n"
    if failed := part.get("failed"):
        yield f"Not whole: {failed}\n"
    rows = [row for row in part["rows"] if "lacking" not in row]
    tables = {"scaling": scaling_table, "cluster": cluster_table, "laptop": laptop_table}
    if rows:
        yield "\n".join(tables.get(name, peer_table)(rows)) + "\n"
    for row in part["rows"]:
        if "lacking" in row:
            yield f"Not measured: {row['what']}; {row['lacking']} is not installed (`pip install 'ovcf[peers]'`).\n"


# ---------------------------------------------------------------- rows to tables
def ratio(row: dict) -> float:
    """How many times as fast as the peer ours was."""
    return row["peer_s"] / row["ours_s"]


def kept(row: dict) -> bool | None:
    """Whether a row reaches its limit; None where it has none."""
    return ratio(row) >= row["at_least"] if "at_least" in row else None


def digits(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 1e-4 else f"{value:.1g}"


def duration(seconds: float) -> str:
    """Seconds in the unit that is read most easily."""
    if seconds >= 3 * 3600:
        return f"{digits(seconds / 3600)} h"
    return f"{digits(seconds)} s" if seconds >= 1 else f"{digits(seconds * 1000)} ms"


def peer_table(rows: list[dict]) -> list[str]:
    """Table of comparisons, the ratio first."""
    return _table(PEER_COLUMNS, [_peer_row(row) for row in rows])


def _peer_row(row: dict) -> tuple[str, ...]:
    limit = digits(row["at_least"]) if "at_least" in row else ""
    times = (duration(row["ours_s"]), duration(row["peer_s"]))
    return f"**{digits(ratio(row))}**", limit, _answer(kept(row)), row["what"], row["peer"], *times, row.get("note", "")


def scaling_table(rows: list[dict]) -> list[str]:
    """Table of stages: exponent first, then seconds and the largest process at each number of patches."""
    exponents = {row["stage"]: row["exponent"] for row in rows if "exponent" in row}
    sizes = sorted({row["patches"] for row in rows if "patches" in row})
    head = ("exponent", "at most", "kept", "stage", *(f"{n:,} patches" for n in sizes))
    return _table(head, [_stage(stage, exponents[stage], sizes, rows) for stage in exponents])


def _stage(stage: str, exponent: float | None, sizes: list[int], rows: list[dict]) -> tuple[str, ...]:
    """One row; a stage that is too short has no exponent."""
    of = {row["patches"]: row for row in rows if row["stage"] == stage and "patches" in row}
    small = all(row["peak_mb"] < PEAK_MB for row in of.values())
    said = [f"{duration(of[n]['seconds'])}, {of[n]['peak_mb']:,} MB" if n in of else "" for n in sizes]
    grows = "too short to say" if exponent is None else f"**{exponent:.2f}**"
    return grows, f"{EXPONENT}, {PEAK_MB:,} MB", _answer(small and (exponent or 0) <= EXPONENT), stage, *said


def cluster_table(rows: list[dict]) -> list[str]:
    """Table of passes: how many times as fast as one worker, and whether the bits were the same."""
    cells = []
    for row in rows:
        two = row["what"].startswith("two workers") and "killed" not in row["what"]
        good = row["identical"] and not (two and (row["ratio"] or 0) < TWO_WORKERS)
        fast = f"**{row['ratio']:.2f}**" if row["ratio"] else ""
        must = f"{TWO_WORKERS}, same bits" if two else "same bits"
        cells.append((fast, must, _answer(good), row["what"], duration(row["seconds"])))
    return _table(("times as fast as one worker", "must reach", "kept", "what", "took"), cells)


def laptop_table(rows: list[dict]) -> list[str]:
    """Table of seconds, a network a row, then all of them beside their limit."""
    cells = []
    for row in rows:
        limit = row.get("at_most")
        good = None if limit is None else row["seconds"] <= limit
        cells.append((row["what"], duration(row["seconds"]), f"{limit:,} s" if limit else "", _answer(good)))
    return _table(("what", "took", "at most", "kept"), cells)


def _answer(held: bool | None) -> str:
    return "" if held is None else "yes" if held else "**no**"


def _table(head: tuple[str, ...], cells: list[tuple[str, ...]]) -> list[str]:
    """Lines of a table; a column that is empty throughout is left out."""
    used = [i for i in range(len(head)) if any(row[i] for row in cells)]
    lines = [[row[i] for i in used] for row in (head, ("---",) * len(head), *cells)]
    return [f"| {' | '.join(line)} |" for line in lines]


# ---------------------------------------------------------------- the figure
def figure(results: dict[str, dict], path: Path) -> None:
    """Draw the ratio of each comparison, part by part, on one logarithmic scale; a bar marks the limit."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    from ovcf.figures.style import set_style

    rows = [(name, row) for name in TITLES for row in results.get(name, {"rows": ()})["rows"] if "peer_s" in row]
    if not rows:
        return
    set_style()
    drawn, ax = plt.subplots(figsize=(10, 1.2 + 0.24 * (len(rows) + len({name for name, _ in rows}))))
    draw_ratios(ax, rows)
    drawn.savefig(path, dpi=120, metadata={"Software": None})
    plt.close(drawn)


def draw_ratios(ax, rows: list[tuple[str, dict]]):
    """Draw one line a comparison into `ax`: a dot at the ratio, a bar at the limit, a dashed line at 1."""
    from ovcf.figures.style import GREY, INK, SMALL, reader_colours

    colours, place, labels = reader_colours(TITLES), 0, {}
    for name, part in groupby(rows, key=lambda pair: pair[0]):
        labels[place] = TITLES[name]
        for _, row in part:
            place += 1
            labels[place] = f"{row['what']} : {row['peer']}"
            ax.plot([1, ratio(row)], [place] * 2, color=colours[name], lw=1.2)
            ax.plot(ratio(row), place, "o", color=colours[name], ms=5, zorder=3)
            right = max(ratio(row), row.get("at_least", 1), 1), place
            ax.annotate(digits(ratio(row)), right, (7, 0), textcoords="offset points", va="center", fontsize=SMALL)
            if "at_least" in row:
                ax.plot(row["at_least"], place, "|", color=INK, ms=11, mew=1.6, zorder=4)
        place += 1
    ax.axvline(1, color=GREY, ls="--", lw=1)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_ylim(place - 0.2, -0.8)
    ax.set_yticks(list(labels), list(labels.values()), fontsize=SMALL)
    for tick, words in zip(ax.get_yticklabels(), labels.values(), strict=True):
        tick.set_fontweight("bold" if words in TITLES.values() else "normal")
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("times as fast as the peer (bar: limit)")
    ax.margins(x=0.15)
    return ax
