"""Six films from a folder to a manifest: two annotators by mouse and keys, a killed kernel, a joint session.

With OVCF_WHOLE set (`benchmarks/annotation_whole.py`) the second annotator works in JupyterLab, and a study is run on
the manifest to its report. `make test` holds these two by themselves: `test_jupyterlab.py` annotates in JupyterLab, and
`tests/test_run.py` runs a study on a manifest that annotators made.
"""

import os
import shutil

import pandas as pd
import psutil
import pytest
from annotation_pages import Hand, annotate_film, marks_of, real_boxes, wrap_as_dicom
from faults import serious_faults
from playwright.sync_api import expect
from servers import TOKEN, open_and_run, picture, put_notebook, start_lab

from ovcf.annotate import prepare
from ovcf.annotation.state import read_state
from ovcf.cohort.films import read_header
from ovcf.cohort.manifest import read_cohort
from ovcf.server import free_port
from ovcf.words import BOX

SERVE = "from ovcf.annotate import prepare, serve_consensus, serve_marks; {call}, {port}, open_browser=False)"
WHOLE = bool(os.environ.get("OVCF_WHOLE"))
BOTH_ARE_SEEN = """() => {
  const canvas = document.querySelector(".consensus canvas.film");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const counts = [[0x56, 0xb4, 0xe9], [0xff, 0x8a, 0x3d]].map((colour) => {
    let count = 0;
    for (let i = 0; i < data.length; i += 4) count += colour.every((value, k) => Math.abs(data[i + k] - value) < 8);
    return count;
  });
  return Math.min(...counts) > 100;
}"""
LABELS = {"Anna Test": "fof", "Bernd": "foo"}  # they differ in the third vertebra of each film


@pytest.fixture(scope="module")
def films(shared, tmp_path_factory):
    """Two frontal films as they are, two wrapped as DICOM, two synthetic lateral ones; and boxes on each."""
    from ovcf.synthetic import synthesise

    folder = tmp_path_factory.mktemp("annotated") / "films"
    folder.mkdir()
    boxes = {}
    real = sorted((shared / "real" / "spine_frontal" / "images").glob("*.jpg"))[:4]
    for number, path in enumerate(real):
        name = f"{number}.{'jpg' if number < 2 else 'dcm'}"
        shutil.copy(path, folder / name) if number < 2 else wrap_as_dicom(path, folder / name, f"P{number}")
        boxes[name] = real_boxes(path)[4:]
    drawn = synthesise(folder.parent / "drawn", patients=6, seed=3, workers=1, progress=False).parent
    table = pd.read_csv(drawn / "vertebrae.csv")
    for number, (film, rows) in enumerate(list(table.groupby("film"))[:2], len(real)):
        shutil.copy(drawn / film, folder / f"{number}.png")
        boxes[f"{number}.png"] = rows[list(BOX)].to_numpy().tolist()[1:]
    return folder, boxes


@pytest.fixture
def begun(films, tmp_path, monkeypatch):
    """A cohort with its work list and two annotators, who have not begun."""
    folder, boxes = films
    cohort = tmp_path / "cohort"
    shutil.copytree(folder, cohort / "films")
    rows = "".join(f"films/{name},P{k},{70 + k},f\n" for k, name in enumerate(boxes))
    (cohort / "patients.csv").write_text("image,patient_id,age,sex\n" + rows)
    monkeypatch.setattr("ovcf.reading.roster.secrets.token_urlsafe", lambda n: TOKEN if n == 24 else f"link{n}")
    prepare(cohort / "patients.csv", cohort, ["Anna Test"])
    monkeypatch.undo()
    roster = prepare(cohort / "patients.csv", cohort, ["Bernd"]).roster
    sizes = {f"films/{name}": (read_header(folder / name).width, read_header(folder / name).height) for name in boxes}
    return cohort, roster, {f"films/{name}": found for name, found in boxes.items()}, sizes


def test_from_a_folder_of_films_to_a_manifest(begun, explore, watch, tmp_path):
    cohort, roster, boxes, sizes = begun
    call = f"serve_marks(prepare({str(cohort / 'patients.csv')!r}, {str(cohort)!r})"
    server = explore(code=SERVE.format(call=call, port=(port := free_port())), port=port)
    anna = Hand(begin(watch, server, roster, "Anna Test"), sizes)
    for number, (film, found) in enumerate(boxes.items()):
        anna.wait_film(film)
        if number == 0:
            left_out_and_back(anna)
        if number == 1:
            on_a_full_disk(server, anna, cohort)
        if number == 3:
            joint = after_a_killed_kernel(server, anna, film, lambda: serve_joint_session(explore, cohort))
        annotate_film(anna, found, LABELS["Anna Test"])
        if number == 2:
            all_that_is_said_of_a_vertebra(anna)
        if number == 0:
            assert serious_faults(anna.page, ".annotate") == []
        anna.done()
    anna.all_done()
    if WHOLE:
        bernd = in_jupyterlab(watch, cohort, sizes, boxes, tmp_path)
    else:
        bernd = second_annotator(begin(watch, server, roster, "Bernd"), sizes, boxes)
    joint_session(joint, watch, cohort)
    where_it_was_drawn(cohort, {"Anna Test": anna, "Bernd": bernd})
    patches = read_cohort(cohort / "manifest.csv").patches
    assert len(patches) == 18 and set(patches["label"]) == {"fresh", "old"}
    if WHOLE:
        to_a_report(cohort, tmp_path)


def begin(watch, server, roster, name):
    """Open an annotator's page by the link and go in; returns the page."""
    page = watch(width=1280, height=1000).page
    page.goto(f"{server.url}#reader={roster.tokens[name]}")
    page.wait_for_selector(".annotate[data-screen=start] input[readonly]")
    page.keyboard.press("Enter")
    return page


def left_out_and_back(hand):
    """A film is left out with its reason, and the step taken back."""
    reason = hand.page.locator(".annotate [data-name=exclusion]")
    reason.select_option("MRI unavailable")
    hand.kept()
    hand.page.locator(".annotate canvas.film").focus()
    hand.page.keyboard.press("z")
    hand.kept()
    expect(reason).to_have_value("")


def all_that_is_said_of_a_vertebra(hand):
    """MRI, percussion and a comment, by keys."""
    for key in ("1", "2", "2", "3", "3", "3", "k", "e"):
        hand.page.keyboard.press(key)
    hand.page.keyboard.type("end plate")
    hand.page.keyboard.press("Tab")
    hand.kept()
    hand.page.locator(".annotate canvas.film").focus()


def on_a_full_disk(server, hand, cohort):
    """A disk that fills in the midst of a line: said, the journal is as before, and the answer is kept once there is
    room."""
    (journal,) = (cohort / "annotation").glob("anna*.jsonl")
    before, page = journal.read_bytes(), hand.page
    kernel = min(server.kernels(), key=lambda one: one.create_time())  # a younger one waits for the next page
    soft, hard = kernel.rlimit(psutil.RLIMIT_FSIZE)
    kernel.rlimit(psutil.RLIMIT_FSIZE, (len(before) + 40, hard))
    hand.drag((20, 20), (60, 60))
    page.wait_for_selector(".told:has-text('cannot be written: File too large')")
    assert page.locator(".annotate").get_attribute("data-waiting") == "1" and journal.read_bytes() == before
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    expect(page.locator(".told")).to_contain_text("do not close this page. No mark is in hand.")
    kernel.rlimit(psutil.RLIMIT_FSIZE, (soft, hard))
    hand.kept()
    expect(page.locator(".told")).to_have_text("No mark is in hand.")
    page.keyboard.press("a")
    assert journal.read_bytes().startswith(before) and journal.read_bytes().count(b"\n") == before.count(b"\n") + 1
    page.keyboard.press("Delete")
    hand.kept()


def after_a_killed_kernel(server, hand, film, meanwhile):
    """What is said while the kernel is gone is sent after a reload: no answer is lost. Returns what `meanwhile` does,
    since it takes the page eight seconds to be sure that nobody answers."""
    page = hand.page
    before = page.locator(".annotate").get_attribute("data-marks")
    min(server.kernels(), key=lambda kernel: kernel.create_time()).kill()
    hand.drag((20, 20), (60, 60))
    done = meanwhile()
    page.wait_for_selector(".annotate .notice:not([hidden])")
    page.reload()
    hand.wait_film(film)  # no name is asked
    page.wait_for_function("n => Number(document.querySelector('.annotate').dataset.marks) === n", arg=int(before) + 1)
    page.keyboard.press("a")  # the mark above: it came back, and is taken away again
    page.keyboard.press("Delete")
    hand.kept()
    assert page.locator(".annotate").get_attribute("data-marks") == before
    page.keyboard.press("z")
    hand.kept()
    page.keyboard.press("y")
    hand.kept()
    return done


def in_jupyterlab(watch, cohort, sizes, boxes, folder):
    """The second annotator's films in a JupyterLab of his own."""
    lab = start_lab(folder)
    try:
        put_notebook(lab, "annotate", f"cohort, reader = {str(cohort)!r}, 'bernd'\n")
        page = watch(width=1400, height=1100).page
        open_and_run(page, lab, "annotate", ".jp-OutputArea-output .annotate[data-screen=start] input[readonly]")
        page.locator(".annotate form button").click()
        bernd = second_annotator(page, sizes, boxes)
        for width in (390, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 1000})
            page.locator(".annotate canvas.film").scroll_into_view_if_needed()
            picture(page, f"lab-annotate-{width}")
        return bernd
    finally:
        lab.stop()


def second_annotator(page, sizes, boxes):
    bernd = Hand(page, sizes)
    for film, found in boxes.items():
        bernd.wait_film(film)
        page.locator(".annotate canvas.film").scroll_into_view_if_needed()
        assert page.locator(".annotate").get_attribute("data-marks") == "0"  # nothing of the other annotator
        annotate_film(bernd, found, LABELS["Bernd"])
        bernd.done()
    bernd.all_done()
    return bernd


def serve_joint_session(explore, cohort):
    call = f"serve_consensus({str(cohort)!r}"
    return explore(code=SERVE.format(call=call, port=(port := free_port())), port=port)


def joint_session(server, watch, cohort):
    """Only what they differ in, decided by keys: three as the first has it, two as the second, one by themselves."""
    page = watch(width=1280).page
    page.goto(server.url)
    page.wait_for_selector(".consensus[data-item]")
    assert page.locator(".consensus").get_attribute("data-open") == "6"
    assert serious_faults(page, ".consensus") == []
    page.locator(".consensus [data-name=who]").fill("Anna Test, Bernd")
    choices = {"1": "first", "2": "second", "s": "own"}
    for left, key in zip(range(5, -1, -1), "11122s", strict=True):
        page.wait_for_function(f"({BOTH_ARE_SEEN})()")  # though they lie on one another: they differ in the label
        page.locator(".consensus h3").first.focus()
        if key == "s":
            a_box_of_their_own(page)
        page.keyboard.press(key)
        page.wait_for_selector(f".consensus[data-open='{left}'][data-item]:not([data-item=''])")
        page.wait_for_selector(f".consensus .told:has-text('Kept: {choices[key]}')")
    page.locator("[data-act=write]").click()
    page.wait_for_selector(".consensus[data-written^='manifest.csv: 18 vertebrae']")


def a_box_of_their_own(page):
    """The first mark's box, taken in hand by a press and moved by keys; both marks are seen all the while."""
    canvas = page.locator(".consensus canvas.film")
    canvas.click()  # the vertebra in question is in its middle
    page.keyboard.press("ArrowDown")
    page.wait_for_function(f"({BOTH_ARE_SEEN})()")
    page.keyboard.press("Escape")  # let go, and taken anew by a key
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    page.locator(".consensus h3").first.focus()


def where_it_was_drawn(cohort, hands):
    """No box stands more than 1 px from where it was drawn, and no answer is missing."""
    marks = marks_of(cohort).set_index(["annotator", "film", "level"])
    assert len(marks) == 36
    moved = []
    for name, hand in hands.items():
        assert len(hand.drawn) == 12
        for (film, level), box in hand.drawn.items():
            kept = marks.loc[(name, film, level)]
            moved.append(max(abs(kept[side] - at) for side, at in zip(BOX, box, strict=True)))
        said = marks.loc[name]["label"].str[0].tolist()
        assert said == list(LABELS[name]) * 6
    assert max(moved) <= 1
    if WHOLE:
        print(f"\n{len(marks)} of 36 marks kept; {len(moved)} boxes drawn, moved by {max(moved):.2f} px at most")
    told = marks.loc["Anna Test"].query("comment != ''")
    assert told[["t1", "t2", "stir", "percussion", "comment"]].values.tolist() == [
        ["low", "same", "high", "yes", "end plate"]
    ]
    state = read_state(cohort)
    (own,) = [d for d in state.decisions.values() if d.choice == "own"]
    (item,) = [item for item in state.items if item.key == own.key]
    assert own.mark.box == pytest.approx(
        [v + by for v, by in zip(item.pair.a.box, (10, 0, 10, 0), strict=True)], abs=0.1
    )
    assert not state.open and {d.who for d in state.decisions.values()} == {"Anna Test, Bernd"}


def to_a_report(cohort, tmp_path):
    from ovcf.report import run_study

    small = {
        "data": str(cohort / "manifest.csv"), "folds": "2", "image_size": "64", "networks": '["alexnet"]',
        "epochs": "1", "replicates": "20", "reader_cases": "6", "readers": "2", "more_seeds": "0", "workers": "1",
        "external": '""', "leakage": "false", "dealings": "0", "regions": "pooled", "other_context": "false",
        "chosen": "alexnet",
    }  # fmt: skip
    report = run_study("demo", out=tmp_path / "run", overrides=small)
    text = report.read_text(encoding="utf-8")
    assert "Anna Test, Bernd" in text and "by a count of heads" in text
    assert (tmp_path / "run" / "tables" / "protocol.csv").is_file()
    print(f"report of {len(text) / 1e6:.1f} MB from the manifest, protocol in it")
