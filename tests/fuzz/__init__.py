"""Input that nobody sends on purpose, at every parser of the API. ``python -m tests.fuzz`` goes on for long."""
