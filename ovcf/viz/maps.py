"""Class-activation maps as pictures, by a network that did not train on the patch where the run has it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ovcf.predict import load_model
from ovcf.problems import InputError
from ovcf.viz.gallery import network_name
from ovcf.viz.image_data import Recent, png_bytes

FIRST = ("pydicom", "skimage.exposure.exposure")  # what the first patch in detail waits for


def final_model(study: Any) -> Any:
    """A function that loads a run's final model when first called (torch takes seconds), None without one."""
    one_at_a_time = threading.Lock()  # a second caller waits for the first one's model

    @cache
    def load():
        if not (Path(study.run) / "model").is_dir():
            return None
        loaded = load_model(study.run)
        _try_out(loaded)
        return loaded

    def model():
        with one_at_a_time:
            return load()

    return model


def in_background(model: Callable[[], Any]) -> Future:
    """Load a model in a thread, while the page goes on; returns its future.

    Torch is imported here, by the thread that answers the page, and never by the other: SciPy, scikit-image and
    matplotlib look whether an array is torch's as soon as torch stands among the modules, so what the page asks while
    another thread is still importing it fails ("partially initialized module 'torch'").
    """
    import_module("torch")
    future: Future = Future()

    def load():
        try:
            future.set_result(model())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=load, name="final model", daemon=True).start()  # a page that is left waits for nothing
    return future


def load_ahead(model: Callable[[], Any]) -> None:
    """Import what a page's first patch needs, at once, and load a final model beside what the page is doing.

    `model` is what `final_model` returns. The imports belong to the cell, which a waiting kernel runs ahead of its
    reader: done later they would hold up the kernel while the page asks it for its widgets, and a page that is kept
    waiting for four seconds gives up. What goes wrong with the model goes wrong again, and is said, when the page asks.
    """
    for name in FIRST:
        import_module(name)
    in_background(model)


def _try_out(model: Any) -> None:
    """Let a model answer once, map and all: what the first answer imports takes longer than the answer."""
    from ovcf.cohort.crop import crop_patch

    how = model.card["preprocessing"]
    grey = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    patch = crop_patch(grey, None, margin_px=0, size=how["image_size"], equalisation=how["equalisation"])
    model.predict(patch[None])
    draw_map(model, patch, "fresh", "")


class Maps:
    """Maps of a run's patches; the last two networks are kept, since loading one takes a second.

    Parameters
    ----------
    study : Study
    model : callable
        Returns the run's final model or None.
    """

    def __init__(self, study: Any, model: Any) -> None:
        self.study, self._model = study, model
        self._networks = Recent(self._load, keep=2)

    def of(self, row: dict, image: np.ndarray, network: str, called: str) -> tuple[bytes, str]:
        """Draw what spoke for the class a patch was called: transparent PNG, and words on what it is.

        `image` is the patch as the network sees it, uint8 (s, s); `called` is "fresh" or "old".

        Raises ValueError when the run holds neither the fold's network nor a final model of this network.
        """
        net, whose = self._networks((network, int(row["fold"])))
        return draw_map(net, image, called, whose)

    def _load(self, key):
        network, fold = key
        try:
            net = self._of_fold(network, fold)
        except InputError as reason:
            model = self._model()
            if model is None or model.network != network:
                raise ValueError(f"No map of {network_name(network)}: {reason}") from reason
            return model.net, "By the final model, which was trained on all patches, this one too."
        unseen = self.study.parameters["split"]
        return net, f"By {network_name(network)} of fold {fold}, which was not trained on this {unseen}."

    def _of_fold(self, network, fold):
        """The fold's network: out of the final model's folder, which is loaded ahead, else out of the run's cache."""
        if network == self.study.chosen and (model := self._model()) is not None:
            return model.net_of_fold(fold)
        from ovcf.models.crossval import fold_network

        study = self.study
        return fold_network(study.images(), study.patches, network, fold, study.recipe, study.run / "cache")


def draw_map(net: Any, image: np.ndarray, called: str, whose: str) -> tuple[bytes, str]:
    """Map of one patch by a network or final model: transparent PNG (s, s), and the words that go with it.

    It shows the class the patch was called: for a patch called old, what spoke for fresh is mostly nothing.

    The colours are viridis, which colour-blind readers can put in order; weak places are left clear.
    """
    from matplotlib import colormaps

    from ovcf.models.explain import CAM_NOTE, activation_map

    strength = activation_map(net, image, target=called)  # (s, s) in [0, 1]
    colours = colormaps["viridis"](strength, bytes=True)
    colours[..., 3] = np.round(255 * np.clip(strength * 1.6, 0, 1)).astype(np.uint8)
    shown = f"What spoke for {called}." if strength.any() else f"No region spoke for {called}."
    note = CAM_NOTE.replace("score for fresh", f"score for {called}")
    return png_bytes(colours), f"{shown} {whose} {note}"
