"""``/v1/platform/organizations``: the customers of the desk."""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse
from typing_extensions import TypedDict

from apikeys.authentication import PlatformRequest
from apikeys.scopes import Scope
from campaigns.models import LONGEST_EXTERNAL_ID, Organization, OrganizationStatus
from campaigns.names import LONGEST_NAME
from config.api.declared import Problem, Reads, RequestBody, doc, parse_body
from config.api.envelope import success, success_body, timestamp
from config.api.field_kinds import (
    AMOUNT_EXPECTED,
    Currency,
    Flag,
    GivenFlag,
    Moment,
    Money,
    OneOf,
    Text,
    Uuid,
    choice,
    money,
    reference,
    text,
)
from config.api.idempotency import Response, idempotency_key_of, respond_once
from config.api.openapi.declare import Returns, endpoint, list_endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.idempotency import IDEMPOTENCY_ERRORS, IDEMPOTENCY_KEY, REPLAYED
from config.api.openapi.operations import Example, Id
from config.api.pagination import PageQuery, paginated_response, read_list
from config.api.views import PlatformView, refuse_unknown_parameters
from config.db.transactions import run_transaction
from config.errors import InvalidInput, NotFound
from numbers.credit.onboarding import change_customer, open_once
from numbers.models import CreditAccount

TAG = "Platform"
ORGANIZATION_ID = "01967187-93c8-7b21-a6f0-3d5b0c7e9a70"
EXTERNAL_ID = "crm-4711"
PATH = {"organization_id": Id("The organization's id.", ORGANIZATION_ID)}
NO_SUCH_ORGANIZATION = ErrorResponse(NotFound, "There is no organization with this id.")
REASON_LENGTH = 256
NAME_REQUIRED = f"is required: 1 to {LONGEST_NAME} printable characters"
UPDATABLE = "alert_below, name, reason, status"


class OrganizationJson(TypedDict):
    """A customer of the desk."""

    id: Annotated[Uuid, doc("Its id.", example=ORGANIZATION_ID)]
    external_id: Annotated[Text | None, doc("Its id in your own systems.", example=EXTERNAL_ID)]
    name: Annotated[Text, doc("Its name, unique in any case.", example="Acme")]
    sandbox: Annotated[
        Flag, doc("Whether it sees test numbers only and never pays.", example=False)
    ]
    status: Annotated[
        str,
        OneOf(OrganizationStatus.values),
        doc("`SUSPENDED`: its keys do not work, its numbers stay with it.", example="ACTIVE"),
    ]
    balance: Annotated[Money, doc("Its credit.", example="100.00")]
    currency: Currency
    alert_below: Annotated[
        Money, doc("It is alerted when its credit falls to this or below.", example="10.00")
    ]
    created_at: Annotated[Moment, doc("When it was created.")]
    updated_at: Annotated[Moment, doc("When its name or status last changed.")]


def _read_name(value: object) -> str:
    """Return a text. Whether it is a name is the rule of campaigns.names."""
    if isinstance(value, str):
        return value
    raise Problem(NAME_REQUIRED)


def _read_new_name(value: object) -> str | None:
    return None if value is None else _read_name(value)


_NAME_SCHEMA = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
ExternalId = Annotated[str | None, reference(LONGEST_EXTERNAL_ID)]
GivenAmount = Annotated[Decimal | None, money()]


class OrganizationRequest(RequestBody):
    name: Annotated[
        str,
        Reads(_read_name, _NAME_SCHEMA),
        doc("Its name: printable characters, not an id, unique in any case."),
    ]
    external_id: Annotated[
        ExternalId, doc("Its id in your own systems. The same again gives the first organization.")
    ] = None
    sandbox: Annotated[
        GivenFlag, doc("Whether it sees test numbers only and never pays. This can't be changed.")
    ] = None
    alert_below: Annotated[
        GivenAmount, doc("It is alerted when its credit falls to this or below; 0.00 if absent.")
    ] = None


class OrganizationUpdate(RequestBody):
    name: Annotated[
        str | None,
        Reads(_read_new_name, _NAME_SCHEMA),
        doc("Its new name: printable characters, not an id, unique in any case."),
    ] = None
    alert_below: Annotated[
        GivenAmount, doc("It is alerted when its credit falls to this or below.")
    ] = None
    status: Annotated[
        str | None,
        choice(OrganizationStatus.values),
        doc("`SUSPENDED` stops its keys and its messages at once; `ACTIVE` lifts that."),
    ] = None
    reason: Annotated[
        str | None, text(REASON_LENGTH), doc("Why; kept in the history.", example="unpaid invoice")
    ] = None


class OrganizationQuery(PageQuery):
    external_id: Annotated[ExternalId, doc("Only the one with this id in your own systems.")] = None
    status: Annotated[
        str | None, choice(OrganizationStatus.values), doc("Only those with this status.")
    ] = None


class OrganizationListView(PlatformView):
    scopes = {"POST": Scope.PLATFORM_ORGANIZATIONS, "GET": Scope.PLATFORM_ORGANIZATIONS}

    @endpoint(
        "createOrganization",
        tag=TAG,
        headers=[IDEMPOTENCY_KEY],
        body=OrganizationRequest,
        body_examples=[
            Example({"name": "Acme", "external_id": EXTERNAL_ID, "alert_below": "10.00"})
        ],
        returns=[
            Returns(
                OrganizationJson,
                "The organization, created now.",
                status=201,
                but={"balance": "0.00"},
                headers=REPLAYED,
            ),
            Returns(
                OrganizationJson,
                "An organization has this `external_id` already: it, unchanged.",
                headers=REPLAYED,
            ),
        ],
        errors=IDEMPOTENCY_ERRORS,
        invalid={"name": NAME_REQUIRED, "alert_below": AMOUNT_EXPECTED},
    )
    def post(self, request: PlatformRequest) -> HttpResponse:
        """Create an organization.

        Open a customer with an empty credit account. With an `external_id` that an organization has
        already, the answer is that organization (200), and nothing is changed: the request can be
        repeated until it has an answer. A name that another organization has is 422.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, OrganizationRequest)
        actor = request.user.actor

        def create(_: Any) -> Response:
            organization, is_new = open_once(
                name=body.name,
                external_id=body.external_id or "",
                is_sandbox=bool(body.sandbox),
                alert_below=body.alert_below or Decimal("0.00"),
                actor=actor,
            )
            return Response(201 if is_new else 200, success_body(shown(organization.pk)))

        key = idempotency_key_of(request, "platform/organizations", request.data)
        return respond_once(key, create).as_http()

    @list_endpoint("listOrganizations", OrganizationJson, tag=TAG, query=OrganizationQuery)
    def get(self, request: PlatformRequest) -> HttpResponse:
        """List organizations.

        Every customer of the desk.
        """
        query, page = read_list(request, OrganizationQuery, name="platform/organizations")
        rows = _organizations().filter(pk__lt=page.below, **query.filters).order_by("-pk")
        return paginated_response(rows[: page.fetch], page, show=organization_as_json)


class OrganizationDetailView(PlatformView):
    scopes = {"GET": Scope.PLATFORM_ORGANIZATIONS, "PATCH": Scope.PLATFORM_ORGANIZATIONS}

    @endpoint(
        "getOrganization",
        tag=TAG,
        path=PATH,
        returns=Returns(OrganizationJson, "The organization."),
        errors=[NO_SUCH_ORGANIZATION],
    )
    def get(self, request: PlatformRequest, organization_id: UUID) -> HttpResponse:
        """Get an organization.

        One customer, with its credit.
        """
        refuse_unknown_parameters(request)
        return success(shown(organization_id))

    @endpoint(
        "updateOrganization",
        tag=TAG,
        path=PATH,
        body=OrganizationUpdate,
        body_examples=[Example({"status": "SUSPENDED", "reason": "unpaid invoice"})],
        returns=Returns(OrganizationJson, "The organization as it is now."),
        errors=[
            NO_SUCH_ORGANIZATION,
            ErrorResponse(
                InvalidInput,
                "A field can't be updated. Nothing was changed.",
                details={"sandbox": f"can't be updated; these can: {UPDATABLE}"},
            ),
        ],
        invalid={"status": "must be one of ACTIVE, SUSPENDED"},
    )
    def patch(self, request: PlatformRequest, organization_id: UUID) -> HttpResponse:
        """Change an organization.

        Change its name or its alert, suspend it or lift its suspension. A field that is absent or
        null stays as it is. A suspended organization's keys stop at once, its backorders wait, and
        its routes say that no message is to be carried. Its numbers stay with it.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, OrganizationUpdate, unknown_field=InvalidInput)
        run_transaction(
            lambda _: change_customer(
                organization_id=organization_id,
                name=body.name,
                alert_below=body.alert_below,
                status=body.status,
                reason=body.reason or "",
                actor=request.user.actor,
            )
        )
        return success(shown(organization_id))


def _organizations() -> QuerySet[Organization]:
    return Organization.objects.select_related("credit_account")


def shown(organization_id: UUID) -> OrganizationJson:
    """Return an organization as the platform sees it. Raise NotFound."""
    organization = _organizations().filter(pk=organization_id).first()
    if organization is None:
        raise NotFound()
    return organization_as_json(organization)


def organization_as_json(organization: Organization) -> OrganizationJson:
    # An organization that an old release created has no account: the same as an empty one.
    account = getattr(organization, "credit_account", None) or CreditAccount(
        balance=Decimal("0.00"), currency=settings.CURRENCY, alert_below=Decimal("0.00")
    )
    return {
        "id": organization.id,
        "external_id": organization.external_id or None,
        "name": organization.name,
        "sandbox": organization.is_sandbox,
        "status": organization.status,
        "balance": account.balance,
        "currency": account.currency,
        "alert_below": account.alert_below,
        "created_at": timestamp(organization.created_at),
        "updated_at": timestamp(organization.updated_at),
    }
