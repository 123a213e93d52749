"""Units, thousands and ± as papers print them, read as meant; what was not tried is said, with what would decide it."""

import pytest

from ovcf.audit import audit
from ovcf.audit.findings import CONTRADICTION, NOTE, UNDECIDED, UNLIKELY
from ovcf.audit.from_csv import TEMPLATE, read_csv
from ovcf.problems import InputError


@pytest.fixture
def audited(tmp_path):
    def of(text):
        path = tmp_path / "mine.csv"
        path.write_text(text, encoding="utf-8")
        return audit(read_csv(path), simulate=False)

    return of


def severities(result):
    return {finding.severity for finding in result.findings}


def test_the_template_is_an_honest_table(audited):
    assert audited(TEMPLATE).findings == []


@pytest.mark.parametrize("row", ["0.815,80.0,0.827,0.88", "81.5%,0.800,82.7,88.0", "0.8150,80.00,82.73,0.88"])
def test_a_fraction_among_percentages_is_read_as_one_and_noted(audited, row):
    result = audited(f"row,n,positive,negative,accuracy,sensitivity,specificity,auc\nA,200,90,110,{row}\n")
    assert [found.matrix for found in result.matrices] == [(72, 18, 91, 19)]
    assert severities(result) <= {NOTE}
    fractions = sum(float(cell.rstrip("%")) <= 1 for cell in row.split(",")[:3])
    assert sum(one.kind == "unit" for one in result.findings) in (fractions, fractions + 1)


def test_a_small_percentage_stays_one(audited):
    """2 of 200 is 1.0 %, and 1 of 200 is 0.5 %: no more digits than the others have."""
    text = "row,n,positive,negative,accuracy,fpr,fnr\nA,400,200,200,99.3,1.0,0.5\n"
    result = audited(text)
    assert result.findings == [] and result.matrices[0].matrix == (199, 1, 198, 2)


@pytest.mark.parametrize("row", ["0.9,1.02,0.8", "0.90,0.85,1.2", "1.5,0.99,0.7"])
def test_a_number_just_above_one_among_shares_is_called_out(audited, row):
    found = [one for one in audited(f"row,accuracy,sensitivity,specificity\nA,{row}\n").findings if one.kind == "unit"]
    assert [one.severity for one in found] == [UNLIKELY] and max(row.split(","), key=float) in found[0].message


@pytest.mark.parametrize("table", ["fpr,fnr\nA,0.5,1.5", "ppv,sensitivity\nA,0.8,80.1", "accuracy,ppv\nA,1.2,1.4",
                                   "sensitivity,dor,auc\nA,0.95,1.5,0.9"])  # fmt: skip
def test_what_may_well_be_a_small_percentage_is_not(audited, table):
    assert not any(one.kind == "unit" for one in audited(f"row,{table}\n").findings)


@pytest.mark.parametrize(("n", "count"), [("1.110", "1.000"), ("1,110", "1,000"), ("1110", "1000")])
def test_points_and_commas_part_thousands_of_counts(audited, n, count):
    text = f"row;n;positive;negative;accuracy;specificity\nA;{n};110;{count};95,5;96,0 (960/{count})\n"
    result = audited(text)
    assert result.matrices[0].matrix == (100, 10, 960, 40) and severities(result) <= {NOTE}


def test_a_count_in_words_is_refused_with_what_is_wanted(audited):
    with pytest.raises(InputError, match="digits, as 40"):
        audited("row,n,accuracy\nA,forty,82.5\n")


def test_a_bracket_behind_a_mean_is_its_spread(audited):
    head = "row,kind,over,positive,negative,accuracy,sensitivity,specificity\n"
    cells = "79.4 {0.9},78.3 {3.5},80.4 {1.6}"
    for shape in ("± %s", "(%s)", "(SD %s)", "+/- %s"):
        row = ",".join(part.split(" {")[0] + " " + shape % part.split("{")[1][:-1] for part in cells.split(","))
        assert audited(f"{head}All,mean,5,240,260,{row}\n").findings == []
    wrong = audited(f"{head}All,mean,5,240,260,94.4 (0.9),78.3 (3.5),80.4 (1.6)\n")
    assert severities(wrong) & {CONTRADICTION, UNLIKELY}


@pytest.mark.parametrize(
    ("over", "classes", "words"),
    [("", "240,260", "number of folds"), ("5", ",", "cases of each class"), ("5", "3,260", "fewer cases of a class")],
)
def test_means_whose_folds_cannot_be_searched_are_said_to_be_open(audited, over, classes, words):
    head = "row,kind,over,positive,negative,accuracy,sensitivity,specificity\n"
    found = audited(f"{head}All,mean,{over},{classes},79.4 ± 0.9,78.3 ± 3.5,80.4 ± 1.6\n").findings
    (one,) = [finding for finding in found if finding.kind == "no-folds"]
    assert one.severity == UNDECIDED and words in one.message and one.decides


@pytest.mark.parametrize(("cells", "severity"), [(("75", "80", "85"), NOTE), (("75.3", "80.1", "85.2"), UNLIKELY)])
def test_columns_equal_in_so_few_digits_that_it_can_be_chance_are_only_noted(audited, cells, severity):
    rows = "".join(f"R{i},{cell},{cell}\n" for i, cell in enumerate(cells))
    (one,) = [f for f in audited(f"row,sensitivity,specificity\n{rows}").findings if f.kind == "equal-columns"]
    assert one.severity == severity


def test_a_heading_nobody_knows_is_said_not_to_have_been_looked_at(audited):
    (finding,) = audited("row,accuracy,Dice (%),age\nA,81.5,90.1,70\n").findings
    assert finding.severity == UNDECIDED and finding.kind == "unknown-column"
    assert "headings 'Dice (%)', 'age': what stands beneath was not looked at" in finding.message


@pytest.mark.parametrize("head", ["Sens.", "Sens. (%)", "sensitivity:", "Sensitivity"])
def test_a_heading_with_a_full_stop_is_the_measure_it_shortens(audited, head):
    found = audited(f"row,accuracy,{head},specificity\nA,70.0,80.0,82.7\n").findings
    assert CONTRADICTION in {one.severity for one in found} and not any("unknown" in one.kind for one in found)
