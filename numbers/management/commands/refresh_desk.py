from typing import Any

from django.core.management.base import CommandError

from config.commands import DeskCommand
from numbers.reports.dashboard import PANELS, PanelsFailed, refresh_figures
from numbers.reports.refusals import forget_old_refusals


class Command(DeskCommand):
    help = (
        "Count the figures of the operators' home page once, and delete refusals that are too "
        "old. The worker does both by itself. At ten million numbers it takes seconds. A second "
        "run at the same time ends at once."
    )

    def handle(self, **options: Any) -> None:
        forget_old_refusals()
        try:
            counted = refresh_figures()
        except PanelsFailed as failure:
            raise CommandError(f"some figures were {failure}") from failure
        if options["json"]:
            self.answer({"refreshed": sorted(PANELS) if counted else []}, "", json_wanted=True)
