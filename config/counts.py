"""Counts with their noun and amounts, as pages, messages and notes write them."""

from decimal import Decimal


def counted(count: int, noun: str) -> str:
    """Return the count with its noun: "1 order", "2,000 orders"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def money(amount: Decimal | str | int, currency: str = "") -> str:
    """Return the amount as people read it: "10,057.25", or "10,057.25 USD"."""
    return f"{Decimal(amount):,.2f} {currency}".rstrip()
