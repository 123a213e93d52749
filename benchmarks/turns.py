"""Competitors timed in turns within one process, and the row in which two of them stand side by side."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Job = Callable[[], float]  # does its work once and returns the seconds that count


def seconds_of(call: Callable, *arguments: Any) -> float:
    """Return how long one call takes."""
    started = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - started


def in_turns(jobs: Mapping[str, Job], rounds: int) -> dict[str, float]:
    """Return the least seconds of each job over `rounds` turns of all of them, after one that warms up.

    Every other turn goes backwards, so that none always comes after the same one.
    """
    least = dict.fromkeys(jobs, float("inf"))
    for turn in range(rounds + 1):
        for name in list(jobs)[:: -1 if turn % 2 else 1]:
            seconds = jobs[name]()
            least[name] = min(least[name], seconds) if turn else least[name]
    return least


def beside(what: str, ours: float, peer: str, theirs: float, **more: Any) -> dict[str, Any]:
    """Return the row of one comparison, in seconds of the same work.

    `more` may hold `at_least`, the limit of the ratio theirs / ours, and `note`, words that belong to the row.
    """
    return {"what": what, "peer": peer, "ours_s": ours, "peer_s": theirs} | more


def lacking(what: str, package: str) -> dict[str, str]:
    """Return the row that stands where a peer is not installed."""
    return {"what": what, "lacking": package}


def show(rows: list[dict]) -> list[dict]:
    """Print rows, and hand them on."""
    for row in rows:
        if "lacking" in row:
            print(f"{row['what']}: {row['lacking']} is not installed", flush=True)
            continue
        limit = f" (at least {row['at_least']})" if "at_least" in row else ""
        print(
            f"{row['peer_s'] / row['ours_s']:10.2f} times{limit}: {row['what']}: ours {row['ours_s']:.4g} s, "
            f"{row['peer']} {row['peer_s']:.4g} s",
            flush=True,
        )
    return rows


def keep(rows: list[dict], path: Path | None) -> None:
    """Keep rows as JSON where a path is given."""
    if path:
        path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
