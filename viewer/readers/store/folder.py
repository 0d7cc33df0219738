"""A folder with a manifest: written whole or not at all, and recognised when it is opened.

The arrays in it are the matter of ``arrays``. Nothing here knows what a city is.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from viewer.errors import LimitError, ReadError

FORMAT, VERSION = "stadtforum-city-store", 2
MANIFEST = "manifest.json"
#: What a folder of 3D Tiles is opened by.
TILESET = "tileset.json"
#: Endings of files that belong to a shapefile.
_OF_SHAPEFILES = frozenset({".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qpj"})
#: Name of a prepared city that a person asked for.
SUFFIX = ".city"
#: Work in progress older than this was left by a program that was killed.
LEFTOVER_AGE_S = 24 * 3600.0
MAX_MANIFEST_BYTES = 64 << 20
_TEMPORARY = re.compile(r"\.stadtforum-\d+-[0-9a-f]{8}\.(tmp|old)")


class NewFolder:
    """A folder being written under a name that nobody opens; it appears in one step and replaces a former one.

    Use it as a context manager, write into ``path``, and end with ``finish``. Without that, and where anything is
    raised, nothing is left and what was there before is still there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = scratch_name(folder.parent, "tmp")

    def __enter__(self) -> NewFolder:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.path.mkdir()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def finish(self, body: Mapping[str, Any]) -> int:
        """Seal it with a manifest that holds ``body`` (JSON values) and put it in place; the manifest's bytes.

        Raises
        ------
        OSError
            It could not be written.
        """
        manifest = _manifest(dict(body))
        _write_synced(self.path / MANIFEST, manifest)
        _sync_folder(self.path)
        _put_in_place(self.path, self.folder)
        _sync_folder(self.folder.parent)
        return len(manifest)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The body of the manifest in ``folder``.

    Raises
    ------
    ReadError
        There is none, it is damaged, or another version of the program wrote it.
    """
    path = folder / MANIFEST
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise LimitError("The manifest of this prepared city is larger than {limit} MB.", path=path, limit=64)
        whole = json.loads(path.read_bytes())
        if not isinstance(whole, dict) or whole.get("format") != FORMAT:
            raise damaged(MANIFEST)
        if whole.get("version") != VERSION:
            raise ReadError(
                "This prepared city was written by another version of the program.",
                hint="Prepare it again from the original file.",
                path=path,
            )
        body = whole.get("body")
        if not isinstance(body, dict) or whole.get("sha256") != _digest(body):
            raise damaged(MANIFEST)
    except OSError as error:
        raise ReadError("This prepared city has no readable manifest.", path=folder) from error
    except (ValueError, RecursionError) as error:
        raise damaged(MANIFEST) from error
    return body


def entry_of(path: Path) -> Path:
    """The file to open for a path: in the folder of a prepared city its manifest, in one of 3D Tiles the tileset, for
    a part of a shapefile the ``.shp``, else the path itself."""
    try:
        if path.suffix.lower() in _OF_SHAPEFILES:
            return next((p for p in map(path.with_suffix, (".shp", ".SHP")) if p.is_file()), path)
        if path.is_dir():
            if path.suffix.lower() == SUFFIX and (path / MANIFEST).is_file():
                return path / MANIFEST
            if (path / TILESET).is_file():
                return path / TILESET
    except (OSError, ValueError):
        return path
    return path


def title_of(path: Path) -> str:
    """How a file is called before people: the folder's name for the manifest of a prepared city."""
    return path.parent.name if path.name == MANIFEST and path.parent.suffix.lower() == SUFFIX else path.name


def damaged(part: str) -> ReadError:
    """The error for a copy that cannot be trusted."""
    return ReadError(
        "This prepared city is damaged ({part}).", hint="Prepare it again from the original file.", part=part
    )


def remove_folder(folder: Path) -> bool:
    """Remove a store in one step as others see it; False if it has to stay (Windows keeps mapped files)."""
    aside = scratch_name(folder.parent, "old")
    try:
        folder.rename(aside)
    except OSError:
        return False
    shutil.rmtree(aside, ignore_errors=True)
    return True


def scratch_name(parent: Path, kind: str) -> Path:
    """A name for work in progress that nobody opens; ``is_scratch`` recognises it."""
    return parent / f".stadtforum-{os.getpid()}-{secrets.token_hex(4)}.{kind}"


def is_scratch(path: Path) -> bool:
    """Whether a name is one of work in progress."""
    return _TEMPORARY.fullmatch(path.name) is not None


def sweep_scratch(folder: Path) -> None:
    """Remove work in progress that killed programs left here long ago."""
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # another program removed it meanwhile, or it is not ours to remove
            if is_scratch(path) and time.time() - path.stat().st_mtime > LEFTOVER_AGE_S:
                remove_folder(path)


def _put_in_place(temporary: Path, folder: Path) -> None:
    aside = scratch_name(folder.parent, "old")
    try:
        folder.rename(aside)
    except FileNotFoundError:
        temporary.rename(folder)
        return
    try:
        temporary.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _manifest(body: dict[str, Any]) -> bytes:
    whole = {"format": FORMAT, "version": VERSION, "sha256": _digest(body), "body": body}
    return json.dumps(whole).encode("ascii")


def _digest(body: object) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """The names are on the disk too; where a system cannot do that, a power cut only costs the copy."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
