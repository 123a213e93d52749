"""A model that is loaded beside the page: torch is imported by the thread that answers, never by the other."""

import subprocess
import sys
from pathlib import Path

import pytest

# A torch that takes a while to import stands for the real one, in a process that knows none: it tells which thread
# imports it, and half imported it makes SciPy fail as the real one does.
BEGIN = """
import sys, threading, time
from importlib.machinery import ModuleSpec
from pathlib import Path
sys.path.insert(0, {tests!r})
import clinician_fakes, numpy as np
from ovcf.viz import maps
from scipy.ndimage import zoom
importers = []
class Slow:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name == "torch" else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        importers.append(threading.current_thread().name)
        time.sleep(0.5)
        module.Tensor = type("Tensor", (), {{}})
sys.meta_path.insert(0, Slow())
def model():
    import torch
    time.sleep(0.2)
def answers():
    from scipy._lib.array_api_compat.numpy import concat  # what a first question imports
    from scipy._lib._array_api import array_namespace, is_torch
    from scipy._lib.array_api_compat import is_torch_array
    assert not is_torch_array(np.ones(2)) and zoom(np.ones((4, 4)), 2).shape == (8, 8)
study = clinician_fakes.FakeStudy(Path({folder!r}))
"""
WAYS = {
    "similar patches": """
from ovcf.viz.browser import Browser
browser = Browser(study, model=model)
assert browser.ask("similar", patch_id="S00000", network="vgg16")[0]["loading"]
""",
    "ahead of the reader": "maps.load_ahead(model)",
    "the reading room": """
from ovcf.reading.plan import make_plan
from ovcf.viz.reading_room import ReadingRoom
make_plan(study.patches, study.run / "readings", cases=6, arms=("unaided", "aided"))
ReadingRoom(study, model=model).load_ahead()
""",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_model_loads_beside_the_page_and_never_half_imports_torch_under_it(way, tmp_path):
    begin = BEGIN.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    check = "\nanswers()\nassert importers == ['MainThread'], importers"
    done = subprocess.run([sys.executable, "-c", begin + WAYS[way] + check], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
