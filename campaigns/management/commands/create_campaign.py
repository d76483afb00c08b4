from typing import Any

from django.core.management.base import CommandParser

from campaigns.models import BrandIdentityStatus, CampaignStatus
from campaigns.names import name_argument
from campaigns.registration import create_campaign, find_organization
from config.commands import DeskCommand, line_of_text, one_of


class Command(DeskCommand):
    help = "Create a campaign, with a brand of its own unless one is named."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--organization", required=True, metavar="ID_OR_NAME", help="the organization"
        )
        parser.add_argument(
            "--status",
            type=one_of(CampaignStatus.values),
            default=CampaignStatus.PENDING,
            help=f"{', '.join(CampaignStatus.values)}; default: PENDING",
        )
        parser.add_argument(
            "--brand-identity-status",
            type=one_of(BrandIdentityStatus.values),
            help=f"{', '.join(BrandIdentityStatus.values)}; orders need a verified brand",
        )
        parser.add_argument(
            "--brand",
            type=name_argument,
            metavar="NAME",
            help="the brand, created if the organization has none of that name; default: a new one",
        )
        parser.add_argument(
            "--name", type=name_argument, default="Campaign", help="default: Campaign"
        )
        parser.add_argument(
            "--reason",
            type=line_of_text(maximum=256),
            default="",
            help="the reason, which the customer sees; required for REJECTED",
        )

    def handle(self, **options: Any) -> None:
        organization = find_organization(options["organization"])
        campaign = create_campaign(
            organization=organization,
            name=options["name"],
            status=options["status"],
            actor=self.new_actor(),
            brand_name=options["brand"] or "",
            brand_identity_status=options["brand_identity_status"],
            reason=options["reason"],
        )
        brand = campaign.brand
        document = {
            "id": campaign.id,
            "brand_id": brand.id,
            "organization_id": organization.id,
            "name": campaign.name,
            "status": campaign.status,
            "brand": brand.name,
            "brand_identity_status": brand.identity_status,
        }
        text = (
            f"campaign {campaign.id} is {campaign.status}, "
            f"its brand {brand.name} ({brand.id}) is {brand.identity_status or 'not reviewed'}"
        )
        self.answer(document, text, json_wanted=options["json"])
