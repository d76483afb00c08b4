"""Input that nobody sends on purpose, at every parser of the API. ``python -m tests.drills.fuzz`` goes on for long."""
