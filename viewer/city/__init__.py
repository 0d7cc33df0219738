"""What a city is: objects, surfaces, layers and the coordinate frame, as large NumPy arrays.

Nothing here reads files, knows a scenario or draws; NumPy is the only dependency.
"""

from viewer.city.frame import Frame
from viewer.city.kinds import SurfaceType, Theme, theme_of_type
from viewer.city.layers import (
    AreaLayer,
    History,
    ImageLayer,
    Layer,
    LineLayer,
    PointLayer,
    TerrainLayer,
    TreeLayer,
)
from viewer.city.model import CityModel, Column, ObjectTable
from viewer.city.models import ModelLayer
from viewer.city.report import ImportReport, Issue, Severity
from viewer.city.streamed import MeshContent, PointContent, StreamedLayer

__all__ = [
    "AreaLayer",
    "CityModel",
    "Column",
    "Frame",
    "History",
    "ImageLayer",
    "ImportReport",
    "Issue",
    "Layer",
    "LineLayer",
    "MeshContent",
    "ModelLayer",
    "ObjectTable",
    "PointContent",
    "PointLayer",
    "Severity",
    "StreamedLayer",
    "SurfaceType",
    "TerrainLayer",
    "Theme",
    "TreeLayer",
    "theme_of_type",
]
