"""The commands of docs/operations.md, as the drill runs them: archiving, base backup, restore."""

import os
import time

import psycopg

from tests.drills.drill.cluster import PATIENCE, Cluster, free_port


class Archive:
    """Beside a cluster: its WAL, archived as it fills, and a base backup."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.wal = cluster.folder / "archive"
        self.base = cluster.folder / "restored"
        self.wal.mkdir()
        cluster._own(self.wal)
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as session:
            session.execute("ALTER SYSTEM SET archive_mode = on")
            # Never over a file that is there already, and only whole files under their names.
            file = f'"{self.wal}/%f'
            command = f'test ! -f {file}" && cp "%p" {file}.new" && mv {file}.new" {file}"'
            session.execute(f"ALTER SYSTEM SET archive_command = '{command}'")  # type: ignore[arg-type]
        cluster._run("pg_ctl", "stop", "-D", cluster.data, "-m", "fast", "-w")
        cluster.start()

    def base_backup(self) -> None:
        """While orders go on. Without WAL of its own, so that the archive has to have it all."""
        how = ("-X", "none", "-c", "fast", "--no-sync")
        self.cluster._run(
            "pg_basebackup", "-d", self.cluster.url("postgres"), "-D", self.base, *how
        )

    def now(self) -> str:
        with psycopg.connect(self.cluster.url()) as session:
            row = session.execute("SELECT clock_timestamp()::text").fetchone()
        assert row is not None
        return str(row[0])

    def finish(self) -> None:
        """Return when all that was written is archived."""
        with psycopg.connect(self.cluster.url(), autocommit=True) as session:
            row = session.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
            assert row is not None
            deadline = time.monotonic() + PATIENCE
            while not (self.wal / row[0]).exists():
                if time.monotonic() > deadline:
                    raise TimeoutError("the WAL is not archived")
                session.execute("SELECT pg_sleep(0.05)")


class Restored:
    """Another cluster, from the base backup and the archive, as it was at a moment."""

    def __init__(self, archive: Archive, *, until: str) -> None:
        self.cluster, self.data, self.port = archive.cluster, archive.base, free_port()
        settings = [
            "archive_mode = off",
            f'restore_command = \'cp "{archive.wal}/%f" "%p"\'',
            f"recovery_target_time = '{until}'",
            "recovery_target_action = 'promote'",
        ]
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.write("\n".join(settings) + "\n")
        signal = self.data / "recovery.signal"
        signal.touch()
        if self.cluster.account is not None:
            os.chown(signal, self.cluster.account.pw_uid, self.cluster.account.pw_gid)
        options = f"-p {self.port} -h 127.0.0.1 -k {self.cluster.folder}"
        log = self.cluster.folder / "restored.log"
        self.cluster._run(
            "pg_ctl", "start", "-D", self.data, "-w", "-t", "60", "-l", log, "-o", options
        )
        self._wait_until_promoted()

    def _wait_until_promoted(self) -> None:
        deadline = time.monotonic() + PATIENCE
        with psycopg.connect(self.url(), autocommit=True) as session:
            while session.execute("SELECT pg_is_in_recovery()").fetchone() != (False,):
                if time.monotonic() > deadline:
                    raise TimeoutError("the restored database does not end its recovery")
                session.execute("SELECT pg_sleep(0.05)")

    def url(self) -> str:
        return f"postgresql://numberdesk@127.0.0.1:{self.port}/numberdesk"

    def stop(self) -> None:
        self.cluster._run("pg_ctl", "stop", "-D", self.data, "-m", "immediate", "-w", check=False)
