"""What the scene shows, as one value. Same object means same content: arrays are never changed in place."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel, Layer
from viewer.city.ground import Ground
from viewer.city.measures import Measures
from viewer.scenario.change import CityChange


@dataclass(frozen=True, eq=False)
class Colouring:
    """Colour of the city's top-level objects.

    values : (K,) float64 to be mapped by ``palette`` between ``low`` and ``high`` (NaN = no data grey),
        or None to colour by surface type and theme. With ``classes`` the values are class numbers
        0, 1, 2 ... into ``classes``.
    title, unit : for the legend.
    """

    values: NDArray[np.float64] | None = None
    palette: str = "cividis"
    low: float = 0.0
    high: float = 1.0
    classes: tuple[str, ...] = ()
    title: str = ""
    unit: str = ""


@dataclass(frozen=True, eq=False)
class LayerView:
    """A layer and how it is drawn. matrix : (4, 4) float64, where a placed model stands; None for other layers."""

    key: str
    layer: Layer
    visible: bool = True
    opacity: float = 1.0
    column: str = ""
    palette: str = ""
    color: str = ""
    labels: bool = False
    matrix: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class SceneState:
    """Everything a scene draws.

    lod_faces : (F,) bool, the faces at the chosen level of detail (see ``city.lod``); None = all.
    selection : (S,) int32 positions in ``city.objects.features``. hovered : one of them or -1.
    theme : "light" or "dark". quality : "auto" (coarse while moving), "full" (pictures), "low".
    outline : (n, 3) float64 local, a polygon being drawn or the active area; empty for none.
    textures : whether faces show the pictures and materials of their file.
    """

    city: CityModel | None = None
    lod_faces: NDArray[np.bool_] | None = None
    measures: Measures | None = None
    ground: Ground | None = None
    change: CityChange | None = None
    colouring: Colouring = field(default_factory=Colouring)
    layers: tuple[LayerView, ...] = ()
    selection: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    hovered: int = -1
    outline: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 3)))
    theme: str = "light"
    quality: str = "auto"
    textures: bool = True
