"""A mark: box, corners and what follows from them, words, and the count along the spine."""

import pytest

from ovcf.annotation.marks import Mark, corner_heights, count_problems, mark_values, read_mark, upright

BOX = {"x0": 10, "y0": 20, "x1": 40, "y1": 50}
CORNERS = (12.0, 22.0, 48.0, 20.0, 50.0, 60.0, 10.0, 52.0)  # upper front, upper back, lower back, lower front


def mark(level, top, label="old"):
    return read_mark({"x0": 10, "y0": top, "x1": 40, "y1": top + 30, "level": level, "label": label})


def test_a_mark_comes_back_from_the_values_of_its_event():
    given = BOX | {
        "level": "T12",
        "label": "fresh",
        "t1": "low",
        "stir": "high",
        "percussion": "yes",
        "comment": "a\nb",
    }
    one = read_mark(given)
    assert one.comment == "a b" and one.box == (10, 20, 40, 50) and one.study_label == "fresh"
    assert read_mark(mark_values(one)) == one


def test_a_box_is_cut_at_the_border_and_its_corners_may_come_in_any_order():
    assert read_mark({"x0": 40, "y0": 50, "x1": -3, "y1": 20}, 30, 100).box == (0, 20, 30, 50)


@pytest.mark.parametrize(
    "values, words",
    [
        ({"x0": 10, "y0": 20, "x1": 10.5, "y1": 50}, "an area"),
        ({"x0": 300, "y0": 20, "x1": 350, "y1": 50}, "an area"),
        (BOX | {"x0": None}, "no row of numbers"),
        (BOX | {"x0": "nan"}, "no row of numbers"),
        (BOX | {"level": "T4"}, "level is 'T4'"),
        (BOX | {"label": "new"}, "label is 'new'"),
        (BOX | {"stir": "bright"}, "stir is 'bright'"),
        (BOX | {"corners": CORNERS[:6]}, "four corners"),
    ],
)
def test_what_is_no_mark_is_refused_in_words(values, words):
    with pytest.raises(ValueError, match=words):
        read_mark(values, 100, 100)


def test_box_and_heights_follow_from_four_corners():
    one = read_mark({"corners": CORNERS})
    assert one.box == (10, 20, 50, 60)
    heights = corner_heights(one.corners)
    # by hand: front (12,22)-(10,52), middles (30,21)-(30,56), back (48,20)-(50,60)
    assert heights.middle == pytest.approx(35.0)
    assert heights.anterior == pytest.approx(30.0666, abs=1e-3) and heights.posterior == pytest.approx(
        40.0500, abs=1e-3
    )
    assert corner_heights(()) is None


@pytest.mark.parametrize("order", [(0, 2, 1, 3), (2, 3, 0, 1), (0, 1, 1, 3)])
def test_corners_that_do_not_go_around_the_body_from_its_upper_front_are_refused(order):
    with pytest.raises(ValueError):
        upright([value for i in order for value in CORNERS[2 * i : 2 * i + 2]])


def test_a_film_that_faces_the_other_way_has_its_corners_the_other_way_around():
    mirrored = [100 - v if i % 2 == 0 else v for i, v in enumerate(CORNERS)]
    assert upright(mirrored) == (50, 20, 90, 60)
    assert corner_heights(mirrored) == pytest.approx(corner_heights(CORNERS))


def test_a_normal_segment_is_a_case_only_where_it_is_taken_on_purpose():
    normal = read_mark(BOX | {"label": "normal"})
    assert normal.study_label == "" and normal._replace(on_purpose=True).study_label == "old"
    assert not read_mark(BOX | {"label": "fresh", "on_purpose": True}).on_purpose
    assert Mark(*normal.box, label="cannot say").study_label == ""


def test_levels_that_do_not_follow_the_count_along_the_spine_are_named():
    assert count_problems([mark(level, top) for level, top in (("T11", 0), ("T12", 40), ("L1", 81), ("L2", 124))]) == []
    assert count_problems([mark("T12", 0), mark("T12", 40)]) == ["T12 stands twice"]
    assert count_problems([mark("L1", 0), mark("T12", 40)]) == ["T12 lies below L1"]
    jumped = [mark(level, top) for level, top in (("T11", 0), ("T12", 40), ("L2", 80))]
    assert count_problems(jumped) == ["T12 to L2 is 2 levels over the distance of 1.0"]
    skipped = [mark(level, top) for level, top in (("T11", 0), ("T12", 40), ("L1", 120))]
    assert len(count_problems(skipped)) == 1 and "seems to be missing" in count_problems(skipped)[0]
