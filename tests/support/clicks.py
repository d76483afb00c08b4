"""An operator who counts: each click and each submitted form is one, typing is free."""

import json
import os
from pathlib import Path

from tests.support.browser import Browser

# An operator's task takes no more of them, from the home page to its end.
MOST = 6

# Mark the first visible link, button or submit with this text; say whether there was one.
_MARK = """(() => {
    const within = document.querySelector(%s), text = %s.toLowerCase();
    document.querySelectorAll("[data-aimed]").forEach(one => one.removeAttribute("data-aimed"));
    const seen = [...(within?.querySelectorAll("a, button, input[type=submit], summary") ?? [])]
        .filter(one => one.checkVisibility());
    const words = one => (one.matches("input") ? one.value : one.innerText)
        .trim().replace(/\\s+/g, " ").toLowerCase();
    const hit = seen.find(one => words(one) === text)
        ?? seen.find(one => words(one).startsWith(text));
    hit?.setAttribute("data-aimed", "");
    return Boolean(hit); })()"""

# The list of a select2 widget has come to what was typed.
_HIGHLIGHTED = """[...document.querySelectorAll(".select2-results__option--highlighted")]
    .some(one => one.innerText.includes(%s))"""


class Operator:
    """Plays tasks from home. ``clicks`` counts since then."""

    def __init__(self, page: Browser, address: str) -> None:
        self.page = page
        self.address = address
        self.clicks = 0

    def home(self) -> None:
        """Begin a task: open the home page, and count from here."""
        self.page.go(self.address + "/admin/")
        self.clicks = 0

    def attach(self, name: str, file: Path) -> None:
        """Choose a file, which is a click."""
        self.clicks += 1
        self.page.attach(f"[name='{name}']", file)

    def tick(self, selector: str) -> None:
        """Click what does not lead to another page."""
        self.clicks += 1
        self.page.click(selector)

    def follow(self, text: str, *, within: str = "body") -> None:
        """Click the link or button that reads so, and wait for the page that it leads to."""
        if not self.page.evaluate(_MARK % (json.dumps(within), json.dumps(text))):
            raise AssertionError(f"nothing reads {text!r} in {within}: {self.page.text(within)}")
        self._click("[data-aimed]")

    def follow_to(self, selector: str) -> None:
        """Click what the selector finds, and wait for the page that it leads to."""
        self._click(selector)

    def find(self, text: str) -> None:
        """Use the search box that every page has."""
        self.type(**{"desk-find-q": text})
        self._enter()

    def type(self, **values: str) -> None:
        """Type into fields, by name or by id, which is free."""
        for name, value in values.items():
            self.page.fill(f"[name='{name}'], [id='{name}']", value)

    def choose(self, name: str, value: str) -> None:
        """Choose of a drop-down list, which is a click."""
        self.clicks += 1
        self.page.choose(f"[name='{name}']", value)

    def choose_by_typing(self, name: str, text: str) -> None:
        """Choose of a list that is searched by typing, which is a click."""
        self.clicks += 1
        self.page.click(f"[name='{name}'] + .select2 .select2-selection")
        self.page.wait_for("document.querySelector('.select2-search__field')")
        self.page.call("Input.insertText", text=text)
        self.page.wait_for(_HIGHLIGHTED % json.dumps(text))
        self.page.press("Enter")

    def submit(self, text: str = "", **values: str) -> None:
        """Fill a form and send it, by the button that reads so or by its main one."""
        self.type(**values)
        if text:
            self.follow(text)
        else:
            self._click(".submit-row input[type=submit], .submit-row button[type=submit]")

    def _click(self, selector: str) -> None:
        self.clicks += 1
        with self.page.loading():
            self.page.click(selector)

    def _enter(self) -> None:
        self.clicks += 1
        with self.page.loading():
            self.page.press("Enter")

    def says(self, text: str, within: str = "#content") -> None:
        """Assert that the page says so."""
        shown = self.page.text(within)
        assert text in shown, f"{text!r} is not on the page: {shown}"

    def shoot(self, name: str) -> None:
        """Keep a picture if DAY_PICTURES names a folder."""
        if folder := os.environ.get("DAY_PICTURES"):
            self.page.screenshot(Path(folder, f"{name}.png"), whole=True)

    def finish(self) -> None:
        """Assert that the task took no more clicks than allowed."""
        assert 0 < self.clicks <= MOST, f"{self.clicks} clicks"
