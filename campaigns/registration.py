"""Create organizations, brands and campaigns, for the admin and the commands."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower

from campaigns.history import record
from campaigns.models import Brand, BrandStatus, Campaign, CampaignStatus, Organization
from campaigns.names import as_id, require_name
from config.actors import Actor
from config.db.constraints import constraint_of
from config.db.fields import new_id
from config.errors import NotFound, ValidationFailed


class ExternalIdTaken(Exception):
    """An organization with this external id exists already."""


def create_organization(
    *, name: str, is_sandbox: bool, actor: Actor, external_id: str = ""
) -> Organization:
    """Create an organization.

    Raise ValidationFailed if the name is bad or taken in any case, or ExternalIdTaken.
    """
    name = require_name("name", name)
    try:
        with transaction.atomic():
            organization = Organization.objects.create(
                name=name, is_sandbox=is_sandbox, external_id=external_id
            )
            after = {"name": name, "is_sandbox": is_sandbox, "status": organization.status}
            if external_id:
                after["external_id"] = external_id
            record(organization, "created", actor=actor, after=after)
    except IntegrityError as error:
        if constraint_of(error) == "organization_external_id_unique":
            raise ExternalIdTaken from error
        raise _name_taken(name, error) from error
    return organization


def rename_organization(
    *, organization_id: UUID, name: str, actor: Actor, reason: str = ""
) -> Organization:
    """Rename an organization. Idempotent.

    Raise NotFound, or ValidationFailed if the name is bad or taken in any case.
    """
    name = require_name("name", name)
    try:
        with transaction.atomic():
            organization = (
                Organization.objects.select_for_update(no_key=True)
                .filter(pk=organization_id)
                .first()
            )
            if organization is None:
                raise NotFound()
            if organization.name == name:
                return organization
            before, organization.name = {"name": organization.name}, name
            organization.save(update_fields=["name", "updated_at"])
            record(
                organization,
                "changed",
                actor=actor,
                before=before,
                after={"name": name},
                reason=reason,
            )
    except IntegrityError as error:
        raise _name_taken(name, error) from error
    return organization


def _name_taken(name: str, error: IntegrityError) -> Exception:
    """Return the error of a name that another organization has, or else the one that occurred."""
    if constraint_of(error) != "organization_name_unique":
        return error
    return ValidationFailed(
        details={"name": f"an organization named {name!r} exists already: choose another name"}
    )


def find_organization(id_or_name: str) -> Organization:
    """Return an organization by id, or by name in any case.

    Raise ValidationFailed, naming similar ones, if there is none. Text in the form of an id is
    always an id, because no name may have that form.
    """
    text = id_or_name.strip()
    if identity := as_id(text):
        found = Organization.objects.filter(pk=identity).first()
        similar: list[Organization] = []
    else:
        found = named(Organization.objects.all(), text).first()
        similar = (
            []
            if found or len(text) < 2
            else list(Organization.objects.filter(name__icontains=text)[:3])
        )
    if found is not None:
        return found
    hint = "create_organization creates one"
    if similar:
        hint = f"similar are {', '.join(f'{one.name!r} ({one.pk})' for one in similar)}"
    raise ValidationFailed(
        details={"organization": f"no organization has the id or name {id_or_name[:128]!r}: {hint}"}
    )


def named(rows: QuerySet[Any], name: str) -> QuerySet[Any]:
    """Return the rows with this name in any case, by the index that keeps names unique."""
    found: QuerySet[Any] = rows.alias(lower_name=Lower("name")).filter(
        lower_name=Lower(Value(name))
    )
    return found


def create_brand(
    *,
    organization: Organization,
    name: str,
    identity_status: str | None,
    actor: Actor,
    status: str = BrandStatus.ACTIVE,
) -> Brand:
    """Create a brand. Raise ValidationFailed if the name is bad or taken in the organization."""
    name = require_name("name", name)
    try:
        with transaction.atomic():
            brand = Brand.objects.create(
                organization=organization, name=name, status=status, identity_status=identity_status
            )
            after = {"name": name, "status": status, "identity_status": identity_status}
            record(brand, "created", actor=actor, after=after)
    except IntegrityError as error:
        if constraint_of(error) != "brand_name_unique_in_organization":
            raise
        raise ValidationFailed(
            details={"brand": f"{organization.name} has a brand {name!r} already"}
        ) from error
    return brand


def create_campaign(
    *,
    organization: Organization,
    name: str,
    status: str,
    actor: Actor,
    brand_name: str = "",
    brand_identity_status: str | None = None,
    reason: str = "",
) -> Campaign:
    """Create a campaign under the brand of that name, or under a new brand.

    The brand is created if the organization has none of that name. Raise ValidationFailed if the
    brand exists with another identity status, because that would affect its other campaigns.
    """
    if status == CampaignStatus.REJECTED and not reason:
        raise ValidationFailed(details={"reason": "is required: say why the campaign is REJECTED"})
    if brand_name:
        brand_name = require_name("brand", brand_name)
    with transaction.atomic():
        brand = _brand(organization, brand_name, brand_identity_status, actor)
        return add_campaign(brand=brand, name=name, status=status, actor=actor, reason=reason)


def add_campaign(
    *,
    brand: Brand,
    name: str,
    actor: Actor,
    status: str = CampaignStatus.PENDING,
    use_case: str = "",
    description: str = "",
    reason: str = "",
) -> Campaign:
    """Create a campaign of this brand. Raise ValidationFailed if the name is bad."""
    name = require_name("name", name)
    with transaction.atomic():
        campaign = Campaign.objects.create(
            brand=brand,
            name=name,
            status=status,
            status_reason=reason,
            use_case=use_case,
            description=description,
        )
        given = {"use_case": use_case, "description": description}
        after = {
            "name": name,
            "status": status,
            "brand": str(brand.pk),
            **{k: v for k, v in given.items() if v},
        }
        record(campaign, "created", actor=actor, after=after, reason=reason)
    return campaign


def _brand(
    organization: Organization, name: str, identity_status: str | None, actor: Actor
) -> Brand:
    if not name:
        name = f"{organization.name[:110]} {new_id().hex[-8:]}"
    brand = named(Brand.objects.filter(organization=organization), name).first()
    if brand is None:
        return create_brand(
            organization=organization, name=name, identity_status=identity_status, actor=actor
        )
    if identity_status not in (None, brand.identity_status):
        raise ValidationFailed(
            details={
                "brand_identity_status": f"brand {brand.name!r} is {brand.identity_status}: "
                "leave this out, or name another brand"
            }
        )
    return brand
