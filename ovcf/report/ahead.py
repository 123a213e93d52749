"""What later notebooks wait for, made beside the first ones, which keep one core busy.

These are the features of frozen trunks and the films of the second synthetic hospital. Each lies in a place of its own
under a lock: who comes second waits and finds it made. So nothing is made twice, no notebook knows of this, and one
that finds nothing makes it itself, as it does when opened by hand.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

from joblib.externals.loky import ProcessPoolExecutor

from ovcf.processes import SCHEDULER, end_with_parent
from ovcf.study import Study

WORTH = 500  # patches through trunks; for fewer a process takes longer to begin than it saves
LOOK = 0.5  # seconds between two looks whether the networks are trained
BEHIND = 19  # how far this stands back behind the notebooks, on the system's scale from 0 to 19


@contextmanager
def ahead_of(study: Study) -> Iterator[None]:
    """Make meanwhile, in a process of its own, what the notebooks of a run that is held will ask for; it ends with the
    block."""
    if not (worth_it(study) and _patches_cut(study)):
        yield
        return
    worker = ProcessPoolExecutor(1, initializer=_stand_back)
    made = worker.submit(make_ahead, study.run)
    try:
        yield
    finally:
        worker.shutdown(wait=True, kill_workers=not made.done())  # one that is killed leaves semaphores behind


def worth_it(study: Study) -> bool:
    """Whether this machine will run many patches through frozen trunks."""
    p = study.parameters
    here = SCHEDULER not in os.environ and p["workers"] > 1
    asked = len(study.patches) * len(p["networks"]) >= WORTH and p["trainable"] != "all"
    return here and asked and not study.holds("tables/predictions.csv")


def _patches_cut(study: Study) -> bool:
    """Cut the patches here, since one process at a time may note in a run what it made; no, where that fails."""
    with suppress(Exception):
        return len(study.images()) > 0
    return False


def make_ahead(run: Path) -> None:
    """Make all networks' features; when they are trained, the chosen one's in the other context; the other films.

    What goes wrong, here and when patches are cut, is not said: the notebook that needs the part meets the same, and
    says where. A GPU is left to the notebooks.
    """
    end_with_parent()

    from ovcf.external import second_hospital
    from ovcf.models.arithmetic import device

    with suppress(Exception):
        study = Study(run)
        p = study.parameters
        if device().type == "cpu":
            study.prepare_networks()
            while not study.holds("tables/predictions.csv"):
                time.sleep(LOOK)
            if p["other_context"]:
                study.prepare_networks([study.chosen], context=1 - p["context"])
        if p["external"] == "synthetic":
            second_hospital(p | {"workers": 1})


def _stand_back() -> None:
    """Leave the cores to the notebooks where they want them, and Ctrl-C to the process that waits for this one."""
    from tqdm import tqdm

    tqdm.set_lock(RLock())  # its usual one counts for all processes, and Python tells of it where this one is ended
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(BEHIND)
