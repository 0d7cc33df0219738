"""The file operations a save is made of, one method each, and the sentences for the ones that fail.

Tests put a layer in between whose n-th operation fails; nothing here knows what is saved.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import sys
import time
from pathlib import Path

from viewer.errors import SaveError

_BINARY = getattr(os, "O_BINARY", 0)
_CLOSE_ON_EXEC = getattr(os, "O_CLOEXEC", getattr(os, "O_NOINHERIT", 0))
_READ_CHUNK = 1 << 20

#: Windows error codes of a file that another program (a virus scanner, a sync client) holds.
_SHARING_CODES = frozenset({5, 32, 33})
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


class FileLayer:
    """What a save does with the disk. Every method may raise ``OSError``."""

    def create(self, path: Path, mode: int) -> int:
        """Make a new file that must not exist yet, and open it for writing."""
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY | _CLOSE_ON_EXEC, mode)

    def write(self, descriptor: int, data: memoryview) -> int:
        """Write as much as goes; the number of bytes written."""
        return os.write(descriptor, data)

    def length(self, descriptor: int) -> int:
        """Bytes the open file has."""
        return os.fstat(descriptor).st_size

    def sync(self, descriptor: int) -> None:
        """Everything written is on the disk, not only in its cache."""
        if sys.platform == "darwin":
            import fcntl

            try:
                fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
                return
            except OSError as error:  # network folders do not know the full sync
                if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                    raise
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close; some network folders report a full disk only here."""
        os.close(descriptor)

    def checksum(self, path: Path) -> str:
        """SHA-256 of a file as it is read back."""
        return sha256_of(path)

    def copy_mode(self, source: Path, target: Path) -> None:
        """Give the new file the permissions of the former one."""
        target.chmod(stat.S_IMODE(source.stat().st_mode))

    def keep(self, path: Path, former: Path, temporary: Path) -> None:
        """Keep ``path`` as ``former`` too, which is whole at every moment."""
        try:
            os.link(path, temporary)
        except OSError:  # FAT and some network folders have no links
            shutil.copyfile(path, temporary)
        temporary.replace(former)
        temporary.unlink(missing_ok=True)  # renaming one link of a file to another leaves both

    def replace(self, source: Path, target: Path) -> None:
        """Put the new file in the place of the former one, in one step."""
        source.replace(target)

    def sync_folder(self, folder: Path) -> None:
        """The new name is on the disk too. Windows has no such call."""
        if os.name == "nt":
            return
        descriptor = os.open(folder, os.O_RDONLY | _CLOSE_ON_EXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Remove a file of ours."""
        path.unlink()

    def wait(self, seconds: float) -> None:
        """Wait for another program to let go of a file."""
        time.sleep(seconds)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def is_sharing_error(error: OSError) -> bool:
    """Whether another program holds the file, so that waiting may help."""
    return getattr(error, "winerror", None) in _SHARING_CODES or error.errno == errno.ETXTBSY


def remove_quietly(layer: FileLayer, path: Path) -> None:
    """Remove a temporary file; one that cannot be removed harms nobody and is swept later."""
    with contextlib.suppress(OSError):
        layer.remove(path)


def save_error(error: OSError, path: Path) -> SaveError:
    """The sentence and the hint for a failed save."""
    if is_sharing_error(error):
        return SaveError(
            "Another program is using this file, so it was not saved.",
            hint="Close the file there and save again, or save under another name.",
            path=path,
        )
    if error.errno in _FULL:
        return SaveError(
            "The disk is full, so the file was not saved.",
            hint="Free some space, or save in another place.",
            path=path,
        )
    if error.errno in _READ_ONLY:
        return SaveError(
            "This place can only be read, so the file was not saved.",
            hint="Save in another folder, or ask for permission to write here.",
            path=path,
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return SaveError(
            "The folder does not exist, so the file was not saved.",
            hint="Save in another folder.",
            path=path,
        )
    if error.errno == errno.ENAMETOOLONG:
        return SaveError(
            "The file name is too long, so the file was not saved.",
            hint="Choose a shorter name.",
            path=path,
        )
    return SaveError(
        "The file was not saved: {reason}.",
        hint="Save in another place and have the disk checked.",
        path=path,
        reason=error.strerror or type(error).__name__,
    )
