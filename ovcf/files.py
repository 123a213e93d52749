"""Write a file at once or not at all; say what changes when a file does.

Every file that a run, a cohort or a reading leaves behind is written here: into a temporary file beside its place,
brought to disk, then renamed. A kill at any moment leaves the old file or the new one, never a part.
"""

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from ovcf.problems import InputError, Problem

PARTIAL = ".part"  # how the name of every temporary file ends; `.NAME-RANDOM.part`
SEAL = ".sha256"  # what the name of a file's seal adds
DAMAGED = ".damaged"  # what the name of a file adds that was found to be another than it was written
SPARE = 2**24  # bytes to leave free on the disk


@contextmanager
def writing(path: Path, mode: str = "wb", *, private: bool = False, **options: Any) -> Iterator[Any]:
    """Open a file for writing that takes its place when the block ends, and only if it ends well.

    Parameters
    ----------
    path : where the file shall stand; its folder must be there.
    mode : "wb" or "w" (UTF-8, newlines as written).
    private : readable by its owner only (0600), for keys; otherwise the umask decides.
    options : as `open` takes them.

    Raises
    ------
    OSError : as opening, writing and renaming do; the file that stood there is left as it was.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=PARTIAL)
    options = {"encoding": "utf-8", "newline": ""} | options if "b" not in mode else options
    try:
        with os.fdopen(handle, mode, **options) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if not private:
            os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def placing(path: Path) -> Iterator[Path]:
    """Lend the path of a temporary file that takes its place when the block ends, and only if it ends well.

    For what writes files by their path (safetensors, a memory map); the file's folder is made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=PARTIAL)
    os.close(handle)
    try:
        yield Path(name)
        with open(name, "rb+") as stream:
            os.fsync(stream.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def placing_folder(path: Path) -> Iterator[Path]:
    """Lend an empty folder that takes its place when the block ends, and only if it ends well.

    A folder that stood there steps aside first, since folders cannot be replaced in one step.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-", suffix=PARTIAL))
    aside = partial.with_name(partial.name + "-old")
    try:
        yield partial
        os.chmod(partial, 0o777 & ~_umask())  # mkdtemp's are for the owner only
        if path.exists():
            os.replace(path, aside)
        try:
            os.replace(partial, path)
        except OSError:
            os.replace(aside, path) if aside.exists() else None
            raise
        sync_folder(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(aside, ignore_errors=True)


def sweep(path: Path) -> None:
    """Remove what killed writings of a file left beside its place; for whoever alone may write it."""
    for partial in Path(path).parent.glob(f".{Path(path).name}-*{PARTIAL}"):
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str, **options: Any) -> None:
    """Write a text file at once or not at all (UTF-8)."""
    with writing(path, "w", **options) as stream:
        stream.write(text)


def write_bytes(path: Path, data: bytes, **options: Any) -> None:
    """Write a binary file at once or not at all."""
    with writing(path, **options) as stream:
        stream.write(data)


def read_yaml(path: Path) -> dict:
    """Return a YAML file's mapping, an empty one where there is no such file."""
    import yaml

    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}


def write_yaml(path: Path, values: dict) -> None:
    """Write a mapping as YAML, in its own order."""
    import yaml

    write_text(path, yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def stamp(source: Path) -> list:
    """Return what changes when a file does, or any file of a folder: path, size and time."""
    files = sorted(source.rglob("*")) if source.is_dir() else [source] * source.exists()
    return [str(source), *([str(file), (s := file.stat()).st_size, s.st_mtime_ns] for file in files if file.is_file())]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, 64 hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# Seals: what was kept is used only while it is what was written ----------------------------------------------


def seal(path: Path) -> Path:
    """Write a file's digest beside it (`NAME.sha256`, as `sha256sum -c` reads it); only then is the file there."""
    write_text(seal_of(path), f"{digest(path)}  {path.name}\n")
    return path


def kept(path: Path) -> bool:
    """Return whether a sealed file is there and whole.

    One without a seal was never finished and counts as absent; a damaged one is set aside and named.
    """
    path, note = Path(path), seal_of(path)
    if not (path.is_file() and note.is_file()):
        return False
    stat = path.stat()
    try:
        said = note.read_text(encoding="utf-8").split()[:1]
    except UnicodeDecodeError:
        said = []
    if said == [_digest_then(str(path), stat.st_size, stat.st_mtime_ns)]:
        return True
    set_aside(path)
    return False


def link_or_copy(source: Path, target: Path) -> None:
    """Give a finished file a second name, as a hard link where the disk can, else as a copy; nothing is overwritten."""
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:
        with placing(target) as partial:
            shutil.copyfile(source, partial)


def set_aside(path: Path) -> None:
    """Rename a damaged file or folder to `NAME.damaged` beside it, and say so; nothing that is read has such a name."""
    aside = path.with_name(path.name + DAMAGED)
    if aside.is_dir():
        shutil.rmtree(aside)
    try:
        os.replace(path, aside)
    except OSError as error:  # another's folder, or a read-only one
        logging.getLogger("ovcf").warning("%s is damaged and is not used (%s)", path, error.strerror)
        return
    logging.getLogger("ovcf").warning("%s is damaged: set aside as %s, made again", path, aside.name)


def check_room(folder: Path, needed: int, what: str) -> None:
    """Refuse to fill a disk: writing a mapped file past its end kills a process without a word.

    Raises InputError where `needed` bytes and a little more are not free.
    """
    free = shutil.disk_usage(folder).free
    if needed + SPARE > free:
        words = f"not enough room on the disk for the {what}"
        found, allowed = f"{free >> 20} MB free", f"{needed + SPARE >> 20} MB needed"
        raise InputError(Problem("no_room", words, str(folder), found=found, allowed=allowed))


def seal_of(path: Path) -> Path:
    """Return where a file's seal stands."""
    return Path(path).with_name(Path(path).name + SEAL)


@lru_cache(maxsize=4096)
def _digest_then(path: str, _size: int, _changed: int) -> str:
    return digest(Path(path))


def _umask() -> int:
    """Return the process's file mask; it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def sync_folder(folder: Path) -> None:
    """Bring a rename to disk, where the system lets a folder be opened for it (not Windows)."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


@contextmanager
def appending(path: Path) -> Iterator[Any]:
    """Open a file to read it and to `append` to it, alone; its folder and the file are made where absent.

    Raises InputError where it cannot be opened for writing.
    """
    path = Path(path)
    is_new = not path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b", buffering=0)  # what could not be written must not wait in a buffer for its close
    except OSError as error:
        raise _not_written(path, error) from error
    with file, alone(file):
        if is_new:
            sync_folder(path.parent)
        yield file


def append(file: Any, data: bytes) -> None:
    """Add bytes to a file opened by `appending` and return once they are on the disk, or leave it as it was.

    A disk that fills takes a first part and refuses the rest: half a line would be half an answer.

    Raises InputError where they cannot be written.
    """
    before, left = file.seek(0, os.SEEK_END), memoryview(data)
    try:
        while left:  # one call, so that another reader never sees a part; more only where the disk is full
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    except OSError as error:
        os.ftruncate(file.fileno(), before)
        raise _not_written(Path(file.name), error) from error


def _not_written(path: Path, error: OSError) -> InputError:
    return InputError(Problem("not_written", f"cannot be written: {error.strerror or error}", str(path)))


@contextmanager
def alone(file: Any) -> Iterator[None]:
    """Hold an open file against other programs, where the system can (not on Windows)."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
