"""Own case in Voila: boxes drawn on a real film give the numbers that `ovcf predict` gives."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from faults import serious_faults
from PIL import Image
from playwright.sync_api import expect
from servers import picture

# What a frame of this page holds when it is sent to the printer.
PRINTED = """() => new MutationObserver(() => {
  const frame = document.querySelector('iframe.printed');
  frame?.addEventListener('load', () => {
    const shown = [...frame.contentDocument.images].every((picture) => picture.naturalWidth > 0);
    frame.contentWindow.print = () => { window.printed = shown && frame.srcdoc; };
  }, { capture: true });
}).observe(document.body, { childList: true })"""


@pytest.fixture
def film(shared):
    """A real spine film (frontal; nobody on this project made it)."""
    return sorted((shared / "real" / "spine_frontal" / "images").glob("*.jpg"))[0]


def open_own_case(page, server):
    page.goto(server.url)
    page.get_by_role("tab", name="Own case").click()
    page.wait_for_selector(".own input[type=file]:visible")


def draw(page, x0, y0, x1, y1):
    """Drag a box over the film; the corners are shares of the canvas."""
    box = page.locator(".own canvas").bounding_box()
    at = lambda x, y: (box["x"] + x * box["width"], box["y"] + y * box["height"])  # noqa: E731
    page.mouse.move(*at(x0, y0))
    page.mouse.down()
    page.mouse.move(*at((x0 + x1) / 2, (y0 + y1) / 2), steps=4)
    page.mouse.move(*at(x1, y1), steps=4)
    page.mouse.up()


def ask(page, field=".own canvas") -> float:
    page.locator(field).press("Enter")
    page.wait_for_selector(".own .result[data-p]")
    return float(page.locator(".own .result").get_attribute("data-p"))


def predict(film, box, run, *how) -> dict:
    command = [sys.executable, "-m", "ovcf.cli", "predict", str(film), "--box", box, "--run", str(run), *how]
    command += ["--accept-synthetic-model", "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def load(page, path, name=None):
    """Load a film, and go on although the model knows synthetic films only."""
    page.locator(".own input[type=file]").set_input_files(path)
    page.wait_for_function("name => document.querySelector('.own').dataset.film === name", arg=name or path.name)
    expect(page.locator(".own .mismatch")).to_contain_text("trained on synthetic films only")
    assert page.locator(".own .ask").is_disabled()
    page.locator(".own .mismatch input").check()


def test_own_case_from_the_film_to_the_saved_answer(run, film, explore, watch, tmp_path, rng):
    watched = watch()
    server, page = explore(run), watched.page
    open_own_case(page, server)
    expect(page.locator(".own .trained")).to_contain_text("synthetic films drawn by this software")

    # what is no film is refused with its own name
    (tmp_path / "letter.png").write_text("not a picture")
    page.locator(".own input[type=file]").set_input_files(tmp_path / "letter.png")
    expect(page.locator(".own .problem")).to_contain_text("letter.png")
    assert page.locator(".own input[type=file]").input_value() == ""  # mended, it can be chosen again

    # a drawn box gives the number of the command line; a film without a pixel size shows what that leaves open
    load(page, film)
    draw(page, 0.47, 0.4, 0.55, 0.5)
    first, box = ask(page), page.locator(".own").get_attribute("data-box")
    said = predict(film, box, run)
    assert first == said["p_fresh"] and said["margin_range"]
    shown = page.locator(".own .result").text_content()
    range_of_models = f"{said['low']:.3f} to {said['high']:.3f}"
    cautions = ("Research use only", "Only fresh or old can come out", "trained on synthetic films only")
    for words in (range_of_models, said["calibration"], said["digest"], said["margin_note"], *cautions):
        assert words in shown, words
    assert page.locator(".own .notice.unlike").count() == said["unlike"]
    assert page.locator(".own .result img.map").count() == 1
    assert page.locator(".own .result .tiles li").count() == 5

    # two clicks on a known length: the answer to the other question goes away, the new one is the command's too
    page.get_by_role("button", name="Measure a known length").click()
    canvas = page.locator(".own canvas").bounding_box()
    for share in (0.3, 0.6):
        page.mouse.click(canvas["x"] + canvas["width"] / 2, canvas["y"] + share * canvas["height"])
    page.locator(".own [data-name=length]").fill("60")
    page.locator(".own [data-name=length]").press("Tab")
    mm = page.locator(".own [data-name=mm]").input_value()
    assert page.locator(".own .result[data-p]").count() == 0
    assert ask(page) == predict(film, box, run, "--mm-per-px", mm)["p_fresh"]
    assert page.locator(".own .margins").count() == 0

    # turned left to right
    page.get_by_role("button", name="Film faces the other way").click()
    assert ask(page) == predict(film, box, run, "--mm-per-px", mm, "--flip")["p_fresh"]
    assert page.locator(".own").get_attribute("data-box") == box

    # several vertebrae at once, and one of the answers saved
    page.locator(".own canvas").press("n")
    draw(page, 0.47, 0.55, 0.55, 0.65)
    ask(page)
    second = page.locator(".own").get_attribute("data-box")
    numbers = [float(x) for x in page.eval_on_selector_all(".own .one", "all => all.map((one) => one.dataset.p)")]
    both = predict(film, box, run, "--box", second, "--mm-per-px", mm, "--flip")
    assert numbers == [one["p_fresh"] for one in both]
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save this answer").nth(1).click()
    sheet = Path(waiting.value.path()).read_text(encoding="utf-8")
    alone = watched.context.new_page()
    alone.set_content(sheet)
    assert alone.locator("img").count() == 3 and alone.locator("svg.film rect").count() == 1
    assert all(alone.evaluate("[...document.images].map((picture) => picture.naturalWidth > 0)"))
    assert said["digest"] in sheet and f"P(fresh) {numbers[1]:.3f}" in sheet and "Research use only" in sheet
    alone.close()
    page.evaluate(PRINTED)
    page.get_by_role("button", name="Print this answer").nth(1).click()
    page.wait_for_function("window.printed")
    assert page.evaluate("window.printed") == sheet

    for width in (390, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 1000})
        page.locator(".own .result").scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        picture(page, f"own-{width}")
        expect(page.locator(".own .trained")).to_be_in_viewport()  # wherever the page is scrolled to
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator(".own canvas.film").bounding_box()["width"] > {390: 300, 1280: 550, 1920: 900}[width]
    page.set_viewport_size({"width": 1280, "height": 800})

    # a corner by mouse, the whole by arrow keys
    page.get_by_role("button", name="Film faces the other way").click()
    x0, y0, x1, y1 = map(float, second.split(","))
    page.locator(".own canvas").press("Shift+ArrowDown")
    page.locator(".own canvas").press("Alt+ArrowRight")
    assert page.locator(".own .result[data-p]").count() == 0
    moved = page.locator(".own").get_attribute("data-box")
    assert tuple(map(float, moved.split(","))) == pytest.approx((x0, y0 + 10, x1 + 1, y1 + 10))

    # a large film of 16 bits arrives whole, and its name is text
    path = tmp_path / "large <b>16 bit.png"
    Image.fromarray(rng.integers(0, 65535, (2400, 2900), dtype="uint16")).save(path, compress_level=0)
    assert path.stat().st_size > 12 * 2**20  # more than Jupyter takes in one message
    load(page, path)
    assert page.locator(".own b:has-text('16')").count() == 0
    for side, value in zip(("x0", "y0", "x1", "y1"), (400, 500, 700.5, 800), strict=True):
        page.locator(f".own [data-side={side}]").fill(str(value))
    typed = ask(page, ".own [data-side=y1]")  # what has just been typed counts, although the field was not left
    assert typed == predict(path, "400,500,700.5,800", run)["p_fresh"]
    assert serious_faults(page, ".own") == []


def test_an_answer_to_an_earlier_box_is_not_shown(tmp_path, show, watch, rng):
    Image.fromarray(rng.integers(0, 255, (300, 200), dtype="uint8")).save(tmp_path / "film.png")
    server = show(f"""
import time
from clinician_fakes import FakeModel
from ovcf.viz import own_case
own_case.draw_map = lambda *_: (b"", "no map")
class Slow(FakeModel):
    def predict(self, images):
        time.sleep(2)
        return super().predict(images)
own_case.OwnCase({str(tmp_path)!r}, model=Slow)
""")
    page = watch().page
    page.goto(server.url)
    page.locator(".own input[type=file]").set_input_files(tmp_path / "film.png")
    page.wait_for_selector(".own[data-film]")
    draw(page, 0.4, 0.4, 0.6, 0.6)
    page.locator(".own canvas").press("Enter")
    expect(page.locator(".own .result")).to_contain_text("Asking the model")
    page.locator(".own canvas").press("ArrowDown")
    expect(page.locator(".own .result")).to_contain_text("The question has changed; ask again.")
    assert page.locator(".own .result[data-p]").count() == 0
    assert ask(page) > 0
