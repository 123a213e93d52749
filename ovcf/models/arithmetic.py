"""In which arithmetic a network runs and trains, on which device: chosen once, said in every key and card."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from ovcf.models.catalogue import architecture
from ovcf.models.folding import folded
from ovcf.models.networks import Network
from ovcf.models.recipe import Recipe
from ovcf.models.winograd import quartered
from ovcf.problems import InputError, Problem

FLOAT32, BFLOAT16 = "float32", "bfloat16"
MIXED_FLOAT16, MIXED_BFLOAT16 = "mixed float16", "mixed bfloat16"  # float32 weights; products in half the bits
_MIXED = {MIXED_FLOAT16: torch.float16, MIXED_BFLOAT16: torch.bfloat16}


def device() -> torch.device:
    """Return where networks run: the first CUDA device, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def native_bfloat16() -> bool:
    """Whether the device multiplies bfloat16 itself; emulated it would be slower than float32."""
    if device().type == "cuda":
        return torch.cuda.get_device_capability() >= (8, 0)  # Ampere
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))


def trunk_arithmetic(network: str, path: Path | None, recipe: Recipe) -> str:
    """Say in which arithmetic a frozen trunk runs.

    Parameters
    ----------
    path : of its starting weights; None: random
    recipe : its `precision`. "auto" on a processor: random trunks whose features bfloat16 hardly moves
        (`Architecture.bfloat16`) use it where it is native: half the time, and an error far below what lies between
        patches. Pretrained trunks of `Architecture.bfloat16_pretrained` do so too, all others run in float32. "auto"
        on a GPU: float32 weights and products in float16, which has three more bits than bfloat16.

    Raises
    ------
    InputError : for "bfloat16" where it is not native.
    """
    _check(recipe)
    if recipe.precision == FLOAT32 or recipe.trainable == "all":
        return FLOAT32
    if device().type == "cuda":
        return MIXED_FLOAT16 if recipe.precision == "auto" else MIXED_BFLOAT16
    entry = architecture(network)
    fit = entry.bfloat16 is not None if path is None else entry.bfloat16_pretrained
    return BFLOAT16 if recipe.precision == BFLOAT16 or (fit and native_bfloat16()) else FLOAT32


def training_arithmetic(recipe: Recipe) -> str:
    """Say in which arithmetic layers train; a head on its own trains in float32 always.

    "auto" is float32 on a processor, and on a GPU mixed: bfloat16 where it is native, else float16. Weights, their
    speeds and the loss are float32 throughout.

    Raises
    ------
    InputError : for "bfloat16" where it is not native.
    """
    _check(recipe)
    if recipe.trainable == "head" or recipe.precision == FLOAT32:
        return FLOAT32
    if recipe.precision == BFLOAT16:
        return MIXED_BFLOAT16
    if device().type == "cpu":
        return FLOAT32
    return MIXED_BFLOAT16 if native_bfloat16() else MIXED_FLOAT16


def arithmetic(network: str, path: Path | None, recipe: Recipe) -> str:
    """Say all that keys must tell apart: the trunk's arithmetic, and the training's where that is not float32."""
    training = training_arithmetic(recipe)
    trunk = trunk_arithmetic(network, path, recipe)
    return trunk if training == FLOAT32 else f"{trunk}, trained in {training}"


def _check(recipe: Recipe) -> None:
    if recipe.precision == BFLOAT16 and not native_bfloat16():
        message = "precision bfloat16 needs a processor or GPU that multiplies it itself; this one does not"
        raise InputError(Problem("precision", message, allowed="precision: auto or float32"))


# ---------------------------------------------------------------- doing it
def prepared(net: Network, arithmetic: str) -> Network:
    """Make a frozen network fast, and put it where and in what it runs: bfloat16 on a processor, or on the GPU."""
    trunk = folded(nn.Sequential(net.stem, net.stage))
    on_processor = arithmetic == FLOAT32 and device().type == "cpu"
    net.stem, net.stage = quartered(trunk) if on_processor else trunk
    return net.to(torch.bfloat16) if arithmetic == BFLOAT16 else net.to(device())


@contextmanager
def computing(where: torch.device, arithmetic: str) -> Iterator[None]:
    """Let products be made in half the bits meanwhile where the arithmetic is mixed."""
    kind = _MIXED.get(arithmetic)
    with torch.autocast(where.type, kind or torch.bfloat16, enabled=kind is not None):
        yield


@contextmanager
def repeatable() -> Iterator[None]:
    """Let cuDNN use only algorithms that give the same bits each time, chosen without trials, and whole float32."""
    if device().type == "cpu":
        yield
        return
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield
