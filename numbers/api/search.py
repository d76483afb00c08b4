"""``/v1/phone-numbers/search``."""

from django.http import HttpResponse

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.envelope import success
from config.api.openapi.operations import described
from config.api.views import ApiView, body_of, refuse_if_any, refuse_unknown_parameters
from numbers.api.search_schema import SEARCH
from numbers.inventory import criteria
from numbers.inventory.search import search
from numbers.reports.unmet_demand import record_short_search

USUAL, MOST = 10, 100


class Search(ApiView):
    """Preview available numbers; nothing is reserved."""

    scopes = {"POST": Scope.NUMBERS_WRITE}
    may_be_old = frozenset({"POST"})

    @described(SEARCH)
    def post(self, request: CallerRequest) -> HttpResponse:
        refuse_unknown_parameters(request)
        details: dict[str, str] = {}
        body = body_of(request, known=criteria.FIELDS | {"quantity"}, details=details)
        wanted = criteria.read_criteria(body, details)
        quantity = criteria.read_quantity(body.get("quantity"), details, maximum=MOST, default=USUAL)
        refuse_if_any(details)
        found = search(wanted, quantity=quantity, sandbox=request.user.is_sandbox)
        if len(found) < quantity and not wanted.contradiction:
            record_short_search(wanted, quantity=quantity, found=len(found))
        return success([one.as_json() for one in found])
