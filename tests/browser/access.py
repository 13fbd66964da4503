"""What keeps people out of a page, found by axe-core, of Deque Systems: https://github.com/dequelabs/axe-core."""

from tests.browser.notebook import Notebook


def violations(notebook: Notebook, cell: int, axe: str) -> list[tuple[str, str]]:
    """What axe-core finds in the output of a cell that keeps people out, as (rule, place)."""
    notebook.page.evaluate(axe)
    found = notebook.output(cell).evaluate("async element => await axe.run(element)")
    assert len(found["passes"]) > 5
    serious = [rule for rule in found["violations"] if rule["impact"] in ("serious", "critical")]
    return [(rule["id"], node["html"][:120]) for rule in serious for node in rule["nodes"]]
