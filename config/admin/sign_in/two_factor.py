"""The second factor: a code from an authenticator app, after the password.

Operators who have set one up are always asked for it. With DESK_TWO_FACTOR every operator must.
Django handles passwords, django-axes handles lock-out, and django-otp handles codes and throttling.
"""

from base64 import b32encode
from typing import Any

import django_otp
import segno
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.views import redirect_to_login
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.safestring import SafeString, mark_safe

from config.admin.models import Authenticator, RecoveryCodes
from config.admin.sign_in.proof import CodeField, ask, next_page
from config.admin.sign_in.recovery import codes_left, replace_codes
from config.admin.sign_in.sealing import CannotOpen
from config.admin.sign_in.sessions import (
    factor_of,
    forget_factor,
    has_just_signed_in,
    is_proven,
    rest_on_factors,
    use_up_proof,
)


class CodeForm(forms.Form):
    code = CodeField()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["code"].widget.attrs["autofocus"] = True


class SetUpForm(CodeForm):
    """The app's code: there are no recovery codes yet."""

    code = CodeField(only_digits=True)


def is_satisfied(request: HttpRequest) -> bool:
    """Return whether this operator has given all factors that they must."""
    user: Any = request.user
    if user.is_verified():
        return True
    return not settings.DESK_TWO_FACTOR and factor_of(user) is None


def two_factor(request: HttpRequest) -> HttpResponse:
    """Ask for the code, or set up a second factor if the operator has none."""
    user: Any = request.user
    if not (user.is_active and user.is_staff):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if user.is_verified() and not is_replacing(request):
        context = {**_context(request, "Two-factor sign-in"), "codes_left": codes_left(user)}
        return TemplateResponse(request, "operators/two_factor_on.html", context)
    if factor_of(user) is not None and not user.is_verified():
        response = _ask(request)
    elif is_proven(request) or (factor_of(user) is None and has_just_signed_in(request)):
        response = _set_up(request)
    else:
        response = ask(request)
    add_never_cache_headers(response)
    return response


def is_replacing(request: HttpRequest) -> bool:
    """Return whether the operator asked to replace the app that is in use."""
    return "replace" in request.GET


def _ask(request: HttpRequest) -> HttpResponse:
    form = CodeForm(request.POST or None)
    if form.is_valid():
        device = django_otp.match_token(request.user, form.cleaned_data["code"])
        if device is not None:
            django_otp.login(request, device)
            return HttpResponseRedirect(next_page(request))
        form.add_error(
            "code", "The code is wrong. After several wrong codes, wait before you try again."
        )
    return TemplateResponse(
        request, "operators/two_factor.html", {**_context(request, "Enter your code"), "form": form}
    )


def _set_up(request: HttpRequest) -> HttpResponse:
    form = SetUpForm(request.POST or None)
    with transaction.atomic():
        device = _new_device(request.user)
        codes = (
            _confirm(request, device)
            if form.is_valid() and device.verify_token(form.cleaned_data["code"])
            else None
        )
    if codes is not None:
        context = {
            **_context(request, "Keep these codes"),
            "codes": codes,
            "next": next_page(request),
        }
        return TemplateResponse(request, "operators/recovery_codes.html", context)
    if form.is_valid():
        form.add_error("code", "The code is wrong. Enter the code that the app shows now.")
    context = {**_context(request, "Set up two-factor sign-in"), "form": form, "device": device}
    context.update(
        qr=_drawn(device.config_url), secret=_secret(device), must=settings.DESK_TWO_FACTOR
    )
    return TemplateResponse(request, "operators/two_factor_set_up.html", context)


def _new_device(user: Any) -> Authenticator:
    """Lock and return the app being set up. Replace it if its secret can't be decrypted."""
    waiting = Authenticator.objects.select_for_update().filter(user=user, confirmed=False)
    device = waiting.first()
    if device is not None:
        try:
            _ = device.bin_key
            return device
        except CannotOpen:
            device.delete()
    device = Authenticator(user=user, name="app", confirmed=False)
    device.secret = Authenticator.new_secret()
    try:
        with transaction.atomic():
            device.save()
    except IntegrityError:  # another tab of the same page
        device = waiting.get()
    return device


def _confirm(request: HttpRequest, device: Authenticator) -> list[str]:
    """Put the device into use instead of any other one, and return its recovery codes.

    Every other session of the operator ends.
    """
    user: Any = request.user
    Authenticator.objects.filter(user=user, confirmed=True).delete()
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    codes = replace_codes(user)
    forget_factor(user)
    use_up_proof(request)
    django_otp.login(request, device)
    rest_on_factors(request, user)
    return codes


def forget_devices(user: AbstractBaseUser) -> int:
    """Delete the second factor of an operator who lost it. Return how many devices there were."""
    with transaction.atomic():
        return sum(
            kind.objects.filter(user=user).delete()[0] for kind in (Authenticator, RecoveryCodes)
        )


def _drawn(address: str) -> SafeString:
    """Return the QR code as SVG without styles, which the page's policy forbids."""
    drawn = segno.make(address, error="m").svg_inline(
        scale=5, dark="#000000", light="#ffffff", omitsize=False
    )
    return mark_safe(drawn)  # noqa: S308  drawn by ourselves


def _secret(device: Authenticator) -> str:
    """Return the secret in groups of four, for typing it without a camera."""
    text = b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _context(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, "user": request.user}
