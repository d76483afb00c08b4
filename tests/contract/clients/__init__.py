"""Clients made from the published description by other people's generators, run against a served desk."""
