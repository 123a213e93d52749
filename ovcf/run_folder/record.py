"""run.json: how a run goes or went, and whether the process that wrote "running" still lives."""

import json
import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ovcf.files import write_text

NAME = "run.json"
BEAT = 10.0  # seconds between two signs of life
SILENCE = 60.0  # seconds without one after which a process counts as dead, where it cannot be looked at


def read_record(run: Path) -> dict[str, Any]:
    """Return a run's record; empty where there is none or it cannot be read.

    The status of a run whose process is gone reads "interrupted", whatever the file says.
    """
    try:
        record = json.loads((run / NAME).read_bytes())
        dead = record.get("status") == "running" and not _lives(record)
    except (OSError, ValueError, AttributeError):
        return {}
    return record | {"status": "interrupted"} if dead else record


def write_record(run: Path, record: dict[str, Any]) -> None:
    """Write run.json at once."""
    write_text(run / NAME, json.dumps(record, indent=2, ensure_ascii=False, default=str))


def this_process() -> dict[str, Any]:
    """Return what tells this process from others: its number, when it began, its machine."""
    import psutil

    return {"pid": os.getpid(), "began": psutil.Process().create_time(), "host": platform.node()}


@contextmanager
def beating(run: Path, record: dict[str, Any]) -> Iterator[None]:
    """Write a sign of life into the record every ten seconds; the record must only be changed, not replaced."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(BEAT):
            record["heartbeat"] = now()
            write_record(run, dict(record))

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def now() -> str:
    """Return the time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _lives(record: dict[str, Any]) -> bool:
    """Whether the process that wrote a record still runs: by its number here, by its last sign of life elsewhere."""
    process = record.get("process")
    if not process:
        return False  # a run of a version that kept no sign of life; it is not going on
    if process["host"] == platform.node():
        import psutil

        try:
            return abs(psutil.Process(process["pid"]).create_time() - process["began"]) < 1
        except psutil.Error:
            return False
    said = datetime.fromisoformat(record.get("heartbeat", record["started"]))
    return (datetime.now(UTC) - said).total_seconds() < SILENCE
