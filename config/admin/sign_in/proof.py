"""Ask for password and code again before either is changed, so a stolen session is not enough."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

import django_otp
from django import forms
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme

from config.admin.sign_in.attempts import count_attempt
from config.admin.sign_in.sessions import factor_of, is_proven, prove, use_up_proof

View = Callable[..., Any]


class CodeField(forms.CharField):
    """A code of the app or a recovery code, without the blanks, hyphens and capitals of a typist."""

    _SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212]+")

    def __init__(self, *, only_digits: bool = False, **options: Any) -> None:
        attributes = {
            "autocomplete": "one-time-code",
            # A recovery code has letters, which a phone's keyboard of digits lacks.
            "inputmode": "numeric" if only_digits else "text",
            "autocapitalize": "none",
            "spellcheck": "false",
            "class": "vTextField",
        }
        super().__init__(max_length=32, widget=forms.TextInput(attrs=attributes), **options)

    def to_python(self, value: Any) -> Any:
        return self._SEPARATORS.sub("", super().to_python(value) or "").lower()


class ProofForm(forms.Form):
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "current-password", "class": "vTextField"}
        ),
    )
    code = CodeField(required=False)


def requires_proof(view: View) -> View:
    """Require that the operator has just given password and code again, for one change."""

    @wraps(view)
    def guarded(request: HttpRequest, *arguments: Any, **options: Any) -> Any:
        if not is_proven(request):
            return ask(request)
        response = view(request, *arguments, **options)
        if request.method == "POST" and response.status_code == 302:
            use_up_proof(request)
        return response

    return guarded


def ask(request: HttpRequest) -> HttpResponse:
    """Send the operator to the page that asks for password and code, and back afterwards."""
    query = urlencode({"next": request.get_full_path()})
    return HttpResponseRedirect(f"{reverse('admin:prove')}?{query}")


def proof_page(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    if not (user.is_active and user.is_staff) or (factor_of(user) and not user.is_verified()):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    form = ProofForm(request.POST if request.method == "POST" else None)
    if factor_of(user) is None:
        del form.fields["code"]
    if form.is_bound:
        count_attempt(request, user.get_username())
        if form.is_valid() and _is_right(user, form):
            prove(request)
            return HttpResponseRedirect(next_page(request))
    context = {
        **admin.site.each_context(request),
        "title": "Confirm that it is you",
        "form": form,
        "user": user,
    }
    response = TemplateResponse(request, "operators/proof.html", context)
    add_never_cache_headers(response)
    return response


def _is_right(user: Any, form: ProofForm) -> bool:
    """Return whether both factors are right. The error does not say which one was wrong."""
    right = user.check_password(form.cleaned_data["password"])
    if right and factor_of(user) is not None:
        right = django_otp.match_token(user, form.cleaned_data["code"]) is not None
    if not right:
        form.add_error(
            None,
            "Password or code is wrong. A code works once: if you just used it, wait for the next.",
        )
    return bool(right)


def next_page(request: HttpRequest) -> str:
    """Return the admin page that the URL names in ``next``, or the home page."""
    wanted = request.GET.get("next", "")
    return (
        wanted
        if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
        else reverse("admin:index")
    )
