"""A link is printed when the page behind it has been made, and whatever becomes of that."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from traitlets import Any

from ovcf.server import connection


class Pool:
    """What Voila keeps of kernels that wait for readers: tasks of theirs."""

    def __init__(self, tasks):
        self._pools = {"explore.ipynb": tasks}


class Served(connection.PageServer):
    """A server that was not started; its pool alone is looked at."""

    kernel_manager = Any()


def alone(job):
    """Run a coroutine in a thread, which has a loop of its own: another test's may be waiting in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(job())).result()


def waited(seconds, fails=False):
    """Whether the notebook was through when `made` came back; it takes these seconds, or fails."""

    async def run():
        through = []

        async def notebook():
            await asyncio.sleep(seconds)
            if fails:
                raise RuntimeError("no kernel")
            through.append(True)

        async def kernel():
            return {"task": asyncio.ensure_future(notebook())}

        server = Served()
        server.kernel_manager = Pool([asyncio.ensure_future(kernel())])
        await server.made()
        return bool(through)

    return alone(run)


def test_it_waits_for_the_notebook():
    assert waited(0.1)


def test_a_notebook_that_fails_or_hangs_keeps_no_link_back(monkeypatch):
    assert not waited(0.0, fails=True)
    monkeypatch.setattr(connection, "MADE_SECONDS", 0.1)
    assert not waited(30)


def test_without_kernels_that_wait_there_is_nothing_to_wait_for():
    server = Served()
    server.kernel_manager = object()
    alone(server.made)


@pytest.fixture(autouse=True)
def no_singleton():
    """Servers are one a process; each test has its own."""
    yield
    connection.PageServer.clear_instance()
