"""The project's own promises: one set of pins, light imports, notebooks whose defaults are the demo profile."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from ovcf.cohort.crop import EQUALISATIONS
from ovcf.models.recipe import TRAINABLE
from ovcf.profiles import defaults
from ovcf.profiles.parameters import AS_THE_RUN, BY_NAME
from ovcf.report.run import SEQUENCE, notebook_parameters

ROOT = Path(__file__).resolve().parents[1]
OF_A_NEW_RUN = ("run", "profile", "out", "shared_ids")  # where a run is and what is made beside it; all else is its own
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def pins(lines):
    """Read `name==version` lines into a dictionary with normalised names."""
    found = (re.match(r"([A-Za-z0-9_.\-]+)==(\S+)", line.strip()) for line in lines)
    return {re.sub(r"[-_.]+", "-", m[1]).lower(): m[2] for m in found if m}


def direct_dependencies():
    """Return the normalised names that pyproject.toml lists, without the optional cluster."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = project["dependencies"] + project["optional-dependencies"]["dev"]
    return {re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9_.\-]+", name)[0]).lower() for name in listed}


def test_every_direct_dependency_is_pinned_and_conda_agrees():
    constraints = pins((ROOT / "constraints.txt").read_text().splitlines())
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    by_pip = pins(next(item for item in conda if isinstance(item, dict))["pip"])
    assert by_pip == {name: constraints[name] for name in direct_dependencies()}


def test_every_pin_installs_on_the_first_python_3_11():
    constraints = pins((ROOT / "constraints.txt").read_text().splitlines())
    refused = []
    for distribution in distributions():
        name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
        needs = distribution.metadata.get("Requires-Python")
        if constraints.get(name) == distribution.version and needs and "3.11.0" not in SpecifierSet(needs):
            refused.append(f"{name} {distribution.version} needs Python {needs}")
    assert not refused


def test_help_loads_no_heavy_package():
    code = "import sys, ovcf, ovcf.cli, ovcf.study; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", f"import json; {code}"], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"torch", "torchvision", "matplotlib", "seaborn", "ipywidgets", "papermill", "sklearn"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_defaults_are_the_demo(path):
    declared = notebook_parameters(path)
    assert ("cohort" if "annotat" in path.stem else "run") in declared  # an annotation comes before any run
    for name, found in declared.items():
        assert found["help"], f"{name} has no help comment"
        if name not in OF_A_NEW_RUN and path.stem in SEQUENCE:
            assert found["default"] == repr(AS_THE_RUN).replace("'", '"'), name
            default = BY_NAME[name].default
            assert found["inferred_type_name"] == type(default).__name__, name
            said = "all six" if isinstance(default, list) else json.dumps(default).replace("true", "True")
            assert found["help"].startswith(f"{said.replace('false', 'False')} in the demo"), name


def test_the_demo_is_what_the_table_of_parameters_says():
    demo = yaml.safe_load((ROOT / "ovcf" / "profiles" / "demo.yaml").read_text())
    assert demo == defaults() and list(demo) == list(BY_NAME)
    assert all(p.allowed.admits(p.default) and p.meaning for p in BY_NAME.values())


def test_allowed_words_are_those_of_the_rooms_that_use_them():
    assert BY_NAME["equalisation"].allowed.words == EQUALISATIONS
    assert BY_NAME["trainable"].allowed.words == TRAINABLE


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_cells_are_short_and_empty_of_outputs(path):
    cells = json.loads(path.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] for cell in code)
    assert max(len("".join(cell["source"]).splitlines()) for cell in code) <= 25
    assert sum(cell["cell_type"] == "markdown" for cell in cells) >= len(code) * 0.5


def test_every_parameter_is_declared_by_one_notebook():
    paths = [path for path in NOTEBOOKS if path.stem in SEQUENCE]
    names = [name for path in paths for name in notebook_parameters(path) if name not in OF_A_NEW_RUN]
    assert sorted(names) == sorted(defaults())


def test_every_public_function_has_its_types():
    """Each argument and return of a public function or method of the package is annotated; `cls` and `self` aside."""
    bare = [name for path in sorted((ROOT / "ovcf").rglob("*.py")) for name in _untyped(path)]
    assert not bare


def _untyped(path):
    """Public functions of a file, and methods of its public classes, that lack a type."""
    scopes = [("", ast.parse(path.read_text(encoding="utf-8")))]
    for prefix, scope in scopes:
        for node in ast.iter_child_nodes(scope):
            public = not getattr(node, "name", "_").startswith("_")
            if isinstance(node, ast.ClassDef) and public:
                scopes.append((f"{node.name}.", node))
            elif isinstance(node, ast.FunctionDef) and public and not _typed(node):
                yield f"{path.relative_to(ROOT)}:{prefix}{node.name}"


def _typed(node):
    """Whether a function says what it takes and gives."""
    listed = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
    listed += [a for a in (node.args.vararg, node.args.kwarg) if a]
    return node.returns is not None and all(a.annotation for a in listed if a.arg not in ("self", "cls"))


def test_make_lab_roots_jupyterlab_where_reports_and_data_can_be_opened():
    told = subprocess.run(["make", "-n", "lab"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    root = re.search(r'--ServerApp.root_dir="([^"]+)"', told)[1]
    assert Path(root) == ROOT and all((ROOT / name).is_dir() for name in ("reports", "data", "notebooks"))
