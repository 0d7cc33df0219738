"""Faces of a city as GML text: polygons with ids, surfaces and solids, triangles of terrain.

Which property they stand in is decided in ``citygml``.
"""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.city.geometry import closed_objects, face_geometry
from viewer.city.kinds import lod_key
from viewer.city.solids import arranged, is_composite
from viewer.readers.export.citygml_appearance import Looks, ring_id

Ints = NDArray[np.int64]

#: So many openings are compared with all walls of their building at once.
_BLOCK = 256


class Geometry:
    """Faces by object and whole level of detail, 0 to 4.

    Where an object has several finer levels of one whole level (1.2 and 1.3), the finest is taken, because
    CityGML 2.0 has no others.

    Parameters
    ----------
    city : what is written. prefix : beginning of the ids of polygons; no object's id begins so. looks : is told of
        the polygons written; those that have a picture or a material get ids.
    """

    def __init__(self, city: CityModel, prefix: str, looks: Looks | None = None) -> None:
        self._city, self._prefix = city, prefix
        self._looks = looks
        self._points = np.round(city.frame.crs_from_local(city.positions_local), 3) + 0.0
        level = np.array([_level(lod) for lod in city.lods], np.int64)
        order = sorted(range(len(city.lods)), key=lambda i: lod_key(city.lods[i]))
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        face_level = level[city.face_lod]
        key = city.face_object.astype(np.int64) * 8 + face_level
        finest = np.full(len(city.objects) * 8, -1, np.int64)
        np.maximum.at(finest, key, rank[city.face_lod])
        faces = np.flatnonzero(rank[city.face_lod] == finest[key])
        faces = faces[np.argsort(key[faces], kind="stable")]
        key = key[faces]
        first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))[: len(key)]
        bounds = np.append(first, len(faces)).tolist()
        self._faces = faces
        #: (object, level) -> first and last face in ``_faces``.
        self._groups = {k: (a, b) for k, a, b in zip(key[first].tolist(), bounds[:-1], bounds[1:], strict=True)}
        self._shape = face_geometry(city)
        self._solid = self._closed(level)
        self._surfaces = city.face_surface
        self._shells = city.face_shell
        self._numbered = 0

    @property
    def dropped(self) -> int:
        """Faces of finer levels of detail that are not written."""
        return len(self._surfaces) - len(self._faces)

    def envelope(self) -> tuple[Ints, Ints] | None:
        """Lowest and highest corner in the CRS."""
        return (self._points.min(axis=0), self._points.max(axis=0)) if len(self._points) else None

    def levels(self, owner: int) -> list[int]:
        """Whole levels of detail an object has faces at."""
        return [level for level in range(5) if owner * 8 + level in self._groups]

    def faces(self, owner: int, level: int) -> list[tuple[int, int]]:
        """(face, surface type) of an object at a level."""
        first, last = self._groups.get(owner * 8 + level, (0, 0))
        faces = self._faces[first:last]
        return list(zip(faces.tolist(), self._surfaces[faces].tolist(), strict=True))

    def hosts(self, faces: list[int], opening: list[bool]) -> list[int]:
        """For each of some faces its own number, or for openings that of the face in whose plane they lie.

        Among faces of that plane the one with the nearest middle is taken; -1 where all are openings.
        """
        own = list(range(len(faces)))
        if not any(opening):
            return own
        shape, which = self._shape, np.array(faces)
        openings, walls = np.flatnonzero(opening), np.flatnonzero(~np.array(opening))
        if not len(walls):
            return [-1] * len(faces)
        area = shape.area_vector[which]
        normal = area / np.maximum(np.linalg.norm(area, axis=1, keepdims=True), 1e-9)
        middle = np.column_stack([shape.centroid[which], shape.mean_z[which]])
        for first in range(0, len(openings), _BLOCK):
            block = openings[first : first + _BLOCK]
            reach = middle[block][:, None] - middle[walls][None]
            off_plane = np.abs(np.einsum("owk,wk->ow", reach, normal[walls]))
            turned = 1.0 - np.abs(normal[block] @ normal[walls].T)
            chosen = np.argmin(off_plane + turned + 0.01 * np.linalg.norm(reach, axis=2), axis=1)
            for i, wall in zip(block.tolist(), walls[chosen].tolist(), strict=True):
                own[i] = wall
        return own

    def is_solid(self, owner: int, level: int) -> bool:
        """Whether the faces close a volume and look outwards."""
        return owner * 8 + level in self._solid and not self.has_shells([f for f, _ in self.faces(owner, level)])

    def has_shells(self, faces: list[int]) -> bool:
        """Whether solids and shells of some faces are told apart."""
        return self._shells is not None and bool(self._shells[faces].any())

    def shells(self, faces: list[int], members: list[str], *, several: bool) -> tuple[str, list[str]]:
        """The solids of some faces as GML, "" where there is none to be written, and the members that are in none.

        members : a ``surfaceMember`` for each face. several : whether a MultiSolid may be written.
        """
        if self._shells is None or not self.has_shells(faces):
            return "", members
        own = self._shells[faces]
        order = np.argsort(own, kind="stable")
        loose = int((own == 0).sum())
        codes = own[order][loose:]
        solids = arranged(codes)
        composite = bool(is_composite(codes).all())
        if not solids or not (len(solids) == 1 or composite or several):
            return "", members
        rest = iter([members[i] for i in order[loose:].tolist()])
        texts = [_solid(*("".join(islice(rest, count)) for count in shells)) for shells in solids]
        left = [members[i] for i in order[:loose].tolist()]
        if len(texts) == 1:
            return texts[0], left
        name = "CompositeSolid" if composite else "MultiSolid"
        return (
            f"<gml:{name}>{''.join(f'<gml:solidMember>{solid}</gml:solidMember>' for solid in texts)}</gml:{name}>",
            left,
        )

    def polygon(self, face: int, name: str = "") -> str:
        """A face as ``gml:Polygon``."""
        city = self._city
        first, last = city.face_ring_start[face : face + 2].tolist()
        bounds = city.ring_start[first : last + 1].tolist()
        if self._looks is not None and self._looks.wants(face):
            name = name or f"{self._prefix}face-{face}"
            self._looks.note(face, name)
            rings = [self._ring(a, b, ring_id(name, number)) for number, (a, b) in enumerate(pairwise(bounds))]
        else:
            rings = [self._ring(a, b) for a, b in pairwise(bounds)]
        inner = "".join(f"<gml:interior>{ring}</gml:interior>" for ring in rings[1:])
        identity = f' gml:id="{name}"' if name else ""
        return f"<gml:Polygon{identity}><gml:exterior>{rings[0]}</gml:exterior>{inner}</gml:Polygon>"

    def multi_surface(self, faces: list[int], names: list[str] | None = None) -> str:
        """Faces as ``gml:MultiSurface``."""
        given = names or [""] * len(faces)
        members = "".join(
            f"<gml:surfaceMember>{self.polygon(f, n)}</gml:surfaceMember>" for f, n in zip(faces, given, strict=True)
        )
        return f"<gml:MultiSurface>{members}</gml:MultiSurface>"

    def new_names(self, count: int) -> list[str]:
        """Ids for polygons that a solid refers to."""
        start = self._numbered
        self._numbered += count
        return [f"{self._prefix}{n}" for n in range(start + 1, start + count + 1)]

    def triangulated(self, faces: list[int]) -> str:
        """Terrain as ``gml:TriangulatedSurface``."""
        first = np.searchsorted(self._city.triangle_face, faces)
        last = np.searchsorted(self._city.triangle_face, faces, side="right")
        which = np.concatenate([np.arange(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True)])
        corners = self._points[self._city.triangles[which]].reshape(-1, 9)
        closed = np.concatenate([corners, corners[:, :3]], axis=1)
        row = "<gml:Triangle><gml:exterior><gml:LinearRing%s><gml:posList>" + " ".join(["%.3f"] * 12)
        row += "</gml:posList></gml:LinearRing></gml:exterior></gml:Triangle>"
        name, rings = "", [""] * len(closed)
        if self._looks is not None and any(map(self._looks.wants, faces)):
            name = f"{self._prefix}tin-{faces[0]}"
            own = self._looks.note_triangles(name, which.tolist(), self._city.triangle_face[which].tolist())
            rings = [f' gml:id="{ring}"' if ring else "" for ring in own]
        patches = "".join([row % (ring, *values) for ring, values in zip(rings, closed.tolist(), strict=True)])
        identity = f' gml:id="{name}"' if name else ""
        return (
            f"<gml:TriangulatedSurface{identity}><gml:trianglePatches>{patches}</gml:trianglePatches>"
            "</gml:TriangulatedSurface>"
        )

    def _ring(self, first: int, last: int, name: str = "") -> str:
        values = self._points[first:last].ravel().tolist()
        values += values[:3]
        numbers = " ".join(["%.3f"] * len(values)) % tuple(values)
        identity = f' gml:id="{name}"' if name else ""
        return f"<gml:LinearRing{identity}><gml:posList>{numbers}</gml:posList></gml:LinearRing>"

    def _closed(self, level: Ints) -> set[int]:
        """Keys of the groups that are closed and look outwards."""
        city = self._city
        if not len(self._faces):
            return set()
        kept = np.zeros(len(city.face_object), np.bool_)
        kept[self._faces] = True
        result: set[int] = set()
        for number in np.unique(level).tolist():
            closed, volume = closed_objects(city, self._shape, kept & (level[city.face_lod] == number))
            result.update((np.flatnonzero(closed & (volume > 0)) * 8 + number).tolist())
        return result


def solid_of(names: list[str]) -> str:
    """A ``gml:Solid`` made of polygons that stand elsewhere."""
    return _solid("".join([referring(name) for name in names]))


def solid_with(polygons: list[str]) -> str:
    """A ``gml:Solid`` that holds its polygons."""
    return _solid("".join([holding(polygon) for polygon in polygons]))


def multi_surface_of(members: list[str]) -> str:
    """A ``gml:MultiSurface`` of some members."""
    return f"<gml:MultiSurface>{''.join(members)}</gml:MultiSurface>"


def referring(name: str) -> str:
    """A member that is a polygon elsewhere."""
    return f'<gml:surfaceMember xlink:href="#{name}"/>'


def holding(polygon: str) -> str:
    """A member that holds its polygon."""
    return f"<gml:surfaceMember>{polygon}</gml:surfaceMember>"


def _solid(outer: str, *hollows: str) -> str:
    inner = "".join([f"<gml:interior>{_shell(members)}</gml:interior>" for members in hollows])
    return f"<gml:Solid><gml:exterior>{_shell(outer)}</gml:exterior>{inner}</gml:Solid>"


def _shell(members: str) -> str:
    return f"<gml:CompositeSurface>{members}</gml:CompositeSurface>"


def _level(lod: str) -> int:
    """Whole level of detail of a text: 2 for ``"2.2"`` and for none."""
    number = lod_key(lod)[0]
    return int(min(max(number, 0.0), 4.0)) if number >= 0 else 2
