"""Charge the months of rented numbers that fell due, once."""

from typing import Any

from django.core.management.base import CommandError

from config.commands import DeskCommand
from numbers.rent.run import renew_numbers


class Command(DeskCommand):
    help = (
        "Charge the months of rented numbers that fell due, each once; suspend and release what "
        "stays unpaid. `manage.py worker` does this every minute. Safe to run again after an "
        "interruption, and twice at once. What fails in one organization does not delay the "
        "others. Exit code 1: an organization failed, or the database is unavailable."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        run = renew_numbers()
        answer = {
            "charged": run.renewed.charged,
            "past_due": run.renewed.past_due,
            "resumed": run.renewed.resumed,
            "suspended": run.suspended,
            "released": run.released,
            "failed": [str(organization_id) for organization_id in run.failed],
        }
        self.answer(answer, run.in_words(), json_wanted=options["json"])
        if run.failed:
            failed = ", ".join(str(organization_id) for organization_id in run.failed)
            raise CommandError(f"failed and are tried again by the next run, see the log: {failed}")
