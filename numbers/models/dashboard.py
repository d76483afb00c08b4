"""Figures of the admin's home page that are too costly to count in a request."""

from django.db import models


class DeskFigures(models.Model):
    """The figures of one panel, counted at ``as_of`` by numbers.reports.dashboard."""

    name = models.CharField(max_length=32, primary_key=True)
    as_of = models.DateTimeField()
    data = models.JSONField()

    class Meta:
        verbose_name_plural = "desk figures"

    def __str__(self) -> str:
        return self.name
