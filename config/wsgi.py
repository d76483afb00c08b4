"""The WSGI application, served by gunicorn (config/gunicorn.py)."""

import os

import config  # noqa: F401  makes the `numbers` app importable, see config/__init__.py

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from config import localdb

if settings.EMBEDDED_DATABASE:
    localdb.ensure_running()
application = get_wsgi_application()
# Django would import the views when the first request comes, in each worker anew: a second of that customer's time.
get_resolver().url_patterns  # noqa: B018
