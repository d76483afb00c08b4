"""The import pages: upload a file, assign its columns, watch the job, fix rejected lines.

All of it works without scripts. The import is a job in the database, so it survives a closed
browser.
"""

from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse

from config.admin.actions import add_refusal, mark_required
from config.admin.once import respond_once
from config.admin.sign_in.operators import actor_of
from config.admin.site import Page, desk
from config.errors import ValidationFailed
from numbers.admin.import_forms import ReadingForm, UploadForm
from numbers.imports.job import (
    KIND,
    keep_file,
    layout_when_done,
    prepare,
    prepare_again,
    preview,
    rejections_of,
    require_numbers,
)
from numbers.imports.layout import Layout, Options
from numbers.imports.rejects import rejected_lines
from numbers.models import Job
from numbers.worker.jobs import ask_to_stop, queue

PERMISSION = "numbers.add_phonenumber"
SHOWN_JOBS = 25
SHOWN_REJECTIONS = 100


def imports(request: HttpRequest) -> HttpResponse:
    """List recent imports, and show the form to start one."""
    _require_permission(request)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]

        def keep() -> HttpResponse:
            job = keep_file(
                name=file.name,
                pieces=file.chunks(),
                actor=actor_of(request),
                like=form.cleaned_data["like"],
            )
            return HttpResponseRedirect(page_of_import(job))

        try:
            return respond_once(request, keep) or HttpResponseRedirect(reverse("admin:imports"))
        except ValidationFailed as refusal:
            for sentence in (refusal.details or {}).values():
                form.add_error("file", f"{file.name} {sentence}")
    jobs = Job.objects.filter(kind=KIND)[:SHOWN_JOBS]
    context = {
        "title": "Import numbers",
        "form": form,
        "jobs": jobs,
        "limit": filesizeformat(settings.IMPORT_MAX_BYTES),
    }
    return _page(request, "operators/imports.html", context)


def page_of_import(job: Job) -> str:
    return reverse("admin:import", args=[job.pk])


def one_import(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Show one import: its columns, its progress or its result."""
    _require_permission(request)
    job = get_object_or_404(Job, pk=job_id, kind=KIND)
    if request.method == "POST":
        return _act(request, job)
    if job.status == Job.Status.DRAFT:
        return _mapping(request, job)
    if job.is_over:
        return _result(request, job)
    return _page(
        request, "operators/import_running.html", {"title": f"Import of {job.title}", "job": job}
    )


def _act(request: HttpRequest, job: Job) -> HttpResponse:
    action = request.POST.get("action", "")
    if action == "stop":
        ask_to_stop(job)
        messages.info(
            request, f"The import of {job.title} is being stopped. Numbers that were added stay."
        )
    elif action == "again":
        if (response := respond_once(request, lambda: _again(request, job))) is not None:
            return response
        messages.warning(request, "The file is no longer stored: upload it again.")
    elif job.status == Job.Status.DRAFT:
        return _mapping(request, job)
    return HttpResponseRedirect(page_of_import(job))


def _again(request: HttpRequest, job: Job) -> HttpResponse | None:
    draft = prepare_again(job, actor=actor_of(request)) if job.is_over else None
    return None if draft is None else HttpResponseRedirect(page_of_import(draft))


def _mapping(request: HttpRequest, job: Job) -> HttpResponse:
    """Show the columns and a preview of the first lines; start the job on request."""
    posted = request.POST if request.method == "POST" else None
    form, said, layout, lines = _read(job, posted)
    if said is not None and posted is not None:
        said_of_job = {name: form.cleaned_data[name] for name in ("atomic", "dry_run")}
        prepare(job, said, actor=actor_of(request), **said_of_job)
        if posted.get("action") == "start" and _may_start(form, layout):
            queue(job.pk)
            return HttpResponseRedirect(page_of_import(job))
    context = {
        "title": f"Import {job.title}",
        "job": job,
        "form": form,
        "lines": lines,
        "layout": layout,
    }
    return _page(request, "operators/import_mapping.html", context)


def _read(job: Job, posted: Any) -> tuple[ReadingForm, Options | None, Layout, list[Any]]:
    """Return the form, its options if they are valid, and the layout and lines of the preview."""
    form, said = ReadingForm.of(job, posted), None
    try:
        if posted is not None and form.is_valid():
            said = form.options()
        layout, lines = preview(job, said or form.stored_options())
    except ValidationFailed as refusal:
        if form.is_bound:
            add_refusal(form, refusal)
        said = None
        layout, lines = preview(job, Options())
    mark_required(form)
    form.name_columns(layout)
    return form, said, layout, lines


def _may_start(form: ReadingForm, layout: Layout) -> bool:
    try:
        require_numbers(layout)
    except ValidationFailed as refusal:
        add_refusal(form, refusal)
        return False
    return True


def _result(request: HttpRequest, job: Job) -> HttpResponse:
    shown = list(islice(rejections_of(job), SHOWN_REJECTIONS))
    context = {
        "title": f"Import of {job.title}",
        "job": job,
        "rejections": shown,
        "more": max(0, job.counts.get("rejected", 0) - len(shown)),
        "has_file": job.inputs.exists(),
        "upload": UploadForm(initial={"like": job.pk}),
        "batch": job.counts.get("batch")
        if request.user.has_perm("numbers.view_phonenumber")
        else None,
    }
    return _page(request, "operators/import_result.html", context)


def rejected_file(request: HttpRequest, job_id: UUID) -> HttpResponse | StreamingHttpResponse:
    """Stream the rejected lines as CSV, to be fixed and imported again."""
    _require_permission(request)
    job = get_object_or_404(Job, pk=job_id, kind=KIND, status=Job.Status.DONE)
    lines = rejected_lines(layout_when_done(job), rejections_of(job))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="rejected-{job.pk}.csv"'
    return response


def _require_permission(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, {**desk().each_context(request), **context})


PAGES = [
    Page("imports/", "imports", imports, "Import", PERMISSION),
    Page("imports/<uuid:job_id>/", "import", one_import),
    Page("imports/<uuid:job_id>/rejected.csv", "import_rejected", rejected_file),
]
