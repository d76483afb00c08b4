from typing import Any

from config.commands import DeskCommand
from numbers.figures import PANELS, refresh_figures


class Command(DeskCommand):
    help = (
        "Count the figures of the operators' home page anew, and forget refusals that are too old. Run it from "
        "cron every few minutes; on ten million numbers it takes seconds. Two at once: the second leaves at once."
    )

    def handle(self, **options: Any) -> None:
        counted = refresh_figures()
        if options["json"]:
            self.answer({"refreshed": sorted(PANELS) if counted else []}, "", json_wanted=True)
