"""The static gallery: what it holds, that it escapes, that its script is the one its hash allows."""

import base64
import hashlib
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from ovcf.predict.answer import sided
from ovcf.viz.gallery import SCRIPT, SCRIPT_SHA256, gallery_html, network_answers
from ovcf.viz.outcomes import browse_table

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class Page(HTMLParser):
    """Collects start tags with their attributes, as a browser would see them."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def all(self, tag):
        return [a for t, a in self.tags if t == tag]


@pytest.fixture
def cohort(rng):
    """Sixty patches with names that try to be markup."""
    n = 60
    patches = pd.DataFrame(
        {
            "patch_id": [f"p{i}{HOSTILE if i % 7 == 0 else ''}" for i in range(n)],
            "patient_id": [f"{i // 2}{HOSTILE}" for i in range(n)],
            "level": [("L1", "T12", "")[i % 3] for i in range(n)],
            "label": [("fresh", "old")[i % 2] for i in range(n)],
            "image": "x.png",
            "fold": 1,
        }
    )
    predictions = pd.DataFrame(
        {
            "network": np.repeat(["alexnet", "vgg16"], n),
            "patch_id": np.tile(patches["patch_id"], 2),
            "p_fresh": rng.uniform(size=2 * n),
        }
    )
    return browse_table(patches, predictions, threshold=0.4), rng.integers(0, 255, (n, 32, 32), dtype=np.uint8)


def test_hostile_names_stay_text(cohort):
    page = Page(gallery_html(*cohort))
    assert not page.all("script")
    assert all(set(a) == {"src", "alt"} and a["src"].startswith("data:image/jpeg") for a in page.all("img"))
    assert any(HOSTILE in a["alt"] for a in page.all("img"))  # whole, as text


def test_every_mistake_is_a_tile_with_outcome_level_and_networks(cohort):
    table, images = cohort
    tiles = Page(gallery_html(table, images, limit=160, right=4)).all("li")
    outcomes = [t["data-outcome"] for t in tiles]
    assert sum(o in ("FN", "FP") for o in outcomes) == table["outcome"].isin(["FN", "FP"]).sum()
    assert {t["data-level"] for t in tiles} == {"L1", "T12", "unknown"}
    assert all('"vgg16"' in t["data-networks"] for t in tiles)


def test_what_is_known_of_a_networks_weights_stands_in_every_tile(cohort):
    text = gallery_html(*cohort, names={"vgg16": "VGG16 (random weights)"})
    tiles = text.count("<li ")
    assert text.count("<dt>VGG16 (random weights)</dt>") == tiles > 0 and "<dt>VGG16</dt>" not in text
    assert text.count("<dt>AlexNet</dt>") == tiles and ">VGG16 (random weights)</option>" in text


def test_the_limit_keeps_the_fragment_small(cohort):
    text = gallery_html(*cohort, limit=10)
    assert len(Page(text).all("li")) == 10
    assert len(text) < 60_000


def test_filters_are_hidden_without_script(cohort):
    form = Page(gallery_html(*cohort)).all("form")[0]
    assert "hidden" in form


def test_the_hash_allows_this_script_and_no_other():
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert SCRIPT_SHA256 == f"sha256-{digest}"
    assert "</script" not in SCRIPT and "innerHTML" not in SCRIPT


def test_a_table_without_rows_is_still_a_page(cohort):
    table, images = cohort
    assert "0 tiles" in gallery_html(table.head(0), images)


def test_tiles_head_and_every_network_call_at_the_runs_threshold(cohort):
    table, images = cohort  # at 0.4
    p, fresh = table["p_fresh"], table["label"] == "fresh"
    wrong = int(((p >= 0.4) != fresh).sum())
    text = gallery_html(table, images)
    assert (
        f"{wrong} of 60 patches are misclassified by AlexNet at 0.4;" in text and wrong != ((p >= 0.5) != fresh).sum()
    )
    for row in table.to_dict("records"):
        for network, (outcome, printed) in network_answers(row).items():
            assert (outcome in ("TP", "FP")) == (row[f"p_fresh_{network}"] >= 0.4) == (float(printed) >= 0.4)


@pytest.mark.parametrize(
    ("p", "threshold", "printed"),
    [(0.498, 0.5, "0.498"), (0.4999, 0.5, "0.4999"), (0.5, 0.5, "0.50"), (0.47, 0.475, "0.47"), (0.2, 0.5, "0.20")],
)
def test_a_probability_is_printed_on_its_side_of_the_threshold(p, threshold, printed):
    assert sided(p, threshold) == printed
