"""Actions on a row of the admin: a page with a form in front of one function.

The API and the commands call the same function. It locks, checks and records. Its errors appear
in the form.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme

from config.actors import Actor
from config.admin.once import (
    ONCE_MORE_LABEL,
    AlreadySent,
    SameAgain,
    carry_out,
    sent_before,
    show_first,
)
from config.admin.sign_in.operators import actor_of
from config.db.sqlstates import is_unavailable
from config.errors import ApiError

REASON_LENGTH = 256


class ReasonForm(forms.Form):
    """A form that asks for the reason of a change."""

    reason = forms.CharField(
        max_length=REASON_LENGTH,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text="Kept in the history, with your name.",
    )


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of what an operator decides about. With an address, the value is a link to it."""

    label: str
    value: str
    address: str = ""


class Operation:
    """One action. Subclasses set its label and form, and call the function behind it."""

    name: str
    label: str
    # "change", "add" or a codename of the page's model; "numbers.add_order" for another model.
    permission: str = "change"
    form_class: type[forms.Form] = ReasonForm

    def applies_to(self, subject: Any) -> bool:
        """Return whether to offer the action. The function checks again under its lock."""
        return True

    def explain(self, subject: Any) -> str:
        """Describe in a sentence what will happen."""
        return ""

    def facts(self, subject: Any) -> list[Fact]:
        """Return what is to be judged, if the decision needs more than the explanation."""
        return []

    def make_form(self, request: HttpRequest, subject: Any) -> forms.Form:
        if request.method == "POST":
            return self.form_class(request.POST, request.FILES)
        # A link can prefill fields: …/add/?organization=…
        return self.form_class(
            initial={**_given(request, self.form_class), **self.initial(subject)}
        )

    def initial(self, subject: Any) -> dict[str, Any]:
        return {}

    def do(self, subject: Any, *, actor: Actor, form: Any) -> "Done":
        """Call the function. Raise ApiError if it refuses."""
        return self.perform(subject, actor=actor, values=form.cleaned_data)

    def perform(self, subject: Any, *, actor: Actor, values: dict[str, Any]) -> "Done":
        """Call the function with the form's values, if those are all that it needs."""
        raise NotImplementedError


def _given(request: HttpRequest, form_class: type[forms.Form]) -> dict[str, Any]:
    """Return the form's initial values from the URL, without those that a field would refuse."""
    given = {}
    for name, field in form_class.base_fields.items():
        try:
            if name in request.GET:
                field.clean(request.GET[name])
                given[name] = request.GET[name]
        except forms.ValidationError:  # an unusable value leaves the field empty
            continue
    return given


@dataclass(frozen=True, slots=True)
class Done:
    """The outcome of an action: a message, and the row or the page to show next.

    ``once`` is a page to show a single time instead, as (template, context). Where nothing was to
    be changed, ``changed`` is False and the message a warning.
    """

    message: str
    subject: Model | None = None
    once: tuple[str, dict[str, Any]] | None = None
    address: str = ""
    changed: bool = True


def show_operation(
    request: HttpRequest, admin: Any, operation: Operation, subject: Any
) -> HttpResponse:
    """Show the page of an operation, and carry the operation out if its form is valid."""
    if not allowed(request, admin, operation, subject):
        raise PermissionDenied
    if first := sent_before(request):
        return show_first(request, first)
    if not operation.applies_to(subject):
        messages.warning(
            request,
            f"{operation.label}: {admin.heading(subject)} has changed in the meantime, so this no longer applies.",
        )
        return HttpResponseRedirect(back_of(request) or page_of(subject))
    form = mark_required(operation.make_form(request, subject))
    if request.method == "POST" and form.is_valid():
        response = _try(request, admin, operation, subject, form)
        if response is not None:
            return response
    return TemplateResponse(
        request, "operators/operation.html", _context(request, admin, operation, subject, form)
    )


def allowed(request: HttpRequest, admin: Any, operation: Operation, subject: Any) -> bool:
    if operation.permission == "change":
        return bool(admin.has_operate_permission(request, subject))
    codename = operation.permission
    if codename == "add":
        codename = f"add_{admin.opts.model_name}"
    if "." in codename:
        return request.user.has_perm(codename)
    return request.user.has_perm(f"{admin.opts.app_label}.{codename}")


def _try(
    request: HttpRequest, admin: Any, operation: Operation, subject: Any, form: forms.Form
) -> HttpResponse | None:
    """Run the operation once for each form that was sent. Return None if it was refused."""

    def outcome(done: Done) -> tuple[str, str]:
        return _address_after(request, admin, done, subject), done.message

    try:
        work = partial(operation.do, subject, actor=actor_of(request), form=form)
        done = carry_out(request, work, outcome, ask_if_same=True)
        return _after(request, admin, done, subject)
    except AlreadySent as sent:
        return show_first(request, sent.form)
    except SameAgain as refusal:
        form.asks_once_more = ONCE_MORE_LABEL  # type: ignore[attr-defined]
        add_refusal(form, refusal)
    except ApiError as refusal:
        add_refusal(form, refusal)
    except DatabaseError as error:
        if not is_unavailable(error):
            raise
        form.add_error(None, "The database is busy. Nothing was changed. Try again in a moment.")
    return None


def mark_required(form: forms.Form) -> forms.Form:
    """Have the labels of required fields look like those of Django's admin."""
    form.required_css_class = "required"  # type: ignore[attr-defined]
    return form


def add_refusal(form: forms.Form, refusal: ApiError) -> None:
    """Show each error beside its field."""
    for field, sentence in (refusal.details or {"": refusal.message}).items():
        name = field.partition("[")[0]
        if name in form.fields:
            form.add_error(name, f"{field} {sentence}" if "[" in field else sentence)
        else:
            form.add_error(None, f"{field} {sentence}".strip())


def _after(request: HttpRequest, admin: Any, done: Done, subject: Any) -> HttpResponse:
    if done.once is not None:
        template, context = done.once
        shared = {
            **admin.admin_site.each_context(request),
            "opts": admin.opts,
            "title": "Shown once",
        }
        response = TemplateResponse(request, template, {**shared, **context})
        add_never_cache_headers(response)
        return response
    show = messages.success if done.changed else messages.warning
    show(request, done.message)
    return HttpResponseRedirect(_address_after(request, admin, done, subject))


def _address_after(request: HttpRequest, admin: Any, done: Done, subject: Any) -> str:
    if back := back_of(request):
        return back
    target, may_view = done.subject or subject, admin.has_view_or_change_permission(request)
    if done.address and may_view:
        return done.address
    if target is None or not may_view:
        return reverse(f"admin:{admin.opts.app_label}_{admin.opts.model_name}_changelist")
    return page_of(target)


def back_of(request: HttpRequest) -> str:
    """Return the page to go back to, if the link to this page named one."""
    back = request.GET.get("back", "")
    return back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else ""


def page_of(subject: Model) -> str:
    """Return the URL of a row's page in the admin."""
    return reverse(
        f"admin:{subject._meta.app_label}_{subject._meta.model_name}_change", args=[subject.pk]
    )


def _context(
    request: HttpRequest, admin: Any, operation: Operation, subject: Any, form: forms.Form
) -> dict[str, Any]:
    return {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": operation.label,
        "subtitle": admin.heading(subject) if subject is not None else None,
        "operation": operation,
        "subject": subject,
        "subject_url": page_of(subject) if subject is not None else None,
        "explanation": operation.explain(subject),
        "back_url": back_of(request) or (page_of(subject) if subject is not None else ""),
        "facts": operation.facts(subject),
        "form": form,
        "media": admin.media + form.media,
    }


def named(operations: list[Operation], name: str) -> Operation:
    """Return the operation with this name. Raise Http404 if there is none."""
    for operation in operations:
        if operation.name == name:
            return operation
    raise Http404
