"""Measure a page of 1,000 events in a large feed, from the query to the bytes of the response."""

import random
import time

from django.db import connection

from config.api.envelope import success_body
from numbers.events.feed import read_page
from numbers.events.ids import LAST_NUMBER, Place
from numbers.events.render import events_as_json
from tests.benchmarks import server
from tests.benchmarks.load import percentile
from tests.benchmarks.report import Report
from tests.benchmarks.world import World, leave, use_database

PAGE = 1_000
PAGES = 60
BEGIN = 1_700_000_000_000_000

# In turn an order, whose entry has an event for it and for each of its two numbers, and a number
# that changed.
_FILL = """
    INSERT INTO numbers_feedentry
           (position, id, organization_id, type, at, subject_id, event_count, data)
    SELECT %(begin)s + i,
           (lpad(to_hex((%(begin)s + i) / 1000), 12, '0') || '7'
            || lpad(to_hex((%(begin)s + i) %% 1000), 3, '0') || '8000000000000000')::uuid,
           own.organization_id,
           CASE WHEN is_order THEN 'order.completed' ELSE 'phone_number.updated' END, now(),
           CASE WHEN is_order THEN own.orders[i / 2 %% cardinality(own.orders) + 1] END,
           CASE WHEN is_order THEN 3 ELSE 1 END,
           CASE WHEN is_order THEN '[["local", true, true]]' ELSE own.number END
    FROM generate_series(1, %(entries)s::bigint) AS i
    CROSS JOIN LATERAL (SELECT i %% 2 = 0 AS is_order) AS kind
    JOIN LATERAL (
        SELECT (%(organizations)s::uuid[])[(i / 2) %% cardinality(%(organizations)s::uuid[]) + 1] AS id
    ) AS turn ON true
    JOIN owners AS own ON own.organization_id = turn.id
"""
_OWNERS = """
    CREATE TEMPORARY TABLE owners AS
    SELECT o.organization_id, array_agg(o.id) AS orders,
           jsonb_build_array(jsonb_build_object(
               'id', gen_random_uuid(), 'number', '+14155550123', 'number_type', 'local',
               'inbound_url', 'https://customer.example/inbound', 'status_url', NULL,
               'label', 'support-line', 'campaign_id', NULL, 'sms_enabled', true,
               'mms_enabled', true, 'created_at', '2026-04-26T12:00:00Z',
               'updated_at', '2026-04-26T12:00:00Z')) AS number
    FROM numbers_order AS o GROUP BY 1
"""
_HEAD = """
    INSERT INTO numbers_feedhead (id, position, published) VALUES (1, %(last)s, %(entries)s)
    ON CONFLICT (id) DO UPDATE SET position = %(last)s, published = %(entries)s
"""


def measure_feed(report: Report, world: World, *, events: int) -> None:
    entries = events // 2
    with server.fresh_copy(world.template, "feed") as database:
        use_database(database)
        with connection.cursor() as cursor:
            cursor.execute(_OWNERS)
            cursor.execute("SELECT array_agg(organization_id) FROM owners")
            (organizations,) = cursor.fetchone()
            cursor.execute(
                _FILL, {"begin": BEGIN, "entries": entries, "organizations": organizations}
            )
            cursor.execute(_HEAD, {"last": BEGIN + entries, "entries": entries})
            cursor.execute("VACUUM ANALYZE numbers_feedentry")
        server.checkpoint()
        report.progress(f"feed: {events:,} events are there")
        picker = random.Random(0)
        seconds, python = [], []
        for _ in range(PAGES):
            after = Place(BEGIN + picker.randrange(entries // 2), LAST_NUMBER)
            began, cpu = time.perf_counter(), time.thread_time()
            page = read_page(picker.choice(organizations), after=after, limit=PAGE)
            success_body(events_as_json(page.events), {"next_cursor": ""})
            seconds.append(time.perf_counter() - began)
            python.append(time.thread_time() - cpu)
            if len(page.events) < PAGE and events >= 1_000_000:
                raise SystemExit(f"numberdesk: a page had {len(page.events)} events")
        leave()
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        report.figure(f"feed_page_{name}_ms", round(percentile(seconds, share) * 1000, 1))
    report.figure("feed_page_python_ms", round(percentile(python, 0.5) * 1000, 1))
    report.ratio("feed_page_ms", round(percentile(seconds, 0.5) * 1000, 1))
    report.progress(
        f"feed: a page of {PAGE:,} takes {percentile(seconds, 0.5) * 1000:.1f} ms, "
        f"{percentile(python, 0.5) * 1000:.1f} ms of it Python"
    )
