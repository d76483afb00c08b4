"""Jobs that operators started: progress, outcomes, and a way to stop one."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import HttpRequest

from campaigns.models import Campaign, Organization
from config.actors import Actor
from config.admin.actions import Done, Operation
from config.admin.changelist import rows_of
from config.admin.model_admin import DeskAdmin
from numbers.admin.history import CompletedAdmin, link_to
from numbers.bulk_actions.job import KIND as BULK_ACTION
from numbers.bulk_actions.job import effect_of, outcome_counts
from numbers.models import Job, JobOutcome, PhoneNumber
from numbers.numbering.e164 import is_e164
from numbers.worker.jobs import ask_to_stop

SHOWN = 20
# Of bulk actions and of imports.
OUTCOMES = ("done", "created", "unchanged", "refused", "rejected", "failed")
NAMES_OF_KINDS = {BULK_ACTION: "bulk action"}


class StopJob(Operation):
    name, label = "stop", "Stop"
    form_class = Form

    def applies_to(self, subject: Job) -> bool:
        return not subject.is_over and not subject.stop_asked

    def explain(self, subject: Job) -> str:
        return "The job stops after its current step. Finished steps stay done."

    def perform(self, subject: Job, *, actor: Actor, values: dict[str, Any]) -> Done:
        ask_to_stop(subject)
        return Done("The job stops after its current step.")


class KindFilter(admin.SimpleListFilter):
    """Jobs of one kind, by the names that operators know."""

    title = parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        kinds = Job.objects.order_by("kind").values_list("kind", flat=True).distinct()
        return [(kind, NAMES_OF_KINDS.get(kind, kind)) for kind in kinds]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        return queryset.filter(kind=self.value()) if self.value() is not None else queryset


@admin.register(Job)
class JobAdmin(DeskAdmin):
    list_display = (
        "title",
        "effect",
        "work",
        "status",
        "percent",
        "outcomes",
        "actor",
        "created_at",
        "finished_at",
    )
    list_filter = ("status", KindFilter)
    change_form_template = "operators/job.html"
    shown = (
        "title",
        "effect",
        "organization",
        "campaign",
        "reason",
        "work",
        "status",
        "actor",
        "request_id",
        "created_at",
        "started_at",
        "finished_at",
        "error",
    )
    shown_if_set = frozenset({"effect", "organization", "campaign", "reason", "error"})
    operations = [StopJob()]

    @admin.display(description="each number")
    def effect(self, job: Job) -> str:
        return effect_of(job)

    @admin.display
    def outcomes(self, job: Job) -> str:
        """Return how many rows ended how: "10 refused" is no success."""
        named = ((name, job.counts.get(name)) for name in OUTCOMES)
        return ", ".join(f"{count:,} {name}" for name, count in named if count)

    @admin.display
    def reason(self, job: Job) -> str:
        return str(job.parameters.get("reason", "")) if job.kind == BULK_ACTION else ""

    @admin.display
    def organization(self, job: Job) -> str:
        return _named_by(job, Organization, "organization_id")

    @admin.display
    def campaign(self, job: Job) -> str:
        return _named_by(job, Campaign, "campaign_id")

    @admin.display(description="kind")
    def work(self, job: Job) -> str:
        return NAMES_OF_KINDS.get(job.kind, job.kind)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).exclude(status=Job.Status.DRAFT)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        job = context["original"]
        context.update(_progress_context(job))
        return super().render_change_form(request, context, *args, **kwargs)


def _named_by(job: Job, model: type[Model], name: str) -> str:
    """Return a link to the row that the job's values name, or an empty string."""
    values = job.parameters.get("values") if job.kind == BULK_ACTION else None
    named = (values or {}).get(name)
    return link_to(model._default_manager.filter(pk=named).first() if named else None)


def _progress_context(job: Job) -> dict[str, Any]:
    outcomes = list(job.outcomes.order_by("position", "id")[: SHOWN + 1])
    rest = Job.objects.filter(pk=job.parameters.get("rest"), status=Job.Status.DRAFT).first()
    numbers = _numbers_of(outcomes)
    return {
        "counts": outcome_counts(job).items(),
        "rest": rest,
        "outcomes": [(one.position, _about(one, numbers), one.outcome) for one in outcomes[:SHOWN]],
        "more": len(outcomes) > SHOWN,
        "all": rows_of("numbers_joboutcome", job=job.pk),
    }


def _text(outcome: JobOutcome) -> str:
    return bytes(outcome.subject).decode(errors="replace")


def _numbers_of(outcomes: list[JobOutcome]) -> dict[str, PhoneNumber]:
    """Return the phone numbers that the outcomes are about, read in one query."""
    texts = {_text(one) for one in outcomes}
    rows = PhoneNumber.objects.filter(number__in=[one for one in texts if is_e164(one)])
    return {row.number: row for row in rows}


def _about(outcome: JobOutcome, numbers: dict[str, PhoneNumber]) -> str:
    text = _text(outcome)
    return link_to(numbers.get(text), text)


@admin.register(JobOutcome)
class JobOutcomeAdmin(CompletedAdmin):
    """Outcomes of one job, by `?job=`. A list of all jobs' outcomes would have no useful order."""

    linked = ("job",)
    list_display = ("position", "about", "outcome")
    search_fields = ("outcome__startswith",)
    search_help_text = "How the outcome begins, such as refused"
    shown = ("job", "position", "about", "outcome")

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        match = request.resolver_match
        listed = match is not None and match.url_name == "numbers_joboutcome_changelist"
        return rows.none() if listed and "job" not in request.GET else rows

    def complete(self, rows: list[JobOutcome]) -> None:
        numbers = _numbers_of(rows)
        for row in rows:
            row.about = _about(row, numbers)  # type: ignore[attr-defined]

    def heading(self, subject: JobOutcome) -> str:
        return f"{_text(subject)}: {subject.outcome}"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False  # reached from its job

    @admin.display
    def about(self, outcome: JobOutcome) -> str:
        return str(outcome.about)  # type: ignore[attr-defined]
