"""``/v1/openapi.json?tag=``: the operations of one tag, whole and small enough to be read."""

import jsonschema
import pytest
from django.test import Client
from drf_spectacular.validation import validate_schema

from config import json_text
from config.api.openapi.parts import tags_of
from config.api.openapi.views import schema, served_schema
from tests.support.api_client import error_of

MOST_CHARACTERS = 160_000  # some 40,000 tokens

WHOLE = served_schema("http://testserver")


def part(tag: str) -> dict:
    answer = Client().get("/v1/openapi.json", {"tag": tag})
    assert answer.status_code == 200, answer.content
    assert len(answer.content) < MOST_CHARACTERS
    return json_text.load(answer.content)


def resolve(document: dict, reference: str) -> object:
    found: object = document
    for step in reference.removeprefix("#/").split("/"):
        assert isinstance(found, dict)
        assert step in found, reference
        found = found[step]
    return found


def references(of: object) -> set[str]:
    if isinstance(of, list):
        return set().union(*map(references, of)) if of else set()
    if not isinstance(of, dict):
        return set()
    own = {one for one in of.values() if isinstance(one, str) and one.startswith("#/components/")}
    return own.union(*map(references, of.values()))


@pytest.mark.parametrize("tag", tags_of(schema()))
def test_part_is_a_valid_document_that_names_what_it_has(tag):
    document = part(tag)
    validate_schema(document)
    for component in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(component)
    named = references(document)
    for reference in named:
        assert resolve(document, reference) == resolve(WHOLE, reference)
    listed = {
        f"#/components/{kind}/{name}"
        for kind, all_of_kind in document["components"].items()
        if kind != "securitySchemes"
        for name in all_of_kind
    }
    assert listed == named


def test_parts_together_are_the_whole():
    assert len(tags_of(WHOLE)) > 10
    together: dict = {}
    for tag in tags_of(WHOLE):
        for path, methods in part(tag)["paths"].items():
            assert not together.setdefault(path, {}).keys() & methods.keys()
            together[path] |= methods
    assert together == WHOLE["paths"]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("tag=phone", "tag"),
        ("tag=", "tag"),
        ("tag=Routes&tag=Credit", "tag"),
        ("tags=Routes", "tags"),
    ],
)
def test_query_that_names_no_tag_is_refused_by_name(query, name):
    error = error_of(Client().get(f"/v1/openapi.json?{query}"), 422, "VALIDATION_FAILED")
    assert name in error["details"]
