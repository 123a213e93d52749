"""Reading annotation files that may be broken or hostile, and finding the images they speak of.

Nothing here evaluates what it reads: JSON by the standard library, XML by defusedxml (which refuses entities,
so no "billion laughs"), YAML by `safe_load`, tables by `csv`. Sizes are looked at before a file is taken into
memory, and a path inside an annotation can only ever pick one of the images found under the source folder.
"""

import csv
import json
import math
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ovcf.cohort.films import read_header
from ovcf.problems import InputError, Problem

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".dicom"}
MAX_BYTES = 200_000_000  # COCO files of large sets reach 100 MB; a LabelMe file may embed its image
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)


class Size(NamedTuple):
    """Width and height of an image in pixels, from its header."""

    width: int
    height: int


def refuse(kind: str, message: str, file, row: int | None = None, **rest) -> InputError:
    """An error of ours that names the file (and line)."""
    return InputError(Problem(kind, message, str(file), row, **rest))


def read_bytes(path: Path) -> bytes:
    """The file's bytes; InputError where it is absent, no plain file, unreadable or too large."""
    try:
        if not path.is_file():
            raise refuse("missing_file", "there is no such file", path)
        if (size := path.stat().st_size) > MAX_BYTES:
            raise refuse(
                "too_large",
                "too large for an annotation file",
                path,
                found=f"{size} bytes",
                allowed=f"{MAX_BYTES} bytes",
            )
        return path.read_bytes()
    except OSError as error:
        raise refuse("unreadable", f"could not be read: {error.strerror}", path) from None


def read_text(path: Path) -> str:
    """The file as UTF-8 text, with or without a byte order mark."""
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refuse("not_text", f"not UTF-8 text (byte {error.start})", path) from None
    if "\0" in text:
        raise refuse("not_text", "holds NUL bytes, so it is no text file", path)
    return text


def read_json(path: Path):
    """The parsed JSON; a syntax error names its line."""
    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise refuse("bad_json", f"not JSON: {error.msg}, position {error.colno}", path, error.lineno) from None
    except (RecursionError, ValueError) as error:  # nested too deep; integers of thousands of digits
        raise refuse("bad_json", f"not JSON that can be read: {type(error).__name__}", path) from None


def read_xml(path: Path):
    """The root element; entities and document types are refused, never expanded."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        return fromstring(read_bytes(path), forbid_dtd=True)
    except ParseError as error:
        raise refuse("bad_xml", f"not XML: {error}", path, error.position[0]) from None
    except DefusedXmlException as error:
        raise refuse(
            "unsafe_xml", f"XML with entities or a document type is refused ({type(error).__name__})", path
        ) from None
    except (ValueError, LookupError) as error:  # an encoding nobody knows
        raise refuse("bad_xml", f"not XML that can be read: {error}", path) from None


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each non-empty line of a CSV file (comma or semicolon)."""
    text = read_text(path)
    first = text.partition("\n")[0]
    rows = csv.reader(text.splitlines(keepends=True), delimiter=";" if first.count(";") > first.count(",") else ",")
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                yield rows.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise refuse("bad_csv", f"not CSV: {error}", path, rows.line_num) from None


def number(value) -> float:
    """A finite float from text or a JSON number; ValueError otherwise.

    `float` alone takes "1_000", "nan", True and digits of other scripts.
    """
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError(f"not a number: {value[:40]!r}")
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"not a number: {str(value)[:40]!r}")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise ValueError(f"not a finite number: {str(value)[:40]!r}")
    return result


class ImageIndex:
    """All images under a folder, found by the name or the stem an annotation gives.

    Parameters
    ----------
    root : Path
        Folder searched, with its subfolders; links to folders are not followed.
    """

    def __init__(self, root: Path):
        self.root, self.paths = root, []
        self._by_name, self._by_stem = defaultdict(list), defaultdict(list)
        self._sizes: dict[Path, Size | InputError] = {}
        for folder, subfolders, names in os.walk(root):
            subfolders.sort()
            for name in sorted(names):
                if Path(name).suffix.lower() in IMAGE_SUFFIXES:
                    self._add(Path(folder) / name)

    def _add(self, path: Path) -> None:
        self.paths.append(path)
        self._by_name[path.name.lower()].append(path)
        self._by_stem[path.stem.lower()].append(path)

    def find(self, name: str, near: Path) -> Path:
        """The image called `name` (with or without its suffix) that lies nearest to the annotation file
        `near`.

        Raises InputError where there is none, or two equally likely ones.
        """
        wanted = PurePosixPath(str(name).replace("\\", "/"))
        found = self._by_name.get(wanted.name.lower()) or self._by_stem.get(wanted.name.lower())
        if not found and wanted.suffix.lower() in IMAGE_SUFFIXES:  # "film.png" annotated, "film.dcm" kept
            found = self._by_stem.get(wanted.stem.lower(), [])
        if not found:
            raise refuse("missing_image", f"its image {str(name)[:200]!r} is not under {self.root}", near)
        ranked = sorted(found, key=lambda path: self._likeness(path, wanted, near), reverse=True)
        best = [p for p in ranked if self._likeness(p, wanted, near) == self._likeness(ranked[0], wanted, near)]
        if len(best) > 1:
            raise refuse(
                "ambiguous_image",
                f"{len(best)} images may be meant by {str(name)[:200]!r}: "
                + ", ".join(p.relative_to(self.root).as_posix() for p in best[:4]),
                near,
            )
        return best[0]

    def _likeness(self, path: Path, wanted: PurePosixPath, near: Path) -> tuple[int, int]:
        """Trailing folders shared with the name as written, then leading ones with the annotation."""
        tail = _shared(reversed(path.parts[:-1]), reversed(wanted.parts[:-1]))
        return tail, _shared(path.parts, near.parts)

    def size(self, path: Path) -> Size:
        """Width and height from the header alone; InputError where it is no image that can be read."""
        if path not in self._sizes:
            try:
                if not str(path).isprintable():
                    raise refuse("file_name", "a file name with characters that no table can hold", repr(path.name))
                self._sizes[path] = _header_size(path)
            except InputError as error:
                self._sizes[path] = error
        if isinstance(self._sizes[path], InputError):
            raise self._sizes[path]
        return self._sizes[path]


def _shared(one, other) -> int:
    """How many items two sequences share from their start."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def printable(text: str) -> str:
    """The text with every character that cannot be printed or encoded as a blank; at most 100 characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:100]).strip()


def _header_size(path: Path) -> Size:
    """Size of an image from its header; what the film reader would refuse is refused here already."""
    header = read_header(path)
    return Size(header.width, header.height)
