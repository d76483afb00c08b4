"""What the admin itself has to remember: the forms that it has carried out."""

from django.db import models

from config.columns import CreatedAt, not_blank


class SubmittedForm(models.Model):
    """A form that was carried out, by the token of its page: in the transaction of what it did.

    The primary key is the promise that nothing is done twice: a second post of the same page waits for the
    first one's transaction here, and then finds this row.
    """

    token = models.UUIDField(primary_key=True)
    actor = models.CharField(max_length=128)
    path = models.CharField(max_length=512)
    # Where the first post led, and what it said.
    location = models.CharField(max_length=1024, blank=True, default="")
    message = models.CharField(max_length=1024, blank=True, default="")
    # Of who sent what from which page: the same from another tab is asked about. Empty where that does no harm.
    digest = models.CharField(max_length=64, blank=True, default="", db_index=True)
    created_at = CreatedAt(db_index=True)

    class Meta:
        constraints = [not_blank("actor", name="submitted_form_actor_named")]

    def __str__(self) -> str:
        return str(self.token)


class SignInWindow(models.Model):
    """Attempts to sign in of one scope in the current minute; unlogged, since a crash may forget them."""

    scope = models.CharField(primary_key=True, max_length=64)
    window_start = models.DateTimeField()
    used = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.scope} {self.used}"
