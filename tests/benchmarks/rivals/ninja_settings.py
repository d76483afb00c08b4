"""The desk's settings, its endpoint written with django-ninja."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.benchmarks.rivals.ninja_api"
