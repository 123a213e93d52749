"""Boxes of vertebrae as they are typed and drawn."""

from collections.abc import Sequence

from ovcf.problems import InputError, Problem


def parse_box(text: str) -> tuple:
    """Four numbers from "x0,y0,x1,y1"; InputError otherwise."""
    try:
        box = tuple(float(v) for v in str(text).split(","))
    except ValueError:
        box = ()
    if len(box) != 4:
        raise InputError(Problem("box", "is not a box", None, None, "--box", text, "x0,y0,x1,y1 in px"))
    return box


def check_box(
    box: Sequence[float], shape: tuple[int, int], film: str | None = None
) -> tuple[float, float, float, float]:
    """The box as four floats in order, if it lies in the film (height, width) and is at least 1 px a side."""
    x0, y0, x1, y1 = (float(v) for v in box)
    height, width = shape
    inside = 0 <= x0 and x1 <= width and 0 <= y0 and y1 <= height
    if not (inside and x1 - x0 >= 1 and y1 - y0 >= 1):  # also false for NaN
        found = f"{x0:g},{y0:g},{x1:g},{y1:g}"
        allowed = f"0 <= x0 < x1 <= {width} and 0 <= y0 < y1 <= {height}, at least 1 px a side"
        raise InputError(Problem("box", "the box is not in the film", film, None, "box", found, allowed))
    return x0, y0, x1, y1
