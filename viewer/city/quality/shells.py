"""Faults of shells: whether the surfaces of an object at one level of detail close a body and look outwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.city.geometry import FaceGeometry, sums
from viewer.city.kinds import SurfaceType, Theme, lod_key, theme_of_type
from viewer.city.model import CityModel
from viewer.city.quality.crossings import crossing_faces
from viewer.city.quality.findings import Collector
from viewer.city.quality.pairs import clusters
from viewer.city.quality.parts import check_parts
from viewer.city.quality.polygons import SNAP_M
from viewer.city.quality.solids import Shells, check_solids
from viewer.city.solids import shell_of

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

_WITH_BODY = (Theme.BUILDING, Theme.BRIDGE, Theme.TUNNEL)
_WITHOUT_BODY = ("Installation", "Furniture", "Room", "Storey", "Unit", "ConstructiveElement")
_OPENINGS = (SurfaceType.WINDOW, SurfaceType.DOOR)
#: Objects lower than this have no body, metres.
_FLAT_M = 0.01


def check_shells(city: CityModel, shape: FaceGeometry, broken: Flags, found: Collector) -> None:
    """Judge the shell of every building, bridge and tunnel and their parts at every level of detail from 1 on.

    All surfaces of an object at one level of detail are taken as one shell, unless its file tells several solids or
    shells apart (``CityModel.face_shell``): then those are judged, of whatever object, and no surfaces beside them.
    Shells with ``broken`` faces ((F,) bool) are not judged.
    """
    body = np.array(
        [theme_of_type(t) in _WITH_BODY and not t.endswith(_WITHOUT_BODY) for t in city.objects.types] or [False]
    )
    if not len(city.face_object):
        return
    solid_lod = np.array([lod_key(lod)[0] >= 1 or not lod for lod in city.lods])
    faces = body[city.objects.type_code[city.face_object]] & solid_lod[city.face_lod]
    faces &= city.face_surface != SurfaceType.INTERIOR
    shell = city.face_object.astype(np.int64) * len(city.lods) + city.face_lod
    kinds = np.zeros(1, np.int32)
    if city.face_shell is not None:
        told = city.face_shell != 0
        faces = told | (faces & ~np.isin(shell, shell[told]))
        kinds, kind = np.unique(city.face_shell, return_inverse=True)
        shell = shell * len(kinds) + kind
    faces &= ~np.isin(shell, shell[broken])
    opening = np.isin(city.face_surface, _OPENINGS)
    whole = _Shells(city, shape, faces, shell, kinds)
    if (opening & faces).any():
        # Windows may fill holes of walls or lie in front of them: whichever closes the shell is meant.
        bad = np.isin(shell, whole.names[whole.faulty])
        bare = _Shells(city, shape, faces & bad & ~opening, shell, kinds)
        better = bare.names[~bare.faulty & ~bare.few]
        instead = np.isin(shell, better)
        whole = _Shells(city, shape, faces & ~(instead & opening), shell, kinds)
    sound = whole.note(found)
    check_parts(city, whole.as_shells(sound), found)
    if city.face_shell is not None:
        # A shell that could not be judged leaves its solid unjudged, too.
        unjudged = np.unique(shell[(city.face_shell != 0) & ~np.isin(shell, whole.names)])
        check_solids(city, whole.for_solids(sound, unjudged), found)


class _Shells:
    """Edges of some faces, counted by shell."""

    def __init__(
        self, city: CityModel, shape: FaceGeometry, faces: Flags, shell: Index, kinds: NDArray[np.int32]
    ) -> None:
        """Shells are numbered by object, level of detail and place in ``kinds``, the numbers of ``face_shell``."""
        self.city, self.shape, self.kinds = city, shape, kinds
        self.chosen = np.flatnonzero(faces)
        self.names, self.shell_of = np.unique(shell[self.chosen], return_inverse=True)
        n = len(self.names)
        number = np.bincount(self.shell_of, minlength=n)
        low, high = np.full(n, np.inf), np.full(n, -np.inf)
        np.minimum.at(low, self.shell_of, shape.low_m[self.chosen])
        np.maximum.at(high, self.shell_of, shape.high_m[self.chosen])
        self.flat = ~(high - low > _FLAT_M)
        self.few = (number < 4) | self.flat
        self._count_edges()

    def _count_edges(self) -> None:
        city = self.city
        sizes = np.diff(city.face_start)[self.chosen]
        face = np.repeat(np.arange(len(self.chosen)), sizes)
        offset = np.arange(len(face)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        vertex = city.face_start[self.chosen].astype(np.int64)[face] + offset
        after = np.arange(1, len(city.positions_local) + 1)
        after[city.ring_start[1:] - 1] = city.ring_start[:-1]
        owner = self.shell_of[face]
        position = np.full(len(city.positions_local), -1, dtype=np.int64)
        position[vertex] = np.arange(len(vertex))
        follows = position[after[vertex]]
        points = city.positions_local[vertex].astype(np.float64)
        name = owner.astype(np.int64)
        for axis in range(3):
            near = clusters(owner, points[:, axis], 0.9 * SNAP_M)  # a millimetre apart is apart
            name = np.unique(name * (int(near.max(initial=0)) + 1) + near, return_inverse=True)[1]
        start, end = name, name[follows]
        real = start != end
        low, high = np.minimum(start, end)[real], np.maximum(start, end)[real]
        key = low * (int(name.max(initial=0)) + 1) + high
        edges, first, which, count = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
        forward = np.bincount(which, weights=np.where(start[real] < end[real], 1.0, -1.0), minlength=len(edges))
        self.edge_of, self.face_of_edge = which, face[real]
        self.edge_shell = owner[real][first]
        self.count, self.net = count, np.rint(forward).astype(np.int64)
        one, two = points[real][first], points[follows][real][first]
        self.edge_place, self.edge_length = (one + two) / 2, np.linalg.norm(two - one, axis=1)
        judged = ~self.few[self.edge_shell]
        self.open = judged & (count == 1)
        self.odd = judged & (count > 2) & (count % 2 == 1)
        self.many = judged & (count > 2) & (count % 2 == 0)
        self.turned = judged & (count == 2) & (self.net != 0)
        self.faulty = np.zeros(len(self.names), dtype=bool)
        self.faulty[self.edge_shell[self.open | self.odd | self.many | self.turned]] = True

    def note(self, found: Collector) -> Flags:
        """Note one fault for each shell and kind, the gravest first; a lower one is not judged behind it.

        Returns (S,) bool, which shells are without any.
        """
        number = np.bincount(self.shell_of, minlength=len(self.names))
        few = np.flatnonzero((number < 4) & ~self.flat)
        anchor = np.zeros((len(self.names), 3))
        anchor[self.shell_of[::-1]] = self.shape.anchor[self.chosen[::-1]]
        found.add("301", self._objects(few), anchor[few])
        done = np.zeros(len(self.names), dtype=bool)
        for code, edges in (("300", self.odd), ("303", self.many), ("302", self.open), ("307", self.turned)):
            done |= self._note_edges(code, edges & ~done[self.edge_shell], found)
        sound = np.flatnonzero(~self.few & ~done)
        reach = self.shape.anchor[self.chosen] - anchor[self.shell_of]
        volume = sums(self.shell_of, np.einsum("ij,ij->i", reach, self.shape.area_vector[self.chosen]) / 3, len(done))
        inner = shell_of(self.kinds[self.names % len(self.kinds)]) > 0  # these look into their hollow
        inwards = sound[(volume[sound] < 0) != inner[sound]]
        found.add("405", self._objects(inwards), anchor[inwards])
        piece = self._pieces()
        pieces = np.bincount(self.shell_of[np.unique(piece)], minlength=len(self.names))
        several = sound[pieces[sound] > 1]
        found.add("305", self._objects(several), anchor[several], pieces[several].astype(np.float64))
        crossing = self._note_crossings(np.isin(self.shell_of, sound), piece, found)
        flawless = np.isin(np.arange(len(self.names)), sound)
        flawless[np.concatenate([inwards, several, crossing])] = False
        return flawless

    def as_shells(self, sound: Flags) -> Shells:
        """These shells as plain arrays."""
        return Shells(
            body=self.names // len(self.kinds),
            owner=self._objects_of(self.names),
            code=self.kinds[self.names % len(self.kinds)],
            sound=sound,
            faces=self.chosen,
            shell=self.shell_of,
        )

    def for_solids(self, sound: Flags, unjudged: Index) -> Shells:
        """The shells that are told apart, and those that were not judged, as ``check_solids`` takes them."""
        told = self.kinds[self.names % len(self.kinds)] != 0
        number, own = np.cumsum(told) - 1, told[self.shell_of]
        names = np.concatenate([self.names[told], unjudged])
        return Shells(
            body=names // len(self.kinds),
            owner=self._objects_of(names),
            code=self.kinds[names % len(self.kinds)],
            sound=np.concatenate([sound[told], np.zeros(len(unjudged), np.bool_)]),
            faces=self.chosen[own],
            shell=number[self.shell_of[own]],
        )

    def _note_crossings(self, judged: Flags, piece: Index, found: Collector) -> Index:
        """Note closed shells that run through themselves: once each, with the number of places. Returns which."""
        faces, places = crossing_faces(self.city, self.chosen[judged], piece[judged])
        if not len(faces):
            return np.zeros(0, np.int64)
        # An edge belongs to two faces: each place is counted once.
        shell = self.shell_of[np.searchsorted(self.chosen, faces)]
        once = np.unique(np.column_stack([shell, np.round(places, 3)]), axis=0, return_index=True)[1]
        shells, first, count = np.unique(shell[once], return_index=True, return_counts=True)
        first = once[first]
        found.add("306", self._objects(shells), places[first], count.astype(np.float64))
        return np.asarray(shells)

    def _objects(self, shells: Index) -> Index:
        return self._objects_of(self.names[shells])

    def _objects_of(self, names: Index) -> Index:
        return np.asarray(names // (len(self.city.lods) * len(self.kinds)))

    def _note_edges(self, code: str, edges: Flags, found: Collector) -> Flags:
        """Note the shells of some edges, at the longest of them, with the length of all."""
        done = np.zeros(len(self.names), dtype=bool)
        some = np.flatnonzero(edges)
        if len(some):
            order = some[np.lexsort((-self.edge_length[some], self.edge_shell[some]))]
            shells, first = np.unique(self.edge_shell[order], return_index=True)
            length = sums(self.edge_shell[some], self.edge_length[some], len(done))[shells]
            found.add(code, self._objects(shells), self.edge_place[order[first]], length)
            done[shells] = True
        return done

    def _pieces(self) -> Index:
        """(N,) for each chosen face the first face of the body it hangs together with."""
        label = np.arange(len(self.chosen))
        order = np.argsort(self.edge_of, kind="stable")
        starts = np.append(0, np.cumsum(self.count)[:-1]) if len(self.count) else np.zeros(0, np.int64)
        face = self.face_of_edge[order]
        while len(face):
            least = np.repeat(np.minimum.reduceat(label[face], starts), self.count)
            lower = label.copy()
            np.minimum.at(lower, face, least)
            lower = lower[lower]
            if np.array_equal(lower, label):
                break
            label = lower
        return label
