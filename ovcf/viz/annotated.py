"""The clinician's tab on how a run's vertebrae were marked, and how flagged ones are marked anew."""

import shlex
from pathlib import Path
from typing import Any

from ovcf.annotation.protocol import protocol_sheet
from ovcf.annotation.state import read_state, remarks
from ovcf.annotation.work import FILE, FOLDER
from ovcf.viz.flags import FlagStore
from ovcf.viz.widget import Asked, script, style


def annotation_of(study: Any) -> Path | None:
    """Return the folder in which a run's films were annotated with `ovcf annotate`, None where they were not."""
    data = Path(study.parameters["data"])
    folder = data if data.is_dir() else data.parent
    return folder if (folder / FOLDER / FILE).is_file() else None


class Annotated(Asked):
    """Show the protocol of a cohort's annotation; nothing is marked here, where the model's answers stand.

    Parameters
    ----------
    study : ovcf.study.Study
    cohort : folder of the annotation.
    """

    _esm = script("common.js", "annotated.js")
    _css = style("base.css", "annotate.css")

    def __init__(self, study: Any, cohort: Path) -> None:
        super().__init__()
        self.study, self.cohort = study, cohort

    def answer_hello(self) -> Any:
        """The protocol and what must be known, as the journals are now; how many are flagged, and the commands."""
        state = read_state(self.cohort)
        flagged = FlagStore(self.study.run / "flags.csv").standing()["patch_id"].nunique()
        begin = ["ovcf", "annotate", "--out", str(self.cohort)]
        commands = {
            "again": shlex.join([*begin, "--flags", str(self.study.run)]),
            "joint": shlex.join([*begin, "--consensus"]),
        }
        rows = protocol_sheet(state).to_dict("records")
        return {"protocol": rows, "remarks": remarks(state), "flagged": int(flagged), **commands}, []
