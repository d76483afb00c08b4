"""Which status may follow which: the rows of the table campaigns_statustransition (migration 0010).

Triggers refuse any other change. The table has no model, since only migrations write it;
tests/campaigns/registry/test_states.py holds the two against each other.
"""

from collections.abc import Mapping
from enum import StrEnum

from campaigns.models import BrandIdentityStatus, BrandStatus, CampaignStatus
from config.errors import Contradiction


class StateMachine(StrEnum):
    """A column whose changes the table allows, with its name in errors."""

    label: str

    def __new__(cls, value: str, label: str) -> "StateMachine":
        machine = str.__new__(cls, value)
        machine._value_, machine.label = value, label
        return machine

    BRAND = "brand", "status of the brand"
    IDENTITY = "identity", "identity status of the brand"
    CAMPAIGN = "campaign", "status of the campaign"


Table = Mapping[str | None, tuple[str | None, ...]]

_BRAND: Table = {
    BrandStatus.PENDING: (BrandStatus.ACTIVE, BrandStatus.DELETED),
    BrandStatus.ACTIVE: (BrandStatus.PENDING, BrandStatus.DELETED),
    BrandStatus.DELETED: (BrandStatus.ACTIVE,),
}
_FOUND = (
    BrandIdentityStatus.UNVERIFIED,
    BrandIdentityStatus.VERIFIED,
    BrandIdentityStatus.VETTED_VERIFIED,
)
# A brand declares itself once; after that the registry finds. None: it has not said anything yet.
_IDENTITY: Table = {
    None: (BrandIdentityStatus.SELF_DECLARED, *_FOUND),
    BrandIdentityStatus.SELF_DECLARED: (None, *_FOUND),
    **{one: (None, *(other for other in _FOUND if other != one)) for one in _FOUND},
}
_CAMPAIGN: Table = {
    CampaignStatus.PENDING: (CampaignStatus.ACTIVE, CampaignStatus.REJECTED),
    CampaignStatus.ACTIVE: (CampaignStatus.REJECTED, CampaignStatus.EXPIRED),
    CampaignStatus.REJECTED: (CampaignStatus.ACTIVE, CampaignStatus.PENDING),
    CampaignStatus.EXPIRED: (CampaignStatus.ACTIVE,),
}
TRANSITIONS: frozenset[tuple[str, str, str]] = frozenset(
    (machine.value, before or "", after or "")
    for machine, table in (
        (StateMachine.BRAND, _BRAND),
        (StateMachine.IDENTITY, _IDENTITY),
        (StateMachine.CAMPAIGN, _CAMPAIGN),
    )
    for before, those in table.items()
    for after in those
)


class StatusConflict(Contradiction):
    """The state table does not allow this change."""


def may_become(machine: StateMachine, before: str | None, after: str | None) -> bool:
    """Return whether the state table allows this change, or there is none."""
    return before == after or (machine.value, before or "", after or "") in TRANSITIONS


def origins(machine: StateMachine, after: str) -> tuple[str, ...]:
    """Return the statuses that may become ``after``."""
    return tuple(sorted(one for which, one, to in TRANSITIONS if (which, to) == (machine, after)))


def require_transition(machine: StateMachine, before: str | None, after: str | None) -> None:
    """Raise StatusConflict unless the state table allows this change."""
    if not may_become(machine, before, after):
        possible = sorted(
            to or "null"
            for which, one, to in TRANSITIONS
            if (which, one) == (machine, before or "")
        )
        raise StatusConflict(
            f"the {machine.label} is {before or 'null'}: it can become {', '.join(possible)}, "
            f"not {after or 'null'}"
        )
