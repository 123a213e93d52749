"""A page's answer: its first lines go out at once, what its kernel shows follows."""

from tornado.web import HTTPError, authenticated
from voila.tornado.handler import TornadoVoilaHandler

OPENING = "opening.html"  # of our template: the start of the document, with the words that the page is at work
FAILED = """<script>document.getElementById("loading").remove()</script>
<p role="alert">This page could not be opened. Load it again; if that does not help, start the command again.</p>
"""
HEADERS = {"Content-Type": "text/html; charset=UTF-8", "Cache-Control": "no-store"}


class PageHandler(TornadoVoilaHandler):
    """Voila's page after the first lines of it; the kernel may still be starting, or come late under load."""

    @authenticated
    async def get(self, path: str | None = None) -> None:
        """Send the opening, then what the template makes of the notebook."""
        if path:
            raise HTTPError(404)
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.write(self.get_template(OPENING).render(base_url=self.base_url))
        await self.flush()
        try:
            await super().get(path)
        except Exception:  # the status has gone out: only the page itself can still say it
            self.log.exception("the page could not be opened")
            self.write(FAILED)
