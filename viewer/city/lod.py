"""Which faces are drawn at a chosen level of detail, so that no two levels lie over each other.

The rule in one place: scene, measures, picking and export all ask ``faces_at``. Nothing here draws.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.city.kinds import SurfaceType, lod_key
from viewer.city.model import CityModel
from viewer.city.solids import hollow_faces

#: Surfaces that only close a volume or lie inside it; they are never drawn.
NEVER_DRAWN = (SurfaceType.CLOSURE, SurfaceType.INTERIOR)

#: Objects found inside a construction; drawn only where their feature shows nothing else.
INDOOR_TYPES = frozenset(
    {
        "BuildingFurniture", "BuildingRoom", "BuildingStorey", "BuildingUnit", "BridgeFurniture", "BridgeRoom",
        "TunnelFurniture", "TunnelHollowSpace", "BridgeStorey", "TunnelStorey",
    }
)  # fmt: skip

#: Parents are climbed at most this often; deeper nesting (or a ring of parents) is left as it is.
_MAX_DEPTH = 16


def lods_of(city: CityModel) -> tuple[str, ...]:
    """Levels of detail that have faces to draw, ascending; these are the choices for ``faces_at``."""
    used = np.unique(city.face_lod[_drawable(city)])
    return tuple(sorted((city.lods[i] for i in used), key=lod_key))


def faces_at(city: CityModel, lod: str = "") -> NDArray[np.bool_]:
    """Faces to draw at a level of detail.

    Each object shows its highest level not above ``lod``; where it has none, its lowest. An object and
    its parts (``BuildingPart`` and the like) describe the same volume, so

    - an object is hidden where one of its parts shows a higher level than the object itself, and
    - a part that lacks the chosen level is hidden where an object above it has it.

    Installations stand beside the volume and stay at their own level.

    Parameters
    ----------
    lod : a level as text (``"1.2"``); ``""`` for the highest of every object.

    Returns
    -------
    (F,) bool, read-only.
    """
    n_objects = len(city.objects)
    drawable = _drawable(city)
    if not n_objects or not drawable.any():
        drawable.setflags(write=False)
        return drawable
    rank_of_lod, allowed = _ranks(city.lods, lod)
    face_rank = rank_of_lod[city.face_lod]

    has: NDArray[np.bool_] = np.zeros((n_objects, len(allowed)), dtype=np.bool_)
    has[city.face_object[drawable], face_rank[drawable]] = True
    fits = has & allowed
    satisfied: NDArray[np.bool_] = np.asarray(fits.any(axis=1))
    highest_fitting = len(allowed) - 1 - np.argmax(fits[:, ::-1], axis=1)
    shown_rank = np.where(satisfied, highest_fitting, np.argmax(has, axis=1))
    shown_rank[~has.any(axis=1)] = -1

    hidden = _covered_by_parts(city, shown_rank, satisfied)
    result: NDArray[np.bool_] = drawable & (face_rank == shown_rank[city.face_object]) & ~hidden[city.face_object]
    result.setflags(write=False)
    return result


def _ranks(lods: tuple[str, ...], lod: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Rank of every entry of ``lods``, and which ranks are not above the choice."""
    ordered = sorted(set(lods), key=lod_key)
    rank = {name: i for i, name in enumerate(ordered)}
    allowed = [not lod or lod_key(name) <= lod_key(lod) for name in ordered]
    return np.array([rank[name] for name in lods], dtype=np.int64), np.array(allowed, dtype=np.bool_)


def _drawable(city: CityModel) -> NDArray[np.bool_]:
    """(F,) bool: faces that may be drawn at some level: neither closing, interior, of hollows nor indoor objects."""
    drawable: NDArray[np.bool_] = np.isin(city.face_surface, NEVER_DRAWN, invert=True)
    hollow = hollow_faces(city)
    if hollow is not None:
        drawable &= ~hollow
    indoor_type = np.array([name in INDOOR_TYPES for name in city.objects.types] or [False], dtype=np.bool_)
    if indoor_type.any() and len(city.objects):
        indoor = indoor_type[city.objects.type_code][city.face_object]
        outdoors = np.zeros(len(city.objects.features), dtype=np.bool_)
        outdoors[city.face_feature[drawable & ~indoor]] = True
        drawable &= ~(indoor & outdoors[city.face_feature])
    return drawable


def _covered_by_parts(
    city: CityModel, shown_rank: NDArray[np.int64], satisfied: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """(N,) bool: objects whose volume another object of their family shows better."""
    objects = city.objects
    part_type = np.array([name.endswith("Part") for name in objects.types] or [False], dtype=np.bool_)
    hidden = np.zeros(len(objects), dtype=np.bool_)
    parts = np.flatnonzero(part_type[objects.type_code] & (objects.parent >= 0) & (shown_rank >= 0))
    if not len(parts):
        return hidden

    pairs: list[tuple[NDArray[np.int64], NDArray[np.int32]]] = []
    below, above = parts, objects.parent[parts]
    for _ in range(_MAX_DEPTH):
        pairs.append((below, above))
        climbing = objects.parent[above] >= 0
        if not climbing.any():
            break
        below, above = below[climbing], objects.parent[above[climbing]]
    part = np.concatenate([pair[0] for pair in pairs])
    whole = np.concatenate([pair[1] for pair in pairs])

    # A part without the chosen level gives way first: what is hidden cannot cover anything.
    hidden[part[satisfied[whole] & ~satisfied[part]]] = True
    covers = ~hidden[part] & (shown_rank[part] > shown_rank[whole])
    hidden[whole[covers]] = True
    return hidden
