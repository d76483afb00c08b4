"""Which requests schemathesis makes up: the same each time, or those of a round of ``make fuzz``."""

import os

SEED = int(os.environ.get("FUZZ_SEED", "0"))
