"""Small sound inputs of every kind that the readers take, for `mutate_inputs.py` to damage."""

import io
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile
from PIL import Image

SECRET = "Schneewittchen"  # the name in films that are to be de-identified


class Seed(NamedTuple):
    """One sound input: the folder it needs, the file to damage in it, and how the whole is read."""

    files: dict[str, bytes]
    target: str
    read: str


def seeds() -> dict[str, list[Seed]]:
    """Return sound inputs of every kind, small so that thousands are quick."""
    rng = np.random.default_rng(0)
    pictures = [Seed({name: data}, name, "film") for name, data in _pictures(rng).items()]
    films = _dicoms() | _unusual_dicoms(rng)
    dicoms = [Seed({name: data}, name, "film") for name, data in films.items()]
    named = [Seed({name: _named(data)}, name, "deidentify") for name, data in films.items()]
    return {
        "manifest": _manifests(rng),
        "workbook": _workbooks(rng),
        "picture": pictures,
        "dicom header": dicoms,
        "dicom pixels": dicoms,
        "annotation": _annotations(rng),
        "deidentified": [*named, *(seed._replace(read="deidentify") for seed in pictures)],
    }


def _saved(stored: np.ndarray, **options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(stored).save(out, **options)
    return out.getvalue()


def _pictures(rng) -> dict[str, bytes]:
    grey = rng.integers(0, 256, (40, 30)).astype(np.uint8)
    deep = rng.integers(0, 4096, (40, 30)).astype(np.uint16)
    rgb = np.repeat(grey[..., None], 3, axis=2)
    exif = Image.Exif()
    exif[0x0112] = 6  # lying on its side
    pictures = {
        "a.png": _saved(grey, format="PNG", exif=exif),
        "b.png": _saved(deep, format="PNG"),
        "c.png": _saved(rgb, format="PNG"),
        "d.jpg": _saved(grey, format="JPEG", exif=exif),
        "e.jpg": _saved(rgb, format="JPEG", progressive=True),
        "f.tif": _saved(deep, format="TIFF"),
    }
    for number, compression in enumerate(("raw", "tiff_lzw", "tiff_deflate", "packbits", "jpeg")):
        pictures[f"g{number}.tif"] = _saved(grey, format="TIFF", compression=compression, exif=exif)
    for number, kind in enumerate(("int8", "uint32", "int32", "float32")):
        out = io.BytesIO()
        tifffile.imwrite(out, (deep.astype(float) * 7 - 90).astype(kind), photometric="minisblack")
        pictures[f"i{number}.tif"] = out.getvalue()
    palette = io.BytesIO()
    Image.fromarray(grey).convert("P").save(palette, format="PNG")
    return pictures | {"h.png": palette.getvalue()}


def _dicoms() -> dict[str, bytes]:
    """Return small DICOM files that ship with pydicom: every transfer syntax we read."""
    import pydicom

    names = (
        "MR_small.dcm MR_small_implicit.dcm MR_small_bigendian.dcm MR_small_RLE.dcm JPGExtended.dcm "
        "MR_small_jp2klossless.dcm MR_small_jpeg_ls_lossless.dcm JPEGLSNearLossless_08.dcm "
        "JPEG-lossy.dcm SC_rgb_jpeg_gdcm.dcm SC_rgb_small_odd_jpeg.dcm SC_rgb_rle.dcm image_dfl.dcm "
        "rtdose_1frame.dcm examples_overlay.dcm dicomdirtests/77654033/CR1/6154"
    ).split()
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    return {Path(name).name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


def _unusual_dicoms(rng) -> dict[str, bytes]:
    """Return films as old programs write them: left-justified, drawn over in spare bits, with padding and tables."""
    import pydicom
    from pydicom.data import get_testdata_file

    films = {}
    for name in ("left", "drawn", "padded", "table"):
        ds = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
        stored = rng.integers(0, 4096, (ds.Rows, ds.Columns)).astype(np.uint16)
        ds.PixelRepresentation, ds.BitsStored, ds.HighBit = 0, 12, 15 if name == "left" else 11
        del ds.PixelPaddingValue
        if name == "left":
            stored <<= 4
        if name == "drawn":
            stored[:9] |= 0x8000
            ds.add_new(0x60000102, "US", 15)
        if name == "padded":
            stored[:, :9] = 5
            ds.add_new(0x00280120, "US", 0)
            ds.add_new(0x00280121, "US", 9)
        if name == "table":
            lut = pydicom.Dataset()
            lut.add_new("LUTDescriptor", "US", [4096, 0, 12])
            lut.add_new("LUTData", "OW", np.arange(4096, dtype="<u2").tobytes())
            ds.VOILUTSequence = [lut]
        ds.PixelData = stored.tobytes()
        films[f"{name}.dcm"] = _bytes(ds)
    return films


def _bytes(ds) -> bytes:
    out = io.BytesIO()
    ds.save_as(out)
    return out.getvalue()


def _named(data: bytes) -> bytes:
    """Return a film with a name in many of its elements."""
    import pydicom

    ds = pydicom.dcmread(io.BytesIO(data), force=True)
    ds.PatientName, ds.OperatorsName, ds.StudyDescription = f"{SECRET}^A", SECRET, f"of {SECRET}"
    ds.ManufacturerModelName = ds.InstitutionName = SECRET
    ds.private_block(0x0099, SECRET, create=True).add_new(1, "LO", SECRET)
    try:
        return _bytes(ds)
    except Exception:  # a seed that cannot be written again goes as it is
        return data


def _manifests(rng) -> list[Seed]:
    films = {
        f"films/{name}.png": _saved(rng.integers(0, 256, (60, 50)).astype(np.uint8), format="PNG") for name in "abcd"
    }
    head = "patch_id,patient_id,image,level,label,x0,y0,x1,y1,mm_per_px,age,sex,normal_segment,remark\n"
    rows = [
        f"{k:03d},P{k // 2},films/{'abcd'[k // 2]}.png,L{1 + k % 5},{('fresh', 'old')[k % 3 == 0]},"
        f'5,{5 + 25 * (k % 2)},40,{25 + 25 * (k % 2)},0.2,7{k},f,0,"a, b"\n'
        for k in range(8)
    ]
    full = (head + "".join(rows)).encode()
    short = "".join(f"{k},p{k},films/{'abcd'[k]}.png,{('fresh', 'old')[k % 2]}\n" for k in range(4))
    short = ("patch_id,patient_id,image,label\n" + short).encode()
    ready = {f"{label}/P{k}_T12.png": films["films/a.png"] for label in ("fresh", "old") for k in range(3)}
    patients = "image,patient_id\n" + "".join(f"{name},p{k}\n" for k, name in enumerate(ready))
    settings = json.dumps({"synthetic": True, "seed": 0, "parameters": {"difficulty": 1.0}}).encode()
    studies = b"patient_id,age,exclusion\nP0,75,\nP9,50,too young\n"
    return [
        Seed(films | {"manifest.csv": full}, "manifest.csv", "cohort"),
        Seed(films | {"manifest.csv": full.replace(b",", b";")}, "manifest.csv", "cohort"),
        Seed(films | {"manifest.csv": short}, "manifest.csv", "cohort"),
        Seed(ready | {"patients.csv": patients.encode()}, "patients.csv", "cohort"),
        Seed(films | {"manifest.csv": full, "cohort.json": settings}, "cohort.json", "cohort"),
        Seed(films | {"manifest.csv": full, "studies.csv": studies}, "studies.csv", "cohort"),
        Seed({"r.csv": _readings()}, "r.csv", "readings"),
        Seed({"r.imrmc": _imrmc()}, "r.imrmc", "readings"),
    ]


def _workbooks(rng) -> list[Seed]:
    """Return a manifest as an Excel workbook, called by both names."""
    import openpyxl

    films = {
        f"films/{name}.png": _saved(rng.integers(0, 256, (60, 50)).astype(np.uint8), format="PNG") for name in "ab"
    }
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["patch_id", "patient_id", "image", "level", "label", "x0", "y0", "x1", "y1", "age"])
    for k in range(4):
        row = [f"{k:03d}", k // 2, f"films/{'ab'[k // 2]}.png", "L1", ("fresh", "old")[k % 2], 5, 5 + 25 * (k % 2)]
        book.active.append([*row, 40.5, 25 + 25 * (k % 2), 70 + k])
    book.save(out)
    return [Seed(films | {"manifest.csv": out.getvalue()}, "manifest.csv", "cohort")]


def _readings() -> bytes:
    rows = [f"{r};{t};{c};{c % 2};{c % 3 + r},5" for r in (1, 2) for t in (1, 2) for c in range(5)]
    return "\n".join(["readerID;modalityID;caseID;truth;score", *rows]).encode()


def _imrmc() -> bytes:
    rows = [f"-1,{c},truth,{c % 2}" for c in range(5)]
    rows += [f"{r},{c},{t},{c % 3 + r}" for r in (1, 2) for t in "AB" for c in range(5)]
    return "\n".join(["N0: 3", "BEGIN DATA:", *rows]).encode()


def _annotations(rng) -> list[Seed]:
    film = _saved(rng.integers(0, 256, (100, 200)).astype(np.uint8), format="PNG")
    films = {"images/p1_a.png": film, "images/p2_a.png": film}
    yolo = films | {"labels/p1_a.txt": b"1 0.5 0.75 0.1 0.2\n0 .1 .1 .3 .1 .3 .4\n", "classes.txt": b"T12_fresh\nL1\n"}
    coco = {
        "images": [
            {"id": 1, "file_name": "images/p1_a.png", "width": 200, "height": 100},
            {"id": 2, "file_name": "p2_a.png", "width": 100, "height": 50},
        ],
        "categories": [{"id": 5, "name": "L1"}, {"id": 6, "name": "T12_fresh"}],
        "annotations": [
            {"image_id": 1, "category_id": 5, "bbox": [10, 20, 30, 40]},
            {"image_id": 2, "category_id": 6, "bbox": [90, 20, 30, 40]},
        ],
    }
    labelme = {
        "imagePath": "p1_a.png",
        "imageWidth": 200,
        "imageHeight": 100,
        "shapes": [
            {"label": "L4", "shape_type": "circle", "points": [[150, 50], [160, 50]]},
            {"label": "L2 old", "shape_type": "polygon", "points": [[10, 50], [30, 40], [20, 70]]},
            {"label": "Th11", "shape_type": "rectangle", "points": [[40, 30], [10, 5]]},
        ],
    }
    voc = (
        "<annotation><filename>p1_a.png</filename><size><width>200</width><height>100</height></size><object><name>L1</name><bndbox><xmin>10</xmin>"
        "<ymin>20</ymin><xmax>30</xmax><ymax>50</ymax></bndbox></object></annotation>"
    )
    vindr = (
        "image_id,lesion_type,xmin,ymin,xmax,ymax,rad_id\np1_a,Vertebral collapse,10,20,30,40,rad1\n"
        "p1_a,Osteophytes,1,2,3,4,rad1\np2_a,Vertebral collapse,10,20,30,40,rad2\n"
    )
    buu = "".join(f"10,{10 + 8 * k},50,{10 + 8 * k}\n" for k in range(11))
    return [
        Seed(yolo, "labels/p1_a.txt", "yolo"),
        Seed(yolo, "classes.txt", "yolo"),
        Seed(films | {"a.json": json.dumps(coco, indent=1).encode()}, "a.json", "coco"),
        Seed(films | {"images/p1_a.json": json.dumps(labelme, indent=1).encode()}, "images/p1_a.json", "labelme"),
        Seed(films | {"p1.xml": voc.encode()}, "p1.xml", "voc"),
        Seed(films | {"train.csv": vindr.encode()}, "train.csv", "vindr"),
        Seed({"LA/001-F-071Y0.png": film, "LA/001-F-071Y0.csv": buu.encode()}, "LA/001-F-071Y0.csv", "buu"),
    ]
