"""Check contrast, labels and overflow of a page in the browser."""

import json
from typing import Any

from tests.support.browser import Browser

# WCAG 2.2, AA: 4.5 to 1, for large text 3 to 1. What is disabled, hidden or without text is left out.
_LOOK = """(() => {
    const parse = (text) => { const found = text.match(/[\\d.]+/g).map(Number);
        return {r: found[0], g: found[1], b: found[2], a: found.length > 3 ? found[3] : 1}; };
    const over = (top, under) => ({r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a),
        b: top.b * top.a + under.b * (1 - top.a), a: 1});
    const light = ({r, g, b}) => [r, g, b].map((one) => one / 255)
        .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
        .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
    const ground = (element) => {
        const layers = [];
        const fill = (one) => parse(getComputedStyle(one).backgroundColor);
        for (let one = element; one; one = one.parentElement) layers.push(fill(one));
        return layers.reverse().reduce((under, top) => over(top, under), fill(document.body));
    };
    const weak = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const text = walker.currentNode.textContent.trim();
        if (!text || !element.checkVisibility() || element.closest("svg, script, :disabled")) continue;
        const style = getComputedStyle(element), under = ground(element), ink = over(parse(style.color), under);
        const [bright, dark] = [light(ink), light(under)].sort((one, other) => other - one);
        const ratio = (bright + 0.05) / (dark + 0.05), size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (ratio < (large ? 3 : 4.5))
            weak.push(`${ratio.toFixed(2)} ${element.tagName}.${element.className}: ${text.slice(0, 30)}`);
    }
    return weak;
})()"""


def weak_texts(page: Browser) -> list[str]:
    """Texts whose contrast is below AA, with the ratio."""
    found: list[str] = page.evaluate(_LOOK)
    return sorted(set(found))


def wider_than_the_window(page: Browser) -> int:
    """By how many pixels the page has to be scrolled sideways."""
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def unnamed_fields(page: Browser) -> list[Any]:
    """Fields that a screen reader could not name."""
    visible = json.dumps("input:not([type=hidden]):not([type=submit]), select, textarea")
    script = f"""[...document.querySelectorAll({visible})].filter((one) => one.checkVisibility()
        && !one.labels?.length && !one.ariaLabel && !one.getAttribute("aria-labelledby")).map((one) => one.outerHTML)"""
    found: list[Any] = page.evaluate(script)
    return found


def cut_off(page: Browser) -> list[Any]:
    """Return tables and panels that are partly visible only by scrolling within them."""
    script = """[...document.querySelectorAll(".desk-panel, .desk-scroll, .desk-cards:has(> table), .results")]
        .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.innerText.slice(0, 40))"""
    found: list[Any] = page.evaluate(script)
    return found
