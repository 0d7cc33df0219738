"""The door to the network: opened for hosts a person allowed, shut otherwise; copies stand in for silent servers.

One of these serves the whole program. It is safe to use from several workers.
"""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from viewer.errors import LoginError, NetworkError, NotConnectedError, ReadError
from viewer.plugin_api.net.copies import Copies
from viewer.plugin_api.net.request import NOT_ASKED, NOT_REACHED, Answer, Request, host_of
from viewer.plugin_api.net.transfer import Limits, Ticket, Transfer

__all__ = ["Limits", "Network"]

#: Told how far the work is (0 to 1); raises to stop it.
Tick = Callable[[float], None]
_WAIT_S = 0.05


@dataclass(frozen=True, slots=True)
class _Plan:
    request: Request
    known: Answer | None


class Network:
    """Who may be contacted, with what, and within which limits.

    Parameters
    ----------
    allowed : hosts a person allowed, as ``host_of`` writes them.
    everything : a person allowed every host for this run.
    copies : where answers are kept; None keeps nothing.
    """

    def __init__(
        self,
        allowed: Iterable[str] = (),
        *,
        everything: bool = False,
        copies: Copies | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.limits = Limits() if limits is None else limits
        self._copies, self._everything = copies, everything
        self._lock = threading.Lock()
        self._allowed = {host.lower() for host in allowed}
        self._logins: dict[str, tuple[str, str]] = {}

    # -- permission --------------------------------------------------------------------------------

    def may_contact(self, host: str) -> bool:
        """Whether a person allowed this host."""
        with self._lock:
            return self._everything or host in self._allowed

    def allow(self, host: str) -> None:
        """A person allows a host, until the program ends or ``forbid``."""
        with self._lock:
            self._allowed.add(host.lower())

    def forbid(self, host: str) -> None:
        """A person takes the permission back; name and password are forgotten."""
        with self._lock:
            self._allowed.discard(host.lower())
            self._logins.pop(host.lower(), None)

    def set_login(self, host: str, name: str, password: str) -> None:
        """Name and password for one host, kept in memory until the program ends."""
        with self._lock:
            self._logins[host.lower()] = (name, password)

    # -- asking ------------------------------------------------------------------------------------

    def fetch(self, request: Request, tick: Tick | None = None, *, refresh: bool = False) -> Answer:
        """Ask a server, or take the copy of an earlier answer.

        Parameters
        ----------
        tick : told how far it is; what it raises stops the waiting at once.
        refresh : a person wants it new: young copies are not used, and missing permission is an error.

        Raises
        ------
        NotConnectedError
            Nobody allowed this host, and there is no copy.
        NetworkError
            The server cannot be reached or answers with nonsense, and there is no copy.
        LoginError
            The server wants name and password.
        """
        [found] = self.fetch_many([request], tick, refresh=refresh)
        if isinstance(found, ReadError):
            raise found
        return found

    def ask(
        self, request: Request, call: Callable[[tuple[str, str] | None], bytes], *, refresh: bool = False
    ) -> Answer:
        """Like ``fetch`` for servers that speak no HTTP, such as databases: ``call`` asks them.

        Parameters
        ----------
        call : given name and password for the host (None: nobody told them), returns the answer. Raises
            ``NetworkError`` or ``LoginError`` where there is none.

        Raises
        ------
        NotConnectedError, NetworkError, LoginError
            As ``fetch``.
        """
        host = host_of(request.url)
        copy = self._copies.find(request) if self._copies is not None else None
        allowed = self.may_contact(host)
        if copy is not None and not refresh and (_age_s(copy) < request.keep_s or not allowed):
            return copy if _age_s(copy) < request.keep_s else replace(copy, reason=NOT_ASKED)
        if not allowed:
            raise NotConnectedError(host)
        try:
            body = call(self._login_for(host))
        except LoginError:
            raise
        except NetworkError:
            if copy is not None:
                return replace(copy, reason=NOT_REACHED)
            raise
        answer = Answer(request.url, body, fetched=datetime.now(UTC))
        if self._copies is not None:
            self._copies.keep(request, answer)
        return answer

    def fetch_many(
        self, requests: Sequence[Request], tick: Tick | None = None, *, refresh: bool = False
    ) -> list[Answer | NetworkError]:
        """Ask for several things, a few at once; one that fails is an error in its place.

        Raises
        ------
        NotConnectedError, LoginError
            As ``fetch``; they concern the person, not one of the answers.
        """
        results: list[Answer | NetworkError | None] = [None] * len(requests)
        waiting: deque[tuple[int, _Plan]] = deque()
        for at, request in enumerate(requests):
            copy = self._copies.find(request) if self._copies is not None else None
            allowed = self.may_contact(host_of(request.url))
            if copy is not None and not refresh and (_age_s(copy) < request.keep_s or not allowed):
                young = _age_s(copy) < request.keep_s
                results[at] = copy if young else replace(copy, reason=NOT_ASKED)
            elif not allowed:
                raise NotConnectedError(host_of(request.url))
            else:
                waiting.append((at, _Plan(request, copy)))
        if waiting:
            self._send_all(waiting, results, tick)
        return [result for result in results if result is not None]

    def _send_all(
        self, waiting: deque[tuple[int, _Plan]], results: list[Answer | NetworkError | None], tick: Tick | None
    ) -> None:
        ended = threading.Event()
        running: dict[int, tuple[Transfer, _Plan]] = {}
        idle: list[Any] = []
        total, settled = len(waiting), 0
        try:
            while waiting or running:
                while waiting and len(running) < self.limits.parallel:
                    at, plan = waiting.popleft()
                    session = idle.pop() if idle else _session()
                    transfer = Transfer(plan.request, plan.known, self._ticket(), self.limits, session)
                    running[at] = transfer, plan
                    transfer.start(ended.set)
                ended.wait(_WAIT_S)
                ended.clear()
                for at, (transfer, plan) in list(running.items()):
                    if not transfer.done.is_set() and not transfer.overdue:
                        continue
                    del running[at]
                    settled += 1
                    results[at] = self._settle(transfer, plan)
                    if transfer.done.is_set():
                        idle.append(transfer.session)
                if tick is not None:
                    parts = [t.received / t.expected for t, _ in running.values() if t.expected]
                    tick((settled + min(sum(parts), len(parts))) / total)
        finally:
            for transfer, _ in running.values():
                transfer.abandon()
            for session in idle:
                session.close()

    def _settle(self, transfer: Transfer, plan: _Plan) -> Answer | NetworkError:
        if not transfer.done.is_set():
            transfer.abandon()
        if transfer.done.is_set() and transfer.answer is not None:
            if self._copies is not None:
                self._copies.keep(plan.request, transfer.answer)
            return transfer.answer
        error = transfer.error if transfer.done.is_set() else transfer.too_late()
        if isinstance(error, NetworkError):
            if plan.known is not None and error.values.get("status") not in (400, 404, 410):
                return replace(plan.known, reason=NOT_REACHED)
            return error
        if error is None:
            return transfer.too_late()
        raise error

    def _ticket(self) -> Ticket:
        return Ticket(self.may_contact, _key_for, self._login_for)

    def _login_for(self, host: str) -> tuple[str, str] | None:
        with self._lock:
            known = self._logins.get(host)
        if known is None:
            name, colon, password = os.environ.get(f"STADTFORUM_LOGIN_{_variable(host)}", "").partition(":")
            known = (name, password) if colon else None
        return known


def _key_for(host: str) -> str:
    """The key this computer keeps for a host, in an environment variable named after it.

    A file can therefore never name a secret, and one host never sees the key of another.
    """
    name = f"STADTFORUM_KEY_{_variable(host)}"
    key = os.environ.get(name, "")
    if not key:
        raise LoginError(
            host,
            "{host} wants a key.",
            hint="Put it into the environment variable {name} and start the program again.",
            name=name,
        )
    return key


def _variable(host: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", host.upper())


def _session() -> Any:
    import requests

    return requests.Session()


def _age_s(answer: Answer) -> float:
    """Seconds since an answer came; a copy from the future is as old as can be."""
    age = (datetime.now(UTC) - answer.fetched).total_seconds()
    return age if age >= 0 else float("inf")
