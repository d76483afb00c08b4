"""What registries such as The Campaign Registry ask for, and the states that they decide on.

- ``terms``: verticals, use cases and lengths; what a whole submission has.
- ``columns``: columns and constraints of what is submitted.
- ``states``: which status may follow which.
- ``tax_ids``: seals and masks tax ids.
- ``show_tax_id``: a whole tax id, for operators.
- ``fields``: the requests of customers, each field with its rule.
- ``submit``: submits brands and campaigns, and again after a rejection.
- ``sandbox``: decides submissions in a sandbox by a marker.
- ``check``: what is wrong with a campaign, without submitting it.
- ``reasons``: why a brand or campaign was rejected.
- ``responses``: the responses to submissions, and their description.
- ``admin_reviews``: decisions of operators, on pages of the admin.
"""
