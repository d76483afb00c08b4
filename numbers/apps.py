from django.apps import AppConfig


class NumbersConfig(AppConfig):
    name = "numbers"
    verbose_name = "Phone numbers"

    def ready(self) -> None:
        from config.errors import refused
        from numbers import checks  # noqa: F401  registers them
        from numbers.demand import note_refusal

        refused.connect(note_refusal, dispatch_uid="numbers.demand")
