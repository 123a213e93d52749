"""Hide names all over films, de-identify them, and search the copies by other means than the tool's own.

    python benchmarks/deidentify_names.py --files 2000 --seed 0

Each film carries one to four names of 1 to 40 letters in one of five scripts: in any element of the dictionary, kept
ones more often, in nested items, private elements, the file's head, overlays, bits above those stored, comments of
compressed frames and of pictures, and padding. The search looks for words of four bytes or more in the raw bytes and
the planes of bits, for shorter ones in the decoded elements, and for elements that no copy should hold. The status
is 1 where a name or such an element is found.
"""

import argparse
import io
import re
import struct
import sys
import tempfile
import time
import unicodedata
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pydicom
from PIL import Image
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

from ovcf.intake.deidentify import deidentify
from ovcf.problems import InputError

SCRIPTS = {
    "latin": [*map(chr, range(ord("a"), ord("z") + 1)), *"äöüßéèñçøåčš"],
    "cyrillic": [chr(c) for c in range(0x430, 0x450)],
    "greek": [chr(c) for c in range(0x3B1, 0x3CA)],
    "han": [chr(c) for c in range(0x4E00, 0x9FA5)],
    "hangul": [chr(c) for c in range(0xAC00, 0xD7A4)],
}
LONGEST = 40  # letters
SHORT = 4  # bytes; shorter words turn up in pixels by chance
SIDE = (40, 32)  # rows and columns; small, so that thousands are quick and chance hits rare
TEXT_VRS = ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT", "UN")
GEOMETRY = "Rows Columns SamplesPerPixel PhotometricInterpretation BitsAllocated BitsStored HighBit PixelRepresentation"
ALLOWED = set(  # written out here again: what a copy may hold, whatever the tool believes
    f"""{GEOMETRY}
    SpecificCharacterSet SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID
    PatientName PatientID PatientBirthDate PatientSex PatientAge PatientIdentityRemoved DeidentificationMethod
    DeidentificationMethodCodeSequence CodeValue CodingSchemeDesignator CodeMeaning
    LongitudinalTemporalInformationModified StudyDate SeriesDate AcquisitionDate ContentDate ImageType Modality
    ConversionType PresentationIntentType BodyPartExamined ViewPosition PatientOrientation Laterality ImageLaterality
    PixelSpacing ImagerPixelSpacing NominalScannedPixelSpacing PixelSpacingCalibrationType PixelAspectRatio
    EstimatedRadiographicMagnificationFactor DistanceSourceToDetector DistanceSourceToPatient KVP ExposureTime
    ExposureTimeInuS XRayTubeCurrent XRayTubeCurrentInuA Exposure ExposureInuAs FocalSpots ExposureIndex
    TargetExposureIndex DeviationIndex RelativeXRayExposure Sensitivity DetectorType RescaleIntercept RescaleSlope
    RescaleType WindowCenter WindowWidth VOILUTFunction ModalityLUTSequence VOILUTSequence LUTDescriptor LUTData
    ModalityLUTType PresentationLUTShape PixelIntensityRelationship PixelIntensityRelationshipSign
    LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod BurnedInAnnotation PixelPaddingValue
    Manufacturer ManufacturerModelName SourceImageSequence ReferencedImageSequence ReferencedSOPClassUID
    ReferencedSOPInstanceUID PixelData FloatPixelData DoubleFloatPixelData""".split()
)
TERMS = set("m f o l r b u a p h ap pa ll rl cr dx dr rg xa rf ot mg ct mr us nm pt sc es gm hc io px di dv df".split())
TERMS |= set("lat log lin od hu dcm yes no fp fl fr ah af al ar pl pr ph pf rh lh la lp ra rp ha hp hl hr lf".split())


class Planted(NamedTuple):
    """A film with names in it: its bytes and suffix, the names, and where they were put."""

    data: bytes
    suffix: str
    names: list[str]
    places: list[str]


# -- planting ----------------------------------------------------------------------------------------------


def a_name(rng: np.random.Generator) -> str:
    """A name of 1 to 40 letters of one script, short ones as often as long ones."""
    letters = SCRIPTS[str(rng.choice(list(SCRIPTS)))]
    length = int(rng.choice([1, 2, 3, 4, 5, 6, 8, 12, 20, LONGEST]))
    name = "".join(letters[k] for k in rng.integers(len(letters), size=length))
    return [name, name.upper(), name.capitalize()][rng.integers(3)]


def planted(rng: np.random.Generator) -> Planted:
    """A film of any kind with names hidden in it."""
    names = [a_name(rng) for _ in range(rng.integers(1, 5))]
    return _picture(rng, names) if rng.random() < 0.15 else _dicom(rng, names)


def _picture(rng: np.random.Generator, names: list[str]) -> Planted:
    kind = str(rng.choice(["PNG", "JPEG", "TIFF"]))
    text = " ".join(names)
    image = Image.fromarray(rng.integers(0, 256, SIDE).astype(np.uint8))
    exif, options = Image.Exif(), {}
    exif[315], exif[270] = text, text
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("Comment", text)
        options = {"pnginfo": info}
    elif kind == "JPEG":
        options = {"comment": text.encode(), "quality": 90}
    out = io.BytesIO()
    image.save(out, kind, exif=exif, **options)
    return Planted(out.getvalue() + text.encode(), f".{kind.lower()}", names, [kind])


def _dicom(rng: np.random.Generator, names: list[str]) -> Planted:
    ds, places = _base(rng), []
    for name in names:
        place = PLACES[rng.integers(len(PLACES))]
        place(ds, name, rng)
        places.append(place.__name__)
    if rng.random() < 0.7:
        _put(ds, 0x00100010, f"{names[0]}^{names[-1]}")  # as patients are called, as a rule
    frame = _frame(ds, names, rng, places)
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds.save_as(out, enforce_file_format=False)
    if frame:
        places.append(frame)
    return Planted(out.getvalue(), ".dcm", names, places)


def _base(rng: np.random.Generator) -> Dataset:
    """A small radiograph: 8 bits, 12 of 16, or signed."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", f"1.2.3.{rng.integers(1, 10**9)}"
    ds.Modality, ds.PatientID, ds.StudyDate = "CR", f"MRN{rng.integers(10**9):09d}", "20210302"
    ds.PhotometricInterpretation, ds.SamplesPerPixel = str(rng.choice(["MONOCHROME1", "MONOCHROME2"])), 1
    ds.Rows, ds.Columns = SIDE
    bits, allocated, signed = [(8, 8, 0), (12, 16, 0), (12, 16, 1), (16, 16, 0)][rng.integers(4)]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = allocated, bits, bits - 1, signed
    low = -(2 ** (bits - 1)) if signed else 0
    stored = rng.integers(low, low + 2**bits, SIDE).astype(f"{'i' if signed else 'u'}{allocated // 8}")
    ds.PixelData = stored.tobytes()
    ds["PixelData"].VR = "OB" if allocated == 8 else "OW"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    ds.preamble = b"\0" * 128
    return ds


def _put(ds: Dataset, tag: int, text: str) -> None:
    """Set an element to any text, as bytes: a reader of implicit VR takes them for the dictionary's kind."""
    value = text.encode("utf-8")
    ds.add_new(tag, "OB", value + b" " * (len(value) % 2))


def _any_tag(rng: np.random.Generator, vrs: tuple[str, ...]) -> int:
    """An element of the dictionary of one of these kinds, kept ones more often; none that decoding hangs on."""
    held = set(GEOMETRY.split()) | {"PixelData", "SpecificCharacterSet", "NumberOfFrames", "SOPClassUID"}
    held |= {"RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence"}
    known = {e[4]: tag for tag, e in DicomDictionary.items() if e[0] in vrs and tag >> 16 > 2 and e[4]}
    choice = sorted((set(known) & ALLOWED if rng.random() < 0.4 else set(known)) - held)
    return known[str(rng.choice(choice or sorted(known)))]


def in_an_element(ds: Dataset, name: str, rng: np.random.Generator) -> None:
    """Any element of the dictionary that holds text."""
    _put(ds, _any_tag(rng, TEXT_VRS), str(rng.choice([name, f"x {name}", f"{name}\\{name}", f"{name}^y"])))


def in_a_person(ds: Dataset, name: str, rng: np.random.Generator) -> None:
    """A person or an institution."""
    tag = int(rng.choice([0x00080090, 0x00081070, 0x00101001, 0x00080080, 0x00081050, 0x00101060]))
    _put(ds, tag, name)


def in_a_nested_item(ds: Dataset, name: str, rng: np.random.Generator) -> None:
    """An element one to three sequences deep."""
    item = Dataset()
    in_an_element(item, name, rng)
    for _ in range(rng.integers(1, 4)):
        outer = Dataset()
        outer.add_new(_any_tag(rng, ("SQ",)), "SQ", [item])
        item = outer
    ds.update(item)


def in_a_private_element(ds: Dataset, name: str, rng: np.random.Generator) -> None:
    """A private block named so, holding it as text and as bytes of no known kind."""
    block = ds.private_block(0x0099, "MAKER", create=True)
    _put(ds, block.get_tag(1), name)
    _put(ds, block.get_tag(2), f"{name} {name}")


def in_the_head(ds: Dataset, name: str, rng: np.random.Generator) -> None:
    """The preamble, or the file's meta information."""
    if rng.random() < 0.5:
        ds.preamble = name.encode()[:128].ljust(128, b"\0")
    else:
        ds.file_meta.SourceApplicationEntityTitle = "AE"
        value = name.encode()
        ds.file_meta.add_new(0x00020102, "OB", value + b"\0" * (len(value) % 2))
        ds.file_meta.PrivateInformationCreatorUID = "1.2.3"


def in_an_overlay(ds: Dataset, name: str, rng: np.random.Generator) -> None:
    """An overlay's own data, and its label."""
    group = 0x6000 + 2 * int(rng.integers(8))
    ds.add_new((group, 0x0010), "US", SIDE[0])
    ds.add_new((group, 0x0011), "US", SIDE[1])
    data = name.encode().ljust(SIDE[0] * SIDE[1] // 8, b"\0")
    ds.add_new((group, 0x3000), "OW", data)
    _put(ds, group << 16 | 0x1500, name)


def in_spare_bits(ds: Dataset, name: str, rng: np.random.Generator) -> None:
    """A plane of the bits above those stored, a bit a pixel; an overlay claims it or none does."""
    spare = list(range(ds.BitsStored, ds.BitsAllocated))
    if not spare or ds.file_meta.TransferSyntaxUID.is_encapsulated:
        return in_an_element(ds, name, rng)
    plane = int(rng.choice(spare))
    text = np.frombuffer(name.encode(), np.uint8)
    drawn = np.unpackbits(text, bitorder=str(rng.choice(["big", "little"]))).astype(np.uint16)
    stored = np.frombuffer(ds.PixelData, np.uint16).copy()
    stored[: len(drawn)] = (stored[: len(drawn)] & ~np.uint16(1 << plane)) | (drawn << plane).astype(np.uint16)
    ds.PixelData = stored.tobytes()
    if rng.random() < 0.5:
        ds.add_new(0x60000010, "US", SIDE[0])
        ds.add_new(0x60000102, "US", plane)


def in_a_table(ds: Dataset, name: str, rng: np.random.Generator) -> None:
    """A look-up table of the display: its explanation, and bytes behind its entries."""
    if ds.PixelRepresentation or "VOILUTSequence" in ds:
        return in_an_element(ds, name, rng)
    lut = Dataset()
    lut.add_new("LUTDescriptor", "US", [256, 0, 16])
    entries = np.linspace(0, 65535, 256).astype("<u2").tobytes() + name.encode()
    lut.add_new("LUTData", "OW", entries + b"\0" * (len(entries) % 2))
    _put(lut, 0x00283003, name)
    ds.VOILUTSequence = [lut]


def behind_the_pixels(ds: Dataset, name: str, rng: np.random.Generator) -> None:
    """Bytes behind the last pixel."""
    data = name.encode()
    ds.PixelData = ds.PixelData + data + b"\0" * (len(data) % 2)


def in_padding(ds: Dataset, name: str, rng: np.random.Generator) -> None:
    """Pixels that the header calls padding, a letter's byte each."""
    if ds.PixelRepresentation or ds.BitsStored < 12:
        return behind_the_pixels(ds, name, rng)
    letters = np.frombuffer(name.encode(), np.uint8)
    stored = np.maximum(np.frombuffer(ds.PixelData[: 2 * SIDE[0] * SIDE[1]], np.uint16), 256)
    stored[: len(letters)] = letters
    ds.PixelData = stored.tobytes()
    ds.add_new(0x00280120, "US", 0)
    ds.add_new(0x00280121, "US", 255)


PLACES = (
    in_an_element,
    in_an_element,
    in_a_person,
    in_a_nested_item,
    in_a_private_element,
    in_the_head,
    in_an_overlay,
    in_spare_bits,
    in_a_table,
    behind_the_pixels,
    in_padding,
)


def _frame(ds: Dataset, names: list[str], rng: np.random.Generator, places: list[str]) -> str:
    """Now and then compress an 8-bit film as JPEG with names in its segments; return how."""
    if ds.BitsAllocated != 8 or rng.random() < 0.5 or {"behind_the_pixels", "in_padding"} & set(places):
        return ""
    pixels = np.frombuffer(ds.PixelData, np.uint8)[: SIDE[0] * SIDE[1]].reshape(SIDE)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95)
    text = " ".join(names).encode()
    segments = b"".join(struct.pack(">BBH", 0xFF, mark, len(text) + 2) + text for mark in (0xFE, 0xE1, 0xEC))
    frame = out.getvalue()[:2] + segments + out.getvalue()[2:] + text
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.50"
    ds.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2)])
    ds["PixelData"].is_undefined_length = True
    return "in_a_segment"


# -- searching, by other means than the tool's -------------------------------------------------------------


def leaks(path: Path, names: list[str]) -> list[str]:
    """What a copy still holds of names, and what elements it should not."""
    raw = path.read_bytes()
    words = {form for name in names for form in _forms(name)}
    long = [(word, data) for word in words for data in _encoded(word) if len(data) >= SHORT]
    found = [f"bytes: {word}" for word, data in long if data in raw]
    if path.suffix != ".dcm":
        planes = _planes(np.asarray(Image.open(path)))
        return found + [f"plane: {word}" for word, data in long for plane in planes if data in plane]
    ds = pydicom.dcmread(path)
    planes = _planes(np.frombuffer(ds.PixelData, f"u{ds.BitsAllocated // 8}"))
    found += [f"plane: {word}" for word, data in long for plane in planes if data in plane]
    for element in ds.iterall():
        if element.tag.is_private or element.keyword not in ALLOWED:
            found.append(f"element: {element.tag} {element.keyword}")
        if element.VR not in ("SQ", "OB", "OW", "US", "SS"):
            plain = unicodedata.normalize("NFKC", str(element.value)).casefold()
            tokens = set(re.findall(r"[^\W_]+", plain)) - TERMS
            found += [f"{element.keyword}: {word}" for word in words if word.casefold() in tokens]
    return found


def _forms(name: str) -> set[str]:
    return {form for word in (name, name.upper(), name.lower(), name.casefold()) for form in (word, word.capitalize())}


def _encoded(word: str) -> set[bytes]:
    encoded = set()
    for encoding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "gb18030", "euc-kr", "iso8859-5", "iso8859-7"):
        try:
            encoded.add(word.encode(encoding))
        except UnicodeEncodeError:
            pass
    return encoded


def _planes(stored: np.ndarray) -> list[bytes]:
    """Every plane of bits as bytes, first pixel in the highest and in the lowest bit; and the pixels' low bytes."""
    flat = stored.ravel()
    planes = [((flat >> bit) & 1).astype(np.uint8) for bit in range(8 * flat.itemsize)]
    packed = [np.packbits(plane, bitorder=order).tobytes() for plane in planes for order in ("big", "little")]
    return [*packed, flat.astype(np.uint8).tobytes()]


# -- all together ------------------------------------------------------------------------------------------


def run(files: int, seed: int, folder: Path) -> tuple[Counter[str], list[str]]:
    """Plant, de-identify and search one cohort of films; return counts and what was found."""
    counts: Counter[str] = Counter()
    found: list[str] = []
    source = folder / "in"
    source.mkdir()
    films = {}
    for number in range(files):
        film = planted(np.random.default_rng([seed, number]))
        films[f"{number:05d}{film.suffix}"] = film
        (source / f"{number:05d}{film.suffix}").write_bytes(film.data)
        counts.update(film.places)
    kept = dict(films)
    while kept:
        rows = "".join(f"v{name},p{name},{name},L1,fresh\n" for name in kept)
        (source / "manifest.csv").write_text("patch_id,patient_id,image,level,label\n" + rows)
        try:
            deidentify(source, folder / "out", folder / "key.json", progress=False)
            break
        except InputError as error:  # a refusal is no leak; the rest is tried without those films
            refused = {Path(str(problem.file)).name: problem.message for problem in error.problems}
            if not refused.keys() & kept.keys():
                raise
            counts["refused"] += len(refused)
            found += [f"refused {name} {films[name].places}: {why}" for name, why in refused.items()]
            kept = {name: film for name, film in kept.items() if name not in refused}
    counts["copied"] = len(kept)
    new = _new_names(folder, list(kept))
    for name, film in kept.items():
        for leak in leaks(folder / "out" / new[name], film.names):
            counts["leaks"] += 1
            found.append(f"LEAK {name} {film.places}: {leak}")
    return counts, found


def _new_names(folder: Path, kept: list[str]) -> dict[str, str]:
    """Which copy is of which film, by the key file's patients: one film each."""
    import csv
    import json

    patients: dict[str, Any] = json.loads((folder / "key.json").read_text())["patients"]
    with open(folder / "out" / "manifest.csv", newline="") as stream:
        rows = {patients[row["patient_id"]][1:]: row["image"] for row in csv.DictReader(stream)}
    return {name: rows[name] for name in kept}


def main() -> int:
    """Run and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="names-") as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts, found = run(options.files, options.seed, Path(name))
    print("\n".join(found[:60]))
    print(", ".join(f"{what} {count}" for what, count in sorted(counts.items())))
    print(f"{options.files} films in {time.perf_counter() - began:.0f} s: {counts['leaks']} leaks")
    return 1 if counts["leaks"] else 0


if __name__ == "__main__":
    sys.exit(main())
