"""Every command and snippet of README, the READMEs of the folders, CONTRIBUTING and the docstrings is executed.

Commands that train, open a page or need a finished run are parsed to the last option here; tests/test_commands.py
carries them out, or says who does.
"""

import doctest
import importlib
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import numpy as np
import pandas as pd
import printed
import pytest
import yaml
from click.testing import CliRunner
from PIL import Image

from ovcf.cli import main
from ovcf.intake.formats import FORMATS
from ovcf.profiles import load_profile

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "data/README.md", "data/published/README.md", "reports/README.md"]
PAGES.append("benchmarks/README.md")
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in PAGES}
MODULES = sorted(path for path in (ROOT / "ovcf").rglob("*.py") if path.stem != "__init__")
# What stands in a command for a file, a folder or a number of the reader's own
STAND_INS = {
    "my/manifest.csv": "cohort/manifest.csv",
    "MANIFEST": "cohort/manifest.csv",
    "reports/mine": "run",
    "RUN": "run",
    "DIR": "made",
    "FILE": "readings.csv",
    "FILM": "cohort/a.png",
    "x0,y0,x1,y1": "2,2,40,40",
    "mine.yaml": "mine.yaml",
    "FILE.yaml": "mine.yaml",
    "SRC": "cohort",
    "DST": "copy",
}
HERE = {"check", "audit", "readers", "deidentify"}  # quick enough to be carried out here


def commands(text: str) -> list[str]:
    """`ovcf ...` in fenced blocks and between backticks, without comments and the brackets of what may be left out."""
    found = [
        line.split("#")[0] for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) for line in block.splitlines()
    ]
    found += re.findall(r"`([^`\n>]+)(?:>[^`\n]*)?`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [re.sub(r"(?<!')\[|\](?!')", "", line).strip() for line in found if line.startswith("ovcf ")]
    return [option for line in lines for option in _alternatives(line)]


def _alternatives(line: str) -> list[str]:
    """`ovcf import yolo|coco` is two commands."""
    several = re.search(r"(?<=\s)\w+(\|\w+)+", line)
    if not several:
        return [line]
    return [line.replace(several[0], one) for one in several[0].split("|")]


def _docstrings() -> str:
    """The docstrings of the command's module and of every command: their help."""
    context = click.Context(main)
    return "\n".join(command.get_help(context) for command in main.commands.values())


COMMANDS = sorted({line for text in (*TEXTS.values(), _docstrings()) for line in commands(text)})


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with what the stand-ins name: a cohort of films with boxes, readings, a paper."""
    cohort = tmp_path / "cohort"
    cohort.mkdir()
    rng = np.random.default_rng(0)
    for name in "abcdefgh":
        Image.fromarray(rng.integers(0, 255, (64, 64)).astype(np.uint8)).save(cohort / f"{name}.png")
    rows = [(f"v{i}", f"p{i}", f"{'abcdefgh'[i]}.png", ("fresh", "old")[i % 2], 2, 2 + i, 40, 42 + i) for i in range(8)]
    columns = ["patch_id", "patient_id", "image", "label", "x0", "y0", "x1", "y1"]
    pd.DataFrame(rows, columns=columns).to_csv(cohort / "manifest.csv", index=False)
    printed.readings().to_csv(tmp_path / "readings.csv", index=False)
    example = TEXTS["data/published/README.md"].partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "mine.yaml").write_text(example)
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def arguments(line: str) -> list[str]:
    """A command's words with what stands for the reader's own."""
    return [STAND_INS.get(word, word) for word in shlex.split(line)[1:]]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_documents(line, place):
    name, *options = arguments(line)
    assert name in main.commands, f"no such command: {line}"
    try:
        main.commands[name].make_context(name, list(options), parent=click.Context(main))
    except (click.MissingParameter, click.BadOptionUsage):  # named in a sentence, not shown whole
        known = {o for parameter in main.commands[name].params for o in parameter.opts} | set(FORMATS)
        assert set(options) <= known, line
        return
    if name in HERE and options and "--from-csv" not in options:  # a table to fill in: the audit's own tests do
        done = CliRunner().invoke(main, [name, *options])
        allowed = (0, 2) if name == "check" else (0,)  # a cohort of noise may hold errors, which are said
        assert done.exit_code in allowed, done.output


def test_the_documents_show_commands():
    shown = {line.split()[1] for line in COMMANDS}
    assert shown >= {"run", "check", "explore", "audit", "readers", "predict", "import", "deidentify", "synthesise"}


@pytest.mark.parametrize("target", sorted({t for text in TEXTS.values() for t in re.findall(r"`?make ([a-z]+)", text)}))
def test_a_target_of_make(target):
    if shutil.which("make") is None:
        pytest.skip("no make here")
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    if target not in targets:
        pytest.skip("a word of a sentence")
    assert subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True).returncode == 0


def test_parameters_shown_are_parameters():
    known = load_profile("demo")
    shown = {m for line in COMMANDS for m in re.findall(r"-p (\w+)", line)} - {"NAME"}
    assert shown <= set(known)


def test_a_list_on_the_command_line_is_yaml():
    lists = [m for text in TEXTS.values() for m in re.findall(r"-p \w+ '(\[.*?\])'", text)]
    assert lists and all(isinstance(yaml.safe_load(item), list) and json.loads(item) for item in lists)


@pytest.mark.parametrize("path", [p for p in MODULES if ">>>" in p.read_text(encoding="utf-8")], ids=lambda p: p.stem)
def test_a_snippet_of_a_docstring(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.attempted and not result.failed


@pytest.mark.parametrize("page", PAGES)
def test_a_path_that_a_page_names_is_there(page):
    named = re.findall(r"`((?:ovcf|notebooks|tests|benchmarks|data)/[\w./]+)`", TEXTS[page])
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing
    linked = re.findall(r"\]\((?!http)([^)#]+)\)", TEXTS[page])
    assert not [name for name in linked if not ((ROOT / page).parent / name).exists()]


def test_a_function_that_a_page_names_is_there():
    """CONTRIBUTING names functions in brackets behind their module."""
    for cell in re.findall(r"`(ovcf/[\w/]+\.py)` \(([^)]*)\)", TEXTS["CONTRIBUTING.md"]):
        source = (ROOT / cell[0]).read_text(encoding="utf-8")
        for name in re.findall(r"`([\w.]+)`", cell[1]):
            assert re.search(rf"\b{name.split('.')[-1]}\b", source), (cell[0], name)
