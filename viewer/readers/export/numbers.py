"""One row per top-level object: measures after the scenario, indicators, attributes; and outlines on the ground.

What tables and GeoPackages share. No files here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.city.measures import measure
from viewer.indicators import IndicatorTable
from viewer.readers.export.bake import Baked
from viewer.readers.export.request import Export
from viewer.scenario.apply import no_change

Column = NDArray[np.generic]

#: Names of our own columns, with their units; attributes of the same name get ``_attribute`` at the end.
MEASURES = ("height_m", "storeys", "ground_height_m", "footprint_m2", "volume_m3", "roof_area_m2")
#: Sums of what the measures say for each building already.
_MEASURED_BEFORE = ("count", "footprint", "volume", "storeys")


@dataclass(frozen=True, eq=False)
class Rows:
    """Columns over the chosen top-level objects, by name, in their order; all of the same length."""

    columns: dict[str, Column]
    features: NDArray[np.intp]


def rows_of(export: Export, baked: Baked, *, buildings: bool = True) -> Rows:
    """Rows of the buildings, or of everything else, in ``baked``.

    Measures are taken from the geometry as it is written, the same way as in the window. Storeys and
    indicators are those the window shows for the scenario; empty where an object does not count.
    """
    city = baked.city
    objects = city.objects
    chosen = np.flatnonzero(objects.feature_is_building == buildings) if len(objects) else np.zeros(0, np.intp)
    index = objects.features[chosen] if len(objects) else np.zeros(0, np.int32)
    types = np.array([*objects.types, ""], dtype=object)
    columns: dict[str, Column] = {"id": objects.ids[index], "type": types[objects.type_code[index]]}
    m = measure(city, baked.faces)
    centre = city.frame.crs_from_local(m.centre_local[chosen])
    columns |= {"x": np.round(centre[:, 0], 3), "y": np.round(centre[:, 1], 3)}
    if buildings:
        numbers = {
            "height_m": m.top_m - m.ground_m,
            "storeys": _storeys(export, baked),
            "ground_height_m": m.ground_m + city.frame.origin_crs[2],
            "footprint_m2": m.footprint_m2,
            "volume_m3": m.volume_m3,
            "roof_area_m2": m.roof_area_m2,
        }
        columns |= {name: np.round(values[chosen], 3) for name, values in numbers.items()}
        columns |= {name: values[chosen] for name, values in _indicators(export, baked).items() if name not in columns}
    for name in objects.attributes:
        column = objects.feature_column(name)
        assert column is not None
        columns[_free(name, columns)] = column.values[chosen]
    return Rows(columns, chosen)


def _storeys(export: Export, baked: Baked) -> NDArray[np.float64]:
    """Storeys as the indicators count them: known or estimated before, and what the scenario adds."""
    m, f = export.measures, baked.features
    before = np.maximum(np.nan_to_num(m.storeys[f], nan=1.0), 1.0)
    if export.change is None:
        return np.asarray(before)
    factor = export.change.factor[f].astype(np.float64)
    fits = np.where(factor == 1.0, before, np.maximum(1.0, np.floor(before * factor + 0.5)))
    return np.asarray(np.maximum(fits + export.change.storeys_added[f], 1.0))


def _indicators(export: Export, baked: Baked) -> dict[str, NDArray[np.float64]]:
    """Each building's own share of the indicators that add up over buildings."""
    if not len(export.measures.ground_m):
        return {}
    table = IndicatorTable(export.city, export.measures, lod_faces=export.lod_faces)
    table.update(no_change(export.measures) if export.change is None else export.change)
    result = {}
    for definition in table.definitions:
        values = table.per_feature(definition.id)
        if values is not None and definition.column not in _MEASURED_BEFORE:
            result[definition.id] = np.round(values[baked.features], 3)
    return result


def _free(name: str, columns: dict[str, Column]) -> str:
    """A column name that no other has, whatever the case: databases do not tell ``ID`` from ``id``."""
    taken = {known.lower() for known in columns} | {"fid", "geom", "geometry"}
    found, number = name, 1
    while found.lower() in taken:
        found = f"{name}_attribute" if number == 1 else f"{name}_attribute_{number}"
        number += 1
    return found
