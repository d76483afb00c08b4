"""``/v1/credit``: the balance, and the ledger that explains it."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.actors import shown_to_customer
from config.api.envelope import success, timestamp
from config.api.openapi.operations import described
from config.api.pagination import answer_page, read_page
from config.api.views import READS, ApiView, refuse_unknown_parameters
from numbers.api import credit_schema
from numbers.models import CreditAccount, CreditEntry


class Credit(ApiView):
    """What the organization can still order for. A sandbox never pays: its balance stays as it is."""

    scopes = {"GET": Scope.CREDIT_READ}
    may_be_old = READS

    @described(credit_schema.GET)
    def get(self, request: CallerRequest) -> HttpResponse:
        refuse_unknown_parameters(request)
        account = CreditAccount.objects.filter(pk=request.user.organization_id).first()
        # An organization that never had credit has no account yet, which is the same to it as an empty one.
        account = account or CreditAccount(balance=0, currency=settings.CURRENCY)
        return success({"balance": f"{account.balance:.2f}", "currency": account.currency, "entries": account.entries})


class CreditEntries(ApiView):
    """Every change of the balance, newest first. The first begins at 0.00, each at the end of the one before."""

    scopes = {"GET": Scope.CREDIT_READ}
    may_be_old = READS

    @described(credit_schema.ENTRIES)
    def get(self, request: CallerRequest) -> HttpResponse:
        # By the number within the account: a cursor by the key of the table would count everybody's.
        page = read_page(request, name="credit-entries", key=int)
        entries = CreditEntry.objects.filter(account_id=request.user.organization_id, entry__lt=page.below)
        rows = entries.order_by("-entry")[: page.fetch]
        return answer_page(rows, page, show=entry_json, key=lambda row: row.entry)


def entry_json(entry: CreditEntry) -> dict[str, Any]:
    return {
        "entry": entry.entry,
        "kind": entry.kind,
        "amount": entry.amount,
        "balance_before": entry.balance_before,
        "balance_after": entry.balance_after,
        "currency": entry.currency,
        "order_id": entry.order_id,
        "note": entry.note or None,
        "actor": shown_to_customer(entry.actor),
        "request_id": entry.request_id,
        "created_at": timestamp(entry.created_at),
    }
