"""Training as a `Recipe` says it: SGD with momentum and cross-entropy. The last epoch counts, never the best one."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from ovcf.models.arithmetic import FLOAT32, MIXED_FLOAT16, computing, device, repeatable, training_arithmetic
from ovcf.models.checkpoint import Checkpoint
from ovcf.models.feed import Feed, Source
from ovcf.models.moments import Features, mean_and_sd
from ovcf.models.networks import Network
from ovcf.models.recipe import Recipe
from ovcf.models.wide import WideLayers
from ovcf.processes import memory_kept

Report = Callable[[int], None]  # called with the number of epochs done

LENGTH = 6.0
"""Root mean square length of a feature vector as the head sees it. With the paper's rate and 100 epochs, 1
hardly learns and plain standardisation (length 36 for 1,280 features) learns by heart; 6 is about the scale
of raw ImageNet features. Chosen on chest films, which are none of this study's data: AUC by patient 0.77,
0.75 and 0.80."""

PIECE = 64  # batches of standardised features that are in memory together


def batches(n: int, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Shuffle n rows into batches; a last one of one row joins the one before (normalisation needs two)."""
    order = rng.permutation(n)
    parts = [order[i : i + size] for i in range(0, n, size)]
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [np.concatenate(parts[-2:])]
    return parts


# ---------------------------------------------------------------- a head on a frozen trunk
@memory_kept()
def train_head(
    features: Features,
    fresh: ArrayLike,
    recipe: Recipe,
    rng: np.random.Generator,
    report: Report | None = None,
) -> dict[str, torch.Tensor]:
    """Train the two-class linear head on features that are already computed for every flip.

    Parameters
    ----------
    features : (n, states, d) float32 of the training patches only; read by rows, never copied whole
    fresh : (n,) 1 fresh, 0 old
    rng : numpy Generator; draws initial weights, order and, for each patch and epoch, one of the flip states

    Returns
    -------
    {"head.weight": (2, d), "head.bias": (2,)}, to be used on features as they are.

    Notes
    -----
    Ours: features are standardised with the training patches' mean and SD and scaled to LENGTH, so that the
    paper's learning rate means the same for 1,024 and 4,096 features of whatever scale; both steps are folded
    into the returned head. The loop is torch.optim.SGD with nn.CrossEntropyLoss written out (tests hold them
    against each other), since at this size their overhead is most of the time.
    """
    n, states, d = features.shape
    mean, scale = _standardisation(features)
    target = torch.from_numpy(np.eye(2, dtype=np.float32)[np.asarray(fresh, int)])  # (n, 2)
    drawn_weight = rng.uniform(-1, 1, (d, 2)).astype(np.float32) / np.float32(np.sqrt(d))
    weight, bias = torch.from_numpy(drawn_weight).T.contiguous(), torch.zeros(2)  # a row a class: half the time
    speed = torch.zeros(2, d), torch.zeros(2)
    momentum, turned = _number(recipe.momentum), weight.T
    for epoch in range(recipe.epochs):
        rate, parts = recipe.rate(epoch), batches(n, recipe.batch_size, rng)
        for some, drawn in _pieces(parts, rng.integers(states, size=n)):
            order, sizes = np.concatenate(some), [len(part) for part in some]
            counts = {size: _number(size) for size in set(sizes)}
            x = torch.from_numpy(_standardised(features[order, drawn], mean, scale))  # (m, d), one flip state each
            for xb, yb in zip(x.split(sizes), target[order].split(sizes), strict=True):
                # d loss / d logits
                slope = torch.softmax(torch.addmm(bias, xb, turned), 1).sub_(yb).div_(counts[len(xb)])
                speed[0].addmm_(slope.T, xb, beta=recipe.momentum)
                speed[1].mul_(momentum).add_(slope.sum(0))
                weight.sub_(speed[0], alpha=rate)
                bias.sub_(speed[1], alpha=rate)
        if report:
            report(epoch + 1)
    return _folded(weight, bias, mean, scale)


def _number(value: float) -> torch.Tensor:
    """A number as torch computes with it, which it would otherwise make anew in each step."""
    return torch.tensor(value, dtype=torch.float32)


def _pieces(parts: list[np.ndarray], drawn: np.ndarray) -> Iterator[tuple[list[np.ndarray], np.ndarray]]:
    """Batches, some at a time, each time with what was drawn for their rows in order."""
    start = 0
    for first in range(0, len(parts), PIECE):
        some = parts[first : first + PIECE]
        end = start + sum(map(len, some))
        yield some, drawn[start:end]
        start = end


def _standardisation(features: Features) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale (d,) over patches and flips; a feature that hardly moves is not blown up."""
    mean, sd = mean_and_sd(features)
    floor = 0.1 * np.sqrt(np.mean(sd**2)) or 1.0
    scale = np.maximum(sd, floor) * np.sqrt(len(sd)) / LENGTH
    return mean.astype(np.float32), scale.astype(np.float32)


def _standardised(x: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Standardise rows (m, d) in place."""
    x -= mean
    x /= scale
    return x


def _folded(weight, bias, mean, scale) -> dict[str, torch.Tensor]:
    """Fold (x - mean) / scale into the linear layer; in double precision, as the means can be large."""
    weight = weight.double() / torch.from_numpy(scale).double()
    bias = bias.double() - weight @ torch.from_numpy(mean).double()
    return {"head.weight": weight.float(), "head.bias": bias.float()}


def head_probability(features: NDArray[np.float32], head: dict[str, torch.Tensor]) -> NDArray[np.float64]:
    """P(fresh), (n,) float64, of unflipped features (n, d); softmax over (old, fresh)."""
    weight, bias = (head[k].numpy().astype(np.float64) for k in ("head.weight", "head.bias"))
    old, fresh = (np.asarray(features, np.float64) @ weight.T + bias).T
    return 1 / (1 + np.exp(np.clip(old - fresh, -700, 700)))


# ---------------------------------------------------------------- the last stage, or everything
def train_network(
    net: Network,
    source: Source,
    fresh: ArrayLike,
    recipe: Recipe,
    rng: np.random.Generator,
    report: Report | None = None,
    checkpoint: Checkpoint | None = None,
) -> dict[str, torch.Tensor]:
    """Train a network's last stage and head, or all of it, in place.

    Parameters
    ----------
    source : for `last_stage`, the stem's maps (n, states, c, h, w); for `all`, patches (n, s, s) uint8
    fresh, rng, report : as for `train_head`; torch's own generator (dropout) is seeded from rng
    checkpoint : where training goes on from, and leaves how it stands after an epoch

    Returns
    -------
    The trained part of the state dict, on the CPU.
    """
    parts = _made_trainable(net.to(device()), recipe)
    steps = _Steps(net, source, fresh, recipe)
    with torch.random.fork_rng(), repeatable(), memory_kept():
        torch.manual_seed(int(rng.integers(2**62)))
        for epoch in range(steps.resumed(checkpoint, rng), recipe.epochs):
            for part in parts.values():
                part.train()
            steps.epoch(epoch, rng)
            if checkpoint:
                checkpoint.keep(epoch + 1, steps.state(), rng, steps.scaler.state_dict())
            if report:
                report(epoch + 1)
    net.eval()
    steps.wide.release()
    return {
        f"{name}.{key}": value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }


def trained_parts(net: Network, trainable: str) -> dict[str, nn.Module]:
    """The modules that train, in order."""
    names = {"head": ("head",), "last_stage": ("stage", "head"), "all": ("stem", "stage", "head")}[trainable]
    return {name: getattr(net, name) for name in names}


def _made_trainable(net: Network, recipe: Recipe) -> dict[str, nn.Module]:
    """Let only the parts that train ask for gradients, and return them."""
    parts = trained_parts(net, recipe.trainable)
    net.requires_grad_(False)
    for part in parts.values():
        part.requires_grad_(True)
    return parts


class _Steps:
    """The steps of an epoch: forward, backward, SGD."""

    def __init__(self, net: Network, source: Source, fresh: ArrayLike, recipe: Recipe):
        self.net, self.recipe, self.arithmetic = net, recipe, training_arithmetic(recipe)
        self.parts = trained_parts(net, recipe.trainable)
        self.device = next(net.parameters()).device
        self.feed = Feed(source, recipe.states, self.device)
        self.target = torch.from_numpy(np.asarray(fresh, np.int64)).to(self.device)
        on_gpu = self.device.type == "cuda"
        self.weights = [p for p in net.parameters() if p.requires_grad]
        self.optimiser = torch.optim.SGD(
            self.weights, lr=recipe.learning_rate, momentum=recipe.momentum, fused=on_gpu or None
        )
        by_hand = self.arithmetic == FLOAT32 and not on_gpu
        self.wide = WideLayers(self.parts.values() if by_hand else (), recipe.momentum)
        # bfloat16 has float32's range and needs no scaling
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.arithmetic == MIXED_FLOAT16)

    def state(self) -> dict[str, torch.Tensor]:
        """Weights, buffers and speeds of what trains."""
        weights = {f"{name}.{k}": v for name, part in self.parts.items() for k, v in part.state_dict().items()}
        speeds = {f"speed/{i}": s["momentum_buffer"] for i, s in enumerate(self._speeds()) if s}
        return weights | speeds | {f"speed/wide/{i}": speed for i, speed in enumerate(self.wide.speeds)}

    def resumed(self, checkpoint: Checkpoint | None, rng: np.random.Generator) -> int:
        """Take up training where a checkpoint left it; return how many epochs are done."""
        epoch, tensors, scale = checkpoint.restore(rng) if checkpoint else (0, {}, {})
        if epoch:
            speeds = {name: tensors.pop(name) for name in list(tensors) if name.startswith("speed/")}
            self.net.load_state_dict(tensors, strict=False)
            for i, (weight, state) in enumerate(zip(self.weights, self._speeds(), strict=True)):
                if f"speed/{i}" in speeds:
                    state["momentum_buffer"] = torch.empty_like(weight).copy_(speeds[f"speed/{i}"])
            for i, speed in enumerate(self.wide.speeds):
                speed.copy_(speeds[f"speed/wide/{i}"])
            self.scaler.load_state_dict(scale)
        return epoch

    def _speeds(self) -> list[dict]:
        return [self.optimiser.state[weight] for weight in self.weights]

    def epoch(self, epoch: int, rng: np.random.Generator) -> None:
        """Go once through all patches, in an order and in flip states drawn from rng."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate(epoch)
        parts = batches(len(self.target), self.recipe.batch_size, rng)
        drawn = [rng.integers(len(self.recipe.states), size=len(rows)) for rows in parts]
        # to the device at once: a copy in each step would make the GPU wait
        order, drawn = (torch.from_numpy(np.concatenate(a)).to(self.device) for a in (parts, drawn))
        sizes = [len(rows) for rows in parts]
        for rows, states in zip(order.split(sizes), drawn.split(sizes), strict=True):
            logits = _logits(self.net, self.feed(rows, states), self.recipe.trainable, self.arithmetic)
            loss = nn.functional.cross_entropy(logits, self.target[rows])
            self.optimiser.zero_grad(set_to_none=True)
            self.scaler.scale(loss).backward()
            self.scaler.step(self.optimiser)
            self.scaler.update()
            self.wide.step(self.recipe.rate(epoch))


def _logits(net: Network, x: torch.Tensor, trainable: str, arithmetic: str) -> torch.Tensor:
    """Logits (n, 2) float32 of patches, or of their stem's maps where the last stage trains."""
    with computing(x.device, arithmetic):
        return net.head(net.stage(x if trainable == "last_stage" else net.stem(x))).float()


@torch.inference_mode()
def network_probability(net: Network, source: Source, recipe: Recipe, batch: int = 32) -> NDArray[np.float64]:
    """P(fresh), (n,) float64, of unflipped patches (uint8) or of their stem's maps (state 0)."""
    where, out = next(net.parameters()).device, []
    feed = Feed(source, ((),), where)
    with repeatable():
        for rows in torch.arange(len(source), device=where).split(batch) if len(source) else ():
            logits = _logits(net, feed(rows, torch.zeros_like(rows)), recipe.trainable, training_arithmetic(recipe))
            out.append(torch.softmax(logits.double(), 1)[:, 1].cpu().numpy())
    return np.concatenate(out) if out else np.empty(0)  # the final model has no test patches
