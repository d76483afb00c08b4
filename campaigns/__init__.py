"""Organizations, their brands and campaigns, and the history of what is not a number.

- ``models``: organizations, brands, campaigns, their history, the outbox of the feed.
- ``eligibility``: the rule whether numbers can be ordered or routed for a campaign.
- ``registration``: creating organizations, brands and campaigns, and renaming.
- ``registry``: what customers submit, and which status may follow which.
- ``review``: decisions on brands and campaigns; suspension of an organization.
- ``names``: what a name may be.
- ``history``: recording a change, and the event that a customer gets of it.
- ``event_types``: the types of events.
- ``outbox``: writing an event.
- ``last_write``: an organization's last transaction, for reads from a replica.
- ``api``: brands and campaigns over HTTP.
- ``types``: their JSON.
- ``urls``: their paths.
- ``admin``: their pages.
- ``admin_filters``: filters by organization.
- ``apps``: the app, and what it registers.
- ``management``: commands that create them, and one that shows a tax id.
- ``migrations``: the tables.
"""
