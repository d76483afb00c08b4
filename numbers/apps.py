from django.apps import AppConfig


class NumbersConfig(AppConfig):
    name = "numbers"
    verbose_name = "Phone numbers"

    def ready(self) -> None:
        from config.api.idempotency import register_store
        from config.errors import refused
        from config.observability.metrics import read_at_scrape
        from numbers.imports import job as imports_job  # noqa: F401  registers them
        from numbers.orders import idempotency
        from numbers.reports.metrics import stock_and_pending
        from numbers.reports.unmet_demand import note_refusal
        from numbers.worker.status import background_work

        register_store(idempotency)
        read_at_scrape(stock_and_pending)
        read_at_scrape(background_work)
        refused.connect(note_refusal, dispatch_uid="numbers.reports.unmet_demand")
