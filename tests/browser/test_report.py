"""The report in Chromium: asks a listening server for nothing, and its one script filters the gallery."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from ovcf.report.page import write_page
from ovcf.viz.gallery import gallery_html
from ovcf.viz.outcomes import browse_table

RECORD = {
    "status": "complete",
    "profile": "demo",
    "data": "synthetic cohort",
    "synthetic": True,
    "started": "2026-01-01T00:00:00+00:00",
    "finished": "",
    "ovcf": "",
    "python": "",
    "machine": "",
    "peak_memory_mb": 1,
    "parameters": {},
    "notebooks": {},
}


@pytest.fixture
def sink():
    """A server on this machine that remembers what it was asked."""
    asked = []

    class Remember(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Remember)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()


@pytest.fixture
def report(tmp_path, sink):
    """A page with a gallery and with outputs that try every way out to the sink."""
    address, _ = sink
    ways_out = (
        f'<img src="{address}/img"><script src="{address}/script"></script><link rel="stylesheet" href="{address}/css">'
        f'<iframe src="{address}/frame"></iframe><meta http-equiv="refresh" content="0;url={address}/meta">'
        f'<p style="background: url({address}/style)">x</p><svg><image href="{address}/svg"/></svg>'
        f'<form action="{address}/form"><button id="send">send</button></form>'
        f'<style>@import "{address}/import";</style>'
    )
    patches = pd.DataFrame(
        {
            "patch_id": ["a", "b"],
            "patient_id": ["1", "2"],
            "level": ["T12", "L1"],
            "label": ["fresh", "old"],
            "fold": [1, 2],
        }
    )
    predictions = pd.DataFrame(
        {
            "network": "resnet50",
            "split": "patient",
            "fold": [1, 2],
            "patch_id": ["a", "b"],
            "patient_id": ["1", "2"],
            "truth": [1, 0],
            "p_fresh": [0.2, 0.1],
        }
    )
    images = np.zeros((2, 16, 16), np.uint8)
    gallery = gallery_html(browse_table(patches, predictions, "resnet50", threshold=0.5), images)
    outputs = [new_output("display_data", data={"text/html": html}) for html in (ways_out, gallery)]
    (tmp_path / "notebooks").mkdir()
    nbformat.write(new_notebook(cells=[new_code_cell("", outputs=outputs)]), tmp_path / "notebooks" / "one.ipynb")
    return write_page(tmp_path, RECORD, ["one"])


def test_nothing_is_asked_of_the_network(report, sink, watch):
    page = watch().page
    page.goto(report.as_uri())
    page.locator("#send").click(no_wait_after=True)
    page.wait_for_timeout(500)
    assert sink[1] == []


def test_the_gallery_filters_under_the_policy(report, watch):
    page = watch().page
    page.goto(report.as_uri())
    tiles = page.locator(".ovcf-gallery li")
    assert tiles.count() == 2
    page.locator(".ovcf-gallery form").wait_for()
    page.get_by_label("Level").select_option("T12")
    assert tiles.locator("visible=true").count() == 1


def test_the_gallery_is_readable_without_script(report, watch):
    page = watch(java_script_enabled=False).page
    page.goto(report.as_uri())
    assert page.locator(".ovcf-gallery li").locator("visible=true").count() == 2


@pytest.fixture(scope="module")
def whole(tmp_path_factory, run):
    """The page of a small run's comparison and of an answered brief: tables that scroll, folds, a formula, figures."""
    from ovcf.report.page import render_page
    from ovcf.report.replay import Replayed, replay
    from ovcf.report.run import NOTEBOOKS
    from ovcf.run_folder.fixed import read_fixed

    folder = tmp_path_factory.mktemp("whole")
    record = RECORD | {"parameters": read_fixed(run)[0]}
    study = Replayed(run, folder, record["parameters"], record)
    names = ("03_model_comparison", "04_cross_validation")
    again = replay(study, {n: nbformat.read(NOTEBOOKS / f"{n}.ipynb", as_version=4) for n in names}, NOTEBOOKS)
    asked = {"question": ["Who?"], "this run": ["16"], "the paper": ["405"], "section": [names[0]], "clinical": [True]}
    page = folder / "report.html"
    page.write_text(render_page(record, again.notebooks, pd.DataFrame(asked)))
    return page


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_page_is_wider_than_its_screen(whole, watch, width):
    page = watch(width=width, height=844).page
    page.goto(whole.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("opened", [False, True])
def test_axe_finds_nothing_serious(whole, watch, opened):
    from axe_playwright_python.sync_playwright import Axe

    page = watch(width=390, height=844, bypass_csp=True).page
    page.goto(whole.as_uri())
    if opened:  # what is folded is looked at too
        page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        assert page.locator("details[open] table").first.is_visible()
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []


def test_axe_finds_nothing_serious_in_the_gallery(report, watch):
    from axe_playwright_python.sync_playwright import Axe

    page = watch(width=390, height=844, bypass_csp=True).page
    page.goto(report.as_uri())
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert page.locator(".ovcf-gallery li").first.is_visible()
    found = Axe().run(page, context=".ovcf-gallery").response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []


def test_contents_are_folded_on_a_phone_and_open_on_a_desk(whole, watch):
    for width, shown in ((390, False), (1280, True)):
        page = watch(width=width, height=844).page
        page.goto(whole.as_uri())
        assert page.locator("nav ol").is_visible() == shown
