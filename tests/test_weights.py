"""Where weights come from: safe reading, checksums, another network's file, a machine without network."""

import hashlib
import pickle
import socket

import pytest
import safetensors.torch
import torch

from ovcf.models import weights
from ovcf.models.catalogue import ARCHITECTURES, check_size
from ovcf.models.networks import original_network
from ovcf.models.sources import TORCHVISION, fetch_weights, locate
from ovcf.models.weights import load_network, read_state, state_digest
from ovcf.problems import InputError
from ovcf.words import NETWORKS


@pytest.fixture(scope="module")
def state():
    """GoogLeNet's random state dict, as its authors name things."""
    torch.manual_seed(4)
    return original_network("googlenet", random=False).state_dict()


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """An empty hub cache, and sockets that fail at once."""

    def refuse(*_args, **_kwargs):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_a_folder_of_files_is_read(tmp_path, state, suffix):
    path = tmp_path / f"googlenet.{suffix}"
    safetensors.torch.save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    net = load_network("googlenet", str(tmp_path), size=64)
    assert torch.equal(net.stem[0].conv.weight, state["conv1.conv.weight"])


def test_the_package_has_imagenet_weights_of_lite0():
    a = load_network("efficientnet_lite0", "packaged", size=64, seed=0)
    b = load_network("efficientnet_lite0", "imagenet", size=64, seed=1)
    assert state_digest(a.stem) == state_digest(b.stem)
    assert locate(NETWORKS, "packaged")["alexnet"] is None


def test_a_pickle_with_code_is_not_run(tmp_path):
    class Hostile:
        def __reduce__(self):
            return open, (str(tmp_path / "was_run"), "w")

    torch.save({"conv1.weight": Hostile()}, tmp_path / "alexnet.pth")
    (tmp_path / "vgg16.pth").write_bytes(pickle.dumps(Hostile()))
    for network in ("alexnet", "vgg16"):
        with pytest.raises(InputError, match="tensors only"):
            read_state(network, tmp_path / f"{network}.pth")
    assert not (tmp_path / "was_run").exists()


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "alexnet.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"alexnet\.safetensors"):
        load_network("alexnet", str(tmp_path), size=64)


def test_another_networks_file_is_refused_even_where_it_holds_all_names(tmp_path):
    with torch.device("meta"):
        bigger = original_network("resnet101", random=False).state_dict()
        smaller = set(original_network("resnet50", random=False).state_dict())
    assert smaller < set(bigger)  # a lenient reader would take it
    torch.save({k: torch.zeros(1) for k in bigger}, tmp_path / "resnet50.pth")
    with pytest.raises(InputError, match="not resnet50's weights"):
        read_state("resnet50", tmp_path / "resnet50.pth")


def test_a_checksum_in_the_name_is_compared(tmp_path, state):
    torch.save(state, tmp_path / "g.pth")
    right = hashlib.sha256((tmp_path / "g.pth").read_bytes()).hexdigest()[:8]
    (tmp_path / "g.pth").rename(tmp_path / f"googlenet-{right}.pth")
    read_state("googlenet", tmp_path / f"googlenet-{right}.pth")
    (tmp_path / f"googlenet-{right}.pth").rename(tmp_path / "googlenet-00000000.pth")
    with pytest.raises(InputError, match="damaged"):
        read_state("googlenet", tmp_path / "googlenet-00000000.pth")


def test_without_network_one_error_names_every_file_and_the_three_ways_out(no_network):
    with pytest.raises(InputError) as error:
        locate(NETWORKS, "imagenet")
    text = str(error.value)
    assert all(name in text for name in ("alexnet", "vgg16", "googlenet", "resnet50", "resnet101"))
    assert all(way in text for way in ("ovcf weights --to DIR", "weights: packaged", "weights: none"))


def test_fetching_without_network_says_so_and_from_a_cache_works(no_network, tmp_path, monkeypatch, state):
    with pytest.raises(InputError, match="cannot be downloaded"):
        fetch_weights(tmp_path / "to", ["googlenet"])
    cached = tmp_path / "hub" / "checkpoints" / TORCHVISION.cached("googlenet").name
    cached.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, cached)
    monkeypatch.setattr(weights, "check_sum", lambda path: None)  # random weights cannot have torch's
    paths = fetch_weights(tmp_path / "to", ["googlenet", "efficientnet_lite0"])
    assert [p.parent for p in paths] == [tmp_path / "to"] * 2 and all(p.is_file() for p in paths)
    assert locate(["googlenet"], str(tmp_path / "to"))["googlenet"] == paths[0]


def test_a_folder_without_the_file_says_which_names_would_do(tmp_path):
    with pytest.raises(InputError, match=r"vgg16\.safetensors.*vgg16-397923af\.pth"):
        locate(["vgg16"], str(tmp_path))


def test_patches_too_small_for_a_network_are_refused_in_words():
    with pytest.raises(InputError, match="alexnet does not turn a patch of 48 px into one vector of features"):
        load_network("alexnet", "packaged", size=48)


def test_every_network_that_cannot_take_a_size_is_named_before_anything_is_built(monkeypatch):
    monkeypatch.setattr(weights, "build_network", None)
    check_size(NETWORKS, 64)
    assert not any(weights.misfit(name, 64) for name in NETWORKS)
    with pytest.raises(InputError) as refused:
        check_size(["alexnet", "resnet50", "vgg16"], 31)
    assert [problem.message.split()[0] for problem in refused.value.problems] == ["alexnet", "vgg16"]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_least_size_of_an_entry_is_what_the_network_itself_says(name):
    least = ARCHITECTURES[name].least
    fits = {size: not weights.misfit(name, size) for size in {1, least - 1, least, least + 1, 2 * least, 225} - {0}}
    assert least and fits == {size: size >= least for size in fits}


def test_a_network_that_cannot_be_asked_without_numbers_is_built_to_see(monkeypatch):
    def odd(name, random):
        if torch.get_default_device().type == "meta":
            raise NotImplementedError("no numbers")
        return original(name, random)

    original = weights.original_network
    monkeypatch.setattr(weights, "original_network", odd)
    monkeypatch.setitem(ARCHITECTURES, "alexnet", ARCHITECTURES["alexnet"]._replace(least=0))
    check_size(["alexnet"], 64)
    with pytest.raises(InputError, match="alexnet does not turn a patch of 48 px"):
        check_size(["alexnet"], 48)
