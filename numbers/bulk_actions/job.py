"""Run a bulk action on many numbers as a job: select, preview, then apply it batch by batch.

The ids are stored when the operator selects them. The action itself changes the list that they were
selected from, so the job must not read that list again.
"""

from array import array
from collections.abc import Iterator, Sequence
from decimal import Decimal
from time import monotonic
from typing import Any, NamedTuple

import psycopg
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Max, QuerySet

from config.actors import Actor
from config.counts import counted
from config.db.connections import drop_if_dead
from config.db.sqlstates import CANCELED, LOCKED, is_unavailable, sqlstate_of
from config.errors import ApiError, ValidationFailed
from numbers.bulk_actions.actions import BULK_ACTIONS, BulkAction, Instruction, Outcomes
from numbers.inventory.availability import STATE
from numbers.models import Job, JobInput, JobOutcome, PhoneNumber, WorkerQueue
from numbers.worker.failures import in_words, record_failure
from numbers.worker.jobs import ItemsFailed, JobCancelled, JobContext, queue

KIND = "deed"
MOST_CHOSEN = 1_000_000
_PIECE = 100_000  # ids in one row
# A preview reads the selected numbers in pieces, for at most this time unless asked for all.
LOOK_SECONDS = 0.12
_LOOKED_AT_ONCE = 20_000


def choose(queryset: QuerySet[PhoneNumber], *, action: BulkAction, actor: Actor) -> Job:
    """Create a draft of the action on these numbers.

    Raise ValidationFailed if no number is selected, or more than a million.
    """
    with transaction.atomic():  # behind a pooler a cursor lives only as long as its transaction
        ids = array(
            "q",
            queryset.order_by("pk")
            .values_list("pk", flat=True)[: MOST_CHOSEN + 1]
            .iterator(_PIECE),
        )
    if not ids:
        raise ValidationFailed(details={"numbers": "none is selected"})
    if len(ids) > MOST_CHOSEN:
        raise ValidationFailed(
            details={"numbers": f"more than {MOST_CHOSEN:,} are selected: narrow the list"}
        )
    return _draft(ids, action=action, actor=actor, values={})


def _draft(
    ids: "array[int]", *, action: BulkAction, actor: Actor, values: dict[str, Any], reason: str = ""
) -> Job:
    with transaction.atomic():
        job = Job.objects.create(
            kind=KIND,
            title=f"{action.label}: {counted(len(ids), 'number')}",
            actor=str(actor),
            request_id=actor.request_id,
            parameters={"deed": action.name, "values": values, "reason": reason},
            total=len(ids),
        )
        JobInput.objects.bulk_create(
            JobInput(job=job, position=start, data=ids[start : start + _PIECE].tobytes())
            for start in range(0, len(ids), _PIECE)
        )
    return job


def chosen(job: Job) -> "array[int]":
    """Return the ids of the job's numbers, in order."""
    ids = array("q")
    for piece in _pieces(job):
        ids.extend(piece)
    return ids


def first_chosen(job: Job) -> "array[int]":
    """Return the first ids of the job's numbers, up to a hundred thousand: a form checks by them."""
    return next(_pieces(job), array("q"))


def _pieces(job: Job) -> Iterator["array[int]"]:
    """Yield the ids piece by piece, each read when it is needed: a million are eight megabytes."""
    for place in job.inputs.order_by("position").values_list("pk", flat=True):
        ids = array("q")
        ids.frombytes(bytes(job.inputs.get(pk=place).data))
        yield ids


def action_of(job: Job) -> BulkAction:
    """Return the bulk action that the job runs."""
    return BULK_ACTIONS[job.parameters["deed"]]


def effect_of(job: Job) -> str:
    """Return what the action does to each number, as its preview said; empty for other jobs."""
    action = BULK_ACTIONS.get(job.parameters.get("deed", ""))
    if action is None:
        return ""
    # Jobs that began under an earlier release do not have it.
    return job.parameters.get("effect") or action.describe_effect(job.parameters["values"])


class Share(NamedTuple):
    """The selected numbers that are in one state now; `price` is what selling all would charge."""

    state: str
    numbers: int
    price: Decimal


_SHARES = f"""
    SELECT {STATE} AS state, count(*), sum(price + monthly_price)
    FROM numbers_phonenumber WHERE id = ANY(%s) GROUP BY 1
"""  # noqa: S608  the rule is our own text


def shares(job: Job, *, all_of_them: bool) -> tuple[list[Share], int]:
    """Return the states of the selected numbers, and how many numbers were read for that."""
    looked_at, end = 0, monotonic() + LOOK_SECONDS
    found: dict[str, Share] = {}
    for ids in _pieces(job):
        for start in range(0, len(ids), _LOOKED_AT_ONCE):
            if looked_at and not all_of_them and monotonic() >= end:
                return sorted(found.values()), looked_at
            some = ids[start : start + _LOOKED_AT_ONCE].tolist()
            for share in _shares_of(some):
                before = found.get(share.state, Share(share.state, 0, Decimal(0)))
                found[share.state] = Share(
                    share.state, before.numbers + share.numbers, before.price + share.price
                )
            looked_at += len(some)
    return sorted(found.values()), looked_at


def _shares_of(ids: list[int]) -> list[Share]:
    with connection.cursor() as cursor:
        cursor.execute(_SHARES, [ids])
        return [Share(*row) for row in cursor.fetchall()]


def begin(job: Job, *, values: dict[str, Any], reason: str, actor: Actor) -> None:
    """Queue a draft with the operator's values. Raise ValidationFailed if it has already begun."""
    effect = action_of(job).describe_effect(values)
    parameters = {**job.parameters, "values": values, "reason": reason, "effect": effect}
    changes = {"parameters": parameters, "actor": str(actor), "request_id": actor.request_id}
    if not Job.objects.filter(pk=job.pk, status=Job.Status.DRAFT).update(**changes):
        raise ValidationFailed(details={"job": "has already begun"})
    queue(job.pk)


def run_bulk_action(context: JobContext) -> dict[str, Any]:
    """Apply the action to the remaining numbers, then again to those that failed in earlier
    attempts.

    Raise ItemsFailed if some numbers failed for an unforeseen reason.
    """
    job = context.job
    action = action_of(job)
    instruction = Instruction(context.actor, job.parameters["reason"], job.parameters["values"])
    ids = chosen(job)
    failed_before = list(_failed(job).values_list("position", flat=True))
    start = job.outcomes.aggregate(last=Max("position"))["last"] or 0
    # An earlier attempt may have done its last batch without storing the outcomes.
    again = job.attempts > 1
    for begin in range(start, len(ids), action.batch):
        batch = ids[begin : begin + action.batch].tolist()
        try:
            context.progress(action.doing, begin, len(ids))
            outcomes = _do_each(action, batch, instruction, context, again=again)
        except JobCancelled:
            _leave_rest(ids[begin:], action, context)
            raise
        _store_outcomes(context, begin, batch, outcomes)
        again = False
    context.progress(action.doing, len(ids), len(ids))
    for position in failed_before:
        _repeat(action, instruction, context, position, ids[position - 1])
    counts = outcome_counts(job)
    if failed := _failed(job).count():
        raise ItemsFailed(f"{counted(failed, 'number')} failed", counts)
    return counts


FAILED = "failed: "
# A lock or statement that takes too long concerns these numbers only: the job goes on.
_BUSY = (*LOCKED, CANCELED)


def _failed(job: Job) -> "QuerySet[JobOutcome]":
    return job.outcomes.filter(outcome__startswith=FAILED)


def _do_each(
    action: BulkAction,
    batch: list[int],
    instruction: Instruction,
    context: JobContext,
    *,
    again: bool,
) -> Outcomes:
    """Apply the action to a batch; after an unforeseen failure, to its halves.

    That narrows the failure down to the numbers that cause it. All others are done.
    """
    try:
        return action.do_again(batch, instruction) if again else action.do(batch, instruction)
    except ApiError:  # expected, and true of the whole job
        raise
    except Exception as error:
        drop_if_dead()
        busy = sqlstate_of(error) in _BUSY and not context.is_stopping()
        is_of_database = isinstance(error, DatabaseError | InterfaceError | psycopg.Error)
        if is_of_database and is_unavailable(error) and not busy:
            raise
        if len(batch) == 1:
            if not busy:
                record_failure(
                    WorkerQueue.BULK_ACTIONS, f"{context.job.pk} number {batch[0]}", error
                )
            return {batch[0]: FAILED + in_words(error)}
    context.progress(
        context.reported["doing"], context.reported["progress"], context.reported["total"]
    )
    middle = len(batch) // 2
    outcomes = _do_each(action, batch[:middle], instruction, context, again=True)
    return outcomes | _do_each(action, batch[middle:], instruction, context, again=True)


def _repeat(
    action: BulkAction, instruction: Instruction, context: JobContext, position: int, number_id: int
) -> None:
    context.progress(action.doing, context.reported["progress"], context.reported["total"])
    outcome = _do_each(action, [number_id], instruction, context, again=True)[number_id]
    if context.mine().exists():
        context.job.outcomes.filter(position=position).update(outcome=outcome[:512])


def _store_outcomes(
    context: JobContext, start: int, batch: Sequence[int], outcomes: Outcomes
) -> None:
    numbers = dict(PhoneNumber.objects.filter(pk__in=batch).values_list("pk", "number"))
    with transaction.atomic():
        if not context.mine().select_for_update(no_key=True).exists():
            return  # another worker has it, and records
        JobOutcome.objects.bulk_create(
            JobOutcome(
                job=context.job,
                position=start + place,
                subject=numbers[number_id].encode(),
                outcome=outcomes[number_id][:512],
            )
            for place, number_id in enumerate(batch, start=1)
        )


def _leave_rest(ids: "array[int]", action: BulkAction, context: JobContext) -> None:
    """Keep the remaining numbers of a stopped job as a draft, so that it can be continued."""
    parameters = context.job.parameters
    rest = _draft(
        ids,
        action=action,
        actor=context.actor,
        values=parameters["values"],
        reason=parameters["reason"],
    )
    context.job.parameters = {**parameters, "rest": str(rest.pk)}
    context.job.save(update_fields=["parameters"])


# By the first word, such as "refused" in "refused: it is not available to this organization".
_COUNTS = """
    SELECT split_part(outcome, ':', 1), count(*) FROM numbers_joboutcome WHERE job_id = %s
    GROUP BY 1 ORDER BY 2 DESC, 1
"""


def outcome_counts(job: Job) -> dict[str, int]:
    """Return how many of a job's rows had each outcome, most frequent first."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [job.pk])
        return dict(cursor.fetchall())
