"""YOLO: a text file a film, a line a box: class, centre x and y, width, height as shares of the image."""

from collections.abc import Iterator
from pathlib import Path

from ovcf.intake.importers.rows import Box
from ovcf.intake.importers.sources import ImageIndex, number, read_text, refuse
from ovcf.problems import InputError, Problem

CLASS_FILES = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names", "_darknet.labels")
_NOT_LABELS = {
    "classes.txt",
    "_darknet.labels",
    "obj.names",
    "train.txt",
    "val.txt",
    "test.txt",
    "requirements.txt",
}


def read_yolo(source: Path, images: ImageIndex, classes: Path | None = None) -> Iterator[Box | Problem]:
    """Yield the boxes of all label files under a folder (or of one file), a Problem for each bad line.

    Parameters
    ----------
    source : Path
        Folder with `images/` and `labels/` (any depth), or images and text files side by side.
    classes : Path, optional
        File of class names: a line each, or YAML with `names`. Found by its usual names when not given;
        without one the category is the class number.
    """
    try:
        names = class_names(classes or find_class_file(source))
    except InputError as error:
        names = {}
        yield from error.problems
    for file in label_files(source):
        try:
            text = read_text(file)
            image = images.find(file.stem, file)
            size = images.size(image)
        except InputError as error:
            yield from error.problems
            continue
        for row, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield _box(line.split(), file, row, image, size, names)


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


def class_names(file: Path | None) -> dict[int, str]:
    """Class number to name."""
    if file is None:
        return {}
    if file.suffix.lower() not in {".yaml", ".yml"}:
        return dict(enumerate(line.strip() for line in read_text(file).splitlines()))
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
    return named


def _box(words: list[str], file: Path, row: int, image: Path, size, names: dict[int, str]) -> Box | Problem:
    """One line as a box in pixels, or what is wrong with it."""

    def bad(message: str) -> Problem:
        return Problem(
            "bad_line",
            message,
            str(file),
            row,
            found=" ".join(words)[:80],
            allowed="class x y width height, the last four within 0 to 1",
        )

    if len(words) != 5:
        shape = f"; a polygon of {len(words) // 2} points?" if len(words) > 6 and len(words) % 2 else ""
        return bad(f"{len(words)} values where a box has 5{shape}")
    try:
        x, y, width, height = map(number, words[1:])
    except ValueError as error:
        return bad(str(error))
    if not words[0].isdecimal() or len(words[0]) > 6:
        return bad("the class is not a whole number")
    if names and int(words[0]) not in names:
        return bad(f"class {words[0]} is not among the {len(names)} class names")
    if not (0 <= x <= 1 and 0 <= y <= 1 and 0 < width <= 1 and 0 < height <= 1):
        return bad("values outside 0 to 1 (pixels instead of shares?) or a box without area")
    name = names.get(int(words[0]), words[0])
    return Box(
        image,
        name,
        (x - width / 2) * size.width,
        (y - height / 2) * size.height,
        (x + width / 2) * size.width,
        (y + height / 2) * size.height,
        str(file),
        row,
    )
