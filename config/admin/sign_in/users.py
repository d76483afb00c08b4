"""Operators' accounts. They are never deleted, because history names them.

An administrator who is not a superuser can't make one.
"""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.urls.resolvers import URLPattern
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from config.admin.actions import page_of
from config.admin.listing import GuardedList
from config.admin.once import respond_once
from config.admin.sign_in.proof import requires_proof
from config.admin.sign_in.two_factor import forget_devices


class OperatorAdmin(GuardedList, UserAdmin):
    actions = None
    change_form_template = "operators/operator.html"
    add_form_template = "operators/new_operator.html"
    list_display = ("username", "first_name", "last_name", "is_active", "roles", "last_login")
    list_filter = ("is_active", "groups")
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> Any:
        users = super().get_queryset(request).prefetch_related("groups")
        # Only superusers see and change superusers.
        return users if request.user.is_superuser else users.filter(is_superuser=False)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        return respond_once(
            request, lambda: super(OperatorAdmin, self).add_view(request, form_url, extra_context)
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        view = super().change_view
        return respond_once(request, lambda: view(request, object_id, form_url, extra_context))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or request.user.is_superuser:
            return super().get_fieldsets(request, obj)
        return (
            (None, {"fields": ("username", "password")}),
            ("Person", {"fields": ("first_name", "last_name", "email")}),
            ("May", {"fields": ("is_active", "is_staff", "groups")}),
            ("Dates", {"fields": ("last_login", "date_joined")}),
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all())

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(requires_proof(self.forget_two_factor))
        return [
            path("<int:user_id>/forget-two-factor/", view, name="auth_user_forget_two_factor"),
            *super().get_urls(),
        ]

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        return requires_proof(super().user_change_password)(request, id, form_url)

    def forget_two_factor(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Remove the second factor of an operator who has lost phone and recovery codes.

        They set up another one at their next sign-in.
        """
        user = self.get_object(request, str(user_id))
        if user is None or not self.has_change_permission(request, user):
            raise PermissionDenied
        if request.method != "POST":  # the redirect after signing in again
            return HttpResponseRedirect(page_of(user))
        if forget_devices(user):
            self.log_change(request, user, "Removed the second factor.")
            messages.success(
                request, f"{user} signs in by password alone until a second factor is set up."
            )
        else:
            messages.info(request, f"{user} has no second factor.")
        return HttpResponseRedirect(page_of(user))


class RoleAdmin(GuardedList, GroupAdmin):
    actions = None
    change_form_template = "operators/role.html"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        view = super().changeform_view
        return respond_once(request, lambda: view(request, object_id, form_url, extra_context))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def register() -> None:
    """Replace Django's pages of users and groups, and hide those of second factors."""
    for model in (User, Group, TOTPDevice, StaticDevice):
        if admin.site.is_registered(model):
            admin.site.unregister(model)
    admin.site.register(User, OperatorAdmin)
    admin.site.register(Group, RoleAdmin)
