"""Carry the notebooks and the published tables, which stand beside the package, into the wheel."""

import ast
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


def places():
    """Read `PLACES` of ovcf/shipped.py without importing the package."""
    tree = ast.parse((ROOT / "ovcf" / "shipped.py").read_text(encoding="utf-8"))
    node = next(n for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "PLACES")
    return ast.literal_eval(node.value)


class CarryAlong(build_py):
    """Build the package, then copy each place into `ovcf/shipped/`."""

    def run(self):
        super().run()
        if getattr(self, "editable_mode", False):
            return  # a checkout reads them where they are
        for name, folder in places().items():
            target = Path(self.build_lib) / "ovcf" / "shipped" / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(ROOT / folder, target, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))


setup(cmdclass={"build_py": CarryAlong})
