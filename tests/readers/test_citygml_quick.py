"""Reading CityGML quickly and on several cores brings what reading it element by element brings, to the byte."""

from __future__ import annotations

import random
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from viewer.city import CityModel
from viewer.errors import ReadError
from viewer.plugin_api.context import Progress, ReadContext
from viewer.readers import citygml, citygml_blocks, citygml_parts, helpers
from viewer.readers.citygml import read_citygml
from viewer.readers.citygml_blocks import Head
from viewer.readers.citygml_shortcut import InDoubtError, shorten

sys.path.insert(0, str(Path(__file__).parent))
import gml_fixtures as gml

from tests.readers.mutants import citygml_seeds, mutant

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
REAL = (
    "nrw-lod2-tile/LoD2_32_280_5659_1_NW.gml",
    "berlin-lod2-tiles/3900_5820.gml",
    "bavaria-lod2-gausskrueger/LOD2_4424_5482_solid.gml",
    "karlsruhe-lod2-wgs84/innenstadt_ost_4326_lod2.gml",
    "potsdam-lod1/Potsdam_LoD1.gml",
    "hamburg-lod2-vintages/2022/LoD2_576_5950_1_HH.xml",
    "citygml3/Opera-Lyon_CityGML3.0_LOD2_with_xAL3_FreeText.gml",
    "citygml3/citygml3_roads_roundabout.gml",
)
versions = pytest.mark.parametrize("version", gml.VERSIONS)


def everything(version: str, count: int = 12) -> list[str]:
    """Members of all kinds: what is taken out of the text, and what is not."""
    members = list(gml.houses(version, count))
    wall = gml.polygon(gml.square())
    holed = gml.polygon(gml.square(), holes=[gml.square(size=2.0)[::-1]])
    members += [
        gml.building(gml.boundary(version, "WallSurface", holed) + gml.boundary(version, "RoofSurface", wall), "A"),
        gml.building(gml.boundary(version, "RoofSurface", gml.polygon(gml.square(), style="pos")), "B"),
        gml.building(gml.house_solid(version, "H0"), "uses surfaces of another one"),
        gml.building(gml.solid(version, *(gml.polygon(ring) for ring in gml.box())), "C"),
        gml.building(gml.attributes(version, 3) + gml.address(version) + gml.attributes(version, 4), "D"),
        gml.building(gml.house_surfaces(version, "E"), "E").replace(' gml:id="E"', ""),
        gml.building(gml.house_surfaces(version, "F").replace("><", "> <!-- a note --> <"), "F"),
        gml.building(gml.attributes(version).replace("31001_1000", "Haus &amp; Hof"), "G"),
    ]
    return members


#: Properties in all the ways that make a column differ: twice, with blanks, empty, in other units, not ASCII.
LEAVES = (
    "<b:function>one</b:function><b:function>two</b:function><b:function>one</b:function>",
    "<b:function> one </b:function><b:measuredHeight uom='#m'>7.5</b:measuredHeight>",
    '<b:measuredHeight uom="cm">750</b:measuredHeight><b:measuredHeight uom="m">8</b:measuredHeight>',
    '<b:function></b:function><b:function>Straße</b:function><b:measuredHeight uom="cm">high</b:measuredHeight>',
    "<b:function>three</b:function><g:stringAttribute name='function'><g:value>four</g:value></g:stringAttribute>"
    "<b:function>five</b:function>",
    "<g:stringAttribute name='function'><g:value>six</g:value></g:stringAttribute><b:function>seven</b:function>",
    "<b:function>eight</b:function><b:consistsOfBuildingPart><b:BuildingPart q:id='@'><b:function>nine</b:function>"
    "</b:BuildingPart></b:consistsOfBuildingPart><b:function>ten</b:function>",
    f"<b:class>{'long ' * 4000}</b:class><b:function>eleven</b:function>",
)


def leaves(count: int) -> list[str]:
    """Buildings with properties in varying order and company."""
    chance = random.Random(3)
    usual = '<b:class>1000</b:class><b:function>1</b:function><b:measuredHeight uom="#m">%d.25</b:measuredHeight>'
    made = []
    for k in range(count):
        some = usual % k if k % 3 else "".join(chance.sample(LEAVES, 1 + k % 4))
        made.append(gml.building(some.replace("@", f"P{k}"), f"L{k}"))
    return made


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of many blocks: what is gathered in one and used in the next has to fit."""
    monkeypatch.setattr(citygml_blocks, "BLOCK_BYTES", 6000)
    monkeypatch.setattr(citygml_blocks, "_READ_BYTES", 2000)


def written(path: Path, version: str, members: list[str]) -> Path:
    return gml.write(path, version, members)


def outcome(path: Path) -> tuple[object, ...]:
    """A city or the error, with all messages, as something that can be compared."""
    context = ReadContext()
    try:
        city = read_citygml(path, context)
    except ReadError as error:
        return (type(error).__name__, str(error), messages(context))
    return (*contents(city), messages(context), sorted((f.code, f.ids) for f in context.log.faults), context.facts)


def messages(context: ReadContext) -> list[str]:
    return [repr(issue) for issue in context.log.issues()]


def contents(city: CityModel) -> tuple[object, ...]:
    table = city.objects
    columns = {name: (c.values.dtype.str, [repr(v) for v in c.values.tolist()]) for name, c in table.attributes.items()}
    arrays = {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in city.arrays().items()}
    own = table.ids.tolist(), table.types, table.type_code.tolist(), table.parent.tolist()
    return arrays, own, list(columns), columns, city.lods, city.frame, city.name


def with_care(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, ...]:
    with monkeypatch.context() as patch:
        patch.setattr(citygml._CityReader, "read_in_parts", lambda self: False)
        patch.setattr(citygml._CityReader, "read_quickly", lambda self: False)
        return outcome(path)


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ways in which cities were read to their end."""
    taken: list[str] = []
    for name in ("read_in_parts", "read_quickly", "read_with_care"):
        original = getattr(citygml._CityReader, name)

        def way(self: object, name: str = name, original=original) -> bool:
            done = original(self)
            if done:
                taken.append(name)
            return done

        monkeypatch.setattr(citygml._CityReader, name, way)
    return taken


@pytest.fixture(scope="module")
def two_helpers() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(helpers.VARIABLE, "3")
        yield
    helpers.stop()


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(citygml_parts, "WORTH_BYTES", 0)
    monkeypatch.setattr(citygml_parts, "PART_BYTES", 15_000)


@versions
def test_a_quick_reading_is_a_careful_one(tmp_path, monkeypatch, ways, version):
    path = written(tmp_path / "city.gml", version, everything(version))
    quick = outcome(path)
    assert ways == ["read_quickly"]
    assert quick == with_care(path, monkeypatch)


def test_properties_of_all_kinds_come_in_the_order_of_the_file(tmp_path, monkeypatch, ways):
    path = written(tmp_path / "city.gml", "2.0", leaves(120))
    quick = outcome(path)
    assert ways == ["read_quickly"]
    assert quick == with_care(path, monkeypatch)
    assert "six, seven" in str(quick), "the file has what is joined"


@versions
def test_most_of_a_text_is_taken_out(version):
    text = "".join(gml.house(version, f"H{i}") for i in range(20))
    start, _ = gml.root(version)
    head = Head.of((start + MEMBER).encode())
    assert head is not None
    prefixes = head.root.nsmap
    short, taken = shorten(text, prefixes)
    assert len(taken.lone_id) == 20 * gml.HOUSE_FACES
    assert len(taken.references) == 20
    assert len(short) < 0.5 * len(text) and "posList" not in short


MEMBER, END = "<c:cityObjectMember>", "</c:CityModel>"


@pytest.mark.parametrize(
    ("old", "new", "way"),
    [
        (END, "", "read_with_care"),
        (END, f"{END}\n<!-- the end -->\n", "read_quickly"),
        (END, f"{END}<more/>", "read_with_care"),
        (END, f"{END}{END}", "read_with_care"),
        (MEMBER, f"<![CDATA[ ]]>{MEMBER}", "read_with_care"),
        (MEMBER, f"<?php x ?>{MEMBER}", "read_with_care"),
        (MEMBER, f"<!-- a note -->\n{MEMBER}", "read_quickly"),
        (MEMBER, f"<!-- {MEMBER} -->\n{MEMBER}", "read_with_care"),
        ("q:posList>", "q:posList >", "read_quickly"),
        ("000 ", "000\n\t ", "read_quickly"),
        ("8.000 ", "zero ", "read_quickly"),
        ("8.000 ", "8,000 ", "read_quickly"),
        ("000 ", "000&#32;", "read_quickly"),
        ("<q:Polygon ", '<q:Polygon srsName="EPSG:25833" ', "read_quickly"),
        ("<q:Polygon ", '<q:Polygon xmlns:q="http://www.opengis.net/gml" ', "read_quickly"),
        ("<q:Polygon ", "<q:Polygon at='single' ", "read_quickly"),
        ("<q:exterior>", '<q:exterior xmlns="urn:x">', "read_quickly"),
        ("UTF-8", "ISO-8859-1", "read_quickly"),
        ("UTF-8", "UTF-16", "read_with_care"),
        ("<q:Polygon", "<q:Poly", "read_with_care"),
        ("b:WallSurface", "nobody:WallSurface", "read_with_care"),
        ("b:WallSurface", "b:SomeSurface", "read_quickly"),
        ("b:measuredHeight", "q:measuredHeight", "read_quickly"),
    ],
)
def test_whatever_is_unusual_is_read_as_with_care(tmp_path, monkeypatch, ways, old, new, way):
    path = written(tmp_path / "city.gml", "2.0", everything("2.0", 3))
    before = path.read_text(encoding="utf-8")
    text = before.replace(old, new)
    assert text != before
    path.write_bytes(text.encode("utf-16" if new == "UTF-16" else "utf-8"))
    met = outcome(path)
    assert ways in ([way], [])
    assert met == with_care(path, monkeypatch)


@pytest.mark.parametrize("seed", range(3))
def test_damaged_files_end_alike(tmp_path, monkeypatch, seed):
    chance = random.Random(seed)
    seeds = citygml_seeds()
    path = tmp_path / "damaged.gml"
    refused = 0
    for _ in range(60):
        path.write_bytes(mutant(chance.choice(seeds), chance, is_json=False))
        met = outcome(path)
        refused += len(met) == 3
        assert met == with_care(path, monkeypatch), path.read_bytes()
    assert 0 < refused < 60


@versions
def test_parts_read_by_helpers_make_the_same_city(tmp_path, monkeypatch, ways, two_helpers, small_parts, version):
    path = written(tmp_path / "city.gml", version, everything(version, 60))
    in_parts = outcome(path)
    assert ways == ["read_in_parts"]
    assert in_parts == with_care(path, monkeypatch)


def test_tiles_of_an_archive_are_read_beside_each_other(tmp_path, monkeypatch, ways, two_helpers, small_parts):
    path = tmp_path / "tiles.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, srs in enumerate(("EPSG:25832", "EPSG:25832", "EPSG:25833", "EPSG:25832")):
            members = [gml.house("2.0", f"T{number}_{i}", 500_000.0 + 20 * i) for i in range(9)]
            archive.writestr(f"tile_{number}.gml", "".join(gml.document("2.0", members, srs=srs)))
    in_parts = outcome(path)
    assert ways == ["read_in_parts"]
    assert in_parts == with_care(path, monkeypatch)
    assert "brought into" in str(in_parts)


def test_damage_in_one_part_is_told_as_on_one_core(tmp_path, monkeypatch, ways, two_helpers, small_parts):
    path = written(tmp_path / "city.gml", "2.0", everything("2.0", 60))
    data = path.read_bytes()
    path.write_bytes(data[: int(0.8 * len(data))])
    met = outcome(path)
    assert ways == ["read_with_care"]
    assert met == with_care(path, monkeypatch)
    assert "cut off or damaged" in str(met)


def test_reading_in_parts_can_be_cancelled(tmp_path, two_helpers, small_parts):
    path = written(tmp_path / "city.gml", "2.0", everything("2.0", 60))

    class Stop(Exception):
        pass

    def report(share: float, text: str) -> None:
        if share > 0.2:
            raise Stop

    with pytest.raises(Stop):
        read_citygml(path, ReadContext(progress=Progress(report)))
    assert outcome(path)  # and the helpers are ready for the next one


def test_a_helper_that_is_ended_costs_nothing_but_time(tmp_path, monkeypatch, ways, two_helpers, small_parts):
    path = written(tmp_path / "city.gml", "2.0", everything("2.0", 60))
    outcome(path)
    assert helpers._pool is not None
    for process in list(helpers._pool._processes.values()):
        process.terminate()
        process.join()
    assert outcome(path) == with_care(path, monkeypatch)
    helpers.stop()
    ways.clear()
    assert outcome(path) == with_care(path, monkeypatch)
    assert ways[0] == "read_in_parts"


def test_helpers_are_turned_off_by_one_process(monkeypatch):
    monkeypatch.setenv(helpers.VARIABLE, "1")
    assert helpers.helper_count() == 0
    monkeypatch.setenv(helpers.VARIABLE, "4")
    assert helpers.helper_count() == 3
    monkeypatch.setenv(helpers.VARIABLE, "many")
    assert helpers.helper_count() == 0


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_read_alike(monkeypatch, ways, name):
    path = DATA / name
    if not path.exists():
        pytest.skip("no folder ../shared/data with real files")
    quick = outcome(path)
    assert ways == ["read_quickly"]
    assert quick == with_care(path, monkeypatch)


def test_heads_that_are_no_plain_citygml_are_in_doubt():
    start, _ = gml.root("2.0")
    assert Head.of((start + MEMBER).encode()) is not None
    assert Head.of(start.encode()) is None
    for odd in ("<!DOCTYPE x>", "<!DOCTYPE x [<!ENTITY a 'b'>]>", "text"):
        with pytest.raises(InDoubtError):
            Head.of((odd + start + MEMBER).encode())
