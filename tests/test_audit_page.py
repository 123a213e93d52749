"""A table as CSV in, one page out: both doors of `ovcf audit` that need no YAML."""

import base64
import hashlib
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from ovcf.audit.findings import KINDS, in_words
from ovcf.audit.from_csv import TEMPLATE, read_csv
from ovcf.cli import main
from ovcf.problems import InputError

ROOT = Path(__file__).parents[1]


@pytest.fixture
def write(tmp_path):
    def written(text, encoding="utf-8"):
        path = tmp_path / "mine.csv"
        path.write_text(text, encoding=encoding)
        return path

    return written


def test_the_template_can_be_audited(write):
    printed = CliRunner().invoke(main, ["audit", "--template"])
    assert printed.output == TEMPLATE
    done = CliRunner().invoke(main, ["audit", "--from-csv", str(write(printed.output))])
    assert done.exit_code == 0 and "[contradiction]" not in done.output and "Table 1, Model" in done.output


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_headings_as_papers_write_them(write, delimiter):
    heads = [
        "Reader",
        "n",
        "positive",
        "negative",
        "Accuracy (%)",
        "Sens.",
        "Specificity [%]",
        "F1-score",
        "AUROC",
        "LR+",
    ]
    cells = ["A", "40", "20", "20", "77.5", "80.0", "75.0", "78.0", "0.81", "3.2"]
    heads[5] = "Sens"
    paper = read_csv(write(delimiter.join(heads) + "\n" + delimiter.join(cells) + "\n", "utf-8-sig"))
    table = paper.tables["Table 1"]
    assert table.columns == ["accuracy", "sensitivity", "specificity", "f1", "auc", "lr_positive"]
    assert table.rows["A"].positives == 20 and table.unit_of("accuracy") == 100 and table.unit_of("auc") == 1


def test_every_mistake_is_named_with_its_line(write):
    with pytest.raises(InputError) as error:
        read_csv(write("row,accuracy,n\nA,eighty,40\nB,81.0,forty\n"))
    assert {problem.row for problem in error.value.problems} == {2, 3}
    with pytest.raises(InputError, match="as many cells as headings"):
        read_csv(write("row,accuracy\nA,80,3\n"))
    with pytest.raises(InputError, match="two headings"):
        read_csv(write("row,accuracy,acc\nA,80,81\n"))
    assert CliRunner().invoke(main, ["audit", "--from-csv", "none.csv"]).exit_code == 2


def page(write, tmp_path, text):
    out = tmp_path / "page.html"
    done = CliRunner().invoke(main, ["audit", "--from-csv", str(write(text)), "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out.read_text(encoding="utf-8")


def test_the_page_stands_alone_and_keeps_its_policy(write, tmp_path):
    html = page(write, tmp_path, "row,accuracy,sensitivity,specificity\n<img src=x onerror=y>,95.0,90.0,93.0\n")
    assert not re.search(r"(src|href)=\"(?!#)|<script|style=|\son\w+=\"|url\(|@import", html)
    assert "<img" not in html and "&lt;img src=x" in html
    style = re.search(r"<style>(.*?)</style>", html, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src &#39;sha256-{digest}&#39;" in html and "default-src &#39;none&#39;" in html


def test_the_page_sorts_by_what_can_be(write, tmp_path):
    html = page(write, tmp_path, "row,accuracy,sensitivity,specificity\nA,95.0,90.0,93.0\nB,91.0,90.0,93.0\n")
    cannot, undecided = (html.partition(f'<section id="s{j}"')[2].partition("</section>")[0] for j in (0, 2))
    assert "What cannot be" in cannot and "accuracy" in cannot and "90.00 to 93" in cannot.replace("89.95", "90.00")
    assert "Would decide it" in undecided and "the number of cases" in undecided


def test_a_page_into_no_folder_is_refused(write, tmp_path):
    done = CliRunner().invoke(
        main, ["audit", "--from-csv", str(write(TEMPLATE)), "--out", str(tmp_path / "no" / "p.html")]
    )
    assert done.exit_code == 2 and "no such folder" in done.output


def test_every_kind_of_finding_reads_as_words():
    """None is an identifier: a letter of mathematics or an abbreviation is said with what it is of."""
    sources = (path.read_text() for path in (ROOT / "ovcf" / "audit").glob("*.py"))
    kinds = {kind for text in sources for kind in re.findall(r'\.(?:find|undecided)\(\s*"([^"]+)"', text)}
    assert len(kinds) > 40 and set(KINDS) <= kinds
    assert {kind for kind in kinds - set(KINDS) if re.search(r"\d|\b[a-z]\b|_", kind)} == set()
    assert in_words("printed-twice-12") == "printed twice 12" and in_words("claim-best-1") == "claim: best 1"
