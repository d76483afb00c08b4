"""A customer's numbers.

- ``queries``: own numbers.
- ``release``: giving back, retiring.
- ``routing``: where messages go.
- ``rerouting``: changing that.
- ``webhook_urls``: which URLs are allowed.
- ``events``: a number's history.
"""
