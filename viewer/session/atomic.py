"""The one writer of files that matter: whole or not at all, whatever fails and whenever.

A temporary file in the same folder is written, synced, read back and compared, the former file is kept
as one generation, and only then takes the new file its place. What is written is somebody else's matter.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from viewer.errors import SaveError
from viewer.session.files import FileLayer, is_sharing_error, remove_quietly, save_error

#: How long a file held by another program is tried again, seconds.
RETRY_SECONDS = 3.0
_RETRY_STEP = 0.1
_TEMPORARY = re.compile(r"^\.stadtforum-\d+-[0-9a-f]{8}\.tmp$")
_LEFTOVER_AGE_S = 24 * 3600.0

FOLDER_WARNING = "The file is saved, but this folder does not confirm it; a power cut right now could undo it."
FORMER_WARNING = "The file is saved, but its former version could not be kept."
MODE_WARNING = "The file is saved, but it has other access rights than before."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SaveResult:
    """A finished save. The file is on disk, whatever the warnings say.

    path : the file written, symbolic links followed. size : bytes. sha256 : of the content.
    warnings : English sentences, translation keys.
    """

    path: Path
    size: int
    sha256: str
    warnings: tuple[str, ...] = ()


def write_atomic(
    path: Path,
    content: bytes | Iterable[bytes],
    *,
    keep_former: bool = True,
    layer: FileLayer | None = None,
) -> SaveResult:
    """Write a file so that it is at every moment either the former or the new one, whole.

    Parameters
    ----------
    path : the file; a symbolic link stays a link and the file behind it is written.
    content : the bytes, or chunks of them made one after the other.
    keep_former : keep the file that was there as ``name~``.
    layer : the file operations, replaced in tests.

    Raises
    ------
    SaveError
        Nothing was changed: the former file is whole and in its place.
    """
    layer = FileLayer() if layer is None else layer
    target = Path(os.path.realpath(path))
    former_mode = _mode_of(target)
    temporary = _temporary_in(target.parent)
    try:
        size, digest = _write_temporary(layer, temporary, content, former_mode)
        if layer.checksum(temporary) != digest:
            raise SaveError(
                "What was written does not read back the same, so the file was not saved.",
                hint="Save in another place and have the disk checked.",
                path=path,
            )
        warnings = _keep_former(layer, target, temporary, keep_former) if former_mode is not None else []
        _retry(layer, lambda: layer.replace(temporary, target))
    except OSError as error:
        remove_quietly(layer, temporary)
        raise save_error(error, path) from error
    except BaseException:  # cancelled, or a chunk could not be made: no rubbish stays
        remove_quietly(layer, temporary)
        raise
    try:  # from here on the new file is in its place: the save is done
        layer.sync_folder(target.parent)
    except OSError as error:
        _log.info("folder %s could not be synced: %s", target.parent, error)
        warnings.append(FOLDER_WARNING)
    return SaveResult(target, size, digest, tuple(warnings))


def former_of(path: Path) -> Path:
    """Where the former generation of a file is kept."""
    return path.with_name(path.name + "~")


def sweep_leftovers(folder: Path, *, now: float | None = None) -> int:
    """Remove temporary files that a killed program left in a folder more than a day ago; their number."""
    now = time.time() if now is None else now
    removed = 0
    try:
        leftovers = [p for p in folder.iterdir() if _TEMPORARY.match(p.name)]
        for leftover in leftovers:
            if now - leftover.stat().st_mtime > _LEFTOVER_AGE_S:
                leftover.unlink()
                removed += 1
    except OSError as error:
        _log.info("leftovers in %s could not be swept: %s", folder, error)
    return removed


def _mode_of(target: Path) -> int | None:
    """Permissions of the file that will be replaced; None if there is none."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise save_error(error, target) from error
    if not stat.S_ISREG(status.st_mode):
        raise SaveError("This is not a file that can be written.", hint="Save under another name.", path=target)
    if not status.st_mode & stat.S_IWUSR:
        raise SaveError(
            "This file is write-protected, so it was not saved.",
            hint="Save under another name, or take the protection off.",
            path=target,
        )
    return stat.S_IMODE(status.st_mode)


def _temporary_in(folder: Path) -> Path:
    return folder / f".stadtforum-{os.getpid()}-{secrets.token_hex(4)}.tmp"


def _write_temporary(
    layer: FileLayer, temporary: Path, content: bytes | Iterable[bytes], former_mode: int | None
) -> tuple[int, str]:
    """Write and sync the temporary file; its size and SHA-256."""
    digest = hashlib.sha256()
    size = 0
    # A file that others could not read is not readable by them half written either.
    descriptor = layer.create(temporary, 0o666 if former_mode is None else 0o600)
    try:
        for chunk in (content,) if isinstance(content, bytes) else content:
            digest.update(chunk)
            size += len(chunk)
            _write_all(layer, descriptor, chunk)
        if layer.length(descriptor) != size:
            raise OSError(errno.ENOSPC, "the file is shorter than what was written")
        layer.sync(descriptor)
    except BaseException:
        _close_quietly(layer, descriptor)
        raise
    layer.close(descriptor)
    return size, digest.hexdigest()


def _write_all(layer: FileLayer, descriptor: int, chunk: bytes) -> None:
    """Write a chunk to its end; a disk that takes only a part says why at the next try."""
    rest = memoryview(chunk)
    while rest:
        written = layer.write(descriptor, rest)
        if written <= 0:
            raise OSError(errno.ENOSPC, "the disk takes no more")
        rest = rest[written:]


def _close_quietly(layer: FileLayer, descriptor: int) -> None:
    """Close a file whose save has failed already: the first error is the one to tell."""
    try:
        layer.close(descriptor)
    except OSError as error:
        _log.debug("closing after a failed save: %s", error)


def _keep_former(layer: FileLayer, target: Path, temporary: Path, keep: bool) -> list[str]:
    """Permissions and former generation; neither is worth losing the save over."""
    warnings = []
    try:
        layer.copy_mode(target, temporary)
    except OSError as error:
        _log.info("permissions of %s could not be kept: %s", target, error)
        warnings.append(MODE_WARNING)
    if keep:
        link = _temporary_in(target.parent)
        try:
            layer.keep(target, former_of(target), link)
        except OSError as error:
            _log.info("former version of %s could not be kept: %s", target, error)
            remove_quietly(layer, link)
            warnings.append(FORMER_WARNING)
    return warnings


def _retry(layer: FileLayer, step: Callable[[], None]) -> None:
    """Do a step again for a few seconds while another program holds the file."""
    for _ in range(round(RETRY_SECONDS / _RETRY_STEP)):
        try:
            step()
            return
        except OSError as error:
            if not is_sharing_error(error):
                raise
            layer.wait(_RETRY_STEP)
    step()
