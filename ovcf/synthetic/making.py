"""The synthetic cohort: simulated lateral spine radiographs of Table 1's vertebrae, to try the study with.

Nothing here comes from a patient. The films are drawn (`phantom` from `anatomy`, `bone`, `surroundings` and
`exposure`) for the people of `roster`; the true effect sizes are arguments, stored in cohort.json.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock
from joblib import Parallel, delayed
from PIL import Image

from ovcf.files import write_text, writing
from ovcf.problems import InputError, Problem, unknown
from ovcf.processes import end_with_parent
from ovcf.progress import bar
from ovcf.synthetic import roster
from ovcf.synthetic.hospitals import HOSPITALS
from ovcf.synthetic.phantom import Effects, portray

# SD of a box's corners in mm, and agreement with MRI: the paper's two have 27 and 11 years of experience.
ANNOTATORS = {"a": (0.9, 0.93), "b": (1.3, 0.88)}
EDGE = 0.036  # share of a film that the collimator may hide at each side


USUAL = Effects()  # what a run draws


def kept_cohort(home: Path, *, patients: int, seed: int, workers: int, hospital: str = "A") -> Path:
    """Return the manifest of a usual cohort under `home`, drawn there where it is not yet.

    Its folder is named by all that it depends on, and by the drawing (`Hospital.drawing`).
    """
    which = "" if hospital == "A" else f"hospital-{hospital.lower()}-"
    drawing = HOSPITALS[hospital].drawing
    folder = home / f"synthetic-{which}{patients}-patients-seed-{seed}-drawing-{drawing}"
    manifest = folder / "manifest.csv"
    if not manifest.is_file():  # written last
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / f".{folder.name}.lock"):  # who comes second waits: drawing begins by clearing the folder
            if not manifest.is_file():
                synthesise(folder, patients=patients, seed=seed, hospital=hospital, workers=workers)
    return manifest


def synthesise(
    out: str | Path,
    *,
    patients: int = 405,
    seed: int = 0,
    effects: Effects = USUAL,
    hospital: str = "A",
    workers: int = 2,
    progress: bool = True,
) -> Path:
    """Write a synthetic cohort: films, manifest, vertebrae, studies and the parameters that made them.

    With 405 patients the 720 vertebrae have exactly Table 1's counts per level and class (364 fresh, 356
    old), 290 women, and 11 fresh fractures of normal height. Table 1's parentheses (normal segments labelled
    old) sum to 11 where the text says nine; the table is followed. Ages have mean 75 on [60, 98] and SD 10.5:
    the paper's 14 cannot be reached above the inclusion age of 60 (`roster.draw_ages`). Other sizes keep the
    proportions.

    Parameters
    ----------
    out : path
        Folder to write; made where it is missing.
    patients : int
        At least 6, so that both classes occur.
    seed : int
        The same seed gives the same bytes on any number of workers.
    effects : Effects
        How weak the signs are, how alike a patient's vertebrae, how strong the diaphragm.
    hospital : str
        "A", the paper's; or "B", another one (`ovcf.synthetic.hospitals`): other scanners, levels and prevalence. The
        counts above hold for A.
    workers : int
        Processes that render.
    progress : bool
        Show a bar.

    Raises
    ------
    InputError
        For arguments out of range (all at once), or a folder with a manifest that is not synthetic.

    Returns
    -------
    Path
        out/manifest.csv: the `patches` table, plus both annotators' labels and boxes, scanner and heights
        (mm).
    """
    _check(patients, effects, hospital, workers)
    place, out = HOSPITALS[hospital], Path(out)
    _make_room(out)
    vertebrae, people = roster.roster(patients, seed, place)
    jobs = (delayed(_make_patient)(out, [seed, 3, i, *place.stream], people.iloc[i].to_dict(), rows, effects, place)
            for i, rows in vertebrae.groupby("patient"))  # fmt: skip
    done = Parallel(n_jobs=workers, return_as="generator")(jobs)
    done = list(bar(done, total=patients, desc="Synthetic films", unit="film", show=progress))
    manifest = pd.DataFrame([row for rows, _ in done for row in rows])
    manifest.insert(0, "patch_id", [f"{place.patch_prefix}{i + 1:04d}" for i in range(len(manifest))])
    _write_csv(pd.DataFrame([row for _, rows in done for row in rows]), out / "vertebrae.csv")
    _write_csv(roster.studies(people, seed, place), out / "studies.csv")
    write_text(out / "cohort.json", json.dumps(_settings(manifest, people, seed, effects, place), indent=2) + "\n")
    _write_csv(manifest, out / "manifest.csv")  # last: a manifest means that the cohort is whole
    return out / "manifest.csv"


def _check(patients: int, effects: Effects, hospital: str, workers: int) -> None:
    """Refuse arguments that no cohort can be made with, all at once."""
    limits = (("patients", patients, 6, 100_000, "6 to 100000"), ("difficulty", effects.difficulty, 0, 1, "0 to 1"),
              ("patient_correlation", effects.patient_correlation, 0, 0.99, "0 to 0.99"),
              ("diaphragm", effects.diaphragm, 0, 3, "0 to 3"), ("weave", effects.weave, 0, 3, "0 to 3"),
              ("workers", workers, 1, 1024, "1 to 1024"))  # fmt: skip
    problems = [Problem("parameter", f"{name} is out of range", column=name, found=str(value), allowed=words)
                for name, value, low, high, words in limits if not low <= value <= high]  # fmt: skip
    if hospital not in HOSPITALS:
        problems.append(unknown("hospital", hospital, HOSPITALS))
    if problems:
        raise InputError(problems)


def _make_room(out):
    """Make the folder, clearing a synthetic cohort that was there; refuse a folder that holds real data."""
    manifest, settings = out / "manifest.csv", out / "cohort.json"
    if manifest.exists():
        if not (settings.exists() and json.loads(settings.read_text(encoding="utf-8")).get("synthetic")):
            text = "this folder holds a manifest that is not a synthetic cohort's; it is left alone"
            raise InputError(Problem("not_empty", text, file=str(manifest), allowed="another --out folder"))
        manifest.unlink()  # first, so that an interrupted run leaves no manifest that promises films
        for film in (out / "films").glob("[PQ]*.png"):
            film.unlink()
    (out / "films").mkdir(parents=True, exist_ok=True)


def _settings(manifest, people, seed, effects, place) -> dict:
    """Return what cohort.json says."""
    return {
        "synthetic": True,
        "note": "Simulated radiographs; no patient data. Research use only.",
        "seed": seed,
        "hospital": place.name,
        "patients": len(people),
        "vertebrae": len(manifest),
        "fresh": int((manifest.label == "fresh").sum()),
        "old": int((manifest.label == "old").sum()),
        "normal_segments": int(manifest.normal_segment.sum()),
        "normal_segments_note": "Table 1's parentheses sum to 11, the text says nine; the table is followed.",
        "normal_height": int(manifest.normal_height.sum()),
        "difficulty": effects.difficulty,
        "patient_correlation": effects.patient_correlation,
        "diaphragm": effects.diaphragm,
        "weave": effects.weave,
        "separation_sd": effects.separation,
        "auc_ceiling": effects.ceiling,
        "age_mean": float(people.age.mean()),
        "age_sd_ddof1": float(people.age.std(ddof=1)),
        "age_note": "The paper prints 75 +- 14 but includes from 60; no SD of 14 on [60, 98].",
        "annotators": {k: {"box_sd_mm": v[0], "agreement": v[1]} for k, v in ANNOTATORS.items()},
    }


def _make_patient(out, stream, person, rows, effects, hospital):
    """Draw one patient and write the film; return the rows for the manifest and for vertebrae.csv."""
    end_with_parent()
    rng = np.random.default_rng(np.random.SeedSequence(stream))
    portrait = portray(person, rows, effects, rng, hospital)
    name = f"films/{person['patient_id']}.png"
    _write_png(portrait.film, out / name)
    return _patch_rows(rows, person, name, portrait, rng), _vertebra_rows(rows, person, name, portrait)


def _patch_rows(rows, person, name, portrait, rng):
    """Return the manifest's rows of one patient."""
    table, scanner = [], portrait.scanner
    bodies = {body.level: body for body in portrait.bodies}
    for row in rows.itertuples():
        body = bodies[row.level]
        corners = np.round(portrait.place.box(body), 2).tolist()
        box = dict(zip(("x0", "y0", "x1", "y1"), corners, strict=True))
        score = portrait.findings[row.level].score
        table.append(
            {"patient_id": person["patient_id"], "image": name, "level": row.level, "label": row.label, **box,
             "mm_per_px": scanner.mm_per_px, "age": person["age"], "sex": person["sex"],
             "normal_segment": row.normal_segment, "normal_height": row.normal_height,
             "scanner": scanner.name, **_heights(body, portrait),
             **_annotations(row.label, score, box, scanner.mm_per_px, rng)}
        )  # fmt: skip
    return table


def _heights(body, portrait):
    """Return a body's heights and the mean height of the nearest uncollapsed bodies above and below, mm."""
    crushed = {level for level, finding in portrait.findings.items() if finding.compressed}
    at = portrait.bodies.index(body)
    above = [b for b in portrait.bodies[:at] if b.level not in crushed][-1:]
    below = [b for b in portrait.bodies[at + 1 :] if b.level not in crushed and b.level[0] != "S"][:1]
    back, middle, front = body.heights()
    beside = np.mean([b.heights() for b in above + below])
    names = ("anterior_height_mm", "middle_height_mm", "posterior_height_mm", "neighbour_height_mm")
    return {k: round(float(v), 2) for k, v in zip(names, (front, middle, back, beside), strict=True)}


def _annotations(label, score, box, mm_per_px, rng):
    """Return what two annotators wrote: labels that waver where the signs mislead, boxes that jitter."""
    other = {"fresh": "old", "old": "fresh"}[label]
    misleading = 1 / (1 + np.exp((1 if label == "fresh" else -1) * 1.5 * score)) * 2
    row = {}
    for key, (jitter, agreement) in ANNOTATORS.items():
        wrong = rng.random() < (1 - agreement) * misleading
        row[f"annotator_{key}_label"] = other if wrong else label
        for corner, value in box.items():
            row[f"annotator_{key}_{corner}"] = round(value + jitter / mm_per_px * rng.standard_normal(), 2)
    return row


def _vertebra_rows(rows, person, name, portrait):
    """Return a row for every body that lies wholly in the exposed field, fractured or not."""
    labels, (h, w) = {row.level: row for row in rows.itertuples()}, portrait.film.shape
    table = []
    for body in portrait.bodies[:-3]:
        x0, y0, x1, y1 = np.round(portrait.place.box(body), 2).tolist()
        if x0 < EDGE * w or y0 < EDGE * h or x1 > (1 - EDGE) * w or y1 > (1 - EDGE) * h:
            continue
        row = labels.get(body.level)
        table.append(
            {"film": name, "patient_id": person["patient_id"], "level": body.level,
             "x0": x0, "y0": y0, "x1": x1, "y1": y1,
             "fractured": row is not None and not row.normal_segment, "label": row.label if row else "",
             "height_mm": round(float(body.heights().mean()), 2)}
        )  # fmt: skip
    return table


def _write_png(film, path) -> None:
    """Write a greyscale PNG at once or not at all."""
    with writing(path) as stream:
        Image.fromarray(np.ascontiguousarray(film)).save(stream, format="PNG", compress_level=3)


def _write_csv(table, path) -> None:
    """Write a table, the same bytes on every system."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))
