"""The browser's gallery without a kernel: one HTML fragment for the report and for an executed notebook.

Every picture is a data URI and every text is escaped. Without script all tiles are shown with what every
network said; with `SCRIPT` at the end of the page they can be filtered. The report allows exactly that script
by its hash (`SCRIPT_SHA256`) in the page's Content-Security-Policy.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from ovcf.figures.style import OUTCOME_NAMES
from ovcf.predict.answer import sided
from ovcf.viz.image_data import data_uri, thumbnail
from ovcf.viz.outcomes import mistakes_first, networks_of, outcome_of
from ovcf.words import network_title

# Shapes go with the colours, so that nothing is told by colour alone.
OUTCOME_MARKS = {"FN": "▼", "FP": "▲", "TP": "●", "TN": "○"}

ON_PAPER = 48  # tiles that gallery.css prints

STATIC = Path(__file__).parent / "static"
STYLE = (STATIC / "gallery.css").read_text(encoding="utf-8")
SCRIPT = (STATIC / "gallery.js").read_text(encoding="utf-8")
SCRIPT_SHA256 = "sha256-" + base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()


def gallery_html(
    table: pd.DataFrame,
    images: Any,
    *,
    limit: int = 160,
    right: int = 16,
    size: int = 112,
    names: Mapping[str, str] | None = None,
) -> str:
    """Draw a browse table as a self-contained HTML fragment.

    Parameters
    ----------
    table : DataFrame
        From `browse_table`; the network it was made for is the one shown first.
    images : sequence of uint8 (h, w)
        The cohort's patches, found by the table's `row`.
    limit : int
        Most tiles: misclassified ones by loss, then those other networks got wrong, then `right` others.
    size : int
        Thumbnail edge in px; a tile costs about 5 kB.
    names : mapping, optional
        Of networks to what a reader must know with the name (random weights); others have their printed names.

    Returns
    -------
    str
        A `<section class="ovcf-gallery">`. Place `SCRIPT` once, after the last gallery of the page, as
        `<script>` + SCRIPT + `</script>`; without it the filters stay hidden and every tile is readable.
    """
    chosen = mistakes_first(table, limit=limit, right=right)
    rows = chosen.to_dict("records")
    tiles = "\n".join(tile_html(row, thumbnail(images[row["row"]], size=size), names) for row in rows)
    network = chosen["network"].iloc[0] if len(chosen) else ""
    threshold = f" at {chosen['threshold'].iloc[0]:g}" if len(chosen) else ""
    head = (
        f"{int(table['outcome'].isin(['FN', 'FP']).sum())} of {len(table)} patches are misclassified by "
        f"{network_name(network, names)}{threshold}; {len(chosen)} tiles: its mistakes by loss, then patches other "
        "networks got wrong, then some that all had right."
    )
    return (
        f'<section class="ovcf-gallery" aria-label="Gallery of patches"><style>{STYLE}</style>'
        f'<p>{escape(head)}</p>{_filters(chosen, network, names)}<p role="status"></p>\n'
        f'<p class="on-paper">On paper the first {ON_PAPER} tiles at most, without the other networks; all are in '
        "report.html.</p>\n"
        f'<ul tabindex="0" aria-label="Patches">\n{tiles}\n</ul></section>'
    )


def tile_html(row: dict, picture: bytes, names: Mapping[str, str] | None = None) -> str:
    """One patch of a browse table: picture, names, and what the chosen and every other network said."""
    said = network_answers(row)
    outcome, p_fresh = row["outcome"], sided(row["p_fresh"], row["threshold"])
    level = str(row.get("level") or "unknown")
    every = "".join(
        f"<dt>{escape(network_name(n, names))}</dt><dd>{OUTCOME_MARKS[o]} {p}</dd>" for n, (o, p) in said.items()
    )
    place = f"{row['patient_id']}, {level}"
    described = f"Patch {row['patch_id']} of patient {place}: {OUTCOME_NAMES[outcome]}"
    return (
        f'<li data-outcome="{outcome}" data-level="{escape(level)}" '
        f'data-networks="{escape(json.dumps(said))}">'
        f'<img src="{data_uri(picture)}" alt="{escape(described)}"><b>{escape(str(row["patch_id"]))}</b><br>'
        f'{escape(place)}<br><span class="said">{OUTCOME_MARKS[outcome]} {OUTCOME_NAMES[outcome]}, '
        f"P(fresh) {p_fresh}</span><dl>{every}</dl></li>"
    )


def network_answers(row: dict) -> dict[str, tuple[str, str]]:
    """Outcome and printed probability of fresh by every network that was asked about a row's patch."""
    p = {name: row[f"p_fresh_{name}"] for name in networks_of(pd.DataFrame(columns=list(row)))}
    return {
        n: (str(outcome_of(row["truth"], v, row["threshold"])), sided(v, row["threshold"]))
        for n, v in p.items()
        if v == v
    }


def network_name(network: str, names: Mapping[str, str] | None = None) -> str:
    """A network's name as it is written in words, with what `names` says of it."""
    return (names or {}).get(network) or network_title(str(network))


def _filters(chosen, network, names) -> str:
    """The form, hidden until the script shows it: without script nothing pretends to work."""
    networks = {n: network_name(n, names) for n in networks_of(chosen)}
    outcomes = {"any": "any", "wrong": "wrong", "right": "right"} | {
        code: f"{OUTCOME_MARKS[code]} {name}" for code, name in OUTCOME_NAMES.items()
    }
    present = chosen["level"].fillna("").astype(str).replace("", "unknown") if "level" in chosen else []
    levels = {"any": "any"} | {level: level for level in sorted(set(present), key=anatomical)}
    return (
        f'<form hidden data-names="{escape(json.dumps(OUTCOME_NAMES))}" '
        f'data-marks="{escape(json.dumps(OUTCOME_MARKS))}">'
        + _select("network", "Network", networks, network)
        + _select("outcome", "Outcome", outcomes, "any")
        + _select("level", "Level", levels, "any")
        + "</form>"
    )


def _select(name, label, options, chosen) -> str:
    """A labelled drop-down."""
    items = "".join(
        f'<option value="{escape(str(value))}"{" selected" if value == chosen else ""}>{escape(str(text))}</option>'
        for value, text in options.items()
    )
    return f'<label>{label}<select name="{name}">{items}</select></label>'


def anatomical(level: object) -> tuple:
    """T before L, then the number; unknown last."""
    return ({"T": 0, "L": 1}.get(level[:1], 2), int(level[1:]) if level[1:].isdigit() else 0)
