"""The feed: every event once, oldest first, each resource as it then was."""

from typing import Any

import pytest

from numbers.events.publish import publish_events
from numbers.models import CreditAccount
from tests.conftest import Cast
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.phone_numbers import buy

pytestmark = pytest.mark.django_db

FEED = "/v1/events"


@pytest.fixture(autouse=True)
def nothing_before(everyone: Cast) -> None:
    """The cast's keys have events of their own."""
    db_assertions.run("DELETE FROM campaigns_outboxentry")


def read(api: Api, query: str = "") -> tuple[list[dict[str, Any]], str]:
    """Return a page of the feed after all that has happened was published."""
    publish_events()
    answer = api.get(f"{FEED}?{query}")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    return body["data"], body["meta"]["next_cursor"]


def types_of(events: list[dict[str, Any]]) -> list[str]:
    return [one["type"] for one in events]


def ordered(api: Api, *numbers: str, **fields: Any) -> Any:
    factories.stock(*numbers)
    answer = api.order(list(numbers), **fields)
    assert answer.status_code == 200
    return answer.json()


def test_order_has_an_event_of_its_own_and_one_for_each_number(api: Api, cast: Cast) -> None:
    campaign = factories.campaign(cast.owner)
    body = ordered(
        api,
        *("+14155550123", "+14155550124"),
        label="support",
        inbound_url="https://customer.example/in",
        campaign_id=str(campaign.pk),
    )
    db_assertions.run(
        "DELETE FROM campaigns_outboxentry WHERE type IN ('campaign.updated', 'brand.updated')"
    )
    events, _ = read(api)
    assert types_of(events) == [
        "order.completed",
        "phone_number.assigned",
        "phone_number.assigned",
    ]
    order = api.get(f"/v1/phone-numbers/orders/{body['meta']['order_id']}").json()["data"]
    assert [one["data"] for one in events] == [order, *body["data"]]


def test_assigned_number_keeps_what_it_then_was(api: Api) -> None:
    (then,) = ordered(api, "+14155550123", label="first")["data"]
    api.request("PATCH", f"/v1/phone-numbers/{then['id']}", {"label": "second"})
    db_assertions.run("UPDATE numbers_phonenumber SET mms_enabled = NOT mms_enabled")
    events, _ = read(api, "types=phone_number.*")
    assert [(one["type"], one["data"]["label"]) for one in events] == [
        ("phone_number.assigned", "first"),
        ("phone_number.updated", "second"),
    ]
    assert events[0]["data"] == then


def test_updated_number_is_as_the_api_shows_it(api: Api) -> None:
    (number,) = ordered(api, "+14155550123", status_url="https://customer.example/s")["data"]
    path = f"/v1/phone-numbers/{number['id']}"
    api.request("PATCH", path, {"label": "x", "inbound_url": "https://customer.example/in"})
    events, _ = read(api, "types=phone_number.updated")
    assert [one["data"] for one in events] == [api.get(path).json()["data"]]


def test_released_number_has_the_routing_it_had(api: Api) -> None:
    (number,) = ordered(api, "+14155550123", label="x")["data"]
    assert api.request("DELETE", f"/v1/phone-numbers/{number['id']}").status_code == 200
    (event,), _ = read(api, "types=phone_number.released")
    assert event["data"] == {**number, "updated_at": event["data"]["updated_at"]}
    assert event["data"]["updated_at"] >= number["updated_at"]


def test_backorder_is_pending_then_completed_with_its_numbers(api: Api) -> None:
    answer = buy(api, 2, area_code="212", max_price_per_number="1.00")
    assert answer.status_code == 202
    factories.stock("+12125550123", "+12125550124")
    from numbers.orders.backorders import fill_pending_orders

    assert fill_pending_orders() == 1
    events, _ = read(api)
    assert types_of(events) == [
        *("bulk_order.pending", "bulk_order.completed"),
        *("phone_number.assigned", "phone_number.assigned"),
    ]
    pending, completed = events[0]["data"], events[1]["data"]
    assert (pending["status"], pending["assigned_count"], pending["pending_count"]) == (
        "pending",
        0,
        2,
    )
    path = f"/v1/phone-numbers/bulk/{pending['order_id']}"
    assert completed == api.get(path).json()["data"]


def test_cancelled_bulk_order_has_one_event(api: Api) -> None:
    order = buy(api, 2, area_code="212", max_price_per_number="1.00").json()["data"]
    for _ in range(2):
        path = f"/v1/phone-numbers/bulk/{order['order_id']}"
        assert api.request("DELETE", path).status_code == 200
    events, _ = read(api, "types=bulk_order.cancelled")
    assert [one["data"] for one in events] == [api.get(path).json()["data"]]


def test_credit_events_come_once_for_each_crossing(api: Api, cast: Cast) -> None:
    CreditAccount.objects.filter(pk=cast.owner.pk).update(alert_below="98.00")
    for number in factories.line(0, 3):
        ordered(api, number)
    events, _ = read(api, "types=credit.low,credit.depleted")
    assert [(one["type"], one["data"]) for one in events] == [
        ("credit.low", {"balance": "98.00", "currency": "USD", "alert_below": "98.00"})
    ]


def test_spent_credit_is_depleted(api: Api, cast: Cast) -> None:
    factories.stock("+14155550123", price="100.00")
    assert api.order(["+14155550123"]).status_code == 200
    events, _ = read(api, "types=credit.*")
    assert [(one["type"], one["data"]["balance"]) for one in events] == [
        ("credit.depleted", "0.00")
    ]


def test_pages_give_every_event_once_in_the_same_order(api: Api) -> None:
    for first in (0, 10, 20):
        ordered(api, *factories.line(first, 7))
    whole, _ = read(api, "limit=1000")
    assert len(whole) == 24
    for limit in (1, 2, 5, 8, 23, 24):
        seen, cursor = [], ""
        while True:
            page, cursor = read(api, f"limit={limit}" + (f"&after={cursor}" if cursor else ""))
            if not page:
                break
            assert len(page) <= limit
            seen += page
        assert seen == whole


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ("order.completed", ["order.completed"] * 2),
        ("phone_number.assigned", ["phone_number.assigned"] * 6),
        ("phone_number.*", ["phone_number.assigned"] * 6),
        ("order.*,credit.*", ["order.completed"] * 2),
        ("bulk_order.*", []),
    ],
)
def test_types_select_events_across_pages(api: Api, types: str, expected: list[str]) -> None:
    ordered(api, *factories.line(0, 3))
    ordered(api, *factories.line(10, 3))
    seen, cursor = [], ""
    while True:
        page, cursor = read(api, f"types={types}&limit=2" + (f"&after={cursor}" if cursor else ""))
        if not page:
            break
        seen += types_of(page)
    assert seen == expected


def test_latest_is_an_empty_page_and_the_cursor_of_now(api: Api) -> None:
    ordered(api, "+14155550123")
    events, cursor = read(api, "after=latest")
    assert events == []
    assert read(api, f"after={cursor}") == ([], cursor)
    ordered(api, "+14155550124")
    events, _ = read(api, f"after={cursor}")
    assert types_of(events) == ["order.completed", "phone_number.assigned"]


def test_one_event_is_that_of_the_feed(api: Api) -> None:
    ordered(api, *factories.line(0, 2))
    events, _ = read(api)
    for one in events:
        assert api.get(f"{FEED}/{one['id']}").json()["data"] == one


def test_unpublished_and_unknown_event_is_not_found(api: Api) -> None:
    ordered(api, "+14155550123")
    events, _ = read(api)
    last = events[-1]["id"]
    unknown = f"{last[:-3]}{int(last[-3:], 16) + 1:03x}"
    other = f"{last[:-12]}000000000{last[-3:]}"
    for one in (unknown, other, "00000000-0000-7000-8000-000000000000"):
        assert api.get(f"{FEED}/{one}").status_code == 404


def test_stranger_sees_nothing_of_the_owner(api: Api, cast: Cast) -> None:
    ordered(api, "+14155550123")
    events, cursor = read(api)
    stranger = api.using(cast.stranger_key)
    assert read(stranger)[0] == []
    assert stranger.get(f"{FEED}/{events[0]['id']}").status_code == 404
    assert stranger.get(f"{FEED}?after={cursor}").status_code == 422


def test_removed_events_expire_the_cursors_before_them(api: Api) -> None:
    ordered(api, *factories.line(0, 2))
    _, before = read(api, "limit=1")
    _, after = read(api)
    db_assertions.run(
        "UPDATE numbers_feedhead SET removed_up_to = position, removed = published",
        "DELETE FROM numbers_feedentry",
    )
    expired = api.get(f"{FEED}?after={before}")
    assert (expired.status_code, expired.json()["error"]["code"]) == (410, "EVENT_EXPIRED")
    assert read(api, f"after={after}")[0] == []
    assert read(api)[0] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=x", "after"),
        ("after=", "after"),
        ("types=", "types"),
        ("types=order.placed", "types"),
        ("types=*.completed", "types"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
    ],
)
def test_bad_parameter_is_named(api: Api, query: str, field: str) -> None:
    answer = api.get(f"{FEED}?{query}")
    assert answer.status_code == 422
    assert list(answer.json()["error"]["details"]) == [field]
