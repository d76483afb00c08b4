"""Where each number's messages go, for the operator's gateways.

A gateway starts from the snapshot, then follows the changes. It may also look a number up. What a
route shows is rendered by PostgreSQL, in the same way for all three (docs/adr/0013-routes.md).

- ``route``: what a route shows, in SQL and as a type.
- ``look_up``: one number's route.
- ``changes``: routes as they change, from the feed of events.
- ``snapshot``: all routes at one instant.
"""
