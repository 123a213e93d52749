"""How a figure is kept: for print as PDF, SVG and PNG of 300 dpi, and small enough for a screen."""

import io
from pathlib import Path
from typing import Any

from PIL import Image

from ovcf.files import writing

PRINT_DPI, SCREEN_DPI = 300, 192  # a screen's pixel is 1/96 inch: two to each, for sharp screens
FORMATS = ("png", "svg", "pdf")
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None, "ModDate": None}, "png": None}


def write_figure(folder: Path, name: str, figure: Any) -> list[str]:
    """Write `<name>.png` (300 dpi), `.svg` and `.pdf` into a folder; return the names.

    Parameters
    ----------
    figure : of matplotlib, in the size in inches that it is printed in; its layout is settled by this.
    """
    names = [f"{name}.{kind}" for kind in FORMATS]
    _lay_out(figure)
    for kind, path in zip(FORMATS, names, strict=True):
        with writing(folder / path) as stream:
            figure.savefig(stream, format=kind, dpi=PRINT_DPI, metadata=UNDATED[kind])
    return names


def _lay_out(figure: Any) -> None:
    """Lay a figure out once for all formats: for the screen, whose hinted type is the widest, so that none is cut."""
    drawn_at = figure.dpi
    figure.set_dpi(SCREEN_DPI)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    figure.set_dpi(drawn_at)


def on_screen(figure: Any) -> bytes:
    """Return a figure as a PNG for screens, of 256 colours, two pixels to each of the screen's."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="raw", dpi=SCREEN_DPI, facecolor="white")
    size = tuple(int(length * SCREEN_DPI) for length in figure.get_size_inches())  # as the renderer cuts it off
    Image.frombuffer("RGBA", size, drawn.getvalue()).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
        small, format="png"
    )
    return small.getvalue()
