"""A small run that needs neither torch nor a film on disk, for tests of the widgets."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

HOSTILE = '"><img src=x onerror="window.hacked=1"><script>window.hacked=2</script>'
THRESHOLD = 0.4  # not the default: who calls at 0.5 whatever the run says is seen


class FakeStudy:
    """What the widgets use of `ovcf.study.Study`, with `n` random patches of two networks."""

    chosen = "vgg16"
    label = "random numbers for tests"

    def __init__(self, run, n=120, hostile=False):
        rng = np.random.default_rng(5)
        self.run = run
        self.parameters = {
            "equalisation": "histogram",
            "margin_mm": 5.0,
            "margin_px": 4,
            "split": "patient",
            "threshold": THRESHOLD,
        }
        evil = HOSTILE if hostile else ""
        i = np.arange(n)
        self.patches = pd.DataFrame(
            {
                "patch_id": [f"S{k:05d}{evil}" for k in i],
                "patient_id": [f"P{k // 3:05d}{evil}" for k in i],
                "level": [("T12", "L1", "L2", "")[k % 4] for k in i],
                "region": [("at", "at", "below", "")[k % 4] for k in i],
                "label": [("fresh", "old")[k % 2] for k in i],
                "image": [f"films/{k // 3}{evil}.png" for k in i],
                "x0": 40.0,
                "y0": 20.0 + 60 * (i % 3),
                "x1": 110.0,
                "y1": 70.0 + 60 * (i % 3),
                "mm_per_px": np.nan,
                "age": 75.0,
                "sex": "female",
                "fold": 1 + (i // 3) % 5,
                "annotator_a_label": [("fresh", "old")[k % 2] + evil for k in i],
                "annotator_b_label": "old",
            }
        )
        ids = self.patches["patch_id"]
        rows = [
            pd.DataFrame({"network": name, "patch_id": ids, "p_fresh": rng.uniform(size=n)})
            for name in ("alexnet", "vgg16")
        ]
        self.predictions = pd.concat(rows, ignore_index=True)
        self._images = rng.integers(0, 255, (min(n, 500), 32, 32), dtype=np.uint8)
        self._film = rng.uniform(size=(240, 160)).astype(np.float32)

    def images(self, equalisation=None):
        n = len(self.patches)
        return np.broadcast_to(self._images[0], (n, 32, 32)) if n > 500 else self._images

    def film(self, patch_id):
        return SimpleNamespace(pixels=self._film, mm_per_px=float("nan"), spacing_origin="unknown", notes=())


class FakeModel:
    """A final model that calls a patch fresh by its mean grey."""

    network, digest, called_from = "alexnet", "d" * 64, THRESHOLD
    card = {
        "preprocessing": {"image_size": 32, "margin_mm": 5.0, "margin_px": 2, "equalisation": "none"},
        "interval": "a spread over folds",
        "synthetic": False,
        "data": {"kind": "films of real patients", "patches": 50, "patients": 20, "fresh": 25, "old": 25},
        "cross_validation": {"pooled_auc": 0.75, "split": "patient"},
        "margins_of_width": [0.05, 0.08, 0.1, 0.12, 0.2],
    }
    predictions = pd.DataFrame({"p_fresh": np.linspace(0, 1, 50), "truth": [0, 1] * 25})

    def predict(self, images):
        p = images.reshape(len(images), -1).mean(1) / 255
        return pd.DataFrame({"p_fresh": p, "low": p / 2, "high": p, "distance": 1.0, "unlike": p < 0.3})

    def members(self, images):
        return self.predict(images)[["p_fresh", "low", "high"]].to_numpy().T

    def similar(self, image, n):
        ids = [f"S{i}" for i in range(n)]
        return pd.DataFrame({"patch_id": ids, "label": "old", "level": "L1", "distance": 1.0})
