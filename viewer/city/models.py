"""A model that somebody puts into the city, such as an architect's proposal: meshes around a foot at zero."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from viewer.city.layers import Layer
from viewer.city.streamed import MeshContent, check_content
from viewer.errors import ReadError


@dataclass(frozen=True, eq=False)
class ModelLayer(Layer):
    """Meshes in the model's own units, z up, the middle of the foot of their box at (0, 0, 0).

    meshes : what is drawn; positions relative to each ``origin_local``, which is relative to the foot.
    low, high : (3,) float64, box of all meshes. triangles : how many there are.
    scale : metres per unit that is assumed until somebody says otherwise.
    """

    meshes: tuple[MeshContent, ...]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    scale: float = field(default=1.0, kw_only=True)

    def __len__(self) -> int:
        return 1

    @property
    def triangles(self) -> int:
        """Number of triangles."""
        return sum(len(mesh.triangles) for mesh in self.meshes)


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
    return ModelLayer(name, moved, low - foot, high - foot, scale=scale, attribution=attribution)


def placed_matrix(
    foot_local: NDArray[np.float64] | tuple[float, float, float], turn_deg: float, scale: float
) -> NDArray[np.float64]:
    """(4, 4) float64 that brings a model to its place: scaled, turned clockwise about its foot, moved."""
    turn = np.radians(-turn_deg)
    c, s = np.cos(turn) * scale, np.sin(turn) * scale
    x, y, z = (float(v) for v in foot_local)
    return np.array([[c, -s, 0, x], [s, c, 0, y], [0, 0, scale, z], [0, 0, 0, 1.0]])


def _box(mesh: MeshContent) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    used = mesh.positions[np.unique(mesh.triangles)].astype(np.float64) + np.asarray(mesh.origin_local)
    return used.min(axis=0), used.max(axis=0)


def _shifted(mesh: MeshContent, by: NDArray[np.float64]) -> MeshContent:
    x, y, z = (np.asarray(mesh.origin_local) + by).tolist()
    return replace(mesh, origin_local=(x, y, z))
