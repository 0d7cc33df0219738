"""The one module of ours that a plugin imports: layers, frame, contexts, errors.

Plugins get data in and numbers out through what stands here; nothing here draws or holds state.
"""

from viewer.city import (
    AreaLayer,
    CityModel,
    Column,
    Frame,
    ImageLayer,
    Layer,
    LineLayer,
    MeshContent,
    ObjectTable,
    PointContent,
    PointLayer,
    Severity,
    StreamedLayer,
    SurfaceType,
    TerrainLayer,
    TreeLayer,
)
from viewer.city.measures import Measures
from viewer.city.streamed import Content, Holds, NodeTree, make_nodes
from viewer.errors import Cancelled, CrsError, LimitError, PluginError, ReadError, ViewerError
from viewer.indicators.record import IndicatorRecord, ParameterUsed, Status
from viewer.plugin_api.context import Progress, ReadContext
from viewer.plugin_api.places import Peek, Places, find_places, peek
from viewer.plugin_api.prisms import Prisms, Rings, extrude
from viewer.plugin_api.raw import RawCity
from viewer.plugin_api.tables import (
    Table,
    find_column,
    number_column,
    read_table,
    text_column,
)
from viewer.plugin_api.vector import VectorTable, list_vector_layers, read_vector
from viewer.scenario.change import CityChange

#: Version of this contract; a manifest names the one it was written for.
API_VERSION = 1

__all__ = [
    "API_VERSION",
    "AreaLayer",
    "Cancelled",
    "CityChange",
    "CityModel",
    "Column",
    "Content",
    "CrsError",
    "Frame",
    "Holds",
    "ImageLayer",
    "IndicatorRecord",
    "Layer",
    "LimitError",
    "LineLayer",
    "Measures",
    "MeshContent",
    "NodeTree",
    "ObjectTable",
    "ParameterUsed",
    "Peek",
    "Places",
    "PluginError",
    "PointContent",
    "PointLayer",
    "Prisms",
    "Progress",
    "RawCity",
    "ReadContext",
    "ReadError",
    "Rings",
    "Severity",
    "Status",
    "StreamedLayer",
    "SurfaceType",
    "Table",
    "TerrainLayer",
    "TreeLayer",
    "VectorTable",
    "ViewerError",
    "extrude",
    "find_column",
    "find_places",
    "list_vector_layers",
    "make_nodes",
    "number_column",
    "peek",
    "read_table",
    "read_vector",
    "text_column",
]
