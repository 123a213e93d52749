"""What axe-core finds against a page's accessibility."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe

SERIOUS = ("serious", "critical")


def serious_faults(page: Any, context: str | None = None) -> list[str]:
    """Serious and critical faults of a page, or within what a selector finds: the rule, and where."""
    found = Axe().run(page, context=context).response
    assert found["passes"]  # it looked at something
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
