"""The figures of the desk's home page that are too costly to count while an operator waits."""

from django.db import models


class DeskFigures(models.Model):
    """One panel's figures, as they were at ``as_of``; numbers.reports.dashboard can recount them at any time."""

    name = models.CharField(max_length=32, primary_key=True)
    as_of = models.DateTimeField()
    data = models.JSONField()

    class Meta:
        verbose_name_plural = "desk figures"

    def __str__(self) -> str:
        return self.name
