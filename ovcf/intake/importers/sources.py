"""Reading annotation files that may be broken or hostile.

Nothing here evaluates what it reads: JSON by the standard library, XML by defusedxml (which refuses entities,
so no "billion laughs"), YAML by `safe_load`. Sizes are looked at before a file is taken into memory.
"""

import json
import math
import re
from pathlib import Path
from typing import Any

from ovcf.problems import InputError, Problem

MAX_BYTES = 200_000_000  # COCO files of large sets reach 100 MB; a LabelMe file may embed its image
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)


def refuse(kind: str, message: str, file: Any, row: int | None = None, **rest: Any) -> InputError:
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


def read_json(path: Path) -> Any:
    """The parsed JSON; a syntax error names its line."""
    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise refuse("bad_json", f"not JSON: {error.msg}, position {error.colno}", path, error.lineno) from None
    except (RecursionError, ValueError) as error:  # nested too deep; integers of thousands of digits
        raise refuse("bad_json", f"not JSON that can be read: {type(error).__name__}", path) from None


def read_xml(path: Path) -> Any:
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


def number(value: Any) -> float:
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


def printable(text: str, most: int = 100) -> str:
    """The text with every character that cannot be printed or encoded as a blank; at most `most` characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:most]).strip()
