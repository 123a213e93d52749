"""The plan and its designs: who is asked what, fixed once made, balanced, and named when damaged."""

import json
from collections import Counter
from itertools import pairwise

import pytest
from reading_parts import some_patches

from ovcf.problems import InputError
from ovcf.reading.designs import balanced_latin_square, check_arms, sessions_of
from ovcf.reading.plan import case_order, draw_cases, make_plan, read_plan
from ovcf.words import ARMS

ALL_ARMS = ("unaided", "aided", "unaided-film", "aided-film")


@pytest.fixture
def patches():
    return some_patches()


def test_cases_keep_the_proportion_and_spread_over_patients(patches):
    drawn = draw_cases(patches, cases=12, seed=1)
    rows = patches.set_index("patch_id").loc[drawn]
    assert (rows["label"] == "fresh").sum() == 4 and rows["patient_id"].is_unique
    assert drawn == draw_cases(patches, cases=12, seed=1) != draw_cases(patches, cases=12, seed=2)


def test_too_many_cases_are_refused(patches):
    with pytest.raises(InputError, match="61 cases"):
        draw_cases(patches, cases=61)


def test_a_small_cohort_is_read_whole_by_default(patches, tmp_path):
    assert len(make_plan(patches.head(25), tmp_path).cases) == 25


def test_order_is_the_readers_own_and_repeats(patches, tmp_path):
    mine = case_order(12, "Anna", "unaided", 0)
    assert sorted(mine) == list(range(12))
    assert mine == case_order(12, " anna ", "unaided", 0)
    assert mine not in (case_order(12, "Ben", "unaided", 0), case_order(12, "Anna", "aided", 0))
    plan = make_plan(patches, tmp_path, cases=12, same_order=True)
    assert plan.steps("Anna", 0, 1) == plan.steps("Ben", 1, 1)


def test_a_plan_is_fixed_and_all_differences_are_named(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=12, training=2, seed=5, washout_days=1.0)
    assert make_plan(patches, tmp_path) == plan == read_plan(patches, tmp_path)
    with pytest.raises(InputError) as error:
        make_plan(patches, tmp_path, cases=10, seed=6, arms=("unaided",))
    assert [p.column for p in error.value.problems] == ["cases", "seed", "arms"]


def test_training_cases_are_of_other_patients(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=12, training=4, arms=("unaided-film",))
    patient = patches.set_index("patch_id")["patient_id"]
    assert not set(patient[list(plan.training)]) & set(patient[list(plan.cases)])
    assert {step.session for step in plan.steps("Anna", 0, 0)} == {"training-film"}


@pytest.mark.parametrize("k", range(1, 8))
def test_the_square_puts_each_treatment_in_each_place_and_after_each_other_equally_often(k):
    square = balanced_latin_square(k)
    assert len(square) == (k if k % 2 == 0 or k == 1 else 2 * k)
    for place in zip(*square, strict=True):
        assert set(Counter(place).values()) == {len(square) // k} and set(place) == set(range(k))
    follows = Counter(pair for row in square for pair in pairwise(row))
    assert len(follows) == k * (k - 1) and len(set(follows.values())) <= 1


@pytest.mark.parametrize("arms", [ALL_ARMS[:1], ALL_ARMS[:2], ALL_ARMS[:3], ALL_ARMS, ("both", "both-film")])
def test_a_crossover_is_balanced_over_readers_cases_periods_and_classes(patches, tmp_path, arms):
    """Readers x cases of whole squares: every cell of the design equally often, and each question asked once."""
    rows = len(balanced_latin_square(len(arms)))
    plan = make_plan(patches, tmp_path, cases=36, arms=arms, design="crossover")
    cells, of_class = Counter(), Counter()
    for rank in range(rows):
        asked = Counter()
        for period in range(1, plan.periods + 1):
            for step in plan.steps(f"R{rank}", rank, period):
                asked[step.patch_id, step.session] += 1
                cells[period, step.patch_id, step.session] += 1
                of_class[rank, period, step.session, plan.truth[step.patch_id][1]] += 1
        assert set(asked.values()) == {1} and len(asked) == plan.questions
    assert len(set(cells.values())) == 1  # over the readers, each case has each session in each period equally often
    assert len(cells) == plan.periods * plan.questions
    for truth, of in ((1, 12), (0, 24)):  # within a reader's period, each class is dealt evenly
        share = [n for key, n in of_class.items() if key[3] == truth]
        assert max(share) - min(share) <= 1 and sum(share) == of * len(plan.sessions) * rows


def test_both_asks_without_the_model_and_at_once_with_it(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=4, arms=("both",))
    steps = plan.steps("Anna", 0, 1)
    assert [s.session for s in steps] == ["unaided", "aided"] * 4
    assert [s.order for s in steps] == [1, 1, 2, 2, 3, 3, 4, 4]


def test_arms_that_ask_twice_or_are_unknown_are_refused():
    assert not [arm for arm in ARMS if check_arms((arm,))]
    assert "would ask each case unaided" in str(check_arms(("unaided", "both"))[0])
    assert "unknown arm" in str(check_arms(("unaided", "blind"))[0]) and check_arms(())
    assert sessions_of("both-film") == ("unaided-film", "aided-film")


def test_values_that_cannot_be_are_refused_all_at_once_and_nothing_is_written(patches, tmp_path):
    with pytest.raises(InputError) as error:
        make_plan(patches, tmp_path, seed=-1, washout_days=-2.0, scale="1-7", design="parallel", arms=("x",))
    assert len(error.value.problems) == 5 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text[: len(text) // 2], "cannot be read"),
        (lambda text: text.replace('"seed": 0,', '"seed": 0,,'), "cannot be read"),
        (lambda text: "[]", "no JSON object"),
        (lambda text: text.replace('"seed": 0', '"seed": "0"'), "seed cannot be used"),
        (lambda text: text.replace('"seed": 0', '"seed": 1'), "changed after it was made"),
        (lambda text: text.replace('"cases": [', '"cases": ["p59", "p59",'), "names a patch twice"),
        (lambda text: text.replace('"cases"', '"kases"'), "is no list of patches"),
        (lambda text: "\x00" * len(text), "cannot be read"),
    ],
)
def test_a_damaged_plan_is_named_with_its_file_and_never_read_on(patches, tmp_path, damage, said):
    make_plan(patches, tmp_path, cases=12)
    path = tmp_path / "plan.json"
    path.write_text(damage(path.read_text()))
    before = path.read_bytes()
    with pytest.raises(InputError, match=said) as error:
        make_plan(patches, tmp_path)
    assert all(problem.file == str(path) for problem in error.value.problems) and path.read_bytes() == before


def test_a_plan_of_another_cohort_is_refused(patches, tmp_path):
    make_plan(patches, tmp_path, cases=12)
    with pytest.raises(InputError, match="another run's"):
        make_plan(patches.assign(patch_id="q" + patches["patch_id"]), tmp_path)


def test_a_plan_of_an_earlier_version_goes_on(patches, tmp_path):
    new = make_plan(patches, tmp_path, cases=12)
    stored = json.loads((tmp_path / "plan.json").read_text())
    old = {name: stored[name] for name in ("made", "seed", "washout_days", "cases", "training")}
    (tmp_path / "plan.json").write_text(json.dumps(old))
    assert make_plan(patches, tmp_path) == new
