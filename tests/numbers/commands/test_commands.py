"""The commands as operators run them: what they print, write and refuse."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from apikeys.key_format import digest, is_well_formed
from apikeys.models import ApiKey
from apikeys.scopes import ORGANIZATION_SCOPES
from campaigns.models import Brand, Campaign, Event, Organization
from config.env import BASE_DIR
from numbers.models import CreditAccount, CreditEntry

ROOT = BASE_DIR


@pytest.fixture
def run(capsys):
    """Runs a command as the shell would, in this process; gives its JSON, or its text."""

    def run(*arguments):
        call_command(*map(str, arguments))
        output = capsys.readouterr().out
        return json.loads(output) if "--json" in arguments else output

    return run


@pytest.fixture
def refused():
    """Runs a command that must refuse; gives its message and its exit code."""

    def refused(*arguments):
        with pytest.raises(CommandError) as refusal:
            call_command(*map(str, arguments))
        assert "\n" not in str(refusal.value)
        return str(refusal.value), refusal.value.returncode

    return refused


@pytest.fixture
def acme(db):
    return Organization.objects.create(name="Acme")


@pytest.mark.django_db
class TestCreateOrganization:
    def test_organization_has_an_account_and_a_history(self, run):
        answer = run("create_organization", "Acme", "--json")
        organization = Organization.objects.get(pk=answer["id"])
        assert (organization.name, organization.is_sandbox) == ("Acme", False)
        assert organization.credit_account.balance == 0
        event = Event.objects.get(subject_id=organization.pk)
        assert (event.kind, event.actor) == ("created", "command:create_organization")
        assert len(event.request_id) == 26

    def test_credit_is_a_ledger_entry_of_the_same_request(self, run):
        answer = run("create_organization", "Acme", "--credit", "100.00", "--json")
        assert (answer["name"], answer["balance"], answer["currency"]) == ("Acme", "100.00", "USD")
        entry = CreditEntry.objects.get(account_id=answer["id"])
        assert (entry.amount, entry.actor) == (Decimal("100.00"), "command:create_organization")
        assert entry.request_id == Event.objects.get(subject_id=answer["id"]).request_id

    def test_sandbox_flag_creates_a_sandbox(self, run):
        assert Organization.objects.get(
            pk=run("create_organization", "Play", "--sandbox", "--json")["id"]
        ).is_sandbox

    def test_output_without_json_is_an_equivalent_line_of_text(self, run):
        text = run("create_organization", "Acme", "--credit", "7")
        assert str(Organization.objects.get().pk) in text
        assert "7.00 USD" in text

    def test_taken_name_is_refused_in_any_case_without_a_write(self, run, refused):
        run("create_organization", "Acme")
        message, code = refused("create_organization", "ACME", "--credit", "5")
        assert (
            message
            == "argument NAME: an organization named 'ACME' exists already: choose another name"
        )
        assert code == 1
        assert CreditAccount.objects.count() == 1
        assert not CreditEntry.objects.exists()

    @pytest.mark.parametrize(
        "credit", ["abc", "-1", "1.001", "1e20", "NaN", "Infinity", "1,000", ""]
    )
    def test_invalid_credit_is_refused(self, refused, credit):
        message, _ = refused("create_organization", "Acme", f"--credit={credit}")
        assert "argument --credit" in message
        assert not Organization.objects.exists()

    @pytest.mark.parametrize("name", ["", "   ", "x" * 129, "two\nlines", "nul\x00"])
    def test_invalid_name_is_refused(self, refused, name):
        message, _ = refused("create_organization", name)
        assert "argument NAME: must be 1 to 128 printable characters" in message


class TestAddCredit:
    def test_credit_is_added_by_name_or_id_with_the_note(self, run, acme):
        assert (
            run("add_credit", "acme", "10", "--note", "invoice 7", "--json")["balance"] == "10.00"
        )
        assert run("add_credit", acme.pk, "0.01", "--json")["balance"] == "10.01"
        entry = CreditEntry.objects.get(account=acme.pk, entry=1)
        assert (entry.note, entry.actor, entry.kind) == (
            "invoice 7",
            "command:add_credit",
            "top_up",
        )

    def test_unknown_organization_is_named_with_the_remedy(self, db, refused):
        message, code = refused("add_credit", "Missing", "10")
        assert message == (
            "argument ORGANIZATION: no organization has the id or name 'Missing': "
            "create_organization creates one"
        )
        assert code == 1

    @pytest.mark.parametrize("amount", ["0", "0.00", "0.001", "ten", "1000000000.00"])
    def test_invalid_amount_is_refused(self, acme, refused, amount):
        assert "argument AMOUNT" in refused("add_credit", "Acme", amount)[0]
        assert not CreditEntry.objects.exists()


class TestCreateApiKey:
    def test_secret_is_printed_once_and_only_its_digest_is_stored(self, run, acme):
        answer = run(
            "create_api_key", "--organization", "acme", "--scopes", "numbers:write,numbers:read",
            "--label", "ci", "--json",
        )  # fmt: skip
        key = ApiKey.objects.get(pk=answer["id"])
        assert answer["plaintext"].startswith("am_live_")
        assert is_well_formed(answer["plaintext"])
        assert key.digest == digest(answer["plaintext"])
        assert (key.organization, key.label, key.scopes) == (
            acme,
            "ci",
            ["numbers:write", "numbers:read"],
        )
        assert key.expires_at is None
        event = Event.objects.get(subject_id=key.pk)
        assert event.actor == "command:create_api_key"
        assert answer["plaintext"] not in str(event.after)

    def test_every_scope_of_the_contract_can_be_given(self, run, acme):
        answer = run(
            "create_api_key",
            "--organization",
            acme.pk,
            "--scopes",
            ",".join(ORGANIZATION_SCOPES),
            "--json",
        )
        assert answer["scopes"] == [
            *("numbers:read", "numbers:write", "campaigns:read", "campaigns:write"),
            *("brands:read", "brands:write", "apikeys:read", "apikeys:write", "credit:read"),
            *("events:read", "webhooks:read", "webhooks:write", "audit:read"),
            "platform:inventory:write",
        ]

    def test_sandbox_gets_a_test_key(self, run, db):
        Organization.objects.create(name="Play", is_sandbox=True)
        assert run(
            "create_api_key", "--organization", "Play", "--scopes", "numbers:read"
        ).startswith("am_test_")

    def test_key_expires_at_the_given_time(self, run, acme):
        answer = run(
            "create_api_key",
            "--organization",
            "Acme",
            "--scopes",
            "numbers:read",
            "--expires-in-days",
            "3",
            "--json",
        )
        key = ApiKey.objects.get(pk=answer["id"])
        assert abs(key.expires_at - (timezone.now() + timedelta(days=3))) < timedelta(minutes=5)

    @pytest.mark.parametrize(
        ("scopes", "why"),
        [
            ("numbers:rite", "numbers:rite is not a scope; known: numbers:read"),
            ("numbers:read,numbers:read", "repeats numbers:read"),
            (",", "give at least one of numbers:read"),
        ],
    )
    def test_bad_scopes_are_named_with_the_known_ones(self, refused, acme, scopes, why):
        message, code = refused("create_api_key", "--organization", "Acme", "--scopes", scopes)
        assert message.startswith("argument --scopes: ")
        assert why in message
        assert code == 1
        assert not ApiKey.objects.exists()

    @pytest.mark.parametrize("days", ["0", "-1", "1.5", "x", "99999"])
    def test_invalid_days_are_refused(self, refused, acme, days):
        message, _ = refused(
            "create_api_key",
            "--organization",
            "Acme",
            "--scopes",
            "numbers:read",
            f"--expires-in-days={days}",
        )
        assert "argument --expires-in-days" in message

    def test_unknown_organization_is_refused(self, refused, db):
        assert (
            "argument --organization"
            in refused("create_api_key", "--organization", "x", "--scopes", "a")[0]
        )


class TestCreateCampaign:
    def test_campaign_has_its_own_brand_unless_one_is_named(self, run, acme):
        options = ("create_campaign", "--organization", "Acme", "--status", "ACTIVE")
        verified = ("--brand-identity-status", "VERIFIED", "--json")
        first, second = run(*options, *verified), run(*options, *verified)
        assert first["brand_id"] != second["brand_id"]
        campaign = Campaign.objects.get(pk=first["id"])
        assert (campaign.status, campaign.brand.identity_status) == ("ACTIVE", "VERIFIED")
        assert campaign.brand.organization == acme

    def test_named_brand_is_created_once_and_shared(self, run, acme):
        options = ("create_campaign", "--organization", "Acme", "--brand", "Acme Care", "--json")
        first = run(*options, "--brand-identity-status", "VETTED_VERIFIED")
        second = run(*options)
        assert first["brand_id"] == second["brand_id"]
        assert Brand.objects.get().identity_status == "VETTED_VERIFIED"
        assert second["status"] == "PENDING"

    def test_shared_brand_is_not_changed(self, run, refused, acme):
        options = ("create_campaign", "--organization", "Acme", "--brand", "Acme Care")
        run(*options, "--brand-identity-status", "VERIFIED")
        message, code = refused(*options, "--brand-identity-status", "UNVERIFIED")
        assert message.startswith("argument --brand-identity-status: brand 'Acme Care' is VERIFIED")
        assert code == 1
        assert Campaign.objects.count() == 1

    def test_campaign_and_brand_record_their_creator(self, run, acme):
        answer = run("create_campaign", "--organization", "Acme", "--status", "ACTIVE", "--json")
        events = {event.subject_id: event for event in Event.objects.all()}
        assert {str(subject) for subject in events} == {answer["id"], answer["brand_id"]}
        assert {event.actor for event in events.values()} == {"command:create_campaign"}
        assert len({event.request_id for event in events.values()}) == 1

    def test_rejected_campaign_needs_a_reason(self, run, refused, acme):
        options = ("create_campaign", "--organization", "Acme", "--status", "REJECTED")
        assert refused(*options)[0].startswith("argument --reason: is required")
        assert run(*options, "--reason", "no opt-in", "--json")["status"] == "REJECTED"

    @pytest.mark.parametrize("option", ["--status", "--brand-identity-status"])
    def test_unknown_status_is_refused_with_the_known_ones(self, refused, acme, option):
        message, _ = refused("create_campaign", "--organization", "Acme", option, "GREAT")
        assert f"argument {option}: 'GREAT' is not one of " in message


class TestTheCommandLine:
    """What only a process of its own can show."""

    def manage(self, *arguments, **environment):
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env={**_plain_environment(), **environment}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    @pytest.mark.parametrize(
        "command", ["create_organization", "add_credit", "create_api_key", "create_campaign"]
    )
    def test_help_describes_the_command_without_a_database(self, command):
        done = self.manage(
            command, "--help", DATABASE_URL="postgresql://anyone@127.0.0.1:1/none", **PRODUCTION
        )
        assert done.returncode == 0
        assert "--json" in done.stdout
        assert done.stderr == ""

    def test_wrong_command_line_is_one_line_and_exit_code_2(self):
        done = self.manage(
            "add_credit", "acme", "ten", DATABASE_URL="postgresql://x@127.0.0.1:1/x", **PRODUCTION
        )
        assert done.returncode == 2
        assert done.stdout == ""
        assert (
            done.stderr
            == "manage.py add_credit: error: argument AMOUNT: 'ten' is not an amount such as 100.00\n"
        )

    def test_unreachable_database_is_one_line_and_exit_code_1(self):
        done = self.manage(
            "create_organization",
            "Acme",
            "--json",
            DATABASE_URL="postgresql://x@127.0.0.1:1/x",
            **PRODUCTION,
        )
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert "the database can't be reached" in done.stderr
        assert "DATABASE_URL" in done.stderr


PRODUCTION = {"PRODUCTION": "true", "SECRET_KEY": "s" * 60, "ALLOWED_HOSTS": "desk.example"}


def _plain_environment():
    dropped = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", *PRODUCTION)
    return {name: value for name, value in os.environ.items() if name not in dropped}


class TestCallCommand:
    """The same commands from Python, where argparse does not look at keyword arguments."""

    def test_keyword_arguments_get_their_types(self, acme, capsys):
        call_command("create_organization", "Beta", credit="5", json=True)
        assert json.loads(capsys.readouterr().out)["balance"] == "5.00"
        call_command(
            "create_api_key", organization="Acme", scopes="numbers:read,credit:read", json=True
        )
        assert json.loads(capsys.readouterr().out)["scopes"] == ["numbers:read", "credit:read"]

    def test_keyword_arguments_are_refused_like_words(self, db):
        with pytest.raises(CommandError, match="argument --credit: -5 must be from") as refusal:
            call_command("create_organization", "Beta", credit=-5)
        assert refusal.value.returncode == 2

    def test_database_error_is_reported_in_one_line(self, db, monkeypatch):
        def fail(**options):
            raise OperationalError("server closed the connection\nunexpectedly")

        monkeypatch.setattr("numbers.management.commands.create_organization.onboard", fail)
        with pytest.raises(CommandError) as refusal:
            call_command("create_organization", "Beta")
        assert "can't be reached or is busy" in str(refusal.value)
        assert "\n" not in str(refusal.value)

    def test_interrupt_is_reported_and_exits_with_130(self, db, monkeypatch):
        def fail(**options):
            raise KeyboardInterrupt

        monkeypatch.setattr("numbers.management.commands.create_organization.onboard", fail)
        with pytest.raises(CommandError, match="interrupted") as refusal:
            call_command("create_organization", "Beta")
        assert refusal.value.returncode == 130
