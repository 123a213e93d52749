"""Readings: both shapes and both dialects of `.imrmc` are read, every wrong input is refused with its row."""

import numpy as np
import pandas as pd
import pytest

from ovcf.intake.imrmc import DIALECTS, read_imrmc, write_imrmc
from ovcf.intake.readings import check_cases, read_readings
from ovcf.problems import InputError
from ovcf.stats.readers.checks import check_readings
from ovcf.stats.readers.readings import answers, cross, has_answers, model_output, one_session

OWN = """reader,session,order,patch_id,patient_id,truth,answer,confidence,seconds,time,model_p_fresh
A,unaided,1,p1,q1,1,fresh,5,3.5,2000-01-01T09:00:00,
A,unaided,2,p2,q1,0,fresh,1,4.0,2000-01-01T09:00:10,
A,aided,1,p1,q1,1,fresh,2,2.0,2000-01-04T09:00:00,0.9
A,aided,2,p2,q1,0,old,4,2.0,2000-01-04T09:00:10,0.25
"""


def long_table(readers=("1", "2"), treatments=("1", "2"), cases=4):
    rows = [(r, t, str(c), c % 2, 1 + (c * 7 + len(r) + int(t)) % 5) for r in readers for t in treatments
            for c in range(cases)]  # fmt: skip
    return pd.DataFrame(rows, columns=["reader", "treatment", "case", "truth", "rating"])


# Reading --------------------------------------------------------------------------------------------------


def test_the_two_files_of_van_dyke_hold_the_same(shared):
    folder = shared / "reader_study"
    csv, imrmc = read_readings(folder / "VanDyke.csv"), read_readings(folder / "vandyke.imrmc")
    one, two = (check_readings(t).sort_values(["treatment", "reader", "case"]) for t in (csv, imrmc))
    assert len(one) == 5 * 2 * 114 and one["truth"].groupby(one["case"]).first().sum() == 45
    assert (one["rating"].to_numpy() == two["rating"].to_numpy()).all()
    assert imrmc.attrs["notes"] == []


def test_the_other_dialect(shared):
    study = cross(read_imrmc(shared / "reader_study" / "input.imrmc"))
    assert study.ratings.shape == (2, 5, 80) and study.truth.sum() == 40
    assert study.treatments == ["testA", "testB"] and not np.isnan(study.ratings).any()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_imrmc_there_and_back(tmp_path, dialect):
    table = long_table().assign(rating=lambda t: t["rating"] + 0.1)
    back = read_readings(write_imrmc(table, tmp_path / "study.imrmc", dialect=dialect))
    pd.testing.assert_frame_equal(back, check_readings(table))
    assert back.attrs["notes"] == [] and [p.name for p in tmp_path.iterdir()] == ["study.imrmc"]


def test_imrmc_header_that_contradicts_the_data_is_noted(tmp_path):
    path = write_imrmc(long_table(), tmp_path / "study.imrmc")
    path.write_text(path.read_text().replace("NR:2", "NR:7"))
    assert read_imrmc(path).attrs["notes"] == ["the header says NR:7, the data hold 2"]


def test_readings_table_becomes_signed_confidence(tmp_path):
    path = tmp_path / "readings.csv"
    path.write_text(OWN)
    table = read_readings(path)
    assert table["confidence"].tolist() == [5, 1, 2, 4] and table["model_p_fresh"].isna().sum() == 2
    long = check_readings(table)
    assert long["rating"].tolist() == [5, 1, 2, -4] and long["answer"].tolist() == [1, 1, 1, 0]
    assert long["treatment"].tolist() == ["unaided", "unaided", "aided", "aided"]
    assert model_output(table, ["p2", "p1"]).tolist() == [0.25, 0.9]


def test_a_table_is_read_like_its_file(tmp_path):
    path = tmp_path / "study.csv"
    long_table().to_csv(path, index=False)
    assert read_readings(path).astype(str).equals(read_readings(long_table()).astype(str))


def test_blank_lines_and_further_columns_do_no_harm(tmp_path):
    path = tmp_path / "study.csv"
    lines = long_table().assign(case2="1.1").to_csv(index=False).splitlines()
    path.write_text("\ufeff" + "\n".join([*lines[:4], "", *lines[4:], "", ""]))
    assert len(read_readings(path)) == 16


# Refusing -------------------------------------------------------------------------------------------------


def change(row, column, value):
    def apply(lines):
        names, cells = lines[0].split(","), lines[row - 1].split(",")
        cells[names.index(column)] = value
        lines[row - 1] = ",".join(cells)

    return apply


WRONG = {
    "truth not binary": (change(3, "truth", "2"), 3, "truth", "truth is not binary"),
    "truth empty": (change(3, "truth", ""), 3, "truth", "truth is not binary"),
    "truth differs": (change(5, "truth", "0"), 9, "truth", None),
    "rating missing": (change(4, "rating", ""), 4, "rating", "not a finite number"),
    "rating NaN": (change(4, "rating", "NaN"), 4, "rating", "not a finite number"),
    "rating infinite": (change(4, "rating", "inf"), 4, "rating", "not a finite number"),
    "rating text": (change(4, "rating", "high"), 4, "rating", "not a finite number"),
    "reader empty": (change(6, "reader", " "), 6, "reader", "is empty"),
    "duplicate": (lambda lines: lines.append(lines[1]), 18, "case", "second reading"),
    "one session": (lambda lines: lines.append("3,1,0,0,2"), 18, "reader", "lacks a treatment"),
    "percent and plain": (change(4, "rating", "80%"), 4, "rating", "a % sign among 15 without"),
    "column missing": (lambda lines: change(1, "rating", "points")(lines), 1, None, "missing: rating"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_refused_with_its_row(tmp_path, name):
    spoil, row, column, message = WRONG[name]
    lines = long_table().to_csv(index=False).splitlines()
    spoil(lines)
    path = tmp_path / "study.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(InputError) as caught:
        read_readings(path)
    found = [p for p in caught.value.problems if p.row == row and p.column == column]
    assert found and found[0].file == str(path), str(caught.value)
    assert message is None or message in found[0].message


def test_rows_stay_those_of_an_editor_after_blank_lines(tmp_path):
    lines = long_table().to_csv(index=False).splitlines()
    change(7, "rating", "x")(lines)
    lines.insert(3, "")
    path = tmp_path / "study.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match="study.csv, row 8, column rating"):
        read_readings(path)


def test_one_class_is_refused():
    with pytest.raises(InputError, match="row 2, column truth: one class only.*old"):
        check_readings(long_table().assign(truth=0))


def test_every_problem_is_told_at_once():
    table = long_table().astype(object)
    table.loc[0, "truth"], table.loc[3, "rating"], table.loc[5, "reader"] = "maybe", "x", ""
    with pytest.raises(InputError) as caught:
        check_readings(table)
    assert {(p.row, p.column) for p in caught.value.problems} >= {(2, "truth"), (5, "rating"), (7, "reader")}


def test_long_lists_of_problems_are_cut():
    with pytest.raises(InputError, match="rows more") as caught:
        check_readings(long_table(cases=40).assign(rating=np.nan))
    assert len(caught.value.problems) == 21


@pytest.mark.parametrize("column, value, message", [
    ("answer", "maybe", "fresh or old"), ("confidence", "6", "out of range"), ("patch_id", "", "is empty"),
    ("session", "", "is empty"), ("model_p_fresh", "1.5", "out of range"),
    ("patient_id", "q9", "another patient"),
])  # fmt: skip
def test_wrong_readings_table_names_its_own_columns(tmp_path, column, value, message):
    lines = OWN.splitlines()
    change(5, column, value)(lines)
    path = tmp_path / "readings.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(InputError) as caught:
        read_readings(path)
    assert any(p.row == 5 and p.column == column for p in caught.value.problems), str(caught.value)
    assert message in str(caught.value)


def test_nested_designs_are_taken_and_complete_cases_of_them_refused():
    nested = pd.concat([long_table(("1",), ("1",)), long_table(("2",), ("2",))])
    assert "split-plot" in cross(check_readings(nested), missing="auto").note
    own_cases = pd.concat([long_table(("1",)), long_table(("2",)).assign(case=lambda t: t["case"] + "b")])
    with pytest.raises(InputError, match="cases nested in readers"):
        cross(check_readings(own_cases), missing="complete_cases")
    assert "nested in readers" in cross(check_readings(own_cases), missing="auto").note


@pytest.mark.parametrize("content, message", [
    ("1,2,3\n", "BEGIN DATA"), ("BEGIN DATA:\n-1,1,truth\n", "row 2.*four fields"),
    ("BEGIN DATA:\n-1,1,truth,0\n-1,1,truth,1\n", "row 3.*second truth"),
    ("BEGIN DATA:\n-1,1,truth,0\n-1,2,truth,1\n1,1,A,3\n1,9,A,3\n", "row 5.*without a truth"),
    ("BEGIN DATA:\n-1,1,truth,0\n-1,2,truth,2\n1,1,A,3\n1,2,A,3\n", "row 3.*truth is not binary"),
    ("BEGIN DATA:\n-1,1,truth,0\n-1,2,truth,1\n1,1,A,3\n1,2,A,x\n", "row 5, column rating.*number"),
])  # fmt: skip
def test_wrong_imrmc_is_refused_with_its_row(tmp_path, content, message):
    path = tmp_path / "study.imrmc"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_imrmc(path)


def test_a_footnote_is_one_rows_problem_and_no_session_of_its_own(tmp_path):
    path = tmp_path / "study.csv"
    path.write_text(long_table().to_csv(index=False) + "\nTotal,,,,\n")
    with pytest.raises(InputError) as caught:
        read_readings(path)
    assert {problem.row for problem in caught.value.problems} == {19}


def test_a_title_above_the_header_is_named_with_the_headers_row(tmp_path):
    path = tmp_path / "study.xlsx"
    with pd.ExcelWriter(path) as book:
        long_table().to_excel(book, index=False, startrow=3, sheet_name="Data")
        book.sheets["Data"]["A1"] = "Readings of hospital X"
    with pytest.raises(InputError, match="row 1: no header but a title: .* in row 4; .*'Readings of hospital X'"):
        read_readings(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InputError, match="a folder, not a file"):
        read_readings(tmp_path)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00reader")
    for name in ("absent.csv", "absent.imrmc", "empty.csv", "binary.csv"):
        with pytest.raises(InputError, match=name):
            read_readings(tmp_path / name)


def test_names_that_imrmc_cannot_hold(tmp_path):
    with pytest.raises(InputError, match="cannot stand in"):
        write_imrmc(long_table().replace({"reader": {"1": "Smith, J"}}), tmp_path / "study.imrmc")
    assert not list(tmp_path.iterdir())


# Laying out ---------------------------------------------------------------------------------------------


def test_crossing_puts_each_rating_in_its_place():
    table = check_readings(long_table(readers=("1", "2", "10")).sample(frac=1, random_state=1))
    study = cross(table)
    assert study.readers == ["1", "2", "10"]  # as numbers
    for row in table.itertuples():
        place = study.treatments.index(row.treatment), study.readers.index(row.reader)
        place += (study.cases.index(row.case),)
        assert study.ratings[place] == row.rating


def test_units_are_patients_where_they_repeat():
    table = check_readings(long_table())
    assert not cross(table).clustered
    by_patient = table.assign(patient_id=table["case"].map({"0": "a", "1": "a", "2": "b", "3": "c"}))
    study = cross(by_patient)
    assert study.clustered and study.unit.tolist() == [0, 0, 1, 2]
    assert cross(by_patient, cluster="case").unit.tolist() == [0, 1, 2, 3]


def test_answers_come_from_the_threshold_the_answers_or_binary_ratings():
    table = check_readings(long_table())
    assert answers(table, 3).tolist() == (table["rating"] >= 3).astype(int).tolist()
    assert has_answers(table, 3) and not has_answers(table)
    with pytest.raises(InputError, match="--threshold"):
        answers(table)
    binary = table.assign(rating=(table["rating"] > 3).astype(float))
    assert answers(binary).tolist() == binary["rating"].tolist()


def test_one_session_must_be_there():
    with pytest.raises(InputError, match="name one session"):
        one_session(long_table(), threshold=3)
    with pytest.raises(InputError, match="no such session"):
        one_session(long_table(), "aided", 3)
    assert one_session(long_table(), "2", 3).ratings.shape == (1, 2, 4)


# Dialects -------------------------------------------------------------------------------------------------


def same_study(path, table):
    """The file is read as the table is."""
    read = check_readings(read_readings(path)).sort_values(["reader", "treatment", "case"], ignore_index=True)
    expected = check_readings(table).sort_values(["reader", "treatment", "case"], ignore_index=True)
    pd.testing.assert_frame_equal(read[expected.columns], expected)


def halves():
    return long_table().assign(rating=lambda t: t["rating"] + 0.5)


def test_readings_with_semicolons_and_decimal_commas(tmp_path):
    path = tmp_path / "r.csv"
    halves().to_csv(path, index=False, sep=";", decimal=",", encoding="utf-16")
    same_study(path, halves())


def test_readings_as_r_writes_them_by_imrmcs_names(tmp_path):
    """createIMRMCdf of the R package iMRMC: readerID, caseID, modalityID, score; truth as rows of reader truth."""
    named = {"reader": "readerID", "treatment": "modalityID", "case": "caseID", "rating": "score"}
    table = halves().rename(columns=named)
    truth = table.drop_duplicates("caseID").assign(readerID="truth", modalityID="truth", score=lambda t: t["truth"])
    path = tmp_path / "r.csv"
    pd.concat([truth, table]).drop(columns="truth").reset_index(drop=True).to_csv(path, quoting=2)
    same_study(path, halves())
    table.to_csv(path, index=False)  # with truth as a column
    same_study(path, halves())
    table.drop(columns="truth").to_csv(path, index=False)
    with pytest.raises(InputError, match="row 2.*without a truth row"):
        read_readings(path)


def test_readings_from_a_workbook_and_imrmc_under_another_name(tmp_path):
    halves().to_excel(tmp_path / "r.xlsx", index=False)
    same_study(tmp_path / "r.xlsx", halves())
    write_imrmc(halves(), tmp_path / "study.imrmc").rename(tmp_path / "study.txt")
    same_study(tmp_path / "study.txt", halves())


@pytest.mark.parametrize("sign, said", [(1, False), (-1, True)])
def test_a_scale_that_looks_reversed_is_said(shared, tmp_path, sign, said):
    table = read_readings(shared / "reader_study" / "VanDyke.csv")
    table.assign(rating=sign * table["rating"]).to_csv(tmp_path / "r.csv", index=False)
    notes = " ".join(read_readings(tmp_path / "r.csv").attrs["notes"])
    assert ("every reader's AUC is below 0.5" in notes) == said


def test_missing_patients_are_not_one_patient(tmp_path):
    path = tmp_path / "r.csv"
    halves().assign(patient_id="NA").to_csv(path, index=False)
    with pytest.raises(InputError, match="row 2, column patient_id: is empty"):
        read_readings(path)


@pytest.mark.parametrize("column", ["order", "seconds"])
def test_every_documented_number_is_one(tmp_path, column):
    lines = OWN.splitlines()
    change(4, column, "first")(lines)
    (tmp_path / "r.csv").write_text("\n".join(lines))
    with pytest.raises(InputError, match=f"row 4, column {column}: not a number"):
        read_readings(tmp_path / "r.csv")


# One reader is one reader ---------------------------------------------------------------------------------

SPELLINGS = [
    "Zoë Ångström",
    "zoë ångström",
    " ZOË  ÅNGSTRÖM ",
    "Zoe\u0308 A\u030angstro\u0308m",
    "Zoë\u00a0Ång\u200bström",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_another_spelling_of_a_name_is_no_other_reader(tmp_path, spelling):
    lines = OWN.replace("\nA,", f"\n{SPELLINGS[0]},").splitlines()
    lines[-1] = lines[-1].replace(SPELLINGS[0], spelling)
    (tmp_path / "readings.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = read_readings(tmp_path / "readings.csv")
    assert set(table["reader"]) == {SPELLINGS[0]}
    told = any("one reader" in note for note in table.attrs["notes"])
    assert told == (spelling.strip() != SPELLINGS[0])


def test_the_same_case_under_two_spellings_is_a_second_reading(tmp_path):
    (tmp_path / "readings.csv").write_text(OWN + "a,aided,3,p2,q1,0,old,4,2.0,,0.25\n")
    with pytest.raises(InputError, match="row 6, column patch_id: a second reading"):
        read_readings(tmp_path / "readings.csv")


def test_other_names_stay_apart():
    table = long_table(readers=("R1", "R 1", "R-1", "1", "01"))
    assert check_readings(table)["reader"].nunique() == 5


def test_what_cannot_be_judged_counts_as_not_read_and_is_said(tmp_path):
    more = "A,unaided,3,p3,q1,1,Cannot Judge,,9.0,,\nA,aided,3,p3,q1,1,fresh,4,9.0,,0.7\n"
    (tmp_path / "readings.csv").write_text(OWN + more)
    table = read_readings(tmp_path / "readings.csv")
    assert len(table) == 5 and "1 of 6 readings say 'cannot judge'" in table.attrs["notes"][0]
    study = cross(check_readings(table), missing="available")
    assert np.isnan(study.ratings).sum() == 1


def test_confidence_of_0_to_100_is_taken_where_the_table_says_so(tmp_path):
    head, *rows = OWN.splitlines()
    wide = [head + ",scale", *(row.replace("fresh,5", "fresh,73") + ",0-100" for row in rows)]
    (tmp_path / "readings.csv").write_text("\n".join(wide) + "\n")
    assert check_readings(read_readings(tmp_path / "readings.csv"))["rating"].max() == 73
    wide[-1] = wide[-1].replace("0-100", "1-5")
    (tmp_path / "readings.csv").write_text("\n".join(wide) + "\n")
    with pytest.raises(InputError, match="row 5, column scale: a second scale"):
        read_readings(tmp_path / "readings.csv")
    (tmp_path / "readings.csv").write_text(OWN.replace("fresh,5", "fresh,73"))
    with pytest.raises(InputError, match="row 2, column confidence: out of range"):
        read_readings(tmp_path / "readings.csv")


def test_readings_of_other_cases_than_the_runs_are_refused_all_at_once():
    patches = pd.DataFrame({"patch_id": ["a", "b", "c"], "label": ["fresh", "old", "old"]})
    rows = [("unaided", "a", 1), ("unaided", "b", 0), ("aided", "a", 1), ("aided", "b", 0)]
    table = pd.DataFrame(rows, columns=["session", "patch_id", "truth"])
    check_cases(table, patches, "study.csv")
    more = [("unaided", "x", 1), ("unaided", "c", 1), ("later", "b", 0)]
    with pytest.raises(InputError) as caught:
        check_cases(pd.concat([table, pd.DataFrame(more, columns=table.columns)]), patches, "study.csv")
    told = [str(problem) for problem in caught.value.problems]
    assert told == [
        "study.csv, column patch_id: the run's cohort has no such vertebra (found 'x')",
        "study.csv, column truth: truth of c differs from the cohort's (found '1'); allowed: old (0)",
        "study.csv, column truth: session later holds one class only (found '0')",
    ]
