"""Several stored cities become one stored city, tile by tile: never more than a tile of it is in memory.

The result is that of ``arrange(merge(cities))``, array for array.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from viewer.city import CityModel, ImportReport
from viewer.city.report import IssueLog
from viewer.readers.store.arrays import Array, ArrayWriter
from viewer.readers.store.city import describe, put_ready, put_tiles, seal
from viewer.readers.store.copying import Copy
from viewer.readers.store.folder import NewFolder
from viewer.readers.store.plan import Plan

EachTile = Callable[[int, int], None]


def join_stores(
    cities: Sequence[CityModel],
    folder: Path,
    report: ImportReport,
    *,
    name: str,
    derive: Callable[[CityModel], Mapping[str, Array]],
    body: Mapping[str, Any],
    log: IssueLog | None = None,
    source_folders: Sequence[Path] = (),
    each_tile: EachTile | None = None,
) -> int:
    """Write ``cities``, sorted and in one coordinate system, as one store; its size in bytes.

    Parameters
    ----------
    name : of the result. report : its report; what it counts of the city is filled in.
    derive : works out the derived arrays of the result, whose arrays are mapped.
    body : ``source``, ``options`` and ``questions`` for the manifest.
    log : told about ids that had to be made unique; what it knows then goes into the report.
    source_folders : where the files lie; pictures of textures are found from there.
    each_tile : called with (tiles written, of how many).

    Raises
    ------
    OSError
        It could not be written; nothing half-written is left to be opened.
    LimitError
        The sum is larger than the arrays can index.
    ValueError
        No city, or cities in different coordinate systems: an error of the caller.
    """
    plan = Plan(cities, log)
    with NewFolder(folder) as new:
        writer = ArrayWriter(new.path)
        with Copy(plan, writer, source_folders) as copy:
            for tile in range(len(plan.tiles)):
                copy.write(tile, plan.pieces(tile))
                if each_tile is not None:
                    each_tile(tile + 1, len(plan.tiles))
            copy.finish()
        splits = put_tiles(writer, plan.tiles)
        city = copy.city(name)
        put_ready(writer, derive(city), splits)
        counted = replace(
            report, objects=city.objects.count_by_type(), lods=tuple(lod for lod in city.lods if lod),
            triangles=len(city.triangles), issues=(*report.issues, *(() if log is None else log.issues())),
        )  # fmt: skip
        told = {**describe(city), "columns": copy.columns, "appearance": copy.appearance, **body}
        return seal(new, writer, told, counted)
