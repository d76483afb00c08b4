"""``/v1/phone-numbers/reservations``, described."""

from dataclasses import replace

from config.api.openapi import errors as openapi_errors
from config.api.openapi.errors import Refusal
from config.api.openapi.idempotency import IDEMPOTENCY_KEY, REFUSALS, REPLAYED
from config.api.openapi.lists import NO_PARAMETERS, listing
from config.api.openapi.operations import Answer, Body, Example, Id, Operation, envelope, succeeds
from config.api.openapi.shapes import choice, integer, listed, moment, named, nullable, record, uuid
from config.errors import LimitExceeded, NotFound
from numbers.api.schemas import INSUFFICIENT_INVENTORY, MOMENT, NUMBER, e164, wanted_numbers
from numbers.inventory import reservations

TAG = "Reservations"
RESERVATION_ID = "01967187-93c8-7b21-a6f0-3d5b0c7e9a16"

RESERVATION = named(
    "Reservation",
    record(
        "A hold: numbers that nobody else can order for a while.",
        {
            "id": uuid("Its id."),
            "status": choice(
                "`active` while it holds a number, `used` where it holds none any more before its time, since you have "
                "ordered them all or hold them by a later reservation, `expired` when its time has passed, "
                "`released` where you ended it.",
                ["active", "used", "expired", "released"],
            ),
            "numbers": listed("The numbers that it was made for.", e164("An E.164 number.")),
            "held_numbers": listed(
                "Those that it holds now: without what you have ordered meanwhile, or hold anew.",
                e164("An E.164 number."),
            ),
            "created_at": moment("When it was made."),
            "expires_at": moment("When it ends by itself."),
            "released_at": nullable(moment("When you ended it.")),
        },
    ),
)
EXAMPLE = {
    "id": RESERVATION_ID,
    "status": "active",
    "numbers": [NUMBER],
    "held_numbers": [NUMBER],
    "created_at": MOMENT,
    "expires_at": "2026-04-26T12:10:00Z",
    "released_at": None,
}
PATH = {"reservation_id": Id("The reservation's id.", RESERVATION_ID)}
NO_SUCH_RESERVATION = Refusal(NotFound, "Your organization has no reservation with this id.")

TOO_LONG = Refusal(
    LimitExceeded,
    "A number has been on hold by your organization for as long as it may be in 24 hours; `data` lists which.",
    message="limit exceeded: a number may be on hold for 3,600 seconds in any 24 hours; "
    f"order {NUMBER}, ask for a shorter hold, or hold other numbers",
    data=record("", {"numbers": listed("Those that can't be held now.", e164("An E.164 number."))}),
    data_example={"numbers": [NUMBER]},
)
TOO_MANY = replace(
    openapi_errors.RATE_LIMITED,
    when="Your organization has used up this minute's requests, or put too many numbers on hold this minute; or too "
    "many requests from your address came with a key that opens no door. Wait as long as `Retry-After` says.",
)

RESERVE = Operation(
    id="createReservation",
    tag=TAG,
    summary="Hold phone numbers",
    description=f"""\
Hold named numbers, all or nothing, while you make up your mind or your customer pays. Nobody else can order them
until the hold ends; an order of yours takes them. It costs nothing and ends by itself.

A number that you hold already moves to the new hold, which ends no earlier than the old one would have: a repeated
request never shortens a hold, and `expires_at` of the answer says until when. To end one sooner, release it.

Your organization holds at most {reservations.MOST_HELD} numbers at a time, and each number for at most an hour
in any 24 hours, unless your provider has set another limit; beyond that it is 409
`LIMIT_EXCEEDED`, with the numbers that have used up their time. Each hold counts for at least
{reservations.SHORTEST} seconds. Too many numbers put on hold in a minute are 429.""",
    parameters=[IDEMPOTENCY_KEY],
    body=Body(
        named(
            "ReservationRequest",
            record(
                "",
                {
                    "numbers": wanted_numbers("1 to 100 distinct numbers in E.164."),
                    "ttl_seconds": nullable(
                        integer(
                            "For how many seconds.",
                            minimum=reservations.SHORTEST,
                            maximum=reservations.LONGEST,
                            default=reservations.USUAL,
                        )
                    ),
                },
                optional=["ttl_seconds"],
            ),
        ),
        [Example({"numbers": [NUMBER], "ttl_seconds": 600})],
    ),
    answers=[
        Answer(
            "All of them are held.",
            envelope("ReservationAnswer", RESERVATION),
            [Example(succeeds(EXAMPLE))],
            status=201,
            headers=REPLAYED,
        )
    ],
    refusals=[INSUFFICIENT_INVENTORY, TOO_LONG, TOO_MANY, *REFUSALS],
    invalid={
        "ttl_seconds": f"must be a whole number of seconds from {reservations.SHORTEST} to {reservations.LONGEST}"
    },
)

LIST = listing(
    id="listReservations",
    tag=TAG,
    summary="List holds",
    description="Your organization's holds, those that have ended included.",
    item=RESERVATION,
    example=EXAMPLE,
    answer="ReservationList",
)

GET = Operation(
    id="getReservation",
    tag=TAG,
    summary="Get a hold",
    description="One hold, with what it holds now.",
    path_parameters=PATH,
    answers=[Answer("The hold.", envelope("ReservationAnswer", RESERVATION), [Example(succeeds(EXAMPLE))])],
    refusals=[NO_SUCH_RESERVATION],
    invalid=NO_PARAMETERS,
)

RELEASE = Operation(
    id="releaseReservation",
    tag=TAG,
    summary="End a hold",
    description="Give what is still held back at once. Ending a hold again, or one that has expired, changes nothing.",
    path_parameters=PATH,
    answers=[
        Answer(
            "The hold, ended.",
            envelope("ReservationAnswer", RESERVATION),
            [Example(succeeds({**EXAMPLE, "status": "released", "held_numbers": [], "released_at": MOMENT}))],
        )
    ],
    refusals=[NO_SUCH_RESERVATION],
    invalid=NO_PARAMETERS,
)
