"""Limits of sign-in attempts, checked before a password is hashed.

Attempts are counted by address and in total for each minute. The database counts, so the limits
are exact across processes. A browser in which the operator has signed in before has its own
limit, so a flood from elsewhere does not lock the operator out.
"""

import math
from typing import Any

from axes.helpers import get_client_ip_address
from django.conf import settings
from django.core import signing
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import get_random_string

from config.admin.models import SignInWindow
from config.db.minute_windows import ONE_MORE
from config.errors import RateLimited

COUNT = f"""
    INSERT INTO desk_signinwindow AS w (scope, window_start, used) VALUES (%s, date_trunc('minute', now()), 1)
    ON CONFLICT (scope) {ONE_MORE}
"""  # noqa: S608  made of constants
FORGET = """
    WITH old AS MATERIALIZED (
        SELECT scope FROM desk_signinwindow WHERE window_start < now() - interval '2 minutes'
        LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM desk_signinwindow WHERE scope IN (SELECT scope FROM old)
"""
COOKIE = "desk_known"
COOKIE_SECONDS = 90 * 24 * 3600
_SALT = "config.admin.sign_in.attempts"


def count_attempt(request: HttpRequest, username: str) -> None:
    """Count one attempt. Raise RateLimited past the limit of this address or the total limit."""
    known = _known_by(request, username)
    if known:
        _count(f"known:{known}", settings.DESK_SIGN_INS_PER_MINUTE)
        return
    address = get_client_ip_address(request)
    if address:
        _count(f"address:{address}", settings.DESK_SIGN_INS_PER_MINUTE)
    # Refused attempts of one address do not count toward the total.
    _count("all", settings.DESK_SIGN_INS_PER_MINUTE_IN_ALL)


def remember_browser(request: HttpRequest, response: HttpResponse) -> None:
    """Set a cookie that marks the browser as known to this operator."""
    username = request.user.get_username()
    response.set_signed_cookie(
        COOKIE,
        signing.dumps([username.casefold(), get_random_string(22)]),
        salt=_SALT,
        max_age=COOKIE_SECONDS,
        path="/admin/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def may_try_a_locked_name(request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
    """Return whether django-axes must not lock this attempt out. ``count_attempt`` still counts it.

    A browser that the operator has used before is allowed even if an attacker elsewhere has
    locked the name. If no address is known, a lock would be by name alone.
    """
    username = str((credentials or {}).get("username") or "")
    return _known_by(request, username) != "" or get_client_ip_address(request) is None


def _known_by(request: HttpRequest, username: str) -> str:
    """Return the browser's id if this operator has signed in there before, otherwise ""."""
    try:
        value = request.get_signed_cookie(COOKIE, salt=_SALT, max_age=COOKIE_SECONDS)
        name, browser = signing.loads(str(value))
    except (KeyError, ValueError, signing.BadSignature):
        return ""
    return str(browser) if name == username.casefold() else ""


def _count(scope: str, limit: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FORGET)
        cursor.execute(COUNT, [scope[: SignInWindow._meta.get_field("scope").max_length]])
        used, resets_in = cursor.fetchone()
    if used > limit:
        wait = str(math.ceil(max(resets_in, 1)))
        raise RateLimited("too many attempts to sign in", headers={"Retry-After": wait})
