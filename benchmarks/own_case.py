"""Own case: what an unknown pixel size does to the number, and what the model calls unusual.

    python benchmarks/own_case.py reports/demo [--real ../shared/real]

First the run's own patches are asked about without the size of their pixels: how many answers cross 0.5, and how far
they move, as own case takes the margin then, on the whole film and on one cut around the box, and with the parameter
margin_px. Then the distance to the training
patches: how much of what is no fractured vertebra is called unusual, by the model's own threshold and by the one that
calls 5 % of held-out training patches so. With --real also for a model that is trained here on chest films.
"""

import argparse
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ovcf.cohort.crop import crop_patch, margin_in_px, margins_of_width
from ovcf.cohort.films import read_film
from ovcf.cohort.sizes import sizes_of
from ovcf.predict import load_model, prepare_case
from ovcf.predict.answer import over_margins
from ovcf.problems import InputError

MOST = 600  # patches of a kind
FALSE_ALARMS = 0.05
BONES = ("WG04_RG2_JLSN.dcm", "WG04_RG3_J2KR.dcm")  # hip, tibia
TRAINED_SHARE = 0.6  # of the chest films' patients; the others are held out


def main(run: Path, real: Path | None) -> None:
    """Print both tables."""
    from ovcf.study import Study

    study, model = Study(run, adds=False), load_model(run)
    how, patches = model.card["preprocessing"], study.patches
    model.card.setdefault("margins_of_width", margins_of_width(patches, how["margin_mm"], how["margin_px"]))
    model.card.setdefault("sizes", sizes_of(patches))
    print(f"margin as a share of the box's width, 5th to 95th percentile: {model.card['margins_of_width']}")
    print(f"sizes of training's films: {model.card['sizes']}", flush=True)
    without_size(study, model)
    kinds = {"training films' healthy vertebrae": healthy(study, model)}
    if real:
        kinds |= strangers(real, model.card["preprocessing"])
    unusual(f"run {run.name} ({model.card['data']['kind']})", model, None, kinds)
    if real:
        chest_model(real)


# The margin without a pixel size ----------------------------------------------------------------------------


def without_size(study: Any, model: Any) -> None:
    """Print how many of the run's own answers cross 0.5 when the size of their pixels is withheld."""
    true, fixed, unknown, cut_film = [], [], [], []
    for image, rows in study.patches.dropna(subset=["x0"]).groupby("image", sort=False):
        film = read_film(study.cohort.root / image)._replace(mm_per_px=math.nan)
        for row in rows.itertuples():
            box = (row.x0, row.y0, row.x1, row.y1)
            true.append(prepare_case(film, box, model, mm_per_px=row.mm_per_px).patch)
            unknown.append(by_mean(film, box, model))
            cut_film.append(by_mean(*part_of(film, box), model))
            fixed.append(cut(film.pixels, box, model.card["preprocessing"]["margin_px"], model.card["preprocessing"]))
    p = model.predict(np.stack(true)).p_fresh.to_numpy()
    report("the run's films", p, np.array(unknown))
    report("films cut around the box", p, np.array(cut_film))
    q = model.predict(np.stack(fixed)).p_fresh.to_numpy()
    report("margin_px, whatever the film", p, np.c_[q, q, q, np.zeros(len(q))])


def by_mean(film: Any, box: tuple, model: Any) -> tuple[float, float, float, float]:
    """P(fresh) of a vertebra of unknown size as own case gives it; its range; the share of the likeliest size."""
    found = prepare_case(film, box, model)
    (p, *_), among = over_margins(model.members(found.patches), found.margins.weights)
    return p, *among, found.margins.sizes[0][1] if found.margins.sizes else 0.0


def part_of(film: Any, box: tuple) -> tuple[Any, tuple]:
    """A film cut to the rows around a box, as a picture saved from a viewer may be, and the box on it."""
    tall = box[3] - box[1]
    first = max(int(box[1] - tall), 0)
    part = film._replace(pixels=film.pixels[first : int(box[3] + tall) + 1])
    return part, (box[0], box[1] - first, box[2], box[3] - first)


def report(name: str, p: np.ndarray, unknown: np.ndarray) -> None:
    """Print how far answers moved; `unknown` holds p, lowest, highest and the share of the likeliest size."""
    q, low, high, share = unknown.T
    moved, crossed = np.abs(p - q), (p >= 0.5) != (q >= 0.5)
    print(f"{name}: {crossed.sum()} of {len(p)} ({crossed.mean():.1%}) cross 0.5; ", end="")
    print(f"mean change {moved.mean():.3f}, 95th percentile {np.percentile(moved, 95):.3f}")
    if (high > low).any():
        inside, warned = (p >= low) & (p <= high), (low < 0.5) & (high >= 0.5)
        print(f"  a size of training's fits {np.mean(share > 0):.1%}; the range shown holds the number ", end="")
        print(f"with the true size in {inside.mean():.1%}; of the {crossed.sum()} that crossed ", end="")
        print(f"{warned[crossed].sum()} were said to depend on it ({warned.mean():.1%} of all are)", flush=True)


def cut(pixels: np.ndarray, box: Any, margin: float, how: dict) -> np.ndarray:
    """Cut one patch as a model's preprocessing says, whatever its margin."""
    return crop_patch(pixels, box, margin_px=margin, size=how["image_size"], equalisation=how["equalisation"])


# What is unusual --------------------------------------------------------------------------------------------


def unusual(name: str, model: Any, held_out: np.ndarray | None, kinds: dict[str, np.ndarray]) -> None:
    """Print the share of each kind that is called unusual, by the model's threshold and at 5 % false alarms."""
    own = model.predict(held_out).distance.to_numpy() if held_out is not None else model._reference.distances
    least = float(np.quantile(own, 1 - FALSE_ALARMS))
    shipped = model.card["unlike"]["threshold"]
    which = "held-out patches" if held_out is not None else "training patches, each against other patients'"
    print(f"{name}: {len(own)} {which}: {np.mean(own > shipped):.1%} called unusual by the model's threshold")
    for kind, images in kinds.items():
        far = model.predict(images).distance.to_numpy()
        print(f"  {kind} ({len(far)}): {np.mean(far > shipped):.1%}; at 5 % false alarms {np.mean(far > least):.1%}")


def healthy(study: Any, model: Any) -> np.ndarray:
    """Patches of vertebrae that are drawn on the run's films and are not fractured."""
    table = pd.read_csv(study.cohort.root / "vertebrae.csv")
    table = table[~table["fractured"]].sample(MOST, random_state=0)
    size = study.patches.drop_duplicates("image").set_index("image")["mm_per_px"]
    how, patches = model.card["preprocessing"], []
    for film, rows in table.groupby("film"):
        pixels = read_film(study.cohort.root / film).pixels
        margin = margin_in_px(size.get(film, math.nan), how["margin_mm"], how["margin_px"])
        boxes = rows[["x0", "y0", "x1", "y1"]].to_numpy()
        patches += [cut(pixels, box, margin, how) for box in boxes if whole(box, pixels.shape)]
    return np.stack(patches)


def whole(box: np.ndarray, shape: tuple[int, int]) -> bool:
    """Whether a box lies on the film."""
    return box[0] >= 0 and box[1] >= 0 and box[2] <= shape[1] and box[3] <= shape[0]


def strangers(real: Path, how: dict) -> dict[str, np.ndarray]:
    """Frontal vertebrae, crops of other bones, and whole chest films, as patches."""
    rng = np.random.default_rng(0)
    bones = {
        f"crops of {'a hip' if 'JLSN' in name else 'a tibia'}": crops(real / "dicom" / name, how, rng) for name in BONES
    }
    return {"frontal vertebrae": frontal(real / "spine_frontal", how, rng), **bones, "chest films": chest(real, how)[0]}


def frontal(folder: Path, how: dict, rng: np.random.Generator) -> np.ndarray:
    """Vertebrae of frontal films, a margin of 13 % of their width around the boxes."""
    patches = []
    for image in sorted((folder / "images").glob("*.jpg")):
        pixels = read_film(image).pixels
        height, width = pixels.shape
        for line in (folder / "labels" / f"{image.stem}.txt").read_text().splitlines():
            if len(values := [float(v) for v in line.split()]) != 5:
                continue
            _, x, y, w, h = values
            box = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
            patches.append(cut(pixels, box, 0.13 * w * width, how))
    return np.stack([patches[k] for k in rng.permutation(len(patches))[:MOST]])


def crops(path: Path, how: dict, rng: np.random.Generator, count: int = 200) -> np.ndarray:
    """Random crops of one film, an eighth to a third of its shorter side."""
    pixels = read_film(path).pixels
    patches = []
    while len(patches) < count:
        side = rng.uniform(1 / 8, 1 / 3) * min(pixels.shape)
        x, y = rng.uniform(0, pixels.shape[1] - side), rng.uniform(0, pixels.shape[0] - side)
        box = (x, y, x + side, y + side)
        crop = pixels[int(y) : int(y + side), int(x) : int(x + side)]
        if crop.mean() > 0.1 and np.ptp(crop) > 0.1:  # not the empty film around the bone
            patches.append(cut(pixels, box, 0, how))
    return np.stack(patches)


def chest(real: Path, how: dict) -> tuple[np.ndarray, pd.DataFrame]:
    """Whole chest films as patches, with their table: pneumonia stands for fresh, no finding for old."""
    table = pd.read_csv(real / "chest" / "labels.csv", dtype=str)
    images = np.stack([cut(read_film(real / "chest" / image).pixels, None, 0, how) for image in table["image"]])
    labels = np.where(table["label"] == "pneumonia", "fresh", "old")
    return images, table.assign(
        patch_id=[f"c{k}" for k in range(len(table))], label=labels, level="", image=table.image
    )


def chest_model(real: Path) -> None:
    """Train a model on chest films of some patients; what does it call unusual?"""
    from ovcf.cohort.folds import assign_folds
    from ovcf.models.card import Origin
    from ovcf.models.crossval import cross_validate
    from ovcf.models.final import load_final
    from ovcf.models.making import train_final
    from ovcf.models.recipe import Recipe

    how = {"image_size": 112, "margin_mm": 5.0, "margin_px": 8.0, "equalisation": "histogram", "context": 0}
    images, table = chest(real, how)
    people = np.random.default_rng(0).permutation(table["patient_id"].unique())
    seen = table["patient_id"].isin(people[: int(TRAINED_SHARE * len(people))]).to_numpy()
    patches = table[seen].reset_index(drop=True)
    patches["fold"] = assign_folds(patches, folds=5, split="patient", seed=0)
    recipe = Recipe(weights="packaged", epochs=30)
    with tempfile.TemporaryDirectory() as folder:
        where = {"cache": Path(folder) / "cache", "progress": False}
        said = cross_validate(images[seen], patches, ["efficientnet_lite0"], recipe, **where).assign(split="patient")
        options = {"recipe": recipe, "origin": Origin(how, synthetic=False), "out": Path(folder) / "model", **where}
        model = load_final(train_final(images[seen], patches, said, **options))
        kinds = strangers(real, how)
        del kinds["chest films"]
        unusual(f"{seen.sum()} chest films", model, images[~seen], kinds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a finished run on the synthetic cohort")
    parser.add_argument("--real", type=Path, help="folder with chest/, spine_frontal/ and dicom/")
    given = parser.parse_args()
    try:
        main(given.run, given.real)
    except InputError as error:
        raise SystemExit(str(error)) from None
