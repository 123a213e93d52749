"""The floor under our widgets: assets joined into one module, questions from the page answered by methods.

The page asks `{"kind": "page", "reply": id, ...}` and the method `answer_page` returns `(values, buffers)`.
A question is always answered, with `error` where it could not be: a page that hears nothing knows that the
kernel is gone. Nothing is fetched from anywhere; anywidget hands the module's text to the page itself.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget

STATIC = Path(__file__).parent / "static"
VIEWER = ("pictures.js", "viewer_draw.js", "viewer_controls.js", "viewer_input.js", "viewer.js")


def script(*names: str) -> str:
    """Join scripts of the static folder into one module (the last holds the default export)."""
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)


def style(*names: str) -> str:
    """Join style sheets of the static folder."""
    return script(*names)


class Asked(anywidget.AnyWidget):
    """A widget whose page asks questions."""

    _esm = "export default { render() {} };"

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._receive)

    def ask(self, kind: str, buffers: Sequence[Any] = (), **values: Any) -> tuple[dict, list[bytes]]:
        """Answer a question as the page would get it (also for tests)."""
        method = getattr(self, f"answer_{kind}", None)
        if method is None:
            raise ValueError(f"no question {kind!r}")
        return method(buffers=buffers, **values) if kind in self.takes_buffers else method(**values)

    takes_buffers = ()

    def _receive(self, _, content, buffers):
        content = dict(content)
        kind, reply = str(content.pop("kind", "")), content.pop("reply", None)
        try:
            values, attached = self.ask(kind, buffers, **content)
        except Exception as error:  # whatever happens, the page hears of it and stays usable
            expected = isinstance(error, ValueError)
            logging.getLogger("ovcf").warning("%s: %s", kind, error, exc_info=not expected)
            values, attached = {"error": str(error) or type(error).__name__}, []
        self.send({"reply": reply, **values}, list(attached))
