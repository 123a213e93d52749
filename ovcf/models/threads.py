"""One thread of torch for each piece of work, since several would cost bits or time."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Piece = TypeVar("Piece")
Result = TypeVar("Result")
AHEAD = 2  # pieces a worker may have waiting, so that memory stays flat however many there are


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


def side_by_side(work: Callable[[Piece], Result], pieces: Sequence[Piece], where: torch.device) -> Iterator[Result]:
    """Do pieces of work on as many cores as torch would take, each in one thread; yield results in the pieces' order.

    The bits are those of any other number of cores, which a piece shared by several threads does not give; nor does
    it take less time. On a GPU the pieces follow each other.
    """
    workers = torch.get_num_threads() if where.type == "cpu" else 1
    if workers == 1:
        yield from map(work, pieces)
        return
    pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
    try:
        with one_thread():
            waiting: deque[Future[Result]] = deque()
            for piece in pieces:
                waiting.append(pool.submit(work, piece))
                if len(waiting) > AHEAD * workers:
                    yield waiting.popleft().result()
            yield from (each.result() for each in waiting)
    finally:
        pool.shutdown(cancel_futures=True)
