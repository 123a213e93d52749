"""The folder of a run: parameters that are fixed when it is made, and tables that are made once.

Opening a run writes nothing and takes its parameters as they are. A table counts as made when its digest stands in
`made.json`; what is missing may be added, what is there is never replaced except by `ovcf run` itself.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import pandas as pd

from ovcf.files import kept, link_or_copy, set_aside, write_text
from ovcf.problems import InputError, Problem
from ovcf.profiles.parameters import ANYWHERE, AS_THE_RUN
from ovcf.run_folder.figures import FORMATS, on_screen, write_figure
from ovcf.run_folder.fixed import FORMAT, read_fixed, refuse_other_values, write_fixed
from ovcf.run_folder.holding import RunInUse, clear_cache, clear_leftovers, executes, hold
from ovcf.run_folder.ledger import Ledger
from ovcf.run_folder.places import data_home, from_project, is_run, refuse_foreign, with_whole_paths
from ovcf.run_folder.record import read_record
from ovcf.run_folder.tables import read_table

__all__ = ["RunFolder", "RunInUse", "data_home", "from_project", "is_run", "read_record", "read_table"]


class RunFolder:
    """Parameters, tables and figures of one run that is there already.

    Parameters
    ----------
    run : folder of the run. Relative paths are as `from_project` takes them.
    adds : whether what is missing may be added; a page that only shows a run says False.
    who : who typed the values, for the message that refuses one.
    typed : values of parameters that somebody typed. One that differs from the run's is refused; the word "as the run"
        is no value.

    Attributes
    ----------
    run : absolute path
    parameters : the run's, complete
    format : of the folder; 1 had no digests and is only read
    ledger : what was made, by digest

    Raises
    ------
    InputError : where there is no run, it was damaged, or a typed value is not the run's.
    """

    def __init__(self, run: str | Path, *, adds: bool = True, who: str = "the cell", **typed: Any):
        self.run = from_project(run)
        self.parameters, self.format = read_fixed(self.run)
        refuse_other_values(self.run, self.parameters, typed, who)
        self.parameters |= {name: typed[name] for name in ANYWHERE if typed.get(name, AS_THE_RUN) != AS_THE_RUN}
        self._settle(adds)

    @classmethod
    def unborn(cls, run: Path, parameters: dict[str, Any]) -> Self:
        """Return a run that is not on the disk yet, to be checked and then made by `create`.

        Raises InputError where the folder holds something else.
        """
        refuse_foreign(run)
        study = cls.__new__(cls)
        study.run, study.parameters, study.format = run, with_whole_paths(parameters), FORMAT
        study._settle(adds=True)
        return study

    def _settle(self, adds: bool) -> None:
        self.ledger = Ledger(self.run)
        self.executing = executes(self.run)
        self.adds = adds and self.format == FORMAT

    def create(self, cached: Path | None = None) -> None:
        """Make the folder of an unborn run; `cached`: the cache of another run, whose files are shared (hard links)."""
        self.run.mkdir(parents=True, exist_ok=True)
        with self.hold():
            if is_run(self.run):
                raise RunInUse(Problem("in_use", "another process has just made this run", str(self.run)))
            write_fixed(self.run, self.parameters)
            for folder in ("tables", "figures", "cache"):
                (self.run / folder).mkdir(exist_ok=True)
            if cached is not None and cached.is_dir():
                share_files(cached, self.run / "cache")

    # Writing ---------------------------------------------------------------------------------------------------

    def hold(self) -> AbstractContextManager[None]:
        """Hold the run for writing (`holding.hold`); raises RunInUse where another process writes into it."""
        return hold(self.run)

    @property
    def writable(self) -> bool:
        """Whether this user may write into the folder at all (a read-only mount, a colleague's run)."""
        return os.access(self.run, os.W_OK)

    def save_table(self, name: str, table: pd.DataFrame, *, index: bool = False) -> pd.DataFrame:
        """Add `tables/<name>.csv` to the run where it is missing, and hand the table back.

        One that is there is left as it is; where it holds something else than what was worked out now, that is said.
        """
        path, text = f"tables/{name}.csv", table.to_csv(index=index)
        if self._adds_file(path):
            with self.hold():
                (self.run / "tables").mkdir(exist_ok=True)
                write_text(self.run / path, text)
                self.ledger.enter(path)
        elif not self.adds:
            pass
        elif not (self.run / path).exists():
            _say(f"{path} was not kept: {self.run} cannot be written")
        elif (self.run / path).read_bytes() != text.encode():
            _say(f"{path} of this run holds other values than were worked out now; it was left as it is")
        return table

    def save_figure(self, name: str, figure: Any) -> bytes:
        """Add `figures/<name>.png`, `.svg`, `.pdf` to the run where they are missing; return a PNG for the screen."""
        paths = [f"figures/{name}.{kind}" for kind in FORMATS]
        if any(self._adds_file(path) for path in paths):
            with self.hold():
                (self.run / "figures").mkdir(exist_ok=True)
                write_figure(self.run / "figures", name, figure)
                self.ledger.enter(*paths)
        return on_screen(figure)

    def _adds_file(self, path: str) -> bool:
        """Whether a file may be written: by `ovcf run` always, by an opened notebook where none is there."""
        if self.executing:
            return True
        return self.adds and self.writable and self.ledger.state(path) == "absent"

    # Reading ---------------------------------------------------------------------------------------------------

    def table(self, name: str) -> pd.DataFrame:
        """Read `tables/<name>.csv`; InputError where the run has none, or it is not what it was when it was made."""
        if not self.holds(f"tables/{name}.csv"):
            path = str(self.run / "tables" / f"{name}.csv")
            raise InputError(Problem("missing_file", "this run has no such table", path))
        return read_table(self.run / "tables" / f"{name}.csv")

    def holds(self, path: str) -> bool:
        """Return whether a file was made and is whole; InputError names one that was changed since.

        In a run of format 1, which kept no digests, being there is enough.
        """
        if self.format == 1:
            return (self.run / path).is_file()
        if (state := self.ledger.state(path)) == "changed":
            words = (
                "was changed or damaged after it was made, and is not used; "
                f"`ovcf run --out {self.run}` sets it aside and makes it again"
            )
            raise InputError(Problem("changed_file", words, str(self.run / path)))
        return state == "whole"

    def _table(self, name: str, make: Callable[[], pd.DataFrame], **facts: Any) -> pd.DataFrame:
        """Read a table that the run has, else make it and enter it with what it was made from (`facts`)."""
        path = f"tables/{name}.csv"
        if not self.holds(path):
            self.refuse_adding(path)
            with self.hold():
                (self.run / "tables").mkdir(exist_ok=True)
                write_text(self.run / path, make().to_csv(index=False))
                self.ledger.enter(path, **facts)
        return read_table(self.run / path)  # so that the first and every later reading agree to the last digit

    def refuse_adding(self, path: str) -> None:
        """Raise InputError where something is missing that cannot be made in this run, and say why."""
        if self.format != FORMAT:
            why = f"an older version of ovcf made this run (format {self.format}), so it is read but not continued"
        elif not self.writable:
            why = "its folder cannot be written"
        elif not self.adds:
            why = "it is only shown here"
        else:
            return
        words = f"this run lacks it, and {why}; make it in a run of your own: ovcf run --from {self.run} --out NEW"
        raise InputError(Problem("missing_file", words, str(self.run / path)))

    # Keeping the folder in order --------------------------------------------------------------------------------

    def mend(self) -> None:
        """Set aside and name whatever was changed since it was made, and clear what dead processes left.

        For `ovcf run`, which makes it again; the run must be held.
        """
        clear_leftovers(self.run)
        try:
            names = list(self.ledger.entries())
        except InputError:
            set_aside(self.ledger.path)
            return
        changed = [name for name in names if self.ledger.state(name) == "changed"]
        for name in changed:
            set_aside(self.run / name)
        if changed:
            self.ledger.strike(changed)

    def clean(self) -> int:
        """Delete the cache, and what was set aside as damaged; return the bytes.

        Raises RunInUse while a process writes into the run.
        """
        with self.hold():
            return clear_cache(self.run)

    def cached_images(self, which: str) -> Path | None:
        """Return the cached array of patches that the run was made with, where it is there and whole."""
        name = self.ledger.entry(f"images/{which}").get("file") if self.format > 1 else None
        path = self.run / "cache" / str(name)
        return path if name and kept(path) else None

    def _key(self, names: list[str], *more: Any) -> str:
        values = [[name, self.parameters[name]] for name in names]
        return hashlib.sha256(json.dumps([values, more], default=str).encode()).hexdigest()[:16]


def share_files(source: Path, target: Path) -> None:
    """Give another folder the same finished files, as hard links where the disk can, else as copies."""
    for path in sorted(source.rglob("*")):
        there = target / path.relative_to(source)
        if not path.name.startswith(".") and path.is_file():
            there.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(path, there)


def _say(text: str) -> None:
    logging.getLogger("ovcf").warning(text)
