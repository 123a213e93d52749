"""One table, whatever saved it: every dialect is read alike, and what is no table is called what it is."""

import io
import zipfile

import openpyxl
import pandas as pd
import pytest
from doors import check_alike, dialects, rows, workbook
from hypothesis import HealthCheck, Phase, given, settings

from ovcf.cohort.columns import FLAG, MANIFEST, STUDIES
from ovcf.cohort.inclusion import exclusion_reasons
from ovcf.cohort.table_file import read_table
from ovcf.problems import InputError

# -- random manifests in all dialects ----------------------------------------------------------------------


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.generate],  # shrinking a table takes minutes
)
@given(table=rows(), dialect=dialects())
def test_random_manifests_in_all_dialects_read_alike(tmp_path, table, dialect):
    check_alike(tmp_path, table, dialect)


# -- single points -----------------------------------------------------------------------------------------


def read(tmp_path, text, columns=MANIFEST, **options):
    path = tmp_path / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, columns, **options)


def refused(tmp_path, text, columns=MANIFEST, **options):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text, columns, **options)
    assert all(problem.file == str(tmp_path / "table.csv") for problem in caught.value.problems)
    return caught.value


def test_lines_are_counted_as_an_editor_shows_them(tmp_path):
    table, notes = read(tmp_path, "sep=;\r\n\r\npatch_id;age\r\n\r\na;61,5\r\n")
    assert table["row"].tolist() == [5] and table["age"].tolist() == ["61.5"] and "semicolons" in notes[0]


def test_quoted_decimal_commas_where_commas_separate(tmp_path):
    assert read(tmp_path, 'patch_id,mm_per_px\na,"0,143"\nb,"0,2"\n')[0]["mm_per_px"].tolist() == ["0.143", "0.2"]
    table, _ = read(tmp_path, 'patch_id,age\na,"1,234"\nb,"61,5"\n')
    assert table["age"].tolist() == ["1,234", "61,5"]  # a thousand, or a decimal: left to be refused as no number


def test_commas_and_points_in_one_column_are_refused(tmp_path):
    (problem,) = refused(tmp_path, "patch_id;age\na;61.5\nb;1,234\n").problems
    assert (problem.kind, problem.row, problem.column) == ("decimals", 3, "age") and "61.5 in row 2" in problem.message


@pytest.mark.parametrize("text, kept", [
    ("patch_id,age\n1,a,61\n2,b,62\n", ["a", "b"]),  # R: write.table(..., sep = ",")
    (',patch_id,age\nx,a,61\ny,b,62\n', ["a", "b"]),  # R: write.csv; pandas: to_csv
])  # fmt: skip
def test_row_names_are_left_out_and_said(tmp_path, text, kept):
    table, notes = read(tmp_path, text)
    assert table["patch_id"].tolist() == kept and table["age"].tolist() == ["61", "62"] and "row names" in notes[0]


@pytest.mark.parametrize("text, kind", [
    ("patch_id,age\nb,a,61\nb,c,62\n", "cells"), (",patch_id\nx,a\nx,b\n", "nameless_column"),
    ("patch_id,,age\na,x,61\n", "nameless_column"), ("patch_id,Patch ID\na,b\n", "duplicate_column"),
    ("sep=x\npatch_idxage\n", "separator"), ('patch_id,age\n"a,61\n', "quoting"), ("\n\n", "empty"),
    ("patch_id,age\na\n", "cells"), ("patch_id,row\na,1\n", "reserved_column"),
])  # fmt: skip
def test_what_cannot_be_told_is_refused(tmp_path, text, kind):
    assert kind in [problem.kind for problem in refused(tmp_path, text).problems]


ODS = io.BytesIO()
with zipfile.ZipFile(ODS, "w") as archive:
    archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")


@pytest.mark.parametrize("start, words", [
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel workbook"), (b"\x1f\x8b\x08\x00", "gzip"), (b"PAR1", "Parquet"),
    (b"%PDF-1.7", "a PDF"), (b"\x89PNG\r\n\x1a\n", "a picture"), (b"PK\x03\x04" + b"\0" * 40, "damaged"),
    (ODS.getvalue(), "OpenDocument"), (b"$FL2@(#)", "SPSS"), (b"<HTML><table>", "web page"),
])  # fmt: skip
def test_what_is_no_table_is_called_what_it_is(tmp_path, start, words):
    assert words in str(refused(tmp_path, start + b"\0\x81" * 20 if start[:2] != b"PK" else start))


def test_missing_is_missing_in_columns_that_may_be_and_a_name_elsewhere(tmp_path):
    table, _ = read(tmp_path, "patch_id,level,age,sex,remark\nNA,NA,NA,NA,NA\n")
    assert table.iloc[0, :5].tolist() == ["NA", "", "", "", "NA"]


def test_a_reason_that_is_none_excludes_nobody(tmp_path):
    text = "patient_id;age;mri_available;exclusion\na;60,5;TRUE;NA\nb;61;NA;none\nc;62;yes;-\nd;63;1;moved away\n"
    table, _ = read(tmp_path, text, STUDIES)
    assert exclusion_reasons(table).tolist() == ["", "", "", "moved away"] and STUDIES["mri_available"] is FLAG


# -- workbooks ---------------------------------------------------------------------------------------------


def test_a_workbook_shows_what_its_sheet_shows(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "legend"
    book.active.append(["what this is"])
    sheet = book.create_sheet("films")
    sheet.append(["Patch ID", "patient_id", "image", "label", "age", "normal_height", None])
    sheet.append([1, 7, "a.png", "old", 61.0, True, None])
    sheet.append([])
    sheet.append([2.0, "007", "a.png", "fresh", "61,5", False, None])
    sheet["B2"].number_format = "000"
    book.save(tmp_path / "m.xlsx")
    table, notes = read_table(tmp_path / "m.xlsx", MANIFEST, required=("patch_id", "label"))
    assert table["patient_id"].tolist() == ["007", "007"] and table["patch_id"].tolist() == ["1", "2"]
    assert table["age"].tolist() == ["61", "61.5"] and table["normal_height"].tolist() == ["true", "false"]
    assert table["row"].tolist() == [2, 4] and "sheet 'films'" in notes[0]


def test_workbooks_that_cannot_be_told_are_refused(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["patch_id", "age"])
    book.active.append(["a", "=1+60"])  # never opened by a spreadsheet program: no value is stored
    book.save(tmp_path / "m.xlsx")
    with pytest.raises(InputError, match="never calculated"):
        read_table(tmp_path / "m.xlsx", MANIFEST)
    book.create_sheet("again").append(["patch_id", "age"])
    book.save(tmp_path / "m.xlsx")
    with pytest.raises(InputError, match="2 of its sheets could be the table"):
        read_table(tmp_path / "m.xlsx", MANIFEST, required=("patch_id",))


def test_a_workbook_that_unpacks_to_gigabytes_is_refused_unread(tmp_path, monkeypatch):
    workbook(pd.DataFrame({"patch_id": ["a"]}), tmp_path / "m.xlsx")
    monkeypatch.setattr("ovcf.cohort.workbook.MAX_UNPACKED", 1000)
    with pytest.raises(InputError, match="larger than any table"):
        read_table(tmp_path / "m.xlsx", MANIFEST)


def test_entities_in_a_workbook_are_never_expanded(tmp_path):
    workbook(pd.DataFrame({"patch_id": ["a"]}), tmp_path / "m.xlsx")
    bomb = (
        '<!DOCTYPE x [<!ENTITY a "lol">]><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    )
    bomb += '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&a;</t></is></c></row></sheetData></worksheet>'
    with zipfile.ZipFile(tmp_path / "m.xlsx") as old, zipfile.ZipFile(tmp_path / "bomb.xlsx", "w") as new:
        for name in old.namelist():
            new.writestr(name, bomb if name.endswith("sheet1.xml") else old.read(name))
    with pytest.raises(InputError, match="cannot be read|no sheet"):
        read_table(tmp_path / "bomb.xlsx", MANIFEST)


def test_a_workbook_that_claims_a_billion_rows_is_refused(tmp_path, monkeypatch):
    workbook(pd.DataFrame({"patch_id": ["a"]}), tmp_path / "m.xlsx")
    monkeypatch.setattr("ovcf.cohort.workbook.MAX_HEIGHT", 5000)  # the real limit takes seconds to count to
    with zipfile.ZipFile(tmp_path / "m.xlsx") as old, zipfile.ZipFile(tmp_path / "far.xlsx", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'<row r="2"', b'<row r="999999999"').replace(b'r="A2"', b""))
    with pytest.raises(InputError, match="more than 5000 rows"):
        read_table(tmp_path / "far.xlsx", MANIFEST)
