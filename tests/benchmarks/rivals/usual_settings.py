"""Settings as `django-admin startproject` and DRF's quick start give them, on the desk's models.

Django's default is a new connection for each request; CONN_MAX_AGE keeps them.
"""

import os

import environ

from config.settings import *  # noqa: F403
from config.settings import ALLOWED_HOSTS as ALLOWED_HOSTS

DATABASES = {
    "default": {
        **environ.Env.db_url_config(os.environ["DATABASE_URL"]),
        "CONN_MAX_AGE": int(os.environ.get("CONN_MAX_AGE", "0")),
    }
}

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "tests.benchmarks.rivals.usual_drf"
REST_FRAMEWORK: dict[str, object] = {}  # type: ignore[no-redef]
