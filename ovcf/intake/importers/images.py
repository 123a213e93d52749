"""Finding the image an annotation speaks of, by the name it gives; sizes by the header alone."""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from ovcf.cohort.films import read_header
from ovcf.intake.importers.sources import refuse
from ovcf.problems import InputError

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".dicom"}
_NOT_FILMS = {".txt", ".json", ".xml", ".csv", ".yaml", ".yml", ".names", ".md", ".xlsx", ".zip", ".html", ".py"}
_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")  # Label Studio puts eight digits before the name
_EXPORTED = re.compile(r"_(?:png|jpe?g|tiff?|bmp|dcm)\.rf\.[0-9a-f]{20,}$", re.IGNORECASE)  # Roboflow, after it


class Size(NamedTuple):
    """Width and height of an image in pixels."""

    width: int
    height: int


class ImageIndex:
    """All images under a folder, found by the name or the stem an annotation gives.

    Parameters
    ----------
    root : Path
        Folder searched, with its subfolders; links to folders are not followed. Files are images by their suffix,
        or DICOM by their first bytes where the suffix says nothing.

    Attributes
    ----------
    respelt : Counter of str
        How often an image was found under another spelling than the annotation's, by what differed.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.paths = root, []
        self.respelt: Counter[str] = Counter()
        self._by_name, self._by_stem = defaultdict(list), defaultdict(list)
        self._sizes: dict[Path, Size | InputError] = {}
        for folder, subfolders, names in os.walk(root):
            subfolders.sort()
            for name in sorted(names):
                path = Path(folder) / name
                if path.suffix.lower() in IMAGE_SUFFIXES:
                    self._add(path, path.stem)
                elif path.suffix.lower() not in _NOT_FILMS and not name.startswith(".") and _is_dicom(path):
                    self._add(path, path.name)

    def _add(self, path: Path, stem: str) -> None:
        self.paths.append(path)
        self._by_name[_plain(path.name)].append(path)
        self._by_stem[_plain(stem)].append(path)

    def find(self, name: str, near: Path) -> Path:
        """Return the image called `name` (with or without its suffix) that lies nearest to the annotation file
        `near`.

        Where there is none of that name, it is looked for as decoded from a web address, and without the digits that
        annotation servers add. Raises InputError where there is none, or two equally likely ones.
        """
        for wanted, how in _spellings(str(name).replace("\\", "/")):
            if found := self._called(wanted):
                if how:
                    self.respelt[how] += 1
                return self._nearest(found, wanted, near, name)
        raise refuse("missing_image", f"its image {str(name)[:200]!r} is not under {self.root}", near)

    def _called(self, wanted: PurePosixPath) -> list[Path]:
        """Return the images of that name or stem."""
        found = self._by_name.get(_plain(wanted.name)) or self._by_stem.get(_plain(wanted.name)) or []
        if not found and wanted.suffix.lower() in IMAGE_SUFFIXES:  # "film.png" annotated, "film.dcm" kept
            found = self._by_stem.get(_plain(wanted.stem), [])
        return found

    def _nearest(self, found: list[Path], wanted: PurePosixPath, near: Path, name: str) -> Path:
        """Return the likeliest of several images; InputError where two are."""
        ranked = sorted(found, key=lambda path: self._likeness(path, wanted, near), reverse=True)
        best = [p for p in ranked if self._likeness(p, wanted, near) == self._likeness(ranked[0], wanted, near)]
        if len(best) > 1:
            named = ", ".join(p.relative_to(self.root).as_posix() for p in best[:4])
            message = f"{len(best)} images may be meant by {str(name)[:200]!r}: {named}"
            raise refuse("ambiguous_image", message, near)
        return best[0]

    def _likeness(self, path: Path, wanted: PurePosixPath, near: Path) -> tuple[int, int]:
        """Trailing folders shared with the name as written, then leading ones with the annotation."""
        return self.shared_folders(path, wanted.parent.as_posix()), _shared(path.parts, near.parts)

    def shared_folders(self, path: Path, said: str) -> int:
        """Return how many of an image's folders, from the last one up, are those that an annotation gives."""
        return _shared(map(_plain, reversed(path.parts[:-1])), map(_plain, reversed(PurePosixPath(said).parts)))

    def size(self, path: Path) -> Size:
        """Return width and height from the header alone; InputError where it is no image that can be read."""
        if path not in self._sizes:
            try:
                if not str(path).isprintable():
                    raise refuse("file_name", "a file name with characters that no table can hold", repr(path.name))
                header = read_header(path)
                self._sizes[path] = Size(header.width, header.height)
            except InputError as error:
                self._sizes[path] = error
        if isinstance(self._sizes[path], InputError):
            raise self._sizes[path]
        return self._sizes[path]


def folder_said(name: str) -> str:
    """Return the folder that an annotation gives for its image, "" for none; the path's start on a server counts."""
    said = PurePosixPath(unquote(str(name).replace("\\", "/").rpartition("?d=")[2])).parent.as_posix()
    return "" if said == "." else said


def _spellings(name: str) -> Iterator[tuple[PurePosixPath, str]]:
    """Yield the ways a name may be meant, as written first, each with what was done to it."""
    yield PurePosixPath(name), ""
    decoded = unquote(name.rpartition("?d=")[2])  # Label Studio: /data/local-files/?d=images/film.png
    if decoded != name:
        yield PurePosixPath(decoded), "decoded from a web address"
    path = PurePosixPath(decoded)
    bare = _EXPORTED.sub("", _UPLOADED.sub("", path.name).removesuffix(path.suffix))
    if bare and bare != path.name.removesuffix(path.suffix):
        suffix = path.suffix if ".rf." not in path.name else ""
        yield path.with_name(bare + suffix), "without the digits that a server added"


def _plain(name: str) -> str:
    """Return a name as it is compared: composed (NFC) and in small letters."""
    return unicodedata.normalize("NFC", name).lower()


def _is_dicom(path: Path) -> bool:
    """Whether a file's first bytes say DICOM."""
    try:
        if not path.is_file():
            return False
        with open(path, "rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _shared(one: Iterable, other: Iterable) -> int:
    """Return how many items two sequences share from their start."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
