"""Stock batches: how numbers came into stock."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from config.db.fields import CreatedAt, id_column, one_of
from numbers.models.fields import ACTOR


class StockBatchSource(models.TextChoices):
    SEED = "seed"
    IMPORT = "import"
    OPERATOR = "operator"


_WORDS: dict[str, str] = {
    StockBatchSource.SEED: "Random numbers",
    StockBatchSource.IMPORT: "Import",
    StockBatchSource.OPERATOR: "Added by name",
}


class StockBatch(models.Model):
    """How numbers came into stock: the event of their creation, recorded once for all of them."""

    Source = StockBatchSource

    id = id_column()
    source = models.CharField(max_length=16, choices=Source)
    actor = models.CharField(max_length=128)
    request_id = models.CharField(max_length=26)
    note = models.CharField(max_length=256, blank=True, default="")
    created_at = CreatedAt()

    class Meta:
        verbose_name_plural = "stock batches"
        ordering = ["-id"]
        indexes = [GinIndex(OpClass(Upper("note"), name="gin_trgm_ops"), name="batch_note_part")]
        constraints = [
            one_of("source", StockBatchSource, name="batch_source_known"),
            models.CheckConstraint(condition=Q(actor__regex=ACTOR), name="batch_actor_named"),
        ]

    def __str__(self) -> str:
        kind, _, name = self.actor.partition(":")
        actor = name if kind == "operator" else self.actor
        return f"{_WORDS[self.source]} by {actor}, {self.created_at:%Y-%m-%d %H:%M} UTC"
