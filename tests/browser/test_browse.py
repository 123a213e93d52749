"""The browser of patches in Voila: keyboard, flags, hostile names, labels, focus; the hardened server."""

from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import expect

from ovcf.viz.flags import FlagStore

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
    page.locator(".flag input").first.fill(HOSTILE)  # the comment, and a reviewer of that name
    page.locator(".flag input").nth(1).fill(HOSTILE)
    page.keyboard.press("Enter")
    page.wait_for_selector(".flag .standing li")
    page.keyboard.press("Escape")
    page.wait_for_selector(".tile .flagged")
    assert HOSTILE in page.locator(".tile").first.text_content()
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


def test_filter_open_page_and_flag_by_keyboard(fresh_run, explore, watch):
    page = watch().page
    server = explore(fresh_run)
    page.goto(server.url)
    page.wait_for_selector(".ovcf .tile")
    page.locator(".browser select").nth(1).select_option("")  # any outcome
    page.wait_for_function("document.querySelector('.status').textContent.match(/^(\\d+) of \\1 /)")
    page.locator(".tile").first.focus()
    first = page.locator(".tile").first.get_attribute("data-patch")
    page.keyboard.press("ArrowRight")
    second = page.evaluate("document.activeElement.dataset.patch")
    assert second != first
    page.keyboard.press("Enter")
    page.wait_for_selector(f".detail[data-patch='{second}']")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(f".detail[data-patch='{first}']")
    page.wait_for_selector(".similar .tile")
    page.keyboard.press("m")
    page.wait_for_selector(".mapslot img.map")
    assert "was not trained on this patient" in page.locator(".mapslot").text_content()
    assert page.evaluate(UNNAMED) == []
    page.keyboard.press("f")
    page.keyboard.press("ArrowDown")  # the second kind: poor image
    page.locator(".flag button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".flag .standing li")
    assert FlagStore(fresh_run / "flags.csv").standing()[["patch_id", "flag"]].values.tolist() == [
        [first, "poor image"]
    ]
    page.keyboard.press("Escape")
    page.wait_for_selector(".list:not([hidden])")
    page.wait_for_function(f"document.activeElement.dataset.patch === {first!r}")
    page.keyboard.press("/")
    page.keyboard.type(second)
    page.wait_for_function("document.querySelectorAll('.list .tile').length === 1")
    assert page.locator(".list .tile").get_attribute("data-patch") == second


def test_every_control_has_a_name_and_shows_its_focus(run, explore, watch):
    page = watch().page
    page.goto(explore(run).url)
    page.wait_for_selector(".ovcf .tile")
    for name in ("Browse", "Reading room", "Own case"):
        page.get_by_role("tab", name=name).click()
        page.wait_for_timeout(200)
        assert page.evaluate(UNNAMED) == []
        page.get_by_role("tab", name=name).focus()
        stops = 0
        for _ in range(20):
            page.keyboard.press("Tab")
            assert page.evaluate(NO_RING) == ""
            stops += page.evaluate("Boolean(document.activeElement.closest('.ovcf'))")
        assert stops >= 2


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
    policy = reply.headers["Content-Security-Policy"]
    assert "connect-src 'self'" in policy and "default-src 'self'" in policy
    assert "explore_page" not in reply.read().decode()  # no code in sight
