"""Giving a city back: CityJSON, CityJSONSeq, CityGML, GeoPackage, CSV and GLB, as it is or as a scenario makes it.

Bytes are made here; where they go, and that they get there whole, is the caller's matter.
"""

from viewer.readers.export.formats import FORMATS, Format, export_chunks, format_of
from viewer.readers.export.request import Export

__all__ = ["FORMATS", "Export", "Format", "export_chunks", "format_of"]
