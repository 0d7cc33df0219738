"""A PostgreSQL with PostGIS of its own for tests, from Debian's packages; ends with the tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

USER, PASSWORD = "planner", "only-for-tests"


@dataclass(frozen=True)
class Server:
    """A running server: its port, and how to make a database as its owner."""

    port: int

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, database: str) -> str:
        return f"postgresql://{self.host}/{database}"

    def make(self, database: str, script: str) -> str:
        """A database with PostGIS and what a script makes in it; the user of the tests may only read. Its address."""
        import psycopg

        with psycopg.connect(**self._owner("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"')
        with psycopg.connect(**self._owner(database), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION postgis")
            connection.execute(script)
            for (schema,) in connection.execute(
                "SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT LIKE 'pg_%'"
            ).fetchall():
                connection.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO {USER}')
                connection.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO {USER}')
        return self.url(database)

    def owner(self, database: str):
        import psycopg

        return psycopg.connect(**self._owner(database), autocommit=True)

    def _owner(self, database: str) -> dict[str, object]:
        return {"host": "127.0.0.1", "port": self.port, "dbname": database, "user": "owner", "password": PASSWORD}


def programs() -> Path | None:
    """Folder of the newest server of Debian's packages that has PostGIS, None if there is none."""
    found = [
        path.parent
        for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")
        if list(Path(f"/usr/share/postgresql/{path.parts[4]}/extension").glob("postgis.control"))
    ]
    return max(found, default=None)


@contextmanager
def running() -> Iterator[Server]:
    """Start a server on loopback; skips with a reason where none is installed."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL with PostGIS is not installed (Debian: postgresql postgresql-15-postgis-3)")
    as_root = os.geteuid() == 0
    account = {"user": "postgres", "group": "postgres", "extra_groups": []} if as_root else {}
    home = Path(tempfile.mkdtemp(prefix="stadtforum-pg-"))
    try:
        if as_root:
            shutil.chown(home, "postgres", "postgres")
        secret = home / "secret"
        secret.write_text(PASSWORD, encoding="ascii")
        if as_root:
            shutil.chown(secret, "postgres", "postgres")
        data = home / "data"
        making = [
            folder / "initdb",
            "-D",
            data,
            "-U",
            "owner",
            "--auth=scram-sha-256",
            f"--pwfile={secret}",
            "-N",
            "-E",
            "UTF8",
        ]
        subprocess.run(list(map(str, making)), check=True, capture_output=True, cwd=home, **account)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [folder / "postgres", "-D", data, "-p", port, "-k", home, "-c", "listen_addresses=127.0.0.1",
                   "-c", "fsync=off", "-c", "shared_buffers=32MB"]  # fmt: skip
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, cwd=home, **account)
        try:
            server = Server(port)
            _wait(server)
            with server.owner("postgres") as connection:
                connection.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
            yield server
        finally:
            process.terminate()
            process.wait(20)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _wait(server: Server) -> None:
    import psycopg

    end = time.monotonic() + 30
    while True:
        try:
            server.owner("postgres").close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
