"""Triangles of a mesh sorted by what draws them: the picture they wear, and whether one sees through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.city.streamed import MeshContent


@dataclass(frozen=True, eq=False)
class Group:
    """Triangles (t, 3) int32 for one actor. picture : -1 for none. clear : the file gives them an opacity below one."""

    picture: int
    clear: bool
    triangles: NDArray[np.int32]

    def colors(self, rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Of colours (n, 4) what VTK is to see: opacity only where it counts, else all of the actor would be drawn
        among the see-through ones, in any order."""
        if self.clear or not len(rgba) or rgba[:, 3].min() == 255:
            return rgba
        return np.ascontiguousarray(rgba[:, :3])


def groups_of(mesh: MeshContent) -> list[Group]:
    """All triangles of a mesh, what is opaque first; at least one group."""
    triangles, rgba = mesh.triangles, mesh.rgba
    if not len(triangles):
        return [Group(-1, False, triangles)]
    worn = None if mesh.uv is None else mesh.triangle_picture
    see_through = rgba is not None and len(rgba) > 0 and int(rgba[:, 3].min()) < 255
    if worn is None and not see_through:
        return [Group(-1, False, triangles)]
    picture = np.full(len(triangles), -1, np.int64) if worn is None else worn.astype(np.int64)
    clear = np.zeros(len(triangles), bool)
    if rgba is not None and see_through:
        clear = (rgba[triangles, 3] < 255).any(axis=1)
    kind = picture * 2 + clear
    kinds = np.unique(kind)
    return [
        Group(int(k) >> 1, bool(k & 1), triangles if len(kinds) == 1 else np.ascontiguousarray(triangles[kind == k]))
        for k in kinds[np.argsort(kinds & 1, kind="stable")]
    ]
