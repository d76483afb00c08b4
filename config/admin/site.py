"""The admin site: further pages beside those of models, and a home page that an app provides."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.views.decorators.csrf import csrf_protect

from config.admin.sign_in import proof, recovery
from config.admin.sign_in import two_factor as admin_two_factor
from config.admin.sign_in.attempts import count_attempt, remember_browser

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Page:
    """An admin page without a model.

    It appears in the menu if it has a title and the user has ``permission``.
    """

    route: str
    name: str
    view: View
    title: str = ""
    permission: str = ""


class DeskSite(admin.AdminSite):
    site_title = site_header = "Numberdesk"
    site_url = None

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.pages: list[Page] = []
        self.home: View | None = None

    def add_pages(self, pages: Iterable[Page]) -> None:
        """Add pages. An app calls this in its `ready()`."""
        self.pages.extend(pages)

    def get_urls(self) -> list[Any]:
        own: list[URLPattern] = [
            path(page.route, self.admin_view(page.view), name=page.name) for page in self.pages
        ]
        signing_in = [
            path("two-factor/", admin_two_factor.two_factor, name="two_factor"),
            path("two-factor/recovery-codes/", recovery.recovery_codes, name="recovery_codes"),
            path("confirm/", proof.proof_page, name="prove"),
            # Django's is for those only who have given a second factor.
            path("logout/", csrf_protect(self.logout), name="logout"),
        ]
        return [*signing_in, *own, *super().get_urls()]

    # --- signing in ----------------------------------------------------------------------------
    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and admin_two_factor.is_satisfied(request)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Ask for the password, or for the second factor if the password was given."""
        if super().has_permission(request) and not admin_two_factor.is_satisfied(request):
            query = urlencode({"next": request.GET.get("next", "")})
            return HttpResponseRedirect(f"{reverse('admin:two_factor')}?{query}")
        if request.method != "POST":
            return super().login(request, extra_context)
        count_attempt(request, request.POST.get("username", ""))
        response = super().login(request, extra_context)
        if request.user.is_authenticated:
            remember_browser(request, response)
        return response

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return proof.requires_proof(super().password_change)(request, extra_context)

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        if request.method == "GET":  # a typed or bookmarked URL: only the form signs out
            return HttpResponseRedirect(reverse("admin:index"))
        # The context is made while the operator is still signed in.
        nothing = {"menu": [], "available_apps": [], "title": "Signed out"}
        return super().logout(request, {**nothing, **(extra_context or {})})

    def index(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return self.home(request) if self.home else super().index(request, extra_context)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().each_context(request), "menu": self._menu(request)}

    def _menu(self, request: HttpRequest) -> list[Page]:
        if not self.has_permission(request):
            return []
        return [
            page
            for page in self.pages
            if page.title and (not page.permission or request.user.has_perm(page.permission))
        ]


def desk() -> DeskSite:
    """Return the admin site. Raise TypeError if it is not a DeskSite."""
    site = admin.site
    if not isinstance(site, DeskSite):
        raise TypeError(
            "INSTALLED_APPS must name config.admin.apps.DeskAdminConfig instead of django.contrib.admin"
        )
    return site
