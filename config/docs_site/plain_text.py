"""The docs for programs: ``/llms.txt``, and each operation as Markdown."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from config.api.openapi.texts import SUMMARY
from config.docs_site.guides import CHANGELOG, Guide, all_guides
from config.docs_site.reference import JSON, Reference

Operations = dict[str, tuple[str, str, dict[str, Any]]]


def operations(document: dict[str, Any]) -> Operations:
    """Return each operation by its id: method, path, description."""
    return {
        one["operationId"]: (method.upper(), path, one)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    }


def llms_text(document: dict[str, Any], base: str) -> str:
    """Return ``/llms.txt``, as llmstxt.org has it: what there is, and where it stands as text."""
    lines = [
        "# Numberdesk",
        "",
        f"> {SUMMARY} A REST API under `{base}/v1`, with bearer keys. Agents call its tools at "
        f"`{base}/v1/mcp`, without code.",
        "",
        "Each page below is Markdown. Errors have a stable `error.code`; the guide Errors has all "
        "of them with what to do.",
        "",
        "## Guides",
        "",
        *(_guide_line(one, base) for one in all_guides().values()),
    ]
    for tag in document["tags"]:
        lines += ["", f"## {tag['name']}", "", tag["description"], ""]
        lines += [
            f"- [{method} {path}]({base}/docs/operations/{id}.md): {one['summary']}"
            for id, (method, path, one) in operations(document).items()
            if one["tags"][0] == tag["name"]
        ]
    lines += [
        "",
        "## Optional",
        "",
        f"- [OpenAPI document]({base}/v1/openapi.json): everything above, for generators; "
        f"`?tag=Phone+numbers` for the operations under one of these headings",
        f"- [TypeScript types]({base}/types.ts): of every request and answer",
        f"- [Changelog]({base}/docs/{CHANGELOG}.md): each visible change",
    ]
    return "\n".join(lines) + "\n"


def _guide_line(guide: Guide, base: str) -> str:
    return f"- [{guide.title}]({base}/docs/{guide.slug}.md): {guide.summary}"


def operation_text(document: dict[str, Any], id: str, base: str) -> str:
    """Return one operation as Markdown. Raise KeyError if there is none with this id."""
    method, path, operation = operations(document)[id]
    return "\n".join(_lines(Reference(document, base), method, path, operation)) + "\n"


def _lines(
    reference: Reference, method: str, path: str, operation: dict[str, Any]
) -> Iterator[str]:
    yield f"# {operation['summary']}"
    yield ""
    yield f"`{method} {reference.base}{path}`"
    yield ""
    yield operation["description"]
    parameters = [reference.resolve(one) for one in operation.get("parameters", [])]
    if parameters:
        yield from ("", "## Parameters", "", "| name | in | type | what |", "|---|---|---|---|")
    for one in parameters:
        required = ", required" if one.get("required") else ""
        kind = _cell(reference.type_of(one["schema"]))
        yield f"| `{one['name']}` | {one['in']}{required} | {kind} | {_cell(one['description'])} |"
    if body := operation.get("requestBody"):
        yield from ("", "## Body")
        yield from _content(reference, body["content"][JSON])
    for status, response in operation["responses"].items():
        yield from _response(reference, status, reference.resolve(response))


def _response(reference: Reference, status: str, response: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"## {status} {HTTPStatus(int(status)).phrase}", "", response["description"])
    for content in response["content"].values():
        yield from _content(reference, content, with_fields=status.startswith("2"))


def _content(
    reference: Reference, content: dict[str, Any], *, with_fields: bool = True
) -> Iterator[str]:
    if with_fields:
        for shape in reference.alternatives(content["schema"]):
            yield from _fields(reference, shape)
    if "example" in content:
        yield from _example(content["example"])
    for one in content.get("examples", {}).values():
        yield from ("", f"{one['summary']}:")
        yield from _example(one["value"])


def _fields(reference: Reference, shape: dict[str, Any]) -> Iterator[str]:
    properties = reference.resolve(shape).get("properties", {})
    required = reference.resolve(shape).get("required", [])
    if properties:
        yield from ("", "| field | type | what |", "|---|---|---|")
    for name, field in properties.items():
        about = _cell(reference.resolve(field).get("description", ""))
        optional = "" if name in required else ", optional"
        yield f"| `{name}` | {_cell(reference.type_of(field))}{optional} | {about} |"


def _example(value: Any) -> Iterator[str]:
    yield from ("", "```json", *json.dumps(value, indent=2, ensure_ascii=False).split("\n"), "```")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
