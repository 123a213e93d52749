"""One vertebra asked about: the margin without a pixel size, films the model knows nothing of, several boxes."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from clinician_fakes import FakeModel
from PIL import Image

from ovcf import cli, predict
from ovcf.cohort.crop import margins_of_width
from ovcf.cohort.films import Film
from ovcf.cohort.sizes import sizes_of
from ovcf.predict.answer import over_margins
from ovcf.predict.cutting import FROM_CARD, FROM_SIZE, FROM_SIZES, FROM_WIDTH, margins
from ovcf.predict.films import among
from ovcf.predict.spacing import likely_sizes

HOW = {"margin_mm": 5.0, "margin_px": 8}
SHARES = [0.05, 0.1, 0.15, 0.2, 0.25]
SIZES = {"pixels_mm": [[0.38, 0.2], [0.4, 0.5], [0.45, 0.3]], "width_mm": [40.0, 0.1], "height_mm": [320.0, 0.05]}


class Synthetic(FakeModel):
    """A model of films that software drew."""

    card = FakeModel.card | {"synthetic": True}


class Edges(FakeModel):
    """A model that looks at the left edge, so that turning matters."""

    def predict(self, images):
        return super().predict(images[:, :, :4])


@pytest.fixture
def film(tmp_path, rng):
    """A film without a size of its pixels."""
    greys = np.linspace(5_000, 60_000, 200)[None] + rng.integers(0, 3_000, (300, 200))
    Image.fromarray(greys.astype(np.uint16)).save(tmp_path / "film.png")
    return tmp_path / "film.png"


def film_of(mm_per_px=math.nan, height=800):
    return Film(np.zeros((height, 300), np.float32), mm_per_px, "unknown", ())


def test_the_margin_is_the_runs_where_the_pixel_is_known_and_of_training_where_not():
    box, card = (10, 10, 110, 60), {"preprocessing": HOW, "margins_of_width": SHARES, "sizes": SIZES}
    assert margins(film_of(0.5), box, card) == ([10.0], [1.0], FROM_SIZE, [])
    fits = margins(film_of(), box, card)  # 100 px wide on a film of 800 px: 40 mm and 320 mm at 0.4 mm
    assert fits.origin == FROM_SIZES and fits.px[0] == 12.5 and fits.px[-5:] == [5, 10, 15, 20, 25]
    assert sum(fits.weights) == pytest.approx(1) and fits.weights[-5:] == [0] * 5
    strange = margins(film_of(), (10, 10, 30, 22), card)  # no film of training's showed a body of 20 px
    assert strange == ([3, 1, 2, 4, 5], [0.2] * 5, FROM_WIDTH, [])
    assert margins(film_of(), box, {"preprocessing": HOW}) == ([8.0], [1.0], FROM_CARD, [])


def test_the_size_of_a_pixel_follows_bayes_rule_and_a_cut_film_says_nothing_of_it():
    both = dict(likely_sizes(SIZES, 100, 800))
    off = {
        mm: (math.log(mm * 100 / 40) / 0.1) ** 2 + (math.log(mm * 800 / 320) / 0.05) ** 2
        for mm, _ in SIZES["pixels_mm"]
    }
    slow = {mm: share * math.exp(-off[mm] / 2) for mm, share in SIZES["pixels_mm"]}
    assert both == pytest.approx({mm: weight / sum(slow.values()) for mm, weight in slow.items()})
    cut = likely_sizes(SIZES, 100, 200)  # the same film, cut to a quarter of its height
    assert dict(cut) != both and cut[0][0] == 0.4 and cut == likely_sizes(SIZES, 100, 150)
    assert likely_sizes(SIZES, 20, 800) == [] and likely_sizes({}, 100, 800) == []
    assert likely_sizes(SIZES | {"pixels_mm": []}, 100, 800) == []  # films of every size


def test_the_likely_sizes_are_found_for_most_films_of_a_drawn_cohort(rng):
    """Films of three detectors: the weights are those shares of the cases in which a size is the true one."""
    mm = rng.choice([0.14, 0.175, 0.2], 3000)
    width, height = 38 * np.exp(rng.normal(0, 0.08, 3000)) / mm, 350 * np.exp(rng.normal(0, 0.05, 3000)) / mm
    patches = pd.DataFrame({"x0": 0.0, "x1": width, "mm_per_px": mm, "image_height": height, "image": range(3000)})
    found = [likely_sizes(sizes_of(patches), w, h)[:1] for w, h in zip(width, height, strict=True)]
    first = [(one[0][0] == true, one[0][1]) for one, true in zip(found, mm, strict=True) if one]
    right, said = np.mean(first, axis=0)
    assert right > 0.8 and abs(right - said) < 0.03 and len(first) > 2700


def test_what_a_cohort_says_of_its_sizes_and_when_it_says_nothing():
    n = 40
    patches = pd.DataFrame({"x0": 0.0, "x1": 95.0, "mm_per_px": [0.4] * 39 + [0.1], "image_height": 800})
    patches["image"] = [f"{i}.png" for i in range(n)]
    found = sizes_of(patches)
    assert found["pixels_mm"] == [[0.4, 39 / 40]]  # the one of 0.1 is no usual size
    assert found["width_mm"][0] == pytest.approx(38) and found["height_mm"][0] == pytest.approx(320)
    assert sizes_of(patches.drop(columns="image_height")) == {} == sizes_of(patches[:9])
    assert sizes_of(patches.assign(mm_per_px=[0.4] * 19 + [np.nan] * 21)) == {}  # most films do not say


def test_training_s_margins_are_shares_of_its_boxes_width():
    patches = pd.DataFrame({"x0": 0.0, "x1": [50.0, 100.0, 200.0, np.nan], "mm_per_px": [0.5, 0.5, np.nan, 0.5]})
    patches.loc[3, "x0"] = np.nan  # a ready patch
    assert margins_of_width(patches, 5.0, 8.0)[2] == pytest.approx(0.1)  # of 10/50, 10/100 and 8/200
    assert margins_of_width(patches[3:], 5.0, 8.0) == []


def test_an_unknown_pixel_size_is_shown_as_a_range_around_the_number(film):
    unknown = predict.predict_case(film, (40, 50, 120, 110), "", model=FakeModel())
    low, high = unknown["margin_range"]
    assert low < unknown["p_fresh"] < high and f"{low:.3f} to {high:.3f}" in predict.describe(unknown)
    assert unknown["margin_px"] == pytest.approx(0.1 * 80) and unknown["likely_mm_per_px"] == []
    given = predict.predict_case(film, (40, 50, 120, 110), "", model=FakeModel(), mm_per_px=5 / 8)
    assert given["margin_range"] is None and given["margin_px"] == 8 and given["spacing_origin"] == "given by hand"
    shares = [
        predict.predict_case(film, (40, 50, 120, 110), "", model=FakeModel(), mm_per_px=5 / (share * 80))["p_fresh"]
        for share in FakeModel.card["margins_of_width"]
    ]
    assert unknown["p_fresh"] == pytest.approx(np.mean(shares)) and [low, high] == [min(shares), max(shares)]


@pytest.mark.parametrize("p, crosses", [(0.2, False), (0.5, True), (0.8, False)])
def test_a_call_that_hangs_on_the_margin_says_so(p, crosses):
    from ovcf.predict.answer import CROSSES, margin_note

    assert (CROSSES in margin_note([p - 0.1, p + 0.1], (), 0.5)) == crosses


def test_over_margins_each_model_answers_by_itself(rng):
    members, weights = rng.random((6, 4)), [0.5, 0.25, 0.25, 0.0]
    (p, low, high), (least, most) = over_margins(members, weights)
    each = [sum(w * q for w, q in zip(weights, row, strict=True)) for row in members]
    assert (p, low, high) == pytest.approx((each[0], min(each), max(each)))
    assert (least, most) == (min(members[0]), max(members[0]))


def test_likely_sizes_are_said_with_the_number(film):
    model = FakeModel()
    model.card = FakeModel.card | {"sizes": SIZES}
    said = predict.predict_case(film, (40, 50, 140, 110), "", model=model)
    first, share = said["likely_mm_per_px"][0]
    assert f"{first:g} mm ({share:.0%})" in predict.describe(said) and said["mm_per_px"] is None
    given = [
        (share, predict.predict_case(film, (40, 50, 140, 110), "", model=model, mm_per_px=mm)["p_fresh"])
        for mm, share in said["likely_mm_per_px"]
    ]
    assert said["p_fresh"] == pytest.approx(sum(share * p for share, p in given))


def test_a_turned_patch_is_the_patch_of_the_turned_film(tmp_path, film):
    pixels = np.asarray(Image.open(film))
    Image.fromarray(pixels[:, ::-1].copy()).save(tmp_path / "turned.png")
    one = predict.predict_case(film, (40, 50, 120, 110), "", model=Edges(), flip=True)
    other = predict.predict_case(tmp_path / "turned.png", (80, 50, 160, 110), "", model=Edges())
    plain = predict.predict_case(film, (40, 50, 120, 110), "", model=Edges())
    assert one["p_fresh"] == pytest.approx(other["p_fresh"], abs=1e-12) and one["p_fresh"] != plain["p_fresh"]


def test_a_model_of_synthetic_films_scores_no_real_film_unasked(film, tmp_path, monkeypatch):
    monkeypatch.setattr(predict, "load_model", lambda run: Synthetic())
    call = ["predict", str(film), "--box", "40,50,120,110"]
    refused = CliRunner().invoke(cli.main, call)
    assert refused.exit_code == 2 and "--accept-synthetic-model" in refused.output and "P(fresh)" not in refused.output
    accepted = CliRunner().invoke(cli.main, [*call, "--accept-synthetic-model"])
    assert accepted.exit_code == 0 and "trained on synthetic films only" in accepted.output
    (tmp_path / "note.png").write_text("no film")
    no_film = CliRunner().invoke(cli.main, ["predict", str(tmp_path / "note.png"), *call[2:]])
    assert no_film.exit_code == 2 and "synthetic films" not in no_film.output  # that is not what is wrong with it
    (tmp_path / "cohort.json").write_text(json.dumps({"synthetic": True}))  # now it is one of a drawn cohort
    known = CliRunner().invoke(cli.main, call)
    assert known.exit_code == 0 and "trained on synthetic films only" not in known.output


def test_a_copy_of_the_runs_film_is_known_and_another_is_not(film, tmp_path):
    copy = tmp_path / "copy.png"
    copy.write_bytes(film.read_bytes())
    changed = tmp_path / "changed.png"
    changed.write_bytes(film.read_bytes()[:-1] + b"x")
    assert among(copy, [film, tmp_path / "gone.png"]) and not among(changed, [film]) and not among(copy, [])


def test_what_cannot_come_out_stands_beside_every_number(film):
    said = predict.describe(predict.predict_case(film, (40, 50, 120, 110), "", model=FakeModel()))
    assert "Only fresh or old can come out" in said and "Trained on films of real patients" in said


@pytest.mark.parametrize("mm", ["0", "-1", "nan", "11", "0.001"])
def test_a_size_no_pixel_has_ends_the_command_with_2(film, mm, monkeypatch):
    monkeypatch.setattr(predict, "load_model", lambda run: FakeModel())
    said = CliRunner().invoke(cli.main, ["predict", str(film), "--box", "40,50,120,110", "--mm-per-px", mm])
    assert said.exit_code == 2 and "0.01 to 10 mm" in said.output


def test_a_bad_box_among_several_is_named_and_nothing_is_scored(film, monkeypatch):
    monkeypatch.setattr(predict, "load_model", lambda run: FakeModel())
    said = CliRunner().invoke(cli.main, ["predict", str(film), "--box", "40,50,120,110", "--box", "1,1,900,9"])
    assert said.exit_code == 2 and "1,1,900,9" in said.output and "P(fresh)" not in said.output


def test_the_call_is_made_at_the_runs_threshold(film, monkeypatch):
    from ovcf.predict.answer import CROSSES, margin_note

    box, between = (40, 50, 120, 110), FakeModel()
    p = predict.predict_case(film, box, "", model=between)["p_fresh"]
    for threshold, called in ((p - 0.01, "fresh"), (p, "fresh"), (p + 0.01, "old")):
        between.called_from = threshold
        said = predict.predict_case(film, box, "", model=between)
        assert (said["called"], said["called_from"]) == (called, threshold)
        assert f"called {called} at {threshold:g} by" in predict.describe(said)
    assert CROSSES in margin_note([0.35, 0.45], (), 0.4) and CROSSES not in margin_note([0.45, 0.55], (), 0.4)
