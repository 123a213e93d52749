"""Pictures and compressed DICOM pixels, decoded in a process of their own.

The decoders are C and C++ code that reads bytes from outside: on a damaged file they may crash or never return.
Here that costs the file, not the run.
"""

import atexit
import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ovcf.cohort.films.greys import refusal
from ovcf.problems import InputError

START_SECONDS = 120  # to start the process and import what it needs; machines under load are slow at it
DECODE_SECONDS = 3  # of processor time, and one more for every two million pixels
PATIENCE = 10  # times as long by the clock, for a machine that is busy with other things
IDLE_SECONDS = 300  # after which the process ends; the next film starts another
MEMORY = 6 * 2**30  # bytes of address space a decoder may take

_apart: dict[int, Any] = {}  # this process's decoder: {process id: executor}


def decode_apart(path: Path, pixels: int, decode: Callable[[str], Any] | None = None) -> Any:
    """Call a decoder with a file's path in the other process and return its answer, or refuse the file by name.

    Parameters
    ----------
    pixels : int
        How many the header promises: so much time is given.
    decode : callable
        Importable, or small enough to be sent. Left out: the one of compressed DICOM files, which returns the stored
        numbers (array) and notes (list).

    Raises
    ------
    InputError
        When the decoder fails, crashes, or takes too much memory or time.
    """
    seconds = DECODE_SECONDS + pixels / 2e6
    try:
        return (
            _executor()
            .submit(_timed, decode or _decode, str(Path(path).absolute()), seconds)
            .result(timeout=PATIENCE * seconds)
        )
    except TimeoutError:
        reason = "the decoder did not return in time"
    except BrokenProcessPool:
        reason = "the decoder crashed or did not return in time"
    except InputError:
        raise
    except Exception as error:
        raise refusal(path, f"its pixels cannot be decoded: {_first_reason(error)}") from error
    _stop()
    raise refusal(path, f"its pixels cannot be decoded: {reason}")


@contextmanager
def workers_may_die(root: Path) -> Iterator[None]:
    """Turn the death of a worker that reads films into a refusal; which film it was, nobody can say."""
    try:
        yield
    except BrokenProcessPool as error:
        message = "a process died while reading films: too little memory, or a film that crashes its decoder"
        raise refusal(root, message, "worker_died") from error


def _executor() -> Any:
    """Return this process's decoder, started and with its imports done."""
    from joblib.externals.loky import ProcessPoolExecutor

    if os.getpid() not in _apart:
        # It leaves when idle: a process whose parent was killed has no other way to learn of it.
        executor = ProcessPoolExecutor(max_workers=1, timeout=IDLE_SECONDS, initializer=_prepare)
        executor.submit(os.getpid).result(timeout=START_SECONDS)
        _apart[os.getpid()] = executor
        # a pool's worker waits for its children before it comes to atexit, and this one would leave only when idle
        Finalize(None, _stop, exitpriority=0)
        atexit.register(_stop)
    return _apart[os.getpid()]


def _stop() -> None:
    executor = _apart.pop(os.getpid(), None)
    if executor is not None:
        executor.shutdown(wait=True, kill_workers=True)


def _prepare() -> None:
    """Import what decoding needs, and cap memory and core files where the system can (not on Windows)."""
    import pydicom.pixels  # noqa: F401

    import ovcf.cohort.films.pictures  # noqa: F401

    try:
        import resource
    except ImportError:
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    _limit(resource.RLIMIT_AS, MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard))
    _limit(resource.RLIMIT_CORE, 0)


def _limit(kind: int, soft: int) -> None:
    """Set a soft limit where the system lets it; macOS refuses some, which is no reason to refuse a film."""
    import resource

    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (soft, resource.getrlimit(kind)[1]))


def _timed(function: Callable[[str], Any], path: str, seconds: float) -> Any:
    """Call a function under a limit of processor time, past which the system ends this process."""
    try:
        import resource
    except ImportError:
        return function(path)
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _limit(resource.RLIMIT_CPU, math.ceil(used + seconds))
    return function(path)


def _first_reason(error: Exception) -> str:
    """Return the first line that says something; pydicom lists what every plug-in answered."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].endswith(":"):
        return " | ".join(lines[1:])
    return lines[0] if lines else type(error).__name__


def _decode(path: str) -> tuple[NDArray, list[str]]:
    """Decode one file; runs in the other process."""
    import warnings

    import pydicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, force=True)
        try:
            return dataset.pixel_array, []
        except Exception:
            if not _mend_scan_header(dataset):
                raise
            note = "its JPEG scan header was mended (spectral selection ends at 63 in a sequential JPEG)"
            return dataset.pixel_array, [note]


def _mend_scan_header(dataset: Any) -> bool:
    """Set the end of spectral selection to 63 in a sequential JPEG of one frame; True if that changed it.

    ITU-T T.81, table B.3, wants 63 there; an old 12-bit encoder wrote 0, at which decoders stop though the
    scan itself is sound (WG04_RG3_JPLY among the DICOM committee's own test images).
    """
    from pydicom.encaps import encapsulate, get_frame

    frame = bytearray(get_frame(dataset.PixelData, 0, number_of_frames=1))
    at, sequential = 2, False
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker, length = frame[at + 1], int.from_bytes(frame[at + 2 : at + 4], "big")
        sequential |= marker in (0xC0, 0xC1)
        if marker == 0xDA:
            end = at + 2 + length - 2  # Se is the last byte but one of the scan header
            if not sequential or not at < end < len(frame) or frame[end] == 63:
                return False
            frame[end] = 63
            dataset.PixelData = encapsulate([bytes(frame)])
            return True
        at += 2 + length
    return False
