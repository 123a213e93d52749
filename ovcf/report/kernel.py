"""A kernel that is always this interpreter, whatever kernels the machine's Jupyter folders name."""

import os
from functools import cached_property

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
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
