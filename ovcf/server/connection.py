"""The connection of a page to its kernel: when the page is left, the kernel goes.

Voila's page asks for that itself, and is refused: its question holds no token. A connection that closes needs none.
"""

from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.ioloop import IOLoop

GOING_AWAY = 1001  # how a browser closes the connection of a page that is left (RFC 6455, section 7.4.1)


class PageConnection(ZMQChannelsWebsocketConnection):
    """A page's connection; a page that is closed, reloaded or left ends its kernel."""

    def disconnect(self) -> None:
        """Take leave of the kernel; where the reader went away and no other page shares it, end it."""
        kernel_id, manager = self.kernel_id, self.multi_kernel_manager
        left = getattr(self.websocket_handler, "close_code", None) == GOING_AWAY
        super().disconnect()
        if left and kernel_id in manager and not manager.kernel_model(kernel_id)["connections"]:
            IOLoop.current().spawn_callback(_end, manager, kernel_id)


async def _end(manager, kernel_id: str) -> None:
    """End a kernel as asked for: uploaded films lie in a folder that goes with it."""
    if kernel_id in manager:
        await ensure_async(manager.shutdown_kernel(kernel_id))
