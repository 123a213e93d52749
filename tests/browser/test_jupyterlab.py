"""JupyterLab runs notebook 04 and explore: filter, open a detail, flag, restart the kernel, find the flag."""

import shutil

import pytest
from playwright.sync_api import expect
from reading_pages import answer, check_display, choose, wait_case
from servers import picture, start_lab

from ovcf.explore import open_study
from ovcf.reading.plan import read_plan
from ovcf.reading.table import gather, readings_table
from ovcf.viz.flags import FlagStore

RUN_ALL = """async () => {
  const notebook = jupyterapp.shell.currentWidget;
  await notebook.context.ready;
  await notebook.sessionContext.ready;
  await notebook.sessionContext.session.kernel.info;
  await jupyterapp.commands.execute('notebook:run-all-cells');
}"""
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
WIDE = "(node) => node.scrollWidth > node.clientWidth + 1"


@pytest.fixture
def lab(fresh_run, tmp_path):
    """JupyterLab on copies of the notebooks, with their parameters set to the small run."""
    server = start_lab(tmp_path, ("04_cross_validation", "explore", "room"), f"run = {str(fresh_run)!r}\n")
    yield server
    server.stop()
    shutil.rmtree(tmp_path / "notebooks")


def open_and_run(page, lab, name, shown=f"{OURS} .tile"):
    page.goto(lab.url.replace("NAME", name))
    page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.context")
    page.evaluate(RUN_ALL)
    page.wait_for_selector(shown)


def names_are_whole_at_every_width(page, name):
    """At each width: no name falls into letters, nothing of ours is wider than its place, the film has the room."""
    page.evaluate("jupyterapp.shell.collapseLeft()")  # its list of files leaves nothing of a narrow window
    for width, film in ((390, 120), (1280, 450), (1920, 800)):
        page.set_viewport_size({"width": width, "height": 1000})
        page.evaluate(f"document.querySelector('{OURS}').scrollIntoView()")
        page.wait_for_timeout(500)
        picture(page, f"lab-{name}-{width}")
        assert page.evaluate(BROKEN, NAMES) == [], width
        assert not page.locator(OURS).evaluate(WIDE), width
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
    page = watch().page
    open_and_run(page, lab, name)
    patch = flag_first(page)
    names_are_whole_at_every_width(page, name)
    assert FlagStore(fresh_run / "flags.csv").standing()["patch_id"].tolist() == [patch]
    page.evaluate(RESTART)
    page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    page.wait_for_function(f"document.querySelector('{OURS}') === null")
    page.evaluate(RUN_ALL)
    page.wait_for_selector(f"{OURS} .tile")
    page.locator(f"{OURS} select").nth(1).select_option("")
    page.locator(f"{OURS} label[data-name=flagged] select").select_option("yes")
    # the list before this filter shows the flag too, so the one tile is waited for
    expect(page.locator(f"{OURS} .tile")).to_have_count(1)
    expect(page.locator(f"{OURS} .tile")).to_have_attribute("data-patch", patch)
    expect(page.locator(f"{OURS} .tile .flagged")).to_have_count(1)


def test_the_open_case_and_what_was_chosen_survive_a_restart_of_the_kernel(lab, fresh_run, watch):
    """The reading room in JupyterLab, by name; its keys reach the room and not the notebook."""
    room = ".jp-OutputArea-output .ovcf.room"
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
