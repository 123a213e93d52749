"""The browser of patches in Voila: keyboard, flags, hostile names, labels, focus; the hardened server."""

import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import nbformat
import pandas as pd
import pytest
import yaml
from faults import serious_faults
from playwright.sync_api import expect
from servers import TOKEN, picture

from ovcf.server import free_port
from ovcf.viz.flags import FlagStore

SCROLLED = "document.querySelector('#rendered_cells').scrollTop"  # what Voila lets scroll
VISITS = 6  # one after the other in one tab

UNNAMED = """() => [...document.querySelectorAll('.ovcf :is(button, input, select, canvas, img)')]
  .filter((n) => n.checkVisibility())
  .filter((n) => !(n.labels?.length || n.getAttribute('aria-label') || n.textContent.trim()
                   || n.hasAttribute('alt')))
  .map((n) => n.outerHTML.slice(0, 200))"""
NO_RING = """() => { const n = document.activeElement; const s = getComputedStyle(n);
  const bare = n.closest('.ovcf') && s.outlineStyle === 'none' && s.boxShadow === 'none';
  return bare ? n.outerHTML.slice(0, 200) : '' }"""


@pytest.fixture
def hostile_page(tmp_path, show):
    """A served notebook that shows a browser over names full of markup."""
    return show(f"""
from pathlib import Path
from clinician_fakes import FakeStudy
from ovcf.viz.browser import Browser
Browser(FakeStudy(Path({str(tmp_path)!r}), hostile=True))
""")


def test_names_from_a_manifest_stay_text(hostile_page, watch, tmp_path):
    from clinician_fakes import HOSTILE

    page = watch().page
    page.goto(hostile_page.url)
    page.wait_for_selector(".ovcf .tile")
    page.locator(".tile").first.focus()
    page.keyboard.press("f")
    page.wait_for_selector(".detail .flag")
    assert "called fresh from 0.4 on" in page.locator(".says caption").text_content()
    page.locator(".detail .flag input").first.fill(HOSTILE)  # the comment, and a reviewer of that name
    page.locator(".detail .flag input").nth(1).fill(HOSTILE)
    page.keyboard.press("Enter")
    page.wait_for_selector(".flag .standing li")
    page.keyboard.press("Escape")
    page.wait_for_selector(".tile .flagged")
    assert HOSTILE in page.locator(".tile").first.text_content()
    assert "at 0.4" in page.locator(".list .status").text_content()  # the run's threshold
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[onerror]").count() == 0
    assert FlagStore(tmp_path / "flags.csv").standing()["comment"].tolist() == [HOSTILE]


def test_a_film_that_is_gone_is_said_where_it_can_be_seen(tmp_path, show, watch):
    server = show(f"""
from pathlib import Path
from clinician_fakes import FakeStudy
from ovcf.viz.browser import Browser
study = FakeStudy(Path({str(tmp_path)!r}))
films = study.film
def film(patch_id):
    if patch_id == "S00001":
        raise ValueError("films/0.png: no such file")
    return films(patch_id)
study.film = film
Browser(study)
""")
    page = watch().page
    page.goto(server.url)
    page.wait_for_selector(".ovcf .tile")
    page.locator("label[data-name=outcome] select").select_option("")
    page.locator("label[data-name=search] input").fill("S0000")
    expect(page.locator(".list .tile")).to_have_count(10)
    page.locator(".tile[data-patch=S00001]").click()
    expect(page.locator(".browser .problem")).to_have_text("films/0.png: no such file")
    assert page.locator(".browser .problem").is_visible()
    page.locator(".tile[data-patch=S00004]").click()
    page.wait_for_selector(".detail[data-patch=S00004]")
    assert page.locator(".browser .problem").text_content() == ""


def patches_of(page) -> list[str]:
    return page.eval_on_selector_all(".list .tile", "all => all.map((tile) => tile.dataset.patch)")


def shown(page) -> str:
    return page.locator(".detail").get_attribute("data-patch")


def test_list_detail_and_flags(fresh_run, explore, watch):
    page = watch(height=500).page
    server = explore(fresh_run)
    page.goto(server.url)
    page.wait_for_selector(".ovcf .tile")
    page.locator(".browser label[data-name=outcome] select").select_option("")
    page.wait_for_function("document.querySelector('.status').textContent.match(/^(\\d+) of \\1 /)")
    first, second, *_, last = patches_of(page)

    # opening a tile far down shows the top of the detail; back, the list is where it was
    page.locator(".tile").last.focus()
    left = page.evaluate(SCROLLED)
    assert left > 100
    page.keyboard.press("Enter")
    page.wait_for_selector(f".detail[data-patch='{last}']")
    assert page.evaluate("document.querySelector('.detail').getBoundingClientRect().top") >= 0
    assert page.locator(".detail h3").first.is_visible() and last in page.url
    page.wait_for_selector(".similar .tile")
    similar = page.locator(".similar .tile").first.get_attribute("data-patch")
    page.locator(".similar .tile").first.click()
    page.wait_for_selector(f".detail[data-patch='{similar}']")
    assert similar in page.url
    page.get_by_role("button", name="Back to the list").click()
    page.wait_for_selector(".list:not([hidden])")
    page.wait_for_function("Boolean(document.activeElement.closest('.tile'))")
    assert patches_of(page)[-1] == last and "#" not in page.url
    page.wait_for_function(f"{SCROLLED} === {left}")

    # keys: to a patch, to the one before, its map, and what each control is called
    page.locator(".tile").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector(f".detail[data-patch='{second}']")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(f".detail[data-patch='{first}']")
    page.keyboard.press("m")
    page.wait_for_selector(".mapslot img.map")
    assert "was not trained on this patient" in page.locator(".mapslot").text_content()
    assert page.evaluate(UNNAMED) == []
    assert serious_faults(page, ".browser") == []

    # zoom and window are kept from patch to patch, the wheel zooms at once
    page.keyboard.press("v")
    page.locator(".controls select").select_option("vertebra")
    level = page.locator(".controls .amount").first.text_content()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f".detail[data-patch='{second}']")
    assert page.locator(".controls select").input_value() == "vertebra"
    page.locator(".controls button", has_text="Reset").click()
    assert page.locator(".controls .amount").first.text_content() == "0.50" != level
    film = page.locator(".detail canvas.film")
    film.scroll_into_view_if_needed()
    before, place = film.screenshot(), page.evaluate(SCROLLED)
    film.hover()
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(300)
    assert film.screenshot() != before and page.evaluate(SCROLLED) == place
    page.keyboard.press("0")

    # heights by six clicks: kept as a flag with their grade
    page.locator(".detail h3").first.focus()
    page.keyboard.press("h")
    box = film.bounding_box()
    for k in range(6):
        x, y = 0.4 + 0.05 * (k // 2), 0.4 + (k % 2) * (0.05 if k < 2 else 0.1)
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    expect(page.locator(".heights")).to_contain_text("Genant grade 3")
    flags = FlagStore(fresh_run / "flags.csv")
    kept = flags.standing().iloc[-1]
    assert (kept.patch_id, kept.flag) == (second, "heights") and "anterior" in kept.comment

    # one key flags: the patch in detail, a tile, several tiles; what corrects the manifest asks for a reason
    page.locator(".detail h3").first.focus()
    page.keyboard.press("2")
    expect(page.locator(".flag .standing li")).to_have_count(2)
    page.keyboard.press("f")
    page.keyboard.press("ArrowDown")
    page.locator(".detail .flag button").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".flag .standing li")).to_have_count(3)
    page.keyboard.press("Escape")
    page.wait_for_function(f"document.activeElement.dataset.patch === {second!r}")
    page.keyboard.press("3")
    expect(page.locator(f".tile[data-patch={second}] .flagged")).to_contain_text("other finding")
    page.locator(".tile").nth(3).click(modifiers=["Control"])
    page.locator(".list li input").nth(5).click(modifiers=["Shift"])
    expect(page.locator(".chosen b")).to_have_text("3 chosen")
    third = patches_of(page)[3:6]
    page.locator(".tile").nth(4).focus()
    page.keyboard.press("6")  # exclude: the form waits for a reason
    assert page.locator(".chosen .kind select").input_value() == "exclude"
    page.keyboard.type("metal")
    page.locator(".chosen .flag input[autocomplete=name]").fill("Dr B")
    picture(page, "chosen-1280")
    page.keyboard.press("Enter")
    expect(page.locator(".chosen")).to_be_hidden()
    excluded = flags.standing()
    assert excluded[excluded.flag == "exclude"].patch_id.tolist() == third

    # the list goes out as it is filtered; the flags become the manifest's next version
    page.locator(".browser label[data-name=sort] select").select_option("likeness")
    expect(page.locator(".list .tile").first).to_contain_text("bits differ")
    page.locator(".browser label[data-name=sort] select").select_option("label_error")
    page.keyboard.press("/")
    page.locator(".browser label[data-name=search] input").fill("fresh, called".split(",")[0])
    page.wait_for_function("!document.querySelector('.status').textContent.match(/^(\\d+) of \\1 /)")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export this list").click()
    exported = pd.read_csv(waiting.value.path())
    assert exported.patch_id.tolist()[: len(patches_of(page))] == patches_of(page)
    assert exported.label_error.is_monotonic_decreasing
    page.get_by_role("button", name="Write a corrected manifest").click()
    expect(page.locator(".export")).to_contain_text("0 relabelled, 3 left out")
    source = Path(yaml.safe_load((fresh_run / "parameters.yaml").read_text())["data"])
    made = (source if source.is_dir() else source.parent) / "manifest-v2.csv"
    assert set(third).isdisjoint(pd.read_csv(made).patch_id)
    for path in made.parent.glob("manifest-v2*"):
        path.unlink()

    # a link leads to its patch, also one that the filters do not hold
    page.goto(f"{server.url}#patch={last}")
    page.reload()
    page.wait_for_selector(f".detail[data-patch='{last}']")
    for width in (390, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 1000})
        page.wait_for_timeout(300)
        picture(page, f"detail-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        film = page.locator(".detail canvas.film").bounding_box()
        assert film["width"] > {390: 300, 1280: 600, 1920: 1100}[width]
        page.get_by_role("button", name="Back to the list").click()
        page.wait_for_selector(".list .tile")
        picture(page, f"list-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator(".list .tile").first.click()
        page.wait_for_selector(".detail:not([hidden])")


def test_a_link_made_on_the_command_line_leads_to_its_patch(run, explore, watch):
    known = pd.read_csv(run / "tables" / "patches.csv")["patch_id"].iloc[-1]
    call = [sys.executable, "-m", "ovcf.cli", "explore", str(run), "--no-browser", "--patch"]
    refused = subprocess.run([*call, "nobody"], capture_output=True, text=True)
    assert refused.returncode == 2 and "no such patch" in refused.stderr and known[:1] in refused.stderr
    port = free_port()
    server = explore(code=f"from ovcf.cli import main; main({[*call[3:], known, '--port', str(port)]!r})", port=port)
    address = server.link("#patch=")
    page = watch().page
    page.goto(address)
    page.wait_for_selector(f".detail[data-patch='{known}']:not([hidden])")


def test_every_control_has_a_name_and_shows_its_focus(run, explore, watch):
    page = watch().page
    page.goto(explore(run).url)
    page.wait_for_selector(".ovcf .tile")
    for name in ("Browse", "Own case"):
        page.get_by_role("tab", name=name).click()
        page.wait_for_timeout(200)
        assert page.evaluate(UNNAMED) == []
        assert serious_faults(page) == []
        page.get_by_role("tab", name=name).focus()
        stops = 0
        for _ in range(20):
            page.keyboard.press("Tab")
            assert page.evaluate(NO_RING) == ""
            stops += page.evaluate("Boolean(document.activeElement.closest('.ovcf'))")
        assert stops >= 2


def test_a_page_that_is_left_takes_its_kernel_and_a_used_port_is_said_first(run, explore, watch, tmp_path):
    server = explore(run)

    def kernels(at_most, seconds=30):
        end = time.monotonic() + seconds
        while len(server.kernels()) > at_most and time.monotonic() < end:
            time.sleep(0.3)
        return len(server.kernels())

    open_pages = [watch().page for _ in range(2)]
    for page in open_pages:
        page.goto(server.url)
        page.wait_for_selector(".ovcf .tile")
    visitor = watch().page
    for _ in range(VISITS):
        visitor.goto(server.url)
        visitor.wait_for_selector(".ovcf .tile")
    visitor.goto("about:blank")
    assert kernels(len(open_pages) + 1) <= len(open_pages) + 1  # and the one that waits for the next reader
    for page in open_pages:
        page.close()
    assert kernels(1) == 1

    for other in (run, tmp_path / "no run"):  # before the run is even looked at
        call = [sys.executable, "-m", "ovcf.cli", "explore", str(other), "--port", str(server.port), "--no-browser"]
        said = subprocess.run(call, capture_output=True, text=True)
        assert said.returncode == 2 and "another program listens on this port" in said.stderr
        assert "http" not in said.stdout


def test_the_server_wants_a_token_serves_no_file_and_knows_its_name(run, explore):
    server = explore(run)
    base = f"http://127.0.0.1:{server.port}"

    def status(path, **headers):
        try:
            return urlopen(Request(base + path, headers=headers), timeout=60).status
        except HTTPError as error:
            return error.code

    assert status("/voila/files/explore.ipynb") in (403, 404)
    assert status(f"/voila/files/explore.ipynb?token={server.token}") in (403, 404)
    assert status(f"/?token={server.token}", Host="evil.example") == 403
    page = urlopen(base + "/", timeout=60).read().decode()  # without a token: the login page
    assert "rendered_cells" not in page
    reply = urlopen(f"{base}/?token={server.token}", timeout=120)
    first = reply.read1()  # the server's first piece, sent before the kernel is asked
    assert b"Opening the page" in first and b"rendered_cells" not in first
    policy = reply.headers["Content-Security-Policy"]
    assert "connect-src 'self'" in policy and "default-src 'self'" in policy
    rest = reply.read().decode()
    assert "rendered_cells" in rest and "explore_page" not in rest  # no code in sight


def test_a_page_that_cannot_be_opened_says_so(explore, tmp_path):
    notebook = tmp_path / "gone.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), notebook)
    port = free_port()
    code = f"from ovcf.server import serve; serve({str(notebook)!r}, {port}, {TOKEN!r}, waiting=0)"
    server = explore(code=code, port=port)
    notebook.unlink()
    page = urlopen(server.url, timeout=60).read().decode()
    assert page.index("Opening the page") < page.index("could not be opened")
