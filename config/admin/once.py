"""Carry a form out once, however often it is sent, such as by a double click or after Back.

Each loaded page has a token. The first post stores it with its outcome, in the transaction of the
change. A later post waits for that transaction, changes nothing, and redirects to where the first
one did.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from django.contrib import messages
from django.db import connection
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import salted_hmac

from config.admin.models import SubmittedForm
from config.admin.sign_in.operators import actor_of
from config.db.transactions import run_joining
from config.errors import ValidationFailed

Result = TypeVar("Result")

FIELD = "form_token"
_NOT_THE_OPERATORS = frozenset({FIELD, "csrfmiddlewaretoken", "once_more"})
# A session lasts half a day, and no form outlives its session.
KEPT = "2 days"

CLAIM = """
    INSERT INTO desk_submittedform (token, actor, path, digest, location, message, created_at)
    VALUES (%s, %s, %s, %s, '', '', now())
    ON CONFLICT (token) DO NOTHING
    RETURNING token
"""
FORGET = f"""
    WITH old AS MATERIALIZED (
        SELECT token FROM desk_submittedform WHERE created_at < now() - interval '{KEPT}'
        LIMIT 100 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM desk_submittedform WHERE token IN (SELECT token FROM old)
"""  # noqa: S608  made of constants
# Two tabs have two tokens. The same values from both wait here for each other.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
SAME_WITHIN = timedelta(minutes=10)
ONCE_MORE = "once_more"
ONCE_MORE_LABEL = "Do it again: this is not a repetition by mistake"
NOT_AGAIN = "This form was sent already, and was not carried out again."


class AlreadySent(Exception):
    """An earlier post carried this form out. ``form`` has its outcome."""

    def __init__(self, form: SubmittedForm) -> None:
        super().__init__(str(form.token))
        self.form = form


class SameAgain(ValidationFailed):
    """The operator sent the same values from another tab a moment ago."""

    def __init__(self, form: SubmittedForm) -> None:
        earlier = f"You sent the same values at {form.created_at:%H:%M:%S} UTC: {form.message}"
        remedy = "To do it again, tick the box at the end and send the form again."
        super().__init__(details={"": f"{earlier} {remedy}"})


class _NotDone(Exception):
    """The view refused or asks for more: roll back, so that the page can be sent again."""

    def __init__(self, response: HttpResponse | None) -> None:
        super().__init__("the view did not redirect")
        self.response = response


def new_token() -> UUID:
    return uuid4()


def carry_out(
    request: HttpRequest,
    work: Callable[[], Result],
    outcome: Callable[[Result], tuple[str, str]],
    *,
    ask_if_same: bool = False,
) -> Result:
    """Run ``work`` and store its ``outcome``, a location and a message, in one transaction.

    Raise AlreadySent if an earlier post did so. With ``ask_if_same``, raise SameAgain if another
    tab sent the same values and the box "once more" is not ticked. A post without a token is
    carried out; no page of ours sends one.
    """
    token = _token_of(request)
    if token is None:
        return work()
    digest = _digest_of(request) if ask_if_same else ""
    return run_joining(lambda: _claim_and_run(request, token, digest, work, outcome))


def _claim_and_run(
    request: HttpRequest,
    token: UUID,
    digest: str,
    work: Callable[[], Result],
    outcome: Callable[[Result], tuple[str, str]],
) -> Result:
    _claim(token, request, digest)
    result = work()
    location, message = outcome(result)
    SubmittedForm.objects.filter(pk=token).update(
        location=location[:1024],
        message=message[:1024],
    )
    return result


def respond_once(
    request: HttpRequest, view: Callable[[], HttpResponse | None]
) -> HttpResponse | None:
    """Run a view of Django's once for each form. A redirect means that it made the change."""
    if request.method != "POST":
        return view()
    try:
        return carry_out(
            request,
            lambda: _require_redirect(view()),
            lambda response: (response["Location"], ""),
        )
    except _NotDone as refused:
        return refused.response
    except AlreadySent as sent:
        return show_first(request, sent.form)


def _require_redirect(response: HttpResponse | None) -> HttpResponse:
    if response is None or response.status_code != 302:
        raise _NotDone(response)
    return response


def sent_before(request: HttpRequest) -> SubmittedForm | None:
    """Return the outcome of an earlier post of the page, if that one has finished."""
    token = _token_of(request)
    return None if token is None else _of(request, token)


def show_first(request: HttpRequest, form: SubmittedForm) -> HttpResponse:
    """Send the operator to where the first post led, and show its message."""
    messages.info(request, f"{NOT_AGAIN} {form.message}".strip())
    return HttpResponseRedirect(form.location or reverse("admin:index"))


def _token_of(request: HttpRequest) -> UUID | None:
    if request.method != "POST":
        return None
    try:
        return UUID(request.POST.get(FIELD, ""))
    except ValueError:
        return None


def _claim(token: UUID, request: HttpRequest, digest: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FORGET)
        if digest:
            cursor.execute(ONE_AT_A_TIME, [digest])
        cursor.execute(CLAIM, [token, str(actor_of(request)), request.path[:512], digest])
        if cursor.fetchone():
            _ask_if_same(request, token, digest)
            return
    first = _of(request, token)
    # The token belongs to another operator or page: reveal nothing about that form.
    raise AlreadySent(first or SubmittedForm(token=token))


def _ask_if_same(request: HttpRequest, token: UUID, digest: str) -> None:
    if not digest or ONCE_MORE in request.POST:
        return
    same = SubmittedForm.objects.filter(digest=digest, created_at__gt=Now() - SAME_WITHIN).exclude(
        pk=token
    )
    if (first := same.order_by("-created_at").first()) is not None:
        raise SameAgain(first)


def _digest_of(request: HttpRequest) -> str:
    """Return a digest of the operator, the page and the values."""
    sent = sorted(
        (name, values) for name, values in request.POST.lists() if name not in _NOT_THE_OPERATORS
    )
    text = json.dumps([str(actor_of(request)), request.path, sent])
    return salted_hmac("config.admin.once", text, algorithm="sha256").hexdigest()


def _of(request: HttpRequest, token: UUID) -> SubmittedForm | None:
    return SubmittedForm.objects.filter(
        pk=token, actor=str(actor_of(request)), path=request.path[:512]
    ).first()
