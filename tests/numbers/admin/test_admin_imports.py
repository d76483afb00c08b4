"""The import pages without a browser: upload, mapping, job, result, and who may."""

import sys

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from numbers.imports import loader
from numbers.models import Job, JobInput, JobOutcome, PhoneNumber, StockBatch
from numbers.worker import jobs
from numbers.worker.jobs import run_all
from tests.support import db_assertions, factories
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)

FILE = b"tel,monthly,supplier\n(415) 555-0101,1.50,Acme\n415-555-0102,2,Acme\n12,1,Acme\n"
READING = {
    "region": "US",
    "encoding": "",
    "delimiter": "",
    "price": "",
    "number_type": "",
    "carrier": "",
}


def upload(desk: Client, content: bytes = FILE, name: str = "stock.csv"):
    return desk.post(reverse("admin:imports"), {"file": SimpleUploadedFile(name, content)})


def draft(desk: Client, content: bytes = FILE) -> Job:
    response = upload(desk, content)
    assert response.status_code == 302, response.context["form"].errors
    return Job.objects.latest("id")


def page(job: Job) -> str:
    return reverse("admin:import", args=[job.pk])


def send(desk: Client, job: Job, action: str, *columns: str, **values: str):
    said = {f"column_{place}": meaning for place, meaning in enumerate(columns, 1)}
    return desk.post(
        page(job), {**READING, "action": action, "columns": len(columns), **said, **values}
    )


def start(desk: Client, job: Job, **values: str) -> Job:
    response = send(desk, job, "start", "number", "price", "carrier", **values)
    assert response.status_code == 302, response.content.decode()
    assert run_all() == 1
    job.refresh_from_db()
    return job


def counts(job: Job) -> tuple[int, int, int]:
    return job.counts["created"], job.counts["unchanged"], job.counts["rejected"]


def test_file_is_previewed_before_anything_is_written(desk):
    job = draft(desk)
    text = desk.get(page(job)).content.decode()
    assert "+14155550101" in text
    assert "impossible number: too short" in text
    assert '<option value="number" selected>' in text
    assert not PhoneNumber.objects.exists()


def test_operator_assigns_the_columns(desk):
    job = draft(desk)
    text = send(desk, job, "preview", "number", "price", "carrier").content.decode()
    assert '<option value="price" selected>' in text
    job.refresh_from_db()
    assert job.status == "draft"
    job = start(desk, job)
    assert (job.status, counts(job)) == ("done", (2, 0, 1))
    assert list(PhoneNumber.objects.order_by("number").values_list("price", "carrier")) == [
        (1.5, "Acme"),
        (2, "Acme"),
    ]


def test_stock_batch_names_the_operator(desk):
    start(desk, draft(desk))
    batch = StockBatch.objects.get()
    assert (batch.actor, batch.source, batch.note) == (
        "operator:alice",
        "import",
        "import of stock.csv",
    )


def test_result_returns_the_rejected_lines_for_repair(desk):
    job = start(desk, draft(desk))
    text = desk.get(page(job)).content.decode()
    assert "<strong>2</strong> created" in text
    file = b"".join(desk.get(reverse("admin:import_rejected", args=[job.pk])).streaming_content)
    assert file.splitlines()[0] == b"tel,monthly,supplier,reason"
    assert file.splitlines()[1].startswith(b"12,1,Acme,'12' is an impossible number")
    again = draft(desk, file.replace(b"12,1", b"4155550103,1"))
    send(desk, again, "start", "number", "price", "carrier", "ignore")
    run_all()
    again.refresh_from_db()
    assert counts(again) == (1, 0, 0)


def test_file_is_deleted_once_it_is_in_stock(desk):
    start(desk, draft(desk))
    assert not JobInput.objects.exists()


def test_dry_run_writes_nothing_and_links_to_the_import(desk):
    job = start(desk, draft(desk), dry_run="on")
    assert (counts(job), PhoneNumber.objects.count()) == ((2, 0, 1), 0)
    assert "nothing was written" in desk.get(page(job)).content.decode()
    response = desk.post(page(job), {"action": "again"})
    follower = Job.objects.latest("id")
    assert response["Location"] == page(follower)
    assert '<option value="price" selected>' in desk.get(page(follower)).content.decode()
    assert counts(start(desk, follower)) == (2, 0, 1)


def test_atomic_import_is_whole_or_absent(desk):
    job = start(desk, draft(desk), atomic="on")
    assert (counts(job), PhoneNumber.objects.count()) == ((0, 0, 1), 0)
    assert "nothing was imported" in desk.get(page(job)).content.decode()


def test_import_requires_a_column_of_numbers(desk):
    job = draft(desk)
    text = send(desk, job, "start", "ignore", "price", "carrier").content.decode()
    assert "Select the column that has the numbers." in text
    assert (
        "Two columns mean price"
        in send(desk, job, "start", "number", "price", "price").content.decode()
    )
    assert run_all() == 0


def test_another_delimiter_or_encoding_shows_other_columns(desk):
    job = draft(desk, "number;carrier\n+14155550101;Télé\n".encode("latin-1"))
    text = send(desk, job, "preview", "number", "carrier", delimiter=",").content.decode()
    assert "number;carrier" in text
    text = send(desk, job, "preview", "ignore", encoding="latin-1").content.decode()
    assert "Télé" in text


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "has no lines"),
        (b"PK\x03\x04xx", "is a zip archive or a spreadsheet"),
        (b"a\0b,c\n", "no header line"),
    ],
)
def test_unreadable_file_is_refused_and_not_kept(desk, content, problem):
    response = upload(desk, content)
    assert problem in str(response.context["form"].errors)
    assert not Job.objects.exists()
    assert not JobInput.objects.exists()


def test_hostile_names_and_cells_are_escaped(desk):
    upload(desk, b"tel,carrier\n+14155550101,<script>alert(1)</script>\n", name='"><img src=x>.csv')
    job = Job.objects.get()
    text = desk.get(page(job)).content.decode()
    assert "<script>alert" not in text
    assert "<img src=x>" not in text


def test_file_that_is_too_large_is_refused(desk, settings):
    settings.IMPORT_MAX_BYTES = 100
    assert "larger than 100" in str(upload(desk, b"x" * 101).context["form"].errors)
    response = upload(desk, b"x" * 100_000)
    assert response.status_code == 413


def test_killed_job_is_finished_by_another_worker(desk, monkeypatch):
    job = draft(desk)
    send(desk, job, "start", "number", "price", "carrier")
    with monkeypatch.context() as patched:
        # SystemExit ends the worker as a kill would: nothing is tidied up.
        patched.setattr(loader, "add_chunk", lambda *rows, **options: sys.exit())
        with pytest.raises(SystemExit):
            run_all()
    job.refresh_from_db()
    assert job.status == "running"
    assert run_all() == 0  # its heart beat just now
    db_assertions.run("UPDATE numbers_job SET heartbeat_at = heartbeat_at - interval '2 minutes'")
    assert run_all() == 1
    job.refresh_from_db()
    assert (job.status, job.attempts, counts(job)) == ("done", 2, (2, 0, 1))


def test_silent_worker_ends_without_output(desk, monkeypatch):
    job = draft(desk)
    send(desk, job, "start", "number", "price", "carrier")
    finish = jobs._finish

    def taken_over(running, *arguments, **options):
        db_assertions.run("UPDATE numbers_job SET attempts = attempts + 1")
        finish(running, *arguments, **options)

    monkeypatch.setattr(jobs, "_finish", taken_over)
    run_all()
    job.refresh_from_db()
    assert job.status == "running"
    assert JobInput.objects.exists()


def test_job_that_keeps_failing_is_given_up(desk):
    job = draft(desk)
    send(desk, job, "start", "number", "price", "carrier")
    db_assertions.run(f"UPDATE numbers_job SET attempts = {jobs.MOST_ATTEMPTS}")
    run_all()
    job.refresh_from_db()
    assert job.status == "failed"
    assert "interrupted 5 times" in desk.get(page(job)).content.decode()


def test_error_fails_the_attempt_and_not_the_worker(desk, monkeypatch):
    job = draft(desk)
    send(desk, job, "start", "number", "price", "carrier")
    monkeypatch.setattr(loader, "add_chunk", lambda *rows, **options: 1 / 0)
    assert run_all() == 1
    job.refresh_from_db()
    assert job.status == "queued"
    assert job.error.endswith(
        f"internal error (ZeroDivisionError: division by zero), see the log: {job.request_id}"
    )


def test_job_is_stopped_before_it_begins_and_while_it_runs(desk, monkeypatch):
    job = draft(desk)
    send(desk, job, "start", "number", "price", "carrier")
    desk.post(page(job), {"action": "stop"})
    assert run_all() == 0
    job.refresh_from_db()
    assert job.status == "cancelled"
    desk.post(page(job), {"action": "again"})
    running = Job.objects.latest("id")
    send(desk, running, "start", "number", "price", "carrier")
    beat = jobs.JobContext.beat

    def asked_to_stop(self):
        desk.post(page(running), {"action": "stop"})
        beat(self)

    monkeypatch.setattr(jobs.JobContext, "beat", asked_to_stop)
    assert run_all() == 1
    running.refresh_from_db()
    assert running.status == "cancelled"
    assert "The import was stopped" in desk.get(page(running)).content.decode()


def test_concurrent_workers_run_each_job_once(desk):
    for number in range(4):
        job = draft(desk, f"tel,price,carrier\n415555010{number},1,\n".encode())
        send(desk, job, "start", "number", "price", "carrier")
    assert sum(at_once([run_all] * 3)) == 4
    assert [job.attempts for job in Job.objects.all()] == [1] * 4
    assert PhoneNumber.objects.count() == 4


def test_page_of_a_running_job_shows_progress_and_reloads(desk):
    job = draft(desk)
    send(desk, job, "start", "number", "price", "carrier")
    assert "Waiting for a worker" in desk.get(page(job)).content.decode()
    db_assertions.run(
        "UPDATE numbers_job SET status = 'running', started_at = now(), heartbeat_at = now(), doing = 'adding', "
        """progress = 250, total = 1000, counts = '{"rate": 50}'"""
    )
    text = desk.get(page(job)).content.decode()
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in text
    assert "250 of 1,000 numbers, 50 a second, about 15 s left" in text


def test_command_is_quiet_when_there_is_nothing_to_do(desk, capsys):
    call_command("run_jobs")
    assert capsys.readouterr().out == ""
    job = draft(desk)
    send(desk, job, "start", "number", "price", "carrier")
    call_command("run_jobs")
    assert capsys.readouterr().out == "1 job run\n"


def test_abandoned_uploads_are_deleted(desk):
    draft(desk)
    db_assertions.run("UPDATE numbers_job SET created_at = created_at - interval '3 days'")
    call_command("run_jobs")
    assert not Job.objects.exists()


def test_import_requires_the_permission_to_add_numbers(desk):
    job = start(desk, draft(desk))
    assert JobOutcome.objects.count() == 1
    clerk = User.objects.create_user("bob", is_staff=True)
    client = Client()
    client.force_login(clerk)
    addresses = [
        reverse("admin:imports"),
        page(job),
        reverse("admin:import_rejected", args=[job.pk]),
    ]
    assert [client.get(address).status_code for address in addresses] == [403] * 3
    assert client.post(page(job), {"action": "again"}).status_code == 403
    clerk.user_permissions.add(Permission.objects.get(codename="add_phonenumber"))
    assert [client.get(address).status_code for address in addresses] == [200] * 3


def test_page_takes_a_bounded_number_of_statements(desk, django_assert_max_num_queries):
    numbers = factories.line(0, 300)
    job = draft(
        desk, ("tel,price,carrier\n" + "".join(f"{number},x,\n" for number in numbers)).encode()
    )
    start(desk, job)
    with django_assert_max_num_queries(8):
        desk.get(page(job))
    with django_assert_max_num_queries(8):
        desk.get(reverse("admin:imports"))


def test_unreadable_header_is_shown_and_its_encoding_asked_for(desk):
    job = draft(desk, "Téléphone,prix\n+14155550101,2.00\n".encode("latin-1"))
    assert "T\ufffdl\ufffdphone" in desk.get(page(job)).content.decode()
    refused = send(desk, job, "start", "number", "price")
    assert "select it, then preview again" in refused.content.decode()
    assert send(desk, job, "start", "number", "price", encoding="cp1252").status_code == 302
    assert run_all() == 1
    job.refresh_from_db()
    assert (job.status, counts(job)) == ("done", (1, 0, 0))


def test_history_names_who_started_an_import_not_who_uploaded_it(desk):
    job = draft(desk)
    other = Client()
    other.force_login(User.objects.create_superuser("bob"))
    job = start(other, job)
    assert (job.actor, job.parameters["uploaded_by"]) == ("operator:bob", "operator:alice")
    batch = StockBatch.objects.get()
    assert (batch.actor, batch.request_id) == ("operator:bob", job.request_id)
    assert "file of operator:alice" in desk.get(reverse("admin:imports")).content.decode()


def test_checkbox_marks_the_first_line_as_data(desk):
    job = draft(desk, b"x\n+14155550101\n")
    assert 'id="id_no_header" checked' not in desk.get(page(job)).content.decode()
    assert send(desk, job, "start", "number", no_header="on").status_code == 302
    run_all()
    job.refresh_from_db()
    assert (counts(job), job.counts["lines"]) == ((1, 0, 1), 2)
    job = draft(desk, b"+14155550101\n+1415555010\n")
    assert 'id="id_no_header" checked' in desk.get(page(job)).content.decode()
    assert "the file has no header" in send(desk, job, "start", "number").content.decode()


def test_quoted_line_break_belongs_to_its_field(desk):
    job = draft(
        desk, b'tel,monthly,supplier\n+14155550101,1,"old\n+14155550999,1,x"\n+14155550102,1,x\n'
    )
    assert "+14155550999" not in [line.number for line in desk.get(page(job)).context["lines"]]
    job = start(desk, job)
    assert (counts(job), job.counts["lines"]) == ((1, 0, 1), 2)
    file = b"".join(desk.get(reverse("admin:import_rejected", args=[job.pk])).streaming_content)
    assert file.startswith(b'tel,monthly,supplier,reason\n+14155550101,1,"old\n+14155550999,1,x",')


def test_result_counts_its_lines_with_their_noun(desk):
    for content, words in (
        (b"number\n+14155550123\n", "of 1 line."),
        (b"number\n+14155550124\n+14155550125\n", "of 2 lines."),
    ):
        job = start(desk, draft(desk, content))
        assert words in desk.get(page(job)).content.decode()
