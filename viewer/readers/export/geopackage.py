"""Buildings and other objects as outlines on the ground in a GeoPackage, with measures, indicators, attributes."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.city.geometry import face_geometry
from viewer.city.kinds import SurfaceType
from viewer.errors import SaveError
from viewer.plugin_api import Progress
from viewer.readers.export.bake import Baked
from viewer.readers.export.numbers import Rows, rows_of
from viewer.readers.export.request import Export

BUILDINGS, OTHER = "buildings", "other_objects"
_CHUNK = 1 << 20
#: Faces that cover less of the ground than this are walls.
_LEVEL_M2 = 1e-4


def geopackage_chunks(export: Export, baked: Baked, progress: Progress | None = None) -> Iterator[bytes]:
    """The file, piece by piece; it is made in a temporary folder, because a database cannot be streamed.

    Layers ``buildings`` and, where there are any, ``other_objects``.

    Raises
    ------
    SaveError
        The temporary file could not be made.
    """
    progress = Progress() if progress is None else progress
    progress.report(0.0, "Drawing the outlines")
    shapes = outlines(baked.city, baked.faces)
    with tempfile.TemporaryDirectory(prefix="stadtforum-") as folder:
        path = Path(folder) / "city.gpkg"
        for share, name, buildings in ((0.3, BUILDINGS, True), (0.6, OTHER, False)):
            progress.report(share, "Writing the outlines")
            rows = rows_of(export, baked, buildings=buildings)
            if buildings or len(rows.features):
                _write_layer(path, name, rows, shapes[rows.features], baked.city.frame.crs)
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                progress.report(0.95, "Writing the outlines")
                yield chunk


def outlines(city: CityModel, faces: NDArray[np.bool_]) -> NDArray[Any]:
    """(K,) shapely areas in the CRS: what ground surfaces cover, else the outline seen from above; or None.

    Parameters
    ----------
    faces : (F,) bool, the faces at the shown LoD.
    """
    import shapely

    count = len(city.objects.features)
    result = np.full(count, None, dtype=object)
    if not len(city.face_object):
        return result
    level = faces & (face_geometry(city).projected_area > _LEVEL_M2)
    ground = level & (city.face_surface == SurfaceType.GROUND)
    has_ground = np.bincount(city.face_feature[ground], minlength=count) > 0
    chosen = np.flatnonzero(np.where(has_ground[city.face_feature], ground, level))
    areas = shapely.make_valid(_polygons(city, chosen))
    owner = city.face_feature[chosen]
    order = np.argsort(owner, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(owner[order]) != 0))[: len(order)]
    for number, group in zip(owner[order][first].tolist(), np.split(areas[order], first[1:]), strict=True):
        joined = group[0] if len(group) == 1 else shapely.union_all(group)
        result[number] = _areas_only(joined)
    return result


def _polygons(city: CityModel, chosen: NDArray[np.intp]) -> NDArray[Any]:
    """Chosen faces seen from above as shapely polygons."""
    import shapely

    rings = np.diff(city.face_ring_start)[chosen]
    ring = np.repeat(city.face_ring_start[chosen] - np.cumsum(rings) + rings, rings) + np.arange(int(rings.sum()))
    sizes = np.diff(city.ring_start)[ring]
    point = np.repeat(city.ring_start[ring] - np.cumsum(sizes) + sizes, sizes) + np.arange(int(sizes.sum()))
    xy = np.round(city.frame.crs_from_local(city.positions_local[point])[:, :2], 3)
    drawn = shapely.linearrings(xy, indices=np.repeat(np.arange(len(ring)), sizes))
    face = np.repeat(np.arange(len(chosen)), rings)
    outer = np.append(True, np.diff(face) != 0)[: len(face)]
    holes = np.flatnonzero(~outer)
    shells = shapely.polygons(drawn[outer])
    for number in np.unique(face[holes]).tolist():  # few faces have holes
        shells[number] = shapely.polygons(drawn[outer][number], holes=drawn[holes][face[holes] == number])
    return np.asarray(shells)


def _areas_only(shape: Any) -> Any:
    """The areas of a shape as one MultiPolygon; None if it has none."""
    import shapely

    parts = shapely.get_parts(shapely.get_parts(shape))
    parts = parts[shapely.get_type_id(parts) == 3]
    return shapely.multipolygons(parts) if len(parts) else None


def _write_layer(path: Path, layer: str, rows: Rows, shapes: NDArray[Any], crs: str) -> None:
    import geopandas
    import pandas
    from pyogrio.errors import DataLayerError, DataSourceError

    columns = {}
    for name, values in rows.columns.items():
        if values.dtype.kind == "f":
            columns[name] = pandas.Series(values)
        else:
            columns[name] = pandas.Series([text or None for text in values.tolist()], dtype=object)
    frame = geopandas.GeoDataFrame(columns, geometry=list(shapes), crs=crs or None)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="'crs' was not provided")  # it is not known, and so it is written
            frame.to_file(path, layer=layer, driver="GPKG", engine="pyogrio", geometry_type="MultiPolygon")
    except (DataSourceError, DataLayerError, OSError) as error:
        raise SaveError("The GeoPackage could not be written.", hint="Free some space, then try again.") from error
