"""A folder of arrays with a manifest: written whole or not at all, and checked when it is opened.

Each array is a plain ``.npy`` file that other programs can read too. Nothing here knows what a city is.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.errors import LimitError, ReadError
from viewer.readers.store.texts import damaged

Array = NDArray[np.generic]

FORMAT, VERSION = "stadtforum-city-store", 1
MANIFEST = "manifest.json"
#: Name of a prepared city that a person asked for.
SUFFIX = ".city"
MAX_MANIFEST_BYTES = 64 << 20
MAX_ARRAYS = 10_000
#: Smaller arrays are read, larger ones mapped: every mapping holds a file open.
MAPPED_FROM_BYTES = 1 << 18

_FILE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,150}\.npy")
_DTYPE = re.compile(r"\|[bu]1|\|i1|<[iuf][248]")
_TEMPORARY = re.compile(r"\.stadtforum-\d+-[0-9a-f]{8}\.(tmp|old)")


def write_folder(folder: Path, arrays: Mapping[str, Array], body: Mapping[str, Any]) -> int:
    """Write arrays and a manifest that holds ``body`` (JSON values); the size in bytes.

    The folder appears in one step and replaces one that was there.

    Raises
    ------
    OSError
        It could not be written; what was there before is still there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = scratch_name(folder.parent, "tmp")
    temporary.mkdir()
    try:
        entries, size = {}, 0
        for name, array in arrays.items():
            entries[name] = _write_array(temporary / f"{name}.npy", array)
            size += array.nbytes
        manifest = _manifest({**body, "arrays": entries})
        _write_synced(temporary / MANIFEST, manifest)
        _sync_folder(temporary)
        _put_in_place(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync_folder(folder.parent)
    return size + len(manifest)


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


def read_arrays(folder: Path, body: Mapping[str, Any]) -> dict[str, Array]:
    """The arrays the manifest names, read-only; large ones stay in their files and are mapped.

    Raises
    ------
    ReadError
        One is missing, is not what the manifest says, or has a name that leads out of the folder.
    """
    entries = body.get("arrays")
    if not isinstance(entries, dict) or len(entries) > MAX_ARRAYS:
        raise damaged(MANIFEST)
    return {str(name): _read_array(folder, str(name), entry) for name, entry in entries.items()}


def entry_of(path: Path) -> Path:
    """The file to open for a path: the manifest for the folder of a prepared city, else the path itself."""
    try:
        inside = path.suffix.lower() == SUFFIX and path.is_dir() and (path / MANIFEST).is_file()
    except (OSError, ValueError):
        return path
    return path / MANIFEST if inside else path


def title_of(path: Path) -> str:
    """How a file is called before people: the folder's name for the manifest of a prepared city."""
    return path.parent.name if path.name == MANIFEST and path.parent.suffix.lower() == SUFFIX else path.name


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


def _write_array(path: Path, array: Array) -> dict[str, Any]:
    plain = np.ascontiguousarray(array)
    plain = plain.astype(plain.dtype.newbyteorder("<"), copy=False).reshape(array.shape)
    if not _FILE.fullmatch(path.name) or not _DTYPE.fullmatch(plain.dtype.str):
        raise ValueError(f"{path.name} with {plain.dtype} is no array of a store")
    with path.open("xb") as file:
        np.lib.format.write_array(file, plain, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    return {
        "file": path.name, "dtype": plain.dtype.str, "shape": list(plain.shape), "crc32": zlib.crc32(_bytes(plain)),
    }  # fmt: skip


def _read_array(folder: Path, name: str, entry: object) -> Array:
    if not isinstance(entry, dict):
        raise damaged(MANIFEST)
    file, dtype, shape = entry.get("file"), entry.get("dtype"), entry.get("shape")
    if not isinstance(file, str) or not _FILE.fullmatch(file) or (folder / file).is_symlink():
        raise damaged(name)
    if not isinstance(dtype, str) or not _DTYPE.fullmatch(dtype) or not isinstance(shape, list):
        raise damaged(name)
    try:
        mapped = (folder / file).stat().st_size >= MAPPED_FROM_BYTES
        array = np.load(folder / file, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise damaged(name) from error
    if not isinstance(array, np.ndarray) or array.dtype.str != dtype or list(array.shape) != shape:
        raise damaged(name)
    plain = array.view(np.ndarray)
    if not plain.flags.c_contiguous or zlib.crc32(_bytes(plain)) != entry.get("crc32"):
        raise damaged(name)
    plain.setflags(write=False)
    return plain


def _bytes(array: Array) -> memoryview | bytes:
    return array.reshape(-1).view(np.uint8).data if array.size else b""


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
