"""The WSGI application, served by gunicorn (config/gunicorn.py)."""

import os

import config  # noqa: F401  makes the `numbers` app importable, see config/__init__.py
from config import localdb

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

localdb.ensure_running()

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()
