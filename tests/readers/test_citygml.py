"""CityGML in all versions: what is read, what is left out and said, and what cannot harm."""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from lxml import etree

from viewer.city import CityModel, Severity, SurfaceType
from viewer.errors import LimitError, ReadError
from viewer.plugin_api.context import ReadContext
from viewer.readers.citygml import looks_like_citygml, read_citygml

sys.path.insert(0, str(Path(__file__).parent))
import gml_fixtures as gml

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="no folder ../shared/data with real files")
versions = pytest.mark.parametrize("version", gml.VERSIONS)
since_2 = pytest.mark.parametrize("version", ("2.0", "3.0"))
before_3 = pytest.mark.parametrize("version", ("1.0", "2.0"))


def read(tmp_path: Path, version: str, *members: str, srs: str | None = None) -> tuple[CityModel, ReadContext]:
    context = ReadContext()
    city = read_citygml(gml.write(tmp_path / "city.gml", version, members, srs=srs), context)
    return city, context


def messages(context: ReadContext) -> str:
    return "\n".join(str(issue) for issue in context.log.issues())


def text(city: CityModel, name: str, index: int = 0) -> object:
    return city.objects.attributes[name].values[index]


def area(city: CityModel) -> float:
    a, b, c = (city.positions_local[city.triangles[:, k]].astype(float) for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


@versions
def test_a_house_has_each_face_once_although_its_solid_repeats_them(tmp_path: Path, version: str) -> None:
    city, context = read(tmp_path, version, gml.house(version))
    assert len(city.face_surface) == gml.HOUSE_FACES
    assert len(city.triangles) == gml.HOUSE_TRIANGLES
    kinds = Counter(city.face_surface.tolist())
    assert kinds == {SurfaceType.GROUND: 1, SurfaceType.WALL: 4, SurfaceType.ROOF: 2}
    assert city.lods == ("2",)
    # 80 ground, 2 x 60 walls, 2 x (48 + 12) gables, 2 x 50 roof
    assert area(city) == pytest.approx(80 + 120 + 120 + 100, rel=1e-4)
    assert context.facts == {
        "format": "CityGML", "version": version, "crs": "EPSG:25832", "vertical_crs": "EPSG:7837",
    }  # fmt: skip
    assert context.log.issues() == ()


@versions
def test_attributes_and_address(tmp_path: Path, version: str) -> None:
    city, _ = read(tmp_path, version, gml.house(version, number=7))
    assert text(city, "name") == "Haus 7"
    assert text(city, "function") == "31001_1000"
    assert text(city, "roofType") == "3100"
    assert text(city, "Gemeindeschluessel") == "02000000"
    assert text(city, "measuredHeight") == 9.0
    assert text(city, "storeysAboveGround") == 2.0
    assert text(city, "yearOfConstruction") == 1965.0
    assert text(city, "Dachneigung") == 36.5
    assert text(city, "address") == "Lange Reihe 7, 20099 Hamburg"


@versions
def test_references_may_come_before_or_after_their_target(tmp_path: Path, version: str) -> None:
    after = gml.building(gml.house_surfaces(version, "A") + gml.house_solid(version, "A"), "A")
    before = gml.building(gml.house_solid(version, "B") + gml.house_surfaces(version, "B"), "B")
    city, _ = read(tmp_path, version, after, before)
    assert np.bincount(city.face_object).tolist() == [gml.HOUSE_FACES] * 2


@versions
def test_a_solid_written_out_beside_the_surfaces_is_used_once_and_noted(tmp_path: Path, version: str) -> None:
    prefix = "c" if version == "3.0" else "b"
    faces = [gml.polygon(points) for _, points in gml.house_rings()]
    solid = f"<{prefix}:lod2Solid>{gml.solid(version, *faces)}</{prefix}:lod2Solid>"
    city, context = read(tmp_path, version, gml.building(gml.house_surfaces(version, "A") + solid))
    assert len(city.face_surface) == gml.HOUSE_FACES
    assert "used once: 7" in messages(context)


@versions
def test_a_solid_cut_into_triangles_does_not_lie_over_the_surfaces(tmp_path: Path, version: str) -> None:
    prefix = "c" if version == "3.0" else "b"
    triangles = [
        gml.polygon([points[0], points[k], points[k + 1]])
        for _, points in gml.house_rings()
        for k in range(1, len(points) - 1)
    ]
    solid = f"<{prefix}:lod2Solid>{gml.solid(version, *triangles)}</{prefix}:lod2Solid>"
    city, _ = read(tmp_path, version, gml.building(gml.house_surfaces(version, "A") + solid))
    assert (city.face_surface != SurfaceType.UNKNOWN).all()
    assert len(city.face_surface) == gml.HOUSE_FACES


@versions
def test_lod1_solid_without_surfaces_and_several_lods(tmp_path: Path, version: str) -> None:
    prefix = "c" if version == "3.0" else "b"
    block = gml.solid(version, *(gml.polygon(face) for face in gml.box()))
    city, _ = read(
        tmp_path,
        version,
        gml.building(f"<{prefix}:lod1Solid>{block}</{prefix}:lod1Solid>" + gml.house_surfaces(version, "A")),
    )
    assert city.lods == ("1", "2")
    assert np.bincount(city.face_lod).tolist() == [6, gml.HOUSE_FACES]


@versions
def test_surfaces_borrowed_from_another_level_are_copied(tmp_path: Path, version: str) -> None:
    city, _ = read(
        tmp_path,
        version,
        gml.building(gml.house_surfaces(version, "A", lod=2) + gml.house_solid(version, "A", lod=3)),
    )
    assert city.lods == ("2", "3")
    assert np.bincount(city.face_lod).tolist() == [7, 7]
    assert sorted(city.face_surface[city.face_lod == 1]) == sorted(city.face_surface[city.face_lod == 0])


@versions
def test_a_solid_that_names_surfaces_of_another_member_finds_them(tmp_path: Path, version: str) -> None:
    wall = gml.polygon(gml.square(), name="shared")
    owner = gml.building(gml.boundary(version, "WallSurface", wall), "A")
    prefix = "c" if version == "3.0" else "b"
    borrower = gml.building(f"<{prefix}:lod1Solid>{gml.solid(version, '#shared')}</{prefix}:lod1Solid>", "B")
    city, context = read(tmp_path, version, borrower, owner)
    assert np.bincount(city.face_object).tolist() == [1, 1]
    assert "missing" not in messages(context)


@versions
def test_a_reference_to_nothing_is_reported_and_costs_nothing_else(tmp_path: Path, version: str) -> None:
    prefix = "c" if version == "3.0" else "b"
    broken = f"<{prefix}:lod1Solid>{gml.solid(version, '#nowhere')}</{prefix}:lod1Solid>"
    city, context = read(tmp_path, version, gml.building(broken, "A"), gml.house(version, "B"))
    assert len(city.face_surface) == gml.HOUSE_FACES
    assert "referred to but missing in the file: 1" in messages(context)


@pytest.mark.parametrize("style", ["posList", "pos", "coordinates"])
@versions
def test_holes_in_every_spelling_of_coordinates(tmp_path: Path, version: str, style: str) -> None:
    hole = [(gml.X0 + 4, gml.Y0 + 4, gml.Z0), (gml.X0 + 4, gml.Y0 + 6, gml.Z0),
            (gml.X0 + 6, gml.Y0 + 6, gml.Z0), (gml.X0 + 6, gml.Y0 + 4, gml.Z0)]  # fmt: skip
    face = gml.polygon(gml.square(), holes=[hole], style=style)
    city, _ = read(tmp_path, version, gml.building(gml.boundary(version, "GroundSurface", face)))
    assert len(city.ring_start) == 3
    assert area(city) == pytest.approx(96, rel=1e-5)


@versions
def test_parts_and_installations_belong_to_their_building(tmp_path: Path, version: str) -> None:
    part = f'<b:BuildingPart q:id="P">{gml.house_surfaces(version, "P")}</b:BuildingPart>'
    chimney = (
        f'<b:BuildingInstallation q:id="I">{gml.house_surfaces(version, "I", gml.X0 + 20)}</b:BuildingInstallation>'
    )
    parts, outer = ("buildingPart", "buildingInstallation") if version == "3.0" else (
        "consistsOfBuildingPart", "outerBuildingInstallation")  # fmt: skip
    city, _ = read(
        tmp_path, version, gml.building(f"<b:{parts}>{part}</b:{parts}><b:{outer}>{chimney}</b:{outer}>", "H")
    )
    assert city.objects.ids.tolist() == ["H", "P", "I"]
    assert [city.objects.types[code] for code in city.objects.type_code] == [
        "Building", "BuildingPart", "BuildingInstallation",
    ]  # fmt: skip
    assert city.objects.root.tolist() == [0, 0, 0]
    assert np.bincount(city.face_object, minlength=3).tolist() == [0, 7, 7]


@versions
def test_rooms_are_left_out_and_counted(tmp_path: Path, version: str) -> None:
    name, prop = ("BuildingRoom", "buildingRoom") if version == "3.0" else ("Room", "interiorRoom")
    room = f'<b:{prop}><b:{name} q:id="R1">{gml.house_surfaces(version, "R")}</b:{name}></b:{prop}>'
    city, context = read(tmp_path, version, gml.building(gml.house_surfaces(version, "A", lod=3) + room))
    assert len(city.face_surface) == gml.HOUSE_FACES
    assert "Rooms and other things inside, left out: 1" in messages(context)


@versions
def test_windows_and_doors_of_lod3(tmp_path: Path, version: str) -> None:
    x, y, z = gml.X0 + 1, gml.Y0, gml.Z0 + 1
    pane = gml.multi_surface(gml.polygon([(x, y, z), (x + 1, y, z), (x + 1, y, z + 1), (x, y, z + 1)]))
    if version == "3.0":
        opening = (
            "<con:fillingSurface><con:WindowSurface><c:lod3MultiSurface>"
            f"{pane}</c:lod3MultiSurface></con:WindowSurface></con:fillingSurface>"
        )
    else:
        opening = f"<b:opening><b:Window><b:lod3MultiSurface>{pane}</b:lod3MultiSurface></b:Window></b:opening>"
    wall = gml.boundary(version, "WallSurface", gml.polygon(gml.house_rings()[1][1]), lod=3, extra=opening)
    city, _ = read(tmp_path, version, gml.building(wall))
    assert city.face_surface.tolist() == [SurfaceType.WALL, SurfaceType.WINDOW]


@before_3
def test_footprint_and_roof_edge_of_lod0(tmp_path: Path, version: str) -> None:
    edge = gml.multi_surface(gml.polygon(gml.square()))
    city, _ = read(
        tmp_path,
        version,
        gml.building(f"<b:lod0FootPrint>{edge}</b:lod0FootPrint><b:lod0RoofEdge>{edge}</b:lod0RoofEdge>"),
    )
    assert city.lods == ("0",)
    assert city.face_surface.tolist() == [SurfaceType.GROUND, SurfaceType.ROOF]


def test_flat_rings_are_recognised_by_where_they_close(tmp_path: Path) -> None:
    flat = "<q:posList>565000 5935000 565010 5935000 565010 5935010 565000 5935010 565000 5935000</q:posList>"
    face = f"<q:Polygon><q:exterior><q:LinearRing>{flat}</q:LinearRing></q:exterior></q:Polygon>"
    content = f"<b:lod0FootPrint>{gml.multi_surface(face)}</b:lod0FootPrint>"
    city, context = read(tmp_path, "2.0", gml.building(content))
    assert area(city) == pytest.approx(100, rel=1e-5)
    assert "Outlines without heights" in messages(context)


@versions
def test_terrain_of_triangles_without_its_control_points(tmp_path: Path, version: str) -> None:
    patches = "patches" if version == "3.0" else "trianglePatches"
    a, b, c, d = gml.square()
    triangles = "".join(
        f"<q:Triangle><q:exterior>{gml.ring(points)}</q:exterior></q:Triangle>" for points in ([a, b, c], [a, c, d])
    )
    control = "<q:controlPoint><q:posList>1 2 3 4 5 6</q:posList></q:controlPoint>"
    tin = f"<d:tin><q:Tin><q:{patches}>{triangles}</q:{patches}>{control}</q:Tin></d:tin>"
    relief = f'<d:TINRelief q:id="T"><d:lod>2</d:lod>{tin}</d:TINRelief>'
    member = (
        f'<d:ReliefFeature q:id="R"><d:lod>2</d:lod><d:reliefComponent>{relief}</d:reliefComponent></d:ReliefFeature>'
    )
    city, _ = read(tmp_path, version, member)
    assert city.objects.count_by_type() == {"TINRelief": 1}
    assert city.lods == ("2",)
    assert area(city) == pytest.approx(100, rel=1e-5)


@versions
def test_every_module_is_read_under_its_cityjson_name(tmp_path: Path, version: str) -> None:
    surface = gml.multi_surface(gml.polygon(gml.square()))

    def flat(name: str) -> str:
        prefix, _, _ = name.partition(":")
        inner = "c" if version == "3.0" else prefix
        return f"<{name}><{inner}:lod2MultiSurface>{surface}</{inner}:lod2MultiSurface></{name}>"

    names = ["v:PlantCover", "v:SolitaryVegetationObject", "w:WaterBody", "tr:Road", "tr:Railway", "tr:Square",
             "lu:LandUse", "f:CityFurniture", "g:GenericCityObject", "grp:CityObjectGroup"]  # fmt: skip
    if version != "1.0":
        names += ["br:Bridge", "tu:Tunnel"]
    city, _ = read(tmp_path, version, *(flat(name) for name in names))
    expected = {name.partition(":")[2].replace("Square", "TransportSquare"): 1 for name in names}
    assert city.objects.count_by_type() == expected
    assert len(city.face_surface) == len(names)


def test_road_surfaces_of_citygml_3_hang_below_sections_and_spaces(tmp_path: Path) -> None:
    area_surface = gml.boundary("3.0", "TrafficArea", gml.polygon(gml.square()), module="tr")
    space = f"<tr:trafficSpace><tr:TrafficSpace>{area_surface}</tr:TrafficSpace></tr:trafficSpace>"
    road = f'<tr:Road q:id="R"><tr:section><tr:Section q:id="S">{space}</tr:Section></tr:section></tr:Road>'
    city, _ = read(tmp_path, "3.0", road)
    assert city.objects.count_by_type() == {"Road": 1, "Section": 1}
    assert city.face_surface.tolist() == [SurfaceType.TRAFFIC]
    assert city.objects.root.tolist() == [0, 0]


def test_an_unknown_kind_is_kept_and_reported(tmp_path: Path) -> None:
    surface = gml.multi_surface(gml.polygon(gml.square()))
    odd = f'<z:Airfield xmlns:z="urn:example" q:id="Z"><b:lod1MultiSurface>{surface}</b:lod1MultiSurface></z:Airfield>'
    city, context = read(tmp_path, "2.0", odd)
    assert city.objects.types == ("+Airfield",)
    assert len(city.face_surface) == 1
    assert "unknown kind (Airfield)" in messages(context)


@before_3
def test_implicit_shapes_are_placed_by_matrix_and_reference_point(tmp_path: Path, version: str) -> None:
    shape = f'<q:MultiSurface q:id="tree">{gml.multi_surface(gml.polygon(gml.square(0, 0, 0, 1)))[16:]}'

    def tree(name: str, geometry: str, x: float) -> str:
        return (
            f'<v:SolitaryVegetationObject q:id="{name}"><v:lod2ImplicitRepresentation><c:ImplicitGeometry>'
            "<c:transformationMatrix>2 0 0 0 0 2 0 0 0 0 2 0 0 0 0 1</c:transformationMatrix>"
            f"{geometry}<c:referencePoint><q:Point><q:pos>{x} {gml.Y0} {gml.Z0}</q:pos></q:Point></c:referencePoint>"
            "</c:ImplicitGeometry></v:lod2ImplicitRepresentation></v:SolitaryVegetationObject>"
        )

    link = '<c:relativeGMLGeometry x:href="#tree"/>'
    first = tree("A", link, gml.X0 + 50)
    second = tree("B", f"<c:relativeGMLGeometry>{shape}</c:relativeGMLGeometry>", gml.X0)
    city, context = read(tmp_path, version, first, second)
    assert sorted(city.face_object.tolist()) == [0, 1]
    assert area(city) == pytest.approx(8, rel=1e-5)
    centres = city.frame.crs_from_local(city.positions_local.reshape(-1, 4, 3).mean(axis=1))
    assert sorted(np.round(centres[:, 0] - gml.X0, 3).tolist()) == [1.0, 51.0]
    assert context.log.issues() == ()


def test_a_negative_orientation_turns_a_face_round(tmp_path: Path) -> None:
    def up(orientation: str) -> float:
        base = f"<q:baseSurface>{gml.polygon(gml.square())}</q:baseSurface>"
        face = f'<q:OrientableSurface orientation="{orientation}">{base}</q:OrientableSurface>'
        city, _ = read(tmp_path, "2.0", gml.building(gml.boundary("2.0", "RoofSurface", face)))
        a, b, c = city.positions_local[city.triangles[0]].astype(float)
        return float(np.cross(b - a, c - a)[2])

    assert up("+") > 0 > up("-")


_TURNED = f'<q:OrientableSurface orientation="-"><q:baseSurface>{gml.polygon(gml.square())}</q:baseSurface>'


@versions
@pytest.mark.parametrize(
    ("content", "triangles", "area_m2", "faces_down"),
    [
        (f"{_TURNED}</q:OrientableSurface>", 2, 100.0, True),
        (gml.polygon(gml.square(), holes=[gml.square(gml.X0 + 4, gml.Y0 + 4, size=2.0)]), 8, 96.0, False),
        (gml.polygon(gml.square(), style="coordinates"), 2, 100.0, False),
        (gml.multi_surface(gml.polygon(gml.square()), gml.polygon(gml.square())), 4, 200.0, False),
    ],
    ids=["turned round", "with a hole", "other coordinates", "two polygons"],
)
def test_unlike_surfaces_after_plain_ones_are_read_the_long_way(
    tmp_path: Path, version: str, content: str, triangles: int, area_m2: float, faces_down: bool
) -> None:
    plain = gml.boundary(version, "RoofSurface", gml.polygon(gml.square()))
    other = gml.boundary(version, "RoofSurface", content)
    if faces_down:  # without a collection around it, it has as many elements as a plain surface
        other = other.replace("<q:MultiSurface><q:surfaceMember>", "")
        other = other.replace("</q:surfaceMember></q:MultiSurface>", "")
        assert other.count("</") == plain.count("</")
    city, _ = read(tmp_path, version, gml.building(plain + plain + other))
    assert len(city.triangles) == 4 + triangles
    assert area(city) == pytest.approx(200 + area_m2, rel=1e-4)
    assert set(city.face_surface.tolist()) == {SurfaceType.ROOF}
    a, b, c = (city.positions_local[city.triangles[-1, k]].astype(float) for k in range(3))
    assert (np.cross(b - a, c - a)[2] < 0) == faces_down


def test_lines_are_counted_and_do_not_spoil_faces(tmp_path: Path) -> None:
    line = "<q:geometryMember><q:LineString><q:posList>1 2 3 4 5 6</q:posList></q:LineString></q:geometryMember>"
    face = f"<q:geometryMember>{gml.polygon(gml.square())}</q:geometryMember>"
    content = f"<b:lod3Geometry><q:MultiGeometry>{face}{line}</q:MultiGeometry></b:lod3Geometry>"
    inner = f"<b:BuildingInstallation>{content}</b:BuildingInstallation>"
    inner = f"<b:outerBuildingInstallation>{inner}</b:outerBuildingInstallation>"
    city, context = read(tmp_path, "2.0", gml.building(inner))
    assert area(city) == pytest.approx(100, rel=1e-5)
    assert "Lines and points, left out: 1" in messages(context)


@pytest.mark.parametrize("bad", ["1 2", "a b c d e f g h i", "NaN NaN NaN 1 1 1 2 2 2", "1e999 0 0 1 1 1 2 0 0"])
def test_one_bad_building_never_costs_the_others(tmp_path: Path, bad: str) -> None:
    face = f"<q:Polygon><q:exterior><q:LinearRing><q:posList>{bad}</q:posList></q:LinearRing></q:exterior></q:Polygon>"
    broken = gml.building(gml.boundary("2.0", "RoofSurface", face), "BAD")
    city, context = read(tmp_path, "2.0", gml.house("2.0", "A"), broken, gml.house("2.0", "B", gml.X0 + 30))
    assert len(city.objects) == 3
    assert np.bincount(city.face_object, minlength=3).tolist() == [7, 0, 7]
    assert any("BAD" in issue.where for issue in context.log.issues())


def test_a_cut_off_file_shows_what_was_complete(tmp_path: Path) -> None:
    path = gml.write(tmp_path / "city.gml", "2.0", gml.houses("2.0", 20))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    context = ReadContext()
    city = read_citygml(path, context)
    assert 5 <= len(city.objects) <= 12
    assert f"the {len(city.objects)} objects before that are shown" in messages(context)


@pytest.mark.parametrize(
    "content", [b"", b"nothing", b"<a/>", b"<a><b></a>", b"\x1f\x8bnot gzip", b"PK\x03\x04broken", b"\xff\xfe\x00"]
)
def test_what_is_no_city_gives_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "city.gml"
    path.write_bytes(content)
    with pytest.raises(ReadError) as caught:
        read_citygml(path, ReadContext())
    assert str(path) in str(caught.value)


def test_an_xml_bomb_is_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE c [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
    path = gml.write(tmp_path / "city.gml", "2.0", [gml.building("<q:name>&b;</q:name>")], prolog=bomb)
    with pytest.raises(ReadError, match="entities"):
        read_citygml(path, ReadContext())


def test_an_external_entity_is_never_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    prolog = f'<!DOCTYPE c [<!ENTITY x SYSTEM "{secret.as_uri()}">]>\n'
    path = gml.write(tmp_path / "city.gml", "2.0", [gml.building("<q:name>&x;</q:name>")], prolog=prolog)
    with pytest.raises(ReadError, match="entities"):
        read_citygml(path, ReadContext())


def test_an_external_dtd_is_not_loaded(tmp_path: Path) -> None:
    prolog = '<!DOCTYPE CityModel SYSTEM "http://example.invalid/city.dtd">\n'
    path = gml.write(tmp_path / "city.gml", "2.0", [gml.house("2.0")], prolog=prolog)
    assert len(read_citygml(path, ReadContext()).objects) == 1


def test_a_list_of_eleven_megabytes_is_read(tmp_path: Path) -> None:
    count = 200_000
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    ring = np.column_stack([gml.X0 + 500 * np.cos(angle), gml.Y0 + 500 * np.sin(angle), np.full(count, gml.Z0)])
    # Repeated points make the list long and the polygon small.
    ring = np.repeat(ring[:: count // 50], count // 50, axis=0)
    numbers = " ".join(f"{v:.12f}" for v in np.vstack([ring, ring[:1]]).ravel())
    assert len(numbers) > 10_500_000
    face = (
        f"<q:Polygon><q:exterior><q:LinearRing><q:posList>{numbers}</q:posList></q:LinearRing></q:exterior></q:Polygon>"
    )
    city, _ = read(tmp_path, "2.0", gml.building(gml.boundary("2.0", "GroundSurface", face)))
    assert len(city.positions_local) == 50


def test_nesting_of_three_thousand_levels_is_refused(tmp_path: Path) -> None:
    deep = "<q:a>" * 3000 + "</q:a>" * 3000
    with pytest.raises(LimitError, match="2048"):
        read(tmp_path, "2.0", gml.building(deep))


def test_nested_groups_end_at_a_limit_and_not_in_a_crash(tmp_path: Path) -> None:
    deep = "".join(f'<b:consistsOfBuildingPart><b:BuildingPart q:id="p{i}">' for i in range(300))
    deep += "</b:BuildingPart></b:consistsOfBuildingPart>" * 300
    city, context = read(tmp_path, "2.0", gml.building(deep), gml.house("2.0", "A"))
    assert 10 < len(city.objects) < 300
    assert "nested too deeply" in messages(context)


@versions
def test_tiles_in_an_archive_become_one_city(tmp_path: Path, version: str) -> None:
    path = tmp_path / "tiles.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(3):
            parts = gml.document(version, [gml.house(version, f"H{i}", gml.X0 + 1000 * i)])
            archive.writestr(f"folder/tile{i}.gml", "".join(parts))
        archive.writestr("__MACOSX/folder/._tile0.gml", "".join(gml.document(version, [gml.house(version)])))
        archive.writestr("readme.txt", "not a city")
    city = read_citygml(path, ReadContext())
    assert city.objects.ids.tolist() == ["H0", "H1", "H2"]
    assert len(city.face_surface) == 3 * gml.HOUSE_FACES
    assert city.name == "tiles"


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "city.gml.gz"
    path.write_bytes(gzip.compress("".join(gml.document("2.0", [gml.house("2.0")])).encode()))
    city = read_citygml(path, ReadContext())
    assert (len(city.objects), city.name) == (1, "city")


def test_chunks_do_not_change_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = gml.write(tmp_path / "city.gml", "2.0", gml.houses("2.0", 30))
    whole = read_citygml(path, ReadContext())
    monkeypatch.setattr("viewer.readers.citygml_faces.CHUNK_CHARACTERS", 500)
    pieces = read_citygml(path, ReadContext())
    for name, array in whole.arrays().items():
        assert np.array_equal(array, pieces.arrays()[name]), name


def test_cancelling_stops_reading(tmp_path: Path) -> None:
    from viewer.errors import Cancelled
    from viewer.plugin_api.context import Progress

    path = gml.write(tmp_path / "city.gml", "2.0", gml.houses("2.0", 3))
    with pytest.raises(Cancelled):
        read_citygml(path, ReadContext(progress=Progress(is_cancelled=lambda: True)))


@versions
def test_sniffing(version: str) -> None:
    head = "".join(gml.document(version, []))[:400].encode()
    assert looks_like_citygml(head)
    assert looks_like_citygml("\ufeff".encode() + head)
    assert not looks_like_citygml(b'{"type": "CityJSON"}')
    assert not looks_like_citygml(b"<osm><node/></osm>")


REAL = {
    "nrw-lod2-cologne/nrw-lod2-cologne-25-tiles.zip": 2985,
    "nrw-lod2-tile/LoD2_32_280_5659_1_NW.gml": 164,
    "lower-saxony-lod1-lorup/lorup-lod1-18-tiles.zip": 2401,
    "karlsruhe-lod2-wgs84/innenstadt_ost_4326_lod2.gml": 345,
    "berlin-gasometer-textured/Gasometer.gml": 118,
    "berlin-lod2-tiles/3900_5820.gml": 75,
    "berlin-lod2-tiles/3920_5820.gml": 6,
    "berlin-lod2-tiles/berlin_open_data_sample_data.citygml": 61,
    "hamburg-lod2-vintages/2016/LoD2_576_5950_1_HH.xml": 118,
    "hamburg-lod2-vintages/2022/LoD2_576_5950_1_HH.xml": 118,
    "potsdam-lod1/Potsdam_LoD1.gml": 97,
    "dresden-lod2/LoD2_33_416_5656_2_SN_BuildingPreferences_14_Buildings_original.gml": 21,
    "bavaria-lod2-gausskrueger/LOD2_4424_5482_solid.gml": 111,
    "fzk-haus-all-lods/FZK-Haus-LoD-all-KIT-IAI-KHH-B36-V1.zip": 1,
    "geores-textured-templates/geoRES_testdata_v1.0.0.xml": 5,
    "den-haag/DenHaag_01.zip": 2497,
    "citygml3/Building_LOD3-EPSG25832.gml": 1,
    "citygml3/Opera-Lyon_CityGML3.0_LOD2_with_xAL3_FreeText.gml": 1,
    "citygml3/lod2_buildings_v3.gml": 100,
    "tokyo-plateau-textured/53392633_bldg_6697_2_op.gml": 10,
    "ingolstadt-lod3-textured/4018106/4018106.xml": 1,
    "ingolstadt-lod3-textured/4018152a/4018152a.xml": 1,
    "munich-terrain-and-buildings/DEBY_LOD2_4959457.gml": 1,
}
_COUNTED = ("Building", "BuildingPart", "BuildingInstallation", "SolitaryVegetationObject", "CityFurniture", "Road",
            "LandUse", "TINRelief", "Section", "Intersection")  # fmt: skip


def _elements(path: Path) -> Counter[str]:
    """Elements by local name, counted without any code of the reader."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            files = [io.BytesIO(archive.read(n)) for n in archive.namelist()
                     if n.endswith((".gml", ".xml")) and "MACOSX" not in n]  # fmt: skip
    else:
        files = [io.BytesIO(path.read_bytes())]
    counts: Counter[str] = Counter()
    for file in files:
        for _, element in etree.iterparse(file, huge_tree=True):
            if isinstance(element.tag, str):
                counts[etree.QName(element).localname] += 1
            element.clear()
    return counts


@needs_data
@pytest.mark.parametrize("name", REAL)
def test_real_files_have_as_many_objects_as_elements(name: str) -> None:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not there")
    context = ReadContext()
    city = read_citygml(path, context)
    found, elements = city.objects.count_by_type(), _elements(path)
    for kind in _COUNTED:
        assert found.get(kind, 0) == elements[kind], kind
    assert found.get("Building", 0) + found.get("BuildingPart", 0) == REAL[name]
    assert len(city.triangles) >= len(city.face_surface) > 0
    assert context.facts["crs"].startswith("EPSG:")
    assert np.ptp(city.positions_local[:, :2], axis=0).max() < 30_000
    # Nearly every face that is written down is used, or explained.
    told = [i.count for i in context.log.issues() if "aces" in i.text and i.severity is not Severity.INFO]
    assert sum(told) <= max(40, 0.02 * elements["Polygon"])
