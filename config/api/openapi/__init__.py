"""The OpenAPI document, made of what the views declare.

- ``generator``: drf-spectacular's generator.
- ``declare``: ``@endpoint``.
- ``schemas``: JSON Schema of declared types.
- ``operations``: one endpoint's description.
- ``shapes``: components and references.
- ``errors``: error responses.
- ``headers``: response headers.
- ``sharing``: what many operations have, as components.
- ``parts``: one tag's operations.
- ``texts``: prose of the document.
- ``views``: serving it.
- ``idempotency``: what Idempotency-Key adds.
"""
