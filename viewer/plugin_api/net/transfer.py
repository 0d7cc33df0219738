"""One request on its way over HTTP: time-outs, caps, redirections. Runs in a thread that may be left behind.

Host names, TLS and slow headers know no overall time-out of their own, so whoever waits does so from outside and
gives up when it wants.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from viewer import __version__
from viewer.errors import LoginError, NetworkError, NotConnectedError, ReadError
from viewer.plugin_api.net.documents import message_of
from viewer.plugin_api.net.request import KEY, MEBI, Answer, Request, host_of

_CHUNK = 64 * 1024
_MAX_ERROR_BODY = 256 * 1024
#: urllib3 writes whole addresses, keys included, into its debug log.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost: seconds to connect, of silence and in all; redirections; requests at once."""

    connect_s: float = 10.0
    silent_s: float = 20.0
    total_s: float = 60.0
    redirects: int = 5
    parallel: int = 4


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a transfer may do: whom it may contact, and what it may show each host."""

    may_contact: Callable[[str], bool]
    key_for: Callable[[str], str]
    login_for: Callable[[str], tuple[str, str] | None]


class Transfer:
    """One request in a thread of its own. ``answer`` or ``error`` is set when ``done`` is."""

    def __init__(self, request: Request, known: Answer | None, ticket: Ticket, limits: Limits, session: Any) -> None:
        self.request, self._known, self._ticket, self._limits, self.session = request, known, ticket, limits, session
        self.done = threading.Event()
        self.answer: Answer | None = None
        self.error: ReadError | None = None
        self.received, self.expected = 0, 0
        self.started = time.monotonic()
        self._stop = threading.Event()
        self._response: Any = None

    def start(self, on_end: Callable[[], object]) -> None:
        """Send it; ``on_end`` is called in the thread when there is an answer or an error."""

        def run() -> None:
            import requests
            import urllib3

            try:
                self.answer = self._send()
            except ReadError as error:
                self.error = error
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                self.error = _plain_error(error, host_of(self.request.url))
            finally:
                self.done.set()
                on_end()

        threading.Thread(target=run, name="stadtforum-network", daemon=True).start()

    def abandon(self) -> None:
        """Nobody waits any more; the thread ends when its line does."""
        self._stop.set()
        if self._response is not None:
            self._response.close()

    @property
    def overdue(self) -> bool:
        """Whether it has taken longer than a request may."""
        return time.monotonic() - self.started > self._limits.total_s

    def too_late(self) -> NetworkError:
        """The error of a transfer that was given up."""
        return NetworkError(
            "{host} did not answer within {seconds} seconds.",
            host=host_of(self.request.url),
            seconds=round(self._limits.total_s),
        )

    def _send(self) -> Answer:
        url = self.request.url
        for _ in range(self._limits.redirects + 1):
            host = host_of(url)
            if not self._ticket.may_contact(host):
                raise NotConnectedError(host)
            with self._open(url, host) as response:
                self._response = response
                if response.status_code not in (301, 302, 303, 307, 308):
                    return self._read(response, host)
                url = _next_address(url, response.headers.get("Location", ""), host)
        raise NetworkError("{host} redirects more than {limit} times.", host=host, limit=self._limits.redirects)

    def _open(self, url: str, host: str) -> Any:
        headers = {
            "User-Agent": f"Stadtforum/{__version__}",
            "Accept": self.request.accept,
            "Accept-Encoding": "gzip, deflate",
        }
        if self._known is not None and host == host_of(self.request.url):
            if self._known.etag:
                headers["If-None-Match"] = self._known.etag
            if self._known.modified:
                headers["If-Modified-Since"] = self._known.modified
        if KEY in url:
            url = url.replace(KEY, self._ticket.key_for(host))
        login = self._ticket.login_for(host)
        return self.session.get(
            url,
            headers=headers,
            stream=True,
            allow_redirects=False,
            timeout=(self._limits.connect_s, self._limits.silent_s),
            # without an own login requests would look into the user's .netrc
            auth=login if login is not None else lambda prepared: prepared,
        )

    def _read(self, response: Any, host: str) -> Answer:
        status = int(response.status_code)
        if status == 304 and self._known is not None:
            return replace(self._known, fetched=_now(), is_copy=False, reason="")
        if status in (401, 407):
            raise LoginError(host)
        if status != 200:
            said = message_of(self._body(response, _MAX_ERROR_BODY, host))
            if said:
                raise NetworkError("{host} answers: {message}", host=host, message=said, status=status)
            raise NetworkError("{host} answers with error {status}.", host=host, status=status)
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        expected = self.request.kinds
        wrong = bool(expected) and bool(kind) and not kind.startswith(expected)
        body = self._body(response, _MAX_ERROR_BODY if wrong else self.request.max_bytes, host)
        if wrong:
            said = message_of(body)
            if said:
                raise NetworkError("{host} answers: {message}", host=host, message=said)
            raise NetworkError(
                "{host} sends {kind} where {expected} was asked for.",
                host=host,
                kind=kind[:60],
                expected=" or ".join(expected),
            )
        headers = response.headers
        return Answer(
            self.request.url,
            body,
            kind,
            _now(),
            etag=headers.get("ETag", "")[:500],
            modified=headers.get("Last-Modified", "")[:100],
        )

    def _body(self, response: Any, limit: int, host: str) -> bytes:
        length = response.headers.get("Content-Length", "")
        self.expected = int(length) if length.isdigit() and len(length) < 16 else 0
        if self.expected > limit:
            raise _too_large(host, limit)
        body = bytearray()
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            self.received = len(body)
            if len(body) > limit:
                raise _too_large(host, limit)
            if self._stop.is_set():
                raise self.too_late()
        if self.expected and response.raw.tell() < self.expected:
            raise NetworkError("The connection to {host} broke off.", host=host)
        return bytes(body)


def _next_address(url: str, location: str, host: str) -> str:
    target = urljoin(url, location)
    scheme = urlsplit(target).scheme.lower()
    if not location or scheme not in ("http", "https"):
        raise NetworkError("{host} points to an address that is not followed.", host=host)
    if urlsplit(url).scheme.lower() == "https" and scheme == "http":
        raise NetworkError("{host} points to an address without encryption, which is not followed.", host=host)
    host_of(target)
    return target


def _plain_error(error: Exception, host: str) -> NetworkError:
    """A sentence of ours: the library's own holds the whole address, keys included."""
    import requests
    import urllib3

    chain = f"{type(error).__name__} {error}"
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return NetworkError("{host} did not answer in time.", host=host)
    if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
        return NetworkError(
            "The encryption of {host} cannot be trusted.",
            hint="Its certificate may have ended, or a proxy stands in between. Ask the service or your IT.",
            host=host,
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return NetworkError("The proxy did not let the request to {host} through.", host=host)
    if "NameResolution" in chain or "getaddrinfo" in chain:
        return NetworkError("{host} was not found. Is there a network?", host=host)
    if isinstance(error, requests.ConnectionError | urllib3.exceptions.NewConnectionError):
        return NetworkError("{host} cannot be reached.", host=host)
    return NetworkError("The connection to {host} broke off.", host=host)


def _too_large(host: str, limit: int) -> NetworkError:
    return NetworkError("The answer of {host} is larger than {limit} MB.", host=host, limit=max(1, round(limit / MEBI)))


def _now() -> datetime:
    return datetime.now(UTC)
