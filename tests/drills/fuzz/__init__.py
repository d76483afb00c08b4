"""Random input for every parser of the API. ``python -m tests.drills.fuzz`` runs for long."""
