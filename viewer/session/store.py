"""The session file: ``.stadtforum``, JSON, or a ZIP with its data. Saved whole or not at all.

Shape and checks of the content stand in ``codec``; where the data lies in ``paths``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from viewer import __version__
from viewer.city.report import Issue, IssueLog, Severity
from viewer.errors import ChangedOnDiskError, SaveError, SessionError
from viewer.session import bundle as bundles
from viewer.session import codec, paths
from viewer.session.atomic import SaveResult, sweep_leftovers, write_atomic
from viewer.session.document import Document, FileMark, Source
from viewer.session.fields import Fields
from viewer.session.files import FileLayer, save_error, sha256_of
from viewer.settings import data_folder

SUFFIX = ".stadtforum"
#: What a session file calls itself in its first line.
TYPE = "StadtforumSession"
MAX_SESSION_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class FileStamp:
    """A file as it was when opened or saved, to notice that somebody else changed it."""

    size: int
    modified_ns: int
    sha256: str


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session file that was opened. ``stamp`` goes back to ``save_session`` as ``expected``."""

    document: Document
    issues: tuple[Issue, ...]
    stamp: FileStamp


@dataclass(frozen=True, slots=True)
class SavedSession:
    """A session file that was saved. ``warnings`` are English sentences, translation keys."""

    path: Path
    stamp: FileStamp
    warnings: tuple[str, ...] = ()


def save_session(
    path: Path,
    document: Document,
    *,
    bundle: bool = False,
    portable: bool = False,
    expected: FileStamp | None = None,
    layer: FileLayer | None = None,
) -> SavedSession:
    """Save a session; the former file stays beside it as ``name~``.

    Parameters
    ----------
    path : the session file.
    bundle : copy the data files into it. Data that came out of a bundle always goes back into one.
    portable : write no absolute places and times, for sessions that are given away with their folder.
    expected : the file as it was when opened; given, a file somebody else changed is not overwritten.

    Raises
    ------
    ChangedOnDiskError
        The file differs from ``expected``: offer to save elsewhere, or call again without it.
    SaveError
        Nothing was changed.
    """
    path = path.absolute()
    if expected is not None and not _is_still(path, expected):
        raise ChangedOnDiskError(
            "Somebody else changed this session since you opened it, so it was not overwritten.",
            hint="Save yours under another name, or overwrite the other one.",
            path=path,
        )
    content, members = _encode(path, document, bundle, portable)
    result: SaveResult = write_atomic(
        path, bundles.bundle_chunks(content, members) if members else content, layer=layer
    )
    sweep_leftovers(result.path.parent)
    return SavedSession(path, _stamp_of_saved(result), result.warnings)


def load_session(path: Path, *, unpack_into: Path | None = None) -> tuple[Document, tuple[Issue, ...]]:
    """Document and findings of a session file; see ``open_session``, which also gives the stamp."""
    opened = open_session(path, unpack_into=unpack_into)
    return opened.document, opened.issues


def open_session(path: Path, *, unpack_into: Path | None = None) -> OpenedSession:
    """Open a session file of this or any earlier version.

    Sources get absolute paths. One whose file is not found stays in the document, is said in one
    sentence, and is saved back unchanged.

    Parameters
    ----------
    unpack_into : folder for the data of bundles; the user's data folder by default.

    Raises
    ------
    SessionError
        Not a session, damaged, or of a newer version.
    """
    path = path.absolute()
    try:
        status = path.stat()
        if not path.is_file():
            _not_a_session(path)
        with path.open("rb") as file:
            packed = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            content = b"" if packed else file.read(MAX_SESSION_BYTES + 1)
        digest = sha256_of(path) if packed else hashlib.sha256(content).hexdigest()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise SessionError("The session file cannot be opened: {reason}.", path=path, reason=reason) from error
    unpacked: Path | None = None
    if packed:
        content = bundles.read_session(path, MAX_SESSION_BYTES)
        unpacked = (_bundle_root() if unpack_into is None else unpack_into) / digest[:32]
        bundles.extract(path, unpacked)
        with contextlib.suppress(OSError):  # only for ``purge_bundles``: it was used today
            unpacked.touch()
    try:
        document, issues = _decode(content, path, unpacked)
    except SessionError as error:
        error.path = error.path or path
        raise
    except RecursionError:
        raise SessionError("This session file is nested too deeply.", path=path) from None
    return OpenedSession(document, issues, FileStamp(status.st_size, status.st_mtime_ns, digest))


def stamp_of(path: Path) -> FileStamp | None:
    """The file as it is now; None if there is none."""
    try:
        status = path.stat()
        return FileStamp(status.st_size, status.st_mtime_ns, sha256_of(path))
    except FileNotFoundError:
        return None


def purge_bundles(*, days: float = 90.0) -> int:
    """Remove unpacked data of bundles that nobody opened for so long; the number of them.

    The data stays in the bundles themselves and is unpacked again when one is opened.
    """
    try:
        folders = [folder for folder in _bundle_root().iterdir() if folder.is_dir()]
        old = [folder for folder in folders if time.time() - folder.stat().st_mtime > days * 86_400]
    except OSError:  # nothing was ever unpacked
        return 0
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)


def _is_still(path: Path, expected: FileStamp) -> bool:
    """Whether the file is as it was; a deleted one harms nobody, a mere touch neither."""
    try:
        status = path.stat()
        if (status.st_size, status.st_mtime_ns) == (expected.size, expected.modified_ns):
            return True
        return status.st_size == expected.size and sha256_of(path) == expected.sha256
    except FileNotFoundError:
        return True
    except OSError as error:
        raise save_error(error, path) from error


def _stamp_of_saved(result: SaveResult) -> FileStamp:
    try:
        modified = result.path.stat().st_mtime_ns
    except OSError:  # saved, and gone again: the next save compares by content
        modified = -1
    return FileStamp(result.size, modified, result.sha256)


def _bundle_root() -> Path:
    return data_folder() / "bundles"


# --- writing -----------------------------------------------------------------------------------


def _encode(path: Path, document: Document, bundle: bool, portable: bool = False) -> tuple[bytes, dict[str, Path]]:
    """Content of ``session.json`` and the files that go with it, name inside -> file."""
    sources: list[Source] = []
    members: dict[str, Path] = {}
    for number, source in enumerate(document.sources):
        file = Path(source.path)
        carry = _is_readable(file) and (bundle or _came_from_bundle(file))
        if carry:
            first = bundles.member_name(number, file)
            for companion in bundles.companions_of(file):
                members[bundles.member_name(number, companion)] = companion
            mark: FileMark | None = FileMark(relative=first)
        else:
            mark = paths.mark_of(source, path.parent)
            if portable and mark is not None:
                mark = replace(mark, absolute="", modified_ns=0)
        sources.append(replace(source, path="", mark=mark))
    data = codec.encode(replace(document, sources=tuple(sources)), marks=True)
    for entry in data["sources"]:
        del entry["path"]  # where the file lies is told by its mark alone
    _check_readable(data, document, path)
    return _dump(data), members


def _dump(data: codec.JsonObject) -> bytes:
    """The file for people and programs: what it is first, then the session, one entry a line."""
    head: dict[str, Any] = {
        "type": TYPE,
        "schema_version": codec.SCHEMA_VERSION,
        "written_by": f"Stadtforum {__version__}",
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "sha256": _digest(data),
    }
    whole = {**head, "session": data}
    try:
        return (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode()
    except UnicodeEncodeError:  # file names that are no valid text, as Linux allows
        return (json.dumps(whole, indent=1) + "\n").encode("ascii")


def _digest(data: object) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _check_readable(data: codec.JsonObject, document: Document, path: Path) -> None:
    """What is saved can be opened again: read it back before the former file is touched."""
    try:
        again, _ = codec.decode(json.loads(json.dumps(data, allow_nan=False)))
    except (SessionError, ValueError) as error:
        raise SaveError(
            "The session holds a value that could not be opened again, so it was not saved.",
            hint="Undo the last step and save again.",
            path=path,
        ) from error
    bare = replace(document, sources=tuple(replace(source, path="") for source in document.sources))
    if codec.canonical_bytes(again) != codec.canonical_bytes(bare):
        raise SaveError(
            "The session would not be the same when opened again, so it was not saved.",
            hint="Undo the last step and save again.",
            path=path,
        )


def _is_readable(file: Path) -> bool:
    try:
        return file.is_file()
    except (OSError, ValueError):
        return False


def _came_from_bundle(file: Path) -> bool:
    """Whether a data file lies where bundles are unpacked, and would be lost without one."""
    return file.is_relative_to(_bundle_root())


# --- reading -----------------------------------------------------------------------------------


def _decode(content: bytes, path: Path, unpacked: Path | None) -> tuple[Document, tuple[Issue, ...]]:
    """Document and findings of the content of ``session.json``."""
    if len(content) > MAX_SESSION_BYTES:
        raise SessionError("The session file is larger than {limit} MB.", limit=MAX_SESSION_BYTES >> 20)
    head = _parse(content, path)
    log = IssueLog()
    fields = Fields(head, "", log)
    if fields.raw("type") != TYPE:
        _not_a_session(path)
    version = fields.whole("schema_version", 0)
    if version < 1:
        _not_a_session(path)
    data = fields.raw("session")
    if fields.raw("sha256") != _digest(data):
        log.add(
            Severity.WARNING,
            "This session file was changed by another program or damaged; what it says was read all the same.",
        )
    document, issues = codec.decode(data, version)
    folder = path.parent if unpacked is None else unpacked
    sources = []
    for source in document.sources:
        outside = unpacked is not None and source.mark is not None and not source.mark.relative.startswith("data/")
        sources.append(paths.find(source, path.parent if outside else folder, log))
    return replace(document, sources=tuple(sources)), (*log.issues(), *issues)


def _parse(content: bytes, path: Path) -> object:
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_no_constant)
    except ValueError as error:  # also text that is no UTF-8 and JSON that is none
        if not content.lstrip().startswith(b"{"):
            _not_a_session(path)
        raise SessionError(
            "This session file is damaged and cannot be read.",
            hint="The former version is kept beside the file, its name ends with ~.",
        ) from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _not_a_session(path: Path) -> NoReturn:
    raise SessionError("This is not a session file.", hint="Session files end with .stadtforum.", path=path)
