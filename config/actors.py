"""Actors: who made a change. History rows of owners, prices, statuses and balances name one."""

from dataclasses import dataclass
from typing import Literal

from ulid import ULID

# Platform keys begin so; they act for the operator.
PLATFORM_PREFIX = "am_plat_"

Kind = Literal["key", "operator", "command", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A key, an operator, a command or the system, in one request.

    ``str()`` gives what history rows store: ``key:am_live_8sK2`` or ``operator:alice``.
    """

    kind: Kind
    name: str
    request_id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"[:128]


def new_request_id() -> str:
    """Return a ULID, which sorts by time and can't be guessed from another one."""
    return str(ULID())


def command_actor(name: str) -> Actor:
    return Actor("command", name, new_request_id())


def operator_actor(username: str, request_id: str) -> Actor:
    return Actor("operator", username, request_id)


def shown_to_customer(actor: str) -> str:
    """Return what a customer may see of an actor: its own key's prefix, or a role.

    Names of operators and commands are not shown, nor keys of the operator's own systems.
    """
    kind, _, name = actor.partition(":")
    if kind == "key" and not name.startswith(PLATFORM_PREFIX):
        return name
    return "operator" if kind in ("key", "operator") else "system"
