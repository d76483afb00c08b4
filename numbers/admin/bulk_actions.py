"""Bulk actions: on one number from its page, or on a selection from the list, as a job."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from campaigns.models import Organization
from config.actors import Actor
from config.admin.actions import (
    Done,
    Operation,
    add_refusal,
    back_of,
    mark_required,
    page_of,
)
from config.admin.changelist import rows_of
from config.admin.once import respond_once
from config.admin.sign_in.operators import actor_of
from config.admin.site import Page, desk
from config.errors import ApiError, ValidationFailed
from numbers.admin.bulk_action_forms import FORMS, BulkActionForm
from numbers.bulk_actions.actions import BULK_ACTIONS, DONE, BulkAction, Instruction
from numbers.bulk_actions.job import KIND, action_of, begin, choose, first_chosen, shares
from numbers.inventory.availability import state_of
from numbers.models import CreditAccount, Job, PhoneNumber


class BulkActionOperation(Operation):
    """A bulk action on one number, run at once."""

    def __init__(self, action: BulkAction) -> None:
        self.action = action
        self.name, self.label = action.name, action.label
        self.permission = action.permission
        self.form_class = FORMS.get(action.name, BulkActionForm)

    def applies_to(self, subject: PhoneNumber) -> bool:
        in_state = state_of(subject)[0] in self.action.states
        return in_state and self.action.is_offered_for(subject)

    def explain(self, subject: PhoneNumber) -> str:
        state, until = state_of(subject)
        sentence = f"{subject} is {state}" + (f" until {until:%Y-%m-%d %H:%M} UTC" if until else "")
        about = self.action.describe_number(subject)
        effect = "" if self.action.name in FORMS else f"It {self.action.describe_effect({})}."
        return ". ".join([sentence, " ".join(part for part in (effect, about) if part)])

    def initial(self, subject: PhoneNumber) -> dict[str, Any]:
        return {
            "price": subject.price,
            "monthly_price": subject.monthly_price,
            "until": subject.held_until,
        }

    def do(self, subject: PhoneNumber, *, actor: Actor, form: Any) -> Done:
        instruction = Instruction(actor, form.cleaned_data["reason"], form.values)
        self.action.check([subject.pk], instruction.values)
        outcome = self.action.do([subject.pk], instruction)[subject.pk]
        if outcome.startswith("refused: "):
            raise ValidationFailed(details={"": outcome.removeprefix("refused: ")})
        if outcome != DONE:
            return Done(f"{self.label}: {subject} {outcome}.", changed=False)
        return Done(f"Done. {self.label}: {subject} {self.action.describe_effect(form.values)}.")


# --- on many --------------------------------------------------------------------------------------
def actions_for(request: HttpRequest) -> dict[str, Any]:
    """Return the list's actions that the user may run."""
    allowed = [
        action for action in BULK_ACTIONS.values() if request.user.has_perm(action.permission)
    ]
    return {action.name: (_action(action), action.name, f"{action.label} …") for action in allowed}


def _action(action: BulkAction) -> Any:
    def act(
        admin: Any, request: HttpRequest, queryset: QuerySet[PhoneNumber]
    ) -> HttpResponse | None:
        def draft() -> HttpResponse:
            job = choose(queryset, action=action, actor=actor_of(request))
            address = reverse("admin:bulk_action", args=[job.pk])
            return HttpResponseRedirect(f"{address}?{urlencode({'back': request.get_full_path()})}")

        try:
            return respond_once(request, draft)
        except ValidationFailed as refusal:
            messages.error(
                request, "; ".join(f"{name} {why}" for name, why in (refusal.details or {}).items())
            )
            return None

    return act


def bulk_action_page(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Show the form, then the preview; queue the job once the operator confirms."""
    job = get_object_or_404(Job, pk=job_id, kind=KIND)
    action = action_of(job)
    if not request.user.has_perm(action.permission):
        raise PermissionDenied
    if job.status != Job.Status.DRAFT:
        return HttpResponseRedirect(page_of(job))
    form_class = FORMS.get(action.name, BulkActionForm)
    form = form_class(request.POST) if request.method == "POST" else form_class(initial=_known(job))
    mark_required(form)
    confirming = form.is_bound and form.is_valid() and _is_possible(job, action, form)
    if confirming and "confirmed" in request.POST:
        try:
            begin(
                job, values=form.values, reason=form.cleaned_data["reason"], actor=actor_of(request)
            )
            return HttpResponseRedirect(page_of(job))
        except ApiError as refusal:
            if not Job.objects.filter(pk=job.pk, status=Job.Status.DRAFT).exists():
                return HttpResponseRedirect(page_of(job))  # sent twice: the first post has begun it
            add_refusal(form, refusal)
    preview = _preview(
        job, action, form.values if confirming else None, all_of_them="all" in request.GET
    )
    context = {
        **desk().each_context(request),
        "title": action.label,
        "opts": PhoneNumber._meta,
        "form": form,
        "back_url": back_of(request) or rows_of("numbers_phonenumber"),
    }
    context |= {"job": job, "confirming": confirming, "media": form.media, **preview}
    return TemplateResponse(request, "operators/bulk_action.html", context)


def _is_possible(job: Job, action: BulkAction, form: BulkActionForm) -> bool:
    """Return whether the action accepts the values. Show beside the fields why not."""
    try:
        action.check(first_chosen(job), form.values)
    except ValidationFailed as refusal:
        add_refusal(form, refusal)
        return False
    return True


def _known(job: Job) -> dict[str, Any]:
    """Return initial values of the form: a continued job has those of the stopped one."""
    values = job.parameters["values"]
    known = {
        "reason": job.parameters["reason"],
        "price": values.get("price"),
        "monthly_price": values.get("monthly_price"),
        "days": values.get("days", 7),
        "until": values.get("until"),
        "begin": (values.get("begin") or "")[:10],
    }
    switched = {True: "on", False: "off", None: ""}
    known |= {name: switched[values.get(name)] for name in ("sms_enabled", "mms_enabled")}
    return known | {name: values.get(f"{name}_id") for name in ("organization", "campaign")}


def _preview(
    job: Job, action: BulkAction, values: dict[str, Any] | None, *, all_of_them: bool
) -> dict[str, Any]:
    rows, looked_at = shares(job, all_of_them=all_of_them)
    touched = [row for row in rows if row.state in action.states]
    return {
        **(_credit_of(values) if action.name == "assign" and values is not None else {}),
        "idle": not touched and looked_at == job.total,
        "applies_to": " or ".join(sorted(action.states)),
        "looked_at": looked_at,
        "shares": [
            (row, row.state in action.states, action.provisos.get(row.state, "")) for row in rows
        ],
        "touched": sum(row.numbers for row in touched),
        "cost": sum(row.price for row in touched) if action.name == "assign" else None,
        "effect": action.describe_effect(values) if values is not None else "",
    }


def _credit_of(values: dict[str, Any]) -> dict[str, Any]:
    """Return who would pay, and how much credit there is; none of a sandbox, which never pays."""
    buyer = Organization.objects.get(pk=values["organization_id"])
    account = CreditAccount.objects.filter(pk=buyer.pk).first()
    balance = account.balance if account else Decimal("0.00")
    return {"buyer": buyer, "credit": None if buyer.is_sandbox else balance}


PAGES = [Page("numbers/phonenumber/bulk-action/<uuid:job_id>/", "bulk_action", bulk_action_page)]
