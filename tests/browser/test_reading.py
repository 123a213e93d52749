"""A full reading by keyboard in Voila: the kernel dies after case 7, and nothing is lost nor asked twice."""

import time

import pandas as pd
import pytest

from ovcf.explore import open_study
from ovcf.viz.sessions import make_plan, read_readings

CASES = 12


@pytest.fixture
def planned(fresh_run):
    """A run whose plan has twelve cases, two training cases and no washout."""
    make_plan(open_study(fresh_run).patches, fresh_run / "readings", cases=CASES, training=2, washout_days=0)
    return fresh_run


def enter(page, server, name="Anna Test"):
    """Open the page and go to the reading room by keyboard."""
    page.goto(server.url)
    page.wait_for_selector(".ovcf [role=tab]")
    page.locator("[role=tab]").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".room[data-screen=start]")
    page.locator(".room input").focus()
    page.keyboard.type(name)
    page.keyboard.press("Enter")


def wait_case(page, session, order):
    page.wait_for_selector(f".room[data-screen=case][data-case='{session} {order}']")


def answer(page, key, confidence):
    page.keyboard.press(key)
    page.keyboard.press(str(confidence))
    page.keyboard.press("Enter")


def test_twelve_cases_by_keyboard_survive_the_death_of_the_kernel(planned, explore, watch):
    server, watched = explore(planned), watch(width=390, height=844)
    page = watched.page
    enter(page, server)
    for order in (1, 2):  # training: the truth is shown, and Enter goes on
        wait_case(page, "training", order)
        answer(page, "f", 3)
        page.wait_for_selector(".room[data-screen=feedback]")
        page.keyboard.press("Enter")
    for order in range(1, 8):
        wait_case(page, "unaided", order)
        answer(page, "fo"[order % 2], 1 + order % 5)
    wait_case(page, "unaided", 8)
    for kernel in server.kernels():
        kernel.kill()
    answer(page, "f", 5)  # nobody hears this one
    page.wait_for_selector(".room .notice:not([hidden])")

    watched = watch(width=390, height=844)
    page = watched.page
    enter(page, server, "anna test")
    for order in range(8, CASES + 1):
        wait_case(page, "unaided", order)
        answer(page, "fo"[order % 2], 1 + order % 5)
    wait_case(page, "aided", 1)
    rows = read_readings(planned / "readings")
    assert rows["order"].tolist() == list(range(1, CASES + 1))
    assert rows["patch_id"].is_unique
    assert rows["answer"].tolist() == [("fresh", "old")[i % 2] for i in range(1, CASES + 1)]
    assert rows["confidence"].tolist() == [1 + i % 5 for i in range(1, CASES + 1)]
    assert rows["seconds"].gt(0).all()
    blinded_then_aided(page, planned)


def blinded_then_aided(page, run):
    """The aided session shows the model's probability and map, keeps it, and shows no earlier answer."""
    p = pd.read_csv(run / "tables" / "predictions.csv").query("network == 'alexnet'")
    p = p.set_index("patch_id")["p_fresh"]
    shown = page.locator(".room .aid").text_content()
    assert "P(fresh)" in shown and "not trained on this patient" in shown
    assert page.locator(".room .aid img.map").count() == 1
    assert page.locator(".room .choice[aria-pressed=true]").count() == 0
    answer(page, "o", 2)
    wait_case(page, "aided", 2)
    aided = read_readings(run / "readings").query("session == 'aided'")
    assert aided["model_p_fresh"].iloc[0] == pytest.approx(p[aided["patch_id"].iloc[0]])
    assert f"{aided['model_p_fresh'].iloc[0]:.2f}" in shown


def test_a_case_gives_away_neither_name_nor_label(planned, explore, watch):
    server, watched = explore(planned), watch()
    page = watched.page
    frames = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(frame)))
    enter(page, server)
    wait_case(page, "training", 1)
    frames.clear()
    answer(page, "f", 3)
    page.wait_for_selector(".room[data-screen=feedback]")
    page.keyboard.press("Enter")
    wait_case(page, "training", 2)
    study = open_study(planned)
    heard = b"".join(f if isinstance(f, bytes) else f.encode() for f in frames)
    assert len(heard) > 1000
    names = [*study.patches["patch_id"], *study.patches["patient_id"], "films/"]
    assert [name for name in names if name.encode() in heard] == []


def test_pausing_hides_the_case_and_stops_the_clock(planned, explore, watch):
    server, watched = explore(planned), watch()
    page, start = watched.page, time.monotonic()
    enter(page, server)
    wait_case(page, "training", 1)
    page.keyboard.press("p")
    assert not page.locator(".room .caseview").is_visible()
    page.wait_for_timeout(1500)
    page.keyboard.press("Enter")
    assert page.locator(".room .caseview").is_visible()
    page.keyboard.press("+")
    answer(page, "f", 3)
    page.wait_for_selector(".room[data-screen=feedback]")
    seconds = pd.read_csv(planned / "readings" / "anna test.training.csv")["seconds"].iloc[0]
    assert 0 < seconds < time.monotonic() - start - 1.5  # however slow the machine, the pause is not in it
