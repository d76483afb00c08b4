"""New recovery codes for an operator's own second factor, which replace all earlier ones."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from config.admin.models import RecoveryCodes
from config.admin.once import AlreadySent, carry_out, sent_before, show_first
from config.admin.sign_in.proof import ask
from config.admin.sign_in.sealing import CannotOpen
from config.admin.sign_in.sessions import factor_of, is_proven, use_up_proof

NUMBER_OF_CODES = 10


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=256,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text="Kept in the history of your account.",
    )


def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Ask for password and code again, then for a reason; show the new codes once."""
    user: Any = request.user
    if not (user.is_active and user.is_staff) or (factor_of(user) and not user.is_verified()):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if factor_of(user) is None:
        return HttpResponseRedirect(reverse("admin:two_factor"))
    if first := sent_before(request):
        return show_first(request, first)
    if not is_proven(request):
        return ask(request)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            response = _reissue(request, form.cleaned_data["reason"])
        except AlreadySent as sent:
            return show_first(request, sent.form)
    else:
        context = {"form": form, "left": codes_left(user), "new": NUMBER_OF_CODES}
        response = _page(
            request, "operators/recovery_codes_new.html", "New recovery codes", context
        )
    add_never_cache_headers(response)
    return response


def codes_left(user: Any) -> int:
    """Return how many recovery codes the operator can still use."""
    found = RecoveryCodes.objects.filter(user=user).first()
    try:
        return len(found.codes) if found else 0
    except CannotOpen:
        return 0


def replace_codes(user: Any) -> list[str]:
    """Replace the operator's recovery codes in the current transaction; return the new ones."""
    found = RecoveryCodes.objects.select_for_update().filter(user=user).first()
    recovery = found or RecoveryCodes(user=user, name="recovery codes")
    recovery.codes = codes = RecoveryCodes.new_codes(NUMBER_OF_CODES)
    recovery.throttle_reset(commit=False)
    recovery.save()
    return codes


def _reissue(request: HttpRequest, reason: str) -> HttpResponse:
    user: Any = request.user

    def work() -> list[str]:
        codes = replace_codes(user)
        LogEntry.objects.log_actions(
            user.pk,
            [user],
            CHANGE,
            change_message=f"Replaced the own recovery codes: {reason}",
            single_object=True,
        )
        return codes

    done = (reverse("admin:two_factor"), "The recovery codes were replaced.")
    codes = carry_out(request, work, lambda _: done)
    use_up_proof(request)
    context = {"codes": codes, "next": reverse("admin:index")}
    return _page(request, "operators/recovery_codes.html", "Keep these codes", context)


def _page(
    request: HttpRequest, template: str, title: str, context: dict[str, Any]
) -> TemplateResponse:
    shared = {**admin.site.each_context(request), "title": title, "user": request.user}
    return TemplateResponse(request, template, {**shared, **context})
