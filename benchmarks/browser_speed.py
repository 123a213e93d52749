"""How fast the browser of patches answers, at 720 and at 20,000 patches, and whether its memory stays flat.

    python benchmarks/browser_speed.py [--film 2800 2400]

Measured twice: in the kernel, from question to answer ready to travel, and as a user has it, in a headless
Chromium on a page that Voila serves. There a filter counts from the change, a detail from the key, until every
picture is decoded and drawn. Opening is what follows the imports: tables read, page loaded, first tiles shown.
The next detail reads its film from disk and is without map and model. Synthetic noise at realistic sizes.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
from PIL import Image

HERE = Path(__file__).resolve().parent
LEVELS = ["T11", "T12", "L1", "L2"]
NETWORKS = ["alexnet", "vgg16", "googlenet", "resnet50", "resnet101", "efficientnet_lite0"]
LIMITS = {"opening": 2000, "filter": 150, "next detail": 200}  # ms, at 720 patches
QUERY = {
    "network": "resnet50", "outcome": "wrong", "level": "", "region": "", "fold": "", "agreement": "any",
    "annotators": "any", "flagged": "", "low": 0, "high": 1, "patient": "", "search": "", "sort": "loss",
    "ascending": False,
}  # fmt: skip
CHANGES = [
    ("outcome", "FN"), ("level", "L1"), ("fold", "3"), ("search", "s000"), ("search", ""), ("agreement", "most wrong"),
    ("network", "vgg16"), ("low", 0.3), ("sort", "disagreement"), ("level", ""), ("fold", ""), ("agreement", "any"),
    ("outcome", ""),
]  # fmt: skip
FIELD = ".ovcf label[data-name={}] :is(select, input)"
DETAILS, PAGES, FILMS = 20, 100, 8
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

# The times at which a kernel gets somewhere, in the words of the printed table.
NOTEBOOK = """
import time
times = {{"kernel and server start": time.time()}}
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from browser_speed import BenchStudy
from ovcf.viz.browser import Browser
times["imports"] = time.time()
run = Path({run!r})
browser = Browser(BenchStudy(run), model=lambda: None)
times["opening: tables"] = time.time()
import json
(run / "times.json").write_text(json.dumps(times))
browser
"""
FIRST_TILES = """() => {
  const [first] = performance.getEntriesByName('ovcf-filter');
  return (performance.timeOrigin + first.startTime + first.duration) / 1000;
}"""
# Act on an element; the milliseconds until the page's own measure has ended, all pictures are decoded and drawn.
ACT = """async ([measure, selector, value, key]) => {
  const target = document.querySelector(selector);
  const ended = new Promise((done) => new PerformanceObserver((list, self) => {
    if (!list.getEntriesByName(measure).length) return;
    self.disconnect();
    done();
  }).observe({ type: 'measure' }));
  const start = performance.now();
  if (key) target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  else { target.value = value; target.dispatchEvent(new Event('change', { bubbles: true })); }
  await ended;
  const pictures = [...document.querySelectorAll('.ovcf img')].filter((img) => img.checkVisibility());
  await Promise.all(pictures.map((img) => img.decode()));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""


def main(film) -> None:
    """Print one table of medians and worst cases."""
    print(f"films of {film[0]} x {film[1]} px; limits are for 720 patches")
    print(f"{'patches':>7}  {'where':8}{'what':26}{'median':>9}{'worst':>9}{'limit':>9}")
    for n in (720, 20_000):
        with tempfile.TemporaryDirectory() as folder:
            make_run(Path(folder), n, film)
            report(n, "kernel", *in_kernel(Path(folder)))
            report(n, "page", *in_page(Path(folder)))


def report(n, where, times, notes) -> None:
    """Print the lines of one place: times in ms, then what else there is to say."""
    for what, values in times.items():
        limit = f"{LIMITS[what]:>6} ms" if n == 720 and what in LIMITS else ""
        median, worst = statistics.median(values), max(values)
        print(f"{n:>7}  {where:8}{what:26}{median:>6.0f} ms{worst:>6.0f} ms{limit:>9}", flush=True)
    for note in notes:
        print(f"{n:>7}  {where:8}{note}", flush=True)


# A run of noise ---------------------------------------------------------------------------------------------


def make_run(run: Path, n: int, film: tuple[int, int], size: int = 112) -> None:
    """Write what the browser reads of a run: six networks on n patches, two to a film."""
    rng = np.random.default_rng(0)
    patches = make_patches(n, rng)
    patches.to_csv(run / "patches.csv", index=False)
    ids = patches["patch_id"]
    said = [pd.DataFrame({"network": name, "patch_id": ids, "p_fresh": rng.random(n)}) for name in NETWORKS]
    pd.concat(said).to_csv(run / "predictions.csv", index=False)
    rng.integers(0, 255, (n, size, size), dtype=np.uint8).tofile(run / "images.raw")
    smooth = np.kron(rng.random((film[0] // 16, film[1] // 16)), np.ones((16, 16)))
    for k in range(FILMS):
        noisy = smooth + 0.05 * rng.standard_normal(smooth.shape)
        Image.fromarray(np.clip(255 * noisy, 0, 255).astype(np.uint8)).save(run / f"film{k}.png")


def make_patches(n: int, rng) -> pd.DataFrame:
    """The table of patches; neighbours lie 200 px apart on their film."""
    i = np.arange(n)
    return pd.DataFrame(
        {
            "patch_id": [f"S{k:05d}" for k in i], "patient_id": [f"P{k // 2:05d}" for k in i],
            "level": [LEVELS[k % 4] for k in i], "region": "at", "image": [f"{k // 2}.png" for k in i],
            "label": np.where(rng.random(n) < 0.5, "fresh", "old"), "x0": 400.0, "x1": 560.0,
            "y0": 300.0 + 200 * (i % 2), "y1": 420.0 + 200 * (i % 2), "mm_per_px": 0.2,
            "fold": 1 + (i // 2) % 5,
        }
    )  # fmt: skip


class BenchStudy:
    """What the browser uses of a study, read from `make_run`'s folder."""

    chosen, label = "resnet50", "noise for a benchmark"
    parameters = {"equalisation": "histogram", "margin_mm": 5.0, "margin_px": 8, "split": "patient", "threshold": 0.5}

    def __init__(self, run: Path, size: int = 112):
        from ovcf.run_folder import read_table

        self.run = run
        self.patches, self.predictions = (read_table(run / f"{name}.csv") for name in ("patches", "predictions"))
        self._images = np.memmap(run / "images.raw", np.uint8, "r", shape=(len(self.patches), size, size))

    def images(self, equalisation=None):
        return self._images

    def film(self, patch_id):
        image = self.patches.loc[self.patches["patch_id"] == patch_id, "image"].iloc[0]
        return self._read(int(image.removesuffix(".png")))

    @lru_cache(maxsize=4)  # as Study keeps the last films  # noqa: B019
    def _read(self, number):
        from ovcf.cohort.films import read_film

        return SimpleNamespace(pixels=read_film(self.run / f"film{number % FILMS}.png").pixels)


# In the kernel ----------------------------------------------------------------------------------------------


def in_kernel(run) -> tuple[dict, list]:
    """Milliseconds from question to answer, by what is asked; what 100 pages cost in memory."""
    from ovcf.viz.browser import Browser  # imports are not counted

    opening = [timed(lambda: first_answers(Browser(BenchStudy(run)))) for _ in range(5)]
    browser = Browser(BenchStudy(run))
    first_answers(browser)
    filters = [timed(lambda c=c: browser.ask("page", query=QUERY | dict([c]), page=0)) for c in CHANGES]
    details = [timed(lambda p=p: browser.ask("detail", query=QUERY, position=p)) for p in range(DETAILS)]
    times = {"tables, first page": opening, "filter": filters, "next detail": details}
    query = QUERY | {"outcome": ""}
    pages = browser.ask("page", query=query, page=0)[0]["pages"]
    before = own_memory(psutil.Process())
    for page in range(PAGES):
        browser.ask("page", query=query, page=page % pages)
    return times, [f"{own_memory(psutil.Process()) - before:+.1f} MB after {PAGES} pages"]


def first_answers(browser) -> None:
    """Ask what the page asks when it opens."""
    browser.ask("hello")
    browser.ask("page", query=QUERY, page=0)


def timed(act) -> float:
    """Milliseconds an act takes."""
    start = time.perf_counter()
    act()
    return 1e3 * (time.perf_counter() - start)


# On the page ------------------------------------------------------------------------------------------------


def in_page(run) -> tuple[dict, list]:
    """Milliseconds as a user has them, in a headless Chromium; nothing where there is none."""
    chromium = shutil.which("chromium")
    if not chromium:
        return {}, ["not measured: no chromium on the PATH (Debian: apt-get install chromium)"]
    from playwright.sync_api import sync_playwright

    with served(run) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        opened = [open_page(browser, server, run) for _ in range(3)]  # each with an empty cache and a new kernel
        times = {what: [stages[what] for _, stages in opened] for what in opened[0][1]}
        page, _ = opened[-1]
        times["filter"] = [act(page, "ovcf-filter", FIELD.format(name), value=value) for name, value in CHANGES]
        times["next detail"] = next_details(page)
        notes = [memory_note(page, server)]
        browser.close()
    return times, notes


@contextmanager
def served(run):
    """Voila on a notebook that shows the browser, as the tests start it."""
    import nbformat

    from ovcf.explore import free_port

    sys.path.insert(0, str(HERE.parent / "tests" / "browser"))
    from servers import TOKEN, Server

    code = NOTEBOOK.format(here=str(HERE), run=str(run))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(notebook, run / "browser.ipynb")
    port = free_port()
    start = f"from ovcf.explore import serve; serve({str(run / 'browser.ipynb')!r}, {port}, {TOKEN!r})"
    server = Server(["-c", start], port, run / "server.log")
    try:
        yield server
    finally:
        server.stop()


def open_page(browser, server, run):
    """Open the page anew; returns it and the milliseconds of each stage until the first tiles are there."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(120_000)
    start = time.time()
    page.goto(server.url)
    page.wait_for_selector(".ovcf .tile")
    at = {"start": start} | json.loads((run / "times.json").read_text())
    at["opening: page, first tiles"] = page.evaluate(FIRST_TILES)
    names = list(at)
    stages = {name: 1e3 * (at[name] - at[before]) for before, name in zip(names, names[1:], strict=False)}
    stages["opening"] = stages["opening: tables"] + stages["opening: page, first tiles"]
    return page, stages


def act(page, measure, selector, *, value=None, key=None) -> float:
    """Milliseconds from a change or a key until what it leads to is drawn."""
    return page.evaluate(ACT, [measure, selector, value, key])


def next_details(page) -> list[float]:
    """Open the first patch and go on by key."""
    page.locator(".ovcf .tile").first.click()
    page.wait_for_selector(".ovcf .detail[data-patch]")
    return [act(page, "ovcf-detail", ".ovcf .detail h3", key="ArrowRight") for _ in range(DETAILS)]


def memory_note(page, server) -> str:
    """What 100 pages cost the page's script and the kernel."""
    page.keyboard.press("Escape")
    page.wait_for_selector(".ovcf .list")
    kernel = max(server.kernels(), key=lambda process: process.create_time())
    before = script_memory(page), own_memory(kernel)
    for _ in range(PAGES):
        at_end = page.locator(".ovcf .pager button").last.is_disabled()
        act(page, "ovcf-filter", ".ovcf .tile", key="PageUp" if at_end else "PageDown")
    grown = script_memory(page) - before[0], own_memory(kernel) - before[1]
    return f"{grown[0]:+.1f} MB in the page's script, {grown[1]:+.1f} MB in the kernel after {PAGES} pages"


def script_memory(page) -> float:
    """MB that the page's script holds after a garbage collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return session.send("Runtime.getHeapUsage")["usedSize"] / 2**20


def own_memory(process) -> float:
    """MB of a process without mapped files (the patches' pixels are one)."""
    memory = process.memory_info()
    return (memory.rss - memory.shared) / 2**20


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--film", nargs=2, type=int, default=(1400, 1000), help="height and width, px")
    main(tuple(parser.parse_args().film))
