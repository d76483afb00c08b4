from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Apart from 0014, whose locks it would keep while it reads the tables."""

    dependencies = [("numbers", "0014_one_price_bound")]

    operations = [
        ValidateConstraint("phonenumber", "phone_number_price_in_bounds"),
        ValidateConstraint("order", "order_inbound_url_https"),
        ValidateConstraint("order", "order_status_url_https"),
        migrations.RemoveConstraint("phonenumber", "phone_number_price_not_negative"),
    ]
