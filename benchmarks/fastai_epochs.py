"""Epochs of fastai's Learner on batches that lie ready, without its progress bar; only what it trains is timed."""

import time
import warnings
from functools import partial

import torch
from torch import nn

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its imports warn of what torch has grown out of
    import fastai.callback.progress  # noqa: F401 - puts its bar among the default callbacks, and `no_bar` on Learner
    from fastai.callback.core import Callback
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader
    from fastai.learner import Learner
    from fastai.optimizer import SGD

Batch = tuple[torch.Tensor, torch.Tensor]


class Clock(Callback):
    """Seconds of the last epoch's training and of its validation."""

    order = -100  # before all others

    def before_train(self):
        self.began = time.perf_counter()

    def after_train(self):
        self.trained = time.perf_counter() - self.began

    def before_validate(self):
        self.began = time.perf_counter()

    def after_validate(self):
        self.validated = time.perf_counter() - self.began


def learner(model: nn.Sequential, train: list[Batch], valid: list[Batch], **options: bool) -> Learner:
    """Return a Learner with its default callbacks: SGD with momentum, cross-entropy, batches as they are given.

    Parameters
    ----------
    model : the trunk's parts and the head, which is a group of parameters of its own.
    options : of Learner, as `train_bn`.
    """
    loaders = DataLoaders(*(DataLoader(batches, bs=None, device="cpu") for batches in (train, valid)), device="cpu")

    def groups(whole: nn.Sequential) -> list[list[nn.Parameter]]:
        return [[*whole[:-1].parameters()], [*whole[-1].parameters()]]

    return Learner(
        loaders,
        model,
        loss_func=nn.CrossEntropyLoss(),
        opt_func=partial(SGD, mom=0.9),
        lr=1e-3,
        splitter=groups,
        cbs=Clock(),
        **options,
    )


def epoch(learn: Learner) -> tuple[float, float]:
    """Fit one epoch; return the seconds of its training and of its validation."""
    with learn.no_bar(), learn.no_logging():
        learn.fit(1)
    return learn.clock.trained, learn.clock.validated
