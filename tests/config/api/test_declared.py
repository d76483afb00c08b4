"""Declared requests and responses: what is read, and how the document describes it."""

from typing import Annotated

import pytest
from django.test import RequestFactory
from rest_framework.request import Request
from typing_extensions import TypedDict

from apikeys.types import ApiKeyRequest
from config.api.declared import Reads, RequestBody, RequestQuery, doc, parse_body, read_query
from config.api.field_kinds import FlagParameter, Text, Uuid, whole_number
from config.api.json_body import JsonParser
from config.api.openapi.declare import Returns
from config.api.openapi.schemas import example_of, schema_of
from config.api.openapi.shapes import resolve
from config.errors import ValidationFailed
from numbers.field_kinds import NumberType


class Thing(RequestBody):
    size: Annotated[int, whole_number(1, 9), doc("How large.")]
    depth: Annotated[int, whole_number(1, 9, required=False, default=3)] = 3
    number_type: Annotated[NumberType | None, Reads(str)] = None


class ThingQuery(RequestQuery):
    dry_run: FlagParameter = False


class _InnerJson(TypedDict):
    """A part."""

    id: Annotated[Uuid, doc("Its id.", example="b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01")]


class ThingOfATestJson(TypedDict):
    """A thing of this test."""

    part: _InnerJson | None
    parts: list[_InnerJson]
    note: Annotated[Text | None, doc("A note.", example=None)]


def request_with(body: str, query: str = "") -> Request:
    made = RequestFactory().post(f"/v1/things{query}", data=body, content_type="application/json")
    return Request(made, parsers=[JsonParser()])


def problems_of(body: str) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as refused:
        parse_body(request_with(body), Thing)
    return refused.value.details or {}


def test_body_is_read_with_defaults_for_absent_and_null():
    assert parse_body(request_with('{"size": 2}'), Thing).depth == 3
    assert parse_body(request_with('{"size": 2, "depth": null}'), Thing).depth == 3


def test_body_names_every_problem_at_once():
    assert problems_of('{"sise": 2, "depth": 10}') == {
        "sise": "is not a field of this request; known: depth, number_type, size",
        "size": "must be a whole number from 1 to 9",
        "depth": "must be a whole number from 1 to 9",
    }


@pytest.mark.parametrize("body", ["[]", "null", '"x"', "1", ""])
def test_body_is_refused_when_it_is_no_object(body):
    assert problems_of(body) == {"body": "must be a JSON object"}


@pytest.mark.parametrize("value", ["true", "0", "10", '"2"', "2.0"])
def test_whole_number_is_refused_when_it_is_another_kind(value):
    assert problems_of(f'{{"size": {value}}}') == {"size": "must be a whole number from 1 to 9"}


def test_query_is_refused_when_repeated_or_unknown():
    assert read_query(request_with("{}", "?dry_run=1"), ThingQuery).dry_run is True
    assert read_query(request_with("{}"), ThingQuery).dry_run is False
    with pytest.raises(ValidationFailed) as refused:
        read_query(request_with("{}", "?dry_run=1&dry_run=0&dryrun=1"), ThingQuery)
    assert refused.value.details == {
        "dry_run": "is given more than once; give it once",
        "dryrun": "is not a parameter of this request; known: dry_run",
    }


def test_fields_that_exclude_each_other_are_named_with_the_rest():
    problems: dict[str, str] = {}
    given = {"label": "", "scopes": [], "expires_at": "2999-01-01T00:00:00Z", "expires_in_days": 1}
    ApiKeyRequest.read(given, problems)
    assert problems.keys() == {"label", "expires_at", "expires_in_days"}
    assert problems["expires_in_days"] == "can't be given beside expires_at: give one of the two"


def test_schema_of_a_field_without_its_own_is_that_of_its_type():
    fields = resolve(schema_of(Thing))["properties"]
    assert fields["number_type"] == {
        "oneOf": [{"$ref": "#/components/schemas/NumberType"}, {"type": "null"}]
    }
    assert fields["size"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 9,
        "description": "How large.",
    }


def test_schema_of_a_private_type_stands_where_it_is_used():
    fields = resolve(schema_of(ThingOfATestJson))["properties"]
    inner = fields["parts"]["items"]
    assert (inner["description"], list(inner["properties"])) == ("A part.", ["id"])
    assert fields["part"] == {"oneOf": [inner, {"type": "null"}]}


def test_example_is_composed_of_fields_and_differences():
    id = "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"
    assert example_of(schema_of(ThingOfATestJson)) == {
        "part": {"id": id},
        "parts": [{"id": id}],
        "note": None,
    }
    (example,) = Returns(ThingOfATestJson, "A thing.", but={"part": None}).answer().examples
    assert example.value["data"] == {"part": None, "parts": [{"id": id}], "note": None}
