"""Refuse uploads that are too large by their declared length, before writing them to disk."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

_ENVELOPE = 65_536  # for the other fields of the form


class BoundedUpload(FileUploadHandler):
    """The first of settings.FILE_UPLOAD_HANDLERS. The others store the file."""

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: Any = None
    ) -> None:
        if content_length > settings.IMPORT_MAX_BYTES + _ENVELOPE:
            raise RequestDataTooBig("the upload is larger than IMPORT_MAX_BYTES")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
