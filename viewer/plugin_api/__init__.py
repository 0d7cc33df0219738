"""The one module of ours that a plugin imports: layers, frame, contexts, errors.

Plugins get data in and numbers out through what stands here; nothing here draws or holds state.
"""

from viewer.city import (
    AreaLayer,
    CityModel,
    Column,
    Frame,
    History,
    ImageLayer,
    Issue,
    Layer,
    LineLayer,
    MeshContent,
    ModelLayer,
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
from viewer.city.models import ModelPlace, model_layer
from viewer.city.streamed import Content, Holds, NodeTree, make_nodes
from viewer.errors import (
    Cancelled,
    CrsError,
    LimitError,
    LoginError,
    NetworkError,
    NotConnectedError,
    PluginError,
    ReadError,
    ViewerError,
)
from viewer.indicators.record import IndicatorRecord, ParameterUsed, Status
from viewer.plugin_api.catalogue import Entry
from viewer.plugin_api.context import Progress, ReadContext
from viewer.plugin_api.credits import credited, date_text
from viewer.plugin_api.features import (
    area_layer,
    columns_of,
    geojson_table,
    has_endless_place,
    line_layer,
    table_layers,
)
from viewer.plugin_api.helper import prepared, run_helper
from viewer.plugin_api.net import (
    Answer,
    Request,
    SourceFile,
    host_of,
    json_object,
    looks_like_source,
    read_source,
    with_query,
    xml_root,
)
from viewer.plugin_api.places import Peek, Places, find_places, peek
from viewer.plugin_api.prisms import Prisms, Rings, extrude
from viewer.plugin_api.rasters import (
    Raster,
    TileLevel,
    decode_picture,
    finest_level,
    mercator_level,
    mosaic,
    place_raster,
)
from viewer.plugin_api.raw import RawCity
from viewer.plugin_api.tables import (
    Table,
    find_column,
    number_column,
    read_table,
    text_column,
)
from viewer.plugin_api.vector import VectorTable, list_vector_layers, read_vector
from viewer.plugin_api.wanted import area_in, wanted_area
from viewer.scenario.change import CityChange

#: Version of this contract; a manifest names the one it was written for.
API_VERSION = 1

__all__ = [
    "API_VERSION",
    "Answer",
    "AreaLayer",
    "Cancelled",
    "CityChange",
    "CityModel",
    "Column",
    "Content",
    "CrsError",
    "Entry",
    "Frame",
    "History",
    "Holds",
    "ImageLayer",
    "IndicatorRecord",
    "Issue",
    "Layer",
    "LimitError",
    "LineLayer",
    "LoginError",
    "Measures",
    "MeshContent",
    "ModelLayer",
    "ModelPlace",
    "NetworkError",
    "NodeTree",
    "NotConnectedError",
    "ObjectTable",
    "ParameterUsed",
    "Peek",
    "Places",
    "PluginError",
    "PointContent",
    "PointLayer",
    "Prisms",
    "Progress",
    "Raster",
    "RawCity",
    "ReadContext",
    "ReadError",
    "Request",
    "Rings",
    "Severity",
    "SourceFile",
    "Status",
    "StreamedLayer",
    "SurfaceType",
    "Table",
    "TerrainLayer",
    "TileLevel",
    "TreeLayer",
    "VectorTable",
    "ViewerError",
    "area_in",
    "area_layer",
    "columns_of",
    "credited",
    "date_text",
    "decode_picture",
    "extrude",
    "find_column",
    "find_places",
    "finest_level",
    "geojson_table",
    "has_endless_place",
    "host_of",
    "json_object",
    "line_layer",
    "list_vector_layers",
    "looks_like_source",
    "make_nodes",
    "mercator_level",
    "model_layer",
    "mosaic",
    "number_column",
    "peek",
    "place_raster",
    "prepared",
    "read_source",
    "read_table",
    "read_vector",
    "run_helper",
    "table_layers",
    "text_column",
    "wanted_area",
    "with_query",
    "xml_root",
]
