"""A job's page shows one consistent state and refreshes as a whole (C23)."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from numbers.bulk_actions.job import KIND
from numbers.models import Job
from tests.support.admin_client import url

pytestmark = pytest.mark.django_db

OPENED = {"request_id": "r", "actor": "operator:alice", "title": "A job"}
STATES: dict[str, dict[str, Any]] = {
    "queued": {},
    "running": {"started_at": Now(), "heartbeat_at": Now()},
    "done": {"started_at": Now(), "finished_at": Now()},
    "failed": {"started_at": Now(), "finished_at": Now(), "error": "broke off"},
    "cancelled": {"finished_at": Now()},
}


class Part(HTMLParser):
    """The text and links within the element that has an id."""

    def __init__(self, element_id: str) -> None:
        super().__init__()
        self.element_id, self.depth, self.text, self.links = element_id, 0, "", list[str]()
        self.attributes: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if self.depth:
            self.depth += tag == "div"
            self.links += [found["href"] or ""] if tag == "a" and "href" in found else []
        elif found.get("id") == self.element_id:
            self.depth, self.attributes = 1, found

    def handle_endtag(self, tag: str) -> None:
        if self.depth and tag == "div":
            self.depth -= 1

    def handle_data(self, data: str) -> None:
        self.text += data if self.depth else ""


def part_of(page: Any, element_id: str) -> Part:
    part = Part(element_id)
    part.feed(page.content.decode())
    return part


@pytest.mark.parametrize("status", STATES)
def test_job_page_shows_one_state_and_refreshes_all_of_it(desk: Client, status: str) -> None:
    job = Job.objects.create(
        kind="deed", status=status, total=666, progress=0, **OPENED, **STATES[status]
    )
    part = part_of(desk.get(url(Job, "change", job.pk)), "job")
    over = status not in ("queued", "running")
    # What is replaced at each look holds the heading, the fields and the tools.
    assert ("data-poll" in part.attributes) != over
    assert part.text.count(job.get_status_display()) == 2
    assert any(link.endswith("/do/stop/") for link in part.links) != over
    for other in Job.Status:
        assert other == status or other.label not in part.text


def test_done_job_shows_a_hundred_percent(desk: Client) -> None:
    Job.objects.create(
        kind="import", status="done", total=9, progress=0, **OPENED, **STATES["done"]
    )
    row = desk.get(url(Job, "changelist")).content.decode().partition("result_list")[2]
    assert 'class="field-percent">100</td>' in row


def test_filter_names_bulk_actions_as_operators_do(desk: Client) -> None:
    for kind in (KIND, "import"):
        Job.objects.create(kind=kind, status="queued", **OPENED)
    page = desk.get(url(Job, "changelist"), {"kind": KIND})
    assert [job.kind for job in page.context["cl"].result_list] == [KIND]
    html = page.content.decode()
    assert ">bulk action</a>" in html
    assert f">{KIND}</a>" not in html
