"""A city as CityGML 2.0, written object by object as a stream.

Buildings, bridges and tunnels with boundary surfaces, openings, parts and solids; terrain, roads, water, land
use, plants, furniture and generic objects in their own modules. Vocabulary stands in ``citygml_kinds``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np

from viewer.city import CityModel, Frame
from viewer.city.kinds import SurfaceType
from viewer.plugin_api import Progress
from viewer.readers.crs import parse_crs
from viewer.readers.export.citygml_appearance import Looks
from viewer.readers.export.citygml_attributes import Attributes, values_of
from viewer.readers.export.citygml_geometry import Geometry, holding, multi_surface_of, referring, solid_of, solid_with
from viewer.readers.export.citygml_kinds import (
    BOUNDARIES,
    HOLDS,
    KINDS,
    NAMESPACES,
    OPENINGS,
    OTHER,
    RENAMED,
    TRAFFIC,
    WATERS,
    Kind,
)
from viewer.readers.export.xml_text import attribute, text, xml_ids

#: Text is handed on in pieces of about this many characters.
CHUNK_CHARACTERS = 1_000_000
_END = "</core:CityModel>\n"
#: What carries traffic on a bridge is an outer floor to CityGML 2.0.
_ON_CONSTRUCTIONS = {
    int(SurfaceType.TRAFFIC): int(SurfaceType.OUTER_FLOOR),
    int(SurfaceType.AUXILIARY_TRAFFIC): int(SurfaceType.OUTER_FLOOR),
}


def citygml_chunks(
    city: CityModel, progress: Progress | None = None, pictures: Mapping[int, str] | None = None
) -> Iterator[bytes]:
    """The file, UTF-8, piece by piece.

    pictures : what the file calls the pictures of textures, by their number in the city's appearance.

    Ids that XML does not accept are made fit and kept as the attribute ``originalId``; types that CityGML 2.0
    has no element for become generic objects with the attribute ``objectType``.
    """
    progress = Progress() if progress is None else progress
    progress.report(0.0, "Writing the city")
    looks = None if city.appearance is None else Looks(city, {} if pictures is None else pictures)
    writer = _Writer(city, looks)
    pieces = [writer.begin()]
    size = 0
    members = writer.members
    for number, owner in enumerate(members):
        piece = writer.member(owner)
        pieces.append(piece)
        size += len(piece)
        if size >= CHUNK_CHARACTERS:
            progress.report(number / len(members), "Writing the city")
            yield "".join(pieces).encode()
            pieces, size = [], 0
    for piece in () if looks is None else looks.pieces():
        pieces.append(piece)
        size += len(piece)
        if size >= CHUNK_CHARACTERS:
            yield "".join(pieces).encode()
            pieces, size = [], 0
    pieces.append(_END)
    yield "".join(pieces).encode()


def srs_name(frame: Frame) -> str:
    """The reference system as CityGML spells it; empty where it has no code.

    Where the authority lists north first (Gauß-Krüger), the short form is used: with it, east comes first
    for every reader, as in most files of that kind.
    """
    crs = parse_crs(frame.crs)
    match = re.fullmatch(r"EPSG:(\d+)", crs.horizontal)
    if not match:
        return ""
    vertical = re.fullmatch(r"EPSG:(\d+)", frame.vertical_crs)
    if crs.north_first:
        return f"EPSG:{match[1]}+{vertical[1]}" if vertical else f"EPSG:{match[1]}"
    if vertical:
        return f"urn:ogc:def:crs,crs:EPSG::{match[1]},crs:EPSG::{vertical[1]}"
    return f"urn:ogc:def:crs:EPSG::{match[1]}"


class _Writer:
    """Knows the whole city, writes one member at a time."""

    def __init__(self, city: CityModel, looks: Looks | None = None) -> None:
        self._city = city
        objects = city.objects
        given = [str(name) for name in objects.ids.tolist()]
        self._ids = xml_ids(given)
        prefix = "polygon-"
        while any(name.startswith(prefix) for name in self._ids):
            prefix += "-"
        self._geometry = Geometry(city, prefix, looks)
        kind_of_type = [KINDS.get(name, OTHER) for name in objects.types]
        self._kinds = [kind_of_type[code] for code in objects.type_code.tolist()]
        self._values = values_of(objects)
        for i, (old, new) in enumerate(zip(given, self._ids, strict=True)):
            if old != new:
                self._values[i].append(("originalId", old, False))
        self._parents: list[int] = objects.parent.tolist()
        self._children: list[list[int]] = [[] for _ in given]
        #: Objects that stand by themselves in the file.
        self.members: list[int] = []
        for i, parent in enumerate(self._parents):
            if parent >= 0 and self._holds(parent, i):
                self._children[parent].append(i)
            else:
                self.members.append(i)
                if parent >= 0:
                    self._values[i].append(("parentId", given[parent], False))
        for i, code in enumerate(objects.type_code.tolist()):
            name = objects.types[code]
            if name not in KINDS or name in RENAMED:
                self._values[i].append(("objectType", name.lstrip("+"), False))

    def _holds(self, parent: int, child: int) -> bool:
        below = self._kinds[child].below
        return bool(below) and self._kinds[parent].tag in HOLDS[below.partition(":")[0]]

    def begin(self) -> str:
        """Everything before the first member."""
        names = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
        title = f"<gml:name>{text(self._city.name)}</gml:name>" if self._city.name else ""
        box = self._geometry.envelope()
        bounds = ""
        if box is not None:
            srs = srs_name(self._city.frame)
            named = f' srsName="{attribute(srs)}"' if srs else ""
            low, high = (" ".join(f"{value:.3f}" for value in corner.tolist()) for corner in box)
            bounds = (
                f'<gml:boundedBy><gml:Envelope{named} srsDimension="3"><gml:lowerCorner>{low}</gml:lowerCorner>'
                f"<gml:upperCorner>{high}</gml:upperCorner></gml:Envelope></gml:boundedBy>"
            )
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<core:CityModel {names}>\n{title}{bounds}\n'

    def member(self, owner: int) -> str:
        """One object with all its parts as ``cityObjectMember``."""
        return f"<core:cityObjectMember>{self._object(owner)}</core:cityObjectMember>\n"

    def _object(self, owner: int) -> str:
        kind = self._kinds[owner]
        values = Attributes(self._values[owner], kind, with_address=kind.tag.startswith(("bldg:B", "brid:B"))
                            and kind.shape == "construction")  # fmt: skip
        name = self._ids[owner]
        start = f'<{kind.tag} gml:id="{name}">{values.head}{values.generic}{values.own}'
        if kind.shape == "terrain":
            return self._terrain(owner, start, kind)
        if kind.shape in ("construction", "installation"):
            return start + self._construction(owner, kind, values.address) + f"</{kind.tag}>"
        shapes = {"water": self._water, "road": self._road, "surfaces": self._plain, "geometry": self._plain}
        body = shapes[kind.shape](owner, kind) if kind.shape in shapes else ""
        return f"{start}{body}</{kind.tag}>"

    # -- buildings, bridges, tunnels -----------------------------------------------------------------------

    def _construction(self, owner: int, kind: Kind, address: str) -> str:
        prefix = kind.tag.partition(":")[0]
        before: list[str] = []
        after: list[str] = []
        boundaries: list[str] = []
        for level in self._geometry.levels(owner):
            own = [(f, _ON_CONSTRUCTIONS.get(s, s)) for f, s in self._geometry.faces(owner, level)]
            written = max(level, kind.lowest)
            if written < 2:
                before.append(self._simple(owner, prefix, level, written, own))
                continue
            named = [(f, s) for f, s in own if s in BOUNDARIES or (s in OPENINGS and level >= 3)]
            unnamed = [f for f, s in own if not (s in BOUNDARIES or (s in OPENINGS and level >= 3))]
            shape = ""
            solid = self._geometry.is_solid(owner, level)
            shells = kind.shape != "installation" and self._geometry.has_shells([f for f, _ in own])
            names = self._geometry.new_names(len(named)) if solid or shells else [""] * len(named)
            if kind.shape == "installation":
                if unnamed:
                    shape = self._property(prefix, written, "Geometry", self._geometry.multi_surface(unnamed))
            elif shells:
                shape = self._in_shells(prefix, written, [f for f, _ in named], names, unnamed)
            elif solid:
                loose = self._geometry.new_names(len(unnamed)) if named else [""] * len(unnamed)
                inside = [self._geometry.polygon(f, n) for f, n in zip(unnamed, loose, strict=True)]
                shape = self._property(prefix, written, "Solid", self._solid(names, inside))
            elif unnamed:
                shape = self._property(prefix, written, "MultiSurface", self._geometry.multi_surface(unnamed))
            hosts = self._geometry.hosts([f for f, _ in named], [s in OPENINGS for _, s in named])
            boundaries.append(self._boundaries(prefix, written, named, names, hosts))
            (before if written == 2 or kind.shape == "installation" else after).append(shape)
        inner: dict[bool, list[str]] = {
            True: [],
            False: [],
        }  # parts come last, installations before the boundary surfaces
        for child in self._children[owner]:
            below = self._kinds[child].below
            inner[below.endswith("Part")].append(f"<{below}>{self._object(child)}</{below}>")
        if address:
            address = f"<{prefix}:address>{address}</{prefix}:address>"
        return "".join([*before, *inner[False], *boundaries, *after, *inner[True], address])

    def _in_shells(self, prefix: str, level: int, named: list[int], names: list[str], unnamed: list[int]) -> str:
        """The solids of an object whose shells are told apart, and the surfaces that are in none and have no kind."""
        inside = [self._geometry.polygon(face) for face in unnamed]
        members = [*map(referring, names), *map(holding, inside)]
        solid, left = self._geometry.shells([*named, *unnamed], members, several=False)
        kept = set(left)
        loose = [text for text in map(holding, inside) if text in kept]
        shape = self._property(prefix, level, "Solid", solid) if solid else ""
        if loose:
            shape += self._property(prefix, level, "MultiSurface", multi_surface_of(loose))
        return shape

    @staticmethod
    def _solid(names: list[str], inside: list[str]) -> str:
        if not inside:
            return solid_of(names)
        if not names:
            return solid_with(inside)
        members = "".join([f'<gml:surfaceMember xlink:href="#{name}"/>' for name in names])
        return solid_with(inside).replace("<gml:surfaceMember>", members + "<gml:surfaceMember>", 1)

    def _simple(self, owner: int, prefix: str, level: int, written: int, own: list[tuple[int, int]]) -> str:
        """Levels 0 and 1, which have no boundary surfaces in CityGML 2.0."""
        faces = [f for f, _ in own]
        if written == 0:
            roofs = [f for f, s in own if s == SurfaceType.ROOF]
            feet = [f for f, s in own if s != SurfaceType.ROOF]
            shapes = [("FootPrint", feet), ("RoofEdge", roofs)]
            return "".join(
                self._property(prefix, 0, name, self._geometry.multi_surface(some)) for name, some in shapes if some
            )
        if self._geometry.is_solid(owner, level):
            return self._property(prefix, 1, "Solid", solid_with([self._geometry.polygon(f) for f in faces]))
        if self._geometry.has_shells(faces):
            return self._in_shells(prefix, 1, [], [], faces)
        return self._property(prefix, 1, "MultiSurface", self._geometry.multi_surface(faces))

    def _boundaries(
        self, prefix: str, level: int, named: list[tuple[int, int]], names: list[str], hosts: list[int]
    ) -> str:
        """One thematic surface for every face; windows and doors in the wall or roof they lie in.

        hosts : for each face the number of the face it belongs to: its own, or that of its wall; -1 for none.
        """
        order = sorted(range(len(named)), key=lambda i: (hosts[i], hosts[i] != i))
        named, names = [named[i] for i in order], [names[i] for i in order]
        pieces: list[str] = []
        open_tag = ""
        for (face, surface), name in zip(named, names, strict=True):
            shape = self._property(prefix, level, "MultiSurface", self._geometry.multi_surface([face], [name]))
            if surface in OPENINGS:
                if not open_tag:
                    open_tag = f"{prefix}:WallSurface"
                    pieces.append(f"<{prefix}:boundedBy><{open_tag}>")
                tag = f"{prefix}:{OPENINGS[surface]}"
                pieces.append(f"<{prefix}:opening><{tag}>{shape}</{tag}></{prefix}:opening>")
                continue
            if open_tag:
                pieces.append(f"</{open_tag}></{prefix}:boundedBy>")
            open_tag = f"{prefix}:{BOUNDARIES[surface]}"
            pieces.append(f"<{prefix}:boundedBy><{open_tag}>{shape}")
        if open_tag:
            pieces.append(f"</{open_tag}></{prefix}:boundedBy>")
        return "".join(pieces)

    # -- everything else -----------------------------------------------------------------------------------

    def _plain(self, owner: int, kind: Kind) -> str:
        """Objects with one geometry per level of detail."""
        prefix = kind.tag.partition(":")[0]
        suffix = "MultiSurface" if kind.shape == "surfaces" else "Geometry"
        by_level = self._by_level(owner, kind)
        pieces = []
        for level, own in by_level.items():
            faces = [f for f, _ in own]
            if kind.shape == "geometry" and self._geometry.is_solid(owner, level):
                shape = solid_with([self._geometry.polygon(f) for f in faces])
            elif kind.shape == "geometry" and self._geometry.has_shells(faces):
                members = [holding(self._geometry.polygon(f)) for f in faces]
                shape, left = self._geometry.shells(faces, members, several=True)
                shape = multi_surface_of(members) if left else shape  # one geometry has to hold all
            else:
                shape = self._geometry.multi_surface(faces)
            pieces.append(self._property(prefix, level, suffix, shape))
        return "".join(pieces)

    def _water(self, owner: int, kind: Kind) -> str:
        pieces = []
        for level, own in self._by_level(owner, kind).items():
            if level < 2:
                pieces.append(
                    self._property("wtr", level, "MultiSurface", self._geometry.multi_surface([f for f, _ in own]))
                )
                continue
            for face, surface in own:
                tag = f"wtr:{WATERS.get(surface, 'WaterSurface')}"
                shape = self._property("wtr", level, "Surface", self._geometry.polygon(face))
                pieces.append(f"<wtr:boundedBy><{tag}>{shape}</{tag}></wtr:boundedBy>")
        return "".join(pieces)

    def _road(self, owner: int, kind: Kind) -> str:
        areas: dict[str, list[str]] = {name: [] for name in TRAFFIC.values()}
        rest = []
        for level, own in self._by_level(owner, kind).items():
            for face, surface in own:
                if surface in TRAFFIC and level >= 2:
                    tag = TRAFFIC[surface]
                    shape = self._property("tran", level, "MultiSurface", self._geometry.multi_surface([face]))
                    lower = f"tran:{tag[0].lower()}{tag[1:]}"
                    areas[tag].append(f"<{lower}><tran:{tag}>{shape}</tran:{tag}></{lower}>")
            left = [f for f, s in own if not (s in TRAFFIC and level >= 2)]
            if left:
                rest.append(self._property("tran", level, "MultiSurface", self._geometry.multi_surface(left)))
        return "".join([*areas["TrafficArea"], *areas["AuxiliaryTrafficArea"], *rest])

    def _terrain(self, owner: int, start: str, kind: Kind) -> str:
        """A ``TINRelief`` in the ``ReliefFeature`` it has to stand in; its finest level of detail."""
        levels = self._geometry.levels(owner) or [1]
        faces = [f for f, _ in self._geometry.faces(owner, levels[-1])]
        tin = f"<dem:tin>{self._geometry.triangulated(faces) if faces else ''}</dem:tin>"
        return (
            f"<dem:ReliefFeature><dem:lod>{levels[-1]}</dem:lod><dem:reliefComponent>"
            f"{start}<dem:lod>{levels[-1]}</dem:lod>{tin}</{kind.tag}></dem:reliefComponent></dem:ReliefFeature>"
        )

    def _by_level(self, owner: int, kind: Kind) -> dict[int, list[tuple[int, int]]]:
        """Faces by the level they are written at; a level the schema lacks joins the lowest it has."""
        result: dict[int, list[tuple[int, int]]] = {}
        for level in self._geometry.levels(owner):
            result.setdefault(max(level, kind.lowest), []).extend(self._geometry.faces(owner, level))
        return result

    @staticmethod
    def _property(prefix: str, level: int, suffix: str, shape: str) -> str:
        name = f"{prefix}:lod{level}{suffix}"
        return f"<{name}>{shape}</{name}>"


def dropped_faces(city: CityModel) -> int:
    """Faces that are not written because CityGML 2.0 has whole levels of detail only."""
    return Geometry(city, "polygon-").dropped if len(np.unique(city.face_lod)) > 1 else 0
