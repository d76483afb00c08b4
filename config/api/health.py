"""Is this process alive, and could it serve?"""

from typing import Literal

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse
from rest_framework.request import Request
from typing_extensions import TypedDict

from config.api.envelope import success
from config.api.openapi.declare import Returns, endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.views import PublicView
from config.db.backend.pooler import PreparedStatementsLost
from config.errors import ServiceUnavailable, answer_to

TAG = "Health"

# Once migrated, a database stays so for this process: the look at every migration is done once.
_migrated = False


class _HealthJson(TypedDict):
    status: Literal["ok"]


class _ReadinessJson(TypedDict):
    status: Literal["ready"]


class HealthView(PublicView):
    """Whether the process is alive."""

    @endpoint(
        "getHealth",
        tag=TAG,
        summary="Alive",
        returns=Returns(_HealthJson, "Alive.", name="HealthAnswer"),
        invalid=None,
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer without touching anything.

        Answers as long as the process does. Touches nothing, so it says nothing about the database.
        """
        return success(_HealthJson(status="ok"))


class ReadinessView(PublicView):
    """Whether the database is reachable and migrated; else 503 with what is missing."""

    @endpoint(
        "getReadiness",
        tag=TAG,
        summary="Ready",
        returns=Returns(_ReadinessJson, "Ready.", name="ReadinessAnswer"),
        errors=[
            ErrorResponse(
                ServiceUnavailable,
                "Not ready; the message says what is missing. Send requests elsewhere for now.",
                message="database is not reachable",
                own_headers=["Retry-After"],
            )
        ],
        invalid=None,
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer whether the database is there.

        Whether requests can be served: the database is reachable, and migrated to this release.
        """
        try:
            if pending := _pending_migrations():
                return answer_to(
                    ServiceUnavailable(f"database is not migrated: {pending} to apply")
                )
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except PreparedStatementsLost as error:
            return answer_to(ServiceUnavailable(str(error)))
        except DatabaseError:
            return answer_to(ServiceUnavailable("database is not reachable"))
        return success(_ReadinessJson(status="ready"))


def _pending_migrations() -> int:
    global _migrated
    if _migrated:
        return 0
    executor = MigrationExecutor(connection)
    pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    _migrated = pending == 0
    return pending
