"""Where in a patch the answer comes from: class-activation maps, through captum."""

import numpy as np
import torch
from numpy.typing import NDArray

from ovcf.models.final import FinalModel
from ovcf.models.networks import CLASSES, Network
from ovcf.models.tensors import to_tensor
from ovcf.models.threads import one_thread

METHODS = ("gradcam", "occlusion")

CAM_NOTE = (
    "A class-activation map shows which regions raised this network's score for fresh, at the coarse "
    "resolution of its last convolutions. It does not show a fracture, its outline or its age, does not say "
    "that the answer is right, and a plausible map is no evidence that the network looked for the right reason."
)


@one_thread()
def activation_map(
    model: FinalModel | Network, image: NDArray[np.uint8], method: str = "gradcam", target: str = "fresh"
) -> NDArray[np.float32]:
    """Map how much each place of a patch speaks for a class.

    Parameters
    ----------
    model : FinalModel or Network
    image : (s, s) uint8, as the network sees it
    method : "gradcam" (Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74; captum's LayerGradCam at the last
        convolutional activation), or "occlusion" (the drop of the class's logit when a square of an eighth
        of the side is greyed out; slower, and independent of the network's inside)
    target : "fresh" or "old"

    Returns
    -------
    (s, s) float32 in [0, 1], 1 where it speaks most for the class; all 0 where nothing does. See CAM_NOTE.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; allowed: {', '.join(METHODS)}")
    net: Network = getattr(model, "net", model)
    x = to_tensor(np.asarray(image)[None], next(net.parameters()).device)
    raw = (_gradcam if method == "gradcam" else _occlusion)(net, x, CLASSES.index(target))
    raw = raw.detach().clamp(min=0)[0, 0].cpu().numpy()
    return (raw / raw.max() if raw.max() > 0 else raw).astype(np.float32)


def _gradcam(net: Network, x: torch.Tensor, target: int) -> torch.Tensor:
    from captum.attr import LayerAttribution, LayerGradCam

    # The input must ask for gradients: all weights of a frozen trunk are without.
    maps = LayerGradCam(net, net.camera).attribute(x.requires_grad_(), target=target, relu_attributions=True)
    return LayerAttribution.interpolate(maps, tuple(x.shape[2:]), interpolate_mode="bilinear")  # (1, 1, s, s)


def _occlusion(net: Network, x: torch.Tensor, target: int) -> torch.Tensor:
    from captum.attr import Occlusion

    side = max(x.shape[2] // 8, 2)
    window, steps = (3, side, side), (3, side // 2, side // 2)
    return Occlusion(net).attribute(
        x, target=target, sliding_window_shapes=window, strides=steps, baselines=0.0, perturbations_per_eval=32
    )
