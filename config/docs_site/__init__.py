"""The pages under ``/docs``.

- ``urls``: paths.
- ``views``: pages.
- ``guides``: docs/guides as pages.
- ``markdown``: Markdown to HTML.
- ``reference``: the API reference.
- ``code_samples``: calls in three languages.
- ``typescript``: types of an operation.
"""
