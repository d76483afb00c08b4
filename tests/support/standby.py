"""A streaming standby of the drill's cluster, made by pg_basebackup."""

import psycopg

from tests.drills.drill.cluster import Cluster, free_port


class Standby:
    """Follows ``primary`` asynchronously, so that it can be behind."""

    def __init__(self, primary: Cluster) -> None:
        self.primary = primary
        self.port = free_port()
        self.data = primary.folder / "standby"
        primary._run(
            "pg_basebackup",
            "-d",
            primary.url("postgres"),
            "-D",
            self.data,
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
        )
        self.start()

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self.primary.folder} -c hot_standby=on"
        log = self.primary.folder / "standby.log"
        self.primary._run(
            "pg_ctl", "start", "-D", self.data, "-w", "-t", "60", "-l", log, "-o", options
        )

    def stop(self) -> None:
        self.primary._run("pg_ctl", "stop", "-D", self.data, "-m", "immediate", "-w", check=False)

    def url(self, database: str = "numberdesk") -> str:
        return f"postgresql://numberdesk@127.0.0.1:{self.port}/{database}"

    def run(self, sql: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as session:
            session.execute(sql)

    def catch_up(self) -> None:
        """Return when everything that the primary has committed, flushed or not yet, is here."""
        with psycopg.connect(self.primary.url(), autocommit=True) as session:
            (until,) = session.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
        with psycopg.connect(self.url(), autocommit=True) as session:
            for _ in range(3_000):
                if session.execute(
                    "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [until]
                ).fetchone()[0]:
                    return
                session.execute("SELECT pg_sleep(0.01)")
        raise TimeoutError("the standby does not follow")
