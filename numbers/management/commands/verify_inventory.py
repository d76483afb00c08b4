from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.commands import DeskCommand, whole_number
from numbers.verification.promises import PROMISES
from numbers.verification.run import Finding, verify_inventory


class Command(DeskCommand):
    help = "Check the five promises against the whole database. Exit code 1: one does not hold."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--show",
            type=whole_number(minimum=1, maximum=10_000),
            default=20,
            metavar="N",
            help="offending rows to show for each failed check (default 20); all are counted",
        )
        parser.add_argument(
            "--quiet",
            action="store_true",
            help="for cron: print failed checks only, and nothing if all hold",
        )

    def handle(self, **options: Any) -> None:
        findings = []
        shown: set[int] = set()
        for finding in verify_inventory(shown=options["show"]):
            findings.append(finding)
            if not options["json"] and not (options["quiet"] and finding.holds):
                self._print_finding(finding, new_promise=finding.check.promise not in shown)
                shown.add(finding.check.promise)
        failed = [finding.check.name for finding in findings if not finding.holds]
        if failed or not options["quiet"]:
            document = {"ok": not failed, "checks": [_plain(finding) for finding in findings]}
            sentence = f"{len(findings) - len(failed)} of {len(findings)} checks hold"
            self.answer(document, sentence, json_wanted=options["json"])
        if failed:
            raise CommandError(
                f"{len(failed)} of {len(findings)} checks failed: {', '.join(failed)}"
            )

    def _print_finding(self, finding: Finding, *, new_promise: bool) -> None:
        check = finding.check
        if new_promise:
            self.stdout.write(f"{check.promise}. {PROMISES[check.promise]}")
        verdict = "ok    " if finding.holds else "FAILED"
        broken = "" if finding.holds else f", {finding.offenders:,} offending"
        self.stdout.write(
            f"   {verdict} {check.name}: {finding.counted:,} rows of {check.counted}{broken}"
        )
        for row in finding.rows:
            self.stdout.write(
                "          " + ", ".join(f"{name}={value}" for name, value in row.items())
            )


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.check.name,
        "promise": finding.check.promise,
        "statement": PROMISES[finding.check.promise],
        "ok": finding.holds,
        "counted": finding.counted,
        "of": finding.check.counted,
        "offenders": finding.offenders,
        "rows": finding.rows,
    }
