"""Code samples of an operation: curl, TypeScript with the types of /types.ts, Python's requests."""

import json
from dataclasses import dataclass
from typing import Any

INDENT = "    "
# A key that is created within the call would differ at each retry. The guides say so too.
KEY_ADVICE = "made once: every retry sends the same key"


@dataclass(frozen=True)
class Call:
    """An operation with example values. ``query`` has only the parameters worth showing.

    ``in_lines``: it responds with lines of JSON, of the type ``response_type`` or another.
    ``in_envelope``: its response has ``data``.
    """

    method: str
    url: str
    body: Any
    authenticated: bool
    idempotent: bool
    request_type: str
    response_type: str
    in_lines: bool = False
    in_envelope: bool = True


def curl(call: Call) -> str:
    key = f"KEY=$(uuidgen)  # {KEY_ADVICE}\n" if call.idempotent else ""
    lines = ["curl"] if call.method == "GET" else [f"curl -X {call.method}"]
    lines[0] += f' "{call.url}"'
    if call.authenticated:
        lines.append('-H "Authorization: Bearer $NUMBERDESK_API_KEY"')
    if call.body is not None:
        lines.append('-H "Content-Type: application/json"')
    if call.idempotent:
        lines.append('-H "Idempotency-Key: $KEY"')
    if call.body is not None:
        lines.append(f"-d '{json.dumps(call.body, indent=2)}'")
    return key + " \\\n  ".join(lines) + "\n"


def typescript(call: Call) -> str:
    types = (
        [call.request_type, call.response_type] if call.body is not None else [call.response_type]
    )
    lines = [f'import type {{ {", ".join(types)} }} from "./types";', ""]
    if call.body is not None:
        lines += [f"const body: {call.request_type} = {json.dumps(call.body, indent=2)};", ""]
    if call.idempotent:
        lines.append(f"const key = crypto.randomUUID(); // {KEY_ADVICE}")
    lines.append(
        f'const response = await fetch("{call.url}"'
        + (", {" if _typescript_options(call) else ");")
    )
    if options := _typescript_options(call):
        lines += [*(f"  {line}" for line in options), "});"]
    lines += ["if (!response.ok) throw new Error(await response.text());", ""]
    if call.in_lines:
        lines += [
            'for (const line of (await response.text()).trim().split("\\n")) {',
            f"  const found: Partial<{call.response_type}> = JSON.parse(line);",
            "  console.log(found);",
            "}",
        ]
    else:
        taken, shown = ("{ data }", "data") if call.in_envelope else ("answer", "answer")
        lines += [
            f"const {taken}: {call.response_type} = await response.json();",
            f"console.log({shown});",
        ]
    return "\n".join(lines) + "\n"


def _typescript_options(call: Call) -> list[str]:
    headers = []
    if call.authenticated:
        headers.append("Authorization: `Bearer ${process.env.NUMBERDESK_API_KEY}`,")
    if call.body is not None:
        headers.append('"Content-Type": "application/json",')
    if call.idempotent:
        headers.append('"Idempotency-Key": key,')
    lines = [] if call.method == "GET" else [f'method: "{call.method}",']
    if headers:
        lines += ["headers: {", *(f"  {line}" for line in headers), "},"]
    if call.body is not None:
        lines.append("body: JSON.stringify(body),")
    return lines


def python(call: Call) -> str:
    needed = (("json", call.in_lines), ("os", call.authenticated), ("uuid", call.idempotent))
    imports = [name for name, used in needed if used]
    headers = []
    if call.authenticated:
        headers.append('"Authorization": f"Bearer {os.environ[\'NUMBERDESK_API_KEY\']}",')
    if call.idempotent:
        headers.append('"Idempotency-Key": key,')
    lines = [
        *(f"import {name}" for name in imports),
        *([""] if imports else []),
        "import requests",
        "",
    ]
    if call.idempotent:
        lines.append(f"key = str(uuid.uuid4())  # {KEY_ADVICE}")
    lines += [f"response = requests.{call.method.lower()}(", f'{INDENT}"{call.url}",']
    if headers:
        lines += [f"{INDENT}headers={{", *(INDENT * 2 + line for line in headers), f"{INDENT}}},"]
    if call.body is not None:
        lines.append(f"{INDENT}json={_indented(_python_literal(call.body))},")
    lines += [
        *([f"{INDENT}stream=True,"] if call.in_lines else []),
        f"{INDENT}timeout=30,",
        ")",
        "response.raise_for_status()",
    ]
    lines += (
        ["for line in response.iter_lines():", f"{INDENT}print(json.loads(line))"]
        if call.in_lines
        else ['print(response.json()["data"])' if call.in_envelope else "print(response.json())"]
    )
    return "\n".join(lines) + "\n"


def _python_literal(value: Any) -> str:
    """Return JSON as a Python literal, which writes true, false and null differently."""
    words = {True: "True", False: "False", None: "None"}
    if isinstance(value, dict):
        inner = [f"{json.dumps(name)}: {_python_literal(one)}," for name, one in value.items()]
    elif isinstance(value, list):
        inner = [f"{_python_literal(one)}," for one in value]
    else:
        return (
            words[value]
            if value is None or isinstance(value, bool)
            else json.dumps(value, ensure_ascii=False)
        )
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    return "\n".join([opened, *(INDENT + _indented(line) for line in inner), closed])


def _indented(text: str) -> str:
    return text.replace("\n", "\n" + INDENT)
