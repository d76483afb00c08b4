"""The OpenAPI document, made of what the views declare.

- ``generator``: drf-spectacular's generator.
- ``declare``: ``@endpoint`` and JSON Schema of types.
- ``operations``: one endpoint's description.
- ``shapes``: components and references.
- ``errors``: error responses.
- ``headers``: response headers.
- ``lists``: descriptions of lists.
- ``texts``: prose of the document.
- ``views``: serving it.
- ``idempotency``: what Idempotency-Key adds.
"""
