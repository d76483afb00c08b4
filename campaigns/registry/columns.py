"""Columns of what customers submit about brands and campaigns, and their constraints.

Brands and campaigns that operators registered have none of it. A row with ``submitted_at`` has all.
"""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from campaigns.registry.terms import (
    LONGEST_LEGAL_NAME,
    LONGEST_REFERENCE,
    LONGEST_WEBSITE,
    MESSAGE,
    MESSAGE_FLOW,
    SAMPLE,
    SAMPLES,
    USE_CASES,
    VERTICALS,
)


class Submitted(models.CharField):
    """Text that a customer may have submitted. Migrations see a CharField."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"blank": True, "default": "", "db_default": "", **options})

    def deconstruct(self) -> Any:
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.CharField", arguments, options


class Reasons(models.JSONField):
    """Why it was rejected: a list of ``RejectionReasonJson``. Migrations see a JSONField."""

    def __init__(self, **options: Any) -> None:
        none = models.Value([], output_field=models.JSONField())
        super().__init__(**{"blank": True, "default": list, "db_default": none, **options})

    def deconstruct(self) -> Any:
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.JSONField", arguments, options


class SubmittedBrand(models.Model):
    """What a customer submits of a brand. The tax id is sealed (``campaigns.registry.tax_ids``)."""

    reference_id = Submitted(max_length=LONGEST_REFERENCE)
    legal_name = Submitted(max_length=LONGEST_LEGAL_NAME)
    tax_id = Submitted(max_length=512)
    tax_id_end = Submitted(max_length=4)
    country = Submitted(max_length=2)
    vertical = Submitted(max_length=32)
    website = Submitted(max_length=LONGEST_WEBSITE)
    submitted_at = models.DateTimeField(null=True, blank=True)
    rejection_reasons = Reasons()

    class Meta:
        abstract = True


class SubmittedCampaign(models.Model):
    """What a customer submits of a campaign, beside its use case and description."""

    reference_id = Submitted(max_length=LONGEST_REFERENCE)
    message_flow = Submitted(max_length=MESSAGE_FLOW[1])
    samples = ArrayField(
        models.CharField(max_length=SAMPLE[1]), blank=True, default=list, db_default=[]
    )
    opt_in_message = Submitted(max_length=MESSAGE[1])
    opt_out_message = Submitted(max_length=MESSAGE[1])
    help_message = Submitted(max_length=MESSAGE[1])
    submitted_at = models.DateTimeField(null=True, blank=True)
    rejection_reasons = Reasons()

    class Meta:
        abstract = True


BRAND_CONSTRAINTS = [
    models.UniqueConstraint(
        fields=["organization", "reference_id"],
        condition=~Q(reference_id=""),
        name="brand_reference_unique",
    ),
    models.CheckConstraint(
        condition=Q(submitted_at__isnull=True)
        | Q(
            reference_id__regex=r"\S",
            legal_name__regex=r"\S",
            tax_id__regex=r"\S",
            tax_id_end__regex=r"\S",
            country__regex=r"^[A-Z]{2}$",
            vertical__in=VERTICALS,
            website__regex=r"^https?://",
        ),
        name="brand_submitted_whole",
    ),
    models.CheckConstraint(
        condition=Q(rejection_reasons=[]) | Q(identity_status="UNVERIFIED"),
        name="brand_reasons_of_unverified",
    ),
]
CAMPAIGN_CONSTRAINTS = [
    models.UniqueConstraint(
        fields=["brand", "reference_id"],
        condition=~Q(reference_id=""),
        name="campaign_reference_unique",
    ),
    models.CheckConstraint(
        condition=Q(submitted_at__isnull=True)
        | Q(
            reference_id__regex=r"\S",
            use_case__in=USE_CASES,
            description__regex=r"\S",
            message_flow__regex=r"\S",
            samples__len__gte=SAMPLES[0],
            samples__len__lte=SAMPLES[1],
            opt_in_message__regex=r"\S",
            help_message__regex=r"\S",
        ),
        name="campaign_submitted_whole",
    ),
    models.CheckConstraint(
        condition=Q(rejection_reasons=[]) | Q(status="REJECTED"),
        name="campaign_reasons_of_rejected",
    ),
]
