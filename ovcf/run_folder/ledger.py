"""made.json: what the files of a run were when they were made, by digest, and what they were made from.

A file counts as made once it is entered here; the entry is the last write of each step. One that was cut, edited or
half written is told by its digest, and never used.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from ovcf.files import digest, write_text
from ovcf.problems import InputError, Problem

NAME = "made.json"


class Ledger:
    """The entries of a run: path within the run -> {"sha256", and what else is worth knowing ("key", ...)}.

    Raises InputError, when it is read, where made.json itself is damaged.
    """

    def __init__(self, run: Path):
        self.run, self.path = run, run / NAME

    def entries(self) -> dict[str, dict[str, Any]]:
        """Return all entries, as they stand on the disk."""
        if not self.path.is_file():
            return {}
        try:
            stored = json.loads(self.path.read_bytes())
            whole = stored["sha256"] == _digest_of(stored["files"])
        except (ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            words = "this record of the run's files is damaged; `ovcf run` makes it again from what is whole"
            raise InputError(Problem("damaged_record", words, str(self.path)))
        return stored["files"]

    def entry(self, name: str) -> dict[str, Any]:
        """Return one entry, an empty one where there is none."""
        return self.entries().get(name, {})

    def enter(self, *names: str, **more: Any) -> None:
        """Enter files that have just been written, with their digests."""
        made = {name: {"sha256": digest(self.run / name), **more} for name in names}
        self._write(self.entries() | made)

    def note(self, name: str, **facts: Any) -> None:
        """Enter what is no file of its own: which cached file holds the patches, say."""
        self._write(self.entries() | {name: facts})

    def strike(self, names: list[str]) -> None:
        """Take entries out; their files count as not made."""
        self._write({name: entry for name, entry in self.entries().items() if name not in names})

    def state(self, name: str) -> str:
        """Return "whole", "changed", or "absent" for a file that is not there or was never entered."""
        entry, path = self.entry(name), self.run / name
        if "sha256" not in entry or not path.is_file():
            return "absent"
        return "whole" if digest(path) == entry["sha256"] else "changed"

    def _write(self, entries: dict[str, dict[str, Any]]) -> None:
        ordered = dict(sorted(entries.items()))
        write_text(self.path, json.dumps({"sha256": _digest_of(ordered), "files": ordered}, indent=1))


def _digest_of(entries: dict[str, dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()
