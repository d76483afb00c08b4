"""Every admin page, found from its URLs, and every parameter that a page reads."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import QueryDict
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from config.admin.model_admin import DeskAdmin
from numbers.models import Job, JobInput

if TYPE_CHECKING:  # the benchmark walks the pages too, without pytest
    import pytest

# Signing out would end the walk; the script's texts have no parameters of ours.
LEFT_OUT = {"logout", "jsi18n"}


def routes() -> Iterator[tuple[str, str]]:
    """The route and the name of each page below /admin/."""
    (below,) = (one for one in get_resolver().url_patterns if str(one.pattern) == "admin/")
    yield from _flat("/admin/", below)


def _flat(prefix: str, resolver: Any) -> Iterator[tuple[str, str]]:
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from _flat(prefix + str(one.pattern), one)
        elif (
            isinstance(one, URLPattern)
            and isinstance(one.pattern, RoutePattern)
            and one.name not in LEFT_OUT
        ):
            yield prefix + str(one.pattern), one.name or ""


def pages() -> Iterator[str]:
    """The address of each page: those of a row for one row of its model, which must exist."""
    for route, _ in routes():
        for values in _fillings(route):
            address = route
            for place, value in values.items():
                address = address.replace(place, str(value))
            assert "<" not in address, f"who fills in {route}?"
            yield address


def addresses_of_rows_that_exist() -> Iterator[str]:
    """As ``pages``, without those of models that have no row."""
    for route, _ in routes():
        try:
            fillings = _fillings(route)
        except AssertionError:
            continue
        for values in fillings:
            address = route
            for place, value in values.items():
                address = address.replace(place, str(value))
            yield address


def _fillings(route: str) -> list[dict[str, Any]]:
    if "<" not in route:
        return [{}]
    if "<uuid:job_id>" in route:
        return [
            {"<uuid:job_id>": job.pk}
            for job in Job.objects.filter(kind="import" if "import" in route else "deed")
        ]
    if "<path:content_type_id>" in route:
        return [{"<path:content_type_id>": 1, "<path:object_id>": 1}]
    model = next(model for model in admin.site._registry if f"/{_path(model)}/" in route)
    row = model._default_manager.first()
    assert row is not None, f"there is no {model.__name__}"
    key = {"<path:object_id>": row.pk, "<id>": row.pk, "<int:user_id>": row.pk}
    if "<slug:name>" not in route:
        return [key]
    page = admin.site._registry[model]
    assert isinstance(page, DeskAdmin)
    return [{**key, "<slug:name>": operation.name} for operation in page.operations] or [
        {**key, "<slug:name>": "x"}
    ]


def kind_of(address: str) -> Any:
    """Return what pages alike share, or None for an operation or a form that is not offered."""
    found = re.fullmatch(r"/admin/(\w+/\w+)/(?:(add)/|[^/]+/(?:(change)|do/([\w-]+))/)?", address)
    page = _page_of(found[1]) if found else None
    if found is None or not isinstance(page, DeskAdmin):
        return address
    _, adding, row, operation = found.groups()
    if operation:
        return next((one.form_class for one in page.operations if one.name == operation), None)
    if adding:
        return page.adding and type(page.adding)
    if row:
        return (page.change_form_template, bool(page.editable), _has_tables(page))
    return (page.change_list_template, *map(_kind_of_filter, page.list_filter))


def _has_tables(page: DeskAdmin) -> bool:
    return type(page).related is not DeskAdmin.related


def _page_of(path: str) -> Any:
    return next(
        (page for model, page in admin.site._registry.items() if _path(model) == path), None
    )


def _kind_of_filter(one: Any) -> str:
    kind = one[1] if isinstance(one, tuple) else one
    return getattr(kind, "template", "") if isinstance(kind, type) else ""


def _path(model: Any) -> str:
    return f"{model._meta.app_label}/{model._meta.model_name}"


def drafts() -> None:
    """An import and a bulk action that wait for their operator."""
    shared = {"title": "a draft", "actor": "operator:alice", "request_id": "r"}
    upload = Job.objects.create(kind="import", parameters={"size": 13}, **shared)
    JobInput.objects.create(job=upload, position=0, data=b"+14155550123\n")
    for action in ("price", "hold"):
        chosen = {"deed": action, "values": {}, "reason": ""}
        Job.objects.create(kind="deed", parameters=chosen, total=0, **shared)


@contextmanager
def reading(monkeypatch: "pytest.MonkeyPatch") -> Iterator[set[str]]:
    """The names of the parameters that are read from a query string or a form within the block."""
    names: set[str] = set()
    with monkeypatch.context() as patch:
        for method in ("__getitem__", "get", "getlist", "__contains__"):
            patch.setattr(QueryDict, method, _noting(names, getattr(QueryDict, method)))
        yield names


def _noting(names: set[str], original: Any) -> Any:
    def read(values: QueryDict, name: str, *arguments: Any, **options: Any) -> Any:
        if isinstance(name, str):
            names.add(name)
        return original(values, name, *arguments, **options)

    return read
