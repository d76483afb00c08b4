"""The limits of keys through the API: set, changed, shown, and never handed on higher."""

from decimal import Decimal

import pytest

from apikeys.limits.spending_limits import KeyLimits, SpendingLimit
from apikeys.models import ApiKey, KeyBudget
from campaigns.models import Event
from config.errors import InvalidInput
from tests.support import factories
from tests.support.api_client import Api, error_of
from tests.support.keys import KEYS, changes_of, create, created, id_of, rotate

pytestmark = pytest.mark.django_db

LIMIT = {"amount": "50.00", "period": "week"}


def change(api, key_id, **body):
    return api.request("PATCH", f"{KEYS}/{key_id}", body)


def limited(api, **limits):
    """Create a key that may do everything, with limits; give its client and its id."""
    scopes = ["numbers:read", "numbers:write", "apikeys:read", "apikeys:write"]
    data = created(api, scopes=scopes, **limits)
    return Api(data["plaintext"]), data["id"]


def test_key_is_created_with_limits(api, cast):
    data = created(api, spending_limit=LIMIT, max_numbers_per_order=10)
    assert (data["spending_limit"], data["max_numbers_per_order"]) == (LIMIT, 10)
    shown = api.get(f"{KEYS}/{data['id']}").json()["data"]
    assert (shown["spending_limit"], shown["max_numbers_per_order"]) == (LIMIT, 10)
    (listed,) = [one for one in api.get(KEYS).json()["data"] if one["id"] == data["id"]]
    assert listed == shown
    event = Event.objects.get(subject_id=data["id"])
    assert event.after["spending_limit"] == LIMIT


def test_key_without_limits_has_no_budget(api, cast):
    data = created(api, spending_limit=None, max_numbers_per_order=None)
    assert (data["spending_limit"], data["max_numbers_per_order"]) == (None, None)
    assert not KeyBudget.objects.exists()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"spending_limit": 50}, ["spending_limit"]),
        ({"spending_limit": {}}, ["spending_limit"]),
        ({"spending_limit": {"amount": "50.00"}}, ["spending_limit"]),
        ({"spending_limit": {**LIMIT, "currency": "USD"}}, ["spending_limit"]),
        ({"spending_limit": {**LIMIT, "amount": 50}}, ["spending_limit.amount"]),
        ({"spending_limit": {**LIMIT, "amount": None}}, ["spending_limit.amount"]),
        ({"spending_limit": {**LIMIT, "amount": "-1.00"}}, ["spending_limit.amount"]),
        ({"spending_limit": {**LIMIT, "amount": "1.001"}}, ["spending_limit.amount"]),
        ({"spending_limit": {**LIMIT, "period": "year"}}, ["spending_limit.period"]),
        ({"spending_limit": {**LIMIT, "period": None}}, ["spending_limit.period"]),
        (
            {"spending_limit": {"amount": "x", "period": "DAY"}},
            ["spending_limit.amount", "spending_limit.period"],
        ),
        ({"max_numbers_per_order": 0}, ["max_numbers_per_order"]),
        ({"max_numbers_per_order": 1001}, ["max_numbers_per_order"]),
        ({"max_numbers_per_order": "10"}, ["max_numbers_per_order"]),
        ({"max_numbers_per_order": True}, ["max_numbers_per_order"]),
    ],
)
def test_bad_limits_are_422_and_named(api, body, fields):
    key_id = id_of(api.secret)
    for response in (create(api, **body), change(api, key_id, **body)):
        assert list(error_of(response, 422, "VALIDATION_FAILED")["details"]) == fields
    assert not KeyBudget.objects.exists()


def test_limits_are_changed_and_recorded(api, cast):
    key_id = created(api)["id"]
    data = change(api, key_id, label="agent", spending_limit=LIMIT, max_numbers_per_order=5)
    data = data.json()["data"]
    assert (data["label"], data["spending_limit"], data["max_numbers_per_order"]) == (
        "agent",
        LIMIT,
        5,
    )
    event = Event.objects.get(subject_id=key_id, kind="changed")
    assert event.before == {
        "label": "a program",
        "spending_limit": None,
        "max_numbers_per_order": None,
    }
    assert event.after == {"label": "agent", "spending_limit": LIMIT, "max_numbers_per_order": 5}
    data = change(api, key_id, spending_limit=None).json()["data"]
    assert (data["spending_limit"], data["max_numbers_per_order"]) == (None, 5)


def test_change_of_nothing_is_not_recorded(api, cast):
    key_id = created(api, spending_limit=LIMIT)["id"]
    for body in ({}, {"spending_limit": LIMIT}, {"label": "a program"}):
        assert change(api, key_id, **body).status_code == 200
    assert changes_of(key_id) == ["created"]


@pytest.mark.parametrize("field", ["scopes", "expires_at", "plaintext"])
def test_other_fields_can_not_be_changed(api, field):
    error = error_of(change(api, id_of(api.secret), **{field: None}), 400, "INVALID_INPUT")
    assert list(error["details"]) == [field]


def test_label_can_not_be_removed(api):
    error = error_of(change(api, id_of(api.secret), label=None), 422, "VALIDATION_FAILED")
    assert list(error["details"]) == ["label"]


def test_revoked_or_foreign_key_can_not_be_changed(api, cast):
    key_id = created(api)["id"]
    api.request("DELETE", f"{KEYS}/{key_id}")
    for other in (key_id, id_of(cast.stranger_key)):
        error_of(change(api, other, spending_limit=LIMIT), 404, "NOT_FOUND")
    assert not KeyBudget.objects.exists()


# --- handing on ----------------------------------------------------------------------------------


def test_new_key_has_the_limits_of_its_maker(api, cast):
    agent, key_id = limited(api, spending_limit=LIMIT, max_numbers_per_order=10)
    data = created(agent)
    assert (data["spending_limit"], data["max_numbers_per_order"]) == (LIMIT, 10)
    budget = KeyBudget.objects.get(pk=data["id"])
    assert [str(one) for one in budget.within] == [key_id, data["id"]]


@pytest.mark.parametrize(
    "limit",
    [
        {"amount": "50.00", "period": "week"},
        {"amount": "0.00", "period": "week"},
        {"amount": "50.00", "period": "month"},
        {"amount": "50.00", "period": "total"},
    ],
)
def test_equal_or_lower_limit_is_handed_on(api, cast, limit):
    agent, _ = limited(api, spending_limit=LIMIT)
    assert created(agent, spending_limit=limit)["spending_limit"] == limit


@pytest.mark.parametrize(
    "limit",
    [None, {"amount": "50.01", "period": "week"}, {"amount": "50.00", "period": "day"}],
)
def test_higher_limit_is_403(api, cast, limit):
    agent, key_id = limited(api, spending_limit=LIMIT)
    keys = ApiKey.objects.count()
    for response in (
        create(agent, spending_limit=limit),
        change(agent, key_id, spending_limit=limit),
    ):
        assert "50.00 a week" in error_of(response, 403, "FORBIDDEN")["message"]
    assert ApiKey.objects.count() == keys
    assert KeyBudget.objects.get().amount == 50


@pytest.mark.parametrize("most", [None, 11])
def test_more_numbers_in_one_order_are_403(api, cast, most):
    agent, key_id = limited(api, max_numbers_per_order=10)
    for response in (
        create(agent, max_numbers_per_order=most),
        change(agent, key_id, max_numbers_per_order=most),
    ):
        assert "10 numbers" in error_of(response, 403, "FORBIDDEN")["message"]


def test_limited_key_lowers_its_own_limit(api, cast):
    agent, key_id = limited(api, spending_limit=LIMIT)
    lower = {"amount": "10.00", "period": "week"}
    assert change(agent, key_id, spending_limit=lower).json()["data"]["spending_limit"] == lower
    error_of(change(agent, key_id, spending_limit=LIMIT), 403, "FORBIDDEN")


def test_limited_key_can_not_take_over_another_key(api, cast):
    """The secret of a key with a budget of its own would be money beside the limit."""
    agent, _ = limited(api, spending_limit=LIMIT)
    for other in (id_of(api.secret), created(api, spending_limit=LIMIT)["id"]):
        error_of(rotate(agent, other), 403, "FORBIDDEN")
        error_of(change(agent, other, spending_limit=LIMIT), 403, "FORBIDDEN")
    own = created(agent)["id"]
    assert rotate(agent, own).status_code == 200
    assert change(agent, own, label="mine").status_code == 200


def test_descendant_without_its_own_limit_is_still_bound(api, cast):
    agent, _ = limited(api, spending_limit=LIMIT)
    child = created(agent, scopes=["apikeys:write", "numbers:write"])
    assert change(api, child["id"], spending_limit=None).status_code == 200
    error_of(rotate(Api(child["plaintext"]), id_of(api.secret)), 403, "FORBIDDEN")


def test_generations_of_limited_keys_are_bounded(api, cast, settings):
    settings.KEY_CHANGES_PER_MINUTE = 100
    agent, _ = limited(api, spending_limit=LIMIT)
    for _ in range(9):
        agent, _ = limited(agent)
    assert "generations" in error_of(create(agent), 403, "FORBIDDEN")["message"]


# --- the calling key -----------------------------------------------------------------------------


def test_every_key_may_see_itself(api, cast):
    secret = factories.key(cast.owner, "brands:read")
    data = Api(secret).get(f"{KEYS}/self").json()["data"]
    assert (data["id"], data["scopes"]) == (id_of(secret), ["brands:read"])
    assert (data["spent"], data["remaining"], data["resets_at"]) == (None, None, None)


def test_own_key_shows_spent_and_remaining(api, cast):
    factories.stock(*factories.line(0, 2), price="20.00")
    agent, _ = limited(api, spending_limit=LIMIT)
    assert agent.order(factories.line(0)).status_code == 200
    data = agent.get(f"{KEYS}/self").json()["data"]
    assert (data["spending_limit"], data["spent"], data["remaining"]) == (LIMIT, "20.00", "30.00")
    assert data["resets_at"].endswith("T00:00:00Z")
    child = Api(created(agent, scopes=["numbers:write"])["plaintext"])
    data = child.get(f"{KEYS}/self").json()["data"]
    assert (data["spent"], data["remaining"]) == ("0.00", "30.00")


def test_platform_key_does_not_see_itself_here(api, cast):
    error_of(Api(factories.platform_key()).get(f"{KEYS}/self"), 403, "FORBIDDEN")


def test_limits_of_a_platform_key_are_refused_by_name(db):
    limits = KeyLimits(SpendingLimit(Decimal("5.00"), "day"), 3)
    for given, fields in (
        (limits, ["spending_limit", "max_numbers_per_order"]),
        (limits._replace(spending=None), ["max_numbers_per_order"]),
    ):
        with pytest.raises(InvalidInput) as refused:
            factories.platform_key(limits=given)
        assert list(refused.value.details) == fields
    assert not ApiKey.objects.exists()
