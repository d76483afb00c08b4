"""Clients generated from the description by third-party tools, run against a served desk."""
