"""YOLO: a text file a film, a line a vertebra, all numbers shares of the image's width and height.

A line is a class and centre x and y, width, height; of an oriented box or a segment the class and its points.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ovcf.intake.importers.boxes import Box, Corners, around
from ovcf.intake.importers.images import ImageIndex, Size
from ovcf.intake.importers.sources import number, read_text, refuse
from ovcf.problems import InputError, Problem

CLASS_FILES = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names", "_darknet.labels")
ROUNDING = 0.001  # by which a share may pass 0 or 1
_NOT_LABELS = {
    "classes.txt",
    "_darknet.labels",
    "obj.names",
    "train.txt",
    "val.txt",
    "test.txt",
    "requirements.txt",
}


class Classes(NamedTuple):
    """Class names by number (none known: empty), and whether lines hold key points after the box."""

    names: dict[int, str]
    key_points: bool = False


def read_yolo(source: Path, images: ImageIndex, options: Any = None) -> Iterator[Box | Problem]:
    """Yield the boxes of all label files under a folder (or of one file), a Problem for each bad line.

    The source is a folder with `images/` and `labels/` (any depth), or images and text files side by side. The
    file of class names (`options.classes`: a line each, or YAML with `names`) is found by its usual names when
    not given; without one the category is the class number. Of oriented boxes and segments the upright box is
    taken, of key points (`kpt_shape` in the YAML) the box before them.
    """
    try:
        classes = read_classes(getattr(options, "classes", None) or find_class_file(source))
    except InputError as error:
        classes = Classes({})
        yield from error.problems
    for file in label_files(source):
        try:
            text = read_text(file)
            image = images.find(file.stem, file)
            size = images.size(image)
        except InputError as error:
            yield from error.problems
            continue
        said = "/".join(part for part in file.parent.relative_to(_top(source)).parts if part.lower() != "labels")
        for row, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield _box(line.split(), file, row, image, size, classes, said)


def _top(source: Path) -> Path:
    return source if source.is_dir() else source.parent


def label_files(source: Path) -> list[Path]:
    """Text files that hold boxes: those in folders called `labels` if any, else all but class lists."""
    if source.is_file():
        return [source]
    files = sorted(path for path in source.rglob("*.txt") if path.name.lower() not in _NOT_LABELS)
    files = [path for path in files if not path.name.lower().startswith("readme")]
    return [path for path in files if path.parent.name.lower() == "labels"] or files


def find_class_file(source: Path) -> Path | None:
    """The file of class names by its usual names, in the folder, its parent, or the labels folder."""
    folder = source if source.is_dir() else source.parent
    places = [folder, folder / "labels", folder.parent]
    return next((place / name for place in places for name in CLASS_FILES if (place / name).is_file()), None)


def read_classes(file: Path | None) -> Classes:
    """Return class names by number from a text or YAML file, empty without one."""
    if file is None:
        return Classes({})
    if file.suffix.lower() not in {".yaml", ".yml"}:
        return Classes(dict(enumerate(line.strip() for line in read_text(file).splitlines())))
    import yaml

    try:
        content = yaml.safe_load(read_text(file))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise refuse("bad_yaml", f"not YAML: {str(error)[:200]}", file) from None
    names = content.get("names") if isinstance(content, dict) else None
    pairs = names.items() if isinstance(names, dict) else enumerate(names) if isinstance(names, list) else []
    named = {int(key): str(name) for key, name in pairs if isinstance(name, (str, int)) and str(key).isdecimal()}
    if not named:
        raise refuse("bad_yaml", "has no list of class names under `names`", file)
    return Classes(named, "kpt_shape" in content)


def _box(words: list[str], file: Path, row: int, image: Path, size: Size, classes: Classes, said: str) -> Box | Problem:
    """One line as a box in pixels, or what is wrong with it."""
    try:
        if not words[0].isdecimal() or len(words[0]) > 6:
            raise ValueError("the class is not a whole number")
        if classes.names and int(words[0]) not in classes.names:
            raise ValueError(f"class {words[0]} is not among the {len(classes.names)} class names")
        (x0, y0, x1, y1), shape = _shares([number(word) for word in words[1:]], classes.key_points)
    except ValueError as error:
        found, allowed = " ".join(words)[:80], "class x y width height, or class and points, shares within 0 to 1"
        return Problem("bad_line", str(error), str(file), row, None, found, allowed)
    name = classes.names.get(int(words[0]), words[0])
    corners = x0 * size.width, y0 * size.height, x1 * size.width, y1 * size.height
    return Box(image, name, *corners, str(file), row, shape=shape, said=said)


def _shares(values: list[float], key_points: bool) -> tuple[Corners, str]:
    """The corners of a line's upright box as shares of the image, and what was drawn."""
    if key_points and len(values) > 5:
        return _shares(values[:4], False)[0], "box with key points"
    low, high = min(values, default=0), max(values, default=0)
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise ValueError("values outside 0 to 1 (pixels instead of shares?)")
    if len(values) in (4, 5):
        x, y, width, height = values[:4]
        if width <= 0 or height <= 0:
            raise ValueError("a box without area")
        shape = "box with a confidence (a model's output?)" if len(values) == 5 else ""
        return (x - width / 2, y - height / 2, x + width / 2, y + height / 2), shape
    if len(values) < 6 or len(values) % 2:
        raise ValueError(f"{len(values) + 1} values where a box has 5, and an outline of n points 1 + 2 n")
    corners = around(zip(values[::2], values[1::2], strict=True))
    if corners[2] <= corners[0] or corners[3] <= corners[1]:
        raise ValueError("a shape without area")
    return corners, "oriented box" if len(values) == 8 else "outline"
