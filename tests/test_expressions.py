"""No expression of ours over what strangers send takes more than linear time."""

import inspect
import re
import sys
import time

import pytest
from django.urls import get_resolver

SIZES = [100 * 2**step for step in range(9)]
WORTH_A_LOOK = 0.005  # seconds: no linear expression needs as much for the largest
OURS = ("config.", "apikeys.", "campaigns.", "numbers.")
PIECES = ["0", "9", "a", "A", "_", " ", "\t", "+", "-", ".", ":", "/", "@", '"', "=", ";", ",", "%", "\n", "\r", "é"]
PIECES += ["a=", "a;", "0.", "a-", "../", "://", "%2", "am_live_", "_live_aaaa", "a@", "\r\n", "a:a@", '=""', "x*=a'"]


def expressions():
    """Return every compiled expression that a module of ours holds, by name."""
    get_resolver().url_patterns  # noqa: B018  imports all that serves requests
    found = {}
    for name, module in list(sys.modules.items()):
        if name.startswith(OURS) and not name.startswith("config.docs"):  # which reads our own texts
            for attribute, value in vars(module).items():
                if isinstance(value, re.Pattern) and f"{attribute} = " in inspect.getsource(module):
                    found[f"{name}.{attribute}"] = value, uses(attribute, inspect.getsource(module))
    return found


def uses(attribute, source):
    """Return whether the module matches whole texts with it, or looks for it anywhere."""
    whole = set(re.findall(rf"{attribute}\.(\w+)\(", source)) <= {"fullmatch", "match"}
    return "fullmatch" if whole else "search"


def seconds(pattern, use, text):
    if isinstance(pattern.pattern, bytes):
        text = text.encode()
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        getattr(pattern, use)(text)
        best = min(best, time.process_time() - began)
    return best


def is_slow(pattern, use, piece, end):
    """Return whether twice the text takes far more than twice the time, before it takes for ever."""
    before = 0.0
    for size in SIZES:
        taken = seconds(pattern, use, piece * (size // len(piece)) + end)
        if taken > WORTH_A_LOOK:
            return taken > 3 * before
        before = taken
    return False


def slow_inputs(pattern, use):
    """Return the pieces that, repeated, take the expression more than linear time."""
    return [piece for piece in PIECES for end in ("", "\0") if is_slow(pattern, use, piece, end)]


def test_every_expression_takes_linear_time():
    found = expressions()
    assert len(found) > 10
    assert {name: slow for name, (pattern, use) in found.items() if (slow := slow_inputs(pattern, use))} == {}


@pytest.mark.parametrize("pattern", [r"[ \t]*0*([0-9]{1,18})([0-9]*)[ \t]*\r\n", r"a*b"])
def test_expression_that_is_not_linear_is_found(pattern):
    """The first is like the one of the HTTP worker that four requests stopped."""
    expression = re.compile(pattern)
    assert is_slow(expression, "search", "0", "") or is_slow(expression, "search", "a", "")
