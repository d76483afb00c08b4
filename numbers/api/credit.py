"""``/v1/credit``: the balance, and the ledger that explains it."""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from typing_extensions import TypedDict

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.actors import shown_to_customer
from config.api.declared import doc
from config.api.envelope import success, timestamp
from config.api.field_kinds import Count, Currency, Moment, Money, OneOf, Text, Uuid
from config.api.openapi.declare import Returns, endpoint, list_endpoint
from config.api.pagination import paginated_response, read_list
from config.api.views import ApiView, from_replica, refuse_unknown_parameters
from numbers.credit.reverse import with_reversals
from numbers.field_kinds import ORDER_ID, ActorName, RequestId
from numbers.models import CreditAccount, CreditEntry
from numbers.models.credit import CreditEntryKind

TAG = "Credit"


class CreditJson(TypedDict):
    balance: Annotated[
        Money,
        doc("What is left. It is the sum of the ledger, and never below zero.", example="99.00"),
    ]
    currency: Currency
    entries: Annotated[int, Count(minimum=0), doc("How many entries the ledger has.", example=2)]


class CreditEntryJson(TypedDict):
    """One change of the balance. It is never changed or deleted."""

    entry: Annotated[
        int, Count(minimum=1), doc("Its number in your ledger: 1, 2, 3 and so on.", example=2)
    ]
    kind: Annotated[
        str, OneOf(CreditEntryKind.values), doc("Why the balance changed.", example="charge")
    ]
    amount: Annotated[Money, doc("By how much; below zero for a charge.", example="-1.00")]
    balance_before: Annotated[
        Money, doc("The `balance_after` of the entry before it.", example="100.00")
    ]
    balance_after: Annotated[Money, doc("What was left.", example="99.00")]
    currency: Currency
    order_id: Annotated[
        Uuid | None,
        doc("The order that was charged for; null for any other entry.", example=ORDER_ID),
    ]
    reverses: Annotated[
        Annotated[int, Count(minimum=1)] | None,
        doc("The `entry` that a reversal takes back.", example=None),
    ]
    reversed_by: Annotated[
        Annotated[int, Count(minimum=1)] | None,
        doc("The `entry` of the reversal that took this one back.", example=None),
    ]
    note: Annotated[Text | None, doc("What the operator, or the desk itself, noted.")]
    reference: Annotated[Text | None, doc("The payment in the operator's billing.", example=None)]
    actor: ActorName
    request_id: RequestId
    created_at: Annotated[Moment, doc("When.")]


class CreditView(ApiView):
    scopes = {"GET": Scope.CREDIT_READ}

    @endpoint("getCredit", tag=TAG, returns=Returns(CreditJson, "The balance."))
    @from_replica
    def get(self, request: CallerRequest) -> HttpResponse:
        """Get the balance.

        What your organization can still order for. A sandbox never pays: its balance stays as it
        is.
        """
        refuse_unknown_parameters(request)
        return success(own_credit(request.user.organization_id))


class CreditEntryListView(ApiView):
    scopes = {"GET": Scope.CREDIT_READ}

    @list_endpoint("listCreditEntries", CreditEntryJson, tag=TAG)
    @from_replica
    def get(self, request: CallerRequest) -> HttpResponse:
        """List the ledger.

        Every change of your balance. Each begins where the one before it ended; the first begins at
        0.00.
        """
        # Page by the number within the account: the table's key would reveal the entries of others.
        _, page = read_list(request, name="credit-entries", key=int)
        entries = with_reversals(
            CreditEntry.objects.filter(
                account_id=request.user.organization_id, entry__lt=page.below
            )
        )
        rows = entries.order_by("-entry")[: page.fetch]
        return paginated_response(rows, page, show=entry_json, key=lambda row: row.entry)


def own_credit(organization_id: UUID) -> CreditJson:
    """Return the organization's balance. One that never had credit has no account: it is empty."""
    account = CreditAccount.objects.filter(pk=organization_id).first()
    return credit_json(
        account or CreditAccount(balance=Decimal("0.00"), currency=settings.CURRENCY)
    )


def credit_json(account: CreditAccount) -> CreditJson:
    return {"balance": account.balance, "currency": account.currency, "entries": account.entries}


def entry_json(entry: Any) -> CreditEntryJson:
    return {
        "entry": entry.entry,
        "kind": entry.kind,
        "amount": entry.amount,
        "balance_before": entry.balance_before,
        "balance_after": entry.balance_after,
        "currency": entry.currency,
        "order_id": entry.order_id,
        "reverses": entry.reverses.entry if entry.reverses else None,
        "reversed_by": entry.reversed_by,
        "note": entry.note or None,
        "reference": entry.reference or None,
        "actor": shown_to_customer(entry.actor),
        "request_id": entry.request_id,
        "created_at": timestamp(entry.created_at),
    }
