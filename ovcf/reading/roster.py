"""Who reads: names in the order in which a crossover deals its orders, each with a secret of its own.

`roster.json` is readable by its owner only. Names are added at its end and never taken away: a reader's place decides
what they read.
"""

import json
import re
import secrets
import unicodedata
from collections.abc import Sequence
from hmac import compare_digest
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from ovcf.files import write_text
from ovcf.problems import InputError, Problem
from ovcf.words import folded_name

FILE = "roster.json"


class Roster(NamedTuple):
    """The readers of a study and the secrets of their links."""

    tokens: dict[str, str]  # name -> secret, in the order of the study
    server: str = ""  # of the readers' page
    coordinator: str = ""  # of the coordinator's page

    @property
    def readers(self) -> tuple[str, ...]:
        """Names, in the order of the study."""
        return tuple(self.tokens)

    def rank(self, reader: str) -> int:
        """Return a reader's place, from 0; 0 for one who is not in the roster."""
        folded = [folded_name(name) for name in self.tokens]
        return folded.index(folded_name(reader)) if folded_name(reader) in folded else 0

    def spelling(self, reader: str) -> str:
        """Return a name as the roster spells it, "" where it is not in it."""
        return next((name for name in self.tokens if folded_name(name) == folded_name(reader)), "")

    def links(self, port: int) -> list[str]:
        """Return a line a reader: the name, and the link of their own to the page at this port."""
        width = max(map(len, self.tokens), default=0)
        page = f"http://127.0.0.1:{port}/?token={self.server}#reader="
        return [f"{name:<{width}}  {page}{token}" for name, token in self.tokens.items()]

    def whose(self, token: str) -> str:
        """Return the reader whose link holds this secret, "" for nobody's."""
        return next((name for name, kept in self.tokens.items() if compare_digest(kept.encode(), token.encode())), "")


def read_roster(folder: Path) -> Roster:
    """Return the roster of a readings folder, an empty one where there is none.

    Raises InputError, naming the file, where it is damaged.
    """
    path = Path(folder) / FILE
    if not path.exists():
        return Roster({})
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        tokens = {str(reader["name"]): str(reader["token"]) for reader in stored["readers"]}
        return Roster(tokens, str(stored["server"]), str(stored["coordinator"]))
    except (ValueError, KeyError, TypeError) as error:
        words = f"the roster is damaged ({type(error).__name__}: {error}); put back a copy, or remove it for new links"
        raise InputError(Problem("roster", words, str(path), getattr(error, "lineno", None))) from None


def add_readers(folder: Path, names: Sequence[str] = ()) -> Roster:
    """Add readers who are not in the roster yet, and return it; it is made with its secrets where there is none.

    Raises InputError for every name that cannot be used.
    """
    roster = read_roster(folder)
    tokens, problems = dict(roster.tokens), []
    for name in names:
        try:
            name = reader_name(name)
        except InputError as error:
            problems += error.problems
            continue
        if folded_name(name) not in map(folded_name, tokens):
            tokens[name] = secrets.token_urlsafe(16)
    if problems:
        raise InputError(problems)
    made = Roster(tokens, roster.server or secrets.token_urlsafe(24), roster.coordinator or secrets.token_urlsafe(24))
    if made != roster:
        readers = [{"name": name, "token": token} for name, token in tokens.items()]
        text = json.dumps({"readers": readers, "server": made.server, "coordinator": made.coordinator}, indent=1)
        Path(folder).mkdir(parents=True, exist_ok=True)
        write_text(Path(folder) / FILE, text + "\n", private=True)
    return made


def reader_name(name: str) -> str:
    """Return a reader's name with single spaces; InputError when it cannot name a file everywhere."""
    name = " ".join(unicodedata.normalize("NFC", str(name)).split())
    if not re.fullmatch(r"\w[\w .\-]{0,39}", name):
        allowed = "1 to 40 letters, digits, spaces and . _ -"
        raise InputError(Problem("reader", "is not a usable reader name", found=name[:60], allowed=allowed))
    return name


def journal_path(folder: Path, reader: str) -> Path:
    """Return where a reader's journal is kept, however the name is spelt."""
    return Path(folder) / f"{quote(folded_name(reader_name(reader)), safe=' ')}.jsonl"
