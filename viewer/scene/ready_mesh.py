"""What a city's picture needs from afar as plain named arrays, for a store, and back again, checked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from viewer.scene.city_mesh import CityArrays, Far
from viewer.scene.coarse import Blocks, Masses
from viewer.scene.packing import CODES

Array = NDArray[np.generic]


def pack(arrays: CityArrays) -> dict[str, Array]:
    """Boxes of objects, masses of squares, sizes of tiles. The faces themselves are made tile by tile when drawn."""
    far = arrays.far
    masses = far.masses
    return {
        **_packed_blocks("block", far.blocks),
        **_packed_blocks("mass", masses.boxes),
        "mass_start": masses.node_start,
        "mass_member_start": masses.member_start,
        "mass_member_end": masses.member_end,
        "mass_order": masses.order,
        "box_low": far.low,
        "box_high": far.high,
        "tile_count": far.count,
        "tile_patch_m": far.patch_m,
    }


def restore(arrays: CityArrays, packed: Mapping[str, Array]) -> bool:
    """Give a city's arrays what was packed; False if it does not fit this city, which leaves it to be made."""
    if not _fits(arrays, packed):
        return False
    masses = Masses(
        packed["mass_start"], packed["mass_member_start"], packed["mass_member_end"], packed["mass_order"],  # type: ignore[arg-type]
        _blocks("mass", packed),
    )  # fmt: skip
    far = Far(
        _blocks("block", packed), masses,
        packed["box_low"], packed["box_high"], packed["tile_count"], packed["tile_patch_m"],  # type: ignore[arg-type]
    )  # fmt: skip
    vars(arrays)["far"] = far  # where ``cached_property`` looks first
    return True


def _packed_blocks(name: str, blocks: Blocks) -> dict[str, Array]:
    return {
        f"{name}_place": blocks.place,
        f"{name}_top": blocks.top,
        f"{name}_side": blocks.side,
        f"{name}_rank": blocks.rank,
    }


def _blocks(name: str, packed: Mapping[str, Array]) -> Blocks:
    parts = (packed[f"{name}_{part}"] for part in ("place", "top", "side", "rank"))
    return Blocks(*parts)  # type: ignore[arg-type]


def _fits(arrays: CityArrays, packed: Mapping[str, Array]) -> bool:
    """Kinds, sizes and indices agree with the city: what is drawn must not reach beyond its arrays."""
    features, tiles = len(arrays.city.objects.features), arrays.tiles
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {
        "mass_start": ("<i8", (len(tiles.quadtree) + 1,)), "mass_order": ("<i4", (-1,)),
        "mass_member_start": ("<i4", (-1,)), "mass_member_end": ("<i4", (-1,)),
        "box_low": ("<f4", (features, 3)), "box_high": ("<f4", (features, 3)),
        "tile_count": ("<i8", (len(tiles), 5)), "tile_patch_m": ("<f4", (len(tiles),)),
    }  # fmt: skip
    for name, count in (("block", features), ("mass", -1)):
        shapes |= {
            f"{name}_place": ("<f4", (count, 8)), f"{name}_top": ("|u1", (count,)),
            f"{name}_side": ("|u1", (count,)), f"{name}_rank": ("<f4", (count,)),
        }  # fmt: skip
    if not all(name in packed and is_kind(packed[name], *kind) for name, kind in shapes.items()):
        return False
    count = len(packed["mass_place"])
    parts = ("mass_top", "mass_side", "mass_rank", "mass_member_start", "mass_member_end")
    if any(len(packed[name]) != count for name in parts) or not is_offsets(packed["mass_start"], count):
        return False
    start, end = packed["mass_member_start"].astype(np.int64), packed["mass_member_end"].astype(np.int64)
    codes = (packed[f"{name}_{part}"] for name in ("block", "mass") for part in ("top", "side"))
    order = len(packed["mass_order"])
    tile_count = packed["tile_count"].astype(np.int64)
    triangles, vertices = (np.diff(first)[:, None] for first in (tiles.triangle_start, tiles.vertex_start))
    most = np.concatenate([triangles, vertices, triangles, vertices, vertices], axis=1)
    return (
        bool((start < end).all())
        and order == int(end.max(initial=0))
        and in_range(start, order)
        and in_range(end, order + 1)
        and in_range(packed["mass_order"], features)
        and all(in_range(code, CODES) for code in codes)
        and bool(((tile_count >= 0) & (tile_count <= most)).all())
        and bool(np.isfinite(packed["mass_place"].astype(np.float64)).all())
    )


def is_offsets(start: Array, end: int) -> bool:
    """Whether an array counts up from 0 to ``end``."""
    steps = np.diff(start.astype(np.int64))
    return int(start.flat[0]) == 0 and int(start.flat[-1]) == end and bool((steps >= 0).all())


def is_kind(array: Array, dtype: str, shape: tuple[int, ...]) -> bool:
    """Whether an array has this type and shape; -1 stands for any length."""
    if array.dtype.str != dtype or array.ndim != len(shape):
        return False
    return all(wanted in (-1, there) for wanted, there in zip(shape, array.shape, strict=True))


def in_range(index: Array, count: int) -> bool:
    """Whether all indices lie in ``0 .. count - 1``."""
    return not index.size or (int(index.min()) >= 0 and int(index.max()) < count)
