"""Figures and metrics of the stock and its demand.

- ``dashboard``: panels of the home page.
- ``dashboard_job``: counting them in a job.
- ``refusals``: refused requests.
- ``unmet_demand``: what was asked for and not available.
- ``metrics``: metrics of the stock.
- ``audit_log``: who did what.
- ``rent``: what rent brings, what falls due, what is not paid.
- ``webhooks``: metrics of webhooks.
"""
