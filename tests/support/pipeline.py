"""What only holds with the pipeline, and not with its fallback, ``DATABASE_PREPARE=off``."""

import pytest
from django.conf import settings

needs_pipeline = pytest.mark.skipif(
    not settings.DATABASE_PREPARE,
    reason="with DATABASE_PREPARE=off there is no pipeline to look at",
)
