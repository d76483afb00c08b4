"""Counts with their noun, as pages, messages and notes write them."""


def counted(count: int, noun: str) -> str:
    """Return the count with its noun: "1 order", "2,000 orders"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
