"""How soon the pages of a run say that they work and show their first answers, and what twenty visits leave behind.

    python benchmarks/first_answers.py [--run reports/demo] [--rounds 2] [--visits 20]

Each round starts a server of its own and visits it twice in a headless Chromium with an empty cache: as soon as its
link is printed, and once the kernel that waits for readers stands still. "words" is the time until the page says that
it is at work (or has the answer), "shown" until the answer is drawn; the issue of speed asks for 200 ms and 5 s. The
load of the machine stands in each line: other work on it counts. The run is copied, never written.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))
from servers import PATIENCE, TOKEN, Server  # noqa: E402

WORDS, SHOWN = 200, 5000  # ms that may go by
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
STILL = 2.0  # seconds without work after which a kernel counts as ready
# When the first words stand on the page, from the start of the navigation.
FIRST_WORDS = """const look = () => {
  if (document.body?.innerText.trim()) window.firstWords = performance.now();
  else requestAnimationFrame(look);
}; look();"""
# Act; the milliseconds until the page says so, and until what was asked for is there.
ACT = """async ([act, said, shown]) => {
  const test = (words) => new Function(`return Boolean(${words})`);
  const [says, shows] = [test(said), test(shown)];
  let words = 0;
  const start = performance.now();
  new Function(act)();
  while (!shows()) {
    if (!words && says()) words = performance.now() - start;
    await new Promise(requestAnimationFrame);
  }
  const end = performance.now() - start;
  return [words || end, end];
}"""
KEY = "document.querySelector('{}').dispatchEvent(new KeyboardEvent('keydown', {{ key: '{}', bubbles: true }}))"
DETAIL = (
    "document.querySelector('.ovcf .tile').click()",
    "document.querySelector('.told').textContent",
    "document.querySelector('.detail:not([hidden])[data-patch]')",
)
MAP = (
    KEY.format(".detail h3", "m"),
    "document.querySelector('.mapslot [role=status]')",
    "document.querySelector('.mapslot img.map')?.complete",
)
OWN = (
    "document.querySelector('.own .ask').click()",
    "document.querySelector('.own .result').textContent.includes('Asking the model')",
    "document.querySelector('.own .result[data-p] img.map')?.complete",
)
AIDED = (
    "document.querySelector('.display button.primary').click()",
    "document.querySelector('.room[data-screen=opening] [role=status]')",
    "document.querySelector('.room .aid img.map')?.complete",
)


def main(run: Path, rounds: int, visits: int) -> None:
    """Print a line for each first answer, then what visits leave behind."""
    from playwright.sync_api import sync_playwright

    from ovcf.explore import open_study

    _ = open_study(run).films_root  # synthetic films that are not on this machine are drawn before anything is timed
    print(f"{'what':44}{'words':>9}{'worst':>9}{'shown':>9}{'worst':>9}  load", flush=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        copy = Path(folder) / "run"
        shutil.copytree(run, copy)
        times: dict[str, list] = {}
        for _ in range(rounds):
            for what, pair in one_round(browser, copy, Path(folder)):
                times.setdefault(what, []).append(pair)
        for what, pairs in times.items():
            report(what, pairs)
        if visits:
            print(left_behind(browser, copy, Path(folder), visits), flush=True)
        browser.close()


def report(what: str, pairs: list) -> None:
    """Print median and worst of the words and of the answer, in ms, and the load now."""
    words, shown = zip(*pairs, strict=True)
    cells = (f"{f(values):>6.0f} ms" for values in (words, shown) for f in (statistics.median, max))
    late = " LATE" * (max(words) > WORDS or max(shown) > SHOWN)
    print(f"{what:44}{''.join(cells)}  {os.getloadavg()[0]:.1f}{late}", flush=True)


def one_round(browser, run: Path, folder: Path):
    """Yield (what, (words, shown)) of one server of each kind."""
    from ovcf.reading.roster import read_roster

    with served(explore_code(run), folder) as server:
        started = time.monotonic()
        server.link()
        print(f"link printed {time.monotonic() - started:.1f} s after the server listens", flush=True)
        page, first = open_page(browser, server.url, ".ovcf .tile")
        yield "first page, as soon as its link is printed", first
        page.context.close()
        wait_still(server)
        page, first = open_page(browser, server.url, ".ovcf .tile")
        yield "first page", first
        yield "first patch", page.evaluate(ACT, DETAIL)
        yield "first map", page.evaluate(ACT, MAP)
        page.context.close()
        wait_still(server)
        page, _ = open_page(browser, server.url, ".ovcf .tile")
        prepare_own_case(page, run)
        yield "first own case", page.evaluate(ACT, OWN)
        page.context.close()
    with served(room_code(run), folder) as server:
        wait_still(server)
        address = server.url.replace(TOKEN, read_roster(run / "readings").server)
        page, first = open_page(browser, address, ".room[data-screen=start] input")
        yield "reading room", first
        to_the_card(page)
        yield "first aided case, with its map", page.evaluate(ACT, AIDED)
        page.context.close()


@contextmanager
def served(code: str, folder: Path):
    """A server of ours; `{}` in the code stands for its port."""
    from ovcf.server import free_port

    port = free_port()
    server = Server(["-c", code.format(port)], port, folder / f"server{port}.log")
    try:
        yield server
    finally:
        server.stop()


def explore_code(run: Path) -> str:
    """Serve the clinician's page of a run."""
    how = f"open_browser=False, token={TOKEN!r}"
    return f"from ovcf.explore import explore; explore({str(run)!r}, {{}}, {how})"


def room_code(run: Path) -> str:
    """Serve a room of aided readings of a run, without named readers; what was read before goes."""
    shutil.rmtree(run / "readings", ignore_errors=True)
    plan = "cases=6, washout_days=0.0, arms=('aided',)"
    return f"from ovcf.room import serve_room; serve_room({str(run)!r}, {{}}, open_browser=False, {plan})"


def wait_still(server) -> None:
    """Wait until the kernel that waits for a reader has done all it does ahead; TimeoutError where it never has."""
    end = time.monotonic() + PATIENCE / 1e3
    before = work_of(server)
    while time.monotonic() < end:
        time.sleep(STILL)
        after = work_of(server)
        if len(after) == 1 and after.keys() == before.keys():
            ((kernel, seconds),) = after.items()
            if seconds > 1 and seconds - before[kernel] < 0.05:
                return
        before = after
    raise TimeoutError(f"after {PATIENCE / 1e3:.0f} s no kernel waits for the next reader; kernels: {before}")


def work_of(server) -> dict[int, float]:
    """Return the processor's seconds that each kernel of a server has had, by its process."""
    work = {}
    for kernel in server.kernels():
        with suppress(psutil.NoSuchProcess):  # it has just ended
            work[kernel.pid] = sum(kernel.cpu_times()[:2])
    return work


def open_page(browser, url: str, shown: str):
    """Open a page anew; returns it, and the ms until its first words and until what is waited for."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE)
    page.add_init_script(FIRST_WORDS)
    start = time.time()
    page.goto(url, wait_until="commit")
    page.wait_for_selector(shown)
    took = 1e3 * (time.time() - start)
    return page, (page.evaluate("window.firstWords"), took)


def prepare_own_case(page, run: Path) -> None:
    """Load one of the run's films, as a copy, and set a box by its numbers."""
    from ovcf.explore import open_study

    study = open_study(run)
    row = study.patches.iloc[0]
    page.get_by_role("tab", name="Own case").click()
    page.locator(".own input[type=file]").set_input_files(study.films_root / row["image"])
    page.wait_for_selector(".own[data-film]")
    for side in ("x0", "y0", "x1", "y1"):
        page.locator(f".own [data-side={side}]").fill(f"{row[side]:.1f}")
    page.locator(".own [data-side=y1]").press("Tab")
    if page.locator(".own .mismatch").is_visible():
        page.locator(".own .mismatch input").check()


def to_the_card(page) -> None:
    """Go in under a name and tell the steps of grey apart, up to the last screen before the first case."""
    from reading_pages import FAINT

    page.locator(".room input").fill("Simulated")
    page.keyboard.press("Enter")
    page.locator(".room[data-screen=unknown] button.primary").click()
    for title in ("1 of 3", "2 of 3"):
        page.wait_for_selector(f".display h3:has-text('{title}')")
        page.keyboard.press(str(page.evaluate(FAINT) + 1))
    page.wait_for_selector(".display .card")


def left_behind(browser, run: Path, folder: Path, visits: int) -> str:
    """Say how many kernels, of what size, remain when pages were visited and left while two stay open."""
    with served(explore_code(run), folder) as server:
        stay = [open_page(browser, server.url, ".ovcf .tile")[0] for _ in range(2)]
        visitor = browser.new_context().new_page()
        visitor.set_default_timeout(PATIENCE)
        most = 0
        for _ in range(visits):
            visitor.goto(server.url)
            visitor.wait_for_selector(".ovcf .tile")
            most = max(most, len(server.kernels()))
        visitor.goto("about:blank")
        time.sleep(20)
        kernels = server.kernels()
        memory = sum(psutil.Process(kernel.pid).memory_full_info().uss for kernel in kernels) / 2**20
        return (
            f"{visits} visits, {len(stay)} pages open: {len(kernels)} kernels remain (one waits for the next reader), "
            f"{memory:.0f} MB; {most} at most on the way; load {os.getloadavg()[0]:.1f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=ROOT / "reports" / "demo")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--visits", type=int, default=20)
    asked = parser.parse_args()
    main(asked.run, asked.rounds, asked.visits)
