from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Organizations and campaigns"

    def ready(self) -> None:
        from campaigns import last_write
        from campaigns.admin import PAGES
        from config.admin.site import desk
        from config.db.replica import register_last_write_statements

        register_last_write_statements(last_write.STATEMENTS)
        desk().add_pages(PAGES)
