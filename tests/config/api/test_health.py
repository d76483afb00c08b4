"""``/healthz`` and ``/readyz``, for load balancers."""

import psycopg
import pytest
from django.db import connection
from django.test import Client

from config.api import health
from tests.support import db_assertions
from tests.support.api_client import Api, refused

PATHS = ["/healthz", "/readyz"]


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


@pytest.fixture(autouse=True)
def not_yet_looked(monkeypatch):
    monkeypatch.setattr(health, "_migrated", False)


@pytest.fixture
def unreachable(monkeypatch):
    """Every new connection is refused, as by a server that is not there."""

    def refuse(parameters):
        return psycopg.connect("host=127.0.0.1 port=1 dbname=x connect_timeout=2")

    connection.close()
    monkeypatch.setattr(connection, "get_new_connection", refuse)


def test_liveness_does_not_use_the_database(client):
    # No database mark: pytest-django refuses every query here.
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (
        200,
        {"success": True, "data": {"status": "ok"}},
    )


@pytest.mark.django_db
def test_desk_is_ready_when_the_database_is_migrated(client):
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (
        200,
        {"success": True, "data": {"status": "ready"}},
    )


@pytest.mark.django_db
def test_readiness_costs_one_statement_once_migrated(client, django_assert_num_queries):
    client.get("/readyz")
    with django_assert_num_queries(1):
        client.get("/readyz")


@pytest.mark.django_db
def test_desk_is_not_ready_before_every_migration(client):
    db_assertions.run(
        "DELETE FROM django_migrations WHERE (app, name) ="
        " (SELECT app, max(name) FROM django_migrations WHERE app = 'apikeys' GROUP BY app)"
    )
    for _ in range(2):  # it is looked at again until it is so
        response = client.get("/readyz")
        refused(response, 503, "SERVICE_UNAVAILABLE", "database is not migrated: 1 to apply")
        assert response["Retry-After"] == "1"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("migrated", [False, True])
def test_desk_is_alive_but_not_ready_when_the_database_is_away(
    client, unreachable, monkeypatch, migrated
):
    monkeypatch.setattr(health, "_migrated", migrated)
    response = client.get("/readyz")
    refused(response, 503, "SERVICE_UNAVAILABLE", "database is not reachable")
    assert response["Retry-After"] == "1"
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_load_balancer_may_ask_by_address(client, path):
    assert client.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_health_needs_no_key_and_returns_a_request_id(path):
    response = Api(None).get(path)
    assert response.status_code == 200
    assert len(response["X-Request-Id"]) == 26
