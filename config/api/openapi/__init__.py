"""The OpenAPI description of the API: what views say about themselves, made into one document.

shapes      JSON Schema, in the words that our answers need
operations  what one endpoint says about itself: ``@described(Operation(…))`` on a view's method
refusals    every error answer, with its headers, made of the exception that causes it
schema      drf-spectacular's generator, which puts these together with the URLs and scopes
serving     ``/v1/openapi.json`` and ``/v1/types.ts``
"""
