"""The networks of a cross-validation, out of the cache: for maps by a network that never saw the patch."""

import dataclasses

import safetensors.torch

from ovcf.models import crossval
from ovcf.models.networks import Network
from ovcf.models.tensors import FLIPS, flip_states
from ovcf.models.training import Recipe
from ovcf.models.weights import load_network
from ovcf.problems import InputError, Problem


def fold_network(images, patches, network: str, fold: int, *, cache, weights: str, flips=FLIPS, **recipe) -> Network:
    """Load the network that was trained without one fold.

    Parameters
    ----------
    images, patches, cache, weights, flips : as for `crossval.cross_validate`
    network, fold : which one
    **recipe : fields of `training.Recipe` (trainable, epochs, batch_size, ...); others are refused

    Returns
    -------
    Network in float32, ready to run. Its probabilities are the cross-validation's up to the precision the
    features were made in (bfloat16 for random trunks).

    Raises
    ------
    InputError where the cache does not hold this fold's network (the run was moved without its cache, or made
    by another version).
    """
    flips = sum(flip_states(flips)[1:3], ())
    made = Recipe(**{"flips": flips, **recipe})
    job = crossval.plan(images, patches, [network], weights, made, cache, folds=[fold])[0]
    if not job.target.is_file():
        words = f"the run's cache does not hold {network} of fold {fold}"
        raise InputError(Problem("no_fold_model", words, str(cache)))
    net = load_network(network, weights, size=job.size, seed=made.seed, path=job.path)
    state = safetensors.torch.load_file(job.target)
    net.load_state_dict({k: v for k, v in state.items() if k != "p_fresh"}, strict=False)
    return net.eval()


RECIPE = tuple(field.name for field in dataclasses.fields(Recipe) if field.name != "flips")
