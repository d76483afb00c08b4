"""Figures.

- ``dashboard``: panels of the home page.
- ``dashboard_job``: counting them.
- ``unmet_demand``: what was asked for and missing.
- ``metrics``: metrics of the stock.
"""
