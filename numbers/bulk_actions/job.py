"""A deed on many numbers, as a job: chosen first, previewed, then done a batch at a time.

The numbers are chosen once, so that what was previewed is what is done, however the list that they were
chosen from changes meanwhile, which it does by the deed itself.
"""

from array import array
from collections.abc import Sequence
from decimal import Decimal
from time import monotonic
from typing import Any, NamedTuple

import psycopg
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Max, QuerySet

from config.actors import Actor
from config.db.connections import drop_if_dead
from config.errors import ApiError, ValidationFailed, is_unavailable, sqlstate_of
from numbers.bulk_actions.actions import DEEDS, Deed, Order, Outcomes
from numbers.models import Job, JobInput, JobOutcome, PhoneNumber, WorkerQueue
from numbers.worker.failures import in_words, record_failure
from numbers.worker.jobs import ItemsFailed, Running, Stopped, does, queue

KIND = "deed"
MOST_CHOSEN = 1_000_000
_PIECE = 100_000  # ids in one row
# A preview looks at the chosen numbers a few at a time, and no longer than this unless it is asked to.
LOOK_SECONDS = 0.12
_LOOKED_AT_ONCE = 20_000


def choose(queryset: QuerySet[PhoneNumber], *, deed: Deed, actor: Actor) -> Job:
    """A draft of this deed on these numbers. Raises ValidationFailed for none, and for more than a million."""
    with transaction.atomic():  # behind a pooler a cursor lives only as long as its transaction
        ids = array("q", queryset.order_by("pk").values_list("pk", flat=True)[: MOST_CHOSEN + 1].iterator(_PIECE))
    if not ids:
        raise ValidationFailed(details={"numbers": "none is chosen"})
    if len(ids) > MOST_CHOSEN:
        raise ValidationFailed(details={"numbers": f"more than {MOST_CHOSEN:,} are chosen: narrow the list"})
    return _draft(ids, deed=deed, actor=actor, values={})


def _draft(ids: "array[int]", *, deed: Deed, actor: Actor, values: dict[str, Any], reason: str = "") -> Job:
    with transaction.atomic():
        job = Job.objects.create(
            kind=KIND,
            title=f"{deed.label}: {len(ids):,} numbers",
            actor=str(actor),
            request_id=actor.request_id,
            parameters={"deed": deed.name, "values": values, "reason": reason},
            total=len(ids),
        )
        JobInput.objects.bulk_create(
            JobInput(job=job, position=start, data=ids[start : start + _PIECE].tobytes())
            for start in range(0, len(ids), _PIECE)
        )
    return job


def chosen(job: Job) -> "array[int]":
    """The ids of its numbers, in their order."""
    ids = array("q")
    for piece in job.inputs.order_by("position"):
        ids.frombytes(bytes(piece.data))
    return ids


class Share(NamedTuple):
    """The chosen numbers that are in one state now."""

    state: str
    numbers: int
    price: Decimal


# As numbers.admin.filters has the states, in one look at all that are chosen.
_SHARES = """
    SELECT CASE WHEN status = 'available' AND held_until > now() THEN 'held'
                WHEN status = 'quarantined' AND quarantined_until <= now() THEN 'available'
                ELSE status END AS state, count(*), sum(price)
    FROM numbers_phonenumber WHERE id = ANY(%s) GROUP BY 1
"""


def shares(job: Job, *, all_of_them: bool) -> tuple[list[Share], int]:
    """What the chosen numbers are now, for the preview; and of how many of them that is told."""
    ids, looked_at = chosen(job), 0
    end = monotonic() + LOOK_SECONDS
    found: dict[str, Share] = {}
    with connection.cursor() as cursor:
        while looked_at < len(ids) and (all_of_them or not looked_at or monotonic() < end):
            piece = ids[looked_at : looked_at + _LOOKED_AT_ONCE].tolist()
            cursor.execute(_SHARES, [piece])
            for state, numbers, price in cursor.fetchall():
                before = found.get(state, Share(state, 0, Decimal(0)))
                found[state] = Share(state, before.numbers + numbers, before.price + price)
            looked_at += len(piece)
    return sorted(found.values()), looked_at


def begin(job: Job, *, values: dict[str, Any], reason: str, actor: Actor) -> None:
    """Let a draft run, as the operator has filled it in. Raises ValidationFailed where it is no draft any more."""
    parameters = {**job.parameters, "values": values, "reason": reason}
    changes = {"parameters": parameters, "actor": str(actor), "request_id": actor.request_id}
    if not Job.objects.filter(pk=job.pk, status=Job.Status.DRAFT).update(**changes):
        raise ValidationFailed(details={"job": "has begun already"})
    queue(job.pk)


@does(KIND)
def do_deed(running: Running) -> dict[str, Any]:
    """Apply the action to the remaining numbers, then again to those that failed in earlier attempts.

    Raise ItemsFailed if some numbers failed for an unforeseen reason.
    """
    job = running.job
    deed = DEEDS[job.parameters["deed"]]
    order = Order(running.actor, job.parameters["reason"], job.parameters["values"])
    ids = chosen(job)
    failed_before = list(_failed(job).values_list("position", flat=True))
    start = job.outcomes.aggregate(last=Max("position"))["last"] or 0
    # The last batch of the attempt before may be done without its outcomes being stored.
    again = job.attempts > 1
    for begin in range(start, len(ids), deed.batch):
        batch = ids[begin : begin + deed.batch].tolist()
        try:
            running.progress(deed.doing, begin, len(ids))
            outcomes = _do_each(deed, batch, order, running, again=again)
        except Stopped:
            _leave(ids[begin:], deed, running)
            raise
        _tell(running, begin, batch, outcomes)
        again = False
    running.progress(deed.doing, len(ids), len(ids))
    for position in failed_before:
        _repeat(deed, order, running, position, ids[position - 1])
    counts = outcome_counts(job)
    if failed := _failed(job).count():
        raise ItemsFailed(f"{failed:,} number{'' if failed == 1 else 's'} failed", counts)
    return counts


FAILED = "failed: "
# A lock or a statement that takes too long concerns these numbers; the job need not wait for them.
_BUSY = ("55P03", "57014", "40001", "40P01")


def _failed(job: Job) -> "QuerySet[JobOutcome]":
    return job.outcomes.filter(outcome__startswith=FAILED)


def _do_each(deed: Deed, batch: list[int], order: Order, running: Running, *, again: bool) -> Outcomes:
    """Do a batch. If it fails for an unforeseen reason, do its halves, down to the numbers that are the cause."""
    try:
        return deed.do_again(batch, order) if again else deed.do(batch, order)
    except ApiError:  # foreseen, and true of the whole job
        raise
    except Exception as error:
        drop_if_dead()
        busy = sqlstate_of(error) in _BUSY and not running.is_stopping()
        is_of_database = isinstance(error, DatabaseError | InterfaceError | psycopg.Error)
        if is_of_database and is_unavailable(error) and not busy:
            raise
        if len(batch) == 1:
            if not busy:
                record_failure(WorkerQueue.BULK_ACTIONS, f"{running.job.pk} number {batch[0]}", error)
            return {batch[0]: FAILED + in_words(error)}
    running.progress(running.told["doing"], running.told["progress"], running.told["total"])
    middle = len(batch) // 2
    outcomes = _do_each(deed, batch[:middle], order, running, again=True)
    return outcomes | _do_each(deed, batch[middle:], order, running, again=True)


def _repeat(deed: Deed, order: Order, running: Running, position: int, number_id: int) -> None:
    running.progress(deed.doing, running.told["progress"], running.told["total"])
    outcome = _do_each(deed, [number_id], order, running, again=True)[number_id]
    if running.mine().exists():
        running.job.outcomes.filter(position=position).update(outcome=outcome[:512])


def _tell(running: Running, start: int, batch: Sequence[int], outcomes: Outcomes) -> None:
    numbers = dict(PhoneNumber.objects.filter(pk__in=batch).values_list("pk", "number"))
    with transaction.atomic():
        if not running.mine().select_for_update(no_key=True).exists():
            return  # another worker has it, and records
        JobOutcome.objects.bulk_create(
            JobOutcome(
                job=running.job,
                position=start + place,
                subject=numbers[number_id].encode(),
                outcome=outcomes[number_id][:512],
            )
            for place, number_id in enumerate(batch, start=1)
        )


def _leave(ids: "array[int]", deed: Deed, running: Running) -> None:
    """What a stopped job has not done becomes a draft, so that it can be gone on with."""
    parameters = running.job.parameters
    rest = _draft(ids, deed=deed, actor=running.actor, values=parameters["values"], reason=parameters["reason"])
    running.job.parameters = {**parameters, "rest": str(rest.pk)}
    running.job.save(update_fields=["parameters"])


# By the first word: "refused: it is not available to this organization".
_COUNTS = """
    SELECT split_part(outcome, ':', 1), count(*) FROM numbers_joboutcome WHERE job_id = %s GROUP BY 1 ORDER BY 2 DESC, 1
"""


def outcome_counts(job: Job) -> dict[str, int]:
    """How many of a job's rows came to what."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [job.pk])
        return dict(cursor.fetchall())
