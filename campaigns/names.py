"""The one rule for the names of organizations, brands and campaigns.

``read_name`` applies it to every name that comes in. ``name_rule`` is the same rule as a CHECK.
tests/campaigns/test_names.py compares the two.
"""

import argparse
import re
import unicodedata
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q

from config.db.fields import JudgedText
from config.errors import ValidationFailed

LONGEST_NAME = 128

# Python and PostgreSQL read these patterns alike. Invisible characters would make two names look
# the same. A change of direction would show another name than the stored one. Joiners are allowed,
# because Persian names and emoji need them.
UNSEEN = (
    r"[\u0001-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180e\u2000-\u200b\u200e\u200f"
    r"\u2028-\u202e\u205f-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_SPACES = r"\u0020\u00a0\u202f\u3000"
_VISIBLE = rf"[^{_SPACES}\u0300-\u036f\u200c\u200d\ufe00-\ufe0f]"
_EDGE = rf"^[{_SPACES}]|[{_SPACES}]$"
_ID = r"^[0-9A-Fa-f]{8}-?([0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}$"


def read_name(text: str) -> str:
    """Return the name, stripped and in Unicode's composed form. Raise ValueError if it is bad."""
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= LONGEST_NAME or not re.search(_VISIBLE, name):
        raise ValueError(f"must be 1 to {LONGEST_NAME} printable characters")
    if unseen := re.search(rf"{UNSEEN}|[\x00\ud800-\udfff]", name):
        raise ValueError(
            f"must be 1 to {LONGEST_NAME} printable characters: U+{ord(unseen[0]):04X} is invisible, leave it out"
        )
    if as_id(name):
        raise ValueError("must not be an id: choose a name that can't be taken for one")
    return name


def require_name(field: str, text: str) -> str:
    """Return the name. Raise ValidationFailed naming this field if it is bad."""
    try:
        return read_name(text)
    except ValueError as problem:
        raise ValidationFailed(details={field: str(problem)}) from None


def name_argument(text: str) -> str:
    """Return the name, as an argparse type."""
    try:
        return read_name(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def as_id(text: str) -> UUID | None:
    """Return the id if the text is one, in one of the two forms that no name may have."""
    return UUID(text) if re.fullmatch(_ID, text, re.ASCII) else None


def name_rule(*, name: str) -> models.CheckConstraint:
    """Return the CHECK for a column ``name``."""
    condition = (
        Q(name__regex=_VISIBLE)
        & ~Q(name__regex=UNSEEN)
        & ~Q(name__regex=_EDGE)
        & ~Q(name__regex=_ID)
    )
    return models.CheckConstraint(condition=condition, name=name)


class NameField(JudgedText):
    """A name column. Its form fields follow the rule."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": LONGEST_NAME, **options})

    def judge(self, text: str, row: Any) -> str:
        try:
            return read_name(text)
        except ValueError as problem:
            raise ValueError(f"A name {problem}.") from None
