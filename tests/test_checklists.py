"""Reporting checklists: numbered as the guidelines are, each item answered, asked of a person, or said not to apply."""

import json
import re

import pytest
from bs4 import BeautifulSoup

from ovcf.report.manuscript.answers import ANSWERS
from ovcf.report.manuscript.checklists import ANSWERED, NAMES, NONE, PERSON, fill, read_checklist
from ovcf.report.manuscript.export import checklists_page
from ovcf.report.manuscript.facts import Facts
from ovcf.report.printed import numbers


def lettered(number, letters):
    return [f"{number}{letter}" for letter in letters]


# CLAIM 2024 update (doi 10.1148/ryai.240300): items 1 to 44.
CLAIM = [str(n) for n in range(1, 45)]
# STARD-AI (doi 10.1038/s41591-025-03953-8, Table 2): 40 items; 15 in four parts, 16 in three, 17, 26 and 40 in two.
STARD = [str(n) for n in range(1, 15)] + lettered(15, "abcd") + lettered(16, "abc") + lettered(17, "ab")
STARD += [str(n) for n in range(18, 26)] + lettered(26, "ab") + [str(n) for n in range(27, 40)] + lettered(40, "ab")
# TRIPOD+AI (doi 10.1136/bmj-2023-078378): 27 items in 52 rows.
PARTS = {3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg", 18: "abcdef", 20: "abc", 23: "ab", 27: "abc"}
TRIPOD = [part for n in range(1, 28) for part in (lettered(n, PARTS[n]) if n in PARTS else [str(n)])]


@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [("claim_2024", 44, CLAIM), ("stard_ai", 48, STARD), ("tripod_ai", 52, TRIPOD)],
)
def test_items_are_numbered_as_in_the_guideline(name, rows, expected):
    items = read_checklist(name).items
    assert [item.item for item in items] == expected and len(items) == rows
    size = {"claim_2024": "44 items", "stard_ai": "40 items in 48 rows", "tripod_ai": "27 items in 52 rows"}[name]
    assert read_checklist(name).size == size


@pytest.mark.parametrize("name", NAMES)
def test_each_item_can_be_answered_asked_or_does_not_apply(name):
    for item in read_checklist(name).items:
        assert item.answer or item.ask or item.none, item
        assert item.answer in {"", *ANSWERS} and 3 < len(item.topic) < 60, item
        assert not item.ask or item.ask.endswith("?"), item


def test_no_answer_is_without_an_item():
    used = {item.answer for name in NAMES for item in read_checklist(name).items}
    assert set(ANSWERS) <= used


@pytest.fixture(scope="module")
def filled(finished):
    facts = Facts(finished)
    return {name: fill(read_checklist(name), facts) for name in NAMES}


def test_a_run_answers_most_of_claim_with_its_own_values(filled):
    items = filled["claim_2024"]
    assert sum(item.status == ANSWERED and item.numbers > 0 for item in items) >= 25
    assert [item.item for item in items if item.status == NONE] == ["34"]
    assert {item.item for item in items if item.status == PERSON} >= {"3", "5", "41", "44"}


def test_each_number_of_an_answer_has_its_source(finished):
    constants = {"95", "8", "5", "0.1", "-1", "1"}  # the level of intervals, Holm's 5 %, the scale of the patches
    for name in NAMES:
        for item in read_checklist(name).items:
            facts = Facts(finished)
            (one,) = fill(read_checklist(name)._replace(items=(item,)), facts)
            if one.status == ANSWERED:
                assert one.numbers == len(facts.cited)
                cited = {number for c in facts.cited for number in numbers(c.number)}
                assert set(numbers(one.text)) - cited <= constants, (name, item.item, one.text)


def test_what_a_run_cannot_say_is_asked_of_a_person(tmp_path, finished):
    record = json.loads((finished / "run.json").read_text()) | {"synthetic": False}
    items = {item.item: item for item in fill(read_checklist("claim_2024"), Facts(finished, record))}
    assert items["14"].status == PERSON and items["14"].text.endswith("?")
    bare = Facts(tmp_path, record)  # a run without a single table
    statuses = {item.status for item in fill(read_checklist("stard_ai"), bare)}
    assert statuses == {ANSWERED, PERSON} and all(
        "?" in i.text for i in fill(read_checklist("tripod_ai"), bare) if i.status == PERSON
    )
    assert {i.item for i in fill(read_checklist("tripod_ai"), bare) if i.status == NONE} == {"12f", "16", "20c", "24"}


def test_the_page_links_to_what_the_report_has(finished, filled):
    facts = Facts(finished, {"data": "<b>mine</b>", "parameters": {}})
    page = checklists_page([(read_checklist(n), filled[n]) for n in NAMES], facts, {"table-recipes"})
    soup = BeautifulSoup(page, "html.parser")
    assert [len(table.tbody.find_all("tr")) for table in soup.find_all("table")] == [44, 48, 52]
    captions = [table.caption.get_text(" ", strip=True) for table in soup.find_all("table")]
    for name, caption in zip(NAMES, captions, strict=True):
        counts = dict(re.findall(r"(answered|for a person|not applicable): (\d+)", caption))
        assert f". {read_checklist(name).size}. " in caption
        assert sum(map(int, counts.values())) == len(filled[name]) and len(counts) == 3
    links = {a["href"] for a in soup.find_all("a")}
    assert links == {"report.html", "report.html#table-recipes"} and "<b>mine" not in page
