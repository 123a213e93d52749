"""The synthetic cohort: simulated lateral spine radiographs with Table 1's vertebrae, for trying the study out.

Nothing here comes from a patient. The films are drawn (`anatomy`, `bone`, `surroundings`, `exposure`) for the people
of `roster`; the true effect sizes are arguments and are stored in cohort.json beside the films.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from PIL import Image
from scipy.stats import norm
from tqdm import tqdm

from ovcf.cohort import roster
from ovcf.cohort.anatomy import Body, Finding, build_spine
from ovcf.cohort.bone import Bones, Canvas, add_vertebra
from ovcf.cohort.exposure import SCANNERS, expose
from ovcf.cohort.surroundings import Trunk, abdomen, fractal, lungs, pelvis, ribs, soft_tissue
from ovcf.problems import InputError, Problem

WIDEST_SEPARATION = 4.0  # SD between the classes' scores at difficulty 0
ANNOTATORS = {"a": (0.9, 0.93), "b": (1.3, 0.88)}  # box SD in mm (27 and 11 years in practice), agreement with MRI


class Effects(NamedTuple):
    """The true effect sizes of a cohort."""

    difficulty: float
    patient_correlation: float
    diaphragm: float

    @property
    def separation(self):
        """Distance between the classes' mean scores, in SD of the score within a class."""
        return WIDEST_SEPARATION * (1 - self.difficulty)

    @property
    def ceiling(self):
        """AUC of a reader who could see the scores themselves: Phi(separation / sqrt 2)."""
        return float(norm.cdf(self.separation / np.sqrt(2)))


def synthesise(out, *, patients=405, seed=0, difficulty=0.4, patient_correlation=0.4, diaphragm=1.0, workers=2,
               progress=True):  # fmt: skip
    """Write a synthetic cohort: films, manifest, vertebrae, studies and the parameters that made them.

    With 405 patients the 720 vertebrae have exactly Table 1's counts per level and class (364 fresh, 356 old), 290
    women, and 11 fresh fractures of normal height. Table 1's parentheses (normal segments labelled old) sum to 11
    where the text says nine; the table is followed. Ages have mean 75 on [60, 98] and SD 10.5: the paper's 14
    cannot be reached above the inclusion age of 60 (`roster.draw_ages`). Other sizes keep the proportions.

    Parameters
    ----------
    out : path
        Folder to write; made where it is missing.
    patients : int
        At least 6, so that both classes occur.
    seed : int
        The same seed gives the same bytes on any number of workers.
    difficulty : float in [0, 1]
        1 leaves no difference between fresh and old; 0 separates their scores by 4 SD.
    patient_correlation : float in [0, 1)
        Intraclass correlation of the score within a patient, and how much patients' bones differ in texture.
    diaphragm : float, 0 or more
        Strength of the shadow that diaphragm and ribs throw over T10 to L1 (1 = usual, 0 = none).
    workers : int
        Processes that render.
    progress : bool
        Show a bar.

    Returns
    -------
    Path
        out/manifest.csv: the `patches` table, plus both annotators' labels and boxes, scanner and heights (mm).
    """
    _check(patients, difficulty, patient_correlation, diaphragm, workers)
    out, effects = Path(out), Effects(difficulty, patient_correlation, diaphragm)
    (out / "films").mkdir(parents=True, exist_ok=True)
    vertebrae, people = roster.roster(patients, seed)
    jobs = (delayed(_make_patient)(out, seed, i, people.iloc[i].to_dict(), rows, effects)
            for i, rows in vertebrae.groupby("patient"))  # fmt: skip
    done = Parallel(n_jobs=workers, return_as="generator")(jobs)
    done = list(tqdm(done, total=patients, desc="Synthetic films", unit="film", disable=not progress))
    manifest = pd.DataFrame([row for rows, _ in done for row in rows])
    manifest.insert(0, "patch_id", [f"S{i + 1:04d}" for i in range(len(manifest))])
    _write_csv(pd.DataFrame([row for _, rows in done for row in rows]), out / "vertebrae.csv")
    _write_csv(roster.studies(people, seed), out / "studies.csv")
    _write(out / "cohort.json", json.dumps(_settings(manifest, people, seed, effects), indent=2) + "\n")
    _write_csv(manifest, out / "manifest.csv")  # last: a manifest means that the cohort is whole
    return out / "manifest.csv"


def _check(patients, difficulty, patient_correlation, diaphragm, workers):
    """Refuse arguments that no cohort can be made with, all at once."""
    limits = (("patients", patients, 6, 100_000, "6 to 100000"), ("difficulty", difficulty, 0, 1, "0 to 1"),
              ("patient_correlation", patient_correlation, 0, 0.99, "0 to 0.99"),
              ("diaphragm", diaphragm, 0, 3, "0 to 3"), ("workers", workers, 1, 1024, "1 to 1024"))  # fmt: skip
    problems = [Problem("parameter", f"{name} is out of range", column=name, found=str(value), allowed=words)
                for name, value, low, high, words in limits if not low <= value <= high]  # fmt: skip
    if problems:
        raise InputError(problems)


def _settings(manifest, people, seed, effects):
    """Return what cohort.json says."""
    return {
        "synthetic": True,
        "note": "Simulated radiographs; no patient data. Research use only.",
        "seed": seed,
        "patients": len(people),
        "vertebrae": len(manifest),
        "fresh": int((manifest.label == "fresh").sum()),
        "old": int((manifest.label == "old").sum()),
        "normal_segments": int(manifest.normal_segment.sum()),
        "normal_segments_note": "Table 1's parentheses sum to 11 while the text says nine; the table is followed.",
        "normal_height": int(manifest.normal_height.sum()),
        "difficulty": effects.difficulty,
        "patient_correlation": effects.patient_correlation,
        "diaphragm": effects.diaphragm,
        "separation_sd": effects.separation,
        "auc_ceiling": effects.ceiling,
        "age_mean": float(people.age.mean()),
        "age_sd_ddof1": float(people.age.std(ddof=1)),
        "age_note": "The paper prints 75 +- 14 beside an inclusion age of 60; on [60, 98] an SD of 14 is out of reach.",
        "annotators": {k: {"box_sd_mm": v[0], "agreement": v[1]} for k, v in ANNOTATORS.items()},
    }


def _make_patient(out, seed, index, person, rows, effects):
    """Draw one patient and write the film; return the rows for the manifest and for vertebrae.csv."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 3, index]))
    findings = _draw_findings(rows, effects, rng)
    scanner = SCANNERS[rng.integers(len(SCANNERS))]
    bodies = build_spine(findings, **_posture(person, rng))
    canvas = _place_film(bodies, list(findings), scanner.mm_per_px, rng)
    attenuation = _attenuate(canvas, bodies, effects, person, rng)
    film = expose(attenuation, scanner, rng)
    mirrored = bool(rng.random() < 0.75)  # most films here face left
    name = f"films/{person['patient_id']}.png"
    _write_png(film[:, ::-1] if mirrored else film, out / name)
    place = Place(canvas, mirrored, film.shape[1])
    return (_patch_rows(rows, person, name, scanner, bodies, findings, place, rng),
            _vertebra_rows(rows, person, name, bodies, place, film.shape))  # fmt: skip


def _draw_findings(rows, effects, rng):
    """Draw what each labelled vertebra of a patient shows; the patient's own part is shared by all of them."""
    rho, shared = effects.patient_correlation, rng.standard_normal()
    habit, plain = tuple(rng.standard_normal(7)), np.exp(0.35 * rho**0.5 * rng.standard_normal())
    findings = {}
    for row in rows.itertuples():
        mean = effects.separation / 2 * (1 if row.label == "fresh" else -1)
        score = mean + rho**0.5 * shared + (1 - rho) ** 0.5 * rng.standard_normal()
        keeps_height = row.normal_segment or row.normal_height
        findings[row.level] = Finding(score, not keeps_height, plain * (0.35 if row.normal_segment else 1), habit, rho)
    return findings


class Place(NamedTuple):
    """Where mm lie on the written film."""

    canvas: Canvas
    mirrored: bool
    width: int

    def box(self, body: Body):
        """Return a body's box (x0, y0, x1, y1) in pixels of the written film."""
        x0, y0, x1, y1 = body.box()
        scale = self.canvas.mm_per_px
        x0, x1 = (x0 - self.canvas.left) / scale, (x1 - self.canvas.left) / scale
        if self.mirrored:
            x0, x1 = self.width - x1, self.width - x0
        return x0, (y0 - self.canvas.top) / scale, x1, (y1 - self.canvas.top) / scale


def _posture(person, rng):
    """Draw size, curvature and wear of a skeleton by sex and age."""
    aged = (person["age"] - 75) / 10
    return {
        "scale": (0.965 if person["sex"] == "female" else 1.06) * (1 + 0.035 * rng.standard_normal()),
        "kyphosis": float(np.clip(1.1 + 0.1 * aged + 0.2 * rng.standard_normal(), 0.5, 1.8)),
        "lordosis": float(np.clip(1.0 - 0.05 * aged + 0.2 * rng.standard_normal(), 0.4, 1.5)),
        "disc": float(np.clip(0.9 - 0.06 * aged + 0.12 * rng.standard_normal(), 0.5, 1.2)),
        "wear": float(np.clip(0.8 + 0.3 * aged, 0.2, 2) * rng.gamma(2, 0.5)),
        "rng": rng,
    }


def _place_film(bodies, levels, mm_per_px, rng):
    """Return an empty canvas over all of a patient's levels, their neighbours and some more."""
    names = [body.level for body in bodies]
    at = sorted(names.index(level) for level in levels)
    first, last = bodies[at[0] - 1], bodies[at[-1] + 1]
    top, bottom = first.y - 0.8 * first.height, last.y + 0.8 * last.height
    spare = max(rng.uniform(300, 360) - (bottom - top), 8)
    share = rng.uniform(0.3, 0.7)
    low, high = bodies[1].y, bodies[-3].y + 35
    top = min(max(top - share * spare, low), max(high - (bottom - top) - spare, low))
    bottom = max(bottom, top + (last.y - first.y) + 0.8 * (first.height + last.height) + spare)
    bottom = min(bottom, max(high, last.y + 0.8 * last.height))
    seen = [body for body in bodies if top < body.y < bottom]
    left = min(body.x - body.depth / 2 for body in seen) - rng.uniform(48, 70)
    right = max(body.x + body.depth / 2 for body in seen) + rng.uniform(45, 75)
    shape = [int(np.ceil(n / mm_per_px)) for n in (bottom - top, right - left)]
    return Canvas(np.zeros(shape, np.float32), float(left), float(top), mm_per_px)


def _attenuate(canvas, bodies, effects, person, rng):
    """Return the attenuation of everything between focus and detector, (h, w)."""
    shape = canvas.pixels.shape
    varied = 0.35 + effects.patient_correlation
    bones = Bones(density=float(np.exp(-0.012 * (person["age"] - 75) + 0.22 * varied * rng.standard_normal())),
                  striation=float(np.clip(0.075 + 0.04 * varied * rng.standard_normal(), 0.02, 0.2)),
                  cortex=float(np.clip(0.75 + 0.15 * rng.standard_normal(), 0.4, 1.2)),
                  roll=float(2.2 * rng.standard_normal()), texture=_trabeculae(varied, rng))  # fmt: skip
    trunk = _trunk(bodies, effects, person, rng)
    spine = np.array([(body.x, body.y) for body in bodies])
    centre = canvas.top + canvas.mm_per_px * shape[0] * rng.uniform(0.4, 0.6)
    for body in bodies:
        add_vertebra(canvas, body, bones, centre, rng)
    total = canvas.pixels + soft_tissue(shape, canvas, spine, trunk, rng)
    total += lungs(shape, canvas, spine, trunk, rng)
    total += ribs(shape, canvas, bodies, rng)
    total += abdomen(shape, canvas, spine, trunk, rng)
    return total + pelvis(shape, canvas, bodies[-3], rng)


def _trabeculae(varied, rng):
    """Return a patient's marrow texture: fine noise drawn out along the spine by a patient's own amount."""
    stretch = float(np.clip(4 + 1.8 * varied * rng.standard_normal(), 1.5, 8))
    noise = rng.standard_normal((160, 160)).astype(np.float32)
    spectrum = np.fft.rfft2(noise)
    fy, fx = np.fft.fftfreq(160)[:, None], np.fft.rfftfreq(160)[None, :]
    radius = np.hypot(fy * stretch, fx)
    texture = np.fft.irfft2(spectrum * np.exp(-((radius / 0.3) ** 2)) / (0.04 + radius) ** 0.6, s=(160, 160))
    coarse = fractal((160, 160), rng, (10, 24))
    texture = texture / texture.std() + 0.6 * coarse
    return (texture / texture.std()).astype(np.float32)


def _trunk(bodies, effects, person, rng):
    """Draw a patient's trunk."""
    place = {body.level: body.y for body in bodies}
    build = np.exp(0.12 * rng.standard_normal())
    return Trunk(breadth=float(275 * build), front=float(120 * build), rear=float(rng.uniform(72, 95)),
                 diaphragm=float(rng.uniform(place["T12"], place["L2"])), overlay=effects.diaphragm,
                 gas=float(rng.gamma(2, 0.5)), calcified=float(rng.gamma(0.8, 0.8)))  # fmt: skip


def _patch_rows(rows, person, name, scanner, bodies, findings, place, rng):
    """Return the manifest's rows of one patient."""
    at = {body.level: i for i, body in enumerate(bodies)}
    crushed = {level for level, finding in findings.items() if finding.compressed}
    whole = [i for i, body in enumerate(bodies[:-3]) if body.level not in crushed]
    table = []
    for row in rows.itertuples():
        body, i = bodies[at[row.level]], at[row.level]
        back, middle, front = body.heights()
        beside = [max((j for j in whole if j < i), default=None), min((j for j in whole if j > i), default=None)]
        neighbour = np.mean([bodies[j].heights() for j in beside if j is not None])
        box = dict(zip(("x0", "y0", "x1", "y1"), np.round(place.box(body), 2).tolist(), strict=True))
        table.append(
            {"patient_id": person["patient_id"], "image": name, "level": row.level, "label": row.label, **box,
             "mm_per_px": scanner.mm_per_px, "age": person["age"], "sex": person["sex"],
             "normal_segment": row.normal_segment, "normal_height": row.normal_height, "scanner": scanner.name,
             "anterior_height_mm": round(front, 2), "middle_height_mm": round(middle, 2),
             "posterior_height_mm": round(back, 2), "neighbour_height_mm": round(float(neighbour), 2),
             **_annotations(row.label, findings[row.level].score, box, scanner.mm_per_px, rng)}
        )  # fmt: skip
    return table


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


def _vertebra_rows(rows, person, name, bodies, place, shape):
    """Return a row for every body that lies wholly on the film, fractured or not."""
    labels = {row.level: row for row in rows.itertuples()}
    table = []
    for body in bodies[:-3]:  # the sacrum is no vertebra of the study
        x0, y0, x1, y1 = np.round(place.box(body), 2).tolist()
        if x0 < 0 or y0 < 0 or x1 > shape[1] or y1 > shape[0]:
            continue
        row = labels.get(body.level)
        table.append({"film": name, "patient_id": person["patient_id"], "level": body.level, "x0": x0, "y0": y0,
                      "x1": x1, "y1": y1, "fractured": row is not None and not row.normal_segment,
                      "label": row.label if row else "", "height_mm": round(float(body.heights().mean()), 2)})  # fmt: skip
    return table


def _write_png(film, path):
    """Write a greyscale PNG atomically."""
    temporary = path.with_name(path.name + ".part")
    Image.fromarray(np.ascontiguousarray(film)).save(temporary, format="PNG", compress_level=3)
    os.replace(temporary, path)


def _write_csv(table, path):
    """Write a table atomically, the same bytes on every system."""
    _write(path, table.to_csv(index=False, lineterminator="\n"))


def _write(path, text):
    """Write text atomically."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    os.replace(temporary, path)
