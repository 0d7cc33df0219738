"""One program at a time per session: a lock file that says who holds it, on this computer and on others.

On one computer the operating system's own file lock decides, so a killed program's lock is free at once
and a reused process number fools nobody. Across computers, where such locks may not reach, the name in
the file decides, and taking over is the person's choice. What is locked is somebody else's matter.
"""

from __future__ import annotations

import contextlib
import errno
import getpass
import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from viewer.errors import LockedError
from viewer.session.files import save_error

_MAX_BYTES = 4096
#: Byte that is locked: far behind the text, because Windows does not let others read locked bytes.
_LOCK_BYTE = 1 << 20
_BUSY = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK, errno.EWOULDBLOCK})
_MAX_TRIES = 20
#: A link planted under the lock's name is not followed, or the file behind it would be emptied.
_OPEN_FLAGS = (
    os.O_RDWR
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", getattr(os, "O_NOINHERIT", 0))
    | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class LockOwner:
    """Who holds a lock. ``since`` is ISO time with zone."""

    pid: int = 0
    host: str = ""
    user: str = ""
    program: str = ""
    since: str = ""

    @property
    def is_here(self) -> bool:
        """Whether the owner ran on this computer."""
        return self.host == platform.node()


def this_program() -> LockOwner:
    """The owner this program is."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # no such name in a container or a service
        user = ""
    program = Path(sys.argv[0] or "stadtforum").name
    return LockOwner(os.getpid(), platform.node(), user, program, datetime.now(UTC).isoformat(timespec="seconds"))


class SessionLock:
    """A lock beside a session file, or in a folder. Use as a context manager or release it.

    Parameters
    ----------
    path : what is locked. The lock file is hidden beside it: ``.name.lock``.
    """

    def __init__(self, path: Path) -> None:
        target = Path(os.path.realpath(path))
        self.lock_path = target.with_name(f".{target.name}.lock")
        self._locked_path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def acquire(self, *, take_over: bool = False) -> None:
        """Take the lock, or raise at once.

        Parameters
        ----------
        take_over : take it from another computer, after the person said so. A program that is alive on
            this computer keeps its lock all the same.

        Raises
        ------
        LockedError
            Somebody else holds it; ``values["can_take_over"]`` tells whether ``take_over`` would help.
        SaveError
            The folder cannot be written, so nothing can be locked (nor saved) there.
        """
        if self.held:
            return
        for _ in range(_MAX_TRIES):
            try:
                descriptor = os.open(self.lock_path, _OPEN_FLAGS, 0o666)
            except OSError as error:
                owner = self.owner()
                if owner is not None:  # the lock file of somebody whose files we may only read
                    raise self._locked(owner, can_take_over=False) from error
                raise save_error(error, self._locked_path) from error
            try:
                if self._try(descriptor, take_over):
                    self._descriptor = descriptor
                    return
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
        raise self._locked(self.owner() or LockOwner(), can_take_over=False)

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with contextlib.suppress(OSError):  # a share that went away has no lock left to give back
            os.ftruncate(descriptor, 0)
            if os.name != "nt":
                self.lock_path.unlink()
        os.close(descriptor)
        if os.name == "nt":
            with contextlib.suppress(OSError):  # the next owner has it open already
                self.lock_path.unlink()

    def owner(self) -> LockOwner | None:
        """Who stands in the lock file, alive or not; None if nobody does."""
        try:
            with self.lock_path.open("rb") as file:
                return _owner_of(file.read(_MAX_BYTES))
        except OSError:
            return None

    def __enter__(self) -> SessionLock:
        self.acquire()
        return self

    def __exit__(self, *details: object) -> None:
        self.release()

    def _try(self, descriptor: int, take_over: bool) -> bool:
        """Lock an open lock file; False if it was replaced meanwhile and has to be opened again."""
        owner = _owner_of(_read(descriptor))
        system_lock = _lock(descriptor)
        if system_lock is False:
            raise self._locked(self.owner() or owner or LockOwner(host=platform.node()), can_take_over=False)
        if not self._is_current(descriptor):
            return False
        owner = _owner_of(_read(descriptor))
        if owner is not None and not take_over:
            if not owner.is_here:
                raise self._locked(owner, can_take_over=True)
            if system_lock is None and owner.pid != os.getpid() and _is_alive(owner.pid):
                raise self._locked(owner, can_take_over=True)
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps(asdict(this_program())).encode("ascii")[:_MAX_BYTES])
        return True

    def _is_current(self, descriptor: int) -> bool:
        """Whether the open file is still the one of that name: its last owner may have removed it."""
        try:
            return os.path.samestat(os.fstat(descriptor), self.lock_path.stat())
        except OSError:
            return False

    def _locked(self, owner: LockOwner, *, can_take_over: bool) -> LockedError:
        values = {"user": owner.user or "?", "host": owner.host, "pid": owner.pid, "since": owner.since[:16]}
        if owner.is_here:
            return LockedError(
                "This session is already open on this computer (by {user}, process {pid}, since {since}).",
                hint="Go to that window, or open a copy.",
                path=self._locked_path,
                can_take_over=can_take_over,
                owner=owner,
                **values,
            )
        return LockedError(
            "{user} has this session open on the computer {host} since {since}.",
            hint="Open a copy, ask {user} to close it, or take it over if that computer no longer runs.",
            path=self._locked_path,
            can_take_over=can_take_over,
            owner=owner,
            **values,
        )


def _read(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, _MAX_BYTES)


def _owner_of(content: bytes) -> LockOwner | None:
    """The owner in a lock file; None for an empty or unreadable one. The file may come from anywhere."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    pid = data.get("pid")
    texts = {}
    for name in ("host", "user", "program", "since"):
        text = data.get(name)
        texts[name] = "".join(c for c in text if c.isprintable())[:100] if isinstance(text, str) else ""
    if not texts["host"]:
        return None
    return LockOwner(pid if isinstance(pid, int) and not isinstance(pid, bool) and 0 < pid < 2**31 else 0, **texts)


def _lock(descriptor: int) -> bool | None:
    """The operating system's lock: True held by us now, False by another, None not to be had here."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _LOCK_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _BUSY else None
    return True


def _is_alive(pid: int) -> bool:
    """Whether a process of this number runs here; only asked where the system has no locks."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return True  # asking would end the process there; the person decides
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # not ours, but there
        return True
    return True
