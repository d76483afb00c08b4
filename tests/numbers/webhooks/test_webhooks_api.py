"""Endpoints by the API: fields, secrets, limits, ping, recover, replay, deliveries."""

from collections.abc import Iterable
from contextlib import closing
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.event_types import EventType
from campaigns.models import Event
from campaigns.outbox import write_event
from config.api.envelope import timestamp
from numbers.events.publish import publish_events
from numbers.models import Webhook, WebhookDelivery
from numbers.webhooks import endpoints, outcomes, replays
from numbers.webhooks.claims import claim_deliveries
from numbers.webhooks.fan_out import add_deliveries, fan_out
from numbers.webhooks.outcomes import Attempt, record_attempts
from numbers.webhooks.secrets import CannotOpen, unseal
from numbers.webhooks.send import Outcome
from tests.conftest import Cast
from tests.support import factories
from tests.support.api_client import Api, error_of
from tests.support.receiver import answer, receiver
from tests.support.time_travel import let_pass
from tests.support.webhooks import deliveries, work

pytestmark = pytest.mark.django_db

HOOKS = "/v1/webhooks"
GIVEN = {"url": "https://hooks.example.com/a", "events": ["*"], "description": "billing"}


def create(api: Api, **fields: Any) -> dict[str, Any]:
    made = api.post(HOOKS, GIVEN | fields)
    assert made.status_code == 201, made.content
    return made.json()["data"]


def test_webhook_is_shown_with_its_secret_only_once(api: Api) -> None:
    made = create(api)
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert api.get(f"{HOOKS}/{made['id']}").json()["data"] == made
    assert api.get(HOOKS).json()["data"] == [made]


def test_secret_is_stored_encrypted_for_its_own_row(api: Api) -> None:
    made, other = create(api), create(api)
    row = Webhook.objects.get(pk=made["id"])
    assert made["secret"] not in row.secret
    assert unseal(row.secret, webhook_id=row.pk) == made["secret"]
    with pytest.raises(CannotOpen):
        unseal(row.secret, webhook_id=Webhook.objects.get(pk=other["id"]).pk)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": "http://hooks.example.com/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://user:pass@hooks.example.com/"}, "url"),
        ({"url": None}, "url"),
        ({"url": 7}, "url"),
        ({"url": "https://hooks.example.com/" + "a" * 2048}, "url"),
        ({"events": []}, "events"),
        ({"events": "*"}, "events"),
        ({"events": ["order.eaten"]}, "events[0]"),
        ({"events": [7]}, "events[0]"),
        ({"events": ["order.completed", "order.completed"]}, "events[1]"),
        ({"events": ["*", "order.completed"]}, "events"),
        ({"description": "a\nb"}, "description"),
        ({"description": "a" * 257}, "description"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_bad_field_is_named(api: Api, fields: dict[str, Any], field: str) -> None:
    error = error_of(api.post(HOOKS, GIVEN | fields), 422, "VALIDATION_FAILED")
    assert list(error["details"]) == [field]
    assert not Webhook.objects.exists()


def test_private_host_is_allowed_only_by_setting(api: Api, settings: Any) -> None:
    url = "http://127.0.0.1:9000/hook"
    error_of(api.post(HOOKS, GIVEN | {"url": url}), 422, "VALIDATION_FAILED")
    settings.WEBHOOK_PRIVATE_HOSTS = ["127.0.0.1:9000"]
    assert create(api, url=url)["url"] == url
    error_of(
        api.post(HOOKS, GIVEN | {"url": url.replace("9000", "9001")}), 422, "VALIDATION_FAILED"
    )


def test_number_of_webhooks_is_limited(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MOST_ENDPOINTS", 2)
    first = create(api)
    create(api)
    error_of(api.post(HOOKS, GIVEN), 409, "LIMIT_EXCEEDED")
    assert api.request("DELETE", f"{HOOKS}/{first['id']}").status_code == 200
    create(api)


def test_creation_sent_again_gives_the_same_secret(api: Api) -> None:
    headers = {"Idempotency-Key": "once"}
    first = api.post(HOOKS, GIVEN, headers=headers)
    again = api.post(HOOKS, GIVEN, headers=headers)
    assert first.content == again.content
    assert Webhook.objects.count() == 1


def test_change_keeps_what_is_not_given(api: Api) -> None:
    made = create(api)
    changed = api.request("PATCH", f"{HOOKS}/{made['id']}", {"events": ["order.completed"]})
    data = changed.json()["data"]
    assert (data["events"], data["url"]) == (["order.completed"], made["url"])
    error_of(api.request("PATCH", f"{HOOKS}/{made['id']}", {"secret": "x"}), 400, "INVALID_INPUT")
    error_of(
        api.request("PATCH", f"{HOOKS}/{made['id']}", {"status": "disabled"}),
        422,
        "VALIDATION_FAILED",
    )


def test_deleted_webhook_is_gone_and_its_secret_too(api: Api) -> None:
    made = create(api)
    path = f"{HOOKS}/{made['id']}"
    assert api.request("DELETE", path).status_code == 200
    error_of(api.get(path), 404, "NOT_FOUND")
    error_of(api.request("DELETE", path), 404, "NOT_FOUND")
    assert Webhook.objects.get(pk=made["id"]).secret == ""


def test_scope_to_read_does_not_change(api: Api, cast: Cast) -> None:
    made = create(api)
    reader = api.using(factories.key(cast.owner, "webhooks:read"))
    assert reader.get(f"{HOOKS}/{made['id']}/deliveries").status_code == 200
    error_of(reader.request("POST", f"{HOOKS}/{made['id']}/ping"), 403, "FORBIDDEN")
    error_of(reader.post(HOOKS, GIVEN), 403, "FORBIDDEN")


@pytest.fixture
def hook(settings: Any) -> Any:
    with receiver() as state:
        settings.WEBHOOK_PRIVATE_HOSTS = [f"127.0.0.1:{state.port}"]
        yield state


def happens(cast: Cast) -> None:
    write_event(
        EventType.CREDIT_LOW,
        {"balance": "1.00", "currency": "USD", "alert_below": "9.00"},
        organization_id=cast.owner.pk,
    )


def test_ping_goes_to_its_webhook_only(api: Api, hook: Any) -> None:
    made, other = create(api, url=hook.url, events=["order.completed"]), create(api, url=hook.url)
    pinged = api.request("POST", f"{HOOKS}/{made['id']}/ping")
    assert pinged.status_code == 202
    work()
    listed = api.get(f"{HOOKS}/{made['id']}/deliveries").json()["data"]
    assert [(one["event_id"], one["event_type"], one["status"]) for one in listed] == [
        (pinged.json()["data"]["event_id"], "webhook.ping", "succeeded")
    ]
    kinds = {
        one["event_type"] for one in api.get(f"{HOOKS}/{other['id']}/deliveries").json()["data"]
    }
    assert "webhook.ping" not in kinds
    assert hook.ids.count(listed[0]["event_id"]) == 1


def test_paused_webhook_gets_what_happened_once_it_is_active(
    api: Api, cast: Cast, hook: Any
) -> None:
    work()
    made = create(api, url=hook.url)
    path = f"{HOOKS}/{made['id']}"
    api.request("PATCH", path, {"status": "paused"})
    happens(cast)
    work()
    assert hook.received == []
    error_of(api.request("POST", f"{path}/ping"), 409, "CONFLICT")
    api.request("PATCH", path, {"status": "active"})
    work()
    assert len(hook.received) == 1


def test_recover_delivers_the_gap_and_what_failed(api: Api, cast: Cast, hook: Any) -> None:
    work()
    made = create(api, url=hook.url)
    path, since = f"{HOOKS}/{made['id']}", timezone.now()
    happens(cast)
    work()  # received
    hook.behavior = answer(410)
    happens(cast)
    work()  # fails, and disables
    hook.behavior = answer(204)
    happens(cast)
    work()  # nothing is made for it
    assert len(hook.received) == 2
    api.request("PATCH", path, {"status": "active"})
    work()
    assert len(hook.received) == 2
    recovered = api.post(f"{path}/recover", {"since": since.isoformat()})
    # The event webhook.disabled of this endpoint itself is among them.
    assert (recovered.status_code, recovered.json()["data"]) == (202, {"count": 3})
    work()
    assert len(hook.received) == 5
    assert len(set(hook.ids)) == 4
    assert api.post(f"{path}/recover", {"since": since.isoformat()}).json()["data"] == {"count": 0}
    error_of(api.post(f"{path}/recover", {}), 422, "VALIDATION_FAILED")


@pytest.mark.django_db(transaction=True)
def test_recovery_commits_each_batch_of_events(
    api: Api, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fan-out and the sender, who wait for the endpoint's lock, go on between two batches."""
    work()
    made, since = create(api), timezone.now()
    for _ in range(5):
        happens(cast)
    publish_events()
    monkeypatch.setattr(replays, "ENTRIES", 2)
    seen: list[int] = []

    def add(lines: Iterable[tuple[UUID, UUID, str]]) -> int:
        with closing(connection.copy()) as other, other.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM numbers_webhookdelivery")
            seen.append(cursor.fetchone()[0])
        return add_deliveries(lines)

    monkeypatch.setattr(replays, "add_deliveries", add)
    recovered = api.post(f"{HOOKS}/{made['id']}/recover", {"since": since.isoformat()})
    assert recovered.json()["data"] == {"count": 5}
    assert seen == [0, 2, 4]


def test_address_of_any_characters_is_called(api: Api, cast: Cast, hook: Any) -> None:
    work()
    create(api, url=f"{hook.url}/ü/%C3%BC?q=é b&r=1")
    happens(cast)
    work()
    assert hook.paths == ["/hook/%C3%BC/%C3%BC?q=%C3%A9%20b&r=1"]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliveries are due again at once; an endpoint that fails is probed an hour later."""
    monkeypatch.setattr(outcomes, "delay_after", lambda tries: 0.0)
    monkeypatch.setattr(outcomes, "round_after", lambda failures: 3600.0)


@pytest.mark.usefixtures("patient")
def test_next_attempt_of_a_failing_webhook_is_its_next_probe(
    api: Api, cast: Cast, hook: Any
) -> None:
    work()
    made = create(api, url=hook.url)
    path = f"{HOOKS}/{made['id']}"
    hook.behavior = answer(500)
    happens(cast)
    work()
    happens(cast)
    work()  # makes the second delivery, which waits for the probe
    webhook = Webhook.objects.get()
    second = api.get(f"{path}/deliveries").json()["data"][0]
    assert (second["attempts"], second["next_attempt_at"]) == ([], timestamp(webhook.probe_at))
    api.request("PATCH", path, {"status": "paused"})
    assert api.get(f"{path}/deliveries").json()["data"][0]["next_attempt_at"] is None


@pytest.mark.usefixtures("patient")
def test_failing_webhook_is_called_at_its_new_address(api: Api, cast: Cast, hook: Any) -> None:
    work()
    made = create(api, url=hook.url)
    hook.behavior = answer(500)
    happens(cast)
    work()
    hook.behavior = answer(204)
    path = f"{HOOKS}/{made['id']}"
    api.request("PATCH", path, {"url": hook.url})  # the same: it still waits for its probe
    happens(cast)
    work()
    assert len(hook.received) == 1
    api.request("PATCH", path, {"url": f"{hook.url}/mended"})
    work()
    assert hook.paths == ["/hook", "/hook/mended", "/hook/mended"]


@pytest.mark.usefixtures("patient")
def test_answer_of_the_old_address_says_nothing_of_the_new(api: Api, cast: Cast, hook: Any) -> None:
    work()
    made = create(api, url=hook.url)
    happens(cast)
    publish_events()
    fan_out()
    (claimed,) = claim_deliveries(1)
    api.request("PATCH", f"{HOOKS}/{made['id']}", {"url": f"{hook.url}/mended"})
    record_attempts([Attempt(claimed, Outcome(410, "the endpoint answered 410"))])
    webhook = Webhook.objects.get()
    assert (webhook.status, webhook.failures) == ("active", 0)


def test_recovery_that_is_broken_off_stands_in_the_history(
    api: Api, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    work()
    made, since = create(api), timezone.now()
    happens(cast)
    publish_events()
    path = f"{HOOKS}/{made['id']}"

    def pause(*_: Any) -> Any:
        Webhook.objects.update(status="paused", due_at=None)
        raise replays.NotActive()

    monkeypatch.setattr(replays, "add_deliveries", pause)
    error_of(api.post(f"{path}/recover", {"since": since.isoformat()}), 409, "CONFLICT")
    assert Event.objects.filter(subject_id=made["id"], kind="recovered").count() == 1


def test_replay_sends_the_same_id_again(api: Api, cast: Cast, hook: Any) -> None:
    work()
    made = create(api, url=hook.url)
    happens(cast)
    work()
    (listed,) = api.get(f"{HOOKS}/{made['id']}/deliveries").json()["data"]
    path = f"{HOOKS}/{made['id']}/deliveries/{listed['id']}/replay"
    assert api.request("POST", path).json()["data"]["status"] == "pending"
    work()
    assert hook.ids == [listed["event_id"]] * 2
    assert deliveries(Webhook.objects.get(pk=made["id"])) == [("succeeded", [204, 204])]


def test_deliveries_are_filtered(api: Api, cast: Cast, hook: Any) -> None:
    work()
    made = create(api, url=hook.url)
    happens(cast)
    work()
    hook.behavior = answer(500)
    api.request("POST", f"{HOOKS}/{made['id']}/ping")
    work()
    path = f"{HOOKS}/{made['id']}/deliveries"

    def found(query: str) -> list[str]:
        return [one["event_type"] for one in api.get(f"{path}?{query}").json()["data"]]

    assert found("") == ["webhook.ping", "credit.low"]
    assert found("status=pending") == ["webhook.ping"]
    assert found("status=succeeded") == ["credit.low"]
    assert found("event_type=credit.low") == ["credit.low"]
    assert found("since=2100-01-01T00:00:00Z") == []
    first = api.get(f"{path}?limit=1").json()
    rest = api.get(f"{path}?limit=1&cursor={first['meta']['next_cursor']}").json()
    assert [one["event_type"] for one in rest["data"]] == ["credit.low"]
    (attempt,) = first["data"][0]["attempts"]
    assert (attempt["status_code"], attempt["error"]) == (500, "the endpoint answered 500")


def test_old_deliveries_and_deleted_webhooks_are_removed(api: Api, cast: Cast, hook: Any) -> None:
    from numbers.webhooks.retention import forget_old_deliveries

    work()
    kept, deleted = create(api, url=hook.url), create(api, url=hook.url)
    happens(cast)
    work()
    api.request("DELETE", f"{HOOKS}/{deleted['id']}")
    assert forget_old_deliveries() == 1
    assert WebhookDelivery.objects.count() == 1
    let_pass(timedelta(hours=2))
    forget_old_deliveries()
    assert {str(one.pk) for one in Webhook.objects.all()} == {kept["id"]}
