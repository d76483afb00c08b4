"""Every endpoint of the API, from the URL conf, so that new ones are covered by themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.urls import URLPattern, URLResolver, get_resolver

from apikeys.scopes import ORGANIZATION_SCOPES, PLATFORM_SCOPES, Scope
from campaigns.models import Organization
from tests.support import factories

SOME_ID = UUID("0192f0aa-0000-7000-8000-0000000000aa")

# What anyone may ask, without a key.
PUBLIC = {"v1/openapi.json", "v1/types.ts", "v1/docs"}


@dataclass(frozen=True)
class Endpoint:
    """One method of one path; without a ``scope`` every key opens it.

    ``path`` has ``<id:…>`` or ``<number:…>`` where an id belongs, as in the URL conf.
    """

    method: str
    path: str
    scope: str
    for_platform: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def key(self, organization: Organization, *scopes: str) -> str:
        """A secret for it, of the organization or the platform; of all scopes where none is named."""
        named = [one for one in scopes if one]
        if self.for_platform:
            return factories.platform_key(*named)
        return factories.key(organization, *named)

    def other_scopes(self) -> list[Scope]:
        """Every scope that a key for it can have, except the one that it needs."""
        possible = PLATFORM_SCOPES if self.for_platform else ORGANIZATION_SCOPES
        return [scope for scope in possible if scope != self.scope]

    def url(self, **ids: Any) -> str:
        """With these ids in it, some other where none is given."""
        parts = []
        for part in self.path.split("/"):
            name = part.partition(":")[2].removesuffix(">") if part.startswith("<") else part
            parts.append(part if name == part else str(ids.get(name, SOME_ID)))
        return "/".join(parts)


def endpoints() -> list[Endpoint]:
    """All that need a key, each with the scope that it needs."""
    found = []
    for route, callback in _patterns(get_resolver().url_patterns):
        if not route.startswith("v1/") or route in PUBLIC:
            continue
        view = callback.view_class
        methods = [method.upper() for method in view.http_method_names if hasattr(view, method)]
        for method in methods:
            scope = view.scopes["GET" if method == "HEAD" else method]
            found.append(Endpoint(method, f"/{route}", scope, view.for_platform))
        if "GET" in methods and "HEAD" not in methods:
            found.append(Endpoint("HEAD", f"/{route}", view.scopes["GET"], view.for_platform))
    return found


def public_routes() -> set[str]:
    """Those under /v1 whose view asks for no key."""
    return {
        route
        for route, callback in _patterns(get_resolver().url_patterns)
        if route.startswith("v1/")
        and not getattr(getattr(callback, "view_class", None), "scopes", None)
    }


def _patterns(patterns: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.callback


def unknown_id() -> str:
    return str(uuid4())
