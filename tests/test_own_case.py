"""Own case without a page: uploads in pieces, boxes, and the same number as `ovcf predict`."""

import json
import shlex

import numpy as np
import pytest
from click.testing import CliRunner
from clinician_fakes import FakeModel
from PIL import Image

from ovcf.files import digest
from ovcf.problems import InputError
from ovcf.viz.own_case import OwnCase, reduced


@pytest.fixture
def film(tmp_path, rng):
    path = tmp_path / "film.png"
    Image.fromarray(rng.integers(0, 65535, (300, 200), dtype=np.uint16)).save(path)
    return path


@pytest.fixture
def case(tmp_path, monkeypatch):
    from ovcf.viz import own_case

    monkeypatch.setattr(own_case, "draw_map", lambda *a: (b"\x89PNG", "a map"))
    return OwnCase(tmp_path, model=FakeModel)


def upload(case, path, piece=1000):
    data = path.read_bytes()
    number = case.ask("upload", name=path.name, size=len(data))[0]["upload"]
    for at in range(0, len(data), piece):
        case.ask("piece", [memoryview(data[at : at + piece])], upload=number, at=at)
    return case.ask("uploaded", upload=number)


def test_an_upload_in_pieces_is_the_film(case, film):
    answer, (grey,) = upload(case, film)
    assert (answer["film_width"], answer["film_height"], answer["scale"]) == (200, 300, 1.0)
    sent = np.frombuffer(grey, "<u2").reshape(300, 200)
    # the film is read as greys in [0, 1], so the last bits may differ
    np.testing.assert_allclose(sent.astype(int), np.asarray(Image.open(film)).astype(int), atol=3)
    json.dumps(answer)


def test_page_upload_and_command_line_give_the_same_number(case, film, monkeypatch):
    from ovcf import cli, predict

    box = (20.5, 30, 90, 110.2)
    upload(case, film)
    uploaded = case.ask("predict", boxes=[box])[0]["answers"][0]
    case.ask("path", path=str(film))
    opened = case.ask("predict", boxes=[box])[0]["answers"][0]
    monkeypatch.setattr(predict, "load_model", lambda run: FakeModel())
    said = CliRunner().invoke(cli.main, ["predict", str(film), "--box", "20.5,30,90,110.2", "--json"])
    assert uploaded["p_fresh"] == opened["p_fresh"] == json.loads(said.output)["p_fresh"]
    assert "--box 20.5,30,90,110.2" in opened["command"] and str(film) in opened["command"]
    assert "Research use only" in opened["research"] and "were fresh" in opened["calibration"]


@pytest.mark.parametrize("how", [{}, {"mm_per_px": 0.31}, {"flip": True}, {"mm_per_px": 0.2, "flip": True}])
def test_the_command_the_page_prints_gives_the_pages_answers(case, film, monkeypatch, how):
    from ovcf import cli, predict

    monkeypatch.setattr(predict, "load_model", lambda run: FakeModel())
    case.ask("path", path=str(film))
    boxes = [(20.5, 30, 90, 110.2), (100, 40, 190, 120)]
    said = case.ask("predict", boxes=boxes, **how)[0]["answers"]
    typed = CliRunner().invoke(cli.main, [*shlex.split(said[0]["command"])[1:], "--json"])
    assert typed.exit_code == 0, typed.output
    for page, command in zip(said, json.loads(typed.output), strict=True):
        shared = [name for name in command if name != "film"]
        assert {name: page[name] for name in shared} == {name: command[name] for name in shared}
    known = "mm_per_px" in how
    assert (said[0]["margin_range"] is None) == known and ("is unknown" in said[0]["margin_note"]) != known


def test_one_answer_is_saved_with_film_box_map_model_and_caution(case, film, tmp_path, monkeypatch):
    from ovcf.viz import sheet

    monkeypatch.setattr(sheet, "draw_map", lambda *a: (b"\x89PNG", "a map"))
    with pytest.raises(ValueError, match="ask the model first"):
        case.ask("sheet", number=0)
    case.ask("path", path=str(film))
    case.ask("predict", boxes=[(20, 30, 90, 110), (100, 40, 190, 120)])
    page = case.ask("sheet", number=1)[0]
    html = page["html"]
    assert page["name"] == "ovcf-answer-film-2.html"
    for part in ("film.png", "d" * 64, "Research use only", "Only fresh or old", 'x="100.0" y="40.0"', "a map",
                 "Trained on films of real patients", digest(film)):  # fmt: skip
        assert part in html, part
    assert html.count("data:image/") == 4 and "<script" not in html and "http" not in html.replace("http-equiv", "")


def test_what_the_model_was_trained_on_is_said_before_anything_is_asked(case, tmp_path):
    assert "no final model" in case.ask("hello")[0]["problem"]
    (tmp_path / "model").mkdir()
    card = FakeModel.card | {"network": "alexnet", "synthetic": True}
    (tmp_path / "model" / "card.json").write_text(json.dumps(card))
    said = case.ask("hello")[0]
    assert said["synthetic"] and "50 vertebrae of 20 patients (25 fresh, 25 old)" in said["trained_on"]


@pytest.mark.parametrize("box", [(0, 0, 201, 50), (-1, 0, 50, 50), (50, 50, 50, 90), (9, 9, 5, 5), (float("nan"),) * 4])
def test_a_box_outside_the_film_or_without_area_is_refused(case, film, box):
    case.ask("path", path=str(film))
    with pytest.raises(InputError, match="200"):
        case.ask("predict", boxes=[box])


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "", "1,2,3,4,5"])
def test_what_is_no_box_ends_the_command_with_2(film, text):
    from ovcf import cli

    said = CliRunner().invoke(cli.main, ["predict", str(film), "--box", text])
    assert said.exit_code == 2 and "x0,y0,x1,y1" in said.output


def test_a_run_without_a_model_is_said(film, tmp_path):
    from ovcf import cli

    said = CliRunner().invoke(cli.main, ["predict", str(film), "--box", "1,2,30,40", "--run", str(tmp_path)])
    assert said.exit_code == 2 and "no final model" in said.output


def test_uploads_stay_in_their_folder_whatever_they_are_called(case, film):
    evil = "../../../../tmp/evil/../x.png\0"
    case.ask("upload", name=evil, size=10)
    path = case._uploads["0"][0]
    assert path.parent.name.startswith("ovcf-scratch-case-") and path.name.startswith("film0")
    with pytest.raises(ValueError, match="outside"):
        case.ask("piece", [memoryview(b"x" * 11)], upload="0", at=0)
    with pytest.raises(ValueError, match="not complete"):
        case.ask("uploaded", upload="0")
    with pytest.raises(ValueError, match="at most"):
        case.ask("upload", name="huge", size=10**12)


def test_a_large_film_is_thinned_in_whole_steps():
    pixels, scale = reduced(np.zeros((5000, 3000), np.float32))
    assert scale == 3 and pixels.shape == (1667, 1000) and pixels.dtype == np.uint16


@pytest.mark.parametrize("grey, words", [(65535, "too bright: mean grey 0.9"), (0, "too dark"), (None, "blank")])
def test_a_box_that_shows_nothing_is_not_scored_without_a_word(tmp_path, rng, grey, words):
    from ovcf import predict

    greys = rng.integers(0, 65535, (300, 200), dtype=np.uint16)
    greys[20:120, 20:100] = 30_000 if grey is None else np.where(rng.random((100, 80)) < 0.9, grey, 30_000)
    Image.fromarray(greys).save(tmp_path / "film.png")
    answer = predict.predict_case(tmp_path / "film.png", (20, 20, 100, 120), tmp_path, model=FakeModel())
    assert words in answer["warning"] and answer["warning"] in predict.describe(answer)
    shown = predict.predict_case(tmp_path / "film.png", (100, 120, 190, 290), tmp_path, model=FakeModel())
    assert "should not be trusted" not in shown["warning"]
