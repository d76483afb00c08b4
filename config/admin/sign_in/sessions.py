"""Sessions that end when the operator's factors change.

Django ends the sessions of an operator whose password changes. This module does the same for the
second factor. It also keeps when the operator last gave password and code.
"""

import time
from typing import Any

from django.http import HttpRequest

from config.admin.models import Authenticator

_FACTOR = "desk_factor"
_SIGNED_IN = "desk_signed_in_at"
_PROVEN = "desk_proven_at"
PROOF_SECONDS = 300


def factor_of(user: Any) -> Authenticator | None:
    """Return the second factor in use, or None. It is looked up once for each request."""
    if not hasattr(user, "_desk_factor"):
        user._desk_factor = Authenticator.objects.filter(user=user, confirmed=True).first()
    found: Authenticator | None = user._desk_factor
    return found


def begin(sender: Any, request: HttpRequest | None, user: Any, **options: Any) -> None:
    """Bind a new session to the operator's factors. A receiver of ``user_logged_in``."""
    if request is not None:
        forget_factor(user)
        rest_on_factors(request, user)
        request.session[_SIGNED_IN] = time.time()


def rest_on_factors(request: HttpRequest, user: Any) -> None:
    """Bind this session to the current factors, which ends the operator's other sessions."""
    request.session[_FACTOR] = _stamp(user)


def forget_factor(user: Any) -> None:
    if hasattr(user, "_desk_factor"):
        del user._desk_factor


def has_ended(request: HttpRequest) -> bool:
    """Return whether the operator's second factor has changed since the session began."""
    return request.session.get(_FACTOR) != _stamp(request.user)


def prove(request: HttpRequest) -> None:
    """Record that the operator has given all factors again, for one change."""
    request.session[_PROVEN] = time.time()


def is_proven(request: HttpRequest) -> bool:
    return _is_recent(request, _PROVEN)


def has_just_signed_in(request: HttpRequest) -> bool:
    return _is_recent(request, _SIGNED_IN)


def use_up_proof(request: HttpRequest) -> None:
    for name in (_PROVEN, _SIGNED_IN):
        request.session.pop(name, None)


def _stamp(user: Any) -> str:
    factor = factor_of(user)
    return "" if factor is None else str(factor.pk)


def _is_recent(request: HttpRequest, name: str) -> bool:
    at = request.session.get(name, 0.0)
    return 0 <= time.time() - at < PROOF_SECONDS
