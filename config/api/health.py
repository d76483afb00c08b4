"""Is this process alive, and could it serve?"""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse
from rest_framework.request import Request

from config.api.envelope import success
from config.api.health_schema import LIVENESS, READINESS
from config.api.openapi.operations import described
from config.api.views import PublicView
from config.db.backend.pooler import PreparedStatementsLost
from config.errors import ServiceUnavailable, answer_to

# Once migrated, a database stays so for this process: the look at every migration is done once.
_migrated = False


class Healthz(PublicView):
    """Alive: answers without touching anything."""

    @described(LIVENESS)
    def get(self, request: Request) -> HttpResponse:
        return success({"status": "ok"})


class Readyz(PublicView):
    """Ready: the database is reachable and migrated; else 503 with what is missing."""

    @described(READINESS)
    def get(self, request: Request) -> HttpResponse:
        try:
            if pending := _pending_migrations():
                return answer_to(ServiceUnavailable(f"database is not migrated: {pending} to apply"))
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except PreparedStatementsLost as error:
            return answer_to(ServiceUnavailable(str(error)))
        except DatabaseError:
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
