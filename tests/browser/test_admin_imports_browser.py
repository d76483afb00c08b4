"""An import in a real browser: bad lines, columns, progress, and the rejected lines."""

import os
from pathlib import Path
from typing import Any

import pytest

from numbers.models import PhoneNumber
from tests.support import factories
from tests.support.browser import Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("jobs_worker"),
]


def click(page: Browser, selector: str) -> None:
    with page.loading():
        page.click(selector)


def test_operator_imports_a_file_with_bad_lines(
    page: Browser, live_server: Any, tmp_path: Path
) -> None:
    lines = [f"{number};1,50;Acme" for number in factories.line(1, 40)]
    file = tmp_path / "stock.csv"
    file.write_text(
        "\n".join(["Rufnummer;Preis;Anbieter", *lines, "4155550101;gratis;Acme", "12;1;=1+1"])
    )
    with page.loading():
        page.click("nav a[href$='/imports/']")
    page.attach("#id_file", file)
    click(page, "#upload_form input[type=submit]")
    page.choose("#id_column_1", "number")
    page.choose("#id_column_2", "price")
    page.choose("#id_column_3", "carrier")
    click(page, "#look")
    assert "+14152000001" in page.text("#preview")
    shoot(page, "mapping")
    click(page, "#start")
    page.wait_for("document.querySelector('#rejected')")
    text = page.text("#content")
    assert "40 created" in text
    assert "price 'gratis' is not an amount" in text
    shoot(page, "result")
    assert PhoneNumber.objects.filter(carrier="Acme", price="1.50").count() == 40
    assert page.evaluate(
        "fetch(document.querySelector('#rejected').href).then(answer => answer.text())"
    ).startswith("Rufnummer;Preis;Anbieter;reason\n")


def shoot(page: Browser, name: str) -> None:
    """Keep a picture where IMPORT_PICTURES names a folder, to be looked at."""
    if folder := os.environ.get("IMPORT_PICTURES"):
        page.screenshot(Path(folder, f"{name}.png"), whole=True)
