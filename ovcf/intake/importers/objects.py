"""COCO (JSON), LabelMe (JSON), Pascal VOC (XML); coordinates are kept as the file has them."""

from collections.abc import Iterator
from pathlib import Path

from ovcf.intake.importers.rows import Box
from ovcf.intake.importers.sources import ImageIndex, number, printable, read_json, read_xml, refuse
from ovcf.problems import InputError, Problem


def read_coco(source: Path, images: ImageIndex) -> Iterator[Box | Problem]:
    """Yield the boxes of a COCO file, or of every `.json` under a folder that looks like one.

    `bbox` is x, y, width, height in pixels. Crowd regions (`iscrowd`) outline groups, not a vertebra, and are
    reported. An entry that cannot be read is named by its place in `annotations`.
    """
    for file in _files(source, ".json"):
        try:
            content = read_json(file)
            films, categories = _coco_tables(content, file)
        except InputError as error:
            yield from error.problems
            continue
        for place, entry in enumerate(content["annotations"]):
            try:
                yield _coco_box(entry, films, categories, file, images)
            except InputError as error:
                yield from error.problems
            except (ValueError, TypeError, KeyError, OverflowError) as error:
                yield Problem("bad_annotation", f"annotations[{place}]: {_words(error)}", str(file))


def _coco_tables(content, file: Path) -> tuple[dict, dict]:
    """Film names by id and category names by id."""
    lists = ("images", "annotations", "categories")
    missing = [key for key in lists if not isinstance(content, dict) or not isinstance(content.get(key), list)]
    if missing:
        raise refuse("bad_coco", f"not COCO: no list called {', '.join(missing)}", file)
    films = {_key(entry.get("id")): entry.get("file_name") for entry in content["images"] if isinstance(entry, dict)}
    categories = {_key(c.get("id")): c.get("name") for c in content["categories"] if isinstance(c, dict)}
    return films, categories


def _key(value) -> str:
    """An id as text, so that 7 and "7" meet and a list can be no key."""
    return printable(str(value)[:100])


def _coco_box(entry, films: dict, categories: dict, file: Path, images: ImageIndex) -> Box | Problem:
    """One annotation as a box."""
    if not isinstance(entry, dict):
        raise ValueError("not an object")
    if entry.get("iscrowd"):
        raise ValueError("a crowd region, not one vertebra")
    name, category = films.get(_key(entry.get("image_id"))), categories.get(_key(entry.get("category_id")))
    if not isinstance(name, str) or not name:
        raise ValueError(f"image_id {_key(entry.get('image_id'))} is not among the images")
    if not isinstance(category, str):
        raise ValueError(f"category_id {_key(entry.get('category_id'))} is not among the categories")
    if not isinstance(entry.get("bbox"), list) or len(entry["bbox"]) != 4:
        raise ValueError("bbox is not a list of 4 numbers")
    x, y, width, height = map(number, entry["bbox"])
    if width <= 0 or height <= 0:
        raise ValueError(f"bbox without area: {entry['bbox']}")
    return Box(images.find(name, file), category, x, y, x + width, y + height, str(file))


def read_labelme(source: Path, images: ImageIndex) -> Iterator[Box | Problem]:
    """Yield the box around each shape of LabelMe files (one `.json` a film).

    A rectangle has two corners; of a polygon the smallest upright box is taken. Points, lines and circles are
    reported. The image embedded as text (`imageData`) is not used.
    """
    for file in _files(source, ".json"):
        try:
            content = read_json(file)
            shapes = content.get("shapes") if isinstance(content, dict) else None
            if not isinstance(shapes, list):
                raise refuse("bad_labelme", "not LabelMe: no list called shapes", file)
            name = content.get("imagePath")
            image = images.find(name if isinstance(name, str) and name else file.stem, file)
        except InputError as error:
            yield from error.problems
            continue
        for place, shape in enumerate(shapes):
            try:
                yield _labelme_box(shape, image, file)
            except (ValueError, TypeError, KeyError) as error:
                yield Problem("bad_annotation", f"shapes[{place}]: {_words(error)}", str(file))


def _labelme_box(shape, image: Path, file: Path) -> Box:
    """The upright box around one shape."""
    if not isinstance(shape, dict) or not isinstance(shape.get("label"), str):
        raise ValueError("no label")
    kind, points = shape.get("shape_type", "polygon"), shape.get("points")
    if kind not in ("rectangle", "polygon", "rotation"):
        raise ValueError(f"a {printable(str(kind))[:20]} has no box")
    if not isinstance(points, list) or len(points) < (2 if kind == "rectangle" else 3):
        raise ValueError("too few points")
    xs, ys = zip(*((number(x), number(y)) for x, y in points), strict=True)
    return Box(image, shape["label"], min(xs), min(ys), max(xs), max(ys), str(file))


def read_voc(source: Path, images: ImageIndex) -> Iterator[Box | Problem]:
    """Yield the boxes of Pascal VOC files (one `.xml` a film).

    The original VOC counts pixels from 1; most of today's tools count from 0 and write the same format. The
    numbers are taken as they stand: the difference of one pixel is far below the margin of a patch.
    """
    for file in _files(source, ".xml"):
        try:
            root = read_xml(file)
            if root.tag != "annotation":
                raise refuse(
                    "bad_voc",
                    "not Pascal VOC: the outermost element is not <annotation>",
                    file,
                    found=str(root.tag)[:40],
                )
            image = images.find(root.findtext("filename") or file.stem, file)
        except InputError as error:
            yield from error.problems
            continue
        for place, entry in enumerate(root.iter("object"), start=1):
            try:
                corners = [
                    number(entry.findtext(f"bndbox/{key}", "").strip()) for key in ("xmin", "ymin", "xmax", "ymax")
                ]
                yield Box(image, (entry.findtext("name") or "").strip(), *corners, str(file))
            except ValueError as error:
                yield Problem("bad_annotation", f"object {place}: {_words(error)}", str(file))


def _files(source: Path, suffix: str) -> list[Path]:
    """The source itself, or all files of that suffix under it."""
    return [source] if source.is_file() else sorted(source.rglob(f"*{suffix}"))


def _words(error: Exception) -> str:
    """What went wrong, short."""
    return f"no {error}" if isinstance(error, KeyError) else str(error)[:200]
