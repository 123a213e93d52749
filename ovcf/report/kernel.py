"""A kernel that is always this interpreter, whatever kernels the machine's Jupyter folders name."""

import os
import tempfile
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from traitlets import default


class NativeKernels(KernelSpecManager):
    """Know no kernel folders: what is left is the kernel of the running interpreter."""

    @default("kernel_dirs")
    def _kernel_dirs_default(self):
        return []


class ThisInterpreter(AsyncKernelManager):
    """Start the notebook in this environment; sockets are files, so parallel runs never race for a port."""

    @default("transport")
    def _transport_default(self):
        return "ipc" if os.name == "posix" else "tcp"

    @default("ip")
    def _ip_default(self):
        if os.name != "posix":
            return "127.0.0.1"
        # by default the sockets would lie in the working folder, and be left there
        self.sockets = tempfile.TemporaryDirectory(prefix="ovcf-kernel-")
        return str(Path(self.sockets.name) / "ipc")

    @default("kernel_spec_manager")
    def _kernel_spec_manager_default(self):
        return NativeKernels(parent=self)
