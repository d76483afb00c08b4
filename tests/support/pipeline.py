"""The mark of tests of the pipeline itself, skipped with its fallback, ``DATABASE_PREPARE=off``."""

import pytest
from django.conf import settings

needs_pipeline = pytest.mark.skipif(
    not settings.DATABASE_PREPARE,
    reason="needs the pipeline: with DATABASE_PREPARE=off nothing is prepared or sent together",
)
