"""Say once what many operations have: responses of errors and parameters become components.

A third of the document was repeated word for word, which costs programs that read it whole.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from config import json_text
from config.api.openapi.shapes import Schema
from config.api.openapi.texts import SHARED

Described = dict[str, Any]


def share(paths: Described, responses: Described) -> Described:
    """Replace what several operations have by references.

    Responses are added to ``responses``; the components of parameters are returned. A response
    keeps its own description beside the reference, as OpenAPI 3.1 has it.
    """
    operations = [one for methods in paths.values() for one in methods.values()]
    responses |= _share_responses(operations)
    _leave_out_what_components_say(operations, responses)
    return _share_parameters(operations)


def _errors(operations: list[Described]) -> Iterator[tuple[Described, str, str, Described]]:
    """Yield each response of an error with where it stands and the name that it would have."""
    for operation in operations:
        for status, response in operation["responses"].items():
            if status >= "4":
                yield operation["responses"], status, _response_name(response), response


def _share_responses(operations: list[Described]) -> Described:
    variants: dict[str, Counter[bytes]] = defaultdict(Counter)
    for _, _, name, response in _errors(operations):
        variants[name][_fingerprint(response)] += 1
    shared: Described = {}
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for where, status, name, response in list(_errors(operations)):
        fingerprint, times = variants[name].most_common(1)[0]
        if times > 1 and fingerprint == _fingerprint(response):
            shared.setdefault(name, response)
            said[name][response["description"]] += 1
            where[status] = {
                "$ref": f"#/components/responses/{name}",
                "description": response["description"],
            }
    return {
        name: {**response, "description": SHARED.get(name) or said[name].most_common(1)[0][0]}
        for name, response in shared.items()
    }


def _fingerprint(response: Described) -> bytes:
    """Return all of a response but its description, to compare it with others."""
    return json_text.dump({**response, "description": ""}, sort_keys=True)


def _leave_out_what_components_say(operations: list[Described], responses: Described) -> None:
    for operation in operations:
        for response in operation["responses"].values():
            of = responses.get(response.get("$ref", "").rpartition("/")[2])
            if of and of["description"] == response.get("description"):
                del response["description"]


def _response_name(response: Described) -> str:
    """Return the name of the body's type without its ending: NotFound for NotFoundError."""
    (media,) = response["content"].values()
    name = str(media["schema"]["$ref"]).rpartition("/")[2]
    return name if name == "InternalError" else name.removesuffix("Error")


def _share_parameters(operations: list[Described]) -> Described:
    variants: dict[str, Counter[bytes]] = defaultdict(Counter)
    for operation in operations:
        for one in operation.get("parameters", ()):
            variants[_parameter_name(one)][json_text.dump(one, sort_keys=True)] += 1
    shared: Described = {}
    for operation in operations:
        for place, one in enumerate(operation.get("parameters", ())):
            name = _parameter_name(one)
            written, times = variants[name].most_common(1)[0]
            if times > 1 and written == json_text.dump(one, sort_keys=True):
                shared[name] = one
                operation["parameters"][place] = {"$ref": f"#/components/parameters/{name}"}
    return shared


def _parameter_name(parameter: Schema) -> str:
    """Return the name of a parameter's component: Idempotency-Key becomes IdempotencyKey."""
    words = parameter["name"].replace("-", "_").split("_")
    return "".join(word[:1].upper() + word[1:] for word in words)
