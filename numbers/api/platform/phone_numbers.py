"""``/v1/platform/phone-numbers``: the stock in the hands of the operator's systems."""

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from typing_extensions import TypedDict

from apikeys.authentication import PlatformRequest
from apikeys.scopes import Scope
from config.api.declared import (
    doc,
    parse_body,
    read_query,
)
from config.api.envelope import success, success_body
from config.api.field_kinds import (
    AMOUNT_EXPECTED,
    Count,
    Uuid,
)
from config.api.idempotency import Response, idempotency_key_of, respond_once
from config.api.openapi.declare import Returns, endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.idempotency import IDEMPOTENCY_ERRORS, IDEMPOTENCY_KEY, REPLAYED
from config.api.openapi.operations import Example, Id
from config.api.parse_values import TIME_EXPECTED
from config.api.views import PlatformView, refuse_unknown_parameters
from config.db.transactions import Transaction, run_joining
from config.errors import Contradiction, InvalidInput, NotFound
from numbers.api.platform.number_json import PlatformNumberJson, platform_number_json
from numbers.api.platform.number_requests import (
    NewStockRequest,
    StockHoldRequest,
    StockNumberQuery,
    StockNumberUpdate,
    StockReasonRequest,
)
from numbers.api.platform.organizations import TAG
from numbers.field_kinds import NUMBER
from numbers.inventory.add import add_each
from numbers.ownership.stock_changes import (
    HELD_OR_SOLD,
    change_number,
    find_number,
    hold_number,
    retire_number,
)
from numbers.ownership.undo_release import NumberNotAvailable

PATH = {"number_id": Id("The number in E.164.", NUMBER, format="")}
NO_SUCH_NUMBER = ErrorResponse(NotFound, "The number is not and never was in stock.")
UPDATABLE = "mms_enabled, monthly_price, price, reason, sms_enabled"
BATCH_ID = "01967187-93c8-7b21-a6f0-3d5b0c7e9a72"


class StockedJson(TypedDict):
    """Numbers that came into stock together."""

    batch_id: Annotated[Uuid, doc("Their stock batch.", example=BATCH_ID)]
    count: Annotated[int, Count(minimum=1), doc("How many there are.", example=1)]


class StockListView(PlatformView):
    scopes = {"POST": Scope.PLATFORM_INVENTORY_WRITE}

    @endpoint(
        "addNumbers",
        tag=TAG,
        headers=[IDEMPOTENCY_KEY],
        body=NewStockRequest,
        body_examples=[Example({"numbers": [{"number": NUMBER, "price": "1.00"}]})],
        returns=Returns(StockedJson, "All of them are in stock.", status=201, headers=REPLAYED),
        errors=IDEMPOTENCY_ERRORS,
        invalid={"numbers[3].price": AMOUNT_EXPECTED},
    )
    def post(self, request: PlatformRequest) -> HttpResponse:
        """Add numbers to the stock.

        Add 1 to 1,000 numbers, all of them or none. A number that can't exist, is listed twice or
        was ever in stock is named in `details`, such as `numbers[3].number`.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, NewStockRequest)
        actor = request.user.actor

        def add(tx: Transaction) -> Response:
            batch = add_each(tx, [one.as_new_number() for one in body.numbers], actor=actor)
            made: StockedJson = {"batch_id": batch.pk, "count": len(body.numbers)}
            return Response(201, success_body(made))

        key = idempotency_key_of(request, "platform/phone-numbers", request.data)
        return respond_once(key, add).as_http()


class StockDetailView(PlatformView):
    scopes = {
        "GET": Scope.PLATFORM_INVENTORY_WRITE,
        "PATCH": Scope.PLATFORM_INVENTORY_WRITE,
    }

    @endpoint(
        "getStockNumber",
        tag=TAG,
        path=PATH,
        query=StockNumberQuery,
        returns=Returns(PlatformNumberJson, "The number."),
        errors=[NO_SUCH_NUMBER],
        invalid={"at": TIME_EXPECTED},
    )
    def get(self, request: PlatformRequest, number_id: UUID | str) -> HttpResponse:
        """Get a number of the stock.

        What a number is now, who has it and all that happened to it. With `at`, who had it then:
        the question that law enforcement and abuse desks ask.
        """
        query = read_query(request, StockNumberQuery)
        return success(platform_number_json(find_number(number_id), query.at))

    @endpoint(
        "updateStockNumber",
        tag=TAG,
        path=PATH,
        body=StockNumberUpdate,
        body_examples=[Example({"price": "2.50", "reason": "sought after"})],
        returns=Returns(PlatformNumberJson, "The number as it is now."),
        errors=[
            NO_SUCH_NUMBER,
            ErrorResponse(
                InvalidInput,
                "A field can't be updated. Nothing was changed.",
                details={"number": f"can't be updated; these can: {UPDATABLE}"},
            ),
        ],
        invalid={"price": AMOUNT_EXPECTED},
    )
    def patch(self, request: PlatformRequest, number_id: UUID | str) -> HttpResponse:
        """Change a number of the stock.

        Change its prices or what it can do. A field that is absent or null stays as it is.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, StockNumberUpdate, unknown_field=InvalidInput)
        change_number(
            number_id,
            price=body.price,
            monthly_price=body.monthly_price,
            sms_enabled=body.sms_enabled,
            mms_enabled=body.mms_enabled,
            actor=request.user.actor,
            reason=body.reason or "",
        )
        return success(platform_number_json(find_number(number_id)))


class StockRetirementView(PlatformView):
    scopes = {"POST": Scope.PLATFORM_INVENTORY_WRITE}

    @endpoint(
        "retireStockNumber",
        tag=TAG,
        path=PATH,
        body=StockReasonRequest,
        body_examples=[Example({"reason": "ported out"})],
        returns=Returns(
            PlatformNumberJson, "The number, retired.", but={"state": "retired", "owner": None}
        ),
        errors=[
            NO_SUCH_NUMBER,
            ErrorResponse(
                Contradiction, "The number is assigned: its owner must release it first."
            ),
        ],
        invalid={"reason": "must be a string of 1 to 256 characters"},
    )
    def post(self, request: PlatformRequest, number_id: UUID | str) -> HttpResponse:
        """Retire a number.

        Take a number without an owner out of the stock; a hold on it ends. Retiring it again
        changes nothing.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, StockReasonRequest)
        retire_number(number_id, actor=request.user.actor, reason=body.reason or "")
        return success(platform_number_json(find_number(number_id)))


class StockHoldView(PlatformView):
    scopes = {"POST": Scope.PLATFORM_INVENTORY_WRITE}

    @endpoint(
        "holdStockNumber",
        tag=TAG,
        path=PATH,
        headers=[IDEMPOTENCY_KEY],
        body=StockHoldRequest,
        body_examples=[
            Example(
                {"organization_id": "01967187-93c8-7b21-a6f0-3d5b0c7e9a70", "ttl_seconds": 86_400}
            )
        ],
        returns=Returns(
            PlatformNumberJson,
            "The number, on hold.",
            but={"state": "held", "owner": None},
            headers=REPLAYED,
        ),
        errors=[
            *IDEMPOTENCY_ERRORS,
            ErrorResponse(NotFound, "There is no such number or organization."),
            ErrorResponse(NumberNotAvailable, "The number is not available.", message=HELD_OR_SOLD),
            ErrorResponse(
                Contradiction,
                "The organization is suspended, or one of number and organization is a sandbox's.",
            ),
        ],
        invalid={"ttl_seconds": "must be a whole number from 60 to 31622400"},
    )
    def post(self, request: PlatformRequest, number_id: UUID | str) -> HttpResponse:
        """Hold a number for an organization.

        No other organization can order it until the hold ends. Holding it for the same organization again
        makes the hold longer, never shorter.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, StockHoldRequest)

        def hold(_: Transaction) -> Response:
            hold_number(
                number_id,
                organization_id=body.organization_id,
                ttl_seconds=body.ttl_seconds,
                actor=request.user.actor,
                reason=body.reason or "",
            )
            return Response(200, success_body(platform_number_json(find_number(number_id))))

        key = idempotency_key_of(request, "platform/hold", str(number_id), request.data)
        return run_joining(lambda: respond_once(key, hold)).as_http()
