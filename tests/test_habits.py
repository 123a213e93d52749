"""How the package is written: parameters, types, docstrings and defaults of every public function."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
# What a statistic takes where nothing is said is the same everywhere (None: judged by the readings themselves)
DEFAULTS = {"level": {"0.95"}, "alpha": {"0.05"}, "threshold": {"0.5", "None"}, "replicates": {"2000", "10000"}}
DEFAULTS |= {"seed": {"0", "None"}}


class Public(NamedTuple):
    """A public function or method and where it stands."""

    place: str
    node: ast.FunctionDef

    @property
    def parameters(self) -> list[ast.arg]:
        of = self.node.args
        return [a for a in [*of.posonlyargs, *of.args, *of.kwonlyargs] if a.arg not in ("self", "cls")]

    @property
    def defaults(self) -> dict[str, str]:
        of = self.node.args
        positional = zip(reversed([*of.posonlyargs, *of.args]), reversed(of.defaults), strict=False)
        named = zip(of.kwonlyargs, of.kw_defaults, strict=True)
        return {arg.arg: ast.unparse(value) for arg, value in [*positional, *named] if value is not None}


def public(room: str = "ovcf") -> list[Public]:
    return [
        Public(f"{path.relative_to(ROOT)}: {name}", node)
        for path in sorted((ROOT / room).rglob("*.py"))
        for name, node in _found(ast.parse(path.read_text(encoding="utf-8")))
    ]


def _found(tree: ast.Module | ast.ClassDef, within: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield within + node.name, node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _found(node, f"{within}{node.name}.")


def test_no_public_function_has_more_than_eight_parameters():
    spread = {f.place: bool(f.node.args.vararg) + bool(f.node.args.kwarg) for f in public()}
    counted = {f.place: len(f.parameters) + spread[f.place] for f in public()}
    assert {place: n for place, n in counted.items() if n > 8} == {}


def test_every_argument_and_return_of_a_public_function_is_typed():
    bare = [f.place for f in public() if f.node.returns is None or any(a.annotation is None for a in f.parameters)]
    assert bare == []


def test_a_probability_is_called_by_the_threshold_that_is_given_and_by_no_number():
    fixed = [
        f"{path.relative_to(ROOT)}, line {node.lineno}"
        for room in ("stats", "study", "models", "predict", "figures", "tables", "report", "viz", "external.py")
        for path in ([ROOT / "ovcf" / room] if "." in room else (ROOT / "ovcf" / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.GtE)
        and isinstance(node.comparators[0], ast.Constant) and node.comparators[0].value == 0.5
    ]  # fmt: skip
    assert fixed == []


def test_every_public_function_says_what_it_does():
    # Methods whose name says all are let through, and functions that a registry enters under their name; others never.
    plain = [f for f in public() if "." not in _name(f) and not f.node.decorator_list]
    assert [f.place for f in plain if not ast.get_docstring(f.node)] == []


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_a_statistic_takes_unless_told_is_the_same_everywhere(name):
    given = {f.place: f.defaults[name] for f in public("ovcf/stats") if name in f.defaults}
    assert given and {place: value for place, value in given.items() if value not in DEFAULTS[name]} == {}


# What notebooks call of the statistics that counts, names or deals, and so estimates nothing
COUNTS = set(
    "added box_sizes filled_cells fold_counts level_counts patients_of patients_summary table1 probability_counts "
    "stard_flow fold_table network_average network_folds network_point reader_points fold_curves roc_points "
    "threshold_rules cross_fitted deal_patients updated_probabilities".split()
)
CHECKS = {
    "ovcf/audit": re.compile(r"check_(?!references|folds|any_folds)"),
    "ovcf/intake/check": re.compile(
        "alike_ids|bad_patches|class_balance|confounder_table|contradictions|copied_|disagreements|double_|doubtful_|"
        "exact_copies|header_(patients|against)|imbalance|named_patients|near_copies|odd_|text_"
    ),
    "ovcf/intake/deidentify": re.compile("deidentify$|hits_"),
}


def analyses() -> set[str]:
    """Where the statistics stand that the notebooks call (`Public.place`)."""
    called = set()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        source = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        origin, tree = {}, ast.parse(re.sub(r"^%.*", "", source, flags=re.MULTILINE))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ovcf.stats"):
                origin |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id=name)) if name in origin:
                    called.add(_place(*origin[name]))
                case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)) if module in origin:
                    called.add(_place(".".join(origin[module]), name))
    return called


def _place(module: str, name: str) -> str:
    return f"{module.replace('.', '/')}.py: {name}"


def _name(function: Public) -> str:
    return function.place.split(": ")[1]


def test_every_check_and_every_analysis_ends_with_what_it_cannot_see():
    checks = [f for room, pattern in CHECKS.items() for f in public(room) if pattern.match(_name(f))]
    wanted = {place for place in analyses() if place.split(": ")[1] not in COUNTS}
    estimates = [f for f in public("ovcf/stats") if f.place in wanted]
    assert len(checks) > 40 and len(wanted) > 20 and {f.place for f in estimates} == wanted
    silent = [f.place for f in checks + estimates if not _ends_with_it(f)]
    assert silent == []


def _ends_with_it(function: Public) -> bool:
    return re.search("annot see", (ast.get_docstring(function.node) or "").split("\n\n")[-1]) is not None


def test_no_docstring_says_what_it_cannot_see_before_its_end():
    said = [f for f in public() if "annot see:" in (ast.get_docstring(f.node) or "")]
    assert [f.place for f in said if not _ends_with_it(f)] == []
