"""The browser's answers without a page: lists, details, flags; memory that does not grow with the cohort."""

import json

import pytest
from clinician_fakes import THRESHOLD, FakeStudy

from ovcf.viz.browser import PAGE, Browser
from ovcf.viz.flags import FlagStore
from ovcf.viz.outcomes import Conditions, browse_table, filter_rows

QUERY = {
    "network": "vgg16", "outcome": "wrong", "level": "", "region": "", "fold": "", "agreement": "any",
    "annotators": "any", "flagged": "", "low": 0, "high": 1, "patient": "", "search": "", "sort": "loss",
    "ascending": False,
}  # fmt: skip


@pytest.fixture
def browser(tmp_path):
    return Browser(FakeStudy(tmp_path))


def test_filters_offer_what_the_cohort_holds(browser):
    hello, _ = browser.ask("hello")
    assert hello["levels"] == ["T12", "L1", "L2", "unknown"]
    assert hello["regions"] == ["at", "below"] and hello["folds"] == [1, 2, 3, 4, 5]
    assert hello["network"] == "vgg16" and hello["annotators"]


def test_a_page_holds_its_tiles_and_their_pictures_worst_first(browser):
    study = browser.study
    answer, pictures = browser.ask("page", query=QUERY, page=0)
    wrong = filter_rows(
        browse_table(study.patches, study.predictions, "vgg16", threshold=THRESHOLD), Conditions(outcomes=("FN", "FP"))
    )
    assert answer["count"] == answer["wrong"] == len(wrong)
    assert len(answer["rows"]) == len(pictures) == min(PAGE, len(wrong))
    worst = wrong.sort_values("loss", ascending=False).iloc[0]
    assert answer["rows"][0]["patch_id"] == worst["patch_id"]
    assert all(p.startswith(b"\xff\xd8") for p in pictures)
    json.dumps(answer)  # everything can travel


def test_pages_cover_the_list_once(browser):
    query = QUERY | {"outcome": ""}
    seen = []
    for page in range(browser.ask("page", query=query, page=0)[0]["pages"]):
        seen += [r["patch_id"] for r in browser.ask("page", query=query, page=page)[0]["rows"]]
    assert sorted(seen) == sorted(browser.study.patches["patch_id"])


@pytest.mark.parametrize(
    ("change", "test"),
    [
        ({"level": "unknown"}, lambda r: r["level"] == "level unknown"),
        ({"network": "alexnet", "outcome": "FN"}, lambda r: r["outcome"] == "FN"),
        ({"outcome": "", "low": 0.4, "high": 0.6}, lambda r: 0.4 <= r["p_fresh"] <= 0.6),
        ({"outcome": "", "patient": "P00003"}, lambda r: r["patient_id"] == "P00003"),
        ({"outcome": "right", "fold": "2"}, lambda r: r["outcome"] in ("TP", "TN")),
    ],
)
def test_filters_of_the_page_reach_the_table(browser, change, test):
    rows = browser.ask("page", query=QUERY | change, page=0)[0]["rows"]
    assert rows and all(map(test, rows))


def test_a_detail_has_film_patch_networks_and_the_films_other_patches(browser):
    answer, pictures = browser.ask("detail", query=QUERY, position=0)
    assert [a["network"] for a in answer["answers"]] == ["alexnet", "vgg16"]
    assert len(answer["neighbours"]) == 2 and len(pictures) == 3 + 2
    assert all(n["patient_id"] == answer["row"]["patient_id"] for n in answer["neighbours"])
    assert answer["box"]["x0"] == 40.0 and answer["scale"] == 1.0
    json.dumps(answer)


def test_a_flag_survives_filters_and_a_new_kernel(browser, tmp_path):
    first = browser.ask("page", query=QUERY, page=0)[0]["rows"][0]["patch_id"]
    kept, _ = browser.ask("flag", patch_id=first, flag="poor image", reviewer="Anna", comment="moved")
    assert kept["flags"][0]["comment"] == "moved"
    again = Browser(FakeStudy(tmp_path))  # as after a restart
    flagged, _ = again.ask("page", query=QUERY | {"flagged": "yes"}, page=0)
    assert [(r["patch_id"], r["flags"]) for r in flagged["rows"]] == [(first, "poor image")]


def test_the_flagged_list_follows_a_new_flag(browser):
    query = QUERY | {"flagged": "yes"}
    assert browser.ask("page", query=query, page=0)[0]["count"] == 0
    patch = browser.ask("page", query=QUERY, page=0)[0]["rows"][3]["patch_id"]
    browser.ask("flag", patch_id=patch, flag="label doubtful")
    assert browser.ask("page", query=query, page=0)[0]["count"] == 1
    browser.ask("flag", patch_id=patch, flag="withdrawn")
    assert browser.ask("page", query=query, page=0)[0]["count"] == 0


def test_a_flag_on_no_patch_is_refused(browser):
    with pytest.raises(ValueError, match="nobody"):
        browser.ask("flag", patch_id="nobody", flag="poor image")


def test_the_export_counts_and_names_its_file(browser, tmp_path):
    for row in browser.ask("page", query=QUERY, page=0)[0]["rows"][:2]:
        browser.ask("flag", patch_id=row["patch_id"], flag="other finding")
    answer, _ = browser.ask("export")
    assert answer["count"] == 2 and (tmp_path / "flags_for_review.csv").is_file()


def test_a_question_that_fails_is_answered_with_words(browser):
    said = []
    browser.send = lambda content, buffers=None: said.append(content)
    browser._receive(None, {"kind": "detail", "reply": "r1", "query": QUERY, "position": 10**6}, [])
    browser._receive(None, {"kind": "nonsense", "reply": "r2"}, [])
    assert [s["reply"] for s in said] == ["r1", "r2"] and all(s["error"] for s in said)


def test_memory_stays_flat_over_twenty_thousand_patches(tmp_path):
    browser = Browser(FakeStudy(tmp_path, n=20_000))
    query = QUERY | {"outcome": ""}
    for page in range(0, 200):
        browser.ask("page", query=query, page=page)
    assert len(browser.thumbnails.recent) <= 600
    assert FlagStore(tmp_path / "flags.csv").history().empty


def test_the_page_calls_at_the_runs_threshold(browser, monkeypatch):
    table = browser.table
    between = table[table["p_fresh"].between(THRESHOLD, 0.5)].iloc[0]  # fresh at the run's threshold, old at 0.5
    assert between["called"] == "fresh"
    page, _ = browser.ask("page", query=QUERY, page=0)
    detail, _ = browser.ask("detail", query=QUERY, patch_id=between["patch_id"])
    assert page["threshold"] == detail["threshold"] == THRESHOLD
    said = {a["network"]: a["outcome"] for a in detail["answers"]}
    assert said["vgg16"] == detail["row"]["outcome"] == ("TP" if between["label"] == "fresh" else "FP")
    asked = []
    monkeypatch.setattr(browser.maps, "of", lambda row, image, network, called: asked.append(called) or (b"", ""))
    browser.ask("map", patch_id=between["patch_id"], network="vgg16")
    assert asked == ["fresh"]
