"""Every part of every person's and institution's name of a header, and where one turns up again.

Text is searched in small letters without accents; parts of four letters and more anywhere, shorter ones as whole words,
those of scripts without blanks (Han, kana, Hangul, Thai) anywhere whatever their length. Bytes are searched for the
parts in the encodings of headers. In the bytes of pixels a short word turns up by chance, so a hit counts only
where the other pixels make it unlikely.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

ANYWHERE = 4  # letters from which a part is sought within words, and bytes from which it is sought in pixels
PLACES = (
    "InstitutionName",
    "InstitutionAddress",
    "InstitutionalDepartmentName",
    "ResponsibleOrganization",
    "DeviceOrganization",
)
IDS = ("PatientID", "OtherPatientIDs", "AccessionNumber", "AdmissionID", "MedicalRecordLocator")
PLACEHOLDERS = set("anonymized anonymised anonymous anonym anon deidentified removed unknown none noname".split())
ENCODINGS = ("utf-8", "latin-1", "gb18030", "shift_jis", "euc_kr", "iso8859-5", "iso8859-7", "utf-16-le")
CHANCE = 0.01  # expected number of hits by chance, over all that is tried on a film, below which one is no chance
_NO_BLANKS = re.compile(r"[\u0e00-\u0e7f\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff]")
_RUNS = re.compile(rb"[\x21-\xff]{4,}")  # what a word's bytes are made of, in all of the encodings but UTF-16


def parts_of_names(ds: Any, *ids: str) -> set[str]:
    """Return what must not be found again: parts of all names of a header, nested ones too, and its ids.

    Parameters
    ----------
    ds : pydicom Dataset
    ids : further ids, of the manifest. Ids of less than `ANYWHERE` characters turn up anywhere and are not sought.
    """
    names, numbers = [], list(ids)
    for element in _elements(ds):
        if element.VR == "PN" or element.keyword in PLACES:
            names += _values(element)
        elif element.keyword in IDS:
            numbers += _values(element)
    parts = {part for name in names for part in _parts(name)} - PLACEHOLDERS
    return parts | {part for number in numbers if len(part := _plain(number)) >= ANYWHERE}


def hits_in_text(text: str, parts: Iterable[str]) -> list[str]:
    """Return the parts that stand in a text.

    What it cannot see: a name spelt otherwise than in the header.
    """
    plain = _plain(text)
    words = set(_split(plain))
    return [
        part
        for part in parts
        if part in words or ((len(part) >= ANYWHERE or _NO_BLANKS.search(part)) and part in plain)
    ]


def hits_in_pixels(stored: NDArray, bits: int, parts: Iterable[str]) -> list[str]:
    """Return the parts spelt by the bytes of a film's numbers (h, w), by their low bytes, or by a plane of bits.

    What it cannot see: a name drawn as a picture (`ovcf.intake.check.burned_in`), compressed or coded otherwise.
    """
    patterns = {pattern: part for part in parts for pattern in _patterns(part)}
    readings = [data for data in _readings(stored, bits) if data]
    tries = len(patterns) * len(readings)
    found = {part for data in readings for part in _unlikely(data, patterns, tries)}
    return sorted(found)


def hits_in_bytes(data: bytes, parts: Iterable[str]) -> list[str]:
    """Return the parts spelt by bytes that are no picture.

    What it cannot see: a name that is compressed or coded otherwise.
    """
    return sorted({part for part in parts for pattern in _patterns(part) if pattern in data})


def _elements(ds: Any) -> Iterator[Any]:
    """All elements of a dataset and of its items; one that cannot be parsed is passed over, it is left behind."""
    for tag in list(ds.keys()):
        try:
            element = ds[tag]
            items = list(element.value) if element.VR == "SQ" else []
        except Exception:
            continue
        yield element
        for item in items:
            yield from _elements(item)


def _values(element: Any) -> list[str]:
    value = element.value
    several = not isinstance(value, str | bytes) and hasattr(value, "__iter__") and element.VM > 1
    return [str(one) for one in value] if several else [str(value or "")]


def _plain(text: str) -> str:
    """Small letters without accents and without the forms of wide and narrow letters."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if unicodedata.category(c) != "Mn"))


def _split(plain: str) -> list[str]:
    """The words of a text; ^ and = separate the parts of a DICOM name."""
    return [word for word in re.split(r"[\W_]+", plain) if word]


def _parts(name: str) -> set[str]:
    """A name's words, without accents and as written."""
    return {part for word in _split(name) for part in (_plain(word), word.casefold()) if part}


def _patterns(part: str) -> set[bytes]:
    """A part's bytes in all encodings and cases, where they are enough to mean something."""
    patterns = set()
    for text in (part, part.upper(), part.capitalize()):
        for encoding in ENCODINGS:
            try:
                patterns.add(text.encode(encoding))
            except UnicodeEncodeError:
                continue
    return {pattern for pattern in patterns if len(pattern) >= ANYWHERE}


def _readings(stored: NDArray, bits: int) -> Iterator[bytes]:
    """The ways to read text out of a film's numbers: their bytes, the low byte of each, and the planes of bits."""
    yield _runs(stored.tobytes())
    if stored.dtype.kind not in "iu":
        return
    if stored.dtype.itemsize > 1:
        yield _runs(stored.astype(np.uint8).tobytes())
    for plane in range(min(bits, 16)):
        drawn = ((stored >> plane) & 1).astype(bool).ravel()
        if drawn.any() and not drawn.all():
            yield from (_runs(np.packbits(drawn, bitorder=order).tobytes()) for order in ("big", "little"))


def _runs(data: bytes) -> bytes:
    """Only the runs of bytes that could be words: of a film of 12 bits nothing is left, which saves the search."""
    return b"\0".join(_RUNS.findall(data))


def _unlikely(data: bytes, patterns: dict[bytes, str], tries: int) -> set[str]:
    """Parts whose bytes are there though the other bytes do not make it likely.

    The expected number of hits is that of a Markov chain with the data's own steps from byte to byte, the hits left
    out: neighbouring greys are alike, so in a film of 8 bits short words of near letters are bound to turn up.
    """
    found = [pattern for pattern in patterns if pattern in data]
    if not found:
        return set()
    values = np.frombuffer(data, np.uint8).astype(np.int64)
    steps = np.bincount(values[:-1] * 256 + values[1:], minlength=65536).astype(float)
    unlikely = set()
    for pattern in found:
        letters = np.frombuffer(pattern, np.uint8).astype(np.int64)
        own = np.bincount(letters[:-1] * 256 + letters[1:], minlength=65536) * data.count(pattern)
        chain = np.clip(steps - own, 0, None).reshape(256, 256)
        from_each = np.maximum(chain.sum(axis=1), 1)
        expected = from_each[letters[0]] * np.prod(chain[letters[:-1], letters[1:]] / from_each[letters[:-1]])
        if expected * tries < CHANCE:
            unlikely.add(patterns[pattern])
    return unlikely
