"""A kernel that is always this interpreter, whatever Jupyter's folders name; one for all notebooks of a run."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from traitlets import default

from ovcf.scratch import Scratch


class NativeKernels(KernelSpecManager):
    """Know no kernel folders: what is left is the kernel of the running interpreter."""

    @default("kernel_dirs")
    def _kernel_dirs_default(self):
        return []


class ThisInterpreter(AsyncKernelManager):
    """Start the notebook in this environment; sockets are files, so parallel runs never race for a port."""

    @cached_property
    def sockets(self) -> Scratch:
        """A folder for the sockets, which would lie in the working folder by default and be left there."""
        return Scratch("kernel")

    @cached_property
    def opened(self) -> list[Any]:
        """Its clients; papermill leaves the client of a kernel that it did not start with open channels."""
        return []

    def client(self, **options: Any) -> Any:
        """Return a new client, and remember it."""
        self.opened.append(super().client(**options))
        return self.opened[-1]

    def close_clients(self) -> None:
        """Close the channels of all clients so far."""
        while self.opened:
            client = self.opened.pop()
            while client.hb_channel in threading.enumerate() and not client.hb_channel.is_alive():
                time.sleep(0.001)  # its thread is just being started, and can only then be stopped
            client.stop_channels()

    @default("transport")
    def _transport_default(self):
        return "ipc" if os.name == "posix" else "tcp"

    @default("ip")
    def _ip_default(self):
        if os.name != "posix":
            return "127.0.0.1"
        return str(self.sockets.path / "ipc")

    @default("connection_file")
    def _connection_file_default(self):
        return str(self.sockets.path / "kernel.json") if os.name == "posix" else ""  # it holds the kernel's key

    @default("kernel_spec_manager")
    def _kernel_spec_manager_default(self):
        return NativeKernels(parent=self)


# Libraries stay imported, which is most of the seconds that a notebook takes to begin; nothing else is handed on. What
# is left Python need not look through for garbage again: a tenth of a notebook's time.
FORGET = """
import ipywidgets, matplotlib.pyplot
ipywidgets.Widget.close_all()
matplotlib.pyplot.close("all")
get_ipython().reset(new_session=True)
__import__("gc").collect()
__import__("gc").freeze()
"""


@contextmanager
def one_kernel() -> Iterator[ThisInterpreter]:
    """A kernel, not yet started, for notebooks that are executed one after the other; it ends with the block."""
    kernel = ThisInterpreter()
    try:
        yield kernel
    finally:
        with suppress(RuntimeError):  # a loop that was interrupted when told to stop does so now, once
            run_sync(asyncio.sleep)(0)
        run_sync(_end)(kernel)


async def _end(kernel: ThisInterpreter) -> None:
    """End a kernel, and first what is still asked of it: an interruption leaves its tasks in the loop, where they
    would go on meanwhile, finish a start or find the kernel dead."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    kernel.close_clients()
    try:
        await (kernel.shutdown_kernel(now=True) if kernel.has_kernel else kernel.cleanup_resources())
    finally:
        kernel.sockets.close()


def forget(kernel: ThisInterpreter) -> None:
    """Let a kernel that has executed a notebook forget its names, widgets and figures, as if it had just begun.

    Raises
    ------
    RuntimeError : where the kernel has died or cannot.
    """
    if kernel.has_kernel:
        run_sync(_forget)(kernel)


async def _forget(kernel: ThisInterpreter) -> None:
    kernel.close_clients()
    client = kernel.client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)
    reply = await client.execute_interactive(FORGET, store_history=False, timeout=60)
    if reply["content"]["status"] != "ok":
        raise RuntimeError(f"the kernel cannot begin anew: {reply['content'].get('evalue')}")
