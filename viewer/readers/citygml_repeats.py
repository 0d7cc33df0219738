"""Geometry that stands twice in a file: as roofs and walls, and once more inside the solid of the same object."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.city.solids import shell_code, shell_of, solid_of
from viewer.readers.citygml_arrays import FaceArrays

#: Faces with the same corners to a millimetre are the same.
_SAME_M = 1e-3
#: A solid that shares so many faces with the surfaces around it is completed by its other faces, not repeated.
_SHARED = 0.5
#: Surfaces that cover so much of a solid that has other faces replace it.
_COVERED = 0.8


def drop_repeats(arrays: FaceArrays) -> tuple[FaceArrays, list[int]]:
    """The faces without those that repeat a semantic surface of the same object and LoD, and the owners of those.

    Only objects with both kinds are looked at. Faces equal to a surface go. If few are equal, because the solid
    is cut up differently, all of its faces go where the surfaces cover it.
    """
    plain = arrays.face_surface == 0
    if plain.all() or not plain.any():
        return arrays, []
    owner = arrays.face_object.astype(np.int64) - (int(arrays.face_object.min()) if len(arrays.face_object) else 0)
    group = owner * 64 + arrays.face_lod
    both = np.intersect1d(group[plain], group[~plain])
    if not len(both):
        return arrays, []
    chosen = np.flatnonzero(np.isin(group, both))
    corners, area = _signatures(arrays, chosen)
    keys = np.concatenate([group[chosen, None].astype(np.float64), corners], axis=1)
    _, number = np.unique(keys, axis=0, return_inverse=True)
    number = number.reshape(-1)
    is_plain = plain[chosen]
    semantic = np.zeros(int(number.max()) + 1, dtype=bool)
    semantic[number[~is_plain]] = True
    equal = is_plain & semantic[number]

    _, rank = np.unique(group[chosen], return_inverse=True)
    if arrays.shell is not None and arrays.shell[chosen].any():
        equal = _hand_over_shells(arrays, chosen, number, is_plain, equal)
    shared = np.bincount(rank, weights=equal) / np.bincount(rank, weights=is_plain)
    covered = np.bincount(rank, weights=area * ~is_plain) >= _COVERED * np.bincount(rank, weights=area * is_plain)
    replaced = (shared < _SHARED) & covered
    goes = equal | (is_plain & replaced[rank])
    if arrays.shell is not None:
        goes &= ~_kept_hollows(arrays.shell, chosen, rank, replaced, is_plain)
    if not goes.any():
        return arrays, []
    keep = np.ones(len(plain), dtype=bool)
    keep[chosen[goes]] = False
    return _select(arrays, keep), arrays.face_object[~keep].tolist()


def _hand_over_shells(
    arrays: FaceArrays,
    chosen: NDArray[np.int64],
    number: NDArray[np.int64],
    is_plain: NDArray[np.bool_],
    equal: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Surfaces take the solid and shell of the face that repeats them; which faces are repeats then.

    A face between two solids, or used the other way round, repeats no surface a second time: it stays. Only faces of
    solids whose shells are told apart are looked at.
    """
    assert arrays.shell is not None
    shell, normal = arrays.shell, _normals(arrays, chosen)
    waiting: dict[int, list[int]] = {}
    for i in np.flatnonzero(~is_plain & (shell[chosen] == 0)).tolist():
        waiting.setdefault(int(number[i]), []).append(i)
    equal = equal.copy()
    for i in np.flatnonzero(is_plain & (shell[chosen] != 0)).tolist():
        same = [j for j in waiting.get(int(number[i]), ()) if normal[i] @ normal[j] > 0]
        equal[i] = bool(same)
        if same:
            shell[chosen[same[0]]] = shell[chosen[i]]
            waiting[int(number[i])].remove(same[0])
    return equal


def _kept_hollows(
    shell: NDArray[np.int32],
    chosen: NDArray[np.int64],
    rank: NDArray[np.int64],
    replaced: NDArray[np.bool_],
    is_plain: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Faces of hollows, which no surface replaces; the surfaces that replace the outside become the outer shell.

    Not where an object has several solids: there, nobody knows which of them a surface bounds.
    """
    kept = np.zeros(len(chosen), dtype=bool)
    for group in np.flatnonzero(replaced).tolist():
        own = np.flatnonzero(rank == group)
        codes = shell[chosen[own]]
        solids = np.unique(solid_of(codes[codes != 0]))
        if len(solids) == 1:
            kept[own] = is_plain[own] & (shell_of(codes) > 0)
            shell[chosen[own[~is_plain[own] & (codes == 0)]]] = shell_code(int(solids[0]), 0)
    return kept


def _normals(arrays: FaceArrays, faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n, 3) twice the area vectors of the outer rings of faces."""
    end = np.cumsum(arrays.ring_size, dtype=np.int64)
    result = np.zeros((len(faces), 3))
    for i, ring in enumerate(np.searchsorted(arrays.ring_face, faces).tolist()):
        if ring < len(end) and arrays.ring_face[ring] == faces[i]:
            spokes = arrays.points[end[ring] - arrays.ring_size[ring] : end[ring]]
            spokes = spokes - spokes[:1]
            result[i] = np.cross(spokes[:-1], spokes[1:]).sum(axis=0)
    return result


def _signatures(arrays: FaceArrays, faces: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, 4) middle and number of the corners of the outer ring, rounded, and (n,) areas."""
    end = np.cumsum(arrays.ring_size, dtype=np.int64)
    outer = np.searchsorted(arrays.ring_face, faces)
    there = (outer < len(arrays.ring_face)) & (arrays.ring_face[np.minimum(outer, len(end) - 1)] == faces)
    result = np.zeros((len(faces), 4))
    area = np.zeros(len(faces))
    for i in np.flatnonzero(there).tolist():
        ring = arrays.points[end[outer[i]] - arrays.ring_size[outer[i]] : end[outer[i]]]
        if len(ring) > 1 and (ring[0] == ring[-1]).all():
            ring = ring[:-1]
        if len(ring) < 3:
            continue
        middle = ring.mean(axis=0)
        spokes = ring - ring[0]
        area[i] = np.linalg.norm(np.cross(spokes[:-1], spokes[1:]).sum(axis=0)) / 2
        result[i, :3] = np.round(middle / _SAME_M)
        result[i, 3] = len(ring)
    return result, area


def _select(arrays: FaceArrays, keep: NDArray[np.bool_]) -> FaceArrays:
    rings = keep[arrays.ring_face]
    number = np.cumsum(keep) - 1
    return FaceArrays(
        arrays.points[np.repeat(rings, arrays.ring_size)],
        arrays.ring_size[rings],
        number[arrays.ring_face[rings]].astype(np.int32),
        arrays.face_object[keep],
        arrays.face_surface[keep],
        arrays.face_lod[keep],
        None if arrays.number is None else arrays.number[keep],
        None if arrays.shell is None else arrays.shell[keep],
    )
