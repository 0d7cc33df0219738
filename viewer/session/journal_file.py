"""The file behind the autosave journal: one SQLite database per session, every state once.

A state is cut into parts that are stored under their SHA-256, so an edit of a large session adds only
what it changed, and any entry can be read without the ones before it. When to write is ``journal``'s matter.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from viewer.city.report import Issue
from viewer.errors import SessionError
from viewer.session import codec
from viewer.session.document import Document

JOURNAL_NAME = "journal.sqlite"
#: Version of the tables below.
JOURNAL_VERSION = 1
#: Older entries than this many are dropped once there are twice as many.
KEPT_ENTRIES = 1_000
_PART_LENGTH = 2_000

Connect = Callable[[str], sqlite3.Connection]

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS part (hash TEXT PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entry (
    number INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    kind TEXT NOT NULL,
    step INTEGER NOT NULL,
    saved INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    hash TEXT NOT NULL,
    root TEXT NOT NULL
);
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal.

    kind : name of the edit's class, ``"undo"`` for undo and redo, ``"open"``, ``"saved"``.
    step : whether it counts as a change a person made. saved : whether this state is in the session file.
    """

    kind: str
    document: Document
    step: bool = True
    saved: bool = False


@dataclass(frozen=True, slots=True)
class JournalState:
    """What a journal ends in. changes : steps after the last save; time : ISO of the last entry."""

    document: Document
    state_hash: str
    time: str
    changes: int
    path: Path | None
    clean: bool
    issues: tuple[Issue, ...] = ()


def connect(path: str) -> sqlite3.Connection:
    """Open a database; the only connection to it, used by one thread after another."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2.0)


class JournalFile:
    """The database of one session, open for writing.

    Raises
    ------
    sqlite3.Error, OSError
        It cannot be made, or SQLite does not do here what it promises.
    """

    def __init__(self, path: Path, *, open_with: Connect = connect) -> None:
        self._known: set[str] = set()
        self._entries = 0
        self._connection = open_with(str(path))
        try:
            self._self_test()
            self._connection.executescript(_TABLES)
            self.append((), {"journal_version": str(JOURNAL_VERSION)})
            row = self._connection.execute("SELECT count(*) FROM entry").fetchone()
            self._entries = int(row[0])
        except BaseException:
            self._connection.close()
            raise
        _log.info("journal %s with SQLite %s", path, sqlite3.sqlite_version)

    def append(self, entries: Iterable[Entry], notes: Mapping[str, str]) -> None:
        """Add entries and set notes (title, path ...) in one transaction; on disk when this returns."""
        new: set[str] = set()
        count = 0
        with _Transaction(self._connection) as connection:
            for entry in entries:
                data = codec.encode(entry.document, marks=True)
                parts: dict[str, str] = {}
                root = _split(data, parts)
                rows = [(name, text) for name, text in parts.items() if name not in self._known]
                connection.executemany("INSERT OR IGNORE INTO part VALUES (?, ?)", rows)
                new.update(name for name, _ in rows)
                connection.execute(
                    "INSERT INTO entry (time, kind, step, saved, schema_version, hash, root) VALUES (?,?,?,?,?,?,?)",
                    (
                        datetime.now(UTC).isoformat(timespec="seconds"),
                        entry.kind,
                        entry.step,
                        entry.saved,
                        codec.SCHEMA_VERSION,
                        codec.state_hash(entry.document),
                        root,
                    ),
                )
                count += 1
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(notes.items()))
        self._known |= new
        self._entries += count
        if self._entries > 2 * KEPT_ENTRIES:
            self._prune()

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _self_test(self) -> None:
        """Refuse an SQLite that does not keep its word here, such as on a folder without locks."""
        connection = self._connection
        mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        connection.execute("PRAGMA synchronous=FULL")
        level = connection.execute("PRAGMA synchronous").fetchone()
        check = connection.execute("PRAGMA quick_check").fetchone()
        if mode != ("delete",) or level != (2,) or check != ("ok",):
            raise sqlite3.DatabaseError(f"self-test failed: mode {mode}, synchronous {level}, check {check}")
        with _Transaction(connection):
            connection.execute("CREATE TABLE IF NOT EXISTS self_test (value INTEGER)")
            connection.execute("DELETE FROM self_test")
            connection.execute("INSERT INTO self_test VALUES (42)")
        if connection.execute("SELECT value FROM self_test").fetchall() != [(42,)]:
            raise sqlite3.DatabaseError("self-test failed: what was written does not read back")

    def _prune(self) -> None:
        """Drop old entries and the parts only they had. The entries since the last save stay countable:
        their number is noted first."""
        with _Transaction(self._connection) as connection:
            row = connection.execute("SELECT max(number) FROM entry").fetchone()
            oldest = int(row[0]) - KEPT_ENTRIES
            dropped = connection.execute(
                "SELECT count(*) FROM entry WHERE step AND number <= ? AND number > "
                "(SELECT coalesce(max(number), 0) FROM entry WHERE saved)",
                (oldest,),
            ).fetchone()[0]
            before = connection.execute("SELECT value FROM meta WHERE name = 'dropped_changes'").fetchone()
            total = int(dropped) + (int(before[0]) if before else 0)
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('dropped_changes', ?)", (str(total),))
            connection.execute("DELETE FROM entry WHERE number <= ?", (oldest,))
            used: set[str] = set()
            waiting = [r[0] for r in connection.execute("SELECT root FROM entry")]
            while waiting:
                name = waiting.pop()
                if name not in used:
                    used.add(name)
                    text = connection.execute("SELECT json FROM part WHERE hash = ?", (name,)).fetchone()
                    waiting += _references(json.loads(text[0])) if text else []
            names = [(r[0],) for r in connection.execute("SELECT hash FROM part") if r[0] not in used]
            connection.executemany("DELETE FROM part WHERE hash = ?", names)
        self._known &= used
        self._entries = KEPT_ENTRIES


class _Transaction:
    """All or nothing; a failed rollback leaves the journal to be opened anew."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> sqlite3.Connection:
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        try:
            if kind is None:
                self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._roll_back()

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            _log.info("journal rollback: %s", error)


def read_journal(path: Path) -> JournalState:
    """The last state of a journal that can be read whole; a damaged end costs only itself.

    Raises
    ------
    SessionError
        No state in it can be read.
    """
    try:
        if not path.is_file():  # SQLite would make an empty one
            raise sqlite3.OperationalError("there is none")
        connection = connect(str(path))
        try:
            return _read(connection)
        finally:
            connection.close()
    except (sqlite3.Error, OSError, ValueError, TypeError, RecursionError) as error:
        raise SessionError(
            "The automatic copy of this session cannot be read: {reason}.", path=path, reason=str(error)
        ) from error


def _read(connection: sqlite3.Connection) -> JournalState:
    meta = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    if int(meta.get("journal_version", "0")) > JOURNAL_VERSION:
        raise SessionError(
            "This session was saved by a newer version of Stadtforum.", hint="Install the newest version to open it."
        )
    entries = connection.execute(
        "SELECT number, time, schema_version, hash, root FROM entry ORDER BY number DESC"
    ).fetchall()
    for number, time, version, digest, root in entries:
        try:
            document, issues = codec.decode(_join(connection, root), version)
        except (SessionError, ValueError) as error:
            _log.warning("journal entry %s cannot be read: %s", number, error)
            continue
        saved = connection.execute(
            "SELECT max(number), coalesce(max(hash = ?), 0) FROM entry WHERE saved AND number = "
            "(SELECT max(number) FROM entry WHERE saved AND number <= ?)",
            (digest, number),
        ).fetchone()
        changes = connection.execute(
            "SELECT count(*) FROM entry WHERE step AND number <= ? AND number > ?", (number, saved[0] or 0)
        ).fetchone()[0]
        dropped = int(meta.get("dropped_changes", "0")) if saved[0] is None else 0
        place = meta.get("path", "")
        return JournalState(
            document=document,
            state_hash=codec.state_hash(document),
            time=time,
            changes=0 if saved[1] else changes + dropped,
            path=Path(place) if place else None,
            clean=meta.get("clean") == "yes",
            issues=issues,
        )
    raise SessionError("The automatic copy of this session holds no readable state.")


def _split(value: Any, parts: dict[str, str]) -> str:
    """Store a value in parts; the name of the part it is in. Long lists, entries and texts get their own."""
    text = json.dumps(_shrink(value, parts)[0], separators=(",", ":"))
    name = hashlib.sha256(text.encode("ascii")).hexdigest()
    parts[name] = text
    return name


def _shrink(value: Any, parts: dict[str, str]) -> tuple[Any, int]:
    """The value with everything long replaced by ``{"$": name}``, and about how long it is then.

    Objects of a newer version that have such a field themselves are kept as text: ``{"$$": json}``.
    """
    if isinstance(value, str):
        return value, len(value) + 2
    if isinstance(value, list):
        if all(type(item) in (str, float, int) for item in value):
            return value, sum(len(item) + 3 if type(item) is str else 20 for item in value)
        shrunk = [_own_part(item, parts) for item in value]
        return [item for item, _ in shrunk], sum(length for _, length in shrunk)
    if isinstance(value, dict):
        if "$" in value or "$$" in value:
            text = json.dumps(value)
            return {"$$": text}, len(text)
        fields = {name: _own_part(item, parts) for name, item in value.items()}
        return {name: item for name, (item, _) in fields.items()}, sum(len(n) + s + 4 for n, (_, s) in fields.items())
    return value, 8


def _own_part(value: Any, parts: dict[str, str]) -> tuple[Any, int]:
    small, length = _shrink(value, parts)
    if length <= _PART_LENGTH:
        return small, length
    text = json.dumps(small, separators=(",", ":"))
    name = hashlib.sha256(text.encode("ascii")).hexdigest()
    parts[name] = text
    return {"$": name}, 72


def _references(value: Any) -> list[str]:
    """Names of the parts a part speaks of."""
    if isinstance(value, dict):
        if set(value) == {"$"}:
            return [value["$"]]
        return [name for item in value.values() for name in _references(item)]
    if isinstance(value, list):
        return [name for item in value for name in _references(item)]
    return []


def _join(connection: sqlite3.Connection, name: str, depth: int = 0) -> Any:
    """The value of a part, whole again.

    Raises
    ------
    ValueError
        A part is missing, or differs from its name.
    """
    row = connection.execute("SELECT json FROM part WHERE hash = ?", (name,)).fetchone()
    if row is None or depth > 20 or hashlib.sha256(str(row[0]).encode("utf-8", "replace")).hexdigest() != name:
        raise ValueError(f"part {name} is missing or damaged")

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"$"}:
                return _join(connection, value["$"], depth + 1)
            if set(value) == {"$$"}:
                return json.loads(value["$$"])
            return {key: fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [fill(item) for item in value]
        return value

    return fill(json.loads(row[0]))
