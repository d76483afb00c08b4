from django.apps import AppConfig


class NumbersConfig(AppConfig):
    name = "numbers"
    verbose_name = "Phone numbers"

    def ready(self) -> None:
        from config.admin.site import desk
        from config.api.idempotency import register_store
        from config.errors import refused
        from config.observability.metrics import read_at_scrape
        from numbers import checks  # noqa: F401  Django's decorator registers the checks
        from numbers.admin import PAGES, dashboard
        from numbers.bulk_actions import job as bulk_action_job
        from numbers.imports import job as import_job
        from numbers.orders import idempotency
        from numbers.reports import dashboard_job
        from numbers.reports.metrics import stock_and_pending
        from numbers.reports.refusals import record_refusal
        from numbers.reports.webhooks import webhook_metrics
        from numbers.worker.jobs import register_job_handler
        from numbers.worker.status import background_work

        register_store(idempotency)  # type: ignore[arg-type]  # a module is a Store
        register_job_handler(bulk_action_job.KIND, bulk_action_job.run_bulk_action)
        register_job_handler(import_job.KIND, import_job.run_import)
        register_job_handler(dashboard_job.KIND, dashboard_job.count_figures)
        read_at_scrape(stock_and_pending)
        read_at_scrape(background_work)
        read_at_scrape(webhook_metrics)
        desk().home = dashboard.home
        desk().add_pages(PAGES)
        refused.connect(record_refusal, dispatch_uid="numbers.reports.refusals")
