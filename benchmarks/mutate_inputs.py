"""Feed damaged inputs to every reader: each must be read, or refused by an InputError that names the file.

    python benchmarks/mutate_inputs.py --mutants 10000 --seed 0 --workers 2

Mutant number k of a seed is always the same: `--start k --mutants 1 --keep FOLDER` makes and keeps it again.
Seven kinds take turns: manifests and readings, pictures (PNG, JPEG, TIFF), DICOM headers, DICOM pixel data,
annotations, films of all kinds on their way through `ovcf deidentify`, whose copies must not hold the film's words, and
Excel workbooks.
The status is 1 where anything escaped: another exception, more than 5 seconds, numbers out of range, or a
file opened for writing outside the sandbox.
"""

import argparse
import io
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
from sound_inputs import SECRET, Seed, seeds

from ovcf.cohort.crop import Preparation, prepare_patches
from ovcf.cohort.films import check_film, read_film, read_header
from ovcf.cohort.manifest import read_cohort
from ovcf.intake.deidentify import deidentify_film
from ovcf.intake.deidentify.pseudonyms import Pseudonyms
from ovcf.intake.formats import FORMATS
from ovcf.intake.importers import ImportOptions, import_annotations
from ovcf.intake.readings import read_readings
from ovcf.problems import InputError
from ovcf.stats.readers.checks import check_readings

KINDS = ("manifest", "picture", "dicom header", "dicom pixels", "annotation", "deidentified", "workbook")
KEY = Pseudonyms(b"k" * 32)
SECONDS = 5.0
WORDS = (  # cells and tokens that have broken readers before
    "",
    " ",
    "nan",
    "inf",
    "-inf",
    "-1",
    "0",
    "1e308",
    "1e-320",
    "99999999999999999999",
    "0x10",
    "1_0",
    "٣",
    "½",
    "'",
    '"',
    '"""',
    "\\",
    "\x00",
    "\r",
    "\n",
    ",",
    ";",
    "\t",
    "=1+1",
    "<script>alert(1)</script>",
    "None",
    "true",
    "[]",
    "{}",
    "null",
    "../../etc/passwd",
    "/etc/passwd",
    "/dev/zero",
    "~",
    "C:\\x.png",
    "films",
    ".",
    "L6",
    "T5 ",
    "fresh",
    "old",
    "\ufeff",
    "\u202e",
    "\ud7ff",
    "x" * 70_000,
    "[" * 5000,
    "&#0;",
    "&lol;",
    "%s%n",
    "${HOME}",
)
EXTREMES = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")
NUMBERS = (0, 1, 2, 7, 8, 9, 16, 17, 255, 256, 4095, 32767, 32768, 65535)
ELEMENTS = (
    "Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation SamplesPerPixel NumberOfFrames "
    "PhotometricInterpretation PlanarConfiguration PixelSpacing ImagerPixelSpacing RescaleSlope "
    "RescaleIntercept WindowCenter WindowWidth VOILUTFunction PatientOrientation Laterality Modality "
    "SOPClassUID SpecificCharacterSet PixelPaddingValue PresentationLUTShape"
).split()
TEXTS = (
    "",
    "0",
    "-1",
    "1e999",
    "nan",
    "1\\2",
    "1\\2\\3",
    "0.000\\0.000",
    "abc",
    "MONOCHROME1",
    "RGB",
    "YBR_FULL_422",
    "PALETTE COLOR",
    "ISO_IR 999",
    "SIGMOID",
    "LINEAR_EXACT",
    "1.2.840.10008.1.2.4.70",
    "9" * 40,
)
SYNTAXES = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.3.4",
)


# -- damage ------------------------------------------------------------------------------------------------


def damage_bytes(data: bytes, rng: np.random.Generator, start: int = 0) -> bytes:
    """Flip, drop, repeat, insert or overwrite bytes from `start` on; half the time within the next 400."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        last = len(out) if rng.random() < 0.5 else min(len(out), start + 400)
        at = int(rng.integers(min(start, last - 1), last)) if last > 1 else 0
        length = int(rng.choice([1, 2, 4, 16, 300]))
        kind = rng.integers(7)
        if kind == 0 and len(out) > at:
            out[at] ^= 1 << rng.integers(8)
        elif kind == 1:
            out[at : at + length] = rng.bytes(length)
        elif kind == 2:
            del out[at : at + length]
        elif kind == 3:
            out[at:at] = out[max(at - length, 0) : at] * int(rng.choice([1, 3, 50]))
        elif kind == 4:
            out[at:at] = rng.bytes(length)
        elif kind == 5:
            out[at : at + 4] = EXTREMES[rng.integers(len(EXTREMES))]
        elif rng.random() < 0.3:
            del out[at:]
    return bytes(out)


def damage_text(data: bytes, rng: np.random.Generator) -> bytes:
    """Swap, replace or repeat tokens, cells and lines of a text."""
    text = data.decode("utf-8")
    for _ in range(rng.integers(1, 4)):
        kind = rng.integers(5)
        tokens = list(re.finditer(r"[^\s,:;{}\[\]<>\"=]+", text))
        if kind <= 2 and tokens:
            token = tokens[rng.integers(len(tokens))]
            other = tokens[rng.integers(len(tokens))]
            word = str(rng.choice(WORDS)) if kind else other.group()
            text = text[: token.start()] + word + text[token.end() :]
        elif kind == 3:
            lines = text.splitlines(keepends=True) or [""]
            line = lines[rng.integers(len(lines))]
            lines.insert(int(rng.integers(len(lines) + 1)), line)
            text = "".join(lines if rng.random() < 0.5 else lines[:-2])
        else:
            at = int(rng.integers(len(text) + 1))
            text = text[:at] + str(rng.choice(WORDS)) + text[at + int(rng.integers(3)) :]
    out = text.encode(str(rng.choice(["utf-8"] * 8 + ["utf-16", "utf-8-sig"])), errors="replace")
    return damage_bytes(out, rng) if rng.random() < 0.15 else out


def damage_element(data: bytes, rng: np.random.Generator) -> bytes:
    """Set one to three DICOM elements to values that do not belong there, by way of pydicom."""
    import pydicom

    ds = pydicom.dcmread(io.BytesIO(data), force=True)
    for keyword in rng.choice(ELEMENTS, int(rng.integers(1, 4)), replace=False):
        value = int(rng.choice(NUMBERS)) if rng.random() < 0.5 else str(rng.choice(TEXTS))
        if rng.random() < 0.15 and keyword in ds:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    if rng.random() < 0.1:
        ds.file_meta.TransferSyntaxUID = str(rng.choice(SYNTAXES))
    out = io.BytesIO()
    ds.save_as(out)
    return out.getvalue()


def mend_png(data: bytes) -> bytes:
    """Make the checksums of a PNG right again, so that damage gets past them."""
    out, at = bytearray(data), 8
    while at + 12 <= len(out):
        length = int.from_bytes(out[at : at + 4])
        end = at + 8 + length
        if end + 4 > len(out):
            break
        out[end : end + 4] = zlib.crc32(out[at + 4 : end]).to_bytes(4)
        at = end + 4
    return bytes(out)


def damage_sheet(data: bytes, rng: np.random.Generator) -> bytes:
    """Damage one file of a zip archive, a sheet or what describes it, and pack it again."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        chosen = names[rng.integers(len(names))] if rng.random() < 0.4 else "xl/worksheets/sheet1.xml"
        for name in names:
            content = old.read(name)
            if name == chosen:
                content = damage_text(content, rng) if rng.random() < 0.7 else damage_bytes(content, rng)
            new.writestr(name, content)
    return out.getvalue()


def damaged(kind: str, seed: Seed, rng: np.random.Generator) -> bytes:
    """Return the target file of a seed, damaged in the way of its kind."""
    data = seed.files[seed.target]
    if kind in ("manifest", "annotation"):
        return damage_text(data, rng)
    header = kind == "dicom header" or (kind == "deidentified" and seed.target.endswith(("dcm", "6154")))
    if header and rng.random() < 0.6:
        try:
            return damage_element(data, rng)
        except Exception:
            pass  # pydicom will not write such nonsense; damage its bytes instead
    if kind == "dicom pixels":
        start = data.rfind(b"\xe0\x7f\x10\x00")  # tag (7FE0,0010), little endian
        return damage_bytes(data, rng, max(start, 0))
    if kind == "workbook" and rng.random() < 0.8:
        return damage_sheet(data, rng)
    data = damage_bytes(data, rng)
    return mend_png(data) if seed.target.endswith(".png") and rng.random() < 0.7 else data


# -- reading -----------------------------------------------------------------------------------------------


def read(how: str, folder: Path, target: Path, out: Path) -> None:
    """Read one input by its public door and check what comes out."""
    if how == "film":
        _attempt_all((lambda: _checked_film(target)), (lambda: check_film(target)))
    elif how == "cohort":
        cohort = read_cohort(folder, workers=1)
        images = prepare_patches(cohort, Preparation(16, 5.0, 2, "histogram"), out, workers=1, progress=False)
        assert images.shape == (len(cohort.patches), 16, 16)
        shutil.rmtree(out)
    elif how == "readings":
        long = check_readings(read_readings(target))
        assert np.isfinite(long["rating"]).all() and set(long["truth"]) == {0, 1}
    elif how == "deidentify":
        out.mkdir()
        try:
            copy = deidentify_film(target, out / "copy", "MRN-77123", KEY).path
        except InputError:
            assert not list(out.iterdir()), "a refused film is left behind"
            raise
        assert SECRET.encode() not in copy.read_bytes(), "a word of the old film is in the copy"
        _checked_film(copy)
    else:
        source = target if how == "coco" else folder
        whose = ImportOptions(one_patient_per_film=FORMATS[how].patient_pattern is None)
        result = import_annotations(how, source, out / "manifest.csv", whose)
        assert all(problem.file for problem in result.problems), "a problem names no file"
        boxes = result.patches[["x0", "y0", "x1", "y1"]].to_numpy(dtype=float)
        assert np.isfinite(boxes).all(), "a box is not finite"


def _attempt_all(*calls) -> None:
    """Run every call though one may refuse; the first refusal is raised in the end."""
    refusals = []
    for call in calls:
        try:
            call()
        except InputError as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]


def _checked_film(path: Path) -> None:
    film = read_film(path)
    header = read_header(path)
    assert film.pixels.dtype == np.float32 and film.pixels.shape == (header.height, header.width)
    assert np.isfinite(film.pixels).all() and film.pixels.min() >= 0 and film.pixels.max() <= 1
    assert film.mm_per_px > 0 or np.isnan(film.mm_per_px)


class Hang(BaseException):
    """Raised by the alarm; no `except Exception` swallows it."""


def _alarm(*_):
    raise Hang


def outcome(seed: Seed, data: bytes, sandbox: Path) -> tuple[str, str, float]:
    """Return ("read", "refused" or "escaped", why, seconds) for one damaged file."""
    folder, out = sandbox / "data", sandbox / "out"
    for place in (folder, out):
        shutil.rmtree(place, ignore_errors=True)
    for name, content in seed.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data if name == seed.target else content)
    signal.setitimer(signal.ITIMER_REAL, 4 * SECONDS)
    began = time.perf_counter()
    try:
        read(seed.read, folder, folder / seed.target, out)
        result = "read", ""
    except InputError as error:
        named = all(problem.file for problem in error.problems) and str(folder) in str(error)
        result = ("refused" if named else "escaped"), str(error)[:300]
    except BaseException:
        result = "escaped", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    seconds = time.perf_counter() - began
    if seconds > SECONDS:
        result = "escaped", f"took {seconds:.1f} s; {result[1]}"
    return *result, seconds


class Writes:
    """Notes every file that Python opens for writing, moves or removes outside the sandbox, while in use.

    An audit hook stays for the life of a process, so there is one, and it asks whether anyone is watching.
    """

    CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate")
    watching: list["Writes"] = []
    hooked = False

    def __init__(self, sandbox: Path):
        self.allowed, self.found = (str(sandbox), "/dev/", "/proc/"), []

    def __enter__(self):
        if not Writes.hooked:
            sys.addaudithook(lambda event, args: [watch.note(event, args) for watch in Writes.watching])
            Writes.hooked = True
        Writes.watching.append(self)
        return self

    def __exit__(self, *_):
        Writes.watching.remove(self)

    def note(self, event: str, args: tuple) -> None:
        """Keep an event if it writes where nothing may be written; loky's own files and .pyc are not ours."""
        if event == "open":
            path, mode, flags = args
            if not ((mode and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & 0o1103)):
                return
        elif event in self.CHANGES:
            path = args[1] if event in ("os.rename", "os.link", "os.symlink") else args[0]
        else:
            return
        path = path.decode() if isinstance(path, bytes) else str(path)
        others = "loky" in path or "joblib" in path or "__pycache__" in path
        if path.startswith("/") and not path.startswith(self.allowed) and not others:
            self.found.append(f"{event} {path}")


def run_range(seed: int, start: int, stop: int, keep: str | None = None) -> list[tuple]:
    """Make and read mutants start..stop-1; returns (number, kind, file, outcome, why, seconds) of each."""
    sound, rows = seeds(), []
    signal.signal(signal.SIGALRM, _alarm)
    with tempfile.TemporaryDirectory(prefix="mutants-") as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sandbox = Path(name).resolve()
        for chosen in sound["dicom pixels"]:  # starts the decoder and imports: no mutant shall pay for that
            outcome(chosen, chosen.files[chosen.target], sandbox)
        for number in range(start, stop):
            rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
            kind = KINDS[number % len(KINDS)]
            chosen = sound[kind][rng.integers(len(sound[kind]))]
            data = damaged(kind, chosen, rng)
            with Writes(sandbox) as writes:
                result, why, seconds = outcome(chosen, data, sandbox)
            if writes.found:
                result, why = "escaped", f"wrote outside: {writes.found}"
            if keep and (result == "escaped" or stop - start == 1):
                Path(keep).mkdir(parents=True, exist_ok=True)
                (Path(keep) / f"{number}-{Path(chosen.target).name}").write_bytes(data)
            rows.append((number, kind, chosen.target, result, why, seconds))
    return rows


def main() -> int:
    """Run all mutants on all workers and print the counts."""
    from joblib import Parallel, delayed

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", help="folder for the mutants that escaped")
    options = parser.parse_args()
    began, stop = time.perf_counter(), options.start + options.mutants
    parts = [(start, min(start + 250, stop)) for start in range(options.start, stop, 250)]
    rows = Parallel(n_jobs=options.workers, verbose=5)(
        delayed(run_range)(options.seed, *part, options.keep) for part in parts
    )
    rows = [row for part in rows for row in part]
    counts = Counter((row[1], row[3]) for row in rows)
    print(f"{'kind':14}{'read':>8}{'refused':>8}{'escaped':>8}{'slowest':>9}")
    for kind in KINDS:
        slowest = max((row[5] for row in rows if row[1] == kind), default=0)
        print(
            f"{kind:14}"
            + "".join(f"{counts[kind, result]:8}" for result in ("read", "refused", "escaped"))
            + f"{slowest:8.2f}s"
        )
    escaped = [row for row in rows if row[3] == "escaped"]
    for number, kind, target, _, why, seconds in escaped[:40]:
        print(f"\nmutant {number} ({kind}, {target}, {seconds:.1f} s)\n{why}")
    print(f"{len(rows)} mutants in {time.perf_counter() - began:.0f} s; {len(escaped)} escaped")
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.exit(main())
