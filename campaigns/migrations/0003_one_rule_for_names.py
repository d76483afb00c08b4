"""One rule for names: see campaigns.names. 0004 validates it.

Names that break it are mended first, each with an event: what can't be seen is taken out, and what has
the form of an id, says nothing or is another's by then gets words that tell it apart.
"""

import re
import unicodedata
from functools import partial

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, transaction

from campaigns.names import UNSEEN, as_id, name_rule, read_name
from config.actors import new_request_id

MODELS = ("Organization", "Brand", "Campaign")


def mend_names(apps, schema_editor):
    request_id = new_request_id()
    for kind in MODELS:
        model = apps.get_model("campaigns", kind)
        bad = model.objects.exclude(name_rule(name="any").condition)
        for row in bad.order_by("pk").iterator(chunk_size=1_000):
            with transaction.atomic(using=schema_editor.connection.alias):
                before, row.name = row.name, mended(row, kind, partial(_is_free, model, row))
                row.save(update_fields=["name"])
                apps.get_model("campaigns", "Event").objects.create(
                    organization_id=_organization_id(row, kind),
                    subject=kind.lower(),
                    subject_id=row.pk,
                    kind="changed",
                    actor="system:migrate",
                    request_id=request_id,
                    before={"name": before},
                    after={"name": row.name},
                    reason="names have one rule now",
                )


def mended(row, kind, is_free):
    """Return the name as the rule has it, that no other row has. One with the row's id is always free."""
    text = re.sub(UNSEEN, " ", unicodedata.normalize("NFC", row.name))
    clean = " ".join(text.split())
    for candidate in (f"{kind} {clean}" if as_id(clean) else clean, f"{clean[:80]} {row.pk}"):
        try:
            name = read_name(candidate)
        except ValueError:
            continue
        if is_free(name):
            return name
    return f"{kind} {row.pk}"


def _is_free(model, row, name):
    others = model.objects.exclude(pk=row.pk).filter(name__iexact=name)
    if hasattr(row, "organization_id"):
        others = others.filter(organization_id=row.organization_id)
    return hasattr(row, "brand_id") or not others.exists()


def _organization_id(row, kind):
    if kind == "Organization":
        return row.pk
    return row.organization_id if kind == "Brand" else row.brand.organization_id


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0002_last_write")]

    operations = [
        *(
            AddConstraintNotValid(kind.lower(), name_rule(name=f"{kind.lower()}_name_rule"))
            for kind in MODELS
        ),
        migrations.RunPython(mend_names, migrations.RunPython.noop),
    ]
