"""What opening one file brought, as the plugin host gives it to the workspace. How it is read stands in ``host``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel, Frame, ImportReport, Layer
from viewer.readers.store.cache import Ticket


@dataclass(frozen=True, eq=False)
class Reading:
    """What opening one file brought: a city, or layers, and the report.

    Parameters
    ----------
    reader : ``"plugin_id:reader title"``, as a session remembers it.
    plugin, title : titles of the plugin and of the reader, for people.
    frame : the frame the result is in; the open city's, or the one the reader chose.
    questions : what the reader had to assume, option -> assumed value.
    ready : arrays derived from the city that its prepared copy held; empty without one.
    ticket : permission to prepare a copy of the city; None if it is not worth one or there is one.
    """

    path: Path | None
    reader: str
    plugin: str
    title: str
    report: ImportReport
    city: CityModel | None = None
    layers: tuple[Layer, ...] = ()
    frame: Frame = field(default_factory=Frame)
    questions: dict[str, str] = field(default_factory=dict)
    ready: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    ticket: Ticket | None = None

    @property
    def result(self) -> CityModel | Layer | tuple[Layer, ...]:
        """The city, the layer, or the layers where there are several."""
        if self.city is not None:
            return self.city
        return self.layers[0] if len(self.layers) == 1 else self.layers
