"""A crossover study read through the reading room itself, by simulated readers, and what the analysis makes of it.

    python benchmarks/reading_room.py [--run reports/demo] [--cases 60] [--readers 6] [--by-clicks 2]

The run is copied, never written. Two readers read by keys in a headless Chromium on the served page, the others
by the page's own messages to the room in processes of their own. On the way three programs are killed (SIGKILL), a
reader has two windows open and answers in both, and one answer is marked as mis-keyed. Then every question must have
its one answer, as its reader gave it, and the analysis must read them. No answer is a person's.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from zlib import crc32

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
ARMS = ("unaided", "aided")
FOUND = {"dark": True, "light": True, "px_per_mm": None, "tries": 1, "ratio": 1}


def choice(truth: int, reader: str, question: str) -> tuple[str, int]:
    """What a simulated reader answers, and how sure: right in seven cases of ten, the same whenever asked."""
    rng = np.random.default_rng(crc32(f"{reader}/{question}".encode()))
    right = rng.uniform() < 0.7
    return ("fresh" if right == bool(truth) else "old"), int(rng.integers(1, 6))


def read_by_messages(run: Path, reader: str, die_after: int | None, slip_at: int | None) -> None:
    """Read until nothing is open, by the messages the page would send; die without a word after some answers."""
    from ovcf.explore import open_study
    from ovcf.reading.roster import read_roster
    from ovcf.viz.reading_room import ReadingRoom

    room = ReadingRoom(open_study(run))
    token = read_roster(run / "readings").tokens[reader]
    shown, _ = room.ask("start", token=token, screen="simulated")
    given = 0
    while shown["screen"] != "finished":
        if shown["screen"] == "display":
            shown, _ = room.ask("display", found=FOUND)
            continue
        answer, confidence = choice(room.session.plan.truth[room.case.patch_id][1], reader, _question(room.case))
        room.ask("draft", case=shown["case"], answer=answer, confidence=confidence, seconds=1.0)
        if given == die_after:
            os.kill(os.getpid(), 9)
        shown, _ = room.ask("answer", case=shown["case"], answer=answer, confidence=confidence, seconds=2.0 + given % 7)
        given += 1
        if given == slip_at:
            shown, _ = room.ask("slip", case=shown["last"])


def _question(case) -> str:
    return f"{case.session} {case.patch_id}"


class Clicks:
    """Readers who read by keys in Chromium, on the page that `ovcf room` serves."""

    def __init__(self, run: Path, folder: Path, roster) -> None:
        sys.path.insert(0, str(ROOT / "tests" / "browser"))
        from servers import Server

        from ovcf.server import free_port

        self.run, self.roster = run, roster
        port = free_port()
        code = f"from ovcf.room import serve_room; serve_room({str(run)!r}, {port}, open_browser=False)"
        self.server = Server(["-c", code], port, folder / "server.log")
        self.address = f"http://127.0.0.1:{port}/?token={roster.server}#reader="

    def read(self, browser, reader: str, die_after: int | None, two_windows_at: int | None) -> None:
        """Read both periods; on the way the page's kernel is killed, and a second window answers one case first."""
        from reading_pages import check_display

        page = self._window(browser, reader)
        check_display(page)
        given = 0
        while self._is_open(page):
            if given == two_windows_at:
                other = self._window(browser, reader)
                self._answer(other, reader)  # the case that the first window shows too
                other.context.close()
            if given == die_after:
                min(self.server.kernels(), key=lambda kernel: kernel.create_time()).kill()
                page.context.close()
                page = self._window(browser, reader)
                self._is_open(page)
            self._answer(page, reader)
            given += 1
        page.context.close()

    def _window(self, browser, reader: str):
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.set_default_timeout(120_000)
        page.goto(self.address + self.roster.tokens[reader])
        page.wait_for_selector(".room[data-screen=start] button")
        page.keyboard.press("Enter")
        page.wait_for_selector(".room:is([data-screen=case], [data-screen=display], [data-screen=finished])")
        return page

    def _is_open(self, page) -> bool:
        page.wait_for_selector(".room:is([data-screen=case]:not([data-case='']), [data-screen=finished])")
        return page.locator(".room").get_attribute("data-screen") == "case"

    def _answer(self, page, reader: str) -> None:
        """Answer the open case by keys; what it is, only the study's own journal and plan know."""
        from ovcf.explore import open_study
        from ovcf.reading.plan import read_plan
        from ovcf.reading.session import ReadingSession

        self._is_open(page)
        shown = page.locator(".room").get_attribute("data-case")
        if not hasattr(self, "sessions"):
            study, folder = open_study(self.run), self.run / "readings"
            plan = read_plan(study.patches, folder)
            p = study.predictions.groupby("patch_id")["p_fresh"].mean().to_dict()
            make = {
                name: ReadingSession(plan, name, folder, rank=self.roster.rank(name), model_p_fresh=p)
                for name in self.roster.readers
            }
            self.plan, self.sessions = plan, make
        session, order = shown.split()
        case = self.sessions[reader].state()[1]
        if (case.session, case.order) == (session, int(order)):
            answer, confidence = choice(self.plan.truth[case.patch_id][1], reader, _question(case))
        else:  # answered in the other window: whatever this one says does not count
            answer, confidence = "old", 1
        page.keyboard.press({"fresh": "f", "old": "o"}[answer])
        page.keyboard.press(str(confidence))
        page.keyboard.press("Enter")
        page.wait_for_selector(f".room:not([data-screen=case][data-case='{shown}'])")


def simulate(run: Path, folder: Path, *, cases: int, readers: int, by_clicks: int) -> dict:
    """Read a study and return what was found."""
    from ovcf.room import prepare_room

    names = [f"Simulated reader {i + 1}" for i in range(readers)]
    room = prepare_room(run, names, cases=cases, washout_days=0.0, arms=ARMS, design="crossover")
    killed, began = 0, time.monotonic()
    if by_clicks:
        from playwright.sync_api import sync_playwright

        clicks = Clicks(run, folder, room.roster)
        flags = ["--no-sandbox", "--disable-gpu"]
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=flags)
            for i, name in enumerate(names[:by_clicks]):
                clicks.read(browser, name, die_after=cases // 2 + i, two_windows_at=cases // 3 if i == 0 else None)
                killed += 1
            browser.close()
        clicks.server.stop()
    for i, name in enumerate(names[by_clicks:]):
        last = i == len(names[by_clicks:]) - 1
        killed += _in_a_process(
            run, name, die_after=cases + 3 if last else None, slip_at=cases // 4 if i == 0 else None
        )
    return {"killed": killed, "seconds": round(time.monotonic() - began), **examine(run, names)}


def _in_a_process(run: Path, reader: str, die_after: int | None, slip_at: int | None) -> int:
    """Read in a process of its own, once more where it was killed; returns how often it was."""
    for killed, end in enumerate((die_after, None)):
        code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from pathlib import Path; "
        call = f"read_by_messages(Path({str(run)!r}), {reader!r}, {end}, {slip_at})"
        code += f"from reading_room import read_by_messages; {call}"
        done = subprocess.run([sys.executable, "-c", code], check=False)
        if done.returncode == 0:
            return killed
        if done.returncode != -9:
            raise RuntimeError(f"{reader} ended with {done.returncode}")
    return 2


def examine(run: Path, names: list[str]) -> dict:
    """Hold every answer against what its reader would say, and analyse the readings."""
    from ovcf.explore import open_study
    from ovcf.intake.readings import read_readings
    from ovcf.reading.plan import read_plan
    from ovcf.reading.table import export_readings, gather
    from ovcf.stats.readers.report import analyse

    plan = read_plan(open_study(run).patches, run / "readings")
    gathered = gather(plan, run / "readings")
    table = read_readings(export_readings(gathered, run / "readings.csv"))
    said = [choice(row.truth, row.reader, f"{row.session} {row.patch_id}") for row in table.itertuples()]
    given = list(zip(table["answer"], table["confidence"].astype(int), strict=True))
    questions = {(n, s, c) for n in names for s in plan.sessions for c in plan.cases}
    result = analyse(table)
    per_cell = table.groupby(["reader", "period", "session"]).size()
    return {
        "readers": table["reader"].nunique(), "questions": len(questions), "answers": len(table),
        "questions answered once": int((~table.duplicated(["reader", "session", "patch_id"])).sum()),
        "not asked": len(questions - set(zip(table["reader"], table["session"], table["patch_id"], strict=True))),
        "not as the reader said": sum(a != b for a, b in zip(said, given, strict=True)),
        "mis-keyed, asked again": int((table["mis_keyed"].fillna("") != "").sum()),
        "answers a reader, period and session": sorted(set(per_cell.tolist())),
        "problems of journals": len(gathered.problems),
        "the analysis read": json.dumps(result["design"], default=str),
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=Path("reports/demo"))
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--readers", type=int, default=6)
    parser.add_argument("--by-clicks", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        copy = shutil.copytree(options.run, Path(scratch) / "run", ignore=shutil.ignore_patterns("readings"))
        wanted = {"cases": options.cases, "readers": options.readers, "by_clicks": options.by_clicks}
        for what, value in simulate(Path(copy), Path(scratch), **wanted).items():
            print(f"{what:<38} {value}")
