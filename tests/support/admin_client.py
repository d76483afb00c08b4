"""The admin as a browser without scripts sees it, and signing in with a real one."""

from typing import Any

from django.test import Client
from django.urls import reverse

from tests.support.browser import Browser

PASSWORD = "a long password"


def sign_in(page: Browser, address: str, name: str, *, to: str = "/admin/") -> None:
    page.go(address + to)
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    with page.loading():
        page.press("Enter")


def url(model: Any, page: str, *arguments: Any) -> str:
    """``url(Campaign, "changelist")``."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def do(desk: Client, subject: Any, name: str, **values: Any) -> Any:
    """Send the form of an operation on this row, and return the page that follows."""
    return desk.post(url(type(subject), "operation", subject.pk, name), values, follow=True)


def form_of(page: Any) -> dict[str, Any]:
    """What a browser would send back if the operator changed nothing: also the initial values that the page hides."""
    values = {}
    for bound in page.context["adminform"].form:
        value = bound.value()
        values[bound.html_name] = "" if value is None else value
        if bound.field.show_hidden_initial:
            values[bound.html_initial_name] = "" if value is None else value
    return values
