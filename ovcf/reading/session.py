"""One reader's way through a plan: which case is next, and every answer on the disk before it.

The state of a reader is nothing but what the journal says; a killed kernel, a reloaded page, a second window or another
day therefore change nothing, and no case is asked twice.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from ovcf.problems import InputError, Problem
from ovcf.reading import journal, replay
from ovcf.reading.designs import is_aided
from ovcf.reading.plan import Plan
from ovcf.reading.roster import journal_path, reader_name
from ovcf.words import CANNOT_JUDGE, LABELS, SCALES

ANSWERS = (*LABELS, CANNOT_JUDGE)
REASONS = (
    "break or step of the cortex", "dense band under an endplate", "sharp edges", "rounded edges", "sclerosis",
    "osteophytes", "shape alone", "vertebrae beside it", "the model's answer",
)  # fmt: skip
"""What a reader may name as reasons, besides a comment."""
COUNTS = ("zooms", "windows", "losses_of_focus", "away_seconds", "pauses", "paused_seconds")
"""What a page counts while a case is in sight: changes of zoom and of window, and when the reader was not looking."""
LONGEST_COMMENT = 2000
CHECK_HOLDS = timedelta(hours=12)  # how long a display check counts for the same screen


class Case(NamedTuple):
    """One question: the `order`-th (from 1) case of `of` in a period (0: training) under a session."""

    period: int
    session: str
    order: int
    of: int
    patch_id: str
    again: int = 0  # how often it was asked before and marked as mis-keyed

    @property
    def name(self) -> str:
        """What the page calls it; another question has another name."""
        return f"{self.period} {self.session} {self.order} {self.again}"


class ReadingSession:
    """A reader who reads a plan.

    Parameters
    ----------
    plan : Plan
    reader : str
        Name or pseudonym; letters, digits, spaces and `. _ -`, at most 40 characters.
    folder : Path
        Where the journals are kept.
    rank : int
        The reader's place in the roster, from 0.
    model_p_fresh : mapping, optional
        patch_id -> probability by a model that never saw the patient; needed for aided sessions.
    facts : mapping, optional
        What every line says besides: the software, the model and its digest.
    now : callable
        Returns the present time with a time zone (tests set it).
    """

    def __init__(
        self,
        plan: Plan,
        reader: str,
        folder: Path,
        *,
        rank: int = 0,
        model_p_fresh: Mapping[str, float] | None = None,
        facts: Mapping[str, Any] | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.plan, self.reader, self.rank = plan, reader_name(reader), rank
        self.path = journal_path(folder, reader)
        self.model_p_fresh, self.facts = dict(model_p_fresh or {}), dict(facts or {})
        self.now = now or (lambda: datetime.now(UTC))
        self._refuse_missing_model()

    def events(self) -> list[replay.Event]:
        """Return what this reader's journal says, oldest first."""
        return replay.read_reader(self.path)[0]

    def problems(self) -> list[Problem]:
        """Return what is wrong with lines of this reader's journal."""
        return replay.read_reader(self.path)[1]

    # Where the reader stands ------------------------------------------------------------------------------

    def state(self) -> tuple[str, Any]:
        """Return ("case", Case), ("washout", the moment it ends), or ("finished", None)."""
        return self._state(self.events())

    def last_answer(self) -> Case | None:
        """Return the question answered last, which may still be marked as mis-keyed; None where there is none."""
        last = replay.stand(self.events()).last
        return self._case_of(last.values) if last and last.values.get("period") else None

    def draft(self, case: Case) -> dict:
        """Return what the reader had chosen for the open case and not yet confirmed, {} where nothing."""
        for event in reversed(self.events()):
            if event.values.get("event") == "draft" and event.values.get("case") == case.name:
                return {name: event.values.get(name) for name in (*_CHOICES, "seconds", *COUNTS)}
            if event.values.get("event") == "answer":
                break
        return {}

    def needs_display_check(self, screen: str) -> bool:
        """Whether this screen (as its page describes it) was not checked in the last hours."""
        since = self.now() - CHECK_HOLDS
        checks = [e for e in self.events() if e.values.get("event") == "display" and e.values.get("screen") == screen]
        return not any((time := replay.time_of(check)) and since <= time <= self.now() for check in checks)

    # What the reader does ---------------------------------------------------------------------------------

    def answer(self, case: Case, answer: str, confidence: int | None, seconds: float, **seen: Any) -> bool:
        """Keep an answer; True once it is on the disk, False when this case is not (or no longer) open.

        Parameters
        ----------
        confidence : on the plan's scale; None where the case cannot be judged.
        seconds : for which the case was in sight.
        seen : `reasons`, `comment`, and the page's counts (`COUNTS`).

        The journal is read again first, so an answer given twice, or in two windows, counts once: the first. Raises
        ValueError for what cannot be kept.
        """
        self._check(answer, confidence, seconds)
        with journal.held(self.path) as file:
            if self._state(self.events()) != ("case", case):
                return False
            p = self.model_p_fresh.get(case.patch_id) if is_aided(case.session) else None
            choice = {"answer": answer, "confidence": confidence, "scale": self.plan.scale}
            more = {"seconds": round(float(seconds), 2), "model_p_fresh": p, **_seen(seen)}
            file.append(self._event("answer", case, choice | more))
        return True

    def keep_draft(self, case: Case, **chosen: Any) -> None:
        """Keep what is chosen for the open case and not confirmed, so that it comes back."""
        known = {name: chosen.get(name) for name in _CHOICES} | {"seconds": chosen.get("seconds", 0.0)}
        with journal.held(self.path) as file:
            file.append(self._event("draft", None, {"case": case.name, **known, **_seen(chosen)}))

    def mark_slip(self, case: Case) -> bool:
        """Mark the last answer, to this question, as mis-keyed: it is asked again at the end of its period.

        False where it is not the last answer (any more).
        """
        with journal.held(self.path) as file:
            if self.last_answer() != case:
                return False
            file.append(self._event("slip", case, {}))
        return True

    def keep_display_check(self, screen: str, **found: Any) -> None:
        """Keep a check of the display: `screen` as its page describes it, and what the reader could tell apart."""
        with journal.held(self.path) as file:
            file.append(self._event("display", None, {"screen": screen, **found}))

    # Beneath ----------------------------------------------------------------------------------------------

    def _state(self, events: list[replay.Event]) -> tuple[str, Any]:
        standing = replay.stand(events)
        for period in range(self.plan.periods + 1):
            case = self._first_open(period, standing)
            if case is None:
                continue
            until = self._washout_ends(period, events)
            return ("washout", until) if until and self.now() < until else ("case", case)
        return "finished", None

    def _first_open(self, period: int, standing: replay.Standing) -> Case | None:
        """Return the first question of a period without an answer; mis-keyed ones come last, as they were marked."""
        steps = self.plan.steps(self.reader, self.rank, period)
        marked = [(key[0], key[2]) for key in standing.marked]

        def turn(step: Any) -> int:
            question = (period, step.patch_id)
            return 1 + marked.index(question) if question in marked else 0

        for step in sorted(steps, key=turn):
            key = (period, step.session, step.patch_id)
            if key not in standing.answers:
                again = len(standing.marked.get(key, ()))
                return Case(period, step.session, step.order, self._of(period), step.patch_id, again)
        return None

    def _washout_ends(self, period: int, events: list[replay.Event]) -> datetime | None:
        """Return when a period may begin: the last answer of the one before and the washout; None where it began."""
        if period < 2 or any(e.values.get("event") == "answer" and e.values.get("period") == period for e in events):
            return None
        times = replay.believed_times(events, self.now())
        before = [t for e, t in zip(events, times, strict=True) if e.values.get("period") == period - 1 and t]
        return max(before, default=self.now()) + timedelta(days=self.plan.washout_days)

    def _of(self, period: int) -> int:
        return len(self.plan.cases if period else self.plan.training)

    def _case_of(self, values: dict) -> Case:
        period, again = values["period"], values.get("again") or 0
        return Case(period, values["session"], values["order"], self._of(period), values["patch_id"], again)

    def _event(self, kind: str, case: Case | None, values: dict) -> dict:
        about = case._asdict() if case else {}
        about.pop("of", None)
        time = {"time": self.now().isoformat(timespec="seconds")}
        return {"event": kind, "reader": self.reader, **about, **values, **time, "plan": self.plan.digest, **self.facts}

    def _check(self, answer: str, confidence: int | None, seconds: float) -> None:
        low, high = SCALES[self.plan.scale]
        is_rated = isinstance(confidence, int) and not isinstance(confidence, bool) and low <= confidence <= high
        fits = confidence is None if answer == CANNOT_JUDGE else is_rated
        if answer not in ANSWERS or not fits or not 0 <= seconds < 1e6:
            given = f"answer {answer!r}, confidence {confidence!r}, seconds {seconds!r}"
            raise ValueError(f"{given} cannot be kept")

    def _refuse_missing_model(self) -> None:
        """Refuse a plan with the model's answers where some case has none."""
        if not any(map(is_aided, self.plan.sessions)):
            return
        if missing := [case for case in self.plan.cases if case not in self.model_p_fresh]:
            words = f"the plan shows the model's answers, and {len(missing)} of its cases have none"
            raise InputError(Problem("plan", words, found=missing[0]))


_CHOICES = ("answer", "confidence", "reasons", "comment")


def _seen(values: Mapping[str, Any]) -> dict:
    """Return reasons, comment and counts as they are kept: known reasons only, a comment of one line."""
    reasons: Sequence[str] = values.get("reasons") or ()
    comment = "".join(c if c.isprintable() else " " for c in str(values.get("comment") or ""))
    kept = {
        "reasons": [reason for reason in REASONS if reason in reasons],
        "comment": comment[:LONGEST_COMMENT].strip(),
    }
    return kept | {name: round(float(values.get(name) or 0), 1) for name in COUNTS}
