"""One read-only connection per question: time-outs, parameters only, rows in pieces, errors as sentences.

Needs ``psycopg`` (extra ``postgis``). What is asked is written in ``postgis`` and ``citydb``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from viewer.plugin_api import LimitError, LoginError, NetworkError, ReadContext, ReadError, SourceFile, host_of

CONNECT_S, STATEMENT_S = 10, 120
#: Rows of one answer; more is no part of a city anybody looks at.
MAX_ROWS = 5_000_000
_PIECE = 20_000
_NAME = re.compile(r"[^\x00-\x1f\"]{1,63}")

Login = tuple[str, str] | None


@contextlib.contextmanager
def connected(source: SourceFile, login: Login) -> Iterator[Any]:
    """A connection that cannot write.

    Raises
    ------
    LoginError, NetworkError, ReadError
        The password is wrong or missing, the server cannot be reached or refuses, or ``psycopg`` is not installed.
    """
    try:
        import psycopg
    except ImportError as error:
        raise ReadError(
            "To ask a database the package {package} is needed.",
            hint="Install it with: pip install stadtforum[postgis]",
            package="psycopg",
        ) from error
    parts = urlsplit(source.url)
    host = host_of(source.url)
    database = unquote(parts.path.lstrip("/")) or "postgres"
    name, password = login or (source.settings.get("user", ""), "")
    options = (
        "-c default_transaction_read_only=on -c lock_timeout=5000 "
        f"-c statement_timeout={STATEMENT_S * 1000} -c idle_in_transaction_session_timeout={STATEMENT_S * 1000}"
    )
    try:
        connection = psycopg.connect(
            host=parts.hostname, port=parts.port or 5432, dbname=database, user=name or None,
            password=password or None, connect_timeout=CONNECT_S, options=options, application_name="stadtforum",
        )  # fmt: skip
    except psycopg.OperationalError as error:
        text = str(error)
        if "password" in text or "role" in text or "authentication" in text or "no pg_hba.conf entry" in text:
            raise LoginError(host, name=name) from error
        raise NetworkError("{host} cannot be reached ({reason}).", host=host, reason=_first_line(text)) from error
    try:
        with connection:
            connection.read_only = True
            yield connection
    except psycopg.errors.QueryCanceled as error:
        raise NetworkError(
            "The database {host} took longer than {seconds} s for one question.",
            hint="Ask for a smaller part, or let its administrator add a spatial index.",
            host=host,
            seconds=STATEMENT_S,
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise ReadError(
            "The database does not let this user read what was asked for ({reason}).", reason=_first_line(str(error))
        ) from error
    except psycopg.OperationalError as error:
        raise NetworkError(
            "{host} ended the connection ({reason}).", host=host, reason=_first_line(str(error))
        ) from error
    except psycopg.Error as error:
        raise ReadError(
            "The database does not understand this question ({reason}).", reason=_first_line(str(error))
        ) from error
    finally:
        connection.close()


def rows(connection: Any, context: ReadContext, query: Any, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """All rows of a question, fetched in pieces so that a person can stop it.

    Raises
    ------
    LimitError
        There are more than ``MAX_ROWS``.
    """
    found: list[tuple[Any, ...]] = []
    with connection.cursor(name="stadtforum") as cursor:
        cursor.itersize = _PIECE
        cursor.execute(query, values)
        while piece := cursor.fetchmany(_PIECE):
            found.extend(piece)
            context.progress.report(0.1 + 0.6 * len(found) / (len(found) + 100_000), "Waiting for the server")
            if len(found) > MAX_ROWS:
                raise LimitError("The database has more than {limit} rows for this part.", limit=MAX_ROWS)
    return found


def table_name(text: str) -> tuple[str, str]:
    """Schema and name of ``schema.table`` or ``table``.

    Raises
    ------
    ReadError
        It cannot be the name of a table.
    """
    schema, dot, name = text.rpartition(".")
    if not _NAME.fullmatch(name) or (dot and not _NAME.fullmatch(schema)):
        raise ReadError("{name} cannot be the name of a table.", name=text[:80])
    return schema, name


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:200] if text.strip() else "?"
