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
from ovcf.predict.cutting import FROM_CARD, FROM_SIZE, FROM_WIDTH, margins
from ovcf.predict.films import among

HOW = {"margin_mm": 5.0, "margin_px": 8}
SHARES = [0.05, 0.1, 0.15, 0.2, 0.25]


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


def test_the_margin_is_the_runs_where_the_pixel_is_known_and_training_s_share_of_the_width_where_not():
    box = (10, 10, 110, 60)  # 100 px wide
    assert margins(0.5, box, HOW, SHARES) == (10.0, FROM_SIZE, [])
    assert margins(math.nan, box, HOW, SHARES) == (15.0, FROM_WIDTH, [5.0, 10.0, 20.0, 25.0])
    assert margins(math.nan, box, HOW, []) == (8.0, FROM_CARD, [])


def test_training_s_margins_are_shares_of_its_boxes_width():
    patches = pd.DataFrame({"x0": 0.0, "x1": [50.0, 100.0, 200.0, np.nan], "mm_per_px": [0.5, 0.5, np.nan, 0.5]})
    patches.loc[3, "x0"] = np.nan  # a ready patch
    assert margins_of_width(patches, 5.0, 8.0)[2] == pytest.approx(0.1)  # of 10/50, 10/100 and 8/200
    assert margins_of_width(patches[3:], 5.0, 8.0) == []


def test_an_unknown_pixel_size_is_shown_as_a_range_around_the_number(film):
    unknown = predict.predict_case(film, (40, 50, 120, 110), "", model=FakeModel())
    low, high = unknown["margin_range"]
    assert low < unknown["p_fresh"] < high and f"{low:.3f} to {high:.3f}" in predict.describe(unknown)
    assert unknown["margin_px"] == pytest.approx(0.1 * 80)
    given = predict.predict_case(film, (40, 50, 120, 110), "", model=FakeModel(), mm_per_px=5 / 8)
    assert given["margin_range"] is None and given["margin_px"] == 8 and given["spacing_origin"] == "given by hand"
    assert given["p_fresh"] == unknown["p_fresh"]  # the same margin by either road


@pytest.mark.parametrize("p, crosses", [(0.2, False), (0.5, True), (0.8, False)])
def test_a_call_that_hangs_on_the_margin_says_so(p, crosses):
    from ovcf.predict.answer import CROSSES, margin_note

    assert (CROSSES in margin_note([p - 0.1, p + 0.1])) == crosses


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
