"""The pages under ``/docs``.

- ``urls``: paths.
- ``views``: pages.
- ``guides``: docs/guides as pages.
- ``markdown``: Markdown to HTML.
- ``openapi_reader``: references and types of the document.
- ``reference``: the API reference.
- ``plain_text``: llms.txt, and operations as Markdown.
- ``code_samples``: calls in three languages.
- ``typescript``: types of an operation.
"""
