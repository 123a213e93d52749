"""The report of a reader study: its object is JSON, its text readable, the command refuses with exit 2."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from ovcf.cli import main
from ovcf.intake.readings import read_readings
from ovcf.problems import InputError
from ovcf.stats.readers.report import analyse, as_text
from ovcf.synthetic.readers import simulate_readings

ENTRY = {
    "metric", "covariance", "generalisation", "statistic", "df1", "df2", "p", "difference", "low", "high",
}  # fmt: skip


@pytest.fixture
def readings():
    cases = pd.DataFrame({"patch_id": range(40), "patient_id": range(40), "truth": [0, 1] * 20})
    return simulate_readings(cases.assign(p_fresh=0.2 + 0.6 * cases["truth"]), readers=3, seed=1)


def test_van_dyke_as_an_object(shared):
    result = analyse(read_readings(shared / "reader_study" / "VanDyke.csv"))
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    entries = result["obuchowski_rockette"]
    kinds = {(e["covariance"], e["generalisation"]) for e in entries}
    assert len(entries) == len(kinds) == 9 and all(ENTRY <= set(e) for e in entries)
    random = entries[0]
    assert (random["covariance"], random["generalisation"]) == ("jackknife", "random")
    assert f"{random['statistic']:.6f} {random['df2']:.5f}" == "4.456319 15.25967"
    assert f"{random['p']:.8f}" == "0.05166569"
    fixed = next(e for e in entries if e["generalisation"] == "fixed_readers")
    assert fixed["df2"] is None and f"{fixed['statistic']:.6f}" == "5.475953"
    assert [(r["reader"], r["treatment"], round(r["auc"], 8)) for r in result["readers"][:2]] == [
        ("1", "1", 0.91964573), ("2", "1", 0.85877617)]  # fmt: skip
    assert result["design"]["positives"] == 45 and result["research_use_only"]


def test_the_same_study_from_both_formats(shared):
    csv, imrmc = (analyse(read_readings(shared / "reader_study" / name)) for name in ("VanDyke.csv", "vandyke.imrmc"))
    pairs = zip(csv["obuchowski_rockette"], imrmc["obuchowski_rockette"], strict=True)
    assert all(a["p"] == pytest.approx(b["p"]) for a, b in pairs)


def test_other_dialect_and_metric(shared):
    result = analyse(read_readings(shared / "reader_study" / "input.imrmc"), "sensitivity", 0.5)
    assert {e["metric"] for e in result["obuchowski_rockette"]} == {"sensitivity"}
    assert len(result["readers"]) == 10 and all(r["sensitivity_low"] is not None for r in result["readers"])
    assert [a["treatment"] for a in result["averages"]] == ["testA", "testB"]


def test_readings_table_and_its_file_agree(readings, tmp_path):
    readings.to_csv(tmp_path / "readings.csv", index=False)
    table, file = analyse(readings), analyse(read_readings(tmp_path / "readings.csv"))
    assert file["file"] == "readings.csv" and table["file"] is None
    assert file["obuchowski_rockette"] == table["obuchowski_rockette"]
    assert file["readers"] == table["readers"] and "accuracy" in file["readers"][0]


def test_a_covariance_that_does_not_fit_is_noted(readings):
    readings = readings.assign(patient_id=[str(int(p) // 2) for p in readings["patch_id"]])
    result = analyse(readings)
    assert {e["covariance"] for e in result["obuchowski_rockette"]} == {"jackknife", "delong"}
    assert result["design"]["clustered"] and any(note.startswith("unbiased: ") for note in result["notes"])
    with pytest.raises(InputError, match="several"):
        analyse(readings, covariances=["unbiased"])
    with pytest.raises(InputError, match="^fewer than two patients of a class"):
        analyse(readings.assign(patient_id="1"))


def test_one_session_is_estimated_without_a_comparison(readings):
    result = analyse(readings[readings["session"] == "unaided"])
    assert result["obuchowski_rockette"] == [] and len(result["one_treatment"]) == 9
    assert "Obuchowski" not in as_text(result)


def test_text_holds_tables_sentences_and_notes(readings):
    text = as_text(analyse(readings.iloc[1:]))
    assert "3 readers, 2 treatments, 40 cases" in text and "Research use only." in text
    assert "AUC aided - unaided" in text and "complete_cases would keep 39 of 40 cases" in text


def test_the_command(readings, tmp_path):
    path = tmp_path / "readings.csv"
    readings.to_csv(path, index=False)
    run = CliRunner().invoke(main, ["readers", str(path), "--metric", "specificity", "--json"])
    assert run.exit_code == 0, run.output
    assert {e["metric"] for e in json.loads(run.output)["obuchowski_rockette"]} == {"specificity"}
    assert "Obuchowski-Rockette" in CliRunner().invoke(main, ["readers", str(path)]).output
    path.write_text(path.read_text().replace("aided,1,", "aided,1,", 1).replace(",fresh,", ",perhaps,", 1))
    run = CliRunner().invoke(main, ["readers", str(path)])
    assert run.exit_code == 2 and "column answer" in run.output and "Traceback" not in run.output
