"""The report's gallery in a real browser: filtered by the one allowed script, readable without any."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from clinician_fakes import THRESHOLD, FakeStudy  # noqa: E402

from ovcf import viz  # noqa: E402
from ovcf.viz.gallery import SCRIPT, SCRIPT_SHA256, gallery_html  # noqa: E402
from ovcf.viz.outcomes import browse_table  # noqa: E402
from ovcf.words import rounded  # noqa: E402


@pytest.fixture
def report(tmp_path):
    """A page as the report makes it: a policy, two galleries, the script allowed by its hash."""
    study = FakeStudy(tmp_path, hostile=True)
    fragment = gallery_html(
        browse_table(study.patches, study.predictions, "vgg16", threshold=THRESHOLD), study.images()
    )
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '{SCRIPT_SHA256}'"
    path = tmp_path / "report.html"
    path.write_text(
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>r</title><body>{fragment}<script>{SCRIPT}</script>",
        encoding="utf-8",
    )
    return path.as_uri()


def shown(page):
    return page.locator(".ovcf-gallery li:visible")


def test_filters_show_what_they_say(report, watch):
    page = watch().page
    page.goto(report)
    everything = shown(page).count()
    assert everything > 60
    page.get_by_label("Outcome").select_option("FN")
    assert 0 < shown(page).count() < everything
    assert {n.get_attribute("data-outcome") for n in shown(page).all()} == {"FN"}
    page.get_by_label("Level").select_option("T12")
    assert {n.get_attribute("data-level") for n in shown(page).all()} == {"T12"}
    page.get_by_label("Network").select_option("alexnet")
    assert {n.get_attribute("data-outcome") for n in shown(page).all()} == {"FN"}
    assert f"{shown(page).count()} of {everything}" in page.get_by_role("status").text_content()
    assert page.evaluate("window.hacked") is None


def test_without_script_everything_is_readable(report, watch):
    page = watch(java_script_enabled=False).page
    page.goto(report)
    assert shown(page).count() > 60
    assert not page.locator("form").is_visible()
    assert "VGG16" in shown(page).first.text_content()


def test_pages_write_a_number_as_the_package_does(watch, rng):
    common = (Path(viz.__file__).parent / "static" / "common.js").read_text(encoding="utf-8")
    source = common[common.index("function rounded(") :].partition("\n}\n")[0] + "\n}"
    halves = [k / 800 for k in range(801)] + [-k / 16 for k in range(40)]  # AUCs of 40 cases; exact in binary
    numbers = [*halves, *rng.normal(0, 30, 500).tolist(), 1e-9, -1e-9]
    for decimals in (1, 2, 3):
        written = watch().page.evaluate(
            f"(numbers) => {{ {source}; return numbers.map((n) => rounded(n, {decimals})) }}", numbers
        )
        assert written == [rounded(number, decimals) for number in numbers]
