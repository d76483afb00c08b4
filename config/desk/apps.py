from django.contrib.admin.apps import AdminConfig


class DeskAdminConfig(AdminConfig):
    """Django's admin, on a site of our own."""

    default_site = "config.desk.site.DeskSite"

    def ready(self) -> None:
        super().ready()
        from config.desk import users

        users.register()
