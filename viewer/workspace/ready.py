"""What opening works out about a city as plain named arrays, for its prepared copy, and back again, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.city.ground import Ground
from viewer.city.measures import Measures
from viewer.city.raster import Grid
from viewer.city.use import Use
from viewer.indicators import Surfaces
from viewer.indicators.surfaces import Ground as SurfaceClass
from viewer.scene import ready_atlas, ready_mesh
from viewer.scene.city_mesh import prepare
from viewer.scene.ready_mesh import Array, in_range, is_kind

if TYPE_CHECKING:
    from viewer.workspace.loaded import Derived

_FLAGS = ("closed", "storeys_known", "is_building", "flipped", "planned")


@dataclass(frozen=True, eq=False)
class Ready:
    """What was worked out about a city before. faces : (F,) bool, shown at the level of detail it was opened with."""

    faces: NDArray[np.bool_]
    measures: Measures
    ground: Ground
    tree_places: NDArray[np.float64]
    surfaces: Surfaces


def pack(derived: Derived) -> dict[str, Array]:
    """Shown faces, measures, ground, places for trees, what the ground is made of, and what the picture needs, with the
    atlas if it was made.

    An array as long as the city has vertices, faces or triangles is divided into tiles by these in a store, one
    with a companion ``NAME_tile_start`` ((B + 1,) int64) by it, and checked with its tile; all others are read and
    checked whole at opening.
    """
    ground = derived.ground
    arrays: dict[str, Array] = {f"measures.{f.name}": getattr(derived.measures, f.name) for f in fields(Measures)}
    arrays["lod_faces"] = derived.lod_faces
    arrays["ground.heights"] = ground.heights
    arrays["ground.grid"] = np.array([*ground.origin_local, ground.cell_m, float(ground.exact)])
    arrays["tree_places"] = derived.applier.tree_places
    arrays |= _packed_surfaces(derived.surfaces)
    mesh = prepare(derived.city, derived.lod_faces, derived.measures)
    arrays |= ready_atlas.pack(derived.city)
    return arrays | {f"mesh.{name}": array for name, array in ready_mesh.pack(mesh).items()}


def ready_of(city: CityModel, arrays: Mapping[str, Array]) -> Ready | None:
    """All of it again; None if a part is missing or is not this city's."""
    faces = arrays.get("lod_faces")
    if faces is None or not is_kind(faces, "|b1", (len(city.face_surface),)):
        return None
    measures, ground, places = measures_of(city, arrays), ground_of(arrays), tree_places_of(arrays)
    surfaces = surfaces_of(city, arrays)
    if measures is None or ground is None or places is None or surfaces is None:
        return None
    ready_atlas.restore(city, arrays)
    return Ready(faces, measures, ground, places, surfaces)  # type: ignore[arg-type]


def measures_of(city: CityModel, arrays: Mapping[str, Array]) -> Measures | None:
    """The measures among packed arrays; None if they are not this city's."""
    count = len(city.objects.features)
    found = {}
    for item in fields(Measures):
        array = arrays.get(f"measures.{item.name}")
        dtype = "|b1" if item.name in _FLAGS else "|u1" if item.name == "use" else "<f8"
        shape = (count, 2) if item.name == "centre_local" else (count,)
        if array is None or not is_kind(array, dtype, shape):
            return None
        found[item.name] = array
    if not in_range(found["use"], len(Use)):
        return None
    return Measures(**found)  # type: ignore[arg-type]


def ground_of(arrays: Mapping[str, Array]) -> Ground | None:
    """The ground among packed arrays; None if there is no usable one."""
    heights, grid = arrays.get("ground.heights"), arrays.get("ground.grid")
    if heights is None or grid is None or not is_kind(heights, "<f4", (-1, -1)) or not is_kind(grid, "<f8", (4,)):
        return None
    if min(heights.shape) < 2 or not np.isfinite(heights).all() or not np.isfinite(grid).all() or grid[2] <= 0:
        return None
    x, y, cell_m, exact = (float(v) for v in grid)
    return Ground((x, y), cell_m, heights, exact=bool(exact))  # type: ignore[arg-type]


def tree_places_of(arrays: Mapping[str, Array]) -> NDArray[np.float64] | None:
    """Places for trees among packed arrays; None if there are none that can be used."""
    places = arrays.get("tree_places")
    if places is None or not is_kind(places, "<f8", (-1, 3)) or not np.isfinite(places).all():
        return None
    return places  # type: ignore[return-value]


def _packed_surfaces(surfaces: Surfaces) -> dict[str, Array]:
    planned = np.flatnonzero(surfaces.planned_share.any(axis=1)).astype(np.int32)
    grid = surfaces.grid
    return {
        "surfaces.kind": surfaces.kind,
        "surfaces.canopy": surfaces.canopy,
        "surfaces.grid": np.array([*grid.low, grid.cell_m]),
        "surfaces.ring": surfaces.ring_local,
        "surfaces.planned": planned,
        "surfaces.planned_share": surfaces.planned_share[planned],
        "surfaces.sources": np.frombuffer("\n".join(surfaces.sources).encode(), np.uint8),
    }


def surfaces_of(city: CityModel, arrays: Mapping[str, Array]) -> Surfaces | None:
    """What the ground is made of among packed arrays; None if it is not this city's."""
    kinds: dict[str, tuple[str, tuple[int, ...]]] = {
        "kind": ("|u1", (-1, -1)), "canopy": ("|b1", (-1, -1)), "grid": ("<f8", (3,)), "ring": ("<f8", (-1, 2)),
        "planned": ("<i4", (-1,)), "planned_share": ("<f8", (-1, len(SurfaceClass))), "sources": ("|u1", (-1,)),
    }  # fmt: skip
    found: dict[str, Any] = {name: arrays.get(f"surfaces.{name}") for name in kinds}
    if any(found[name] is None or not is_kind(found[name], *kind) for name, kind in kinds.items()):
        return None
    kind, features = found["kind"], len(city.objects.features)
    x, y, cell_m = (float(v) for v in found["grid"])
    if found["canopy"].shape != kind.shape or len(found["planned"]) != len(found["planned_share"]) or not cell_m > 0:
        return None
    if not in_range(kind, len(SurfaceClass)) or not in_range(found["planned"], features) or len(found["ring"]) < 3:
        return None
    share = np.zeros((features, len(SurfaceClass)))
    share[found["planned"]] = found["planned_share"]
    names = bytes(found["sources"].tobytes()).decode("utf-8", "replace")
    grid = Grid((x, y), cell_m, kind.shape)
    sources = tuple(names.split("\n")) if names else ()
    return Surfaces(grid, found["ring"], kind, share, found["canopy"], sources=sources)


def mesh_of(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """What belongs to the picture among packed arrays."""
    return {name.removeprefix("mesh."): array for name, array in arrays.items() if name.startswith("mesh.")}
