"""Jobs that operators started: progress, outcomes, and a way to stop one."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest

from config.actors import Actor
from config.admin.actions import Done, Operation
from config.admin.changelist import rows_of
from config.admin.model_admin import DeskAdmin
from numbers.bulk_actions.job import KIND as BULK_ACTION
from numbers.bulk_actions.job import outcome_counts
from numbers.models import Job, JobOutcome
from numbers.worker.jobs import ask_to_stop

SHOWN = 20
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
    list_display = ("title", "work", "status", "percent", "actor", "created_at", "finished_at")
    list_filter = ("status", KindFilter)
    change_form_template = "operators/job.html"
    shown = (
        "title",
        "work",
        "status",
        "actor",
        "request_id",
        "created_at",
        "started_at",
        "finished_at",
        "error",
    )
    operations = [StopJob()]

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


def _progress_context(job: Job) -> dict[str, Any]:
    outcomes = list(job.outcomes.order_by("position", "id")[: SHOWN + 1])
    rest = Job.objects.filter(pk=job.parameters.get("rest"), status=Job.Status.DRAFT).first()
    return {
        "counts": outcome_counts(job).items(),
        "rest": rest,
        "outcomes": [(one.position, _text(one), one.outcome) for one in outcomes[:SHOWN]],
        "more": len(outcomes) > SHOWN,
        "all": rows_of("numbers_joboutcome", job=job.pk),
    }


def _text(outcome: JobOutcome) -> str:
    return bytes(outcome.subject).decode(errors="replace")


@admin.register(JobOutcome)
class JobOutcomeAdmin(DeskAdmin):
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

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False  # reached from its job

    @admin.display
    def about(self, outcome: JobOutcome) -> str:
        return _text(outcome)
