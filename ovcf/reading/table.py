"""All readers' answers as the `readings` table, from one workstation's journals or several; how far each reader is."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ovcf.files import write_text
from ovcf.intake.imrmc import write_imrmc
from ovcf.problems import InputError, Problem
from ovcf.reading.plan import PLAN, Plan, read_plan_digest
from ovcf.reading.replay import Event, Standing, believed_times, journals_of, read_reader, stand, time_of
from ovcf.reading.roster import read_roster
from ovcf.reading.session import COUNTS
from ovcf.words import CANNOT_JUDGE, folded_name

COLUMNS = (
    "reader", "session", "order", "patch_id", "patient_id", "truth", "answer", "confidence", "seconds", "time",
    "model_p_fresh", "scale", "period", "mis_keyed", "reasons", "comment", *COUNTS, "software", "model", "model_digest",
)  # fmt: skip
_FROM_EVENT = [c for c in COLUMNS if c not in ("patient_id", "truth", "mis_keyed", "reasons")]


class Reader(NamedTuple):
    """One reader's lines from every workstation, and what they add up to."""

    name: str
    rank: int  # place in the roster, from 0
    events: list[Event]
    standing: Standing
    problems: list[Problem]

    def open(self, plan: Plan, period: int) -> int:
        """Return how many questions of a period have no answer."""
        steps = plan.steps(self.name, self.rank, period)
        return sum((period, step.session, step.patch_id) not in self.standing.answers for step in steps)

    def missing(self, plan: Plan) -> int:
        """Return how many questions of the plan have no answer, training aside."""
        return sum(self.open(plan, period) for period in range(1, plan.periods + 1))


class Gathered(NamedTuple):
    """What every reader of a study has answered so far."""

    plan: Plan
    readers: list[Reader]  # of the roster's order, then others
    waiting: list[str]  # names of the roster that have not begun

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with lines of journals: none of it stopped an answer from being read."""
        return [problem for reader in self.readers for problem in reader.problems]


def gather(plan: Plan, folder: Path, others: Sequence[Path] = ()) -> Gathered:
    """Read the journals of a readings folder, and of other workstations' folders with the same plan.

    A journal that was copied from one workstation to another counts once.

    Raises
    ------
    InputError
        For another plan, and for every conflict: two workstations with different answers of a reader to one question,
        each with both files and lines.
    """
    folders = [Path(folder), *map(_readings_folder, others)]
    _refuse_other_plans(plan, folders[1:])
    paths: dict[str, list[Path]] = {}
    for place in folders:
        for key, path in journals_of(place).items():
            paths.setdefault(key, []).append(path)
    roster = [name for place in folders for name in read_roster(place).readers]
    places = {key: place for place, key in enumerate(dict.fromkeys(map(folded_name, roster)))}
    names = {folded_name(name): name for name in reversed(roster)}
    found = [_reader(names.get(key), places.get(key, 0), paths[key]) for key in paths]
    readers = sorted(found, key=lambda r: (places.get(folded_name(r.name), len(places)), folded_name(r.name)))
    if conflicts := [problem for reader in readers for problem in _conflicts(reader)]:
        raise InputError(conflicts)
    return Gathered(plan, [r for r in readers if r.events], [names[key] for key in places if key not in paths])


def readings_table(gathered: Gathered, *, finished_only: bool = False) -> pd.DataFrame:
    """Return the answers that count, a row a reader, session and case, in the order in which they were given.

    Training is left out. `mis_keyed` holds the earlier answers of that question that were marked as such, with their
    confidence. `finished_only` leaves out readers with a question open.
    """
    plan, rows = gathered.plan, []
    for reader in gathered.readers:
        if finished_only and reader.missing(plan):
            continue
        for key, event in reader.standing.answers.items():
            if not key[0] or key[2] not in plan.truth:
                continue
            patient, truth = plan.truth[key[2]]
            row = {c: event.values.get(c) for c in _FROM_EVENT} | {"patient_id": patient, "truth": truth}
            marked = [
                f"{e.values['answer']} {e.values.get('confidence') or ''}" for e in reader.standing.marked.get(key, ())
            ]
            reasons = "; ".join(event.values.get("reasons") or ())
            rows.append(row | {"reader": reader.name, "mis_keyed": "; ".join(marked).strip(), "reasons": reasons})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.assign(scale=table["scale"].fillna(plan.scale))


def export_readings(gathered: Gathered, path: Path, *, finished_only: bool = False) -> Path:
    """Write the readings as one file: `.imrmc` for other programs, else the `readings` table as CSV.

    Raises InputError where nobody has read yet (or finished), or the answers do not fit the format (see `write_imrmc`).
    """
    table, path = readings_table(gathered, finished_only=finished_only), Path(path)
    if table.empty:
        words = "nobody has finished reading yet" if finished_only else "nobody has read a case of this run yet"
        raise InputError(Problem("no_readings", words))
    if path.suffix.lower() == ".imrmc":
        return write_imrmc(table, path)
    write_text(path, table.to_csv(index=False))
    return path


def notes_on(gathered: Gathered, *, finished_only: bool = False) -> list[str]:
    """Return what an export's reader must know: who is unfinished or left out, and every damaged line."""
    plan, notes = gathered.plan, []
    for reader in gathered.readers:
        if missing := reader.missing(plan):
            said = "left out, unfinished" if finished_only else "unfinished"
            notes.append(f"{reader.name}: {said}, {missing} of {plan.questions} answers missing")
    notes += [f"{name}: has not begun" for name in gathered.waiting]
    notes += [
        f"{reader.name}: {twice} answers to a question answered before; the first of each counts"
        for reader in gathered.readers
        if (twice := len(reader.standing.twice))
    ]
    return [*notes, *map(str, gathered.problems)]


# How far each reader is ---------------------------------------------------------------------------------------


def progress(gathered: Gathered, now: datetime | None = None) -> pd.DataFrame:
    """Return a row a reader: answers given and missing, time, washout, marks. Nothing of right and wrong.

    Columns: reader, state, answered, missing, of; then per period `answered_N`; median_seconds, cannot_judge,
    mis_keyed, last (time), washout_ends (of the next period, "" where none waits), display (what the last check of the
    display found), damaged_lines.
    """
    now, plan = now or datetime.now(UTC), gathered.plan
    rows = [_progress_of(reader, plan, now) for reader in gathered.readers]
    of = plan.questions
    rows += [{"reader": n, "state": "not begun", "answered": 0, "missing": of, "of": of} for n in gathered.waiting]
    periods = [f"answered_{period}" for period in range(1, plan.periods + 1)]
    columns = ["reader", "state", "answered", "missing", "of", *periods, "median_seconds", "cannot_judge", "mis_keyed"]
    return pd.DataFrame(rows, columns=[*columns, "last", "washout_ends", "display", "damaged_lines"])


def _progress_of(reader: Reader, plan: Plan, now: datetime) -> dict:
    answers = [e for key, e in reader.standing.answers.items() if key[0] and key[2] in plan.truth]
    periods = range(1, plan.periods + 1)
    missing, of = reader.missing(plan), plan.questions
    seconds = pd.to_numeric(pd.Series([e.values.get("seconds") for e in answers], dtype=object), errors="coerce")
    times = [t for t in believed_times(reader.events, now) if t]
    until = _washout_of(reader, plan, now)
    state = "reading" if missing else "finished"
    row = {f"answered_{p}": len(plan.steps(reader.name, reader.rank, p)) - reader.open(plan, p) for p in periods}
    return row | {
        "reader": reader.name, "state": "washout" if until else state,
        "answered": of - missing, "missing": missing, "of": of,
        "median_seconds": seconds.median(),
        "cannot_judge": sum(e.values.get("answer") == CANNOT_JUDGE for e in answers),
        "mis_keyed": sum(map(len, reader.standing.marked.values())),
        "last": max(times).isoformat(timespec="minutes") if times else "",
        "washout_ends": until.isoformat(timespec="minutes") if until else "",
        "display": _display_of(reader), "damaged_lines": len(reader.problems),
    }  # fmt: skip


def _washout_of(reader: Reader, plan: Plan, now: datetime) -> datetime | None:
    """When the reader may go on, None where they may now or are done."""
    for period in range(1, plan.periods):
        begun = any(e.values.get("period") == period + 1 for e in reader.events)
        if not begun and not any(reader.open(plan, p) for p in range(1, period + 1)):
            times = believed_times(reader.events, now)
            last = [t for e, t in zip(reader.events, times, strict=True) if e.values.get("period") == period and t]
            until = max(last, default=now) + timedelta(days=plan.washout_days)
            return until if until > now else None
    return None


def _display_of(reader: Reader) -> str:
    checks = [e.values for e in reader.events if e.values.get("event") == "display"]
    if not checks:
        return "not checked"
    last = checks[-1]
    return "steps told apart" if last.get("dark") and last.get("light") else "steps not told apart"


# Several workstations -----------------------------------------------------------------------------------------


def _readings_folder(other: Path) -> Path:
    """Return the readings folder of what was named: a run, or such a folder itself."""
    other = Path(other)
    for folder in (other / "readings", other):
        if (folder / PLAN).exists():
            return folder
    raise InputError(Problem("no_plan", "is no run with a plan of readings, nor a readings folder", str(other)))


def _refuse_other_plans(plan: Plan, folders: list[Path]) -> None:
    problems = []
    for folder in folders:
        found = read_plan_digest(folder)
        if found != plan.digest:
            words = "another plan than the run's: its readers were asked other cases or another design"
            problems.append(
                Problem("plan", words, str(folder / PLAN), column="digest", found=found, allowed=plan.digest)
            )
    if problems:
        raise InputError(problems)


def _reader(name: str | None, rank: int, paths: list[Path]) -> Reader:
    """Join a reader's journals by time; a line that stands in several files counts once."""
    events, problems, seen = [], [], set()
    for path in paths:
        found, wrong = read_reader(path)
        problems += wrong
        for event in found:
            said = repr(sorted(event.values.items(), key=str))
            events += [] if said in seen else [event]
            seen.add(said)
    if len(paths) > 1:
        never = datetime.max.replace(tzinfo=UTC)
        events.sort(key=lambda event: time_of(event) or never)
    spelt = name or next((str(e.values["reader"]) for e in events if e.values.get("reader")), paths[0].stem)
    return Reader(spelt, rank, events, stand(events), problems)


def _conflicts(reader: Reader) -> list[Problem]:
    """Name the questions that two workstations have different answers to."""
    problems = []
    for first, second in reader.standing.twice:
        said = [(e.values.get("answer"), e.values.get("confidence")) for e in (first, second)]
        if first.file != second.file:
            places = f"{first.file}, line {first.line}: {said[0][0]} {said[0][1] or ''}".strip()
            words = f"{reader.name} answered this question on two workstations; take one line out (the other: {places})"
            question = f"period {second.key[0]}, {second.key[1]}, {second.key[2]}"
            found = f"{said[1][0]} {said[1][1] or ''}".strip()
            problems.append(Problem("conflict", words, second.file, second.line, question, found))
    return problems
