"""Everything a person may be told went wrong. Bugs are not among it: those rise as they are.

::

    ViewerError              one plain sentence, a hint what to do, the path last
      ReadError              a file cannot be read at all
        LimitError           a file is larger or deeper than the limits allow
        OutOfMemoryError     a file needs more memory than this computer has left
        NotConnectedError    a server may not be contacted before a person allows it
        LoginError           a server wants name and password, or a key
        NetworkError         a server cannot be reached, or answers with nonsense
      CrsError               a coordinate reference system is missing or unusable
      PluginError            a plugin cannot be used
      SaveError              something could not be written; the former file is whole
        ChangedOnDiskError   somebody else changed the file since it was opened
      SessionError           a session file cannot be opened
        LockedError          somebody else has it open
      GraphicsError          no picture can be drawn on this computer
    Cancelled                a person stopped the work; never shown as an error
"""

from __future__ import annotations

import errno
from os import PathLike
from pathlib import Path


class ViewerError(Exception):
    """A problem a person can act on.

    Parameters
    ----------
    text : one plain English sentence, a template for ``values`` (also the key of its translation).
    hint : what to do about it, one sentence, also a template.
    path : the file or folder concerned; always shown last.
    values : what the templates name.
    """

    def __init__(
        self,
        text: str,
        *,
        hint: str = "",
        path: str | PathLike[str] | None = None,
        **values: object,
    ) -> None:
        self.text = text
        self.hint = hint
        self.path = Path(path) if path is not None else None
        self.values = values
        super().__init__(text)

    def __str__(self) -> str:
        sentences = [self.text.format(**self.values) if self.values else self.text]
        if self.hint:
            sentences.append(self.hint.format(**self.values) if self.values else self.hint)
        if self.path is not None:
            sentences.append(f"({self.path})")
        return " ".join(sentences)


class ReadError(ViewerError):
    """A file cannot be read at all; what was open stays open."""


class LimitError(ReadError):
    """A file is larger or nested deeper than the limits allow."""


class OutOfMemoryError(ReadError):
    """A file needs more memory than this computer has left.

    Raise it behind the ``except``, not inside: an error keeps what it was raised from, that one the frames it passed
    through, and those every array that was half read.
    """

    def __init__(self, path: str | PathLike[str] | None = None) -> None:
        super().__init__(
            "This computer has too little free memory for this file.",
            hint="Open a part of it, such as single tiles, or prepare it with stadtforum bake where there is more.",
            path=path,
        )


#: What Windows says when neither memory nor its paging file has room.
_WINDOWS_LACKS_MEMORY = (8, 14, 1455)


def lacks_memory(error: BaseException) -> bool:
    """Whether an error says that memory did not suffice: for data, a thread, a file to map or a library to load."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM or getattr(error, "winerror", None) in _WINDOWS_LACKS_MEMORY
    if isinstance(error, ImportError):
        return "failed to map segment" in str(error) or "cannot allocate memory" in str(error).lower()
    if isinstance(error, RuntimeError):
        return "can't start new thread" in str(error)
    return isinstance(error, MemoryError)


class NotConnectedError(ReadError):
    """Nobody allowed this server yet, so nothing was sent; ``values["host"]`` is the one to ask about."""

    def __init__(self, host: str) -> None:
        super().__init__(
            "{host} was not contacted, because nobody has allowed it yet.",
            hint="Allow the connection in the window, or on the command line with --online.",
            host=host,
        )


class LoginError(ReadError):
    """A server wants name and password, or a key; ``values["host"]`` is the server."""

    def __init__(
        self, host: str, text: str = "{host} wants a name and a password.", *, hint: str = "", name: str = ""
    ) -> None:
        super().__init__(text, hint=hint, host=host, name=name)


class NetworkError(ReadError):
    """A server cannot be reached or answers with nonsense; ``values["host"]`` is the server."""


class CrsError(ViewerError):
    """A coordinate reference system is missing, unknown or unusable."""


class PluginError(ViewerError):
    """A plugin cannot be used; the message says why."""


class SaveError(ViewerError):
    """Something could not be written. The former file is whole."""


class ChangedOnDiskError(SaveError):
    """Somebody else changed the file since it was opened; the person chooses which one stays."""


class SessionError(ViewerError):
    """A session file cannot be opened."""


class LockedError(SessionError):
    """Somebody else has the session open; ``values`` name person, computer and time."""


class GraphicsError(ViewerError):
    """No picture can be drawn on this computer."""


class Cancelled(Exception):
    """A person stopped the work."""
