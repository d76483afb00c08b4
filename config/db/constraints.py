"""Which constraint refused a statement."""


def constraint_of(error: BaseException) -> str | None:
    """Return the name of the constraint that refused a statement, or None."""
    diagnostics = getattr(error.__cause__, "diag", None)
    name: str | None = getattr(diagnostics, "constraint_name", None)
    return name
