"""A study in the reading room, in Voila: a killed kernel, two windows, a slip, a reload; nothing lost, none twice."""

import time

import pandas as pd
import pytest
from faults import serious_faults
from reading_pages import answer, check_display, choose, link, start, wait_case
from servers import TOKEN, picture

from ovcf.explore import open_study
from ovcf.reading.plan import make_plan
from ovcf.reading.roster import Roster, add_readers
from ovcf.reading.table import gather, readings_table
from ovcf.server import free_port

CASES = 6
ANOTHER_TAB = """() => {
  Object.defineProperty(document, 'hidden', { value: true, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""
BACK = "() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')); }"
SERVE = "from ovcf.room import {0}; {0}({1!r}, {2}, open_browser=False)"


@pytest.fixture
def planned(fresh_run, monkeypatch, request):
    """A run with a plan of six cases, patch without the model and film with it, and two named readers.

    Confidence is 1-5, or what a test says.
    """
    scale = getattr(request, "param", "1-5")
    folder = fresh_run / "readings"
    study = open_study(fresh_run)
    arms = ("unaided", "aided-film")
    plan = make_plan(study.patches, folder, cases=CASES, training=2, washout_days=0.0, arms=arms, scale=scale)
    monkeypatch.setattr("ovcf.reading.roster.secrets.token_urlsafe", lambda n: TOKEN if n == 24 else f"link{n}")
    roster: Roster = add_readers(folder, ["Anna Test"])
    monkeypatch.undo()
    return fresh_run, plan, add_readers(folder, ["Bernadette"]), roster


@pytest.fixture
def room(planned, explore):
    """The served room of the planned run."""
    return lambda what="serve_room": explore(code=SERVE.format(what, str(planned[0]), port := free_port()), port=port)


def answers(planned):
    run, plan, *_ = planned
    return readings_table(gather(plan, run / "readings"))


def test_a_study_survives_a_killed_kernel_two_windows_a_slip_and_a_reload(planned, room, watch):
    server, token = room(), planned[2].tokens["Anna Test"]
    page = watch(width=390, height=844).page
    heard = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(frame)))
    start(page, server, token)
    page.wait_for_selector(".display .step")
    assert serious_faults(page) == []
    check_display(page)
    for order in (1, 2):  # training: the truth is shown, and Enter goes on
        wait_case(page, "training", order)
        answer(page, "f", 3)
        page.wait_for_selector(".room[data-screen=feedback]")
        since = time.monotonic()
        page.keyboard.press("Enter")
    wait_case(page, "unaided", 1)
    assert serious_faults(page) == []
    pausing_hides_the_case(page)
    answer(page, "f", 2)
    wait_case(page, "unaided", 2)
    in_sight = time.monotonic() - since - 1.2  # the pause is not in it, however slow the machine
    answer(page, "o", 1)
    wait_case(page, "unaided", 3)
    page.keyboard.press("m")  # the second was mis-keyed
    page.wait_for_selector(".kept:has-text('Marked')")
    answer(page, "j", 1)  # cannot judge
    wait_case(page, "unaided", 4)
    choose(page, "o", 4)
    page.wait_for_timeout(2500)  # what is chosen is kept a moment after
    min(server.kernels(), key=lambda kernel: kernel.create_time()).kill()  # this page's; another one waits
    page.keyboard.press("Enter")  # nobody hears this one
    page.wait_for_selector(".room .notice:not([hidden])")
    page.reload()
    wait_case(page, "unaided", 4)  # no name is asked, and what was chosen is back
    assert page.locator(".choice[aria-pressed=true]").get_attribute("data-answer") == "old"
    assert page.locator("[aria-checked=true]").get_attribute("data-confidence") == "4"
    two_windows(page, server, token, watch)
    wait_case(page, "unaided", 6)
    answer(page, "f", 5)
    wait_case(page, "unaided", 2)  # asked again
    answer(page, "f", 4)
    wait_case(page, "aided-film", 1)
    rows = answers(planned)
    assert rows["order"].tolist() == [1, 3, 4, 5, 6, 2] and rows["patch_id"].is_unique
    assert rows["answer"].tolist() == ["fresh", "cannot judge", "old", "old", "fresh", "fresh"]
    assert rows["mis_keyed"].tolist() == [""] * 5 + ["old 1"] and rows["seconds"].gt(0).all()
    first = rows.iloc[0]
    assert (
        (first["pauses"], first["zooms"]) == (2, 1) and first["paused_seconds"] >= 1.2 and first["seconds"] < in_sight
    )
    the_model_comes_with_the_film(page, planned)
    nothing_was_given_away(heard, planned)


def how_sure_on_a_slider(page, planned):
    """Nothing is chosen before the slider moved; by digits, by arrows, by mouse."""
    check_display(page)
    for order in (1, 2):
        wait_case(page, "training", order)
        answer(page, "o", 4)  # 40
        page.wait_for_selector(".room[data-screen=feedback]")
        page.keyboard.press("Enter")
    wait_case(page, "unaided", 1)
    page.keyboard.press("f")
    slider, confirm = page.locator(".sure input[type=range]"), page.locator(".confirm")
    assert not page.get_by_role("button", name="Zoom to this vertebra").is_visible()  # a bare patch has no box
    assert confirm.is_disabled() and page.locator(".sure output").text_content() == "–"
    page.keyboard.press("7")
    assert page.locator(".sure output").text_content() == "70"
    slider.press("ArrowRight")
    for width in (390, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 1000})
        page.wait_for_timeout(200)
        picture(page, f"room-case-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("canvas.film").bounding_box()["width"] > {390: 300, 1280: 600, 1920: 900}[width]
    assert serious_faults(page) == []
    slider.press("Enter")
    wait_case(page, "unaided", 2)
    page.keyboard.press("o")
    slider.click(position={"x": 1, "y": 5})
    page.keyboard.press("Enter")
    wait_case(page, "unaided", 3)
    assert answers(planned)["confidence"].astype(int).tolist() == [71, 0]


def pausing_hides_the_case(page):
    page.keyboard.press("p")
    assert not page.locator(".room .caseview").is_visible()
    page.wait_for_timeout(1200)
    page.keyboard.press("Enter")
    assert page.locator(".room .caseview").is_visible()
    page.evaluate(ANOTHER_TAB)  # pauses by itself, and ends nothing
    assert not page.locator(".room .caseview").is_visible()
    page.evaluate(BACK)
    page.keyboard.press("Enter")
    assert page.locator(".room .caseview").is_visible()
    page.locator("canvas.film").focus()
    page.keyboard.press("+")


def two_windows(page, server, token, watch):
    """The second window answers first; the first one's answer does not count, and it goes on with the open case."""
    other = watch().page
    start(other, server, token)
    check_display(other)  # another screen
    wait_case(other, "unaided", 4)
    page.keyboard.press("Enter")
    wait_case(page, "unaided", 5)
    answer(other, "f", 1)
    other.wait_for_selector(".room[data-case='unaided 5'] .kept:has-text('first answer stands')")
    answer(other, "o", 2)
    wait_case(other, "unaided", 6)
    other.close()
    answer(page, "f", 5)
    page.wait_for_selector(".room[data-case='unaided 6'] .kept:has-text('first answer stands')")


def the_model_comes_with_the_film(page, planned):
    """The aided session shows the model's probability and map, the film, and no earlier answer."""
    p = pd.read_csv(planned[0] / "tables" / "predictions.csv").query("network == 'alexnet'")
    p = p.set_index("patch_id")["p_fresh"]
    page.wait_for_selector(".room .aid img.map")
    picture(page, "room-aided-390")
    assert serious_faults(page) == []
    shown = page.locator(".room .aid").text_content()
    assert "not trained on this patient" in shown and page.locator(".choice[aria-pressed=true]").count() == 0
    answer(page, "o", 2)
    wait_case(page, "aided-film", 2)
    aided = answers(planned).query("session == 'aided-film'")
    assert aided["model_p_fresh"].iloc[0] == pytest.approx(p[aided["patch_id"].iloc[0]])
    assert f"{aided['model_p_fresh'].iloc[0]:.2f}" in shown


def nothing_was_given_away(heard, planned):
    """No name of a case, patient, film or other reader came over the wire."""
    patches = open_study(planned[0]).patches
    wire = b"".join(frame if isinstance(frame, bytes) else frame.encode() for frame in heard)
    names = [
        *patches["patch_id"],
        *patches["patient_id"],
        *patches["image"],
        "Bernadette",
        planned[2].tokens["Bernadette"],
    ]
    assert len(wire) > 10_000 and [name for name in names if str(name).encode() in wire] == []


@pytest.mark.parametrize("planned", ["0-100"], indirect=True)
def test_who_has_no_link_of_the_roster_stays_outside_and_the_coordinator_sees_how_far_all_are(planned, room, watch):
    server, page = room(), watch(width=1280).page
    page.goto(link(server, "guessed"))
    page.wait_for_selector(".room[data-screen=refused]")
    assert serious_faults(page) == []
    page.goto(link(server, planned[2].tokens["Bernadette"]))
    page.wait_for_selector(".room[data-screen=start] input[readonly]")
    assert page.locator(".room input").input_value() == "Bernadette" and "Anna" not in page.content()
    assert serious_faults(page) == []
    page.keyboard.press("Enter")
    page.wait_for_selector(".display .step")
    picture(page, "room-display-1280")
    how_sure_on_a_slider(page, planned)
    state = room("serve_status")
    for width in (390, 1280, 1920):
        page = watch(width=width).page
        page.goto(state.url)
        page.wait_for_selector(".status tbody tr")
        assert serious_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        picture(page, f"status-{width}")
    rows = page.locator(".status tbody tr").all_text_contents()
    assert [("Anna Test" in row, "not begun" in row) for row in rows] == [(False, False), (True, True)]
    page.click("[data-act=interim]")
    page.wait_for_selector(".said:has-text('nothing to export')")
