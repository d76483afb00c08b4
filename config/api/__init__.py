"""What every endpoint shares.

- ``views``: base views.
- ``declared``: requests as typed classes.
- ``parse_values``: forms of values.
- ``json_body``: JSON bodies.
- ``envelope``: the one shape of responses.
- ``pagination``: lists by cursor.
- ``lines``: streamed lines of JSON.
- ``converters``: ids in paths.
- ``openapi``: the OpenAPI document.
- ``health``: ``/healthz`` and ``/readyz``.
- ``field_kinds``: kinds of declared fields.
- ``idempotency``: retries that get the first response.
"""
