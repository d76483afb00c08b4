from django.apps import AppConfig


class NumbersConfig(AppConfig):
    name = "numbers"
    verbose_name = "Phone numbers"

    def ready(self) -> None:
        from config.errors import refused
        from config.idempotency import register_store
        from config.metrics import read_at_scrape
        from numbers import checks, deed_jobs, figure_jobs, idempotency, import_jobs  # noqa: F401  registers them
        from numbers.demand import note_refusal
        from numbers.gauges import stock_and_pending
        from numbers.worker.status import background_work

        register_store(idempotency)
        read_at_scrape(stock_and_pending)
        read_at_scrape(background_work)
        refused.connect(note_refusal, dispatch_uid="numbers.demand")
