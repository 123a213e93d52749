"""COCO (JSON), LabelMe (JSON), Pascal VOC (XML): of whatever was drawn the upright box, at the size it was drawn at."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ovcf.intake.importers.boxes import Box, Corners, around, around_turned, stated_size
from ovcf.intake.importers.images import ImageIndex, folder_said
from ovcf.intake.importers.sources import number, printable, read_json, read_xml, refuse
from ovcf.problems import InputError, Problem


def read_coco(source: Path, images: ImageIndex, options: Any = None) -> Iterator[Box | Problem]:
    """Yield the boxes of a COCO file, or of every `.json` under a folder that looks like one.

    `bbox` is x, y, width, height in pixels; where it is empty, the box around the polygons of `segmentation` is
    taken. CVAT's brush masks (`iscrowd` with a box) and turned rectangles (attribute `rotation`, in degrees) are
    boxes too. An entry that cannot be read is named by its place in `annotations`. Further entries of an image
    (a patient, say) are kept for `--patient-column`.
    """
    for file in _files(source, ".json"):
        try:
            content = read_json(file)
            films, categories = _coco_tables(content, file)
        except InputError as error:
            yield from error.problems
            continue

        def read(entry: Any, films=films, categories=categories, file=file) -> Box:
            return _coco_box(entry, films, categories, file, images)

        yield from _each(content["annotations"], read, "annotations[{}]", 0, file)


def _each(entries: Any, read: Callable[[Any], Box], place: str, first: int, file: Path) -> Iterator[Box | Problem]:
    """Yield each entry's box, or a problem that names its place."""
    for count, entry in enumerate(entries, start=first):
        try:
            yield read(entry)
        except InputError as error:
            yield from error.problems
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            words = f"no {error}" if isinstance(error, KeyError) else str(error)[:200]
            yield Problem("bad_annotation", f"{place.format(count)}: {words}", str(file))


def _coco_tables(content: Any, file: Path) -> tuple[dict, dict]:
    """Image entries by id and category names by id."""
    lists = ("images", "annotations", "categories")
    missing = [key for key in lists if not isinstance(content, dict) or not isinstance(content.get(key), list)]
    if missing:
        raise refuse("bad_coco", f"not COCO: no list called {', '.join(missing)}", file)
    films = {_key(entry.get("id")): entry for entry in content["images"] if isinstance(entry, dict)}
    categories = {_key(c.get("id")): c.get("name") for c in content["categories"] if isinstance(c, dict)}
    return films, categories


def _key(value: Any) -> str:
    """An id as text, so that 7 and "7" meet and a list can be no key."""
    return printable(str(value)[:100])


def _coco_box(entry: Any, films: dict, categories: dict, file: Path, images: ImageIndex) -> Box:
    """One annotation as a box."""
    if not isinstance(entry, dict):
        raise ValueError("not an object")
    film, category = films.get(_key(entry.get("image_id")), {}), categories.get(_key(entry.get("category_id")))
    name = film.get("file_name")
    if not isinstance(name, str) or not name:
        raise ValueError(f"image_id {_key(entry.get('image_id'))} is not among the images")
    if not isinstance(category, str):
        raise ValueError(f"category_id {_key(entry.get('category_id'))} is not among the categories")
    corners, shape = _coco_corners(entry)
    known = ("id", "file_name", "width", "height", "license", "date_captured", "coco_url", "flickr_url")
    more = {_key(k): _key(v) for k, v in film.items() if k not in known and isinstance(v, str | int)}
    size = stated_size(film.get("width"), film.get("height"))
    image = images.find(name, file)
    return Box(image, category, *corners, str(file), None, more, size, shape, folder_said(name))


def _coco_corners(entry: dict) -> tuple[Corners, str]:
    """The upright box of an annotation, and what was drawn."""
    box, polygons = entry.get("bbox"), entry.get("segmentation")
    sides = list(map(number, box)) if isinstance(box, list) and len(box) == 4 else []
    if len(sides) == 4 and min(sides[2:]) > 0:
        x, y, width, height = sides
        attributes = entry.get("attributes")
        turned = number(attributes.get("rotation") or 0) if isinstance(attributes, dict) else 0.0
        if turned % 180:
            centre = x + width / 2, y + height / 2
            return around_turned(*centre, width, height, math.radians(turned)), "turned rectangle"
        return (x, y, x + width, y + height), "brush mask or crowd region" if entry.get("iscrowd") else ""
    if isinstance(polygons, list) and polygons and all(isinstance(part, list) and len(part) >= 6 for part in polygons):
        points = [point for part in polygons for point in zip(part[::2], part[1::2], strict=True)]
        return _with_area(around(points)), "polygon"
    if isinstance(box, list) and len(box) not in (0, 4):
        raise ValueError("bbox is not a list of 4 numbers")
    raise ValueError(f"neither a bbox with an area ({str(box)[:60]}) nor polygons")


def _with_area(corners: Corners) -> Corners:
    if not (corners[2] > corners[0] and corners[3] > corners[1]):
        raise ValueError("a shape without area")
    return corners


def read_labelme(source: Path, images: ImageIndex, options: Any = None) -> Iterator[Box | Problem]:
    """Yield the box around each shape of LabelMe files (one `.json` a film).

    A rectangle and a mask have two corners; a circle its centre and a point of its rim; of a polygon and a turned
    rectangle the upright box is taken. Points and lines are reported. The image embedded as text (`imageData`) is
    not used.
    """
    for file in _files(source, ".json"):
        try:
            content = read_json(file)
            shapes = content.get("shapes") if isinstance(content, dict) else None
            if not isinstance(shapes, list):
                raise refuse("bad_labelme", "not LabelMe: no list called shapes", file)
            name = content.get("imagePath")
            name = name if isinstance(name, str) and name else file.stem
            image, size = images.find(name, file), stated_size(content.get("imageWidth"), content.get("imageHeight"))
        except InputError as error:
            yield from error.problems
            continue

        def read(shape: Any, image=image, size=size, name=name, file=file) -> Box:
            corners, drawn = _labelme_corners(shape)
            return Box(image, str(shape["label"]), *corners, str(file), None, {}, size, drawn, folder_said(name))

        yield from _each(shapes, read, "shapes[{}]", 0, file)


def _labelme_corners(shape: Any) -> tuple[Corners, str]:
    """The upright box around one shape, and what was drawn."""
    label = shape.get("label") if isinstance(shape, dict) else None
    if not isinstance(label, str | int) or isinstance(label, bool):
        raise ValueError("no label")
    kind, points = shape.get("shape_type") or "polygon", shape.get("points")
    least = {"rectangle": 2, "mask": 2, "circle": 2, "polygon": 3, "rotation": 4, "oriented_rectangle": 4}
    if not isinstance(kind, str) or kind not in least:
        raise ValueError(f"a {printable(str(kind))[:20]} has no box")
    if not isinstance(points, list) or len(points) < least[kind]:
        raise ValueError(f"too few points for a {kind}")
    if kind == "circle":
        (x, y), (rim_x, rim_y) = [(number(x), number(y)) for x, y in points[:2]]
        radius = math.hypot(rim_x - x, rim_y - y)
        return _with_area((x - radius, y - radius, x + radius, y + radius)), "circle"
    return _with_area(around(points)), "" if kind == "rectangle" else kind.replace("_", " ")


def read_voc(source: Path, images: ImageIndex, options: Any = None) -> Iterator[Box | Problem]:
    """Yield the boxes of Pascal VOC files (one `.xml` a film), and the upright boxes of roLabelImg's turned ones.

    The original VOC counts pixels from 1; most of today's tools count from 0 and write the same format. The
    numbers are taken as they stand: the difference of one pixel is far below the margin of a patch.
    """
    for file in _files(source, ".xml"):
        try:
            root = read_xml(file)
            if root.tag != "annotation":
                message = "not Pascal VOC: the outermost element is not <annotation>"
                raise refuse("bad_voc", message, file, found=str(root.tag)[:40])
            name = (root.findtext("filename") or "").strip() or file.stem
            image = images.find(name, file)
            size = stated_size(*((root.findtext(f"size/{side}") or "").strip() for side in ("width", "height")))
        except InputError as error:
            yield from error.problems
            continue

        def read(entry: Any, image=image, size=size, name=name, file=file) -> Box:
            corners, drawn = _voc_corners(entry)
            category = (entry.findtext("name") or "").strip()
            return Box(image, category, *corners, str(file), None, {}, size, drawn, folder_said(name))

        yield from _each(root.iter("object"), read, "object {}", 1, file)


def _voc_corners(entry: Any) -> tuple[Corners, str]:
    """The upright box of an object, and what was drawn."""

    def numbers(element: str, *keys: str) -> list[float]:
        return [number((entry.findtext(f"{element}/{key}") or "").strip()) for key in keys]

    if entry.find("robndbox") is not None:
        x, y, width, height, angle = numbers("robndbox", "cx", "cy", "w", "h", "angle")  # the angle in radians
        return _with_area(around_turned(x, y, width, height, angle)), "turned rectangle"
    x0, y0, x1, y1 = numbers("bndbox", "xmin", "ymin", "xmax", "ymax")
    return (x0, y0, x1, y1), ""


def _files(source: Path, suffix: str) -> list[Path]:
    """The source itself, or all files of that suffix under it."""
    return [source] if source.is_file() else sorted(source.rglob(f"*{suffix}"))
