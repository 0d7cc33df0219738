"""What is asked of a server and what it answered, as plain values; addresses are checked here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from viewer.errors import ReadError

MEBI = 1024 * 1024
#: Stands in an address for a key that this computer keeps for the host; never replaced in files, logs or copies.
KEY = "{key}"
#: Why a copy stands in for the server.
NOT_ASKED, NOT_REACHED = "not asked", "not reached"
#: Usual ports. Databases are asked by their own plugin; the permission to contact a host is the same.
_PORTS = {"http": 80, "https": 443, "postgresql": 5432}
_MAX_ADDRESS = 8000
_CONTROL = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Request:
    """One thing asked of a server.

    Parameters
    ----------
    url : http or https; may hold ``{key}``.
    accept : content types asked for, as HTTP writes them.
    kinds : beginnings of content types that are taken; empty takes any.
    max_bytes : largest answer, unpacked.
    keep_s : a copy younger than this many seconds is used without asking the server.
    """

    url: str
    accept: str = "*/*"
    kinds: tuple[str, ...] = ()
    max_bytes: int = 64 * MEBI
    keep_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said, or what it said earlier.

    Parameters
    ----------
    url : as asked, before any redirection and without keys.
    fetched : when it came from the server, UTC.
    is_copy : it comes from this computer, because the server was not or could not be asked.
    reason : why: ``NOT_ASKED`` or ``NOT_REACHED``; empty for a fresh answer and for a copy still young enough.
    etag, modified : what the server wants to see again.
    """

    url: str
    body: bytes
    content_type: str = ""
    fetched: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    is_copy: bool = False
    reason: str = ""
    etag: str = ""
    modified: str = ""


def host_of(url: str) -> str:
    """The host of an address in small letters, with its port where it is not the usual one.

    Letters beyond ASCII are written as the name system has them, so that nobody allows a look-alike by its looks.

    Raises
    ------
    ReadError
        It is no address of a server, or holds a password.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").lower(), parts.port
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except ValueError as error:
        raise _no_address(url) from error
    if parts.scheme.lower() not in _PORTS or not host or len(text) > _MAX_ADDRESS or _CONTROL.search(text):
        raise _no_address(url)
    if parts.username is not None or parts.password is not None:
        raise ReadError(
            "The address of {host} holds a name or a password, which do not belong into files.",
            hint="Take them out of the address; the program asks for them when the server does.",
            host=host,
        )
    host = f"[{host}]" if ":" in host else host
    return host if port in (None, _PORTS[parts.scheme.lower()]) else f"{host}:{port}"


def with_query(url: str, values: Mapping[str, object]) -> str:
    """The address with these values in its query; names it has already, in any case, are replaced."""
    parts = urlsplit(url)
    new = {name.lower() for name in values}
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name.lower() not in new]
    pairs = kept + [(name, str(value)) for name, value in values.items()]
    query = urlencode(pairs, quote_via=quote, safe="/:,{}()*$")
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def _no_address(url: str) -> ReadError:
    return ReadError(
        "{address} is no address of a server.",
        hint="An address begins with https://, http:// or postgresql://.",
        address=" ".join(url.split())[:120],
    )
