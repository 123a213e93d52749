"""JupyterLab runs notebook 04, explore, room and annotate: what was said is there after a restart of the kernel."""

import json
from pathlib import Path

import numpy as np
import pytest
from annotation_pages import Hand
from playwright.sync_api import expect
from reading_pages import answer, check_display, choose, wait_case
from servers import RUN_ALL, open_and_run, picture, put_notebook, start_lab

from ovcf.annotate import prepare
from ovcf.annotation.journal import Annotator
from ovcf.annotation.marks import corner_heights
from ovcf.annotation.work import Source, read_work
from ovcf.explore import open_study
from ovcf.reading.plan import read_plan
from ovcf.reading.table import gather, readings_table
from ovcf.viz.flags import FlagStore
from ovcf.words import BOX

RESTART = "async () => { await jupyterapp.shell.currentWidget.sessionContext.restartKernel(); }"
OURS = ".jp-OutputArea-output .ovcf.browser"
# Names that stand on more lines than they have words: a letter or two on each.
BROKEN = """(names) => [...document.querySelectorAll(names)].filter((node) => node.checkVisibility()).filter((node) => {
  const text = document.createRange();
  text.selectNodeContents(node);
  const lines = new Set([...text.getClientRects()].map((line) => Math.round(line.top)));
  return lines.size > node.textContent.trim().split(/[ -]/).length;
}).map((node) => node.outerHTML.slice(0, 200))"""
NAMES = ".ovcf-gallery :is(dt, dd, b), .ovcf .tile b, .ovcf .facts dt, .ovcf .says th"
# Parts that reach over the right edge of their place, unless they lie in a box that scrolls.
WIDE = """(node) => node.scrollWidth <= node.clientWidth + 1 ? [] : [...node.querySelectorAll("*")].filter((part) =>
  part.getBoundingClientRect().right > node.getBoundingClientRect().right + 1).map((part) => part.outerHTML)"""


TILES = f"{OURS} .tile"
ROOM = ".jp-OutputArea-output .annotate"


@pytest.fixture(scope="module")
def one_lab(tmp_path_factory):
    server = start_lab(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


@pytest.fixture
def lab(one_lab):
    """JupyterLab, with nothing of an earlier test in it."""
    yield one_lab
    one_lab.forget()


def names_are_whole_at_every_width(page, name):
    """At each width: no name falls into letters, nothing of ours is wider than its place, the film has the room."""
    page.evaluate("jupyterapp.shell.collapseLeft()")  # its list of files leaves nothing of a narrow window
    for width, film in ((390, 120), (1280, 450), (1920, 800)):
        page.set_viewport_size({"width": width, "height": 1000})
        page.evaluate(f"document.querySelector('{OURS}').scrollIntoView()")
        page.wait_for_timeout(500)
        picture(page, f"lab-{name}-{width}")
        assert page.evaluate(BROKEN, NAMES) == [], width
        assert page.locator(OURS).evaluate(WIDE) == [], width
        assert page.locator(f"{OURS} .detail canvas.film").bounding_box()["width"] >= film
    for gallery in page.locator(".ovcf-gallery").all():
        gallery.scroll_into_view_if_needed()
        picture(page, f"lab-{name}-gallery")


def flag_first(page) -> str:
    """Filter, open the first patch, flag it; returns its id. JupyterLab's own shortcuts must keep out."""
    page.locator(f"{OURS} select").nth(1).select_option("right")
    page.wait_for_function(f"document.querySelector('{OURS} .tile:not(.TP, .TN)') === null")
    tile = page.locator(f"{OURS} .tile").first
    patch = tile.get_attribute("data-patch")
    tile.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{OURS} .detail[data-patch='{patch}']")
    page.wait_for_selector(f"{OURS} .similar .tile")
    page.keyboard.press("f")
    page.keyboard.type("poor")
    page.locator(f"{OURS} .detail .flag input").first.fill("seen in JupyterLab")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{OURS} .flag .standing li")
    return patch


@pytest.mark.parametrize("name", ["04_cross_validation", "explore"])
def test_a_flag_survives_filter_and_kernel(lab, fresh_run, watch, name):
    put_notebook(lab, name, f"run = {str(fresh_run)!r}\n")
    page = watch().page
    open_and_run(page, lab, name, TILES)
    patch = flag_first(page)
    names_are_whole_at_every_width(page, name)
    assert FlagStore(fresh_run / "flags.csv").standing()["patch_id"].tolist() == [patch]
    page.evaluate(RESTART)
    page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    page.wait_for_function(f"document.querySelector('{OURS}') === null")
    page.evaluate(RUN_ALL)
    page.wait_for_selector(TILES)
    page.locator(f"{OURS} select").nth(1).select_option("")
    page.locator(f"{OURS} label[data-name=flagged] select").select_option("yes")
    # the list before this filter shows the flag too, so the one tile is waited for
    expect(page.locator(f"{OURS} .tile")).to_have_count(1)
    expect(page.locator(f"{OURS} .tile")).to_have_attribute("data-patch", patch)
    expect(page.locator(f"{OURS} .tile .flagged")).to_have_count(1)


def test_the_open_case_and_what_was_chosen_survive_a_restart_of_the_kernel(lab, fresh_run, watch):
    """The reading room in JupyterLab, by name; its keys reach the room and not the notebook."""
    room = ".jp-OutputArea-output .ovcf.room"
    put_notebook(lab, "room", f"run = {str(fresh_run)!r}\n")
    page = watch().page
    open_and_run(page, lab, "room", f"{room}[data-screen=start]")
    page.locator(f"{room} input").fill("Zoë Test")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{room}[data-screen=unknown]")  # nobody has read here under this name
    page.locator(f"{room} button.primary").click()
    check_display(page)
    wait_case(page, "unaided", 1)
    answer(page, "o", 2)
    wait_case(page, "unaided", 2)
    choose(page, "f", 5)
    page.wait_for_timeout(600)  # what is chosen is kept a moment after
    page.evaluate(RESTART)
    page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    page.wait_for_function(f"document.querySelector('{room}') === null")
    page.evaluate(RUN_ALL)
    wait_case(page, "unaided", 2)  # the tab knows who was reading
    expect(page.locator(f"{room} .choice[aria-pressed=true]")).to_have_attribute("data-answer", "fresh")
    page.keyboard.press("Enter")
    wait_case(page, "unaided", 3)
    plan = read_plan(open_study(fresh_run).patches, fresh_run / "readings")
    rows = readings_table(gather(plan, fresh_run / "readings"))
    assert rows["answer"].tolist() == ["old", "fresh"] and set(rows["reader"]) == {"Zoë Test"}


def as_labelme(study, folder, films=2):
    """Write the boxes of a run's first films as LabelMe files; returns the patches of the last of them."""
    folder.mkdir()
    for image, rows in list(study.patches.groupby("image", sort=False))[:films]:
        boxes = rows[[*BOX, "level", "label"]].itertuples(index=False)
        shapes = [
            {"label": f"{level}_{label}", "shape_type": "rectangle", "points": [[x0, y0], [x1, y1]]}
            for x0, y0, x1, y1, level, label in boxes
        ]
        content = {"imagePath": Path(image).name, "imageData": None, "shapes": shapes}
        (folder / f"{Path(image).stem}.json").write_text(json.dumps(content))
    return rows


def test_a_flag_opens_another_programs_film_at_its_vertebra_to_be_corrected(lab, fresh_run, watch, tmp_path):
    """LabelMe's boxes, one of them flagged in the run's browser: moved by the mouse, then set by its four corners."""
    study, cohort = open_study(fresh_run), tmp_path / "cohort"
    patch = as_labelme(study, tmp_path / "labelme").iloc[-1]
    FlagStore(fresh_run / "flags.csv").add(patch.patch_id, "other box", reviewer="Zoë", comment="too low")
    source = Source(one_patient_per_film=True, form="labelme", images=study.cohort.root)
    work = prepare(tmp_path / "labelme", cohort, ["Anna"], source, flags=fresh_run).work
    film = work.films[-1]
    put_notebook(lab, "annotate", f"cohort, reader = {str(cohort)!r}, 'Anna'\n")
    page = watch(width=1400, height=1100).page
    open_and_run(page, lab, "annotate", f"{ROOM}[data-screen=start] input")
    page.locator(f"{ROOM} button").click()

    # it opens at that film, at that vertebra, with its mark in hand
    hand = Hand(page, {film.film: (film.width, film.height)})
    hand.wait_film(film.film)
    expect(page.locator(f"{ROOM} .flags button")).to_have_text(f"⚑ {patch.patch_id}: other box (Zoë) too low")
    box = patch[list(BOX)].to_numpy(float)
    wait_held(page, f"{patch.level} {patch.label} ")
    page.locator(f"{ROOM} canvas.film").scroll_into_view_if_needed()
    canvas = page.locator(f"{ROOM} canvas.film").bounding_box()
    zoom = min(canvas["width"] / (2 * (box[2] - box[0])), canvas["height"] / (2 * (box[3] - box[1])))
    middle = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 30, middle[1] - 60, steps=3)
    page.mouse.up()
    hand.kept()
    (moved,) = [mark.box for mark in standing(cohort, film).values() if mark.level == patch.level]
    assert moved == pytest.approx(box + np.array([30, -60, 30, -60]) / zoom, abs=1)

    # keys move it by ten px and size it by one; it counts once they rest
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Alt+ArrowDown")
    wanted = [f"{v:g}" for v in np.round(np.array(moved) + (10, 0, 10, 1), 1)]
    wait_held(page, f"{patch.level} {patch.label} {','.join(wanted)}")
    page.wait_for_timeout(500)  # 350 ms after the last key
    hand.kept()
    assert [f"{v:g}" for v in next(m.box for m in standing(cohort, film).values() if m.level == patch.level)] == wanted

    # four corners: front above, back above, back below, front below; box and heights follow
    page.keyboard.press("0")
    page.keyboard.press("q")
    x0, y0, x1, y1 = box
    corners = [hand.place(x, y) for x, y in ((x0, y0 + 4), (x1, y0), (x1 + 2, y1), (x0 + 3, y1 - 3))]
    for place, _ in corners:
        page.mouse.click(*place)
    hand.kept()
    points = np.array([point for _, point in corners])
    (mark,) = [mark for mark in standing(cohort, film).values() if mark.corners]
    assert np.abs(np.reshape(mark.corners, (4, 2)) - points).max() < 1 and mark.source == "given"
    assert mark.box == pytest.approx((*points.min(axis=0), *points.max(axis=0)), abs=1)
    height = corner_heights(mark.corners).anterior  # px: nothing says how large a pixel is
    expect(page.locator(f"{ROOM} .held")).to_contain_text(f"anterior {height:.1f}")

    # after a restart it stands, and the film, looked at since it was flagged, waits no longer before the others
    page.evaluate(RESTART)
    page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    page.wait_for_function(f"document.querySelector('{ROOM}') === null")
    page.evaluate(RUN_ALL)
    hand.wait_film(work.films[0].film)
    page.keyboard.press("]")
    hand.wait_film(film.film)
    wait_held(page, f"{mark.level} {mark.label} {','.join(f'{v:g}' for v in mark.box)}")


def wait_held(page, words):
    """Wait until the mark in hand is this one."""
    page.wait_for_function(f"words => document.querySelector('{ROOM}').dataset.held.startsWith(words)", arg=words)


def standing(cohort, film):
    """The marks of a film as Anna's journal has them."""
    return Annotator(read_work(cohort), "Anna", cohort).histories()[film.film].now.marks
