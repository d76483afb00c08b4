"""``/healthz`` and ``/readyz``, described."""

from config.api.openapi.errors import Refusal
from config.api.openapi.operations import Answer, Example, Operation, envelope, succeeds
from config.api.openapi.shapes import constant, record
from config.errors import ServiceUnavailable

HEALTH = "Health"

LIVENESS = Operation(
    id="getHealth",
    tag=HEALTH,
    summary="Alive",
    description="Answers as long as the process does. Touches nothing, so it says nothing about the database.",
    answers=[
        Answer(
            "Alive.",
            envelope("HealthAnswer", record("", {"status": constant("ok")})),
            [Example(succeeds({"status": "ok"}))],
        )
    ],
)

READINESS = Operation(
    id="getReadiness",
    tag=HEALTH,
    summary="Ready",
    description="Whether requests can be served: the database is reachable, and migrated to this release.",
    answers=[
        Answer(
            "Ready.",
            envelope("ReadinessAnswer", record("", {"status": constant("ready")})),
            [Example(succeeds({"status": "ready"}))],
        )
    ],
    refusals=[
        Refusal(
            ServiceUnavailable,
            "Not ready; the message says what is missing. Send requests elsewhere for now.",
            message="database is not reachable",
            own_headers=["Retry-After"],
        )
    ],
)
