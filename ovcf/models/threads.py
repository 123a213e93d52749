"""One thread of torch where several would cost bits or time."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch work in one thread meanwhile (also a decorator).

    Sums over threads come out in another order, so the number of threads would show in the last digits. A single
    patch is too little to share besides: on two busy cores the threads wait for each other after every layer.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
