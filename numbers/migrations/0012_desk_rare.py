from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models
from django.db.models import F, Q

REPEATED = "00000|11111|22222|33333|44444|55555|66666|77777|88888|99999"


class Migration(migrations.Migration):
    # Concurrently, and without a lock that anybody waits for: orders go on meanwhile.
    atomic = False

    dependencies = [("numbers", "0011_short_codes")]

    operations = [
        AddIndexConcurrently(
            model_name="phonenumber",
            index=models.Index(
                F("number"), condition=Q(number__regex=REPEATED), name="phone_number_repeated"
            ),
        ),
        AddIndexConcurrently(
            model_name="phonenumber",
            index=models.Index(
                F("number_type"),
                F("number"),
                condition=Q(status="quarantined"),
                name="phone_number_resting",
            ),
        ),
        AddConstraintNotValid(
            model_name="refusal",
            constraint=models.CheckConstraint(
                condition=Q(wanted__isnull=True)
                | Q(code__in=["INSUFFICIENT_INVENTORY", "SEARCH_SHORT"]),
                name="refusal_wanted_where_unmet",
            ),
        ),
        ValidateConstraint(model_name="refusal", name="refusal_wanted_where_unmet"),
        AddConstraintNotValid(
            model_name="refusal",
            constraint=models.CheckConstraint(
                condition=Q(area_code="", number_type="", pattern="") | Q(code="SEARCH_SHORT"),
                name="refusal_criteria_of_search",
            ),
        ),
        ValidateConstraint(model_name="refusal", name="refusal_criteria_of_search"),
    ]
