"""Mended lines are imported with the settings of the import that rejected them."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from numbers.models import Job, PhoneNumber
from numbers.worker.jobs import run_all
from tests.numbers.admin.test_admin_imports import draft, page, send

pytestmark = pytest.mark.django_db(transaction=True)

SETTINGS = {
    "price": "7",
    "monthly_price": "1.50",
    "carrier": "Telnyx",
    "sms_enabled": "yes",
    "mms_enabled": "no",
    "number_type": "local",
    "region": "CA",
    "sandbox": "on",
    "atomic": "on",
}
FILE = b"did,what\n(416) 555-0101,x\n12,y\n"


def upload_mended(desk, job: Job, content: bytes) -> Job:
    """Send the form of the result page, as a browser does, with this file."""
    text = desk.get(page(job)).content.decode()
    like = re.search(r'name="like" value="([^"]+)"', text)
    assert like is not None
    file = SimpleUploadedFile("mended.csv", content)
    response = desk.post(reverse("admin:imports"), {"file": file, "like": like[1]})
    assert response.status_code == 302, response.context["form"].errors
    return Job.objects.latest("id")


def rejecting(desk, content: bytes = FILE, *columns: str, **values: str) -> Job:
    job = draft(desk, content)
    send(desk, job, "start", *(columns or ("number", "ignore")), **{**SETTINGS, **values})
    run_all()
    job.refresh_from_db()
    assert (job.status, job.counts["rejected"]) == ("done", 1)
    return job


def rejected(desk, job: Job) -> bytes:
    response = desk.get(reverse("admin:import_rejected", args=[job.pk]))
    return b"".join(response.streaming_content)


def started(desk, job: Job) -> dict:
    """Start the draft with the form as it is shown, and return what its number became."""
    form = desk.get(page(job)).context["form"]
    values = {name: form.initial[name] for name in SETTINGS}
    said = {name: {True: "on", None: ""}.get(value, value) for name, value in values.items()}
    said = {name: value for name, value in said.items() if value is not False}
    columns = re.findall(
        r'<option value="([a-z0-9_]+)" selected', "".join(c["widget"] for c in form.columns)
    )
    header = {"no_header": "on"} if form.initial["no_header"] else {}
    assert send(desk, job, "start", *columns, **said, **header).status_code == 302
    run_all()
    job.refresh_from_db()
    assert job.counts["created"] == 1, job.counts
    return PhoneNumber.objects.values(
        *("price", "monthly_price", "carrier", "sms_enabled", "mms_enabled", "sandbox"),
        *("number_type", "number"),
    ).get(number="+14165550103")


def test_mended_lines_get_the_settings_of_their_import(desk):
    job = rejecting(desk)
    mended = upload_mended(desk, job, rejected(desk, job).replace(b"12,", b"4165550103,"))
    number = started(desk, mended)
    assert (number["price"], number["monthly_price"], number["carrier"]) == (7, 1.5, "Telnyx")
    assert (number["sms_enabled"], number["mms_enabled"]) == (True, False)
    assert (number["sandbox"], number["number_type"]) == (True, "local")


def test_settings_of_the_import_are_shown_and_can_be_changed(desk):
    job = rejecting(desk)
    mended = upload_mended(desk, job, rejected(desk, job).replace(b"12,", b"4165550103,"))
    text = desk.get(page(mended)).content.decode()
    assert f'<a href="{page(job)}">stock.csv</a>' in text
    assert 'value="Telnyx"' in text
    assert 'value="7"' in text
    send(desk, mended, "start", "number", "ignore", "ignore", carrier="Bandwidth")
    run_all()
    assert PhoneNumber.objects.get(number="+14165550103").carrier == "Bandwidth"


@pytest.mark.parametrize(
    "content",
    [
        b"did,what,reason\n4165550103,y,mended\n",
        b"did,what\n4165550103,y\n",  # without the reasons
        b"did;what;reason\r\n4165550103;y;mended\r\n",  # as a spreadsheet writes it
        b"what,did\ny,4165550103\n",
        b"4165550103,y\n",  # without the header line
    ],
)
def test_columns_of_mended_lines_keep_their_meaning(desk, content):
    job = rejecting(desk)
    assert started(desk, upload_mended(desk, job, content))["carrier"] == "Telnyx"


def test_file_without_a_header_gets_its_columns_back(desk):
    job = rejecting(
        desk, b"x,(416) 555-0101,5\ny,12,6\n", "ignore", "number", "price", no_header="on"
    )
    mended = upload_mended(desk, job, rejected(desk, job).replace(b"12,", b"4165550103,"))
    assert started(desk, mended)["price"] == 6


def test_upload_is_refused_when_its_import_does_not_exist(desk):
    file = SimpleUploadedFile("mended.csv", FILE)
    said = {"file": file, "like": "not an id"}
    text = desk.post(reverse("admin:imports"), said).content.decode()
    assert "not a valid UUID" in text or "does not exist" in text
    assert not Job.objects.exists()


def test_refused_file_keeps_the_settings_for_the_next_upload(desk):
    job = rejecting(desk)
    said = {"file": SimpleUploadedFile("mended.xlsx", b"PK\x03\x04xx"), "like": str(job.pk)}
    text = desk.post(reverse("admin:imports"), said).content.decode()
    assert f'name="like" value="{job.pk}"' in text


def test_other_uploads_start_with_blank_settings(desk):
    rejecting(desk)
    fresh = draft(desk)
    assert "like" not in fresh.parameters
    assert "Telnyx" not in desk.get(page(fresh)).content.decode()
