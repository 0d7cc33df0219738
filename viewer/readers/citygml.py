"""CityGML 1.0, 2.0 and 3.0, plain, ``.gz`` or ``.zip`` with several tiles -> one checked city.

Files are read as a stream, member by member. What elements mean stands in ``citygml_names``; objects are
gathered in ``citygml_objects``, faces in ``citygml_faces``, textures in ``citygml_appearance``; ``assemble`` does
the rest.
"""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from viewer.city.model import CityModel
from viewer.errors import ReadError
from viewer.plugin_api.context import ReadContext
from viewer.plugin_api.raw import RawCity
from viewer.readers import archive, crs
from viewer.readers.assemble import assemble
from viewer.readers.citygml_appearance import AppearanceCollector, NamedFaces, Names, likely_dressed
from viewer.readers.citygml_blocks import BlockReader, ElementReader
from viewer.readers.citygml_faces import FaceArrays
from viewer.readers.citygml_names import GML_NAMESPACES, local_name, version_of
from viewer.readers.citygml_objects import ObjectCollector
from viewer.readers.citygml_references import ReferenceSettler
from viewer.readers.citygml_repeats import drop_repeats
from viewer.readers.citygml_shortcut import InDoubtError
from viewer.readers.growing import GrowingFaces
from viewer.readers.json_parse import collector_off
from viewer.readers.pictures import PictureFinder
from viewer.readers.xml import MemberReader

Element = Any

#: Children of the root that are read, or at least let go of again.
MEMBERS = (
    "{*}cityObjectMember",
    "{*}featureMember",
    "{*}featureMembers",
    "{*}member",
    "{*}appearanceMember",
    "{*}versionMember",
)
_MEMBER_NAMES = frozenset(local_name(tag) for tag in MEMBERS)
_OBJECT_MEMBERS = frozenset({"cityObjectMember", "featureMember", "featureMembers", "member"})
_NAMESPACE = re.compile(rb"opengis\.net/citygml|citygml\.org/citygml")
_MEMBERS_SEARCHED_FOR_CRS = 200


def looks_like_citygml(head: bytes) -> bool:
    """Whether a file that begins like this is CityGML: XML that names one of its namespaces early on."""
    plain = head.replace(b"\0", b"") if b"\0" in head[:64] else head
    text = plain.removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe \t\r\n")
    return text.startswith(b"<") and bool(_NAMESPACE.search(text))


def read_citygml(path: str | PathLike[str], context: ReadContext) -> CityModel:
    """Read a CityGML file, packed or not; several tiles in an archive become one city.

    Findings go to ``context``. LoD0 to LoD3 and the outer shell of LoD4 are read, rooms are not.

    Raises
    ------
    ReadError
        There is nothing that could be read. LimitError: the file asks for too much.
    """
    path = Path(path)
    tiles = archive.members(path, looks_like_citygml)
    if not tiles:
        raise ReadError("There is no CityGML file in this archive.", path=path)
    with collector_off():
        raw = _read_tiles(tiles, path, context).finish()
    return assemble(raw, context, path=path)


def _read_tiles(tiles: list[archive.Member], path: Path, context: ReadContext) -> _CityReader:
    """All tiles, with their textures where they have any; without, nothing is spent on them."""
    dressed = any(likely_dressed(tile) for tile in tiles)
    before = context.log.copy()
    if not dressed:
        try:
            city = _CityReader(path, context, tiles, quick=True)
        except InDoubtError:  # damaged or unusual: whatever is wrong with it is found element by element
            context.log.reset(before)
            city = _CityReader(path, context, tiles)
        if not city.dressed:
            return city
        context.log.reset(before)  # appearances where nobody would have looked: once more, with them
    return _CityReader(path, context, tiles, dressed=True)


class _CityReader:
    """Gathers all tiles of one city.

    dressed : whether appearances are read, or were met although they were not to be read. quick : whether most of
        the text is taken in without looking at each element, see ``citygml_blocks``.
    """

    def __init__(
        self,
        path: Path,
        context: ReadContext,
        tiles: list[archive.Member],
        *,
        dressed: bool = False,
        quick: bool = False,
    ) -> None:
        self._path, self._context = path, context
        self._total, self._done = max(sum(tile.size for tile in tiles), 1), 0
        self.dressed, self._quick = dressed, quick
        self._names = Names()
        self._appearance = AppearanceCollector() if dressed else None
        self._objects = ObjectCollector(NamedFaces(self._names) if dressed else None)
        self._settler = ReferenceSettler(self._objects)
        self._faces = GrowingFaces()
        self._srs = ""
        self._tile_srs = ""
        self._version = ""
        self._tiles: list[archive.Member] = []
        for tile in tiles:
            self._read(tile, several=len(tiles) > 1)
        self.dressed = self.dressed or self._objects.dressed

    # -- reading -----------------------------------------------------------------------------------------------

    def _read(self, tile: archive.Member, *, several: bool) -> None:
        """Read one tile to its end, or to where it is damaged."""
        before = len(self._objects.ids)
        self._tile_srs = ""
        searched = 0
        if self._appearance is not None:
            self._appearance.begin(PictureFinder(self._path, tile))
        with tile.open() as stream:
            reader: ElementReader | BlockReader
            if self._quick:
                reader = BlockReader(stream, _MEMBER_NAMES, self._report)
            else:
                reader = ElementReader(stream, MEMBERS, self._path, self._report)
            for member in reader:
                if self._appearance is not None:
                    self._appearance.add(member)
                if local_name(member.tag) not in _OBJECT_MEMBERS:
                    self.dressed = self.dressed or len(member) > 0
                    continue
                if not self._tile_srs and searched < _MEMBERS_SEARCHED_FOR_CRS:
                    self._find_crs(reader, member, first=searched == 0)
                    searched += 1
                self._objects.faces.taken = reader.taken
                self._objects.add_member(member)
                self._settler.settle(member, reader.whole)
                if self._objects.faces.full:
                    self._flush()
        self._flush()
        self._done += tile.size
        self._tiles.append(tile)
        self._version = self._version or version_of(_namespaces(reader.root))
        self._judge_end(reader, tile, len(self._objects.ids) - before, several)

    def _report(self, count: int) -> None:
        self._context.progress.report(0.68 * (self._done + count) / self._total, "Reading the city")

    def _find_crs(self, reader: ElementReader | BlockReader, member: Element, *, first: bool) -> None:
        found = ""
        if first and reader.root is not None:
            for child in reader.root:
                if local_name(child.tag) == "boundedBy":
                    found = next((e.get("srsName") for e in child.iter("{*}Envelope") if e.get("srsName")), "")
        if not found:
            names = (reader.whole(member) if reader.hides("srsName") else member).xpath("(.//@srsName)[1]")
            found = str(names[0]) if names else ""
        self._tile_srs = found
        if found and not self._srs:
            self._srs = found

    def _judge_end(self, reader: ElementReader | BlockReader, tile: archive.Member, count: int, several: bool) -> None:
        if reader.complete:
            if count == 0 and not several and version_of(_namespaces(reader.root)) == "":
                raise ReadError("This is not a CityGML file.", path=self._path)
            return
        if count == 0 and not several:
            if reader.root is None and not reader.line:
                raise ReadError("The file is empty or damaged; nothing in it could be read.", path=self._path)
            raise ReadError(
                "The file is damaged in line {line}; nothing in it could be read.", path=self._path, line=reader.line
            )
        self._context.warn(
            "The file {name} is cut off or damaged in line {line}; the {objects} objects before that are shown.",
            where=f"line {reader.line}" if reader.line else (),
            name=tile.name,
            line=reader.line or "?",
            objects=count,
        )

    def _flush(self) -> None:
        """Turn the texts of coordinates gathered so far into arrays."""
        faces = self._objects.faces
        if not len(faces):
            return
        arrays, dropped = drop_repeats(faces.take())
        if dropped:
            owners = list(dict.fromkeys(dropped))[:20]
            self._context.info(
                "Faces that a solid repeats from the roofs, walls and floors of its building, used once: {count}",
                where=tuple(self._objects.ids[owner] for owner in owners),
                count=len(dropped),
            )
        self._add(arrays)

    def _add(self, arrays: FaceArrays) -> None:
        if self._tile_srs and self._tile_srs != self._srs:
            self._bring_home(arrays)
        self._faces.append(arrays)

    def _bring_home(self, arrays: FaceArrays) -> None:
        """Transform a tile in another system into the one of the first tile."""
        here, home = crs.parse_crs(self._tile_srs), crs.parse_crs(self._srs)
        if not (here.known and home.known) or here.horizontal == home.horizontal:
            return
        if crs.axis_order(arrays.points, here).north_first:
            arrays.points[:, [0, 1]] = arrays.points[:, [1, 0]]
        arrays.points = crs.transform(arrays.points, here.horizontal, home.horizontal)
        self._context.info(
            "Parts in {crs_from} were brought into {crs_to}.", crs_from=here.horizontal, crs_to=home.horizontal
        )

    # -- the end -----------------------------------------------------------------------------------------------

    def finish(self) -> RawCity:
        """Everything read, as one raw city."""
        objects = self._objects
        self._settle_the_rest()
        system = crs.parse_crs(self._srs)
        north_first = crs.axis_order(self._faces.first_points(), system).north_first
        placed, missing = objects.implicit.place(system.geographic, north_first)
        self._tile_srs = ""
        for arrays in placed:
            self._add(arrays)
        self._note_what_was_left_out(missing)
        numbers = self._faces.numbers()
        raw = self._faces.finish()
        if self._appearance is not None:
            raw.appearance = self._appearance.finish(
                self._names, numbers, raw.ring_face, raw.ring_start.astype(np.int64), self._context
            )
        raw.lods = objects.lods or [""]
        raw.object_ids, raw.object_types = objects.ids, objects.types
        raw.object_parent = np.array(objects.parents, dtype=np.int32)
        raw.attributes = {
            name: (np.array(where, dtype=np.int32), list[object](texts))
            for name, (where, texts) in objects.attributes.items()
        }
        raw.crs, raw.format, raw.version = self._srs, "CityGML", self._version
        raw.name = re.sub(r"\.(citygml|gml|xml|zip|gz)$", "", re.sub(r"\.(gz|zip)$", "", self._path.name, flags=re.I))
        return raw

    def _settle_the_rest(self) -> None:
        """Look through the tiles again for surfaces that objects elsewhere in the file refer to."""
        if self._settler.pending:
            for tile in self._tiles:
                with tile.open() as stream:
                    for member in MemberReader(stream, MEMBERS, self._path):
                        self._settler.settle_from(member)
            self._tile_srs = ""
            self._flush()
        lost = self._settler.pending
        if lost:
            self._context.warn(
                "Surfaces that are referred to but missing in the file: {count}",
                where=tuple(dict.fromkeys(self._objects.ids[reference.owner] for reference in lost))[:20],
                count=len(lost),
            )

    def _note_what_was_left_out(self, missing: list[int]) -> None:
        objects, context = self._objects, self._context
        context.info(
            "Rooms and other things inside, left out: {count}",
            where=tuple(objects.interiors),
            count=objects.interior_count,
        )
        context.info("Lines and points, left out: {count}", count=objects.faces.lines)
        context.info("Outlines without heights, put at height 0: {count}", count=objects.faces.flat_rings)
        context.warn("Shapes that lie in another file, left out: {count}", count=objects.implicit.external)
        context.warn(
            "Placed shapes that are missing in the file: {count}",
            where=tuple(objects.ids[owner] for owner in dict.fromkeys(missing))[:20],
            count=len(missing),
        )
        for sentence, count in objects.left_out.items():
            context.warn(sentence, count=count)


def _namespaces(root: Element) -> list[str]:
    if root is None:
        return []
    return [uri for uri in root.nsmap.values() if uri not in GML_NAMESPACES]
