"""The embedded PostgreSQL: its first user starts it, its last one stops it, kill -9 leaves no mess.

Each process here is a real one, in a folder of its own with a blank in its name.
"""

import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from config.dev import postgres, postgres_paths
from tests.support.embedded_postgres import Checkout, leave, remove, seen_by


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose database exists already: making one takes a second, and most tests need not see it."""
    local = tmp_path_factory.mktemp("a desk") / "lo cal"
    first = Checkout(local)
    leave(first.join("--write"))
    yield local
    remove(local)


@pytest.fixture
def checkout(made: Path) -> Iterator[Checkout]:
    checkout = Checkout(made)
    yield checkout
    checkout.kill_users()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[..., Checkout]]:
    made: list[Checkout] = []

    def make(local: Path = tmp_path / "lo cal", **options: Any) -> Checkout:
        made.append(Checkout(local, **options))
        return made[-1]

    yield make
    for checkout in made:
        checkout.kill_users()
        remove(checkout.local)


def test_six_cold_starts_at_once_share_one_server(fresh: Callable[..., Checkout]) -> None:
    checkout = fresh()
    processes = [checkout.join() for _ in range(6)]
    assert len({seen_by(process)["server"] for process in processes}) == 1
    for process in processes:
        leave(process)
    assert not checkout.server_is_alive()


def test_server_stops_with_its_last_user_and_not_before(checkout: Checkout) -> None:
    first, last = checkout.join(), checkout.join()
    assert seen_by(first)["server"] == seen_by(last)["server"]
    leave(first)
    assert checkout.server_is_alive()
    leave(last)
    assert not checkout.server_is_alive()


def test_forked_child_that_exits_leaves_its_parent_connected(checkout: Checkout) -> None:
    parent = checkout.join("--fork")
    seen = seen_by(parent)
    beside = checkout.join()
    assert seen_by(beside) == seen
    leave(beside)
    assert checkout.server_is_alive()
    leave(parent)
    assert not checkout.server_is_alive()


def test_server_of_a_killed_user_serves_the_next_and_stops(checkout: Checkout) -> None:
    killed = checkout.join()
    server = seen_by(killed)["server"]
    killed.kill()
    killed.wait()
    assert checkout.server_is_alive()
    following = checkout.join()
    assert seen_by(following)["server"] == server
    leave(following)
    assert not checkout.server_is_alive()


def test_committed_data_survives_when_everything_is_killed(checkout: Checkout) -> None:
    killed = checkout.join("--write")
    before = seen_by(killed)
    checkout.kill_server()
    killed.kill()
    killed.wait()
    following = checkout.join()
    after = seen_by(following)
    assert after["server"] != before["server"]
    assert after["rows"] == before["rows"]
    leave(following)


def test_pid_file_of_another_live_process_is_ignored(checkout: Checkout) -> None:
    """As after a reboot, or in a restarted container, where pids repeat."""
    (checkout.place.data / "postmaster.pid").write_text(f"{os.getpid()}\n{checkout.place.data}\n")
    process = checkout.join()
    assert seen_by(process)["rows"] > 0
    leave(process)


def test_interrupted_creation_starts_again(fresh: Callable[..., Checkout]) -> None:
    checkout = fresh()
    checkout.begin()
    half = checkout.place.folder / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    process = checkout.join("--write")
    assert seen_by(process)["rows"] == 1
    leave(process)


def test_failed_server_start_is_explained_in_one_line(fresh: Callable[..., Checkout]) -> None:
    checkout = fresh()
    checkout.begin()
    checkout.place.data.mkdir(parents=True, mode=0o700)
    if checkout.place.account:
        os.chown(checkout.place.data, checkout.place.account.pw_uid, checkout.place.account.pw_gid)
    _, errors = checkout.join().communicate()
    assert errors.startswith("PostgreSQL did not start: ")
    assert errors.count("\n") == 1


def test_socket_folder_that_others_can_open_is_refused(fresh: Callable[..., Checkout]) -> None:
    checkout = fresh()
    checkout.begin()
    checkout.place.sockets.mkdir()
    checkout.place.sockets.chmod(0o777)
    process = checkout.join()
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "is not a private folder of this user" in errors


def test_clone_in_an_old_ones_place_has_its_own_database(
    fresh: Callable[..., Checkout],
) -> None:
    """The data of root's databases are outside the checkout and stay behind."""
    checkout = fresh()
    process = checkout.join("--write")
    assert seen_by(process)["rows"] == 1
    leave(process)
    left_behind = checkout.place
    shutil.rmtree(checkout.local)
    try:
        process = checkout.join()
        assert seen_by(process)["rows"] == 0
        assert checkout.place.folder != left_behind.folder
        leave(process)
    finally:
        for folder in (left_behind.folder, left_behind.sockets):
            shutil.rmtree(folder, ignore_errors=True)


def test_two_folders_have_two_databases(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert postgres_paths.paths_for(one).folder != postgres_paths.paths_for(other).folder
    assert postgres_paths.socket_folder(one) != postgres_paths.socket_folder(other)


def test_settings_are_read_where_nothing_can_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Commands that need no database go on; those that do say why they can't."""
    (tmp_path / "file").touch()
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("NUMBERDESK_LOCAL_DIR", str(tmp_path / "file" / "local"))
    assert postgres.database_settings()["NAME"]
    with pytest.raises(postgres.LocalDatabaseError):
        postgres.local_secret("database")


def test_socket_path_fits_every_system() -> None:
    deep = Path("/") / "/".join(["a rather long name"] * 30)
    assert len(str(postgres_paths.socket_folder(deep) / ".s.PGSQL.5432")) <= 103


def test_no_server_is_started_when_a_database_url_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/numberdesk")
    monkeypatch.setenv("NUMBERDESK_LOCAL_DIR", str(tmp_path))
    monkeypatch.setattr(postgres, "_membership", None)
    postgres.ensure_running()
    assert not postgres._membership
    assert list(tmp_path.iterdir()) == []


def test_database_in_use_is_not_removed(checkout: Checkout) -> None:
    process = checkout.join()
    seen_by(process)
    with pytest.raises(postgres.LocalDatabaseError, match="in use"):
        remove(checkout.local)
    leave(process)


def test_concurrent_starts_create_one_private_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NUMBERDESK_LOCAL_DIR", str(tmp_path / "new"))
    together = threading.Barrier(8)

    def ask(_: int) -> str:
        together.wait()
        return postgres.local_secret("django")

    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(ask, range(8)))
    assert len(secrets) == 1
    assert len(secrets.pop()) >= 50
    assert postgres.local_secret("django") != postgres.local_secret("another")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()] == [
        0o600,
        0o600,
    ]
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


@pytest.mark.django_db
@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="the suite runs on another database")
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("unix_socket_permissions", "0700"),
    ],
)
def test_server_is_durable_and_listens_to_no_network(setting: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [setting])
        assert cursor.fetchone() == (value,)


@pytest.mark.django_db
@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="the suite runs on another database")
def test_sort_order_is_the_same_on_every_machine() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()"
        )
        assert cursor.fetchone() == ("b", "C.UTF-8")


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another account")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that an account without rights may walk to, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="number desk "))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@needs_root
def test_ordinary_user_needs_no_privileges(
    fresh: Callable[..., Checkout], open_folder: Path
) -> None:
    unprivileged = 65534
    os.chown(open_folder, unprivileged, unprivileged)
    try:
        process = fresh(open_folder / "local", account=unprivileged).join("--write")
    except PermissionError:
        pytest.skip("an ordinary user may not run this Python")
    assert seen_by(process)["rows"] == 1
    leave(process)
    assert {path.owner() for path in open_folder.rglob("postgres.log")} == {"nobody"}


@needs_root
def test_root_runs_it_as_an_account_without_environment_access(
    fresh: Callable[..., Checkout], tmp_path: Path
) -> None:
    """The programs are copied for it; no folder gets wider permissions."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = postgres.binaries().parent.parent
    for folder in (package, package.with_name("embedded_postgres.libs")):
        if folder.exists():
            shutil.copytree(folder, closed / folder.name)
    checkout = fresh(python_path=str(closed))
    process = checkout.join("--write")
    assert seen_by(process)["rows"] == 1
    assert list(checkout.place.folder.glob("binaries-*"))
    assert checkout.place.data.owner() in {"postgres", "nobody"}
    leave(process)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
