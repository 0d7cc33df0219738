"""What is promised for every check of cjval and for what crashed it or its like: how a CityJSON file comes in.

Each case changes one sound file of three buildings: refused in one sentence, read with messages (and how many), or
read without a word. Whatever is shown is checked too, and nothing is told of the two other buildings.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.readers.mutants import ROOT
from viewer.city.quality import check_quality
from viewer.errors import ReadError
from viewer.plugin_api import ReadContext
from viewer.plugin_host import PluginHost
from viewer.readers import cityjson_appearance as looks
from viewer.readers import cityjson_header as header
from viewer.readers import cityjson_objects as own

sys.path.insert(0, str(Path(__file__).parent))
import fault_files as files
from fault_files import FAULTY, block, solid

Json = dict[str, Any]
#: Changes a document, or gives another one, or the text of a file.
Change = Callable[[Json], "Json | str | bytes | None"]

NO_SHAPE = "Nothing in this file has a shape that could be drawn."
UNKNOWN_KIND = "Objects of an unknown kind ({kind}), shown in a neutral colour: {count}"
NO_CRS = "The file does not name its coordinate system."
CRS_GUESSED = "{crs} was assumed, because the numbers are those of UTM zone 32, the usual one in Germany."
FAR = "The coordinates lie outside the area that {crs} is made for; the place on the map may be wrong."
IMPOSSIBLE = "Faces with impossible coordinates, left out: {count}"
PLACELESS = "Faces whose texture does not say where it lies on them, shown without it: {count}"
SHORT = "Faces with fewer than three corners, left out: {count}"


@dataclass(frozen=True)
class Ok:
    """Read; ``told`` text -> count, ``faults`` code -> count, ``shown`` buildings with a shape."""

    told: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    shown: int = 3


REFUSED = "refused"
LOST = Ok({own.BROKEN_GEOMETRY: 1}, {"O05": 1}, 2)
NOTHING = Ok({own.BROKEN_FACE: 20, NO_SHAPE: 1}, {"O05": 3}, 0)
MATRIX = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def put(value: Any, *way: str | int) -> Change:
    """Put a value at a place in the document; the faulty building is ``*``, its geometry ``**``."""

    def change(document: Json) -> None:
        target: Any = document
        for step in _way(way[:-1]):
            target = target[step]
        target[way[-1]] = value

    return change


def drop(*way: str | int) -> Change:
    def change(document: Json) -> None:
        target: Any = document
        for step in _way(way[:-1]):
            target = target[step]
        del target[way[-1]]

    return change


def _way(way: tuple[str | int, ...]) -> list[str | int]:
    start: dict[str | int, list[str | int]] = {
        "*": ["CityObjects", FAULTY], "**": ["CityObjects", FAULTY, "geometry", 0],
    }  # fmt: skip
    return [*start.get(way[0], [way[0]]), *way[1:]] if way else []


def text(old: str, new: str) -> Change:
    """Another text where the file has this one."""

    def change(document: Json) -> bytes:
        whole = json.dumps(document)
        assert old in whole
        return whole.replace(old, new, 1).encode("utf-8", "surrogatepass")

    return change


def index(value: Any) -> Change:
    """Another number for the first corner of the roof."""
    return put(value, "**", "boundaries", 0, 5, 0, 0)


def vertex(value: Any) -> Change:
    """Another place for a corner of the roof, which is one of two walls as well."""

    def change(document: Json) -> None:
        corner = document["CityObjects"][FAULTY]["geometry"][0]["boundaries"][0][5][0][0]
        document["vertices"][corner] = value

    return change


def both(*changes: Change) -> Change:
    def change(document: Json) -> None:
        for each in changes:
            each(document)

    return change


def semantics(values: Any, types: Any = ({"type": "WallSurface"},)) -> Change:
    return put({"surfaces": list(types) if isinstance(types, tuple) else types, "values": values}, "**", "semantics")


def textured(values: Any, **section: Any) -> Change:
    appearance = {
        "textures": [{"type": "PNG", "image": "wall.png"}],
        "vertices-texture": [[0, 0], [1, 0], [1, 1], [0, 1]], **section,
    }  # fmt: skip
    return both(put(appearance, "appearance"), put({"day": {"values": values}}, "**", "texture"))


def painted(**values: Any) -> Change:
    return both(put({"materials": [{"name": "brick"}]}, "appearance"), put({"day": values}, "**", "material"))


def copied(**more: Any) -> Change:
    return put([{"type": "GeometryInstance", **more}], "*", "geometry")


SEMANTICS = Ok({own.BROKEN_SEMANTICS: 1})
LOOKS = Ok({looks.BROKEN: 1})
NO_COPY = Ok({own.MISSING_TEMPLATE: 1}, {"O05": 1}, 2)
#: One or two corners gone: the faces at them are left out, and the rest closes no body.
NO_CORNER = Ok({own.BROKEN_FACE: 3}, {"301": 1})

CASES: dict[str, tuple[Change, Ok | str]] = {
    "sound": (lambda _: None, Ok()),
    # -- JSON syntax
    "json: empty": (lambda _: "", REFUSED),
    "json: cut off": (lambda d: json.dumps(d)[:-300], REFUSED),
    "json: something after the end": (lambda d: json.dumps(d) + "x", REFUSED),
    "json: two documents": (lambda d: json.dumps(d) * 2, REFUSED),
    "json: comment": (text('"version"', '/* 2 */ "version"'), REFUSED),
    "json: an id twice": (text('"after"', f'"{FAULTY}"'), Ok({own.REPEATED_KEY: 1}, shown=2)),
    "json: a member twice": (text('"version": "2.0"', '"version": "2.0", "version": "2.0"'), Ok()),
    # -- schema
    "schema: no type": (drop("type"), REFUSED),
    "schema: other type": (put("Topology", "type"), REFUSED),
    "schema: type a number": (put(1, "type"), REFUSED),
    "schema: no version": (drop("version"), Ok({header.UNKNOWN_VERSION: 1})),
    "schema: version a number": (put(2.0, "version"), Ok({header.UNKNOWN_VERSION: 1})),
    "schema: unknown version": (put("9.9", "version"), Ok({header.UNKNOWN_VERSION: 1})),
    "schema: no CityObjects": (drop("CityObjects"), REFUSED),
    "schema: CityObjects a list": (put([], "CityObjects"), REFUSED),
    "schema: no CityObject": (put({}, "CityObjects"), REFUSED),
    "schema: no vertices": (drop("vertices"), NOTHING),
    "schema: vertices an object": (put({}, "vertices"), NOTHING),
    "schema: no metadata": (drop("metadata"), Ok({NO_CRS: 1, CRS_GUESSED: 1}, {"P01": 1, "P02": 1})),
    "schema: transform without translate": (
        put({"scale": [1e-4] * 3}, "transform"),
        Ok({header.BROKEN_TRANSFORM: 1, FAR: 1, IMPOSSIBLE: 19}, {"O05": 2, "P06": 1, "P07": 19}, 1),
    ),
    "schema: object null": (put(None, "CityObjects", FAULTY), Ok({own.BROKEN_OBJECT: 1}, shown=2)),
    "schema: object a list": (put([], "CityObjects", FAULTY), Ok({own.BROKEN_OBJECT: 1}, shown=2)),
    "schema: object without type": (drop("*", "type"), Ok({own.UNKNOWN_TYPE: 1})),
    "schema: object with a number as type": (put(7, "*", "type"), Ok({own.UNKNOWN_TYPE: 1})),
    "schema: unknown type of object": (put("House", "*", "type"), Ok({UNKNOWN_KIND: 1})),
    "schema: attributes a list": (put([], "*", "attributes"), Ok()),
    "schema: extent a text": (put("x", "*", "geographicalExtent"), Ok()),
    "schema: geometry an object": (put({}, "*", "geometry"), Ok({}, {"O05": 1}, 2)),
    "schema: geometry of null": (put([None], "*", "geometry"), LOST),
    "schema: geometry without type": (drop("**", "type"), LOST),
    "schema: unknown type of geometry": (put("Blob", "**", "type"), LOST),
    "schema: no level of detail": (drop("**", "lod"), Ok({}, {"O06": 1})),
    "schema: level of detail a number": (put(2, "**", "lod"), Ok()),
    "schema: no boundaries": (drop("**", "boundaries"), LOST),
    "schema: boundaries null": (put(None, "**", "boundaries"), LOST),
    "schema: boundaries a text": (put("abc", "**", "boundaries"), LOST),
    "schema: boundaries empty": (put([], "**", "boundaries"), Ok({}, {"O05": 1}, 2)),
    "schema: an empty shell": (put([[]], "**", "boundaries"), Ok({}, {"O05": 1}, 2)),
    "schema: an empty ring": (put([[[[]]]], "**", "boundaries"), Ok({SHORT: 1}, {"101": 1, "O05": 1}, 2)),
    "schema: boundaries too deep": (
        lambda d: put([[[[[0, 1, 2, 3]]]]], "**", "boundaries")(d), LOST,
    ),
    "schema: boundaries too shallow": (put([[[0, 1, 2, 3]]], "**", "boundaries"), LOST),
    # -- extensions
    "extensions: object of an extension": (put("+Noise", "*", "type"), Ok({UNKNOWN_KIND: 1})),
    "extensions: one from elsewhere is not fetched": (
        put({"Noise": {"url": "https://127.0.0.1:9/noise.ext.json", "version": "1.0"}}, "extensions"),
        Ok({header.EXTENSION: 1}),
    ),
    "extensions: null": (put({"Noise": None}, "extensions"), Ok({header.EXTENSION: 1})),
    "extensions: a list": (put([], "extensions"), Ok()),
    "extensions: attribute of an extension": (put({"x": 1}, "*", "+noise"), Ok()),
    # -- parents_children_consistency
    "parents: not in the file": (put(["nobody"], "*", "parents"), Ok({own.UNKNOWN_PARENT: 1})),
    "parents: a number": (put([7], "*", "parents"), Ok({own.UNKNOWN_PARENT: 1})),
    "parents: itself": (put([FAULTY], "*", "parents"), Ok()),
    "parents: each other": (
        both(put(["before"], "*", "parents"), put([FAULTY], "CityObjects", "before", "parents")), Ok(),
    ),
    "children: not in the file": (put(["nobody"], "*", "children"), Ok({own.UNKNOWN_CHILD: 1})),
    "children: a text": (put("nobody", "*", "children"), Ok()),
    "children: which do not say so": (put(["before"], "*", "children"), Ok()),
    # -- wrong_vertex_index
    "index: too large": (index(999_999), Ok({own.BROKEN_FACE: 1}, {"302": 1})),
    "index: negative": (index(-1), Ok({own.BROKEN_FACE: 1}, {"302": 1})),
    "index: beyond 32 bits": (index(2**31), Ok({own.BROKEN_FACE: 1}, {"302": 1})),
    "index: beyond 64 bits": (index(2**63), LOST),
    "index: enormous": (index(10**30), LOST),
    "index: a fraction": (index(1.5), LOST),
    "index: a text": (index("1"), LOST),
    "index: null": (index(None), LOST),
    # -- semantics_arrays
    "semantics: too few values": (semantics([[0] * 5]), SEMANTICS),
    "semantics: too many values": (semantics([[0] * 7]), SEMANTICS),
    "semantics: surface not there": (semantics([[9] * 6]), SEMANTICS),
    "semantics: not nested": (semantics([0] * 6), SEMANTICS),
    "semantics: null for a shell": (semantics([None]), SEMANTICS),
    "semantics: no values": (semantics(None), SEMANTICS),
    "semantics: null for surfaces": (semantics([[None] * 6]), Ok()),
    "semantics: surface without type": (semantics([[0] * 6], ({},)), SEMANTICS),
    "semantics: surfaces an object": (semantics([[0] * 6], {}), SEMANTICS),
    "semantics: a number": (put(7, "**", "semantics"), SEMANTICS),
    # -- textures
    "textures: sound": (textured([[[[0, 0, 1, 2, 3]]] * 6]), Ok()),
    "textures: picture not there": (textured([[[[7, 0, 1, 2, 3]]] * 6]), Ok({looks.UNKNOWN: 6})),
    "textures: point not there": (textured([[[[0, 0, 1, 2, 99]]] * 6]), Ok({PLACELESS: 6})),
    "textures: too few points": (textured([[[[0, 0, 1]]] * 6]), Ok({looks.UNFIT: 6})),
    "textures: too few surfaces": (textured([[[[0, 0, 1, 2, 3]]] * 2]), LOOKS),
    "textures: null": (textured([[[[None]]] * 6]), Ok()),
    "textures: null for rings": (textured([[[None]] * 6]), Ok()),
    "textures: null for surfaces": (textured([[None] * 6]), Ok()),
    "textures: negative": (textured([[[[-1, 0, 1, 2, 3]]] * 6]), LOOKS),
    "textures: a text": (textured([[[["0", 0, 1, 2, 3]]] * 6]), LOOKS),
    "textures: no values": (textured(None), LOOKS),
    "textures: none in the file": (textured([[[[0, 0, 1, 2, 3]]] * 6], textures=[]), Ok({looks.UNKNOWN: 6})),
    "textures: no points in the file": (
        textured([[[[0, 0, 1, 2, 3]]] * 6], **{"vertices-texture": None}), Ok({PLACELESS: 6}),
    ),
    # -- materials
    "materials: sound": (painted(values=[[0] * 6]), Ok()),
    "materials: not there": (painted(values=[[7] * 6]), Ok({looks.NO_MATERIAL: 6})),
    "materials: one for all, not there": (painted(value=7), Ok({looks.NO_MATERIAL: 6})),
    "materials: too few": (painted(values=[[0]]), LOOKS),
    "materials: a text": (painted(value="brick"), LOOKS),
    "materials: enormous": (painted(value=10**30), LOOKS),
    "materials: null for a shell": (painted(values=[None]), LOOKS),
    "materials: null for surfaces": (painted(values=[[None] * 6]), Ok()),
    # -- what cjval only warns of
    "extra_root_properties": (put({"inhabitants": 12}, "census"), Ok()),
    "duplicate_vertices": (lambda d: d["vertices"].extend(d["vertices"]), Ok()),
    "unused_vertices": (lambda d: d["vertices"].append([0, 0, 0]), Ok()),
    # -- what crashed others
    "crash: nested 100,000 deep": (lambda d: f'{json.dumps(d)[:-1]}, "x": {"[" * 100_000}{"]" * 100_000}}}', REFUSED),
    "crash: attribute nested 3,000 deep": (text('"1000"', "[" * 3000 + "]" * 3000), REFUSED),
    "crash: NaN": (text('"vertices": [[', '"vertices": [[NaN, 0, 0], ['), REFUSED),
    "crash: Infinity": (text('"vertices": [[', '"vertices": [[-Infinity, 0, 0], ['), REFUSED),
    "crash: 1e400": (text('"vertices": [[', '"vertices": [[1e400, 0, 0], ['), REFUSED),
    "crash: half a surrogate pair": (text(f'"{FAULTY}"', '"\\ud800"'), REFUSED),
    "crash: not UTF-8": (lambda d: json.dumps(d).replace(FAULTY, "haß").encode("latin-1"), REFUSED),
    "crash: names beyond ASCII": (text(f'"{FAULTY}"', '"建物-ß-🏠"'), Ok()),
    "crash: an empty id": (text(f'"{FAULTY}"', '""'), Ok()),
    "crash: an id of a million letters": (text(f'"{FAULTY}"', f'"{FAULTY * 170_000}"'), Ok()),
    "crash: byte order mark": (lambda d: "\ufeff" + json.dumps(d), Ok()),
    "crash: enormous scale": (put({"scale": [1e308] * 3, "translate": [1e308] * 3}, "transform"), NOTHING),
    "crash: vertex of two numbers": (vertex([1, 2]), NO_CORNER),
    "crash: vertex of four numbers": (vertex([1, 2, 3, 4]), NO_CORNER),
    "crash: vertex of text": (vertex(["a", 0, 0]), NO_CORNER),
    "crash: vertex null": (vertex(None), NO_CORNER),
    "crash: copy of a template that is not there": (
        copied(template=3, boundaries=[0], transformationMatrix=MATRIX), NO_COPY,
    ),
    "crash: copy of nothing": (copied(), NO_COPY),
    "crash: copy at a vertex that is not there": (
        both(
            put({"templates": [{"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2]]]}],
                 "vertices-templates": [[0, 0, 0], [1, 0, 0], [0, 1, 0]]}, "geometry-templates"),
            copied(template=0, boundaries=[99_999], transformationMatrix=MATRIX),
        ), NO_COPY,
    ),
    "crash: template without vertices": (
        both(
            put({"templates": [{"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2]]]}]},
                "geometry-templates"),
            copied(template=0, boundaries=[0], transformationMatrix=MATRIX),
        ), NO_COPY,
    ),
    "crash: templates, looks and metadata as lists": (
        both(put([], "geometry-templates"), put([], "appearance"), put([], "metadata")),
        Ok({NO_CRS: 1, CRS_GUESSED: 1}, {"P01": 1, "P02": 1}),
    ),
}  # fmt: skip

#: The checks of cjval, by how the cases begin.
CHECKS = ("json", "schema", "extensions", "parents", "children", "index", "semantics", "textures", "materials",
          "extra_root_properties", "duplicate_vertices", "unused_vertices", "crash")  # fmt: skip


@pytest.fixture(scope="module")
def host() -> PluginHost:
    return PluginHost([ROOT / "plugins"], packages=False)


@pytest.fixture(scope="module")
def whole() -> Json:
    return files.cityjson(solid(block()))


@pytest.mark.parametrize("name", CASES)
def test_a_file_comes_in_as_promised(tmp_path: Path, host: PluginHost, whole: Json, name: str) -> None:
    change, promised = CASES[name]
    document = copy.deepcopy(whole)
    content = change(document)
    content = document if content is None else content
    content = json.dumps(content) if isinstance(content, dict) else content
    path = tmp_path / "city.city.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    Image.new("RGB", (2, 2)).save(tmp_path / "wall.png")
    if isinstance(promised, str):
        with pytest.raises(ReadError) as error:
            host.read(path, ReadContext())
        assert len(str(error.value).strip().splitlines()) == 1
        return
    reading = host.read(path, ReadContext())
    assert reading.city is not None
    assert {issue.text: issue.count for issue in reading.report.issues} == promised.told
    assert len(set(reading.city.face_object.tolist())) == promised.shown
    report = check_quality(reading.city, reading.report)
    found = [finding for finding in report.findings if finding.rule.group != "attribute"]
    assert {finding.rule.code: finding.count for finding in found} == promised.faults
    if promised.shown >= 2 and "P06" not in promised.faults:
        assert not {"before", "after"} & {own_id for finding in found for own_id in finding.ids}


def test_every_check_has_its_cases() -> None:
    begun = {name.partition(":")[0] for name in CASES if name != "sound"}
    assert begun == set(CHECKS)
