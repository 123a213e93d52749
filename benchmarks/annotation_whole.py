"""The whole way at once: six films, two annotators (one in JupyterLab), a joint session, a study run to its report.

    python benchmarks/annotation_whole.py

The browser test of the annotation room with what `make test` leaves out of it: the second annotator marks all films in
JupyterLab, and `ovcf run` is carried out on the manifest that they wrote (two folds, AlexNet at 64 px). Needs a
Chromium and the real frontal films beside the checkout. Prints how far a box moved at most and how many marks were
kept; exits with pytest's status.
"""

import os
import subprocess
import sys
from pathlib import Path

TEST = Path(__file__).resolve().parents[1] / "tests" / "browser" / "test_annotation.py"


def main() -> int:
    """Run the test whole."""
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:xdist", "--durations=3", str(TEST)]
    return subprocess.run(command, env={**os.environ, "OVCF_WHOLE": "1"}, cwd=TEST.parents[2]).returncode


if __name__ == "__main__":
    sys.exit(main())
