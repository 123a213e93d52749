"""Would a test notice? Mutants of the code that prints: tables, figures, the brief, and the summaries behind them.

    python benchmarks/mutation.py [how many, 400] [--seed 10] [--workers 2] [--only MODULE]

Each mutant is one change of one module, drawn at random from all that the operators below can make, and run against
the fast tests of that module alone. What survives is listed as it is found, with its line before and after. Words of
docstrings, and how a line looks (`LOOKS`: width, size, place of a legend), are not changed: no test should hold them.
"""

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import multiprocessing
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import NamedTuple

import grimp

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = (
    60  # seconds of processor time a mutant's tests may take, so that an endless loop ends: a full machine does not
)

PRINTED = ("test_printed_tables.py", "test_show.py", "test_html.py")
EXTERNAL = ("test_external_tables.py",)
FIGURES = ("test_audit_figures.py", "test_cohort_figures.py", "test_network_figures.py", "test_reader_figures.py")
CAPTIONS = ("cohort", "networks", "published", "readers", "words")
MODULES: dict[str, tuple[str, ...]] = {
    **{f"ovcf.tables.captions.{name}": ("test_captions.py",) for name in CAPTIONS},
    "ovcf.tables.cohort": PRINTED,
    "ovcf.tables.external": EXTERNAL,
    "ovcf.tables.html": PRINTED,
    "ovcf.tables.networks": PRINTED,
    "ovcf.tables.readers": PRINTED,
    "ovcf.tables.runs": ("test_run_tables.py",),
    "ovcf.tables.seeds": ("test_run_tables.py", *PRINTED),
    "ovcf.tables.show": PRINTED,
    "ovcf.stats.cohort": PRINTED,
    "ovcf.stats.summaries": PRINTED,
    "ovcf.stats.readers.summaries": PRINTED,
    "ovcf.report.brief": ("test_brief.py",),
    "ovcf.sentences.results": ("test_sentences.py", "test_brief.py"),
    "ovcf.figures.audit": FIGURES[:1],
    "ovcf.figures.cohort": FIGURES[1:2],
    "ovcf.figures.external": EXTERNAL,
    "ovcf.figures.networks": FIGURES[2:3],
    "ovcf.figures.readers": FIGURES[3:],
    "ovcf.figures.show": ("test_figure_show.py",),
    "ovcf.figures.style": (*FIGURES, "test_style.py"),
}
# Words that were exchanged once, or could be: each stands for the other, in names and in texts alike
EXCHANGED = [
    ("fresh", "old"), ("low", "high"), ("aided", "unaided"), ("helpful", "harmful"), ("model", "panel"),
    ("by_patient", "by_patch"), ("sensitivity", "specificity"), ("ppv", "npv"), ("tp", "tn"), ("fn", "fp"),
    ("x0", "x1"), ("y0", "y1"), ("width", "height"), ("mean", "sd_ddof1"), ("first", "second"), ("female", "male"),
    ("threshold_min", "threshold_max"), ("p", "p_holm"), ("estimate", "low"), ("printed", "recomputed"),
    ("smallest_p", "largest_p"), ("before", "after"), ("observed", "predicted"), ("treat_all", "treat_none"),
]  # fmt: skip
SWAP = {a: b for pair in EXCHANGED for a, b in (pair, pair[::-1])}
LOOKS = set(
    "lw ms s alpha zorder fontsize labelsize fontweight width height_ratios width_ratios figsize dpi pad loc rotation "
    "ha va color colour colours c ec fc mfc mec ecolor ls marker hatch fmt cmap boxstyle arrowstyle arrowprops bbox "
    "capstyle solid_capstyle elinewidth vmin vmax xytext textcoords transform frameon length constrained_layout "
    "aspect align gridspec_kw squeeze sharex sharey ncols borderpad font_scale style context which axis".split()
)
CALLS_OF_LOOKS = {"tick_params", "grid", "set_axisbelow", "set_visible", "margins", "minorticks_off", "set_theme"}
COMPARED = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
COMPUTED = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Mod: ast.Mult, ast.Pow: ast.Mult,
}  # fmt: skip


class Mutant(NamedTuple):
    """A change: the module, what kind, the line, and the changed source."""

    module: str
    kind: str
    line: int
    before: str
    after: str
    source: str


# Drawing ----------------------------------------------------------------------------------------------------


def mutants_of(module: str) -> list[Mutant]:
    """Make every mutant of a module, in the order of its source."""
    path = _path(module)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    plain, found = ast.unparse(tree).splitlines(), []
    for place, node in enumerate(_open_to_change(tree)):
        for kind, number in _changes(node):
            changed = copy.deepcopy(tree)
            _apply(_open_to_change(changed)[place], kind, number)
            source = ast.unparse(ast.fix_missing_locations(changed))
            lines = source.splitlines()
            where = next((i for i, (a, b) in enumerate(zip(plain, lines, strict=False)) if a != b), None)
            if where is not None and not _same_by_definition(plain[where], lines[where]):
                found.append(Mutant(module, kind, node.lineno, plain[where].strip(), lines[where].strip(), source))
    return found


def _same_by_definition(before: str, after: str) -> bool:
    """Whether both lines mean the same in Python: `return None` and `return`, `zip(..., strict=False)` without it."""
    return before.replace("return None", "return").replace(", strict=False", "") == after


def _path(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def _open_to_change(tree: ast.AST) -> list[ast.AST]:
    """Nodes that may be changed: no docstring, no annotation, nothing that only says how a line looks."""
    found: list[ast.AST] = []

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.keyword) and node.arg in LOOKS:
            return
        if isinstance(node, ast.Call) and getattr(node.func, "attr", None) in CALLS_OF_LOOKS:
            return
        if isinstance(node, ast.Dict) and _of_looks(node):
            return
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionType):
            return
        found.append(node)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "bases"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _is_docstring(node, child):
                    visit(child)

    visit(tree)
    return [node for node in found if hasattr(node, "lineno")]


def _of_looks(node: ast.Dict) -> bool:
    keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
    return bool(keys) and set(keys) <= LOOKS


def _is_docstring(parent: ast.AST, child: ast.AST) -> bool:
    text = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant) and isinstance(child.value.value, str)
    return text and isinstance(parent, ast.Module | ast.FunctionDef | ast.ClassDef)


def _changes(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Ways to change a node: kind, and which of several."""
    match node:
        case ast.Compare():
            yield from (("compare", i) for i, op in enumerate(node.ops) if type(op) in COMPARED)
        case ast.BinOp() if type(node.op) in COMPUTED:
            yield "compute", 0
        case ast.BoolOp():
            yield "and-or", 0
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield "sign", 0
        case ast.IfExp() | ast.If():
            yield "condition", 0
        case ast.Constant(value=bool()):
            yield "truth", 0
        case ast.Constant(value=int() | float()):
            yield "number", 0
        case ast.Constant(value=str()) if _exchanged(node.value):
            yield "exchange", 0
        case ast.Attribute() | ast.Name() if _exchanged(_name(node)):
            yield "exchange", 0
        case ast.Expr(value=ast.Call()) | ast.AugAssign():
            yield "drop", 0
        case ast.Return() if node.value is not None:
            yield "nothing", 0
        case ast.Call():
            yield from (("argument", i) for i, word in enumerate(node.keywords) if word.arg and word.arg not in LOOKS)


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id


def _exchanged(text: str) -> str | None:
    """The text with its word exchanged for its opposite; None where it has none."""
    if text in SWAP:
        return SWAP[text]
    for word, other in SWAP.items():
        for joined, put in ((f"{word}_", f"{other}_"), (f"_{word}", f"_{other}")):
            if len(word) > 2 and (text.startswith(joined) or text.endswith(joined)):
                return text.replace(joined, put, 1)
    return None


def _apply(node: ast.AST, kind: str, number: int) -> None:
    """Change a node in place."""
    match kind:
        case "compare":
            node.ops[number] = COMPARED[type(node.ops[number])]()
        case "compute":
            node.op = COMPUTED[type(node.op)]()
        case "and-or":
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case "sign":
            node.op = ast.UAdd() if isinstance(node.op, ast.USub) else ast.Not()
            if isinstance(node.op, ast.Not):
                node.operand = ast.UnaryOp(ast.Not(), node.operand)
        case "condition":
            node.test = ast.UnaryOp(ast.Not(), node.test)
        case "truth":
            node.value = not node.value
        case "number":
            node.value = node.value + 1
        case "exchange":
            if isinstance(node, ast.Constant):
                node.value = _exchanged(node.value)
            else:
                setattr(node, "attr" if isinstance(node, ast.Attribute) else "id", _exchanged(_name(node)))
        case "drop":
            node.__class__ = ast.Pass
        case "nothing":
            node.value = None
        case "argument":
            del node.keywords[number]


# Running ----------------------------------------------------------------------------------------------------


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from changed source."""

    def __init__(self, mutant: Mutant):
        self.mutant = mutant

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == self.mutant.module else None

    def exec_module(self, module):
        module.__file__ = str(_path(self.mutant.module))
        exec(compile(self.mutant.source, module.__file__, "exec"), module.__dict__)


def survives(mutant: Mutant | None, tests: tuple[str, ...]) -> bool:
    """Run tests against a mutant (None: the code as it is) in a process of its own; whether they pass."""
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_tests_pass, args=(mutant, tests))
    child.start()
    child.join()
    return child.exitcode == 0


def _tests_pass(mutant: Mutant | None, tests: tuple[str, ...]) -> None:
    """Exit with pytest's status, in silence."""
    import pytest

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1), os.dup2(silence, 2)
    if mutant is not None:
        sys.meta_path.insert(0, _Changed(mutant))
        _forget(mutant.module)
    os.chdir(ROOT)
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--tb=no", "--assert=plain"]
    os._exit(pytest.main([*options, *(f"tests/{name}" for name in tests)]))


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("ovcf", cache_dir=None)


def _forget(module: str) -> None:
    """Drop a module, and every one of ours that may have taken something of it, so that they are imported anew."""
    for name in (module, *_graph().find_downstream_modules(module)):
        package, _, own = name.rpartition(".")
        if sys.modules.pop(name, None) is not None and package in sys.modules:
            vars(sys.modules[package]).pop(own, None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=400)
    parser.add_argument("--seed", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", help="draw from this module alone")
    args = parser.parse_args()
    _load_all()
    every = [m for module in MODULES if args.only in (None, module) for m in mutants_of(module)]
    drawn = random.Random(args.seed).sample(every, min(args.count, len(every)))
    print(f"{len(every)} mutants of {len({m.module for m in every})} modules, {len(drawn)} drawn with seed {args.seed}")
    for tests in sorted({MODULES[m.module] for m in drawn}):
        if not survives(None, tests):
            print(f"the tests fail without a mutant: {', '.join(tests)}")
            return 1
    started = time.monotonic()
    alive = []
    with ThreadPoolExecutor(args.workers) as pool:
        for mutant, survived in zip(drawn, pool.map(lambda m: survives(m, MODULES[m.module]), drawn), strict=True):
            alive.append(survived)
            if survived:
                print(
                    f"{mutant.module}:{mutant.line} {mutant.kind}\n  - {mutant.before}\n  + {mutant.after}", flush=True
                )
            print(f"\r{len(alive)} of {len(drawn)}, {sum(alive)} alive", end="", file=sys.stderr, flush=True)
    _report(drawn, alive, time.monotonic() - started)
    return 0


def _load_all() -> None:
    """Import once what every child needs, before it is forked; each imports anew what a mutant changes."""
    import hypothesis  # noqa: F401
    import matplotlib

    matplotlib.use("agg")
    import bs4  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import statsmodels.api  # noqa: F401

    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT / "tests"))
    for name in sorted({name for tests in MODULES.values() for name in tests}):
        importlib.import_module(name.removesuffix(".py"))  # and with it what it stands on
        del sys.modules[name.removesuffix(".py")]
    sys.modules.pop("conftest", None)
    _graph()


def _report(drawn: list[Mutant], alive: list[bool], seconds: float) -> None:
    """Print the share that was killed, module by module."""
    total, killed = (
        Counter(m.module for m in drawn),
        Counter(m.module for m, a in zip(drawn, alive, strict=True) if not a),
    )
    print()
    for module, n in sorted(total.items()):
        print(f"{module:32}{killed[module]:5} of {n:4} killed")
    n = len(drawn)
    print(f"{'all':32}{n - sum(alive):5} of {n:4} killed: {1 - sum(alive) / n:.1%} in {seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
