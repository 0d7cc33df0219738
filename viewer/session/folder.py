"""Writes a folder of files so that it is at every moment either the former or the new one, whole."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path, PurePosixPath

from viewer.errors import SaveError
from viewer.session.atomic import SaveResult
from viewer.session.files import save_error


def write_folder(path: Path, files: Iterable[tuple[str, bytes]], mark: str) -> SaveResult:
    """Write a folder.

    Parameters
    ----------
    files : name in the folder, with ``/``, and bytes of every file, made one after the other.
    mark : the file that every folder of this kind holds. A folder without it is never replaced.

    Raises
    ------
    SaveError
        Nothing was changed: the former folder is whole and in its place.
    """
    target = Path(os.path.realpath(path))
    _check_target(target, mark)
    temporary = target.with_name(f".stadtforum-{os.getpid()}-{secrets.token_hex(4)}.tmp")
    size, digest = 0, sha256()
    try:
        temporary.mkdir()
        for name, content in files:
            file = _inside(temporary, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            size += len(content)
            digest.update(content)
        _swap(temporary, target)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise save_error(error, path) from error
    except BaseException:  # cancelled, or a file could not be made: no rubbish stays
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return SaveResult(target, size, digest.hexdigest())


def _check_target(target: Path, mark: str) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise SaveError(
            "There is a file of this name; the result is a folder.", hint="Choose another name.", path=target
        )
    if any(target.iterdir()) and not (target / mark).is_file():
        raise SaveError(
            "There is a folder of this name with other things in it, so nothing was written.",
            hint="Choose another name.",
            path=target,
        )


def _inside(folder: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or PurePosixPath(name).is_absolute() or "\\" in name or ":" in name:
        raise ValueError(name)
    return folder.joinpath(*parts)


def _swap(temporary: Path, target: Path) -> None:
    """Put the new folder in the place of the former one, which comes back if that fails."""
    if not target.exists():
        temporary.rename(target)
        return
    former = target.with_name(temporary.name.replace(".tmp", ".old.tmp"))
    target.rename(former)
    try:
        temporary.rename(target)
    except OSError:
        former.rename(target)
        raise
    shutil.rmtree(former, ignore_errors=True)
