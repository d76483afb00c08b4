"""Seed the requests that schemathesis generates: fixed, or by the round of ``make fuzz``."""

import os

SEED = int(os.environ.get("FUZZ_SEED", "0"))
