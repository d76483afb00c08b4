from django.db import migrations

from numbers.roles import make_groups


class Migration(migrations.Migration):
    dependencies = [
        ("apikeys", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("axes", "0010_accessattemptexpiration"),
        ("campaigns", "0002_last_write"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("numbers", "0007_jobs"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
