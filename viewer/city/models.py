"""A model that somebody puts into the city, such as an architect's proposal: meshes around a foot at zero."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from viewer.city.layers import Layer
from viewer.city.streamed import MeshContent, check_content
from viewer.errors import ReadError


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """Where a file says its model stands: the foot in local metres, and a turn clockwise seen from above.

    height_local : of the foot, None for "on the ground".
    """

    x_local: float
    y_local: float
    height_local: float | None
    turn_deg: float


@dataclass(frozen=True, eq=False)
class ModelLayer(Layer):
    """Meshes in the model's own units, z up, the middle of the foot of their box at (0, 0, 0).

    meshes : what is drawn; positions relative to each ``origin_local``, which is relative to the foot.
    low, high : (3,) float64, box of all meshes. triangles : how many there are.
    scale : metres per unit that is assumed until somebody says otherwise.
    foot : where (0, 0, 0) was in the coordinates of the file. place : what the file says about it, None for nothing.
    """

    meshes: tuple[MeshContent, ...]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    scale: float = field(default=1.0, kw_only=True)
    foot: tuple[float, float, float] = field(default=(0.0, 0.0, 0.0), kw_only=True)
    place: ModelPlace | None = field(default=None, kw_only=True)

    def __len__(self) -> int:
        return 1

    @property
    def triangles(self) -> int:
        """Number of triangles."""
        return sum(len(mesh.triangles) for mesh in self.meshes)

    @property
    def extent_local(self) -> NDArray[np.float64]:
        """(2, 3) float64: box around the model at its place, or around zero; a turn is allowed for."""
        if self.place is None:
            return np.array([self.low, self.high]) * self.scale
        reach = float(np.hypot(*np.maximum(-self.low[:2], self.high[:2]))) * self.scale
        foot = self.place.height_local or 0.0
        middle = np.array([self.place.x_local, self.place.y_local])
        low, high = (foot + float(z) * self.scale for z in (self.low[2], self.high[2]))
        return np.array([[*(middle - reach), low], [*(middle + reach), high]])


def model_layer(name: str, meshes: tuple[MeshContent, ...], *, scale: float = 1.0, attribution: str = "") -> ModelLayer:
    """A model of checked meshes, moved so that the middle of its foot is at (0, 0, 0).

    Raises
    ------
    ReadError
        Nothing is left that could be drawn.
    """
    checked = [check_content(mesh) for mesh in meshes]
    sound = [mesh for mesh in checked if isinstance(mesh, MeshContent) and len(mesh.triangles)]
    if not sound:
        raise ReadError("This model has no triangles that could be shown.")
    boxes = [_box(mesh) for mesh in sound]
    low = np.min([box[0] for box in boxes], axis=0)
    high = np.max([box[1] for box in boxes], axis=0)
    foot = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    moved = tuple(_shifted(mesh, -foot) for mesh in sound)
    x, y, z = foot.tolist()
    return ModelLayer(name, moved, low - foot, high - foot, scale=scale, foot=(x, y, z), attribution=attribution)


def placed_matrix(
    foot_local: NDArray[np.float64] | tuple[float, float, float], turn_deg: float, scale: float
) -> NDArray[np.float64]:
    """(4, 4) float64 that brings a model to its place: scaled, turned clockwise about its foot, moved."""
    turn = np.radians(-turn_deg)
    c, s = np.cos(turn) * scale, np.sin(turn) * scale
    x, y, z = (float(v) for v in foot_local)
    return np.array([[c, -s, 0, x], [s, c, 0, y], [0, 0, scale, z], [0, 0, 0, 1.0]])


def _box(mesh: MeshContent) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    used = np.zeros(len(mesh.positions), bool)
    used[mesh.triangles] = True
    points, origin = mesh.positions if used.all() else mesh.positions[used], np.asarray(mesh.origin_local)
    low, high = (np.array([end(column) for column in points.T]) for end in (np.min, np.max))  # quicker than by rows
    return low + origin, high + origin


def _shifted(mesh: MeshContent, by: NDArray[np.float64]) -> MeshContent:
    x, y, z = (np.asarray(mesh.origin_local) + by).tolist()
    return replace(mesh, origin_local=(x, y, z))
