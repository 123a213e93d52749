"""The templates of the pages that are written, and their styles."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader

TEMPLATES = Path(__file__).parent / "templates"


def environment() -> Environment:
    """Return the environment in which every text is escaped unless it is declared safe."""
    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def style(name: str) -> str:
    """Return a style sheet's text, to stand in the page itself."""
    return (TEMPLATES / f"{name}.css").read_text(encoding="utf-8")
