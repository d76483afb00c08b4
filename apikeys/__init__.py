"""API keys: what they may do, and how a request proves that it has one.

- ``models``: keys, their budgets, windows of rate limits.
- ``key_format``: the form of a secret, its prefix and digest.
- ``scopes``: what a key may do.
- ``authentication``: from the header to a caller.
- ``permissions``: the scope that a view requires.
- ``failed_attempts``: limits for those who guess keys.
- ``rate_limits``: requests of a minute.
- ``limits``: what a key may spend.
- ``lifecycle``: issuing, changing, rotating and revoking a key.
- ``self_service``: the same for a caller, who hands on no more than its own key has.
- ``api``: keys over HTTP.
- ``types``: their requests and their JSON.
- ``urls``: their paths.
- ``admin``: their page.
- ``checks``: checks of settings.
- ``apps``: the app.
- ``management``: the command that creates a key.
- ``migrations``: the tables.
"""
