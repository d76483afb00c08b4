from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class DeskAdminConfig(AdminConfig):
    """Django's admin, on a site of our own."""

    default_site = "config.admin.site.DeskSite"

    def ready(self) -> None:
        super().ready()
        from config.admin.error_pages import refusal_page
        from config.admin.sign_in import users
        from config.errors import draw_under

        users.register()
        draw_under("/admin/", refusal_page)


class DeskConfig(AppConfig):
    """What the admin's own tables belong to."""

    name, label = "config.admin", "desk"
    verbose_name = "Operator desk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from config.admin.sign_in import sessions

        user_logged_in.connect(sessions.begin, dispatch_uid="config.admin.sign_in.sessions")
