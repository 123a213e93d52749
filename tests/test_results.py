"""The page of the benchmarks is what its rows say; ratios and limits are reckoned rightly; a part may be missing."""

import json
from pathlib import Path

import pytest
import results_page
from turns import beside, in_turns, lacking

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def part(*rows, **more):
    """A part of results.json."""
    told = {"command": "part.py", "machine": "two cores", "date": "2026-11-27", "seconds": 3, "quick": False}
    return told | {"rows": list(rows)} | more


def test_the_page_that_stands_is_made_of_the_rows_that_stand():
    rows = json.loads((BENCHMARKS / "results.json").read_text(encoding="utf-8"))
    assert (BENCHMARKS / "RESULTS.md").read_text(encoding="utf-8") == results_page.page(rows)


@pytest.mark.parametrize(("theirs", "limit", "kept"), [(3.0, 1.5, "yes"), (2.999, 1.5, "**no**"), (3.0, None, "")])
def test_a_ratio_is_theirs_by_ours_and_held_against_its_limit(theirs, limit, kept):
    row = beside("one image", 2.0, "fastai", theirs, **({"at_least": limit} if limit else {}))
    assert results_page.ratio(row) == theirs / 2.0
    head, _, line = results_page.peer_table([row])
    cells = dict(zip(*([cell.strip() for cell in each.strip("|").split("|")] for each in (head, line)), strict=True))
    assert cells["times as fast"] == f"**{theirs / 2:.3g}**"
    assert cells.get("kept", "") == kept
    assert (cells["ours"], cells["beside"]) == ("2 s", "fastai")


def test_each_job_counts_with_its_least_round_after_the_first():
    times = {"a": iter([1.0, 7.0, 5.0]), "b": iter([9.0, 3.0, 4.0])}
    order = []

    def job(name):
        order.append(name)
        return next(times[name])

    least = in_turns({name: lambda name=name: job(name) for name in times}, rounds=2)
    assert least == {"a": 5.0, "b": 3.0}  # 1.0 was the round that warms up
    assert order == ["a", "b", "b", "a", "a", "b"]


def test_what_is_not_installed_or_failed_is_said_in_words():
    said = results_page.page({"statistics": part(lacking("a test", "MLstatkit"), failed="exit status 1, Error: why")})
    assert "Not measured: a test; MLstatkit is not installed" in said and "Not whole: exit status 1, Error: why" in said
    assert "| " not in said


@pytest.mark.parametrize(
    ("exponent", "peak", "kept"), [(1.1, 3999, "yes"), (1.11, 100, "**no**"), (1.0, 4000, "**no**"), (None, 10, "yes")]
)
def test_a_stage_is_held_against_both_limits(exponent, peak, kept):
    rows = [{"stage": "crop", "patches": n, "seconds": n / 720, "peak_mb": peak} for n in (720, 7200)]
    line = results_page.scaling_table([*rows, {"stage": "crop", "exponent": exponent}])[2]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[2:4] == [kept, "crop"] and cells[4:] == [f"1 s, {peak:,} MB", f"10 s, {peak:,} MB"]


@pytest.mark.parametrize(
    ("what", "times", "identical", "kept"),
    [
        ("two workers", 1.7, True, "yes"),
        ("two workers", 1.69, True, "**no**"),
        ("two workers", 1.9, False, "**no**"),
        ("two workers, one killed in a job", 0.9, True, "yes"),
        ("one worker", 1.0, True, "yes"),
    ],
)
def test_two_workers_are_held_against_speed_and_bits(what, times, identical, kept):
    row = {"what": what, "seconds": 2.0, "ratio": times, "identical": identical}
    assert f"| {kept} | {what} |" in results_page.cluster_table([row])[2]


def test_the_figure_has_a_dot_at_each_ratio_and_a_bar_at_each_limit(tmp_path):
    from matplotlib import pyplot as plt

    _, ax = plt.subplots()
    rows = [("training", beside("a", 1.0, "b", 4.0, at_least=2.0)), ("statistics", beside("c", 2.0, "d", 1.0))]
    results_page.draw_ratios(ax, rows)
    marks = {line.get_marker(): [] for line in ax.lines}
    for line in ax.lines:
        marks[line.get_marker()].append(line.get_xdata()[0])
    assert marks["o"] == [4.0, 0.5] and marks["|"] == [2.0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["Training", "a : b", "Statistics", "c : d"]


@pytest.mark.parametrize(("seconds", "kept"), [(900, "yes"), (900.1, "**no**")])
def test_all_networks_of_the_laptop_are_held_against_their_limit(seconds, kept):
    rows = [{"what": "AlexNet", "seconds": 20.0}, {"what": "all of them", "seconds": seconds, "at_most": 900}]
    one, whole = results_page.laptop_table(rows)[2:]
    assert one == "| AlexNet | 20 s |  |  |" and whole.endswith(f"| 900 s | {kept} |")
