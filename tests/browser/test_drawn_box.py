"""Own case in Voila: a box drawn on a real film gives the number that `ovcf predict` gives."""

import json
import subprocess
import sys

import pytest
from playwright.sync_api import expect


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


def ask(page) -> float:
    page.locator(".own canvas").press("Enter")
    page.wait_for_selector(".own .result[data-p]")
    return float(page.locator(".own .result").get_attribute("data-p"))


def predict(film, box, run) -> dict:
    command = [sys.executable, "-m", "ovcf.cli", "predict", str(film), "--box", box, "--run", str(run)]
    command.append("--json")
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_a_drawn_box_gives_the_number_of_the_command_line(run, film, explore, watch):
    server, page = explore(run), watch().page
    open_own_case(page, server)
    page.locator(".own input[type=file]").set_input_files(film)
    page.wait_for_selector(".own[data-film]")
    draw(page, 0.47, 0.4, 0.55, 0.5)
    first, box = ask(page), page.locator(".own").get_attribute("data-box")
    said = predict(film, box, run)
    assert first == said["p_fresh"]
    shown = page.locator(".own .result").text_content()
    assert f"{said['low']:.3f} to {said['high']:.3f}" in shown and said["calibration"] in shown
    assert said["digest"] in shown and "Research use only" in shown
    assert page.locator(".own .notice.unlike").count() == said["unlike"]
    assert page.locator(".own .result img.map").count() == 1
    assert page.locator(".own .result .tiles li").count() == 5

    # a corner by mouse, the whole by arrow keys: the answer goes away until it is asked for again
    page.locator(".own canvas").press("Shift+ArrowDown")
    page.locator(".own canvas").press("Alt+ArrowRight")
    assert page.locator(".own .result[data-p]").count() == 0
    moved = page.locator(".own").get_attribute("data-box")
    x0, y0, x1, y1 = map(float, box.split(","))
    assert tuple(map(float, moved.split(","))) == pytest.approx((x0, y0 + 10, x1 + 1, y1 + 10))
    assert ask(page) == predict(film, moved, run)["p_fresh"]


def test_an_answer_to_an_earlier_box_is_not_shown(tmp_path, show, watch, rng):
    from PIL import Image

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
    expect(page.locator(".own .result")).to_contain_text("The box has changed; ask again.")
    assert page.locator(".own .result[data-p]").count() == 0
    assert ask(page) > 0


def test_a_large_16_bit_film_arrives_whole(run, explore, watch, tmp_path, rng):
    from PIL import Image

    path = tmp_path / "large <b>16 bit.png"
    Image.fromarray(rng.integers(0, 65535, (2400, 2900), dtype="uint16")).save(path, compress_level=0)
    assert path.stat().st_size > 12 * 2**20  # more than Jupyter takes in one message
    server, page = explore(run), watch().page
    open_own_case(page, server)
    page.locator(".own input[type=file]").set_input_files(path)
    page.wait_for_selector(".own[data-film]")
    assert page.locator(".own b:has-text('16')").count() == 0  # the name is text, not markup
    for side, value in zip(("x0", "y0", "x1", "y1"), (400, 500, 700.5, 800), strict=True):
        page.locator(f".own [data-side={side}]").fill(str(value))
    page.locator(".own [data-side=y1]").press("Tab")
    assert ask(page) == predict(path, "400,500,700.5,800", run)["p_fresh"]


def test_what_is_no_film_is_refused_with_its_own_name(run, explore, watch, tmp_path):
    path = tmp_path / "letter.png"
    path.write_text("not a picture")
    server, page = explore(run), watch().page
    open_own_case(page, server)
    page.locator(".own input[type=file]").set_input_files(path)
    page.wait_for_selector(".own .problem:not(:empty)")
    assert "letter.png" in page.locator(".own .problem").text_content()
