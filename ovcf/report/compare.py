"""Runs side by side on one page: parameters that differ, metrics, paired differences, folds, training seeds, times."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ovcf.files import write_text
from ovcf.problems import InputError, Problem
from ovcf.profiles.parameters import ANYWHERE
from ovcf.report.templating import environment, style
from ovcf.run_folder import read_record
from ovcf.stats.rates import METRICS, fold_table
from ovcf.stats.runs import over_seeds, paired_runs, shared_patches
from ovcf.study import Study
from ovcf.tables.runs import difference_rows, fold_rows, metric_rows, time_rows
from ovcf.tables.seeds import seed_rows
from ovcf.tables.show import Shown, p_value, show
from ovcf.words import network_title

COHORT = ("data", "patients", "seed")  # parameters that make another synthetic cohort, whose ids are the same

PAIRED_WORDS = (
    "Each run less the first, on the patches that both have (same film, box, patient and label), called fresh from the "
    "first run's threshold on. The trained networks "
    "are held fixed: the intervals say how the differences would vary with other patients."
)
SEED_WORDS = "Runs that differ in the training seed alone: same cohort, folds and random trunks, trained anew."


class Run(NamedTuple):
    """What is compared of a run."""

    name: str
    study: Study
    record: dict[str, Any]

    @property
    def mine(self) -> pd.DataFrame:
        """Predictions of the chosen network."""
        return self.study.predictions[self.study.predictions.network == self.study.chosen]


def write_comparison(runs: list[Path], out: Path) -> Path:
    """Write one self-contained page that compares runs, and each of its tables as CSV beside it.

    Parameters
    ----------
    runs : folders of two complete runs or more; differences are to the first. They are only read.
    out : file of the page; the tables are `<name>_<table>.csv` in its folder.

    Raises
    ------
    InputError
        For a folder that holds no complete run, and for fewer than two.
    """
    opened = open_runs(runs)
    tables = compared(opened)
    out = Path(out).absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_text(out.with_name(f"{out.stem}_{name}.csv"), table.to_csv(index=False))
    page = environment().get_template("compare.html.j2").render(
        runs=[{"name": run.name, "data": run.record["data"], "started": run.record["started"]} for run in opened],
        synthetic=any(run.record["synthetic"] for run in opened),
        sections=[(title, words, [shown._repr_html_() for shown in parts]) for title, words, parts in shown(tables)],
        css=style("page"),
    )  # fmt: skip
    write_text(out, page)
    return out


def open_runs(runs: list[Path]) -> list[Run]:
    """Open complete runs for reading, each under a name of its own; InputError names those that are none."""
    paths, opened, problems = [Path(run).resolve() for run in runs], [], []
    if len(set(paths)) < 2:
        problems.append(Problem("runs", "a comparison needs two runs or more", found=", ".join(map(str, runs))))
    for path in dict.fromkeys(paths):
        record = read_record(path)
        if record.get("status") != "complete":
            problems.append(Problem("run", f"holds no complete run ({record.get('status', 'no record')})", str(path)))
            continue
        same = sum(other.name == path.name for other in paths) > 1
        opened.append(Run(f"{path.parent.name}/{path.name}" if same else path.name, Study(path, adds=False), record))
    if problems:
        raise InputError(problems)
    return opened


def compared(runs: list[Run]) -> dict[str, pd.DataFrame]:
    """Return the tables of a comparison as numbers: parameters, metrics, differences, seeds, folds, times."""
    metrics = pd.concat([_metrics(run) for run in runs], ignore_index=True)
    return {
        "parameters": differing(runs),
        "metrics": metrics,
        "differences": pd.concat([_differences(runs[0], run) for run in runs[1:]], ignore_index=True),
        "seeds": over_seeds(_by_recipe(runs, metrics), list(METRICS)),
        "folds": pd.concat([_folds(run) for run in runs], ignore_index=True),
        "times": pd.DataFrame([_times(run) for run in runs]),
    }


def differing(runs: list[Run]) -> pd.DataFrame:
    """Return the parameters in which runs differ, one row a run; those that no number depends on are left out."""
    values = {run.name: run.study.parameters for run in runs}
    names = [
        name
        for name in runs[0].study.parameters
        if name not in ANYWHERE and len({_text(each[name]) for each in values.values()}) > 1
    ]
    return pd.DataFrame([{"run": run, **{n: _text(each[n]) for n in names}} for run, each in values.items()])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _metrics(run: Run) -> pd.DataFrame:
    """Pooled metrics of the chosen network, as the run has them."""
    table = run.study.table("table3_intervals")[["metric", "estimate", "low", "high", "method"]]
    return table.assign(network=run.study.chosen).assign(run=run.name)[["run", "network", *table]]


def _differences(first: Run, second: Run) -> pd.DataFrame:
    """Each network that both runs trained, and the chosen ones where these are two, paired on the shared patches."""
    shared = pd.Index([])
    if all(first.study.parameters[n] == second.study.parameters[n] for n in COHORT) or not first.study.synthetic:
        shared = shared_patches(first.study.patches, second.study.patches)
    ours, theirs = first.study.predictions, second.study.predictions
    names = [(name, name) for name in dict.fromkeys(ours.network) if (theirs.network == name).any()]
    if first.study.chosen != second.study.chosen:
        names.insert(0, (first.study.chosen, second.study.chosen))
    rows = []
    for one, other in names if len(shared) else []:
        threshold = first.study.parameters["threshold"]
        pair = paired_runs(ours[ours.network == one], theirs[theirs.network == other], shared, threshold=threshold)
        rows.append(
            pair.assign(networks=network_title(other) + (f" less {network_title(one)}" if one != other else ""))
        )
    about = {"run": second.name, "against": first.name, "shared": len(shared)}
    about |= {"patches_here": len(second.study.patches), "patches_there": len(first.study.patches)}
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame([{"networks": ""}])
    return table.assign(**about)[[*about, *table]]


def _by_recipe(runs: list[Run], metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a run: its training seed, its metrics, and in words what else tells its recipe from the others."""
    rows = []
    others = [name for name in differing(runs).columns[1:] if name != "training_seed"]
    for run in runs:
        p = run.study.parameters
        group = ", ".join(f"{name} {_text(p[name])}" for name in others) or "all runs"
        mine = metrics[metrics.run == run.name].set_index("metric").estimate
        seed = p["seed"] if p["training_seed"] < 0 else p["training_seed"]
        rows.append(
            {"group": f"{group}: {network_title(run.study.chosen)}", "training_seed": seed, **mine[list(METRICS)]}
        )
    return pd.DataFrame(rows)


def _folds(run: Run) -> pd.DataFrame:
    table = fold_table(run.mine, run.study.parameters["threshold"])
    return table.assign(run=run.name)[["run", "network", "fold", "n", "auc", "accuracy"]]


def _times(run: Run) -> dict[str, Any]:
    """Seconds of each notebook, and where they were spent."""
    seconds = run.record["notebooks"]
    return {"run": run.name, **seconds, "all notebooks": sum(seconds.values()), "machine": run.record["machine"]}


def shown(tables: dict[str, pd.DataFrame]) -> list[tuple[str, str, list[Shown]]]:
    """Say the tables of a comparison: title, what it is, tables as printed."""
    differs = len(tables["parameters"].columns) > 1
    what = "Parameters that are not the same in all runs." if differs else "The runs have the same parameters."
    clustered = "[95 % interval, clustered by patient]"
    differences = show(
        difference_rows(tables["differences"]), f"Difference {clustered}", formats={"p of the AUC": p_value}
    )
    sections = [
        ("What differs", what, [show(tables["parameters"], "Parameters")]),
        (
            "Metrics",
            "The chosen network of each run, all patches pooled over folds.",
            [show(metric_rows(tables["metrics"]), f"Estimate {clustered}")],
        ),
        ("Paired differences", PAIRED_WORDS, [differences]),
    ]
    if len(tables["seeds"]):
        sections.append(("Training seeds", SEED_WORDS, [show(seed_rows(tables["seeds"]), "Mean ± SD (ddof 1)")]))
    folds, times = show(fold_rows(tables["folds"]), "AUC (patches)"), show(time_rows(tables["times"]), "Seconds")
    return [
        *sections,
        ("Folds", "The chosen network of each run, fold by fold.", [folds]),
        ("Times", "Seconds by notebook, as each run recorded them; what was cached was not made again.", [times]),
    ]
