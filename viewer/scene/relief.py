"""A terrain as the ground of the picture: few triangles that follow it, and its light as a texture as fine as its grid.

How the triangles are chosen stands in ``relief_mesh``; the plane around the terrain in ``environment``.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkTexture

from viewer.city.ground import Ground
from viewer.city.kinds import Theme
from viewer.scene.palettes import Look, rgb
from viewer.scene.relief_mesh import ReliefMesh, relief_mesh, resampled
from viewer.scene.shading import Program, light_on, set_eye, set_look
from viewer.scene.vtk_data import triangles_mesh

Floats = NDArray[np.float64]

#: Pixels of the texture along a side.
MAX_PIXELS = 2048
#: A rim of the terrain reaches so far down that no gap to the plane around it shows, metres.
SKIRT_M = 12.0
#: Steepness the texture is drawn with: gentle ground is lit as if it were steeper, up to this factor.
LIVELY, MOST_LIVELY = 0.22, 3.0
#: How much more than on walls and roofs light and shade differ, for ground is nearly level.
CONTRAST = 1.7
#: Steps of light between night and level ground.
LIGHT_STEPS = 160

_HAZE_DECLARED = "//VTK::TCoord::Dec\nin float hazeShare;\n"
_HAZE_IN_PIXELS = """//VTK::TCoord::Impl
  fragOutput0.rgb = mix(fragOutput0.rgb, hazeColor, hazeShare);
"""


class _Textured(Program):
    """Colours come from a texture; haze is mixed in behind it, pixel by pixel."""

    def apply(self, actor: vtkActor, *, occlusion: bool = False) -> None:
        super().apply(actor, occlusion=occlusion)
        shader = actor.GetShaderProperty()
        shader.AddFragmentShaderReplacement(
            "//VTK::TCoord::Dec", True, "//VTK::TCoord::Dec\nin float hazeShare;\n", False
        )
        shader.AddFragmentShaderReplacement("//VTK::TCoord::Impl", True, _HAZE_IN_PIXELS, False)

    def _declared(self, occlusion: bool) -> str:
        return super()._declared(occlusion) + "out float hazeShare;\n"

    def _body(self, occlusion: bool) -> str:
        share = "  hazeShare = smoothstep(hazeRange.x, hazeRange.y, gl_Position.w);\n"
        plain = super()._body(occlusion)
        start, end = plain.index("  shown = mix("), plain.index("  vertexColorVSOutput")
        return plain[:start] + share + plain[end:]


_PROGRAM = _Textured(lifted=False, painted=False)


@lru_cache(maxsize=2)
def make_ready(terrain: Ground) -> tuple[ReliefMesh, NDArray[np.uint8]]:
    """Triangles of a terrain and its light; slow the first time, safe to call in a worker.

    The light is (h, w, 3) in steps of 1 / ``LIGHT_STEPS``.
    """
    return relief_mesh(terrain.heights), _light(terrain)


class ReliefSurface:
    """The terrain of a ground: ``ground.detail``."""

    def __init__(self, terrain: Ground, span: float, below_m: float) -> None:
        self._span = span
        mesh, self._light = make_ready(terrain)
        points, triangles, place = _with_skirt(mesh, terrain, below_m)
        self._mesh = triangles_mesh(points, triangles)
        self._place = np.ascontiguousarray(place, np.float32)
        self._mesh.data.GetPointData().SetTCoords(numpy_to_vtk(self._place))
        self._mesh.set_colors(np.full((len(points), 3), 255, np.uint8))
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(self._mesh.data)
        self._texture = vtkTexture()
        self._texture.InterpolateOn()
        self._texture.MipmapOn()
        self._texture.RepeatOff()
        self._texture.EdgeClampOn()
        self._texture.SetColorModeToDirectScalars()
        self.actor = vtkActor()
        self.actor.SetMapper(mapper)
        self.actor.SetTexture(self._texture)
        self.actor.ForceOpaqueOn()
        self.actor.PickableOff()
        _PROGRAM.apply(self.actor)

    @property
    def triangles(self) -> int:
        """How many triangles are drawn."""
        return int(self._mesh.data.GetNumberOfPolys())

    def paint(self, style: Look) -> None:
        """Colours of a theme."""
        height, width = self._light.shape[:2]
        color = (rgb(style.ground) + rgb(style.themes[Theme.TERRAIN])) / 2
        colors = self._light * (color * 255 / LIGHT_STEPS).astype(np.float32)
        self._pixels = np.clip(np.rint(colors), 0, 255).astype(np.uint8)
        image = vtkImageData()
        image.SetDimensions(width, height, 1)
        image.GetPointData().SetScalars(numpy_to_vtk(self._pixels.reshape(-1, 3)))
        self._texture.SetInputData(image)
        set_look(self.actor, style, self._span * 1.3, self._span * 5.0)
        uniforms = self.actor.GetShaderProperty().GetFragmentCustomUniforms()
        uniforms.SetUniform3f("hazeColor", [float(v) for v in rgb(style.horizon)])

    def set_occlusion(self, on: bool) -> None:
        """Whether a pass that darkens corners draws the terrain."""
        _PROGRAM.apply(self.actor, occlusion=on)

    def aim(self, eye: Floats, shade_reach: float) -> None:
        """Tell where the eye is, and where soft shade in corners ends, metres."""
        set_eye(self.actor, eye, shade_reach)


def _with_skirt(mesh: ReliefMesh, terrain: Ground, below_m: float) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Local points, triangles and texture places of a mesh with a rim that reaches down."""
    west, south, east, north = terrain.rectangle
    z = mesh.z - below_m
    x, y = west + mesh.place[:, 0] * (east - west), south + mesh.place[:, 1] * (north - south)
    points = np.column_stack([x, y, z])
    rim = mesh.border
    low = points[rim] - (0.0, 0.0, SKIRT_M)
    here = np.arange(len(rim)) + len(points)
    following, after = np.roll(rim, -1), np.roll(here, -1)
    skirt = np.concatenate([np.column_stack([rim, here, after]), np.column_stack([rim, after, following])])
    return (
        np.concatenate([points, low]),
        np.concatenate([mesh.triangles, skirt]),
        np.concatenate([mesh.place, mesh.place[rim]]),
    )


def _light(terrain: Ground) -> NDArray[np.uint8]:
    """(h, w, 3) light, ``LIGHT_STEPS`` where the ground is level; a pixel per node where there are not too many."""
    rows, columns = (min(n, MAX_PIXELS) for n in terrain.heights.shape)
    heights = resampled(terrain.heights, (rows, columns))
    west, south, east, north = terrain.rectangle
    spacing = (north - south) / (rows - 1), (east - west) / (columns - 1)
    down, right = (np.asarray(slope, np.float32) for slope in np.gradient(heights, *spacing))
    sample = np.hypot(down.ravel()[::97], right.ravel()[::97])
    steep = float(np.percentile(sample, 90)) if len(sample) else 0.0
    factor = float(np.clip(LIVELY / max(steep, 1e-6), 1.0, MOST_LIVELY))
    level = light_on(np.array([[0.0, 0.0, 1.0]]))
    light = np.empty((rows, columns, 3), np.uint8)
    for begin in range(0, rows, 128):  # in bands: the steps between would take many times the memory
        part = slice(begin, begin + 128)
        toward_east, toward_north = right[part] * -factor, down[part] * -factor
        normal = np.stack([toward_east, toward_north, np.ones_like(toward_east)], axis=-1)
        normal /= np.linalg.norm(normal, axis=2, keepdims=True)
        shade = (light_on(normal.reshape(-1, 3)) / level) ** CONTRAST * LIGHT_STEPS
        light[part] = np.minimum(np.rint(shade), 255).reshape(normal.shape)
    return light
