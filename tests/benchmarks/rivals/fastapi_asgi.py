import django

import config  # noqa: F401  makes the `numbers` app importable

django.setup()  # the desk's modules, whose SQL and rules the app uses, declare models

from tests.benchmarks.rivals.fastapi_app import app  # noqa: E402

__all__ = ["app"]
