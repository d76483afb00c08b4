from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from apikeys.lifecycle import issue_key
from apikeys.limits.spending_limits import KeyLimits, SpendingLimit, read_spending_limit
from apikeys.models import MOST_NUMBERS_PER_ORDER, SpendingPeriod
from apikeys.scopes import Scope
from campaigns.registration import find_organization
from config.api.declared import Problem
from config.api.envelope import timestamp
from config.commands import DeskCommand, line_of_text, whole_number


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _limit(text: str) -> SpendingLimit | None:
    amount, _, period = text.partition("/")
    try:
        return read_spending_limit({"amount": amount, "period": period})
    except Problem as problem:
        raise ArgumentTypeError(
            "; ".join(f"{name.lstrip('.')} {rule}" for name, rule in problem.items.items())
        ) from None


class Command(DeskCommand):
    help = "Create an API key. Its secret is printed once and stored nowhere."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        owner = parser.add_mutually_exclusive_group(required=True)
        owner.add_argument(
            "--organization",
            metavar="ID_OR_NAME",
            help="the organization that owns the key",
        )
        owner.add_argument(
            "--platform",
            action="store_true",
            help="a key for your own systems, with scopes that begin with platform:",
        )
        parser.add_argument(
            "--scopes",
            required=True,
            type=_words,
            metavar="A,B",
            help=f"some of {', '.join(Scope.values)}",
        )
        parser.add_argument(
            "--label",
            type=line_of_text(minimum=1, maximum=64),
            default="command line",
            help="the purpose of the key, shown in lists",
        )
        parser.add_argument(
            "--expires-in-days",
            type=whole_number(minimum=1, maximum=3_650),
            metavar="N",
            help="default: never",
        )

        parser.add_argument(
            "--spending-limit",
            type=_limit,
            metavar="AMOUNT/PERIOD",
            help="what its orders may cost, such as 50.00/day; the period is one of "
            f"{', '.join(SpendingPeriod.values)}; default: no limit",
        )
        parser.add_argument(
            "--max-numbers-per-order",
            type=whole_number(minimum=1, maximum=MOST_NUMBERS_PER_ORDER),
            metavar="N",
            help="default: no limit",
        )

    def handle(self, **options: Any) -> None:
        organization = None if options["platform"] else find_organization(options["organization"])
        days = options["expires_in_days"]
        key, secret = issue_key(
            organization=organization,
            scopes=options["scopes"],
            label=options["label"],
            expires_at=timezone.now() + timedelta(days=days) if days else None,
            actor=self.new_actor(),
            limits=KeyLimits(options["spending_limit"], options["max_numbers_per_order"]),
        )
        document = {
            "id": key.id,
            "plaintext": secret,
            "prefix": key.prefix,
            "organization_id": organization.id if organization else None,
            "label": key.label,
            "scopes": key.scopes,
            "expires_at": timestamp(key.expires_at),
            "spending_limit": limit.as_json() if (limit := options["spending_limit"]) else None,
            "max_numbers_per_order": key.max_numbers_per_order,
        }
        owner = organization.name if organization else "the platform"
        self.stderr.write(f"key {key.id} of {owner}: store the secret now, it is not shown again")
        self.answer(document, secret, json_wanted=options["json"])
