"""What a route shows: the one rendering that look-up, changes and snapshot share.

PostgreSQL makes the JSON. Python would need 20 times as long for a million rows.
"""

from typing import Annotated

from typing_extensions import TypedDict

from campaigns.eligibility import IS_USABLE
from config.api.declared import doc
from config.api.field_kinds import Flag, Moment, Text, Uuid
from numbers.field_kinds import CAMPAIGN_ID, E164, NUMBER_ID

ORGANIZATION_ID = "5a1d7d4e-2b0c-4d6e-8a0f-1c2b3d4e5f60"


class RouteJson(TypedDict):
    """Where the messages of a number go now, and whether any may."""

    number: Annotated[E164, doc("In E.164.")]
    organization_id: Annotated[
        Uuid | None,
        doc("Its owner; null where it has none.", example=ORGANIZATION_ID),
    ]
    assignment_id: Annotated[
        Uuid | None,
        doc(
            "Its owner's id for it, another one for each owner. Null where it has none: drop the route.",
            example=NUMBER_ID,
        ),
    ]
    inbound_url: Annotated[
        Text | None,
        doc("Where messages to it are posted.", example="https://customer.example/inbound"),
    ]
    status_url: Annotated[
        Text | None,
        doc("Where deliveries are reported.", example="https://customer.example/status"),
    ]
    campaign_id: Annotated[Uuid | None, doc("The campaign that it is for.", example=CAMPAIGN_ID)]
    campaign_usable: Annotated[
        Flag | None,
        doc(
            "Whether messages may be sent for its campaign: it is `ACTIVE`, and its brand is "
            "verified and not deleted. Null without a campaign.",
            example=True,
        ),
    ]
    suspended: Annotated[
        Flag,
        doc(
            "Whether its organization is suspended, or the number itself because its rent is not "
            "paid: carry no message.",
            example=False,
        ),
    ]
    sandbox: Annotated[
        Flag, doc("Whether it is a test number, which no carrier routes.", example=False)
    ]
    updated_at: Annotated[
        Moment,
        doc(
            "When its owner or routing last changed. Suspensions and campaigns do not move it: "
            "compare the `ETag`."
        ),
    ]


# The columns of a route in the order of the type. ``a`` is the number's open assignment, if any.
_COLUMNS = f"""
    n.number,
    a.organization_id,
    a.id AS assignment_id,
    nullif(a.inbound_url, '') AS inbound_url,
    nullif(a.status_url, '') AS status_url,
    a.campaign_id,
    CASE WHEN a.campaign_id IS NOT NULL THEN {IS_USABLE} END AS campaign_usable,
    coalesce(o.status <> 'ACTIVE', false) OR r.suspended_at IS NOT NULL AS suspended,
    n.sandbox
"""
_OWNER = """
    campaigns_organization o ON o.id = a.organization_id
    LEFT JOIN campaigns_campaign c ON c.id = a.campaign_id
    LEFT JOIN campaigns_brand b ON b.id = c.brand_id
    LEFT JOIN numbers_rent r ON r.assignment_id = a.id
"""
_MOMENT = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS updated_at"""
_UPDATED = _MOMENT.format("a.updated_at")

# Rows of a table ``route`` with one column each; ``AND`` may follow.
_OWNED = f"""
    SELECT {_COLUMNS}, {_UPDATED}
    FROM numbers_assignment a JOIN numbers_phonenumber n ON n.id = a.number_id
    JOIN {_OWNER}
    WHERE a.ended_at IS NULL
"""  # noqa: S608  made of constants
ALL_ROUTES = f"SELECT row_to_json(route) FROM ({_OWNED}) AS route"  # noqa: S608
ROUTE_OF_NUMBER = f"""
    SELECT row_to_json(route)::text FROM ({_OWNED} AND n.number = %s) AS route
"""  # noqa: S608
# The routes of the numbers of these assignments, which may have another owner by now, or none.
ROUTES_OF_NUMBERS = f"""
    SELECT row_to_json(route)::text FROM (
        SELECT {_COLUMNS}, {_MOMENT.format("coalesce(a.updated_at, changed.ended_at)")}
        FROM (
            SELECT number_id, min(place) AS place, max(ended_at) AS ended_at
            FROM unnest(%s::uuid[]) WITH ORDINALITY AS given (id, place)
            JOIN numbers_assignment ended USING (id)
            GROUP BY number_id
        ) AS changed
        JOIN numbers_phonenumber n ON n.id = changed.number_id
        LEFT JOIN numbers_assignment a ON a.number_id = n.id AND a.ended_at IS NULL
        LEFT JOIN {_OWNER}
        ORDER BY changed.place
    ) AS route
"""  # noqa: S608
