"""The second factor: a code from an authenticator app, after the password.

Whoever has set one up is always asked for it; with DESK_TWO_FACTOR nobody gets further without.
Passwords and lock-out are Django's and django-axes's, codes and their throttling django-otp's.
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
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString, mark_safe
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

RECOVERY_CODES = 10
# Whether the operator has a device, looked up once after signing in.
_HAS_DEVICE = "desk_has_device"


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=16,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "class": "vTextField"}
        ),
    )


def is_satisfied(request: HttpRequest) -> bool:
    """Whether this operator has shown as many factors as he must."""
    user: Any = request.user
    if user.is_verified():
        return True
    return not settings.DESK_TWO_FACTOR and not _has_device(request)


def _has_device(request: HttpRequest) -> bool:
    if _HAS_DEVICE not in request.session:
        request.session[_HAS_DEVICE] = _device_of(request.user) is not None
    return bool(request.session[_HAS_DEVICE])


def _device_of(user: Any) -> TOTPDevice | None:
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def two_factor(request: HttpRequest) -> HttpResponse:
    """Asks for the code; or, for who has none yet, sets it up."""
    user: Any = request.user
    if not (user.is_active and user.is_staff):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if user.is_verified():
        return TemplateResponse(request, "desk/two_factor_on.html", _context(request, "Two-factor sign-in"))
    response = _ask(request) if _device_of(user) else _set_up(request)
    add_never_cache_headers(response)
    return response


def _ask(request: HttpRequest) -> HttpResponse:
    form = CodeForm(request.POST or None)
    if form.is_valid():
        device = django_otp.match_token(request.user, _digits(form))
        if device is not None:
            django_otp.login(request, device)
            return HttpResponseRedirect(_next(request))
        form.add_error("code", "That is not the code. After several wrong ones, wait a little before the next.")
    return TemplateResponse(request, "desk/two_factor.html", {**_context(request, "Enter your code"), "form": form})


def _set_up(request: HttpRequest) -> HttpResponse:
    device, _ = TOTPDevice.objects.get_or_create(user=request.user, confirmed=False, defaults={"name": "app"})
    form = CodeForm(request.POST or None)
    if form.is_valid():
        if device.verify_token(_digits(form)):
            codes = _confirm(request.user, device)
            django_otp.login(request, device)
            context = {**_context(request, "Keep these codes"), "codes": codes, "next": _next(request)}
            return TemplateResponse(request, "desk/recovery_codes.html", context)
        form.add_error("code", "That is not the code that the app shows now.")
    context = {**_context(request, "Set up two-factor sign-in"), "form": form, "device": device}
    context.update(qr=_drawn(device.config_url), secret=_secret(device), must=settings.DESK_TWO_FACTOR)
    return TemplateResponse(request, "desk/two_factor_set_up.html", context)


def _confirm(user: Any, device: TOTPDevice) -> list[str]:
    """The device counts from now on; with it come codes for the day that it is lost."""
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        device.confirmed = True
        device.save(update_fields=["confirmed"])
        StaticDevice.objects.filter(user=user).delete()
        recovery = StaticDevice.objects.create(user=user, name="recovery codes")
        StaticToken.objects.bulk_create(StaticToken(device=recovery, token=code) for code in codes)
    return codes


def forget_devices(user: AbstractBaseUser) -> int:
    """Take the second factor from an operator who has lost it; gives how many devices there were."""
    with transaction.atomic():
        return sum(kind.objects.filter(user=user).delete()[0] for kind in (TOTPDevice, StaticDevice))


def _digits(form: CodeForm) -> str:
    return "".join(form.cleaned_data["code"].split())


def _drawn(address: str) -> SafeString:
    """The QR code as SVG with attributes only: the page's policy allows no style."""
    drawn = segno.make(address, error="m").svg_inline(scale=5, dark="#000000", light="#ffffff", omitsize=False)
    return mark_safe(drawn)  # noqa: S308  drawn by ourselves


def _secret(device: TOTPDevice) -> str:
    """In groups of four, to be typed where no camera is at hand."""
    text = b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _next(request: HttpRequest) -> str:
    wanted = request.GET.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else reverse("admin:index")


def _context(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, "user": request.user}
