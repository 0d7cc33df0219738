"""Trees: one small shape drawn many times by the graphics card, by height and crown. Knows nothing of species."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkGlyph3DMapper

from viewer.city import TreeLayer
from viewer.city.ground import Ground
from viewer.city.kinds import Theme
from viewer.scene.layer_colors import row_colors
from viewer.scene.layers.drape import on_ground
from viewer.scene.layers.drawing import Floats, LayerDrawing, hashed, nearest_hit, sphere_hits
from viewer.scene.palettes import Look, look, rgb
from viewer.scene.state import LayerView
from viewer.scene.vtk_data import Mesh, triangles_mesh

#: More trees than these are drawn by squares, see ``forest``; those of a scenario are made anew at every tick of a
#: slider, which squares would make slower.
FEW, FEW_FRESH = 500, 3_000
_CROWN_FOOT = 0.24

#: The shape's own height (0 foot, 1 top) shades the crown from below; the thin part below it is the trunk.
_SHAPE_DECLARE = """//VTK::PositionVC::Dec
out vec4 shapeVSOutput;
"""
_SHAPE_PASS = """//VTK::PositionVC::Impl
  shapeVSOutput = vertexMC;
"""
_SHAPE_TAKE = """//VTK::Color::Dec
in vec4 shapeVSOutput;
"""
_SHAPE_SHADE = """//VTK::Color::Impl
  float crownShade = mix(0.66, 1.06, smoothstep(0.20, 0.92, shapeVSOutput.z));
  vec3 barkColor = vec3(0.42, 0.34, 0.27);
  bool isBark = shapeVSOutput.z < 0.30 && length(shapeVSOutput.xy) < 0.075;
  diffuseColor = isBark ? barkColor : diffuseColor * crownShade;
  ambientColor = isBark ? barkColor * 0.3 : ambientColor * crownShade;
"""


@dataclass(frozen=True, eq=False)
class Grove:
    """n trees. foot : (n, 3) float64 local. height, crown : (n,) metres. conifer : (n,) bool."""

    foot: Floats
    height: Floats
    crown: Floats
    conifer: NDArray[np.bool_]

    def some(self, rows: NDArray[np.int64]) -> Grove:
        """Some of them."""
        return Grove(self.foot[rows], self.height[rows], self.crown[rows], self.conifer[rows])


class TreesDrawing(LayerDrawing):
    """Instanced trees in detail."""

    def __init__(self, view: LayerView, grove: Grove, colors: Floats) -> None:
        super().__init__(view)
        self._foot, self._height, self._crown = grove.foot, grove.height, grove.crown
        self._conifer = conifer = grove.conifer
        self.shown = True
        self._stands = [_Stand(self, np.flatnonzero(conifer == kind), bool(kind)) for kind in (False, True)]
        self.props = tuple(stand.actor for stand in self._stands)
        self.paint(colors)
        self.set_shown(True)

    def paint(self, colors: Floats) -> None:
        """(n, 3) 0..1 colours of the crowns."""
        for stand in self._stands:
            stand.paint(colors)

    def update(self, view: LayerView, style: Look) -> bool:
        done = super().update(view, style)
        self.set_shown(self.shown)
        return done

    def set_shown(self, shown: bool) -> None:
        """Take the trees out of the picture or put them back, as long as their layer is visible."""
        self.shown = shown
        for stand in self._stands:
            stand.actor.SetVisibility(bool(self.view.visible and shown and len(stand.rows)))

    def pick(self, origin: Floats, direction: Floats) -> tuple[int, float] | None:
        if not len(self._foot) or not self.view.visible:
            return None
        middle = self._foot + np.column_stack([np.zeros((len(self._foot), 2)), self._height * 0.62])
        half = np.column_stack([self._crown / 2, self._crown / 2, self._height * 0.39])
        crowns = sphere_hits(origin, direction, middle, np.maximum(half, 0.1))
        middle = self._foot + np.column_stack([np.zeros((len(self._foot), 2)), self._height * 0.15])
        half = np.column_stack([np.maximum(self._crown * 0.06, 0.25)] * 2 + [self._height * 0.2])
        return nearest_hit(np.minimum(crowns, sphere_hits(origin, direction, middle, np.maximum(half, 0.1))))

    def _restyle(self, style: Look) -> None:
        self.paint(crown_colors(self.view, self._conifer, style))
        for prop in self.props:
            prop.GetProperty().SetOpacity(self.view.opacity)


class _Stand:
    """The trees of one shape as one instanced actor."""

    def __init__(self, trees: TreesDrawing, rows: NDArray[np.int64], conifer: bool) -> None:
        self.rows = rows
        foot = np.ascontiguousarray(trees._foot[rows], np.float32)
        crown, height = trees._crown[rows], trees._height[rows]
        scale = np.column_stack([crown, crown, height]).astype(np.float32)
        turn = np.zeros((len(rows), 3), np.float32)
        turn[:, 2] = hashed(len(trees._foot), 11)[rows] * 360
        self.data = vtkPolyData()
        points = vtkPoints()
        points.SetData(numpy_to_vtk(foot, deep=True))
        self.data.SetPoints(points)
        for name, values in (("scale", scale), ("turn", turn)):
            array = numpy_to_vtk(values, deep=True)
            array.SetName(name)
            self.data.GetPointData().AddArray(array)
        self._shape = tree_shape(conifer)
        mapper = vtkGlyph3DMapper()
        mapper.SetInputData(self.data)
        mapper.SetSourceData(self._shape.data)
        mapper.SetScaling(True)
        mapper.SetScaleModeToScaleByVectorComponents()
        mapper.SetScaleArray("scale")
        mapper.SetScaleFactor(1.0)
        mapper.SetOrient(True)
        mapper.SetOrientationModeToRotation()
        mapper.SetOrientationArray("turn")
        mapper.SetScalarModeToUsePointFieldData()
        mapper.SelectColorArray("color")
        mapper.SetColorModeToDirectScalars()
        self.actor = vtkActor()
        self.actor.SetMapper(mapper)
        self.actor.PickableOff()
        surface = self.actor.GetProperty()
        surface.SetInterpolationToFlat()
        surface.SetAmbient(0.48)
        surface.SetDiffuse(0.62)
        shader = self.actor.GetShaderProperty()
        shader.AddVertexShaderReplacement("//VTK::PositionVC::Dec", True, _SHAPE_DECLARE, False)
        shader.AddVertexShaderReplacement("//VTK::PositionVC::Impl", True, _SHAPE_PASS, False)
        shader.AddFragmentShaderReplacement("//VTK::Color::Dec", True, _SHAPE_TAKE, False)
        shader.AddFragmentShaderReplacement("//VTK::Color::Impl", True, _SHAPE_SHADE, False)

    def paint(self, colors: Floats) -> None:
        """(n, 3) 0..1 colours of all trees."""
        array = numpy_to_vtk(np.round(colors[self.rows] * 255).astype(np.uint8), deep=True)
        array.SetName("color")
        self.data.GetPointData().AddArray(array)
        self.data.Modified()


def layer_trees(view: LayerView, ground: Ground | None, style: Look, few: int = FEW) -> LayerDrawing:
    """The trees of a tree layer: a ``few`` all in detail, more by squares."""
    from viewer.scene.layers.forest import ForestDrawing

    layer = view.layer
    assert isinstance(layer, TreeLayer)
    grove = Grove(
        on_ground(layer.positions_local, ground),
        layer.height_m.astype(np.float64),
        layer.crown_m.astype(np.float64),
        np.asarray(layer.conifer, bool),
    )
    if len(grove.foot) > few:
        return ForestDrawing(view, grove, style)
    drawing = TreesDrawing(view, grove, crown_colors(view, grove.conifer, style))
    drawing.update(view, style)
    return drawing


def trees_drawing(
    positions: ArrayLike,
    height_m: ArrayLike,
    crown_m: ArrayLike,
    conifer: ArrayLike = False,
    *,
    ground: Ground | None = None,
    style: Look | None = None,
    fresh: bool = True,
) -> LayerDrawing:
    """Trees that belong to no layer: those of a scenario (``fresh``, a livelier green) or of the city itself.

    Parameters
    ----------
    positions : (n, 3) local metres, NaN z = on the ground. height_m, crown_m, conifer : (n,) or one for all.
    """
    foot = on_ground(np.asarray(positions, np.float64), ground)
    n = len(foot)
    height, crown = (np.broadcast_to(np.asarray(v, np.float32), (n,)) for v in (height_m, crown_m))
    needles = np.broadcast_to(np.asarray(conifer, bool), (n,))
    if fresh:
        # Planted together is not grown alike.
        height = height * (0.85 + 0.30 * hashed(n, 21)).astype(np.float32)
        crown = crown * (0.88 + 0.24 * hashed(n, 22)).astype(np.float32)
    layer = TreeLayer("", foot, height, crown, needles)
    style = style or look("light")
    view = LayerView("", layer, color=_fresh_color(style) if fresh else "")
    return layer_trees(view, ground, style, FEW_FRESH if fresh else FEW)


def _fresh_color(style: Look) -> str:
    mixed = rgb(style.themes[Theme.TREE]) * 0.45 + rgb("#7cc444") * 0.55
    return "#{:02x}{:02x}{:02x}".format(*np.round(mixed * 255).astype(int))


def crown_colors(view: LayerView, conifer: NDArray[np.bool_], style: Look) -> Floats:
    """(n, 3) 0..1: the rows' colours, each tree a little different, needles darker and cooler."""
    colors = row_colors(view, style).rgb / 255.0
    n = len(colors)
    by_column = view.column in view.layer.attributes
    strength = 0.35 if by_column else 1.0
    tone = 1.0 + strength * 0.20 * (hashed(n, 1) - 0.5)
    warm = strength * 0.09 * (hashed(n, 2) - 0.5)
    colors = colors * tone[:, None] + warm[:, None] * np.array([1.0, 0.35, -0.5])
    if not by_column:
        needles = np.asarray(conifer, bool)
        colors[needles] = colors[needles] * np.array([0.66, 0.80, 0.78])
    return np.asarray(np.clip(colors, 0.0, 1.0))


def tree_shape(conifer: bool) -> Mesh:
    """A tree of height 1 and crown diameter 1, foot at the origin."""
    trunk = _turned([(0.0, 0.055), (0.29, 0.04)], 4)
    if conifer:
        lower = _turned([(0.14, 0.0), (0.13, 0.50), (0.68, 0.10)], 7)
        upper = _turned([(0.47, 0.0), (0.46, 0.36), (1.0, 0.0)], 7, turned=0.4)
        return _joined(trunk, lower, upper)
    crown = _turned([(_CROWN_FOOT, 0.0), (0.34, 0.38), (0.60, 0.5), (0.87, 0.34), (0.985, 0.0)], 6, bumpy=0.10)
    return _joined(trunk, crown)


def _turned(profile: list[tuple[float, float]], sides: int, turned: float = 0.0, bumpy: float = 0.0) -> Mesh:
    """A body turned on a lathe from (height, radius) pairs, each ring half a step further; radius 0 is a tip."""
    rings: list[NDArray[np.float64]] = []
    for k, (z, r) in enumerate(profile):
        if r == 0.0:
            rings.append(np.array([[0.0, 0.0, z]]))
            continue
        angle = (np.arange(sides) + 0.5 * (k % 2)) / sides * 2 * np.pi + turned
        swell = 1.0 + bumpy * np.sin(angle * 2 + 1.7 * k)
        rise = z + bumpy * 0.3 * np.cos(angle * 3 + k)
        rings.append(np.column_stack([np.cos(angle) * r * swell, np.sin(angle) * r * swell, rise]))
    start = np.cumsum([0] + [len(r) for r in rings])
    triangles: list[tuple[int, int, int]] = []
    for k in range(len(rings) - 1):
        a, b = int(start[k]), int(start[k + 1])
        for s in range(sides):
            t = (s + 1) % sides
            if len(rings[k]) == 1:
                triangles.append((a, b + t, b + s))
            elif len(rings[k + 1]) == 1:
                triangles.append((a + s, a + t, b))
            elif k % 2 == 0:
                triangles += [(a + s, a + t, b + s), (a + t, b + t, b + s)]
            else:
                triangles += [(a + s, b + t, b + s), (a + s, a + t, b + t)]
    return triangles_mesh(np.concatenate(rings), np.array(triangles))


def _joined(*meshes: Mesh) -> Mesh:
    points: list[NDArray[Any]] = []
    triangles: list[NDArray[Any]] = []
    base = 0
    for mesh in meshes:
        corner, flat = mesh.kept[0], mesh.kept[1]
        points.append(corner)
        triangles.append(flat.reshape(-1, 3) + base)
        base += len(corner)
    return triangles_mesh(np.concatenate(points), np.concatenate(triangles))
