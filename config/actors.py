"""Who does something. Every change of an owner, a price, a status or a balance carries one of these."""

from dataclasses import dataclass
from typing import Literal

from ulid import ULID

Kind = Literal["key", "operator", "command", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A key, an operator or a command, in one request.

    ``str()`` gives what history rows store: ``key:am_live_8sK2`` or ``operator:alice``.
    """

    kind: Kind
    name: str
    request_id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"[:128]


def new_request_id() -> str:
    """A ULID: sorts by time, and can't be guessed from another."""
    return str(ULID())


def command_actor(name: str) -> Actor:
    return Actor("command", name, new_request_id())


def operator_actor(username: str, request_id: str) -> Actor:
    return Actor("operator", username, request_id)


def shown_to_customer(actor: str) -> str:
    """What a customer learns of who changed what is its own: its key by prefix, else in what role.

    No operator's name and no command's gets out.
    """
    kind, _, name = actor.partition(":")
    if kind == "key":
        return name
    return "operator" if kind == "operator" else "system"
