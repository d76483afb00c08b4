"""Run axe-core on a page of the browser. Its version is pinned for tests with the npm packages."""

from functools import cache
from typing import Any

from tests.contract.clients import node
from tests.support.browser import Browser

# A color that is still changing is not judged. Styles are on the page, so none is fetched again.
_RUN = """Promise.all(document.getAnimations().map((one) => one.finished)).then(
    () => axe.run(document, {preload: false, resultTypes: ["violations"]})).then(
    ({violations}) => violations.flatMap(({id, nodes}) => nodes.map(({target, html}) =>
        ({rule: id, where: target.flat().join(" "), html: html.slice(0, 160)}))))"""


@cache
def source() -> str:
    """Return the text of axe-core. Raise NoNode if it can't be installed."""
    node.tools()
    return (node.FOLDER / "node_modules" / "axe-core" / "axe.min.js").read_text()


def violations(page: Browser) -> list[dict[str, Any]]:
    """Return each violation on the page, as rule, selector and the start of its HTML."""
    page.evaluate(f"if (!window.axe) {{ {source()} }}; 0")
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return found
