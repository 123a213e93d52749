"""A figure as Jupyter and the report show it: its panels, a caption, and words for those who do not see it.

`<figure data-name="figure4"><img alt="..."> ... <figcaption>...</figcaption></figure>`: whatever assembles a page finds
figures by `data-name` and numbers them there (`ovcf.report.numbering`). A name is fixed: it is the name of the files in
`figures/` too, with a letter for each panel where there are several.
"""

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

from matplotlib.figure import Figure

from ovcf.figures.style import GREY, SMALL

ROW = "display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start"
CSS_DPI = 96  # of a screen's pixel, by which a figure has the size that it was drawn in


class ShownFigure:
    """One figure: PNG of each panel, its width in pixels of the screen, its alternative text; one caption for all."""

    def __init__(self, name: str, panels: Sequence[tuple[bytes, int, str]], caption: str) -> None:
        self.name, self.panels, self.caption = name, panels, caption

    def _repr_html_(self) -> str:
        images = "".join(
            f'<img alt="{escape(alt)}" width="{width}" style="max-width: 100%; height: auto" src="{_address(picture)}">'
            for picture, width, alt in self.panels
        )
        words = f"<figcaption>{escape(self.caption)}</figcaption>"
        return (
            f'<figure data-name="{escape(self.name)}"><div class="panels" style="{ROW}">{images}</div>{words}</figure>'
        )

    def __repr__(self) -> str:
        return f"figure {self.name}: {self.caption}"


def show_figure(
    study: Any,
    name: str,
    panels: Figure | Sequence[Figure],
    caption: str,
    alt: str | Sequence[str],
    *,
    mark: str | None = None,
) -> ShownFigure:
    """Keep a figure with the run (`figures/<name>.png`, `.svg`, `.pdf`) and return it as it is shown.

    Parameters
    ----------
    study : whose `save_figure` keeps the files and returns a PNG for the screen; an empty one where nothing is drawn.
    name : of the figure; "figure4" is Figure 4, as in the paper.
    panels : one figure of matplotlib, or several that stand side by side where there is room; each is closed.
    caption : what is shown, of how many, and what bars and bands are.
    alt : what each panel shows, in words.
    mark : stands above each panel, so that a picture taken out of the page still says what it is made of; by default
        whether the films are synthetic.
    """
    mark = ("synthetic films" if study.synthetic else "") if mark is None else mark
    panels, alt = [panels] if isinstance(panels, Figure) else list(panels), [alt] if isinstance(alt, str) else list(alt)
    for figure in panels if mark else ():
        figure.suptitle(mark, fontsize=SMALL, color=GREY, x=0.01, ha="left")
    names = [name] if len(panels) == 1 else [f"{name}_{letter}" for letter in "abcdefghij"[: len(panels)]]
    shown = [
        (study.save_figure(each, figure), round(figure.get_figwidth() * CSS_DPI), words)
        for each, figure, words in zip(names, panels, alt, strict=True)
    ]
    for figure in panels:
        _close(figure)
    return ShownFigure(name, shown, caption)


def _address(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}" if picture else ""


def _close(figure: Figure) -> None:
    """Let pyplot forget a figure, so that a notebook does not show it a second time."""
    import matplotlib.pyplot as plt

    plt.close(figure)
