"""Where the embedded PostgreSQL of one checkout lives, and which account runs it."""

import hashlib
import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The name of the secret by which checkouts that had the same path differ.
IDENTITY = "database"


class LocalDatabaseError(RuntimeError):
    """The embedded PostgreSQL can't run. The message is one line and says what to do."""


@dataclass(frozen=True)
class ServerPaths:
    """The folders of one checkout's server.

    They depend on the checkout's path and on a random identity in it. A copy, or a new clone in the
    place of a removed one, has its own database: root's data stay behind.
    """

    folder: Path
    sockets: Path
    account: pwd.struct_passwd | None  # the account of the server, if it is not our own

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    @property
    def as_account(self) -> Mapping[str, Any]:
        if self.account is None:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}


def identity(local: Path) -> str:
    try:
        own = secret_file(local, IDENTITY).read_text()
    except (FileNotFoundError, NotADirectoryError):
        own = ""  # it has had no database yet
    return hashlib.sha256(f"{os.geteuid()}:{local}:{own}".encode()).hexdigest()[:16]


def secret_file(local: Path, name: str) -> Path:
    return local / f"{name}.secret"


def socket_folder(local: Path) -> Path:
    # A socket's path may have 103 bytes on macOS, and a checkout's path can be long.
    # Owner and mode of the folder are checked before use.
    return Path("/tmp") / f"numberdesk-{identity(local)}"  # noqa: S108


def paths_for(local: Path) -> ServerPaths:
    """Return the server's paths. Raise LocalDatabaseError if no account can run it.

    PostgreSQL refuses to run as root. Then its files are where its account can read them.
    """
    if os.geteuid() != 0:
        return ServerPaths(local / f"postgres-{identity(local)}", socket_folder(local), None)
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerPaths(
            Path("/var/lib/numberdesk-local") / identity(local), socket_folder(local), account
        )
    raise LocalDatabaseError(
        "PostgreSQL can't run as root: create the account 'postgres' or 'nobody'"
    )
