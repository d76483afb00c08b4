"""``/v1/platform/organizations``: the customers of the desk."""

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from typing_extensions import TypedDict

from apikeys.authentication import PlatformRequest
from apikeys.scopes import Scope
from campaigns.models import Organization, OrganizationStatus
from config.api.declared import doc
from config.api.envelope import success, timestamp
from config.api.field_kinds import Moment, OneOf, Text, Uuid, choice
from config.api.openapi.declare import Returns, endpoint, list_endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.operations import Id
from config.api.pagination import PageQuery, paginated_response, read_list
from config.api.views import PlatformView, refuse_unknown_parameters
from config.errors import NotFound

TAG = "Platform"
ORGANIZATION_ID = "01967187-93c8-7b21-a6f0-3d5b0c7e9a70"
PATH = {"organization_id": Id("The organization's id.", ORGANIZATION_ID)}
NO_SUCH_ORGANIZATION = ErrorResponse(NotFound, "There is no organization with this id.")


class OrganizationJson(TypedDict):
    """A customer of the desk."""

    id: Annotated[Uuid, doc("Its id.", example=ORGANIZATION_ID)]
    name: Annotated[Text, doc("Its name, unique in any case.", example="Acme")]
    sandbox: Annotated[bool, doc("Whether it tries out with test numbers.", example=False)]
    status: Annotated[
        str,
        OneOf(OrganizationStatus.values),
        doc("Whether its keys open anything.", example="ACTIVE"),
    ]
    created_at: Annotated[Moment, doc("When it was created.")]
    updated_at: Annotated[Moment, doc("When it last changed.")]


class OrganizationQuery(PageQuery):
    status: Annotated[
        str | None, choice(OrganizationStatus.values), doc("Only those with this status.")
    ] = None


class OrganizationListView(PlatformView):
    scopes = {"GET": Scope.PLATFORM_ORGANIZATIONS}

    @list_endpoint("listOrganizations", OrganizationJson, tag=TAG, query=OrganizationQuery)
    def get(self, request: PlatformRequest) -> HttpResponse:
        """List organizations.

        Every customer of the desk.
        """
        query, page = read_list(request, OrganizationQuery, name="platform/organizations")
        rows = Organization.objects.filter(pk__lt=page.below, **query.filters)
        return paginated_response(
            rows.order_by("-pk")[: page.fetch], page, show=organization_as_json
        )


class OrganizationDetailView(PlatformView):
    scopes = {"GET": Scope.PLATFORM_ORGANIZATIONS}

    @endpoint(
        "getOrganization",
        tag=TAG,
        path=PATH,
        returns=Returns(OrganizationJson, "The organization."),
        errors=[NO_SUCH_ORGANIZATION],
    )
    def get(self, request: PlatformRequest, organization_id: UUID) -> HttpResponse:
        """Get an organization.

        One customer.
        """
        refuse_unknown_parameters(request)
        organization = Organization.objects.filter(pk=organization_id).first()
        if organization is None:
            raise NotFound()
        return success(organization_as_json(organization))


def organization_as_json(organization: Organization) -> OrganizationJson:
    return {
        "id": organization.id,
        "name": organization.name,
        "sandbox": organization.is_sandbox,
        "status": organization.status,
        "created_at": timestamp(organization.created_at),
        "updated_at": timestamp(organization.updated_at),
    }
