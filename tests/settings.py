"""The product's settings for the suite: embedded PostgreSQL, or DATABASE_URL if given."""

import os

os.environ.setdefault("PRODUCTION", "false")
os.environ.setdefault("LOG_LEVEL", "WARNING")
os.environ.setdefault("FAILED_AUTHENTICATIONS_PER_MINUTE", "1000000")
os.environ.setdefault("DESK_SIGN_INS_PER_MINUTE", "1000000")
os.environ.setdefault("DESK_SIGN_INS_PER_MINUTE_IN_ALL", "1000000")

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Each test client begins with the middleware, and this one would read all static files each time.
WHITENOISE_AUTOREFRESH = True
