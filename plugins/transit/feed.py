"""The tables of a GTFS feed, read from its archive within limits; nothing is unpacked to disk."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TypeVar

from viewer.plugin_api import LimitError, ReadContext, ReadError

T = TypeVar("T")

MAX_TABLE_BYTES, MAX_EXPANSION, EXPANSION_FREE_BYTES = 4 * 1024**3, 200, 64 * 1024**2
_CHUNK_ROWS = 500_000
NEEDED = ("stops.txt", "routes.txt", "trips.txt", "stop_times.txt")
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


def folder_of(names: list[str]) -> str | None:
    """The folder inside the archive that holds a feed ("" for the top), None if there is none."""
    known = set(names)
    for name in names:
        path = PurePosixPath(name)
        if path.name == "stops.txt" and len(path.parts) <= 2:
            folder = name[: -len("stops.txt")]
            if all(folder + needed in known for needed in NEEDED):
                return folder
    return None


class Feed:
    """An open feed. Every cell is text, "" where there is none."""

    def __init__(self, archive: zipfile.ZipFile, path: Path, context: ReadContext) -> None:
        folder = folder_of(archive.namelist())
        if folder is None:
            raise ReadError(
                "This archive is no GTFS timetable.",
                hint="It needs stops.txt, routes.txt, trips.txt and stop_times.txt.",
                path=path,
            )
        self._archive, self._path, self._context, self._folder = archive, path, context, folder
        self._sizes = {info.filename: info for info in archive.infolist()}

    def table(self, name: str, columns: tuple[str, ...], *, needed: tuple[str, ...] = ()):
        """A whole table as a data frame with exactly these columns; empty if the file is not there."""
        import pandas

        parts = list(self.chunks(name, columns, needed=needed))
        return (
            pandas.concat(parts, ignore_index=True) if parts else pandas.DataFrame({c: [] for c in columns}, dtype=str)
        )

    def chunks(self, name: str, columns: tuple[str, ...], *, needed: tuple[str, ...] = ()) -> Iterator:
        """The same piece by piece, for large tables.

        Raises
        ------
        ReadError, LimitError
            The table is damaged, lacks a needed column, or is too large.
        """
        info = self._sizes.get(self._folder + name)
        if info is None:
            return
        if info.file_size > MAX_TABLE_BYTES or (
            info.file_size > EXPANSION_FREE_BYTES and info.file_size > MAX_EXPANSION * max(info.compress_size, 1)
        ):
            raise LimitError("{table} is too large to be read safely.", path=self._path, table=name)
        encoding = self._encoding(info)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield from self._parsed(info, name, columns, needed, encoding)
        skipped = sum(len(re.findall(r"Skipping line", str(warning.message))) for warning in caught)
        self._context.warn("Rows of {table} with too many cells, left out: {count}", count=skipped, table=name)

    def _parsed(self, info, name: str, columns: tuple[str, ...], needed: tuple[str, ...], encoding: str) -> Iterator:
        import pandas

        try:
            with self._archive.open(info) as file:
                reader = pandas.read_csv(
                    file, dtype=str, keep_default_na=False, encoding=encoding, encoding_errors="replace",
                    chunksize=_CHUNK_ROWS, on_bad_lines="warn", skipinitialspace=True, index_col=False,
                )  # fmt: skip
                for chunk in reader:
                    chunk.columns = [str(column).strip().strip('"').lower() for column in chunk.columns]
                    chunk = chunk.loc[:, ~chunk.columns.duplicated()].fillna("")
                    missing = [column for column in needed if column not in chunk.columns]
                    if missing:
                        raise ReadError(
                            "{table} has no column {column}.", path=self._path, table=name, column=missing[0]
                        )
                    self._context.progress.raise_if_cancelled()
                    yield chunk.reindex(columns=list(columns), fill_value="").astype(str)
        except pandas.errors.EmptyDataError:
            return
        except _UNREADABLE as error:  # pandas' own errors are ValueErrors
            reason = " ".join(str(error).split())[:200]
            raise ReadError("{table} cannot be read ({reason}).", path=self._path, table=name, reason=reason) from error

    def _encoding(self, info) -> str:
        """UTF-8 as the format demands, Windows text where the beginning is none."""
        try:
            with self._archive.open(info) as file:
                head = file.read(1 << 20)
        except _UNREADABLE as error:
            reason = " ".join(str(error).split())[:200]
            raise ReadError(
                "{table} cannot be read ({reason}).", path=self._path, table=info.filename[-80:], reason=reason
            ) from error
        for cut in range(4):  # a letter may be cut in two at the end
            try:
                head[: len(head) - cut].decode("utf-8")
            except UnicodeDecodeError:
                continue
            return "utf-8-sig"
        self._context.info("{table} is not UTF-8 and was read as Windows text.", table=info.filename[-80:])
        return "cp1252"


def with_feed(path: Path, context: ReadContext, work: Callable[[Feed], T]) -> T:
    """Open the archive, do the work, close it.

    Raises
    ------
    ReadError
        It cannot be opened.
    """
    try:
        archive = zipfile.ZipFile(path)
    except _UNREADABLE as error:
        raise ReadError("The archive is damaged and cannot be opened.", path=path) from error
    with archive:
        return work(Feed(archive, path, context))
