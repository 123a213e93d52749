"""Boxes proposed along the spine: how well they fit, and whether they count the level rightly.

    python benchmarks/annotation.py [--films 100] [--real ../shared/real]

After two correct boxes that lie next to one another the next three are proposed, downwards and upwards, from every such
pair of a film that has three more; a proposal that is missing has an IoU of 0 and no level. The level is right where
the vertebra that a proposal overlaps most has the proposed level (on the frontal films, which have no levels: where it
is the one that follows in the count). Synthetic films have every vertebra's true box; the frontal ones are real, with
boxes that their authors drew. Intervals resample films.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ovcf.annotation.spine import Seen, propose
from ovcf.cohort.films import read_film
from ovcf.intake.annotators import box_iou
from ovcf.words import BOX, LEVELS

NEXT = 3


def synthetic_films(count: int, seed: int = 7) -> Iterator[tuple[np.ndarray, list[Seen]]]:
    """Yield films drawn by this software with all their vertebrae, from above downwards."""
    from ovcf.synthetic import synthesise

    with tempfile.TemporaryDirectory() as folder:
        manifest = synthesise(folder, patients=count, seed=seed, workers=1, progress=False)
        table = pd.read_csv(manifest.parent / "vertebrae.csv")
        table = table[table["level"].isin(LEVELS)]
        for film, rows in table.groupby("film"):
            places = [Seen(tuple(row[:4]), row[4]) for row in rows[[*BOX, "level"]].itertuples(index=False)]
            yield read_film(manifest.parent / film).pixels, places


def real_films(real: Path) -> list[tuple[np.ndarray, list[Seen]]]:
    """Return the frontal spine films with their boxes, from above downwards; lines that are no box are left out."""
    films = []
    for path in sorted((real / "spine_frontal" / "images").glob("*.jpg")):
        pixels = read_film(path).pixels
        height, width = pixels.shape
        lines = (path.parents[1] / "labels" / f"{path.stem}.txt").read_text().splitlines()
        boxes = [list(map(float, line.split()[1:])) for line in lines if len(line.split()) == 5]
        places = [
            Seen(((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height))
            for x, y, w, h in boxes
        ]
        films.append((pixels, sorted(places, key=lambda one: one.box[1] + one.box[3])))
    return films


def first_proposals(pixels: np.ndarray, places: list[Seen], *, every: int = 1) -> pd.DataFrame:
    """Return a row a proposal: down, step (1 to 3), iou with the vertebra meant, level_right."""
    rows = []
    for down in (True, False):
        chain = places if down else places[::-1]
        for start in range(0, len(chain) - NEXT - 1, every):
            found = propose(chain[start : start + 2], NEXT, down=down, pixels=pixels)
            for step in range(NEXT):
                meant = start + 2 + step
                overlap = _overlaps(found[step].box, chain) if step < len(found) else np.zeros(len(chain))
                right = bool(overlap.max() > 0 and overlap.argmax() == meant)
                right = right and found[step].level == chain[meant].level
                rows.append((down, step + 1, overlap[meant], right))
    return pd.DataFrame(rows, columns=["down", "step", "iou", "level_right"])


def _overlaps(box: tuple, chain: list[Seen]) -> np.ndarray:
    others = np.array([one.box for one in chain], float)
    return box_iou(np.tile(box, (len(others), 1)), others)


def summary(kind: str, by_film: list[pd.DataFrame], resamples: int = 500) -> pd.DataFrame:
    """Return the median IoU and the share of right levels, with 95 % intervals that resample films."""
    rng, rows = np.random.default_rng(0), []
    for name, of in (("median IoU", lambda t: t["iou"].median()), ("level right", lambda t: t["level_right"].mean())):
        for step in (0, 1, 2, 3):
            parts = [film if not step else film[film["step"] == step] for film in by_film]
            parts = [part[["iou", "level_right"]] for part in parts if len(part)]
            draws = [
                of(pd.concat([parts[i] for i in rng.integers(0, len(parts), len(parts))])) for _ in range(resamples)
            ]
            low, high = np.percentile(draws, [2.5, 97.5])
            which = "all three" if not step else f"number {step}"
            rows.append((kind, name, which, of(pd.concat(parts)), low, high, sum(map(len, parts)), len(parts)))
    return pd.DataFrame(rows, columns=["films", "figure", "proposal", "value", "low", "high", "proposals", "n_films"])


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=100)
    parser.add_argument("--real", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "real")
    asked = parser.parse_args()
    tables = [summary("synthetic lateral", [first_proposals(*film) for film in synthetic_films(asked.films)])]
    if asked.real.is_dir():
        tables.append(summary("real frontal", [first_proposals(*film) for film in real_films(asked.real)]))
    print(pd.concat(tables).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
