"""Every regular expression takes linear time on any input.

Each expression of the apps is found in the source and tried on growing hostile input: at each of its
repetitions, what leads there, then a text many times, then something that does not fit. CPU times are
compared with each other.
"""

import ast
import importlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from tests.support.embedded_postgres import ROOT

APPS = ("apikeys", "campaigns", "config", "numbers")
USES = ("compile", "fullmatch", "match", "search", "sub", "subn", "split", "findall", "finditer")

# Expressions that read our own texts only, by module.
OWN_TEXTS = {
    "config.docs_site.guides": "the guides",
    "config.docs_site.markdown": "the guides and the OpenAPI document",
    "config.docs_site.typescript": "the generated types",
}

# From each size to the one two places on, the cost of a character stays the same if the time is linear.
# It grows 16 times if the time is quadratic, and by far more if it is exponential.
SIZES = (6, 12, 24, 100, 400, 1_600, 6_400, 25_600)
GROWTH = 4
# Seconds of CPU for each character. A quadratic expression costs 13 microseconds at the largest size,
# a linear one costs less than one at any: only what is dearer than this is measured more exactly.
SUSPICIOUS = 2e-6
CHARACTERS = [chr(code) for code in range(32, 127)] + list("\t\r\n\x00\x7f\u00e9\u0665\ufffd")
ENDINGS = ("", "\x01", "!", "\r\n", "z")


@dataclass(frozen=True)
class Expression:
    where: str
    pattern: str | bytes
    flags: int
    use: str


def modules() -> Iterator[Path]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def expressions() -> list[Expression]:
    return [found for path in modules() for found in expressions_of(path)]


def expressions_of(path: Path) -> Iterator[Expression]:
    source = path.read_text()
    if "import re" not in source and "regex = " not in source:
        return
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    tree = ast.parse(source)
    methods = methods_of(tree)
    for node in ast.walk(tree):
        where = f"{name}:{getattr(node, 'lineno', 0)}"
        if is_use(node) and name not in OWN_TEXTS:
            assert isinstance(node, ast.Call)
            assert isinstance(node.func, ast.Attribute)
            names = vars(importlib.import_module(name))
            pattern, flags = evaluated(node.args[0], names), flags_of(node, names)
            uses = (
                methods.get(node, {"search"}) if node.func.attr == "compile" else {node.func.attr}
            )
            for use in sorted(uses):
                yield Expression(f"{where}-{use}", pattern, flags, use)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            (target, *_) = node.targets
            if isinstance(target, ast.Name) and target.id == "regex":  # of a path converter
                yield Expression(where, node.value.value, 0, "fullmatch")


def methods_of(tree: ast.Module) -> dict[ast.AST, set[str]]:
    """From each ``NAME = re.compile(…)`` to the methods that the module calls of that name."""
    called: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.attr in USES
        ):
            called.setdefault(node.value.id, set()).add(node.attr)
    assigned = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    ]
    names = {
        node.value: node.targets[0].id for node in assigned if isinstance(node.targets[0], ast.Name)
    }
    return {value: called[name] for value, name in names.items() if name in called}


def is_use(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in USES
    )


def flags_of(node: ast.Call, names: dict[str, Any]) -> int:
    given = [*node.args[1:], *(one.value for one in node.keywords if one.arg == "flags")]
    return sum(int(evaluated(one, names)) for one in given if ast.unparse(one).startswith("re."))


def evaluated(node: ast.expr, names: dict[str, Any]) -> Any:
    """The value of a constant, or of what a module makes of its constants."""
    return eval(compile(ast.Expression(node), "<expression>", "eval"), dict(names))


@dataclass(frozen=True)
class Attack:
    """Text that leads to a repetition, and what is repeated there."""

    opening: str
    pump: str

    def text(self, size: int, ending: str) -> str:
        return self.opening + (self.pump * (size // len(self.pump) + 1))[:size] + ending


def attacks(pattern: str | bytes, flags: int) -> set[Attack]:
    """Return what to try: each repetition, entered once or again and again, with every kind of character."""
    tree = parser.parse(pattern, flags)
    entrances, bodies = repetitions(tree)
    found = set()
    for opening in entrances:
        pumps = {*kinds(tree), *bodies, opening, *(opening + one for one in kinds(tree))} - {""}
        found |= {Attack(opening, pump) for pump in pumps}
    return found


def repetitions(tree: Any) -> tuple[set[str], set[str]]:
    """Return what leads to each repetition, the shortest that fits, and what each repeats."""
    entrances, bodies = {""}, set()

    def walk(parts: Any, before: str) -> str:
        for operation, argument in parts:
            name = str(operation)
            if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
                least, _, inner = argument
                entrances.add(before)
                body = walk(inner, before)[len(before) :]
                bodies.add(body)
                before += body * max(least, 1)
                entrances.add(before)
            elif name == "SUBPATTERN":
                before = walk(argument[-1], before)
            elif name == "BRANCH":
                before = next(walk(one, before) for one in argument[1])
            elif name == "ATOMIC_GROUP":
                before = walk(argument, before)
            else:
                before += sample(operation, argument)
        return before

    walk(tree, "")
    return entrances, bodies


def kinds(tree: Any) -> list[str]:
    """Return one character of each kind: those that the same parts of the expression match."""
    leaves = list(leaves_of(tree))
    found: dict[Any, str] = {}
    for one in CHARACTERS:
        kind = tuple(matches(operation, argument, one) for operation, argument in leaves)
        found.setdefault((kind, one if ord(one) > 127 else ""), one)
    return list(found.values())


def leaves_of(parts: Any) -> Iterator[tuple[str, Any]]:
    for operation, argument in parts:
        if str(operation) in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            yield str(operation), argument
        else:
            for inner in inner_parts(argument):
                yield from leaves_of(inner)


def inner_parts(argument: Any) -> Iterator[Any]:
    if isinstance(argument, parser.SubPattern):
        yield argument
    elif isinstance(argument, list | tuple):
        for one in argument:
            yield from inner_parts(one)


def matches(operation: str, argument: Any, character: str) -> bool:
    if operation == "IN":
        return is_in(argument, ord(character))
    return operation == "ANY" or (argument == ord(character)) == (operation == "LITERAL")


def sample(operation: Any, argument: Any) -> str:
    name = str(operation)
    if name == "LITERAL":
        return chr(argument)
    if name == "NOT_LITERAL":
        return next(one for one in CHARACTERS if ord(one) != argument)
    if name == "ANY":
        return "a"
    if name == "IN":
        return next(
            (one for one in CHARACTERS if one.isprintable() and is_in(argument, ord(one))), "\x00"
        )
    return ""  # a place, such as the end of a line


def is_in(items: Any, code: int) -> bool:
    negated = any(str(kind) == "NEGATE" for kind, _ in items)
    categories = {
        "CATEGORY_DIGIT": str.isdigit,
        "CATEGORY_SPACE": str.isspace,
        "CATEGORY_WORD": str.isalnum,
    }
    fits = False
    for kind, value in items:
        fits = fits or (str(kind) == "LITERAL" and value == code)
        fits = fits or (str(kind) == "RANGE" and value[0] <= code <= value[1])
        fits = fits or (
            str(kind) == "CATEGORY" and categories.get(str(value), str.isalnum)(chr(code))
        )
    return fits != negated


def is_worse_than_linear(expression: Expression) -> str | None:
    """Return the beginning of an input on which the time grows faster than the input, or None."""
    compiled = re.compile(expression.pattern, expression.flags)
    methods = {
        "sub": lambda text: compiled.sub("", text),
        "subn": lambda text: compiled.subn("", text),
    }
    run = methods.get(expression.use) or (
        lambda text: listed(getattr(compiled, expression.use)(text))
    )
    as_bytes = isinstance(expression.pattern, bytes)
    for attack in sorted(attacks(expression.pattern, expression.flags), key=str):
        for ending in ENDINGS:

            def cost(size: int, times: int) -> float:
                text = attack.text(size, ending)  # noqa: B023  used at once
                return (
                    cpu(run, text.encode("latin-1", "replace") if as_bytes else text, times) / size
                )

            if grows(cost):
                return repr(attack.text(12, f"...{ending}"))
    return None


def listed(found: Any) -> Any:
    return list(found) if hasattr(found, "__next__") else found


def cpu(run: Callable[[Any], Any], text: str | bytes, times: int) -> float:
    """Return the least CPU time of so many tries, so that what else the machine does counts for little."""
    spent = []
    for _ in range(times):
        began = time.thread_time()
        run(text)
        spent.append(time.thread_time() - began)
    return min(spent)


def grows(cost: Callable[[int, int], float]) -> bool:
    """Return whether the cost of a character grows with the size; stop at the first size that shows it."""
    for place, size in enumerate(SIZES):
        if cost(size, 1) > SUSPICIOUS and cost(size, 3) > max(
            SUSPICIOUS, GROWTH * cost(SIZES[max(place - 2, 0)], 5)
        ):
            return True
    return False


EVERY = expressions()


@pytest.mark.parametrize("expression", EVERY, ids=lambda one: one.where)
def test_expression_takes_linear_time(expression: Expression):
    assert is_worse_than_linear(expression) is None, expression.pattern


def test_expressions_are_found():
    where = {one.where.partition(":")[0] for one in EVERY}
    assert {
        "apikeys.key_format",
        "numbers.inventory.criteria",
        "numbers.ownership.webhook_urls",
        "config.observability.logs",
    } <= where
    assert len(EVERY) >= 20


def test_module_of_own_texts_exists():
    for name in OWN_TEXTS:
        source = Path(ROOT, *name.split(".")).with_suffix(".py").read_text()
        assert any(is_use(node) for node in ast.walk(ast.parse(source)))


@pytest.mark.parametrize(
    "pattern",
    [
        # Two of ours (of If-Match, and of the server that four requests stopped), and a textbook's.
        r'[ \t]*(?:(W/)?("[!-~]*"))?[ \t]*(?:,|$)',
        rb"\r\ncontent-length[ \t]*:[ \t]*0*([0-9]{1,18})([0-9]*)[ \t]*\r\n",
        r"([0-9]+)*x",
        r"[0-9]*[0-9]*x",
        r"\s+$",
        # Many beginnings that each read to the end; a group of two characters; a branch.
        r"<a[^>]*>",
        r"(?:ab)*(?:ab)*c",
        r"(?:a|[a-z])*9",
    ],
)
def test_slow_expression_is_noticed(pattern):
    """The negative control."""
    assert is_worse_than_linear(Expression("here", pattern, 0, "search")) is not None
