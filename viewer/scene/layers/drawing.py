"""What every drawn layer offers the scene, and the small VTK helpers the kinds of layers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from viewer.scene.levels import View
from viewer.scene.palettes import Look
from viewer.scene.state import LayerView

Floats = NDArray[np.float64]
Project = Callable[[Floats], Floats]

#: Moves what lies on the ground towards the eye by a share of its distance, in depth only: it wins against the
#: city's own ground at any distance, and no more than a pixel or two of a wall's foot is lost.
#: Perspective: clip z = a * w + b, and b alone carries the distance to the eye.
_NEARER = """//VTK::PositionVC::Impl
  float rowZ = length(vec3(MCDCMatrix[0][2], MCDCMatrix[1][2], MCDCMatrix[2][2]));
  float rowW = length(vec3(MCDCMatrix[0][3], MCDCMatrix[1][3], MCDCMatrix[2][3]));
  if (rowW > 1e-9) {{ gl_Position.z += {share:.6f} * (gl_Position.z - rowZ / rowW * gl_Position.w); }}
  else {{ gl_Position.z -= 0.0004; }}
"""


class LayerDrawing:
    """A layer as VTK props. The caller adds ``props`` to a renderer and removes them again."""

    props: tuple[Any, ...] = ()
    #: It lies on the ground; layers of this kind are blended in their order, from the lowest.
    flat = False

    def __init__(self, view: LayerView) -> None:
        self.view = view

    def update(self, view: LayerView, style: Look) -> bool:
        """Adapt to another opacity, colour, column, palette or labels; False if the drawing must be made anew."""
        if view.layer is not self.view.layer:
            return False
        self.view = view
        for prop in self.props:
            prop.SetVisibility(view.visible)
        self._restyle(style)
        return True

    def set_moving(self, moving: bool) -> None:
        """Draw less while the camera moves."""

    def set_sparing(self, on: bool) -> None:
        """Leave out what one can do without: the computer does not keep up with what moves."""

    @property
    def see_through(self) -> bool:
        """Whether it shows bodies one sees through, whose order from the eye counts."""
        return not self.flat and self.view.opacity < 1.0

    def attach(self, renderer: Any, span_m: float, told: Callable[[str], None] | None = None) -> None:
        """For drawings whose actors come and go: the renderer they are drawn in, the size of the city, and who is told
        a sentence for people when a part cannot be drawn."""

    def detach(self) -> None:
        """The drawing is taken away for good."""

    def set_occlusion(self, on: bool) -> None:
        """Actors with shaders of their own prepare for soft shade in corners."""

    def set_textures(self, on: bool) -> None:
        """Whether the pictures of models are shown; asked for before every change of what is shown."""

    def aim(self, view: View, occlusion_reach_m: float = 0.0) -> None:
        """Choose what is drawn from here; before every picture."""

    def finish(self, view: View, occlusion_reach_m: float = 0.0) -> None:
        """Wait until everything this view shows is there; for pictures that are drawn once."""

    @property
    def busy(self) -> bool:
        """Whether a later picture of the same view would show more."""
        return False

    def pick(self, origin: Floats, direction: Floats) -> tuple[int, float] | None:
        """Row of the layer a view ray meets first and the distance to it, metres; None if it meets none.

        origin, direction : (3,) float64 local; the direction has length 1.
        """
        return None

    def place_labels(self, project: Project) -> None:
        """Choose the labels to show. ``project`` maps (n, 3) points to (n, 2) pixels, NaN behind the eye."""

    def _restyle(self, style: Look) -> None:
        """Take over what ``self.view`` says now."""


def actor_of(data: Any, *, lit: bool = True) -> Any:
    """A vtkActor of a vtkPolyData whose point scalars are its colours."""
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(data)
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.PickableOff()
    look = actor.GetProperty()
    look.SetInterpolationToFlat()
    look.SetLighting(lit)
    return actor


def draw_nearer(actor: Any, share: float) -> None:
    """Let an actor on the ground win against whatever lies within ``share`` of its distance behind it."""
    actor.GetShaderProperty().AddVertexShaderReplacement(
        "//VTK::PositionVC::Impl", True, _NEARER.format(share=share), False
    )


def hashed(count: int, salt: int) -> Floats:
    """(count,) numbers in 0..1 that look random and are always the same."""
    x = (np.arange(count, dtype=np.uint64) + np.uint64(salt * 7_919_777 + 1)) * np.uint64(0x9E3779B97F4A7C15)
    x ^= x >> np.uint64(29)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(32)
    return np.asarray((x >> np.uint64(11)).astype(np.float64) / float(1 << 53))


def nearest_hit(distance: Floats) -> tuple[int, float] | None:
    """Row and value of the smallest finite distance; None if there is none."""
    if not len(distance):
        return None
    row = int(np.argmin(distance))
    return (row, float(distance[row])) if np.isfinite(distance[row]) else None


def sphere_hits(origin: Floats, direction: Floats, centre: Floats, radius: Floats) -> Floats:
    """(n,) distances along a ray to ellipsoids, inf where it misses.

    centre : (n, 3). radius : (n, 3) semi-axes along x, y, z, metres.
    """
    o = (np.asarray(origin, np.float64) - centre) / radius
    d = np.asarray(direction, np.float64) / radius
    a, b, c = (d * d).sum(axis=1), (o * d).sum(axis=1), (o * o).sum(axis=1) - 1.0
    under = b * b - a * c
    root = np.sqrt(np.maximum(under, 0.0))
    near, far = (-b - root) / a, (-b + root) / a
    distance = np.where(near > 0, near, far)
    return np.where((under >= 0) & (distance > 0), distance, np.inf)
