"""Ids in paths."""

from django.urls.converters import UUIDConverter


class IdConverter(UUIDConverter):
    """A UUID in capitals or small letters: programs that read it as one may write it either way (RFC 9562)."""

    regex = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
