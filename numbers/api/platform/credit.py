"""``/v1/platform/organizations/{id}/credit``: payments from the operator's billing."""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse

from apikeys.authentication import PlatformRequest
from apikeys.scopes import Scope
from config.api.declared import RequestBody, doc, parse_body
from config.api.envelope import success_body
from config.api.field_kinds import AMOUNT_EXPECTED, money, reference, text
from config.api.idempotency import Response, idempotency_key_of, respond_once
from config.api.openapi.declare import Returns, endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.idempotency import IDEMPOTENCY_ERRORS, IDEMPOTENCY_KEY, REPLAYED
from config.api.openapi.operations import Example
from config.api.views import PlatformView, refuse_unknown_parameters
from config.errors import Contradiction
from numbers.api.credit import CreditEntryJson, entry_json
from numbers.api.platform.organizations import NO_SUCH_ORGANIZATION, PATH, TAG
from numbers.credit.payments import enter_payment
from numbers.credit.reverse import with_reversals
from numbers.models import CreditEntry
from numbers.models.credit import LONGEST_REFERENCE

NOTE_LENGTH = 256
REFERENCE = "invoice-2026-0042"
PAID = {
    "entry": 1,
    "kind": "top_up",
    "amount": "100.00",
    "balance_before": "0.00",
    "balance_after": "100.00",
    "order_id": None,
    "reference": REFERENCE,
    "actor": "am_plat_8sK2",
}


class PaymentRequest(RequestBody):
    amount: Annotated[
        Decimal,
        money(below_zero=True, required=True),
        doc("What is paid in; below zero: a correction, which needs a `note`."),
    ]
    reference: Annotated[
        str,
        reference(LONGEST_REFERENCE, required=True),
        doc("Your own id of the payment, such as an invoice: unique in the organization."),
    ]
    note: Annotated[
        str | None, text(NOTE_LENGTH), doc("What the customer reads in its ledger.")
    ] = None


class PaymentView(PlatformView):
    scopes = {"POST": Scope.PLATFORM_CREDIT}

    @endpoint(
        "enterPayment",
        tag=TAG,
        path=PATH,
        headers=[IDEMPOTENCY_KEY],
        body=PaymentRequest,
        body_examples=[
            Example({"amount": "100.00", "reference": REFERENCE, "note": "bank transfer"})
        ],
        returns=[
            Returns(
                CreditEntryJson,
                "The entry of the ledger, written now.",
                status=201,
                but=PAID,
                headers=REPLAYED,
            ),
            Returns(
                CreditEntryJson,
                "The reference is known with this amount: the first entry, and nothing is paid in.",
                but=PAID,
                headers=REPLAYED,
            ),
        ],
        errors=[
            NO_SUCH_ORGANIZATION,
            ErrorResponse(Contradiction, "The reference is known with another amount."),
            *IDEMPOTENCY_ERRORS,
        ],
        invalid={"amount": AMOUNT_EXPECTED},
    )
    def post(self, request: PlatformRequest, organization_id: UUID) -> HttpResponse:
        """Pay credit in, or correct it.

        Enter a payment into an organization's ledger. With a `reference` that its ledger has
        already, the answer is the first entry (200) and no money moves: the request can be repeated
        until it has an answer. With another amount it is 409 `CONFLICT`. Credit never goes below
        zero: a correction of more than the balance is 422.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, PaymentRequest)
        actor = request.user.actor

        def enter(_: Any) -> Response:
            entry, is_new = enter_payment(
                organization_id=organization_id,
                amount=body.amount,
                reference=body.reference,
                note=body.note or "",
                actor=actor,
            )
            row = with_reversals(CreditEntry.objects.filter(pk=entry.pk)).get()
            return Response(201 if is_new else 200, success_body(platform_entry_json(row)))

        key = idempotency_key_of(request, "platform/credit", str(organization_id), request.data)
        return respond_once(key, enter).as_http()


def platform_entry_json(entry: Any) -> CreditEntryJson:
    """Return an entry as the customer reads it, with the name of its actor."""
    return {**entry_json(entry), "actor": entry.actor.partition(":")[2]}
