"""The WSGI application, served by gunicorn (config/gunicorn_conf.py)."""

import os
from typing import Any

import config  # noqa: F401  makes the `numbers` app importable, see config/__init__.py

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django
from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries
from django.urls import get_resolver

from config.dev import postgres
from config.http.limits import expect_whole_body
from config.http.request import HttpRequest


class Application(WSGIHandler):
    """Django's handler. A truncated body is an error, and HEAD responses have no body."""

    request_class = HttpRequest

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        expect_whole_body(environ)
        response = super().__call__(environ, start_response)
        if environ["REQUEST_METHOD"] == "HEAD":
            response.close()
            return ()
        return response


if settings.EMBEDDED_DATABASE:
    postgres.ensure_running()
django.setup(set_prefix=False)
application = Application()
if not settings.DEBUG:
    # Django's receivers cost each request as much as a lock. They do nothing here: queries are
    # logged only with DEBUG, a cache in memory needs no closing, and connections are checked when
    # the next request begins.
    request_started.disconnect(reset_queries)
    request_finished.disconnect(close_caches)
    request_finished.disconnect(close_old_connections)
    request_finished.disconnect(reset_urlconf)  # each request sets it again
# Import the views now. Otherwise each worker would do so at its first request, for a second.
get_resolver().url_patterns  # noqa: B018
