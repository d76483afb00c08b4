"""Bulk actions on one number or on many: previewed, done through the API's functions, with each number's outcome."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from campaigns.review import suspend_organization
from config.admin.actions import page_of
from numbers.bulk_actions.actions import BULK_ACTIONS, ReleaseAtOnce
from numbers.bulk_actions.job import begin, choose
from numbers.models import Job, JobOutcome, NumberEvent, Order, PhoneNumber, Reservation
from numbers.worker.jobs import ask_to_stop, run_all
from tests.support import db_assertions, factories
from tests.support.admin_client import do, url
from tests.support.api_client import Api

pytestmark = pytest.mark.django_db

WHY = {"reason": "ticket 7"}
LIST = "/admin/numbers/phonenumber/"


def number(text: str) -> PhoneNumber:
    return PhoneNumber.objects.get(number=text)


def statuses() -> dict[str, str]:
    return dict(PhoneNumber.objects.values_list("number", "status"))


def pick(desk: Client, action: str, *numbers: str, query: str = "") -> Any:
    """Choose the action in the list, for these numbers or for all that match; gives the page that follows."""
    form: dict[str, Any] = {"action": action, "index": 0, "select_across": 0 if numbers else 1}
    form["_selected_action"] = list(
        PhoneNumber.objects.filter(**({"number__in": numbers} if numbers else {})).values_list(
            "pk", flat=True
        )[:50]
    )
    return desk.post(LIST + query, form, follow=True)


def carry_out(desk: Client, page: Any, **values: str) -> Job:
    """Fill in, look at the preview, confirm, and have it run."""
    address = page.request["PATH_INFO"]
    preview = desk.post(address, {**WHY, **values})
    assert preview.context["confirming"], preview.context["form"].errors
    assert desk.post(address, {**WHY, **values, "confirmed": "yes"}).status_code == 302
    run_all()
    return Job.objects.get(pk=preview.context["job"].pk)


def outcomes(job: Job) -> dict[str, str]:
    return {
        bytes(subject).decode(): outcome
        for subject, outcome in job.outcomes.values_list("subject", "outcome")
    }


# --- on one number
# ---------------------------------------------------------------------------------
def test_number_is_released_from_its_page_into_quarantine(desk: Client, api: Api) -> None:
    (one,) = factories.stock("+14155550100")
    api.order([one])
    page = do(desk, number(one), "release", **WHY)
    assert "is in quarantine for 45 days" in page.content.decode()
    assert statuses() == {one: "quarantined"}
    event = NumberEvent.objects.latest("id")
    assert (event.kind, event.actor, event.reason) == ("released", "operator:alice", "ticket 7")
    db_assertions.assert_in_order()


def test_release_without_quarantine_records_both_steps(desk: Client, api: Api) -> None:
    (one,) = factories.stock("+14155550100")
    api.order([one])
    do(desk, number(one), "release-at-once", **WHY)
    assert statuses() == {one: "available"}
    assert [event.kind for event in NumberEvent.objects.order_by("id")] == [
        "assigned",
        "released",
        "quarantine_ended",
    ]


def test_quarantine_is_ended_early_and_a_number_retired(desk: Client, db: None) -> None:
    (one,) = factories.stock(
        "+14155550100", status="quarantined", quarantined_until=timezone.now() + timedelta(days=9)
    )
    do(desk, number(one), "end-quarantine", **WHY)
    assert statuses() == {one: "available"}
    do(desk, number(one), "retire", **WHY)
    assert statuses() == {one: "retired"}


def test_held_number_is_kept_for_its_organization(desk: Client, api: Api, cast: Any) -> None:
    (one,) = factories.stock("+14155550100")
    do(desk, number(one), "hold", organization=cast.owner.pk, days="3", **WHY)
    assert api.using(cast.stranger_key).order([one]).status_code == 409
    hold = Reservation.objects.get()
    assert (hold.actor, hold.reason) == ("operator:alice", "ticket 7")
    assert (hold.expires_at - hold.created_at) == timedelta(days=3)
    assert api.order([one]).status_code == 200


def test_assignment_charges_the_organization(desk: Client, cast: Any) -> None:
    (one,) = factories.stock("+14155550100", price="3.00")
    campaign = factories.campaign(cast.owner)
    do(desk, number(one), "assign", organization=cast.owner.pk, campaign=campaign.pk, **WHY)
    assert db_assertions.owners() == {one: "Owner"}
    assert db_assertions.charges(cast.owner) == [Decimal("3.00")]
    order = Order.objects.get()
    assert (order.actor, order.campaign) == ("operator:alice", campaign)
    db_assertions.assert_in_order()


def test_unassignable_number_is_refused_with_a_reason(desk: Client, cast: Any) -> None:
    (one,) = factories.stock("+14155550100", price="300.00")
    page = do(desk, number(one), "assign", organization=cast.owner.pk, **WHY)
    assert "insufficient credit, short of 200.00 USD" in page.content.decode()
    page = do(
        desk,
        number(one),
        "assign",
        organization=cast.owner.pk,
        campaign=factories.campaign(cast.stranger).pk,
        **WHY,
    )
    assert "not found" in page.content.decode()
    suspend_organization(organization_id=cast.owner.pk, actor=factories.actor(), reason="fraud")
    page = do(desk, number(one), "assign", organization=cast.owner.pk, **WHY)
    assert "Owner is suspended" in page.content.decode()
    assert statuses() == {one: "available"}


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        ({}, {"retire", "hold", "assign"}),
        ({"status": "assigned"}, {"release", "release-at-once", "lock", "rent"}),
        (
            {"status": "quarantined", "quarantined_until": "2100-01-01T00:00Z"},
            {"end-quarantine", "undo-release", "retire"},
        ),
        (
            {"status": "quarantined", "quarantined_until": "2000-01-01T00:00Z"},
            {"retire", "hold", "assign"},
        ),
        ({"status": "retired"}, {"restore"}),
    ],
)
def test_page_offers_actions_for_the_state_of_the_number(
    desk: Client, state: Any, offered: set[str]
) -> None:
    factories.stock("+14155550100", **state)
    operations = desk.get(url(PhoneNumber, "change", number("+14155550100").pk)).context[
        "operations"
    ]
    assert {operation.name for operation in operations} == offered | {
        "price",
        "monthly-price",
        "capabilities",
    }


def test_page_of_a_locked_number_offers_to_unlock_it(desk: Client, api: Api) -> None:
    (one,) = factories.stock("+14155550100")
    api.order([one])
    do(desk, number(one), "lock", **WHY)
    page = desk.get(url(PhoneNumber, "change", number(one).pk))
    offered = {operation.name for operation in page.context["operations"]}
    assert {"lock", "unlock"} & offered == {"unlock"}


# --- on many
# ---------------------------------------------------------------------------------------
def test_selection_is_previewed_then_done_with_each_outcome(desk: Client, api: Api) -> None:
    sold, also_sold, free, other = factories.stock(*factories.line(1, 4))
    api.order([sold, also_sold])
    page = pick(desk, "release", sold, also_sold, free)
    assert "3 numbers selected, 2 of them will change" in page.content.decode()
    job = carry_out(desk, page)
    assert outcomes(job) == {sold: "done", also_sold: "done", free: "unchanged: it has no owner"}
    assert job.counts == {"done": 2, "unchanged": 1}
    assert statuses() == {
        sold: "quarantined",
        also_sold: "quarantined",
        free: "available",
        other: "available",
    }
    content = desk.get(url(Job, "change", job.pk)).content.decode()
    assert "unchanged: it has no owner" in content
    assert (
        NumberEvent.objects.filter(
            kind="released", actor="operator:alice", reason="ticket 7"
        ).count()
        == 2
    )


def test_large_preview_states_its_size_and_checks_all_on_request(
    desk: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("numbers.bulk_actions.job.LOOK_SECONDS", 0)
    monkeypatch.setattr("numbers.bulk_actions.job._LOOKED_AT_ONCE", 2)
    factories.stock(*factories.line(1, 3))
    factories.stock(*factories.line(4, 2), status="retired")
    page = pick(desk, "retire", query="?area_code=415")
    assert "5 numbers selected; of the first 2, 2 will change" in page.content.decode()
    page = desk.get(page.request["PATH_INFO"], {"all": "yes"})
    assert "5 numbers selected, 3 of them will change" in page.content.decode()
    assert [
        (share.state, share.numbers, share.price) for share, _, _ in page.context["shares"]
    ] == [
        ("available", 3, 3),
        ("retired", 2, 2),
    ]
    assert carry_out(desk, page).counts == {"done": 3, "unchanged": 2}


def test_action_applies_to_all_matches_over_many_pages(
    desk: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.admin.changelist.REACHABLE_ROWS", 3)
    monkeypatch.setattr(BULK_ACTIONS["price"], "batch", 7)
    factories.stock(*factories.line(1, 60))
    factories.stock(*factories.line(1, 2, area_code="212"))
    job = carry_out(desk, pick(desk, "price", query="?area_code=415"), price="2.50")
    assert job.counts == {"done": 60}
    assert PhoneNumber.objects.filter(price="2.50").count() == 60
    assert NumberEvent.objects.filter(kind="priced").count() == 60
    assert [one.position for one in job.outcomes.all()] == list(range(1, 61))


def test_previewed_numbers_are_done_when_the_list_changed(desk: Client, db: None) -> None:
    factories.stock(*factories.line(1, 3))
    page = pick(desk, "retire", query="?state=available")
    factories.stock("+14155550199")
    job = carry_out(desk, page)
    assert job.total == 3
    assert statuses()["+14155550199"] == "available"


def test_preview_of_an_assignment_says_who_can_pay(desk: Client, cast: Any) -> None:
    poor = factories.organization("Poor", credit="1.50")
    free = factories.stock(*factories.line(1, 2))
    (held,) = factories.stock("+14152000009")
    factories.hold(cast.stranger, held)
    page = pick(desk, "assign", *free, held)
    values = {**WHY, "organization": poor.pk}
    preview = desk.post(page.request["PATH_INFO"], values).content.decode()
    assert "cost 3.00; Poor has 1.50, so some will be refused." in preview
    assert "in orders of up to 1,000, if the hold is this organization&#x27;s" in preview
    job = carry_out(desk, page, organization=poor.pk)
    assert job.counts == {"refused": 3}
    assert "All 3 processed" in desk.get(url(Job, "change", job.pk)).content.decode()
    assert "3 refused" in desk.get(url(Job, "changelist")).content.decode()


def test_numbers_sold_after_the_preview_are_reported_as_refused(
    desk: Client, api: Api, cast: Any
) -> None:
    first, second = factories.stock(*factories.line(1, 2))
    page = pick(desk, "hold", first, second)
    api.using(cast.stranger_key).order([first])
    job = carry_out(desk, page, organization=str(cast.owner.pk), days="1")
    assert outcomes(job) == {
        first: "refused: it is not available to this organization",
        second: "done",
    }


def test_bulk_assignment_is_one_order_and_refused_whole(desk: Client, cast: Any) -> None:
    numbers = factories.stock(*factories.line(1, 20), price="4.00")
    page = pick(desk, "assign", *numbers)
    assert "All of them cost 80.00" in page.content.decode()
    job = carry_out(desk, page, organization=str(cast.owner.pk))
    assert job.counts == {"done": 20}
    assert Order.objects.get().quantity == 20
    more = factories.stock(*factories.line(100, 20), price="4.00")
    job = carry_out(desk, pick(desk, "assign", *more), organization=str(cast.owner.pk))
    assert set(outcomes(job).values()) == {"refused: insufficient credit, short of 60.00 USD"}
    db_assertions.assert_in_order()


def test_sms_and_mms_are_switched_separately(desk: Client, db: None) -> None:
    numbers = factories.stock(*factories.line(1, 3))
    page = pick(desk, "capabilities", *numbers)
    refused = desk.post(page.request["PATH_INFO"], WHY)
    assert "Switch at least one" in refused.content.decode()
    carry_out(desk, page, mms_enabled="off")
    assert set(PhoneNumber.objects.values_list("sms_enabled", "mms_enabled")) == {(True, False)}


def test_bulk_action_requires_a_reason_and_a_confirmation(desk: Client, db: None) -> None:
    numbers = factories.stock(*factories.line(1, 2))
    page = pick(desk, "retire", *numbers)
    address = page.request["PATH_INFO"]
    assert "reason" in desk.post(address, {"reason": " "}).context["form"].errors
    desk.post(address, WHY)
    run_all()
    assert set(statuses().values()) == {"available"}


def test_draft_is_started_once(desk: Client, db: None) -> None:
    numbers = factories.stock(*factories.line(1, 2))
    page = pick(desk, "retire", *numbers)
    carry_out(desk, page)
    again = desk.post(page.request["PATH_INFO"], {**WHY, "confirmed": "yes"})
    assert again["Location"].startswith("/admin/numbers/job/")
    assert Job.objects.count() == 1


def test_empty_selection_is_reported(desk: Client, db: None) -> None:
    factories.stock("+14155550100")
    page = desk.post(
        LIST + "?state=retired", {"action": "retire", "index": 0, "select_across": 1}, follow=True
    )
    assert not Job.objects.exists()
    assert page.status_code == 200


def begun(action: str, **values: Any) -> Job:
    job = choose(PhoneNumber.objects.all(), action=BULK_ACTIONS[action], actor=factories.actor())
    begin(job, values=values, reason="tests", actor=factories.actor("tests"))
    return job


def test_stopped_job_leaves_the_rest_to_resume(
    desk: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.stock(*factories.line(1, 10))
    monkeypatch.setattr(BULK_ACTIONS["retire"], "batch", 4)
    job = begun("retire")
    original = BULK_ACTIONS["retire"].do

    def then_stop(ids: Any, order: Any) -> Any:
        ask_to_stop(job)
        monkeypatch.setattr(BULK_ACTIONS["retire"], "do", original)
        return original(ids, order)

    monkeypatch.setattr(BULK_ACTIONS["retire"], "do", then_stop)
    monkeypatch.setattr("numbers.worker.jobs.JobContext.progress", progress_that_looks)
    run_all()
    job.refresh_from_db()
    assert (job.status, job.outcomes.count()) == ("cancelled", 4)
    page = desk.get(url(Job, "change", job.pk))
    rest = page.context["rest"]
    assert rest.total == 6
    assert (
        desk.get(f"/admin/numbers/phonenumber/bulk-action/{rest.pk}/")
        .context["form"]
        .initial["reason"]
        == "tests"
    )
    desk.post(f"/admin/numbers/phonenumber/bulk-action/{rest.pk}/", {**WHY, "confirmed": "yes"})
    run_all()
    assert set(statuses().values()) == {"retired"}
    assert desk.get(url(Job, "change", job.pk)).context["rest"] is None


def progress_that_looks(running: Any, doing: str, done: int, total: int | None) -> None:
    """As JobContext.progress, but looking at once instead of at the next beat."""
    running.reported = {"doing": doing, "progress": done, "total": total}
    running.beat()
    if running._end is not None:
        raise running._end


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


@pytest.mark.parametrize("action", ["release", "release-at-once"])
def test_killed_job_resumes_with_true_outcomes(
    api: Api, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    api.order(factories.stock(*factories.line(1, 6)))
    monkeypatch.setattr(BULK_ACTIONS[action], "batch", 2)
    job = begun(action)
    with monkeypatch.context() as patch:
        patch.setattr("numbers.bulk_actions.job._store_outcomes", killing(Killed))
        with pytest.raises(Killed):
            run_all()
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    run_all()
    job.refresh_from_db()
    assert job.status == "done"
    assert set(outcomes(job).values()) == {"done"}
    assert NumberEvent.objects.filter(kind="released").count() == 6
    assert set(statuses().values()) == {"quarantined" if action == "release" else "available"}


def killing(death: type[BaseException]) -> Any:
    def die(*arguments: Any) -> None:
        raise death

    return die


def test_killed_release_ends_the_quarantine_when_resumed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.order(factories.stock(*factories.line(1, 2)))
    job = begun("release-at-once")
    with monkeypatch.context() as patch:
        patch.setattr("numbers.bulk_actions.release.end_quarantine", killing_with_names(Killed))
        with pytest.raises(Killed):
            run_all()
    assert set(statuses().values()) == {"quarantined"}
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    run_all()
    assert set(outcomes(job).values()) == {"done"}
    assert set(statuses().values()) == {"available"}


def killing_with_names(death: type[BaseException]) -> Any:
    def die(**names: Any) -> None:
        raise death

    return die


def test_bulk_action_is_offered_only_with_its_permission(cast: Any) -> None:
    factories.stock("+14155550100")
    clerk = User.objects.create_user("bob", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_phonenumber"))
    client = Client()
    client.force_login(clerk)
    assert client.get(LIST).context["action_form"] is None
    job = choose(PhoneNumber.objects.all(), action=ReleaseAtOnce(), actor=factories.actor())
    assert client.get(f"/admin/numbers/phonenumber/bulk-action/{job.pk}/").status_code == 403
    assert (
        client.post(
            url(PhoneNumber, "operation", number("+14155550100").pk, "retire"), WHY
        ).status_code
        == 403
    )


# --- values that every number would refuse
# ---------------------------------------------------------------------------------
@pytest.mark.parametrize("action", ["hold", "assign"])
def test_form_refuses_an_organization_of_the_other_inventory(
    desk: Client, cast: Any, action: str
) -> None:
    live = factories.stock(*factories.line(1, 2))
    sandbox = factories.organization("Trial", credit=None, sandbox=True)
    page = pick(desk, action, *live)
    values = {**WHY, "organization": str(sandbox.pk), "days": "7"}
    for more in ({}, {"confirmed": "yes"}):
        refused = desk.post(page.request["PATH_INFO"], {**values, **more})
        assert "all of these are live numbers" in str(refused.context["form"].errors)
        assert not refused.context["confirming"]
    single = do(desk, number(live[0]), action, **values)
    assert "and this is a live number: choose" in str(single.context["form"].errors["organization"])
    assert Job.objects.get().status == Job.Status.DRAFT
    # One number of its inventory among them is enough: the job reports the others.
    test_number = factories.stock("+14152000050", sandbox=True)
    job = carry_out(desk, pick(desk, action, *live, *test_number), **values)
    assert outcomes(job) == {
        **dict.fromkeys(live, "refused: it is not available to this organization"),
        test_number[0]: "done",
    }


@pytest.mark.parametrize("action", ["hold", "assign"])
def test_form_refuses_a_suspended_organization(desk: Client, cast: Any, action: str) -> None:
    page = pick(desk, action, *factories.stock(*factories.line(1, 2)))
    suspend_organization(organization_id=cast.owner.pk, actor=factories.actor(), reason="fraud")
    refused = desk.post(
        page.request["PATH_INFO"], {**WHY, "organization": str(cast.owner.pk), "days": "7"}
    )
    assert "Owner is suspended" in str(refused.context["form"].errors["organization"])


def test_form_refuses_a_campaign_that_no_number_could_use(desk: Client, cast: Any) -> None:
    page = pick(desk, "assign", *factories.stock(*factories.line(1, 2)))
    foreign = factories.campaign(cast.stranger)
    pending = factories.campaign(cast.owner, "PENDING")
    for campaign, why in ((foreign, "was not found"), (pending, "campaign is not active")):
        values = {"organization": str(cast.owner.pk), "campaign": str(campaign.pk)}
        refused = desk.post(page.request["PATH_INFO"], {**WHY, **values})
        assert why in str(refused.context["form"].errors["campaign"])


def test_form_refuses_an_end_of_hold_in_the_past(desk: Client, cast: Any) -> None:
    (one,) = factories.stock("+14155550100")
    factories.hold(cast.owner, one)
    page = pick(desk, "move-hold", one)
    refused = desk.post(page.request["PATH_INFO"], {**WHY, "until": "2020-01-01 12:00"})
    assert "must be in the future" in str(refused.context["form"].errors["until"])


def test_job_page_says_what_was_done_for_whom_and_why(desk: Client, cast: Any) -> None:
    one, two = factories.stock("+14155550100", "+14155550101")
    job = carry_out(desk, pick(desk, "hold", one, two), organization=cast.owner.pk, days="7")
    html = desk.get(url(Job, "change", job.pk)).content.decode()
    assert f"can be ordered by {cast.owner} only, for 7 days" in html
    assert "ticket 7" in html
    for row in (cast.owner, number(one), number(two)):
        assert f'<a href="{page_of(row)}">{row}</a>' in html
    listed = desk.get(url(JobOutcome, "changelist"), {"job": job.pk}).content.decode()
    assert f'<a href="{page_of(number(one))}">{one}</a>' in listed


def test_jobs_with_one_title_differ_by_their_effect(desk: Client, db: None) -> None:
    (one,) = factories.stock("+14155550100")
    for price in ("2.25", "3.00"):
        carry_out(desk, pick(desk, "price", one), price=price)
    html = desk.get(url(Job, "changelist")).content.decode()
    assert html.count("Change price: 1 number<") == 2
    for price in ("2.25", "3.00"):
        assert f"costs {price} USD from its next sale on" in html


def test_job_of_an_earlier_release_says_its_effect_too(desk: Client, db: None) -> None:
    (one,) = factories.stock("+14155550100")
    job = carry_out(desk, pick(desk, "price", one), price="2.25")
    del job.parameters["effect"]
    job.save(update_fields=["parameters"])
    html = desk.get(url(Job, "change", job.pk)).content.decode()
    assert "costs 2.25 USD from its next sale on" in html


def test_message_of_an_action_on_one_number_says_done(desk: Client, db: None) -> None:
    (one,) = factories.stock("+14155550100")
    html = do(desk, number(one), "retire", **WHY).content.decode()
    said = f"Done. Retire: {one} leaves the stock until it is returned to it"
    assert f'<li class="success">{said}' in html
    html = do(desk, number(one), "price", price="1.00", **WHY).content.decode()
    assert f'<li class="warning">Change price: {one} unchanged: it already costs that' in html
