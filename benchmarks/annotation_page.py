"""The annotators' page at human speed: actions and seconds a vertebra, and how long anybody waits.

    python benchmarks/annotation_page.py [--films 3] [--vertebrae 6] [--shots FOLDER]

Films of 3000 x 2500 px at 16 bits, drawn by this software and enlarged, in a headless Chromium on the page that Voila
serves. An action is one drag or one key, each followed by a pause of 300 ms: of each film's vertebrae the first two
boxes are drawn, the others taken as they are proposed, and drawn anew where the proposal's IoU with the true box is
below 0.6. A vertebra counts once box, level and label are on the disk. No published figure of seconds a vertebra is
known. What the page asks of the program behind it is timed once more by itself, on a journal as it is at the end of a
study of the paper's size (405 films, 8 marks each, every mark said in 4 events).

LabelMe beside it, counted from its documented interface (not run): a rectangle is two clicks after its mode is chosen
(key Ctrl+R once a film), then the dialogue: the label typed or chosen from the list, and Enter. "T12_fresh" typed is 9
keys, so 2 + 9 + 1 = 12 actions a vertebra; chosen from the list of labels by its first letters at least 2 + 2 + 1 = 5,
for a list of 13 levels by 4 labels that was written before. Signals of MRI and heights have no place there.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import zoom

from ovcf.annotate import prepare
from ovcf.annotation.work import Source
from ovcf.cohort.films import read_film
from ovcf.intake.annotators import box_iou
from ovcf.reading.journal import line_of
from ovcf.server import free_port
from ovcf.synthetic import synthesise
from ovcf.viz.annotation import AnnotationRoom
from ovcf.words import BOX, LEVELS

PAUSE, LARGE, GOOD = 0.3, (3000, 2500), 0.6
FLAGS = ["--no-sandbox", "--disable-gpu"]
LOOK = "document.querySelector('.annotate')"


def make_films(folder: Path, count: int) -> dict[str, pd.DataFrame]:
    """Write large 16-bit films, and return the true boxes of each, from above."""
    drawn = synthesise(folder / "drawn", patients=max(count, 8), seed=5, workers=1, progress=False).parent
    table = pd.read_csv(drawn / "vertebrae.csv")
    table = table[table.level.isin(LEVELS)]
    (folder / "cohort" / "films").mkdir(parents=True)
    truth = {}
    for film, rows in list(table.groupby("film"))[:count]:
        pixels = read_film(drawn / film).pixels
        scale = min(LARGE[0] / pixels.shape[0], LARGE[1] / pixels.shape[1])
        large = np.zeros(LARGE, np.float32)
        grown = zoom(pixels, scale, order=1)[: LARGE[0], : LARGE[1]]
        large[: grown.shape[0], : grown.shape[1]] = grown
        name = Path(film).name
        Image.fromarray((np.clip(large, 0, 1) * 65535).astype(np.uint16)).save(folder / "cohort" / "films" / name)
        truth[name] = rows.assign(**{side: rows[side] * scale for side in BOX}).reset_index(drop=True)
    return truth


class Human:
    """Hands of which each act takes its time."""

    def __init__(self, page) -> None:
        self.page, self.acts = page, 0

    def key(self, name: str) -> None:
        self.page.keyboard.press(name)
        self._done()

    def drag(self, box) -> None:
        place = self.page.locator(".annotate canvas.film").bounding_box()
        scale = min(place["width"] / LARGE[1], place["height"] / LARGE[0])
        left = place["x"] + place["width"] / 2 - LARGE[1] / 2 * scale
        top = place["y"] + place["height"] / 2 - LARGE[0] / 2 * scale
        self.page.mouse.move(left + box[0] * scale, top + box[1] * scale)
        self.page.mouse.down()
        self.page.mouse.move(left + box[2] * scale, top + box[3] * scale, steps=2)
        self.page.mouse.up()
        self._done()

    def _done(self) -> None:
        self.acts += 1
        time.sleep(PAUSE)

    def held(self) -> list[float]:
        said = self.page.evaluate(f"{LOOK}.dataset.held")
        return list(map(float, said.split()[-1].split(",")))


def vertebra(human: Human, row, place: int) -> dict:
    """Mark one vertebra and return its actions and seconds."""
    began, acts, box = time.monotonic(), human.acts, [getattr(row, side) for side in BOX]
    how = "drawn"
    if place > 1:
        human.key("Enter")
        how = "proposed"
        if box_iou([human.held()], [box])[0] < GOOD:
            human.key("Delete")
            how = "drawn anew"
    if how != "proposed":
        human.key("Escape")
        human.drag(box)
    if place == 0:
        for key in (row.level[0].lower(), *row.level[1:]):
            human.key(key)
    human.key("f")
    human.page.wait_for_function(f"{LOOK}.dataset.waiting === '0'")
    return {"how": how, "actions": human.acts - acts, "seconds": time.monotonic() - began}


def frame_after(page, act: str) -> float:
    """Return the ms from an act until the screen has shown it."""
    code = f"""async () => {{ const t = performance.now(); {act}
      await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)));
      return performance.now() - t; }}"""
    return page.evaluate(code)


def measure(url: str, truth: dict, vertebrae: int, shots: Path | None) -> tuple[pd.DataFrame, dict]:
    """Annotate every film as a human would."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(120_000)
        page.goto(url)
        page.wait_for_selector(".annotate[data-screen=start] button")
        page.keyboard.press("Enter")
        rows, waits, human = [], {"next film": []}, Human(page)
        for number, (film, table) in enumerate(truth.items()):
            page.wait_for_selector(f".annotate[data-film='films/{film}'], .annotate[data-film='{film}']")
            time.sleep(0.5)
            if number:
                waits["next film"].append(float(page.evaluate(f"{LOOK}.dataset.openedIn")))
            rows += [vertebra(human, row, k) for k, row in enumerate(table.iloc[:vertebrae].itertuples())]
            if number == 0:
                level = "const s = document.querySelector('.annotate .controls input[type=range]'); s.value = 0.4;"
                waits["window"] = [frame_after(page, f"{level} s.dispatchEvent(new Event('input'));") for _ in range(5)]
                wheel = (
                    "document.querySelector('.annotate canvas').dispatchEvent(new WheelEvent('wheel', {deltaY: -40}));"
                )
                waits["zoom"] = [frame_after(page, wheel) for _ in range(5)]
                page.keyboard.press("0")
                _shoot(page, shots)
            time.sleep(2)  # a look at the film before it is left
            human.key("d")
        browser.close()
    return pd.DataFrame(rows), waits


def at_the_end_of_a_study(folder: Path, films: int = 405, marks: int = 8, events: int = 4) -> pd.DataFrame:
    """Return the ms of what a page asks, where a long journal lies behind it."""
    (folder / "films").mkdir(parents=True)
    for number in range(films):
        Image.fromarray(np.full((400, 200), 900 * 60, np.uint16)).save(folder / "films" / f"{number:03d}.png")
    work = prepare(folder / "films", folder, ["Human", "Other"], Source(one_patient_per_film=True)).work
    said = {"event": "mark", "level": "", "label": "fresh", "source": "drawn", "corners": [], "seconds": 1.0}
    for name in ("human", "other"):
        lines = [
            line_of(said | {"film": film.film, "mark": f"m{k}", "x0": 60.0, "y0": 10.0 + 45 * k, "x1": 110.0,
                            "y1": 45.0 + 45 * k + again, "uid": f"{film.film}{k}{again}", "reader": name.title()})
            for film in work.films for k in range(marks) for again in range(events)
        ]  # fmt: skip
        lines += [line_of({"event": "film", "film": film.film, "done": True, "exclusion": ""}) for film in work.films]
        (folder / "annotation" / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    room, box = AnnotationRoom(folder, reader="Human"), {"x0": 60, "y0": 10, "x1": 110}
    acts = {"begin": lambda k: room.answer_start("Human"), "open a film": lambda k: room.answer_film(5 + k)}
    acts["keep a mark"] = lambda k: room.answer_keep("007.png", "mark", f"new{k}", mark="m1", y1=46 + k, **box)
    return pd.DataFrame([(name, *(_ms(act, k) for k in range(3))) for name, act in acts.items()]).set_axis(
        ["asked", "first", "second", "third"], axis=1
    )


def _ms(act: Callable[[int], object], k: int) -> float:
    began = time.monotonic()
    act(k)
    return round(1000 * (time.monotonic() - began))


def _shoot(page, shots: Path | None) -> None:
    for width in (390, 1280, 1920) if shots else ():
        page.set_viewport_size({"width": width, "height": 1000})
        time.sleep(0.5)
        page.screenshot(path=shots / f"annotate-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 1000})
    time.sleep(0.5)


def main() -> None:
    """Print actions, seconds and waits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=3)
    parser.add_argument("--vertebrae", type=int, default=6)
    parser.add_argument("--shots", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth, cohort = make_films(folder, asked.films), folder / "cohort"
        roster = prepare(cohort / "films", cohort, ["Human"], Source(one_patient_per_film=True)).roster
        port = free_port()
        code = (
            "from ovcf.annotate import prepare, serve_marks; from ovcf.annotation.work import Source; "
            f"serve_marks(prepare({str(cohort / 'films')!r}, {str(cohort)!r}, (), Source(None, True)), {port}, "
            "open_browser=False)"
        )
        server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait(port)
            url = f"http://127.0.0.1:{port}/?token={roster.server}#reader={roster.tokens['Human']}"
            table, waits = measure(url, truth, asked.vertebrae, asked.shots)
        finally:
            server.terminate()
            server.wait(20)
    print(table.groupby("how").agg(n=("actions", "size"), actions=("actions", "median"), seconds=("seconds", "median")))
    print(f"most actions {table['actions'].max()}, median {table['actions'].median():g}; "
          f"median {table['seconds'].median():.2f} s a vertebra, longest {table['seconds'].max():.2f} s")  # fmt: skip
    for what, times in waits.items():
        print(f"{what}: median {np.median(times):.0f} ms, longest {max(times):.0f} ms")
    with tempfile.TemporaryDirectory() as name:
        print(f"ms at the end of a study:\n{at_the_end_of_a_study(Path(name)).to_string(index=False)}")


def _wait(port: int) -> None:
    for _ in range(600):
        try:
            urlopen(f"http://127.0.0.1:{port}/voila/static/none", timeout=5)
        except HTTPError:
            return
        except OSError:
            time.sleep(0.2)


if __name__ == "__main__":
    main()
