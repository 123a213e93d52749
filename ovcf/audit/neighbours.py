"""Published neighbours of the paper as a table: what other studies report, and how their designs differ."""

from functools import cache

import pandas as pd

from ovcf.audit.published import published_folder
from ovcf.files import read_yaml

COLUMNS = ["study", "modality", "setting", "metric", "value", "patients", "split", "differs", "source"]


def neighbours() -> pd.DataFrame:
    """Return one row a published result: `COLUMNS`, values as printed; what a study's account lacks is "not stated".

    Source: data/published/neighbours.yaml. Results that only the paper cites say "as cited by the paper".

    Raises
    ------
    InputError
        Where data/published is not to be found.

    What it cannot see: whether cohorts, labels and thresholds compare; they do not in any row.
    """
    rows = []
    for study in _file()["studies"]:
        source = study["reference"] + (" (as cited by the paper)" if study["as_cited"] else "")
        known = {name: str(study.get(name, "not stated")) for name in ("modality", "patients", "split", "differs")}
        rows += [{"study": study["name"], **known, "source": source, **result} for result in study["results"]]
    return pd.DataFrame(rows)[COLUMNS]


def sentence_on_lateral_films() -> str:
    """Return the paper's sentence that no study used lateral films alone, and what stands beside it."""
    said = _file()["sentence"]
    return f"The paper says ({said['place']}): “{said['text']}” {said['beside']}"


@cache
def _file() -> dict:
    return read_yaml(published_folder() / "neighbours.yaml")
