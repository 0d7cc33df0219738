"""Giving a city back: CityJSON, CityJSONSeq, CityGML, GeoPackage, CSV, GLB and 3D Tiles, as it is or changed.

Bytes are made here; where they go, and that they get there whole, is the caller's matter.
"""

from viewer.readers.export.formats import FORMATS, Format, export_chunks, export_files, format_of
from viewer.readers.export.request import Export

__all__ = ["FORMATS", "Export", "Format", "export_chunks", "export_files", "format_of"]
