"""Reading of printed numbers from YAML: every mistake is named with its line; the command's exit codes."""

import json

import pytest
from click.testing import CliRunner

from ovcf.audit import audit, read_paper
from ovcf.cli import main
from ovcf.problems import InputError

GOOD = """\
paper: {title: A study of ours}
classes: {positive: fresh, negative: old}
sets:
  test set: {n: 40, positive: 20, negative: 20, place: Methods}
tables:
  - name: Table 1
    cases: test set
    columns: [accuracy, sensitivity, specificity]
    rows:
      Reader 1: [77.5, 80.0, 75.0]
      Reader 2: [72.50, "-", 70]
      Average: {kind: mean, of: Reader *, values: [75.00 ± 3.54, null, 72.5]}
"""


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "mine.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def problems(write, text):
    with pytest.raises(InputError) as error:
        read_paper(write(text))
    return error.value.problems


def test_digits_are_kept_and_blanks_are_blanks(write):
    rows = read_paper(write(GOOD)).tables["Table 1"].rows
    assert rows["Reader 2"].cells["accuracy"].printed.digits == "72.50"
    assert "sensitivity" not in rows["Reader 2"].cells
    assert rows["Average"].cells["accuracy"].printed.sd_digits == "3.54"


def test_a_correct_paper_has_no_findings(write):
    result = audit(write(GOOD))
    assert result.findings == []
    assert result.matrices[0].matrix == (16, 4, 15, 5) and result.matrices[0].unique


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("[77.5, 80.0, 75.0]", "[77.5, 80.0]", 10, "as many values"),
        ("[77.5, 80.0, 75.0]", "[77.5, eighty, 75.0]", 10, "not a printed number"),
        ("cases: test set", "cases: other set", 7, "no such set"),
        ("kind: mean", "kind: median", 12, "none of the known"),
        ("of: Reader *", "of: Doctor *", 12, "no row fits"),
        ("n: 40", "n: forty", 4, "not a number"),
        ("  - name: Table 1", "  - nmae: Table 1", 6, "unknown name"),
        ("      Reader 2:", "      Reader 1:", 11, "occurs twice"),
        ("[accuracy, sensitivity, specificity]", "accuracy", 8, "not a list"),
        ("tables:", "tabels:", 6, "unknown name"),
    ],
)
def test_mistakes_are_named_with_their_line(write, old, new, line, words):
    found = problems(write, GOOD.replace(old, new, 1))
    assert any(one.row == line and words in str(one) for one in found), list(map(str, found))
    assert all(one.file == "mine.yaml" for one in found)


def test_all_mistakes_are_named_at_once(write):
    text = GOOD.replace("n: 40", "n: forty").replace("75.0]", "many]").replace("Reader *", "Nobody *")
    assert {one.row for one in problems(write, text)} >= {4, 10}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1, 2\nb: 3", "not YAML"),
        ("a: &x [1]\nb: *x", "aliases"),
        ("- 1\n- 2", "not a mapping"),
        ("", "not a mapping"),
        (b"\xff\xfe\x00", "UTF-8"),
        ("a: " + "[" * 60 + "]" * 60, "too deeply"),
        ("tables: []", "no tables"),
        ("a: !!python/object/apply:os.system [ls]", "unknown name"),
    ],
)
def test_what_is_not_a_table_at_all(write, text, words):
    assert any(words in str(one) for one in problems(write, text))


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_paper(tmp_path / "none.yaml")


def test_paths_that_name_nothing(write):
    text = GOOD + "tests:\n  - {p: Table 1 / p / accuracy, first: Table 2 / * / accuracy, second: Table 1 / x / y}\n"
    found = problems(write, text)
    assert {one.column for one in found} == {"p", "first", "second"} and {one.row for one in found} == {14}


def test_command_prints_findings_and_exits_0(write):
    path = write(GOOD.replace("77.5, 80.0, 75.0", "77.5, 81.0, 75.0"))
    done = CliRunner().invoke(main, ["audit", str(path)])
    assert done.exit_code == 0
    assert "[contradiction] Table 1, Reader 1" in done.output and "80.00 instead of 81.0" in done.output


def test_command_prints_json(write):
    done = CliRunner().invoke(main, ["audit", str(write(GOOD.replace("77.5, 80.0", "77.5, 81.0"))), "--json"])
    found = json.loads(done.output)
    assert set(found["findings"][0]) >= {"id", "severity", "place", "printed", "recomputed", "message", "kind", "rows"}
    assert {"table", "row", "tp", "fn", "tn", "fp", "reading", "unique"} <= set(found["matrices"][0])


def test_command_names_lines_and_exits_2(write):
    done = CliRunner().invoke(main, ["audit", str(write(GOOD.replace("77.5", "many")))])
    assert done.exit_code == 2 and "mine.yaml, row 10" in done.output
    assert CliRunner().invoke(main, ["audit", "none.yaml"]).exit_code == 2


def test_the_readme_example_works(write):
    from ovcf.audit.published import published_folder

    text = (published_folder() / "README.md").read_text()
    example = text.partition("```yaml\n")[2].partition("```")[0]
    assert audit(write(example)).title == "A study of ours"
