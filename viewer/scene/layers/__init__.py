"""Layers over the city: trees, areas, lines, points and pictures as VTK props, and finding what a ray meets.

Reading layers, their order and what a click means are decided elsewhere.
"""

from __future__ import annotations

from viewer.city import (
    AreaLayer,
    ImageLayer,
    LineLayer,
    ModelLayer,
    PointLayer,
    StreamedLayer,
    TerrainLayer,
    TreeLayer,
)
from viewer.city.ground import Ground
from viewer.scene.layers.areas import AreasDrawing, ground_hit
from viewer.scene.layers.drawing import LayerDrawing
from viewer.scene.layers.images import ImageDrawing
from viewer.scene.layers.lines import LinesDrawing
from viewer.scene.layers.models import ModelDrawing
from viewer.scene.layers.points import PointsDrawing
from viewer.scene.layers.streamed import StreamedDrawing
from viewer.scene.layers.trees import TreesDrawing, layer_trees, trees_drawing
from viewer.scene.palettes import Look
from viewer.scene.state import LayerView

__all__ = ["LayerDrawing", "TreesDrawing", "ground_hit", "make_drawing", "trees_drawing"]


def make_drawing(view: LayerView, ground: Ground | None, style: Look, lift_m: float = 0.0) -> LayerDrawing:
    """Draw a layer.

    Parameters
    ----------
    lift_m : further height above the ground, so that layers drawn later lie on those drawn before; steps of
        0.15 m per layer are enough.

    Raises
    ------
    TypeError
        The layer is of no known kind.
    """
    layer = view.layer
    if isinstance(layer, TreeLayer):
        return layer_trees(view, ground, style)
    if isinstance(layer, AreaLayer):
        return AreasDrawing(view, ground, style, lift_m)
    if isinstance(layer, LineLayer):
        return LinesDrawing(view, ground, style, lift_m)
    if isinstance(layer, ImageLayer):
        return ImageDrawing(view, ground, style, lift_m)
    if isinstance(layer, StreamedLayer):
        return StreamedDrawing(view, style)
    if isinstance(layer, PointLayer):
        return PointsDrawing(view, ground, style)
    if isinstance(layer, ModelLayer):
        return ModelDrawing(view, style)
    if isinstance(layer, TerrainLayer):
        return LayerDrawing(view)  # the ground itself, drawn with what the city stands in
    raise TypeError(type(layer).__name__)
