"""`make bench`: the desk beside its rivals and beside what PostgreSQL itself can do, in one run."""

import os

from config.env import BASE_DIR

BUILD_DIR = BASE_DIR / "build"


def use_own_server() -> None:
    """Before anything of Django is imported: an embedded PostgreSQL that is the benchmark's alone.

    So that the one of `make run` is neither filled nor slowed by it.
    """
    os.environ["NUMBERDESK_LOCAL_DIR"] = str(BUILD_DIR / "bench-postgres")
    os.environ.pop("DATABASE_URL", None)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    BUILD_DIR.mkdir(exist_ok=True)
