"""Tabs that the keyboard reaches: a tab list after the ARIA pattern over ipywidgets' Stack."""

import anywidget
import ipywidgets
import traitlets

from ovcf.viz.widget import script, style


class Tabs(anywidget.AnyWidget):
    """A row of tabs; `selected` is the number of the open one."""

    _esm = script("common.js", "tabs.js")
    _css = style("base.css", "tabs.css")
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    selected = traitlets.Int(0).tag(sync=True)


class Notice(anywidget.AnyWidget):
    """Words in place of a widget that cannot be shown."""

    _esm = script("common.js", "notice.js")
    _css = style("base.css")
    lines = traitlets.List(traitlets.Unicode()).tag(sync=True)


def tabbed(children: dict) -> ipywidgets.VBox:
    """Put widgets behind tabs named by their keys; the first is open."""
    tabs = Tabs(labels=list(children))
    stack = ipywidgets.Stack(list(children.values()), selected_index=0)
    ipywidgets.jslink((tabs, "selected"), (stack, "selected_index"))
    return ipywidgets.VBox([tabs, stack])


def problem_page(error: BaseException) -> Notice:
    """Say every problem of an InputError on the page."""
    return Notice(lines=[str(problem) for problem in error.problems])
