"""The settled vertebrae in the forms of other programs: one COCO file, one LabelMe file a film.

Both can be imported again: a category is level and label in one word, as `ovcf import` reads them (T12_fresh).
"""

import json
import os
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import Any

from ovcf.annotation.consensus import Settled
from ovcf.annotation.state import State
from ovcf.annotation.tables import image_path
from ovcf.files import write_text

COCO, LABELME = "coco.json", "labelme"


def exported(state: State) -> list[Settled]:
    """Return the vertebrae of the exports: every settled one with a level, of the study or not."""
    return [one for one in state.settled if one.mark is not None and one.mark.level]


def category(one: Settled) -> str:
    """Return level and label as one word; normal and undecided ones say so, and are no class of the study."""
    mark = one.mark
    return "_".join(filter(None, (mark.level, mark.study_label or mark.label.replace(" ", "-"))))


def coco(state: State, cohort: Path) -> dict[str, Any]:
    """Return the cohort as a COCO object: images, annotations with `bbox` x, y, width, height, categories."""
    films = {film.film: number for number, film in enumerate(state.work.films, 1)}
    kept = exported(state)
    names = sorted({category(one) for one in kept})
    annotations = []
    for number, one in enumerate(kept, 1):
        x0, y0, x1, y1 = one.mark.box
        width, height = round(x1 - x0, 3), round(y1 - y0, 3)
        outline = [list(one.mark.corners)] if one.mark.corners else []
        annotations.append({
            "id": number, "image_id": films[one.film], "category_id": names.index(category(one)) + 1,
            "bbox": [x0, y0, width, height], "area": round(width * height, 3), "iscrowd": 0, "segmentation": outline,
        })  # fmt: skip
    images = [
        {"id": films[f.film], "file_name": image_path(state, f.film, cohort), "width": f.width, "height": f.height,
         "patient_id": f.patient_id}
        for f in state.work.films if f.film not in state.left_out and not f.unreadable
    ]  # fmt: skip
    categories = [{"id": number, "name": name} for number, name in enumerate(names, 1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def labelme(state: State, film: str, folder: Path) -> dict[str, Any]:
    """Return one film's vertebrae as a LabelMe object; `folder` is where its file will lie."""
    known = state.work.by_name[film]
    shapes = [
        {"label": category(one), "points": [list(one.mark.box[:2]), list(one.mark.box[2:])], "group_id": None,
         "description": one.mark.comment, "shape_type": "rectangle", "flags": {}}
        for one in exported(state) if one.film == film
    ]  # fmt: skip
    path = Path(os.path.relpath(state.work.path(film), folder)).as_posix()
    size = {"imageHeight": known.height, "imageWidth": known.width}
    return {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": path, "imageData": None, **size}


def write_exports(state: State, cohort: Path) -> list[Path]:
    """Write coco.json and labelme/ beside the manifest; a film that never had a vertebra gets no LabelMe file."""
    paths = [cohort / COCO]
    write_text(paths[0], json.dumps(coco(state, cohort), indent=1) + "\n")
    folder = cohort / LABELME
    for film, path in labelme_paths(state, folder).items():
        content = labelme(state, film, folder)
        if content["shapes"] or path.exists():  # what was exported before and is gone leaves no old box behind
            folder.mkdir(exist_ok=True)
            write_text(path, json.dumps(content, indent=1) + "\n")
            paths.append(path)
    return paths


def labelme_paths(state: State, folder: Path) -> dict[str, Path]:
    """Return where each film's file lies: films of one name in two folders, or of two kinds, have a file each."""
    taken: set[str] = set()
    paths = {}
    for film in state.work.by_name:
        base = PurePosixPath(film).with_suffix("").as_posix().replace("/", "-")
        name = next(n for n in chain([base], (f"{base}-{k}" for k in count(2))) if n.casefold() not in taken)
        taken.add(name.casefold())
        paths[film] = folder / f"{name}.json"
    return paths
