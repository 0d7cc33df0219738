"""What a reader is given: the frame to read into, options, progress with cancel, and a place for findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.city.frame import Frame
from viewer.city.model import CityModel
from viewer.city.report import IssueLog, Severity
from viewer.errors import Cancelled, NetworkError
from viewer.plugin_api.net import Answer, Network, Request
from viewer.plugin_api.raw import RawCity


class Progress:
    """Progress of one task; call from the worker. Reports are cheap, cancelling is checked often."""

    def __init__(
        self,
        on_report: Callable[[float, str], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self._on_report = on_report
        self._is_cancelled = is_cancelled

    def report(self, share: float, text: str = "") -> None:
        """Tell how far the work is (0 to 1) and what is being done (a translation key)."""
        self.raise_if_cancelled()
        if self._on_report is not None:
            self._on_report(min(max(float(share), 0.0), 1.0), text)

    def raise_if_cancelled(self) -> None:
        """Raise ``Cancelled`` when a person asked to stop."""
        if self._is_cancelled is not None and self._is_cancelled():
            raise Cancelled

    def part(self, start: float, end: float) -> Progress:
        """A progress for a part of the work, mapped into ``start .. end`` of this one."""

        def on_report(share: float, text: str) -> None:
            if self._on_report is not None:
                self._on_report(start + (end - start) * share, text)

        return Progress(on_report, self._is_cancelled)


#: Transforms (..., 2) or (..., 3) points from a CRS into another: (points, crs_from, crs_to) -> points.
Transform = Callable[[NDArray[np.float64], str, str], NDArray[np.float64]]


def _no_transform(points: NDArray[np.float64], crs_from: str, crs_to: str) -> NDArray[np.float64]:
    raise NotImplementedError("this context has no coordinate transformation")


def _as_written(context: ReadContext, points: NDArray[np.float64], crs: str) -> str:
    return context.options.get("crs", "") or crs


def _no_assembly(raw: RawCity, context: ReadContext, path: Path) -> CityModel:
    raise NotImplementedError("this context makes no cities")


@dataclass(slots=True)
class ReadContext:
    """Given to every reader.

    frame : frame of the open city; layers are read into it. For the first city ``frame.crs`` is empty
        and the reader chooses frame and origin itself.
    options : choices a person made for this file (``"crs"``, ``"height_column"``, ``"lod"``, ...).
    questions : options the reader had to assume, name -> assumed value; the import panel offers them.
    facts : what the reader found out about the file, for the import report: ``"format"``, ``"version"``,
        ``"crs"``, ``"vertical_crs"``.
    ready : arrays derived from the city that a reader of our own had at hand, by name; plugins leave it alone.
    network : the way to servers, filled in by the plugin host; ``fetch`` uses it.
    refresh : a person wants everything from servers anew.
    answers : what came from servers so far, in the order it was asked for.
    city_extent_local : (2, 2) or (2, 3) float64, lowest and highest corner of the open city; None if
        no city is open.
    transform, choose_crs, assemble : filled in by the plugin host; ``local_from``, ``place`` and ``make_city``
        use them.
    """

    frame: Frame = field(default_factory=Frame)
    options: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    log: IssueLog = field(default_factory=IssueLog)
    transform: Transform = _no_transform
    questions: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    ready: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    city_extent_local: NDArray[np.float64] | None = None
    choose_crs: Callable[[ReadContext, NDArray[np.float64], str], str] = _as_written
    assemble: Callable[[RawCity, ReadContext, Path], CityModel] = _no_assembly
    network: Network | None = None
    refresh: bool = False
    answers: list[Answer] = field(default_factory=list)

    def warn(self, text: str, *, where: str | tuple[str, ...] = (), count: int = 1, **values: object) -> None:
        """Note that part of the data is bad or assumed; reading goes on. ``text`` is a template."""
        self.log.add(Severity.WARNING, text, where=where, count=count, **values)

    def info(self, text: str, *, where: str | tuple[str, ...] = (), count: int = 1, **values: object) -> None:
        """Note something worth knowing."""
        self.log.add(Severity.INFO, text, where=where, count=count, **values)

    def local_from(self, points: ArrayLike, crs: str) -> NDArray[np.float64]:
        """Transform points given in ``crs`` ((..., 2) or (..., 3), x/lon first) into the frame.

        Without a ``crs`` the points are taken as being in the city's; say so with ``warn`` first.
        """
        array = np.asarray(points, dtype=np.float64)
        if crs and self.frame.crs and crs != self.frame.crs:
            array = self.transform(array, crs, self.frame.crs)
        return self.frame.local_from_crs(array)

    def place(self, points: ArrayLike, crs: str = "") -> NDArray[np.float64]:
        """Bring points of a file ((N, 2) or (N, 3), x/lon first) into the frame, local metres.

        Without a ``crs`` (or with one nobody knows) the person's choice or a guess is taken, with a warning
        and a question. Without an open city ``frame`` becomes one around the points. A point outside the
        reach of a projection becomes infinite.
        """
        array = np.asarray(points, dtype=np.float64)
        return self.local_from(array, self.choose_crs(self, array, crs))

    def fetch(self, request: Request, start: float = 0.0, end: float = 0.9) -> Answer:
        """Ask a server, if a person allowed it; ``start`` to ``end`` is the share of the reading this takes.

        Raises
        ------
        NotConnectedError, LoginError, NetworkError
            It may not be asked, or has no usable answer, and there is no copy of an earlier one.
        """
        answer = self._network().fetch(request, self._tick(start, end), refresh=self.refresh)
        self.answers.append(answer)
        return answer

    def fetch_many(
        self, requests: Sequence[Request], start: float = 0.0, end: float = 0.9
    ) -> list[Answer | NetworkError]:
        """Like ``fetch`` for several things at once; what fails is an error in its place."""
        found = self._network().fetch_many(requests, self._tick(start, end), refresh=self.refresh)
        self.answers.extend(answer for answer in found if isinstance(answer, Answer))
        return found

    def ask(self, request: Request, call: Callable[[tuple[str, str] | None], bytes]) -> Answer:
        """Ask a server that speaks no HTTP, if a person allowed it; see ``Network.ask``."""
        answer = self._network().ask(request, call, refresh=self.refresh)
        self.answers.append(answer)
        return answer

    def _network(self) -> Network:
        return Network() if self.network is None else self.network

    def _tick(self, start: float, end: float) -> Callable[[float], None]:
        return lambda share: self.progress.report(start + (end - start) * share, "Waiting for the server")

    def make_city(self, raw: RawCity, path: Path) -> CityModel:
        """A checked city of rings in ``raw.crs``: placed in the frame, cleaned, triangulated, with its attributes.

        The points of ``raw`` are used up. Findings go to the log.

        Raises
        ------
        ReadError, LimitError
            There is no object in it, or too many points.
        CrsError
            It cannot be brought into the frame of the open city.
        """
        return self.assemble(raw, self, path)


__all__ = ["Cancelled", "Progress", "ReadContext", "Transform"]
