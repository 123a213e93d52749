"""Class-activation maps as pictures, by a network that did not train on the patch where the run has it."""

import numpy as np

from ovcf.problems import InputError
from ovcf.viz.gallery import network_name
from ovcf.viz.image_data import Recent, png_bytes


class Maps:
    """Maps of a run's patches; the last two networks are kept, since loading one takes a second.

    Parameters
    ----------
    study : Study
    model : callable
        Returns the run's final model or None.
    """

    def __init__(self, study, model):
        self.study, self._model = study, model
        self._networks = Recent(self._load, keep=2)

    def of(self, row: dict, image: np.ndarray, network: str) -> tuple[bytes, str]:
        """Draw the map of a patch (uint8 as the network sees it): transparent PNG, and what it is.

        Raises ValueError when the run holds neither the fold's network nor a final model of this network.
        """
        net, whose = self._networks((network, int(row["fold"])))
        return draw_map(net, image, whose)

    def _load(self, key):
        network, fold = key
        unseen = self.study.parameters["split"]
        try:
            net = self._of_fold(network, fold)
            return net, f"By {network_name(network)} of fold {fold}, which was not trained on this {unseen}."
        except InputError as reason:
            model = self._model()
            if model is None or model.network != network:
                raise ValueError(f"No map of {network_name(network)}: {reason}") from reason
            return model.net, "By the final model, which was trained on all patches, this one too."

    def _of_fold(self, network, fold):
        from ovcf.models.fold_models import RECIPE, fold_network

        study, p = self.study, self.study.parameters
        recipe = {name: p[name] for name in RECIPE}
        where = {"cache": study.run / "cache", "weights": p["weights"]}
        return fold_network(study.images(), study.patches, network, fold, **where, **recipe)


def draw_map(net, image: np.ndarray, whose: str) -> tuple[bytes, str]:
    """Map of one patch by a network or final model: transparent PNG (s, s), and the words that go with it.

    The colours are viridis, which colour-blind readers can put in order; weak places are left clear.
    """
    from matplotlib import colormaps

    from ovcf.models.explain import CAM_NOTE, activation_map

    strength = activation_map(net, image)  # (s, s) in [0, 1]
    colours = colormaps["viridis"](strength, bytes=True)
    colours[..., 3] = np.round(255 * np.clip(strength * 1.6, 0, 1)).astype(np.uint8)
    return png_bytes(colours), f"{whose} {CAM_NOTE}"
