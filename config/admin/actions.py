"""What an operator does to a row: a page with a form in front of one function.

The function is the one that the API and the commands call; it locks, judges and records. What it
refuses comes back as an error of the form.
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
from config.admin.once import AlreadySent, SameAgain, carry_out, sent_before, show_first
from config.admin.sign_in.operators import actor_of
from config.errors import ApiError, is_unavailable

REASON_LENGTH = 256


class ReasonForm(forms.Form):
    """Every change says why."""

    reason = forms.CharField(
        max_length=REASON_LENGTH,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text="Kept in the history, with your name.",
    )


class Operation:
    """One thing that can be done. Subclasses say what, ask for what it needs, and do it."""

    name: str
    label: str
    # Of the model that the page belongs to: "change", "add", or a codename; "numbers.add_order" of another.
    permission: str = "change"
    form_class: type[forms.Form] = ReasonForm

    def applies_to(self, subject: Any) -> bool:
        """Whether to offer it. The function behind it judges again, under its lock."""
        return True

    def explain(self, subject: Any) -> str:
        """What will happen, in words."""
        return ""

    def make_form(self, request: HttpRequest, subject: Any) -> forms.Form:
        if request.method == "POST":
            return self.form_class(request.POST, request.FILES)
        # A link may fill in what it knows: …/add/?organization=…
        return self.form_class(initial={**_given(request, self.form_class), **self.initial(subject)})

    def initial(self, subject: Any) -> dict[str, Any]:
        return {}

    def do(self, subject: Any, *, actor: Actor, form: Any) -> "Done":
        """Call the function. Raises ApiError where it refuses."""
        return self.perform(subject, actor=actor, values=form.cleaned_data)

    def perform(self, subject: Any, *, actor: Actor, values: dict[str, Any]) -> "Done":
        """Call the function with the form's values; for those that need no more of the form."""
        raise NotImplementedError


def _given(request: HttpRequest, form_class: type[forms.Form]) -> dict[str, Any]:
    """Return what the address says for the form's fields, except what a field would refuse."""
    given = {}
    for name, field in form_class.base_fields.items():
        try:
            if name in request.GET:
                field.clean(request.GET[name])
                given[name] = request.GET[name]
        except forms.ValidationError:  # it can't be shown as chosen: the field stays as it is without it
            continue
    return given


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: a sentence, and the row to go on to; or a page that is shown once (template, context)."""

    message: str
    subject: Model | None = None
    once: tuple[str, dict[str, Any]] | None = None


def show_operation(request: HttpRequest, admin: Any, operation: Operation, subject: Any) -> HttpResponse:
    """The operation's page: the form, and with a valid form the deed."""
    if not allowed(request, admin, operation, subject):
        raise PermissionDenied
    if first := sent_before(request):
        return show_first(request, first)
    if not operation.applies_to(subject):
        messages.warning(request, f"{operation.label}: {subject} has changed meanwhile, this does not apply any more.")
        return HttpResponseRedirect(page_of(subject))
    form = operation.make_form(request, subject)
    if request.method == "POST" and form.is_valid():
        response = _try(request, admin, operation, subject, form)
        if response is not None:
            return response
    return TemplateResponse(request, "operators/operation.html", _context(request, admin, operation, subject, form))


def allowed(request: HttpRequest, admin: Any, operation: Operation, subject: Any) -> bool:
    if operation.permission == "change":
        return bool(admin.has_operate_permission(request, subject))
    codename = operation.permission
    if codename == "add":
        codename = f"add_{admin.opts.model_name}"
    if "." in codename:
        return request.user.has_perm(codename)
    return request.user.has_perm(f"{admin.opts.app_label}.{codename}")


def _try(request: HttpRequest, admin: Any, operation: Operation, subject: Any, form: forms.Form) -> HttpResponse | None:
    """Carry the operation out, once for each page that asked for it; None where it was refused."""

    def outcome(done: Done) -> tuple[str, str]:
        return _address_after(request, admin, done, subject), done.message

    try:
        work = partial(operation.do, subject, actor=actor_of(request), form=form)
        done = carry_out(request, work, outcome, ask_if_same=True)
        return _after(request, admin, done, subject)
    except AlreadySent as sent:
        return show_first(request, sent.form)
    except SameAgain as refusal:
        form.asks_once_more = True  # type: ignore[attr-defined]
        add_refusal(form, refusal)
    except ApiError as refusal:
        add_refusal(form, refusal)
    except DatabaseError as error:
        if not is_unavailable(error):
            raise
        form.add_error(None, "The database is busy, and nothing has been changed. Try again in a moment.")
    return None


def add_refusal(form: forms.Form, refusal: ApiError) -> None:
    """Put what was refused beside the field that it is about."""
    for field, sentence in (refusal.details or {"": refusal.message}).items():
        name = field.partition("[")[0]
        if name in form.fields:
            form.add_error(name, f"{field} {sentence}" if "[" in field else sentence)
        else:
            form.add_error(None, f"{field} {sentence}".strip())


def _after(request: HttpRequest, admin: Any, done: Done, subject: Any) -> HttpResponse:
    if done.once is not None:
        template, context = done.once
        shared = {**admin.admin_site.each_context(request), "opts": admin.opts, "title": "Shown once"}
        response = TemplateResponse(request, template, {**shared, **context})
        add_never_cache_headers(response)
        return response
    messages.success(request, done.message)
    return HttpResponseRedirect(_address_after(request, admin, done, subject))


def _address_after(request: HttpRequest, admin: Any, done: Done, subject: Any) -> str:
    if back := _back(request):
        return back
    target = done.subject or subject
    if target is None or not admin.has_view_or_change_permission(request):
        return reverse(f"admin:{admin.opts.app_label}_{admin.opts.model_name}_changelist")
    return page_of(target)


def _back(request: HttpRequest) -> str:
    """The page of the desk that the operator came from and wants back to, if a link said so."""
    back = request.GET.get("back", "")
    return back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else ""


def page_of(subject: Model) -> str:
    """The address of a row's page in the desk."""
    return reverse(f"admin:{subject._meta.app_label}_{subject._meta.model_name}_change", args=[subject.pk])


def _context(request: HttpRequest, admin: Any, operation: Operation, subject: Any, form: forms.Form) -> dict[str, Any]:
    return {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": operation.label,
        "subtitle": str(subject) if subject is not None else None,
        "operation": operation,
        "subject": subject,
        "subject_url": page_of(subject) if subject is not None else None,
        "explanation": operation.explain(subject),
        "form": form,
        "media": admin.media + form.media,
    }


def named(operations: list[Operation], name: str) -> Operation:
    """Raises Http404 where no operation has the name."""
    for operation in operations:
        if operation.name == name:
            return operation
    raise Http404
