"""A line is logged whatever its values are."""

import json
import logging

import pytest

from config.observability.logs import JsonFormatter


class WithoutText:
    def __str__(self) -> str:
        raise RuntimeError("no text")


class BrokenIterator:
    def __iter__(self):
        return self

    def __next__(self):
        raise RuntimeError("no item")


def line_of(message: str, **fields) -> dict:
    record = logging.LogRecord("numbers", logging.INFO, "", 0, message, (), None)
    record.fields = fields
    text = JsonFormatter().format(record)
    assert "\n" not in text
    return json.loads(text.encode())


def circle() -> list:
    one: list = []
    one.append(one)
    return one


def nested(levels: int) -> list:
    one: list = []
    for _ in range(levels):
        one = [one]
    return one


@pytest.mark.parametrize(
    "value",
    [
        "\ud800",
        {"\ud800": 1},
        b"\xff",
        object(),
        WithoutText(),
        [WithoutText()],
        {object(): 1},
        circle(),
        nested(5000),
        BrokenIterator(),
        float("nan"),
        2**100,
        {1, 2},
    ],
    ids=lambda value: type(value).__name__,
)
def test_line_is_logged_when_a_value_is_not_json(value):
    line = line_of("order placed", odd=value, total="1.00")
    assert line["message"] == "order placed"
    assert line["total"] == "1.00"
    assert "odd" in line


def test_line_is_logged_when_its_message_is_not_unicode():
    assert line_of("at \ud800")["message"] == "at \\ud800"


def test_unencodable_values_keep_secrets_hidden():
    secret = "am_live_" + "Zz9" * 12
    assert secret not in json.dumps(line_of("at \ud800", key=secret))
