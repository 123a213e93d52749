"""What takes seconds the first time, done before anybody asks: torch is imported, the final model loaded and tried."""

import logging
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

QUIET_SECONDS = 0.5  # before it starts: the first page of tiles is asked for first


def load_ahead(model: Callable[[], Any]) -> threading.Timer:
    """Load a final model beside what the page is doing, and let it answer once, map and all; returns the thread.

    `model` returns the model or None, as `ovcf.viz.maps.final_model` makes it. What goes wrong here goes wrong again,
    and is said, when the page asks.
    """
    thread = threading.Timer(QUIET_SECONDS, _try_out, [model])
    thread.daemon = True
    thread.start()
    return thread


def _try_out(model: Callable[[], Any]) -> None:
    from ovcf.cohort.crop import crop_patch
    from ovcf.viz.maps import draw_map

    try:
        if (loaded := model()) is None:
            return
        how = loaded.card["preprocessing"]
        grey = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
        patch = crop_patch(grey, None, margin_px=0, size=how["image_size"], equalisation=how["equalisation"])
        loaded.predict(patch[None])
        draw_map(loaded, patch, "fresh", "")
    except Exception as error:
        logging.getLogger("ovcf").info("not loaded ahead: %s", error)
