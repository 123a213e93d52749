"""Starting weights: files read safely and compared with the network, or random ones, calibrated and said to be so.

Files are hostile until read: safetensors or `weights_only=True`, checksums where the file's name carries
one, names and shapes compared before anything is used.
"""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from ovcf.files import digest
from ovcf.models.catalogue import architecture, size_problem
from ovcf.models.cuts import last_linear
from ovcf.models.networks import Network, build_network, cut_network, original_network
from ovcf.models.random_weights import calibrate
from ovcf.models.sources import locate
from ovcf.problems import InputError, Problem

State = dict[str, torch.Tensor]

AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")  # classifiers of the middle of GoogLeNet and Inception: never loaded
HOLDERS = ("state_dict", "model_state_dict", "model", "net", "teacher")  # under which trainers keep a state dict
WRAPPERS = ("module.", "backbone.", "model.", "net.", "encoder.")  # that trainers put before every key


def load_network(network: str, weights: str, *, size: int, seed: int = 0, path: Path | None = None) -> Network:
    """Build a network with its starting weights, ready to train or to run.

    Parameters
    ----------
    network, weights : see `catalogue` and `recipe.WEIGHTS`
    size : side of the patches in px; random trunks are calibrated at this size
    seed : of random weights and of the new head
    path : the weights' file as `sources.locate` found it, to avoid a second search

    Raises
    ------
    InputError : where weights are asked for and cannot be had (never silently random), or where the network does
        not take patches of this size.
    """
    path = path or locate([network], weights)[network]
    net = build_network(network, state=read_state(network, path) if path else None, seed=seed)
    if problems := _misfit(lambda _: net, network, size):
        raise InputError(problems)
    return net if path else calibrate(net, size=size, seed=seed)


def misfit(name: str, size: int) -> list[Problem]:
    """The problem of a network that cannot take patches of this size (px), or whose last layer is not its head.

    It is asked without any numbers (torch's device "meta"), and built where that finds something wrong, since not
    every network can be asked so.
    """
    with torch.device("meta"):
        asked = _misfit(_hollow, name, size)
    return _misfit(build_network, name, size) if asked else []


def _hollow(name: str) -> Network:
    return cut_network(name, original_network(name, random=False)).eval()


@torch.inference_mode()
def _misfit(build: Callable[[str], Network], name: str, size: int) -> list[Problem]:
    try:
        net = build(name)
        features = net.stage(net.stem(torch.zeros(1, 3, size, size)))
        wrong = "" if features.shape == (1, net.width) else f"it gives {tuple(features.shape)}"
    except Exception as error:  # each library says it in its own way, some by an assertion
        wrong = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return [size_problem(name, size, wrong)] if wrong else []


# ---------------------------------------------------------------- reading them safely
def read_state(network: str, path: Path) -> State:
    """Read a network's state dict without running anything in the file, and compare it with the network.

    Keys are renamed where a trainer wrapped the network ("module.", "backbone.") or another publisher named its
    parts otherwise (`Architecture.renaming`).

    Returns
    -------
    Names and tensors of the network without its thousand-class head and auxiliary classifiers.
    """
    check_sum(path)
    with torch.device("meta"):  # shapes only, no memory
        original = original_network(network, random=False)
    heads = head_keys(network, original)
    expected = {k: tuple(v.shape) for k, v in original.state_dict().items() if not k.startswith(heads)}
    state = renamed(_tensors_of(path), expected, architecture(network).renaming)
    state = {k: v for k, v in state.items() if not k.startswith(heads)}
    _compare(network, state, expected, path)
    return state


def _tensors_of(path: Path) -> State:
    """The tensors of a file, out of what a trainer may have put them into."""
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
        for holder in HOLDERS:
            state = state[holder] if isinstance(state.get(holder), dict) else state
        return {k: v for k, v in state.items() if isinstance(v, torch.Tensor)}
    except Exception as error:  # whatever a damaged or hostile file raises, the user learns one thing
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        problem = Problem(
            "unreadable_weights",
            f"cannot be read as tensors only ({said[:200]})",
            file=str(path),
            allowed="safetensors, or a state dict saved by torch",
        )
        raise InputError(problem) from None


def head_keys(network: str, original: nn.Module) -> tuple[str, ...]:
    """How the keys begin that are never loaded: the original's head and auxiliary classifiers."""
    config = getattr(original, "pretrained_cfg", None) or {}  # timm's networks say it themselves
    said = config.get("classifier") or ()
    of_timm = tuple(f"{place}." for place in ([said] if isinstance(said, str) else said))
    return (architecture(network).head or of_timm or (f"{last_linear(original)}.",)) + AUXILIARY


def renamed(state: State, expected: dict[str, tuple[int, ...]], rules: tuple[tuple[str, str], ...]) -> State:
    """Rename keys: what wraps most of them goes, then the first rule whose beginning fits is applied.

    Nothing that the network itself calls so is touched.
    """
    while state and not expected.keys() & state.keys():
        wrapper = next((w for w in WRAPPERS if sum(k.startswith(w) for k in state) > len(state) / 2), None)
        if wrapper is None:
            break
        state = {k.removeprefix(wrapper): v for k, v in state.items()}
    out = {}
    for key, value in state.items():
        old, new = next(((o, n) for o, n in rules if key not in expected and key.startswith(o)), ("", ""))
        out[new + key[len(old) :]] = value
    return out


def check_sum(path: Path) -> None:
    """Compare a file with the first hex digits of its sha256, which publishers write into the name.

    Raises
    ------
    InputError : where they differ.
    """
    match = re.search(r"-([0-9a-f]{8,})\.pth$", path.name)
    if match and not (made := digest(path)).startswith(match[1]):
        message = "the file is damaged or not what its name says"
        raise InputError(Problem("bad_checksum", message, str(path), found=made[: len(match[1])], allowed=match[1]))


def _compare(network: str, state: State, expected: dict[str, tuple[int, ...]], path: Path) -> None:
    """Refuse another network's file: ResNet101's names hold all of ResNet50's, so extras count too."""
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
    made = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        made.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        made.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return made.hexdigest()
