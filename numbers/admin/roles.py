"""The page that says which role may do what, from the code that grants it."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from config.admin.site import Page, desk
from numbers.roles import ROLES, powers_of


def roles(request: HttpRequest) -> HttpResponse:
    mine = {group.name for group in request.user.groups.all()}
    context = {
        **desk().each_context(request),
        "title": "Roles",
        "roles": [(role, powers_of(role), role in mine) for role in ROLES],
        "may_assign": request.user.has_perm("auth.change_user"),
    }
    return TemplateResponse(request, "operators/roles.html", context)


PAGES = [Page("roles/", "roles", roles)]
