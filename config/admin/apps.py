from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class DeskAdminConfig(AdminConfig):
    """Django's admin on the site ``DeskSite``."""

    default_site = "config.admin.site.DeskSite"

    def ready(self) -> None:
        super().ready()
        from config.admin.error_pages import error_page
        from config.admin.sign_in import users
        from config.errors import register_error_page

        users.register()
        register_error_page("/admin/", error_page)


class DeskConfig(AppConfig):
    """The app that owns the admin's tables."""

    name, label = "config.admin", "desk"
    verbose_name = "Operator desk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from config.admin import checks  # noqa: F401  Django's decorator registers the checks
        from config.admin.sign_in import sessions

        user_logged_in.connect(sessions.begin, dispatch_uid="config.admin.sign_in.sessions")
