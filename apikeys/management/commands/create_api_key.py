from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from apikeys.lifecycle import issue_key
from apikeys.scopes import Scope
from campaigns.registration import find_organization
from config.api.envelope import timestamp
from config.commands import DeskCommand, line_of_text, whole_number


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


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

    def handle(self, **options: Any) -> None:
        organization = None if options["platform"] else find_organization(options["organization"])
        days = options["expires_in_days"]
        key, secret = issue_key(
            organization=organization,
            scopes=options["scopes"],
            label=options["label"],
            expires_at=timezone.now() + timedelta(days=days) if days else None,
            actor=self.new_actor(),
        )
        document = {
            "id": key.id,
            "plaintext": secret,
            "prefix": key.prefix,
            "organization_id": organization.id if organization else None,
            "label": key.label,
            "scopes": key.scopes,
            "expires_at": timestamp(key.expires_at),
        }
        owner = organization.name if organization else "the platform"
        self.stderr.write(f"key {key.id} of {owner}: store the secret now, it is not shown again")
        self.answer(document, secret, json_wanted=options["json"])
