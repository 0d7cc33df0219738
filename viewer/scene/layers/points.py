"""Points with values: upright pins, scaled and coloured by columns, with labels for the most important ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkGlyph3DMapper

from viewer.city import PointLayer
from viewer.city.ground import Ground
from viewer.scene.layer_colors import row_colors
from viewer.scene.layers.drape import on_ground
from viewer.scene.layers.drawing import Floats, LayerDrawing, nearest_hit, sphere_hits
from viewer.scene.layers.labels import MAX_LABELS, Labels, shortened
from viewer.scene.levels import View
from viewer.scene.palettes import Look
from viewer.scene.state import LayerView
from viewer.scene.vtk_data import Mesh, triangles_mesh

#: Smallest and largest head among the pins, as shares of the usual one.
SMALLEST, LARGEST = 0.7, 2.2
#: Diameter of the usual head, metres: a share of the layer's extent within these bounds.
HEAD_SHARE, HEAD_RANGE_M = 0.006, (3.0, 40.0)


class PointsDrawing(LayerDrawing):
    """Pins: a thin stem and a round head."""

    def __init__(self, view: LayerView, ground: Ground | None, style: Look, extent_m: float | None = None) -> None:
        super().__init__(view)
        layer = view.layer
        assert isinstance(layer, PointLayer)
        self._foot = on_ground(layer.positions_local, ground)
        self._head_m = head_size(self._foot, extent_m) * point_scale(layer)
        self._stem_m = self._head_m * 1.9
        self._mapper_data = vtkPolyData()
        points = vtkPoints()
        points.SetData(numpy_to_vtk(np.ascontiguousarray(self._foot, np.float32), deep=True))
        self._mapper_data.SetPoints(points)
        self._shape = _pin()
        self._set("scale", np.repeat(self._head_m[:, None], 3, axis=1).astype(np.float32))
        mapper = vtkGlyph3DMapper()
        mapper.SetInputData(self._mapper_data)
        mapper.SetSourceData(self._shape.data)
        mapper.SetScaling(True)
        mapper.SetScaleModeToScaleByVectorComponents()
        mapper.SetScaleArray("scale")
        mapper.SetScaleFactor(1.0)
        mapper.OrientOff()
        mapper.SetScalarModeToUsePointFieldData()
        mapper.SelectColorArray("color")
        mapper.SetColorModeToDirectScalars()
        pins = vtkActor()
        pins.SetMapper(mapper)
        pins.PickableOff()
        pins.GetProperty().SetInterpolationToGouraud()
        pins.GetProperty().SetAmbient(0.55)
        pins.GetProperty().SetDiffuse(0.55)
        self._pins = pins
        self._labels = self._make_labels(layer)
        self.props = (pins, *self._labels.actors)
        self.update(view, style)

    def update(self, view: LayerView, style: Look) -> bool:
        done = super().update(view, style)
        self._labels.show(bool(view.visible and view.labels))
        return done

    def aim(self, view: View, occlusion_reach_m: float = 0.0) -> None:
        self._labels.aim(view)

    def pick(self, origin: Floats, direction: Floats) -> tuple[int, float] | None:
        if not len(self._foot) or not self.view.visible:
            return None
        middle = self._foot + np.column_stack([np.zeros((len(self._foot), 2)), self._stem_m])
        heads = sphere_hits(origin, direction, middle, np.repeat(self._head_m[:, None] * 0.55, 3, axis=1))
        return nearest_hit(heads)

    def _set(self, name: str, values: NDArray[np.generic]) -> None:
        array = numpy_to_vtk(np.ascontiguousarray(values), deep=True)
        array.SetName(name)
        self._mapper_data.GetPointData().AddArray(array)
        self._mapper_data.Modified()

    def _make_labels(self, layer: PointLayer) -> Labels:
        """Texts of the largest points."""
        texts = layer.attributes.get(layer.label_column) if layer.label_column else None
        if texts is None or not len(self._foot):
            return Labels([], np.empty((0, 3)))
        largest = np.argsort(-self._head_m, kind="stable")[:MAX_LABELS]
        written = [(_label(texts[row]), row) for row in largest.tolist()]
        rows = np.array([row for text, row in written if text], np.int64)
        top = self._foot[rows].copy()
        top[:, 2] += self._stem_m[rows] + self._head_m[rows] * 0.75
        return Labels([text for text, _ in written if text], top)

    def _restyle(self, style: Look) -> None:
        colors = row_colors(self.view, style).rgb
        if len(colors):
            self._set("color", colors)
        self._pins.GetProperty().SetOpacity(self.view.opacity)
        self._labels.paint(style)


def head_size(foot: Floats, extent_m: float | None) -> float:
    """Diameter of the usual head, metres."""
    if extent_m is None:
        extent_m = float(np.hypot(*np.ptp(foot[:, :2], axis=0))) if len(foot) > 1 else 500.0
    return float(np.clip(extent_m * HEAD_SHARE, *HEAD_RANGE_M))


def point_scale(layer: PointLayer) -> Floats:
    """(n,) size of each point against the usual one: by the area that its value would have."""
    values = layer.attributes.get(layer.size_column) if layer.size_column else None
    count = len(layer)
    if values is None or values.dtype.kind != "f" or len(values) != count:
        return np.ones(count)
    numbers = np.asarray(values, np.float64)
    known = numbers[np.isfinite(numbers) & (numbers > 0)]
    top = float(np.percentile(known, 98)) if len(known) else 1.0
    share = np.sqrt(np.clip(np.nan_to_num(numbers, nan=0.0), 0.0, top) / max(top, 1e-12))
    return np.asarray(SMALLEST + (LARGEST - SMALLEST) * share)


def _label(value: object) -> str:
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{float(value):g}"
    return shortened(str(value))


def _pin() -> Mesh:
    """A pin for a head of diameter 1: the foot at the origin, the middle of the head 1.9 above it."""
    stem_angle = np.arange(5) * (2 * np.pi / 5)
    ring = np.column_stack([np.cos(stem_angle) * 0.06, np.sin(stem_angle) * 0.06])
    stem = np.concatenate([np.column_stack([ring, np.zeros(5)]), np.column_stack([ring, np.full(5, 1.9)])])
    around = np.arange(5)
    on = (around + 1) % 5
    stem_triangles = np.concatenate(
        [np.column_stack([around, on, on + 5]), np.column_stack([around, on + 5, around + 5])]
    )
    bands, sectors = 7, 12
    height = np.linspace(-np.pi / 2, np.pi / 2, bands)[:, None]
    angle = np.arange(sectors) * (2 * np.pi / sectors)
    unit = np.stack(
        [np.cos(height) * np.cos(angle), np.cos(height) * np.sin(angle), np.sin(height) * np.ones(sectors)], axis=-1
    ).reshape(-1, 3)
    band, sector = np.meshgrid(np.arange(bands - 1), np.arange(sectors), indexing="ij")
    a, b = (band * sectors + sector).ravel(), (band * sectors + (sector + 1) % sectors).ravel()
    head_triangles = np.concatenate(
        [np.column_stack([a, b, b + sectors]), np.column_stack([a, b + sectors, a + sectors])]
    )
    points = np.concatenate([stem, unit * 0.5 + np.array([0.0, 0.0, 1.9])])
    normals = np.concatenate([np.column_stack([np.tile(ring / 0.06, (2, 1)), np.zeros(10)]), unit])
    mesh = triangles_mesh(points, np.concatenate([stem_triangles, head_triangles + 10]))
    mesh.set_normals(normals.astype(np.float32))
    return mesh
