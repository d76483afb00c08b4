"""Texts of the OpenAPI document about the API as a whole."""

SUMMARY = "Find, order, route and release phone numbers."

DESCRIPTION = """\
Numberdesk keeps an inventory of phone numbers and sells them. A program finds numbers, orders
them all or nothing, sets where their messages go, and pays from prepaid credit.

**One envelope.** A success is `{"success": true, "data": …}`, with `meta` where there is more to
say. An error is `{"success": false, "error": {"code", "message", "request_id", "doc_url"}}`: go by
`error.code`, which does not change, and show `message` to people. `error.details` names each
invalid field with its remedy, and `error.doc_url` leads to what the code means.

**Formats.** JSON in UTF-8 both ways. Times are ISO 8601 in UTC with `Z`, ids are UUIDs, amounts of
money are decimal strings such as `"12.50"`, phone numbers are E.164 such as `+14155550123`. New
fields may be added to responses. Unknown fields in requests are refused, so that a misspelled one
can't pass silently.

**Every response** has `X-Request-Id`. Every response to a valid key has the `RateLimit` headers.

**Any path** returns 405 `METHOD_NOT_ALLOWED` for a method that it does not support, and any unknown
path is 404 `NOT_FOUND`. What belongs to another organization is 404 too, with the same words as
what does not exist.

Guides, and this reference with calls in curl, TypeScript and Python, are at `/docs`; the same as
Markdown is listed in `/llms.txt`. TypeScript definitions are at `/types.ts`.
"""

AUTHENTICATION = """\
Send your API key as a bearer token: `Authorization: Bearer am_live_…`. Every request sees only what
belongs to the key's organization, and may only do what the key's scopes allow. A key that begins
with `am_test_` works in a sandbox with its own numbers and campaigns, and never costs anything. A
key that begins with `am_plat_` belongs to the operator of the desk: it opens what is below
`/v1/platform`, and nothing else.
"""

# Of responses that most operations describe in words of their own, beside the reference. Others
# have the words of most operations.
SHARED = {
    "Conflict": "`CONFLICT`: What is recorded now does not allow it.",
    "EventExpired": "`EVENT_EXPIRED`: What follows the cursor is no longer kept.",
    "NotFound": "`NOT_FOUND`: There is nothing with this id that the key can see.",
    "NumberLocked": "`NUMBER_LOCKED`: The number is locked against release.",
    "Unprocessable": "`IDEMPOTENCY_KEY_REUSED`: The key belongs to another request.\n\n"
    "`VALIDATION_FAILED`: The request is not valid; `details` names every field with its remedy.",
    "ValidationFailed": "`VALIDATION_FAILED`: The request is not valid; `details` names every "
    "field with its remedy.",
}

# In the order of the reference.
TAGS = {
    "Phone numbers": "Find numbers, order them, route them, release them.",
    "Bulk orders": "Order by quantity instead of by name, now or as soon as there is stock.",
    "Reservations": "Hold numbers for a while before ordering them.",
    "Orders": "What was ordered, when, with which key, and at what cost.",
    "Campaigns and brands": "What your numbers may be used for, as the registry knows it.",
    "Credit": "The balance, and the ledger that explains it.",
    "API keys": "Create, limit, rotate and revoke keys.",
    "Events": "What happened to your organization, in order.",
    "Webhooks": "Endpoints of yours that events are posted to, signed.",
    "Audit log": "Who did what, when and in which request.",
    "Agents": "The same as tools of the Model Context Protocol, for AI agents.",
    "Platform": "For the operator's own systems, with platform keys: customers, money, stock, brands and "
    "campaigns, and the audit log.",
    "Routes": "Where each number's messages go, for the operator's gateways.",
    "Health": "For load balancers and monitors. No key needed.",
}
# On a page of their own, which customers need not read.
PLATFORM_TAGS = ("Platform", "Routes")


def page_of(tag: str) -> str:
    """Return the path of the reference page that has the operations of a tag."""
    return "/docs/platform" if tag in PLATFORM_TAGS else "/docs"
