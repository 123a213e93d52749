"""A disk that fills: no file may grow beyond a size, so that a write is cut short there and the next one refused."""

import resource
from contextlib import contextmanager


@contextmanager
def room_for(size):
    """Let no file of this process be larger than `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
