"""``/v1/phone-numbers``: the numbers that an organization owns.

- ``numbers``: the list.
- ``number_detail``: one: read, route, release.
- ``number_campaign``: its campaign.
- ``billing``: what it costs each month.
- ``number_lock``: its lock against release.
- ``undo_release``: getting a released one back.
- ``bulk_release``: releasing several.
"""
