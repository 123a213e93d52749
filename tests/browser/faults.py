"""What axe-core finds against a page's accessibility."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe

SERIOUS = ("serious", "critical")


def serious_faults(page: Any, context: str) -> list[str]:
    """Serious and critical faults within what a selector finds: the rule, and where."""
    found = Axe().run(page, context=context).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found if one["impact"] in SERIOUS for node in one["nodes"]]
