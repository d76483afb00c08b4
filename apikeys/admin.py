"""API keys in the admin: create with the secret shown once, rotate, revoke."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import AdminSplitDateTime
from django.http import HttpRequest
from django.utils import timezone
from django.utils.choices import flatten_choices
from django.utils.html import format_html, format_html_join

from apikeys.lifecycle import change_key, issue_key, revoke_key, rotate_key
from apikeys.limits.admin_fields import IN_WORDS, LimitFieldsForm, LimitsForm, limit_from
from apikeys.limits.budgets import use_of
from apikeys.limits.spending_limits import KeyLimits, limit_of
from apikeys.models import ApiKey
from apikeys.scopes import (
    CUSTOMER_SCOPES,
    ORGANIZATION_SCOPES,
    PLATFORM_ONLY_SCOPES,
    PLATFORM_SCOPES,
    PRESETS,
    Scope,
)
from campaigns.admin import RecordedAdmin
from campaigns.admin_filters import OrganizationFilter
from config.actors import Actor
from config.admin.actions import Done, Operation, page_of
from config.admin.form_fields import ChosenByTyping, OneLine


class ExpiryInput(AdminSplitDateTime):
    """A date and a time with a label for each, because one label can't name two fields."""

    def __init__(self) -> None:
        super().__init__()
        for widget, name in zip(self.widgets, ("date", "time"), strict=True):
            widget.attrs["aria-label"] = f"Expires at, {name}"


class ScopeBoxes(forms.CheckboxSelectMultiple):
    """A box for each scope, below buttons that tick those of a preset."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if value in PLATFORM_ONLY_SCOPES:  # a script hides these once a customer is chosen
            option["attrs"]["data-platform"] = "only"
        return option

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        offered = {scope for scope, _ in flatten_choices(self.choices)}
        buttons = format_html_join(
            "",
            '<button type="button" class="button" data-scopes="{}" hidden>{}</button>',
            (
                (" ".join(scopes), label)
                for label, scopes in PRESETS.items()
                if offered.issuperset(scopes)
            ),
        )
        return format_html(
            '<div class="desk-boxes"><div class="desk-presets" role="group" '
            'aria-label="Presets of scopes">{}</div>{}</div>',
            buttons,
            super().render(name, value, attrs, renderer),
        )


def _labelled(scopes: Iterable[Scope]) -> list[tuple[str, str]]:
    return [(scope.value, f"{scope.label} ({scope.value})") for scope in scopes]


# Only of the platform: no customer's key can have them.
_GROUPS = [
    ("For a customer's key", _labelled(CUSTOMER_SCOPES)),
    ("For both", _labelled(one for one in PLATFORM_SCOPES if one in ORGANIZATION_SCOPES)),
    ("For a platform key, which has no organization", _labelled(PLATFORM_ONLY_SCOPES)),
]
_OF_A_CUSTOMER = _labelled(ORGANIZATION_SCOPES)


class IssueKeyForm(LimitFieldsForm):
    organization = ChosenByTyping(
        ApiKey,
        "organization",
        required=False,
        help_text="Leave this empty for a platform key: a key of your own systems, whose scopes all "
        "begin with platform:.",
    )
    label = OneLine(max_length=64)
    scopes = forms.MultipleChoiceField(choices=_GROUPS, widget=ScopeBoxes)
    expires_at = forms.SplitDateTimeField(
        widget=ExpiryInput,
        required=False,
        help_text="In UTC. Without a date the key does not expire.",
    )

    field_order = ("organization", "label", "scopes", "expires_at")

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise forms.ValidationError("This time has passed. Enter a time in the future.")
        return expires_at

    def clean(self) -> Any:
        given = super().clean() or self.cleaned_data
        scopes = given.get("scopes", [])
        if "organization" in given and given["organization"] is None:
            if set(scopes) - set(PLATFORM_SCOPES):
                self.add_error(
                    "organization", "Choose an organization, or only scopes of the platform."
                )
        elif wrong := [scope for scope in scopes if scope not in ORGANIZATION_SCOPES]:
            labels = ", ".join(f"“{Scope(scope).label}”" for scope in wrong)
            self.add_error(
                "scopes",
                f"Only a platform key can have {labels}: untick it, or choose no organization.",
            )
        return given


class IssueKey(Operation):
    name, label, permission = "add", "Make key", "add"
    form_class = IssueKeyForm

    def explain(self, subject: Any) -> str:
        return "The secret is shown once, on the next page."

    def make_form(self, request: HttpRequest, subject: Any) -> forms.Form:
        form = super().make_form(request, subject)
        if not form.is_bound and form["organization"].value():  # from a customer's page
            form.fields["scopes"].choices = _OF_A_CUSTOMER  # type: ignore[attr-defined]
        return form

    def perform(self, subject: Any, *, actor: Actor, values: dict[str, Any]) -> Done:
        limits = KeyLimits(limit_from(values), values["max_numbers_per_order"])
        given = {name: values[name] for name in ("organization", "label", "scopes", "expires_at")}
        key, secret = issue_key(actor=actor, limits=limits, **given)
        return shown_once(key, secret)


class ChangeLimits(Operation):
    name, label = "limits", "Change limits"
    form_class = LimitsForm

    def applies_to(self, subject: ApiKey) -> bool:
        return subject.is_live and subject.organization_id is not None

    def explain(self, subject: ApiKey) -> str:
        return (
            "From the next order on. What the key has spent in the period counts, also what it "
            "spent before it had a limit. Orders that wait for its limit are tried again."
        )

    def initial(self, subject: ApiKey) -> dict[str, Any]:
        limit = limit_of(subject)
        return {
            "limit_amount": limit.amount if limit else None,
            "limit_period": limit.period if limit else "",
            "max_numbers_per_order": subject.max_numbers_per_order,
        }

    def perform(self, subject: ApiKey, *, actor: Actor, values: dict[str, Any]) -> Done:
        key = change_key(
            key_id=subject.pk,
            organization_id=subject.organization_id,
            changes={
                "spending_limit": limit_from(values),
                "max_numbers_per_order": values["max_numbers_per_order"],
            },
            actor=actor,
            reason=values["reason"],
        )
        return Done(f"The limits of key {key} were changed.")


class RotateKey(Operation):
    name, label = "rotate", "Rotate"

    def applies_to(self, subject: ApiKey) -> bool:
        return subject.is_live

    def explain(self, subject: ApiKey) -> str:
        return "The key gets a new secret, shown once on the next page. The old one stops working at once."

    def perform(self, subject: ApiKey, *, actor: Actor, values: dict[str, Any]) -> Done:
        key, secret = rotate_key(
            key_id=subject.pk,
            organization_id=subject.organization_id,
            actor=actor,
            reason=values["reason"],
        )
        return shown_once(key, secret)


class RevokeKey(Operation):
    name, label = "revoke", "Revoke"

    def applies_to(self, subject: ApiKey) -> bool:
        return subject.revoked_at is None

    def explain(self, subject: ApiKey) -> str:
        return "The key stops working at once. This can't be undone."

    def perform(self, subject: ApiKey, *, actor: Actor, values: dict[str, Any]) -> Done:
        key = revoke_key(
            key_id=subject.pk,
            organization_id=subject.organization_id,
            actor=actor,
            reason=values["reason"],
        )
        return Done(f"Key {key} was revoked.")


def shown_once(key: ApiKey, secret: str) -> Done:
    """Show the secret on a page that is not cached."""
    again = "The secret was shown only once. If you do not have it, rotate the key."
    return Done(
        again,
        subject=key,
        once=("operators/secret.html", {"key": key, "secret": secret, "key_url": page_of(key)}),
    )


@admin.register(ApiKey)
class ApiKeyAdmin(RecordedAdmin):
    sortable_by = ("label", "last_used_at", "expires_at")
    list_display = (
        "prefix",
        "label",
        "organization",
        "state",
        "scopes",
        "last_used_at",
        "expires_at",
    )
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), OrganizationFilter)
    list_select_related = ("organization", "budget")
    search_fields = ("prefix__startswith", "label", "organization__name")
    shown = (
        *(
            "organization",
            "label",
            "prefix",
            "scopes",
            "state",
            "last_used_at",
            "expires_at",
            "revoked_at",
            "limit",
            "spent",
            "max_numbers_per_order",
        ),
        *("rotated_at", "previous_prefix", "previous_until", "id", "created_at"),
    )
    editable = ("label",)
    adding = IssueKey()
    operations = [ChangeLimits(), RotateKey(), RevokeKey()]

    @admin.display
    def state(self, key: ApiKey) -> str:
        if key.revoked_at is not None:
            return "revoked"
        return "live" if key.is_live else "expired"

    @admin.display(description="spending limit")
    def limit(self, key: ApiKey) -> str:
        limit = limit_of(key)
        if limit is None:
            return "none"
        return f"{limit.amount:,} {settings.CURRENCY} {IN_WORDS[limit.period]}"

    @admin.display(description="spent of it")
    def spent(self, key: ApiKey) -> str:
        use = use_of(key.pk)
        if use is None:
            return ""
        again = f", begins again {use.resets_at:%Y-%m-%d %H:%M} UTC" if use.resets_at else ""
        return f"{use.spent:,}; {use.remaining:,} {settings.CURRENCY} left{again}"
