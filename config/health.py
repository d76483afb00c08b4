"""Is this process alive, and could it serve?"""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from psycopg_pool import PoolTimeout

from config.answers import success
from config.errors import ServiceUnavailable, answer_to

# Once migrated, a database stays so for this process: the look at every migration is done once.
_migrated = False


def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: answers without touching anything."""
    return success({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """Ready: the database is reachable and migrated; else 503 with what is missing."""
    try:
        if pending := _pending_migrations():
            return answer_to(ServiceUnavailable(f"database is not migrated: {pending} to apply"))
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, PoolTimeout):
        return answer_to(ServiceUnavailable("database is not reachable"))
    return success({"status": "ready"})


def _pending_migrations() -> int:
    global _migrated
    if _migrated:
        return 0
    executor = MigrationExecutor(connection)
    pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    _migrated = pending == 0
    return pending
