"""Organizations, brands and campaigns come into being. The same functions serve the admin and the commands."""

from uuid import UUID

from django.db import IntegrityError, transaction

from campaigns.history import record
from campaigns.models import Brand, BrandStatus, Campaign, CampaignStatus, Organization
from config.actors import Actor
from config.columns import new_id
from config.errors import ValidationFailed


def create_organization(*, name: str, is_sandbox: bool, actor: Actor) -> Organization:
    """Raises ValidationFailed where another organization has the name, in whatever case."""
    try:
        with transaction.atomic():
            organization = Organization.objects.create(name=name, is_sandbox=is_sandbox)
            after = {"name": name, "is_sandbox": is_sandbox, "status": organization.status}
            record(organization, "created", actor=actor, after=after)
    except IntegrityError as error:
        if "organization_name_unique" not in str(error):
            raise
        raise ValidationFailed(
            details={"name": f"an organization is named {name!r} already: choose another name"}
        ) from error
    return organization


def find_organization(id_or_name: str) -> Organization:
    """By id, or by name in whatever case. Raises ValidationFailed where there is none."""
    found = Organization.objects.filter(name__iexact=id_or_name).first()
    if found is None and (identity := _as_uuid(id_or_name)):
        found = Organization.objects.filter(pk=identity).first()
    if found is None:
        raise ValidationFailed(
            details={
                "organization": f"no organization has the id or name {id_or_name!r}: create_organization makes one"
            }
        )
    return found


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def create_brand(
    *,
    organization: Organization,
    name: str,
    identity_status: str | None,
    actor: Actor,
    status: str = BrandStatus.ACTIVE,
) -> Brand:
    """Raises ValidationFailed where the organization has a brand of that name."""
    try:
        with transaction.atomic():
            brand = Brand.objects.create(
                organization=organization, name=name, status=status, identity_status=identity_status
            )
            after = {"name": name, "status": status, "identity_status": identity_status}
            record(brand, "created", actor=actor, after=after)
    except IntegrityError as error:
        if "brand_name_unique_in_organization" not in str(error):
            raise
        raise ValidationFailed(details={"brand": f"{organization.name} has a brand {name!r} already"}) from error
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
    """A campaign under the brand of that name, made where the organization has none, or its own brand.

    Raises ValidationFailed where the brand exists and has another identity status: that would change
    what its other campaigns may do.
    """
    if status == CampaignStatus.REJECTED and not reason:
        raise ValidationFailed(details={"reason": "is required: say why the campaign is REJECTED"})
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
    """A campaign of this brand."""
    with transaction.atomic():
        campaign = Campaign.objects.create(
            brand=brand, name=name, status=status, status_reason=reason, use_case=use_case, description=description
        )
        given = {"use_case": use_case, "description": description}
        after = {"name": name, "status": status, "brand": str(brand.pk), **{k: v for k, v in given.items() if v}}
        record(campaign, "created", actor=actor, after=after, reason=reason)
    return campaign


def _brand(organization: Organization, name: str, identity_status: str | None, actor: Actor) -> Brand:
    if not name:
        name = f"{organization.name[:110]} {new_id().hex[-8:]}"
    brand = Brand.objects.filter(organization=organization, name__iexact=name).first()
    if brand is None:
        return create_brand(organization=organization, name=name, identity_status=identity_status, actor=actor)
    if identity_status not in (None, brand.identity_status):
        raise ValidationFailed(
            details={
                "brand_identity_status": f"brand {brand.name!r} is {brand.identity_status}: "
                "leave this out, or name another brand"
            }
        )
    return brand
