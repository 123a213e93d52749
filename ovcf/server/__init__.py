"""One notebook as a page without code, on this machine only: Voila with a login, one kernel a page, no open door.

A kernel that has already run the notebook waits for the next reader, so that nobody waits for imports and tables. A
page that is closed or reloaded takes its kernel with it.
"""

import errno
import os
import socket
from pathlib import Path
from typing import Any
from zlib import crc32

from ovcf.problems import InputError, Problem

TEMPLATES = Path(__file__).parents[1] / "viz" / "jupyter"
UPLOAD_BYTES = 512 * 2**20
UNSEEN_SECONDS = 60  # a kernel without a page goes after this: its reader's browser died, or never arrived
SWEEP_SECONDS = 15
NEXT_SECONDS = 2.0  # until the next kernel is begun: a page that has just been opened has the processor to itself
OWN_PORTS = range(20_000, 32_000)  # below those that Linux, macOS and Windows give to outgoing connections


def serve(
    notebook: Path, port: int, token: str, *, open_browser: bool = False, path: str = "/", waiting: int = 1
) -> None:
    """Serve one notebook as a page without code, on 127.0.0.1, until interrupted.

    Parameters
    ----------
    notebook : file
    port : to listen on
    token : what the address must hold
    open_browser : whether to show the page at once
    path : of the printed address, with what follows the token after `#`
    waiting : kernels that run the notebook ahead of their readers; 0 where the page depends on who asks for it

    Raises
    ------
    InputError : where another program listens on the port; before any address is printed.
    """
    refuse_used(port)
    # Our template stands alone on this path: no template or kernel of another environment is taken up.
    os.environ["JUPYTER_PATH"] = str(TEMPLATES)
    from tornado.ioloop import IOLoop

    from ovcf.server.connection import PageServer

    app = PageServer(config=server_config(port, token, waiting))
    app.initialize([str(notebook)])
    app.open_browser = False
    place, _, part = path.partition("#")
    address = f"http://127.0.0.1:{port}{place}?token={token}" + (f"#{part}" if part else "")
    IOLoop.current().add_callback(_listening, app, address, open_browser)  # runs once the port is ours
    try:
        app.start()
    except SystemExit:
        refuse_used(port)  # taken while Voila was loading
        raise


async def _listening(app: Any, address: str, open_browser: bool) -> None:
    """Say where the page is once it is there, and show it."""
    await app.made()
    print(f"{address}\nResearch use only. Stop with Ctrl-C.", flush=True)
    if open_browser:
        import webbrowser

        webbrowser.open(address, new=2)


def server_config(port: int, token: str, waiting: int = 1) -> Any:
    """Voila's settings; its defaults have no login, serve files, drop large uploads and keep dead kernels."""
    from traitlets.config import Config

    from ovcf.report.kernel import NativeKernels
    from ovcf.server.connection import PageConnection

    # the page may talk to this server only; Jupyter's modules need eval and blobs
    policy = (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        f"connect-src 'self' ws://127.0.0.1:{port} blob: data:; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )
    settings = {
        "websocket_max_message_size": UPLOAD_BYTES,
        "allow_remote_access": False,  # a foreign Host header (DNS rebinding) is refused
        "local_hostnames": ["localhost"],
        "headers": {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"},
    }
    return Config(
        {
            "Voila": {
                "ip": "127.0.0.1",
                "port": port,
                "port_retries": 0,
                "log_level": "ERROR",  # what is printed is for who started it: the links, and what goes wrong
                "token": token,
                "auto_token": True,
                "tornado_settings": settings,
                "config_file_paths": [],  # no voila.json from the folder it happens to start in
                "kernel_websocket_connection_class": PageConnection,
            },
            "VoilaConfiguration": {
                "template": "ovcf",
                "file_allowlist": [],
                "file_denylist": [".*"],
                "show_tracebacks": False,
                "strip_sources": True,
                "kernel_spec_manager_class": NativeKernels,
                "preheat_kernel": waiting > 0,
                "default_pool_size": waiting,
            },
            "VoilaKernelManager": {"fill_delay": NEXT_SECONDS},
            # cull_connected stays False: who pauses before an open page loses nothing
            "MappingKernelManager": {
                "cull_interval": SWEEP_SECONDS,
                "cull_idle_timeout": UNSEEN_SECONDS,
                "cull_connected": False,
            },
        }
    )


def free_port() -> int:
    """A port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def own_port(name: str) -> int:
    """A port of this name's own, the same at each start while nothing else listens on it; else any free one.

    A link stays what it was, and what a web browser keeps for a page (by its port) is found again.
    """
    port = OWN_PORTS.start + crc32(name.encode()) % len(OWN_PORTS)
    try:
        refuse_used(port)
    except InputError:
        return free_port()
    return port


def refuse_used(port: int) -> None:
    """Raise InputError where a port cannot be had: another program listens on it, or it is not for users."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will: a port just left is free
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except (OSError, OverflowError) as error:
            used = getattr(error, "errno", None) == errno.EADDRINUSE
            words = "another program listens on this port" if used else f"this port cannot be had ({error})"
            allowed = "a free port from 1024 to 65535, or none to take any free one"
            raise InputError(Problem("port", words, column="--port", found=str(port), allowed=allowed)) from None
