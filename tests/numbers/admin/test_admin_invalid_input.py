"""Query strings and forms are input: no page of the admin fails for what they hold (C18, C19)."""

from collections.abc import Iterator
from itertools import cycle
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client

from campaigns.history import record
from numbers.models import NumberEvent, PhoneNumber, Refusal
from tests.support import admin_pages, factories, webhooks
from tests.support.admin_client import url
from tests.support.admin_pages import pages, reading
from tests.support.api_client import Api

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# As they stand in an address. %ED%A0%80 is half of a surrogate pair, %FF no UTF-8.
HOSTILE = [
    *(
        "%00",
        "(",
        "9999-12-31",
        "0001-01-01T00:00%2B14:00",
        "9" * 40,
        "-1",
        "1e999",
        "%ED%A0%80",
        "%FF",
        "NaN",
    ),
    *(
        "",
        "null",
        "'",
        "%25_%5C",
        "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a0",
        "%F0%9F%98%80" * 50,
        "x" * 5000,
    ),
]


@pytest.fixture
def walker(api: Api, cast: Any, settings: Any) -> Client:
    """An administrator, on a desk that has a row of everything. A failure is an answer, not an exception."""
    settings.AXES_ENABLED = False
    User.objects.create_superuser("alice", password="a long password")
    Group.objects.get_or_create(name="a role")
    campaign = factories.campaign(cast.owner)
    record(campaign, "created", actor=factories.actor())
    numbers = factories.stock(*factories.line(1, 3))
    assert api.order(numbers[:1], headers={"Idempotency-Key": "once"}).status_code == 200
    assert api.order(numbers).status_code == 409
    factories.hold(cast.owner, numbers[1])
    factories.job("test", status="cancelled", finished_at="2026-01-01T00:00Z")
    webhook, _ = webhooks.endpoint(cast.owner, "https://example.com/hook")
    webhooks.delivery(webhook)
    admin_pages.drafts()
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get())
    return client


def problem(page: Any) -> str:
    """What is wrong with an answer of the admin; empty where nothing is."""
    kind = page.get("Content-Type", "")
    if page.status_code >= 500:
        return f"{page.status_code}"
    if page.status_code >= 400 and not (
        kind.startswith("text/html") and b"Numberdesk" in page.content
    ):
        return f"{page.status_code} is no page but {kind}"
    if not page.streaming:
        return ""
    try:
        return "" if b"".join(page.streaming_content) else "an empty file"
    finally:
        page.close()


def parameters_of(
    client: Client, address: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[set[str], set[str]]:
    """The names that a page reads, and "cl" where it is a list."""
    with reading(monkeypatch) as names:
        page = client.get(address)
    listed = (getattr(page, "context", None) or {}).get("cl")
    if listed is None:
        return names, set()
    # Lookups of a field that no link names are refused alike, so two fields are enough.
    fields = sorted(field.name for field in listed.opts.fields)[:2]
    own = {name for spec in listed.filter_specs for name in spec.expected_parameters()}
    lookups = {f"{name}{form}" for name in fields for form in ("__regex", "__gt")}
    return names | own | lookups | set(getattr(listed.model_admin, "linked", ())) | {
        "e",
        "all",
        "q",
        "p",
        "o",
    }, {"cl"}


def queries(names: set[str], values: list[str]) -> Iterator[str]:
    """Give each name two values alone, and every value together with other values of the others.

    A page that refuses one parameter may not read the next, so both are needed.
    """
    for place, name in enumerate(sorted(names)):
        for value in (values[place % len(values)], values[(place + 3) % len(values)]):
            yield f"{quote(name)}={value}"
    together = sorted(name for name in names if not name.endswith(("__regex", "__gt")))
    for shift in range(len(values)):
        turned = [*values[shift:], *values[:shift]]
        pairs = zip(together, cycle(turned), strict=False)
        yield "&".join(f"{quote(name)}={value}" for name, value in pairs)


def test_no_page_fails_for_any_parameter(walker: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    found, asked = [], 0
    for address in sorted(set(pages())):
        names, kinds = parameters_of(walker, address, monkeypatch)
        for query in queries(names, HOSTILE[: 12 if "cl" in kinds else 5]):
            asked += 1
            if wrong := problem(walker.get(f"{address}?{query}")):
                found.append(f"{address}?{query[:80]}: {wrong}")
    assert found == []
    assert asked > 1_000


def test_no_form_fails_for_any_field_value(walker: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for address in sorted(set(pages())):
        with reading(monkeypatch) as names:
            walker.post(address, {"x": "y"})
        names -= {"csrfmiddlewaretoken"}
        for value in (
            "\0",
            "9" * 40,
            "x" * 5000,
            "\ud800".encode("utf-8", "surrogatepass"),
            "(",
            "9999-12-31",
        ):
            if wrong := problem(walker.post(address, dict.fromkeys(names, value))):
                found.append(f"POST {address} {value[:20]!r}: {wrong}")
        if address.endswith(tuple(f"/{model._meta.model_name}/" for model in admin.site._registry)):
            for chosen in ("x", "9" * 40, "-1"):
                form = {"action": "price", "_selected_action": chosen, "index": "0"}
                if wrong := problem(walker.post(address, form)):
                    found.append(f"POST {address} {chosen[:20]}: {wrong}")
    assert found == []


def test_no_address_fails_for_any_id(walker: Client) -> None:
    found = []
    for route, _ in admin_pages.routes():
        if "<" not in route:
            continue
        for value in (*HOSTILE[:-1], "_00", "_ZZ"):
            address = "".join(
                part.partition(">")[2] if place else part
                for place, part in enumerate(route.split("<"))
            )
            hostile = route
            while "<" in hostile:
                before, _, after = hostile.partition("<")
                hostile = before + value.replace("%25_", "_") + after.partition(">")[2]
            if wrong := problem(walker.get(hostile)):
                found.append(f"{address}: {hostile[:80]}: {wrong}")
    assert found == []


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_every_refusal_is_a_page_for_every_method(walker: Client, method: str) -> None:
    for address in (
        *sorted(set(pages())),
        "/admin",
        "/admin/nothing",
        "/admin/logout/",
        "/admin/login/",
    ):
        for client in (walker, Client(raise_request_exception=False)):
            page = client.generic(method, address)
            assert problem(page) == "" or (method, page.status_code) == ("OPTIONS", 200), (
                method,
                address,
            )


def test_lookup_of_an_unlisted_field_is_refused(walker: Client) -> None:
    for model, lookup in (
        (PhoneNumber, "number__regex"),
        (NumberEvent, "actor__regex"),
        (User, "password__startswith"),
    ):
        page = walker.get(url(model, "changelist"), {lookup: "x"})
        assert page.status_code in (400, 422), lookup
        assert "was not understood" in page.content.decode()


def test_list_reports_an_unreadable_filter(walker: Client) -> None:
    for query in ({"number_id": "x"}, {"p": "999999"}, {"e": "1"}):
        page = walker.get(url(NumberEvent, "changelist"), query, follow=True)
        assert page.status_code == 200
        assert ("whole list is shown" in page.content.decode()) == ("e" not in query)


@pytest.mark.parametrize("owner", ["no such owner", "", "own", "9999-12-31", "%"])
def test_export_has_its_header_line_for_any_owner(walker: Client, owner: str) -> None:
    page = walker.get("/admin/numbers/phonenumber/export.csv", {"organization": owner})
    lines = page.getvalue().decode().splitlines()
    assert lines[0].startswith("number,")
    assert len(lines) - 1 == {"": 3, "own": 1}.get(owner, 0)


def test_abandoned_export_frees_its_connection(walker: Client) -> None:
    factories.stock(*factories.line(1_000, 500))
    for ask in (walker.head, walker.post, walker.get):
        page: Any = ask("/admin/numbers/phonenumber/export.csv")
        page.close()  # as the server does when the client has gone
        assert walker.get(url(PhoneNumber, "changelist")).status_code == 200


def test_rows_are_found_by_a_part_of_the_owners_name(walker: Client, cast: Any) -> None:
    factories.own(cast.stranger, *factories.stock(*factories.line(50)))
    listed = walker.get(url(PhoneNumber, "changelist"), {"organization": "R"}).context["cl"]
    assert {str(row) for row in listed.result_list} == {
        "+14152000001",
        "+14152000050",
    }  # Owner and Stranger
    listed = walker.get(url(Refusal, "changelist"), {"organization": "owne"}).context["cl"]
    assert listed.result_count == 1


def test_too_common_part_asks_for_a_longer_one(walker: Client, cast: Any) -> None:
    for serial in range(25):
        factories.organization(f"Acme {serial}")
    page = walker.get(url(Refusal, "changelist"), {"organization": "acme"}).content.decode()
    assert "Type more of the name" in page
