"""A page and its kernel: when the page is left, the kernel goes.

Voila's page asks for that when it is left, and Voila refuses: the question holds no token (its issue 1458). Here a
question that comes from our own page is enough. Where a browser does not ask, the end of its connection tells.
"""

import asyncio
import sys
from contextlib import suppress

from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.utils import url_path_join
from tornado.ioloop import IOLoop
from tornado.web import HTTPError
from voila.app import Voila
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.handler import TornadoVoilaHandler

from ovcf.server.page import PageHandler

LEFT = (1000, 1001, 1005)  # a close that the page, or the browser for it, meant (RFC 6455, section 7.4.1)
MADE_SECONDS = 60.0  # after which the link is printed all the same
GRACE_SECONDS = 1.0  # in which a page that only renews its connection has done so


class PageServer(Voila):
    """Voila that says at once that a page is coming, and lets its own pages end their kernels."""

    def init_handlers(self) -> list:
        """Put our answer to a page's leave before Voila's, and our page in the place of Voila's."""
        leave = (url_path_join(self.server_url, r"/voila/api/shutdown/(.*)"), LeaveHandler)
        ours = {TornadoVoilaHandler: PageHandler}
        return [leave, *((at, ours.get(handler, handler), *more) for at, handler, *more in super().init_handlers())]

    async def made(self) -> None:
        """Wait until the kernel that waits for the first reader has run the notebook; at most MADE_SECONDS."""
        waiting = [kernel for pool in getattr(self.kernel_manager, "_pools", {}).values() for kernel in pool]
        if waiting:
            print("The page is being made: some seconds.", file=sys.stderr, flush=True)
        with suppress(Exception):  # the page itself says what went wrong
            async with asyncio.timeout(MADE_SECONDS):
                for kernel in waiting:
                    await asyncio.shield((await asyncio.shield(kernel))["task"])


class LeaveHandler(VoilaShutdownKernelHandler):
    """Ends a kernel for the page that is left; the login is asked for as everywhere."""

    def check_xsrf_cookie(self) -> None:
        """Take the question from our own page only: browsers state the origin, and no page can forge it."""
        if self.request.headers.get("Origin") != f"{self.request.protocol}://{self.request.host}":
            raise HTTPError(403, "not asked by a page of this server")


class PageConnection(ZMQChannelsWebsocketConnection):
    """A page's connection; when a page is closed or left, its kernel ends."""

    def disconnect(self) -> None:
        """Take leave of the kernel; where its page was left and none takes it up again, end it."""
        kernel_id, manager = self.kernel_id, self.multi_kernel_manager
        left = getattr(self.websocket_handler, "close_code", None) in LEFT
        super().disconnect()
        if left:
            IOLoop.current().call_later(GRACE_SECONDS, _end, manager, kernel_id)


async def _end(manager, kernel_id: str) -> None:
    """End a kernel that no page holds; as it would be asked to, since uploaded films lie in a folder that goes then."""
    if kernel_id in manager and not manager.kernel_model(kernel_id)["connections"]:
        await ensure_async(manager.shutdown_kernel(kernel_id))
