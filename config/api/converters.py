"""Ids and phone numbers in paths."""

from uuid import UUID

from django.urls.converters import UUIDConverter


class IdConverter(UUIDConverter):
    """A UUID in upper or lower case, because programs may write it either way (RFC 9562)."""

    regex = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


class NumberConverter(IdConverter):
    """A phone number of an organization, by its id there or in E.164."""

    regex = rf"(?:{IdConverter.regex}|\+[1-9][0-9]{{1,14}})"

    def to_python(self, value: str) -> UUID | str:  # type: ignore[override]
        return value if value.startswith("+") else super().to_python(value)

    def to_url(self, value: object) -> str:
        return str(value)
