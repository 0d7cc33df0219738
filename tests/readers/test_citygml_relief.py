"""Terrain of CityGML that is not written as triangles: points, break lines and grids."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.readers.export import towns
from tests.readers.export.test_round_trip import SCHEMA, judged
from viewer.city import CityModel
from viewer.city.ground import make_ground
from viewer.city.measures import measure
from viewer.plugin_api.context import ReadContext
from viewer.readers import citygml_parts, limits
from viewer.readers.citygml import read_citygml
from viewer.readers.crs import transform

sys.path.insert(0, str(Path(__file__).parent))
import gml_fixtures as gml

versions = pytest.mark.parametrize("version", gml.VERSIONS)
Point = tuple[float, float, float]


def hill(side: int = 11, step: float = 10.0) -> list[Point]:
    """Points on a grid of rising ground: a metre up for every ten to the east, two for every ten to the north."""
    return [(gml.X0 + step * i, gml.Y0 + step * j, gml.Z0 + i + 2.0 * j) for j in range(side) for i in range(side)]


def text(points: list[Point]) -> str:
    return " ".join(f"{c:.3f}" for point in points for c in point)


def mass(points: list[Point], name: str = "M", *, style: str = "pos") -> str:
    """A ``MassPointRelief``; ``style`` is one way to write its points."""
    if style == "pos":
        inner = "".join(f"<q:pointMember><q:Point><q:pos>{text([p])}</q:pos></q:Point></q:pointMember>" for p in points)
    elif style == "members":
        inner = "".join(f"<q:Point><q:pos>{text([p])}</q:pos></q:Point>" for p in points)
        inner = f"<q:pointMembers>{inner}</q:pointMembers>"
    elif style == "coordinates":
        inner = "".join(
            f"<q:pointMember><q:Point><q:coordinates>{x},{y},{z}</q:coordinates></q:Point></q:pointMember>"
            for x, y, z in points
        )
    else:
        inner = f"<q:posList>{text(points)}</q:posList>"
    return component("MassPointRelief", name, f"<d:reliefPoints><q:MultiPoint>{inner}</q:MultiPoint></d:reliefPoints>")


def breaklines(*lines: list[Point], name: str = "B", prop: str = "breaklines", curve: str = "LineString") -> str:
    """A ``BreaklineRelief`` of line strings, or of curves with segments."""
    inner = ""
    for line in lines:
        own = f"<q:posList>{text(line)}</q:posList>"
        if curve == "Curve":
            own = f"<q:Curve><q:segments><q:LineStringSegment>{own}</q:LineStringSegment></q:segments></q:Curve>"
        else:
            own = f"<q:LineString>{own}</q:LineString>"
        if curve == "CompositeCurve":
            own = f"<q:CompositeCurve><q:curveMember>{own}</q:curveMember></q:CompositeCurve>"
        inner += f"<q:curveMember>{own}</q:curveMember>"
    return component("BreaklineRelief", name, f"<d:{prop}><q:MultiCurve>{inner}</q:MultiCurve></d:{prop}>")


def component(kind: str, name: str, content: str) -> str:
    return f'<d:{kind} q:id="{name}"><q:name>Hang</q:name><d:lod>2</d:lod>{content}</d:{kind}>'


def feature(*components: str) -> str:
    """The relief feature around its components."""
    inner = "".join(f"<d:reliefComponent>{one}</d:reliefComponent>" for one in components)
    return f'<d:ReliefFeature q:id="R"><d:lod>2</d:lod>{inner}</d:ReliefFeature>'


def read(tmp_path: Path, *members: str, version: str = "2.0", srs: str | None = None) -> tuple[CityModel, ReadContext]:
    context = ReadContext()
    return read_citygml(gml.write(tmp_path / "city.gml", version, members, srs=srs), context), context


def messages(context: ReadContext) -> list[str]:
    """What was said, and of which objects."""
    return [f"{issue} ({', '.join(issue.where)})" for issue in context.log.issues()]


def normals(city: CityModel) -> np.ndarray:
    """(T, 3) twice the area vectors of all triangles."""
    a, b, c = (city.positions_local[city.triangles[:, k]].astype(float) for k in range(3))
    return np.cross(b - a, c - a)


def covered(city: CityModel) -> float:
    """Area seen from above of what faces up."""
    return float(normals(city)[:, 2].clip(min=0).sum() / 2)


def on_the_slope(city: CityModel) -> np.ndarray:
    """How far every vertex lies off the ground of ``hill``."""
    place = city.positions_local + np.array(city.frame.origin_crs) - (gml.X0, gml.Y0, gml.Z0)
    return np.abs(place[:, 2] - place[:, 0] / 10 - place[:, 1] / 5)


@versions
@pytest.mark.parametrize("style", ["pos", "members", "coordinates", "posList"])
def test_mass_points_become_a_surface_through_all_of_them(tmp_path: Path, version: str, style: str) -> None:
    city, context = read(tmp_path, feature(mass(hill(), style=style)), version=version)
    assert city.objects.count_by_type() == {"MassPointRelief": 1}
    assert city.objects.ids.tolist() == ["M"]
    assert city.objects.attributes["name"].values.tolist() == ["Hang"]
    assert city.lods == ("2",)
    assert len(city.face_surface) == len(city.triangles) == 200
    assert covered(city) == pytest.approx(100.0**2, rel=1e-5)
    assert (normals(city)[:, 2] > 0).all()
    assert on_the_slope(city).max() < 1e-3
    assert not [words for words in messages(context) if "errain" in words or "ines" in words]


@versions
@pytest.mark.parametrize("prop", ["breaklines", "ridgeOrValleyLines"])
@pytest.mark.parametrize("curve", ["LineString", "Curve", "CompositeCurve"])
def test_break_lines_by_themselves_become_a_surface(tmp_path: Path, version: str, prop: str, curve: str) -> None:
    low, high = [(gml.X0 + x, gml.Y0, 5.0) for x in (0, 10, 20)], [(gml.X0 + x, gml.Y0 + 30, 9.0) for x in (0, 10, 20)]
    city, _ = read(tmp_path, feature(breaklines(low, high, prop=prop, curve=curve)), version=version)
    assert city.objects.count_by_type() == {"BreaklineRelief": 1}
    assert len(city.face_surface) == 4
    assert covered(city) == pytest.approx(600.0)


def test_break_lines_are_part_of_the_terrain_of_the_points_beside_them(tmp_path: Path) -> None:
    ridge = [(gml.X0 + x, gml.Y0 + 51.0, gml.Z0 + 100.0) for x in (35.0, 45.0, 55.0)]
    city, context = read(tmp_path, feature(breaklines(ridge), mass(hill())))
    assert sorted(city.objects.ids.tolist()) == ["B", "M"]
    owner = city.objects.ids.tolist().index("M")
    assert (city.face_object == owner).all()
    assert city.positions_local[:, 2].max() + city.frame.origin_crs[2] == pytest.approx(gml.Z0 + 100, abs=1e-3)
    assert covered(city) == pytest.approx(100.0**2, rel=1e-5)
    assert "Break lines, shown as part of the terrain of the points beside them: 1 (B)" in messages(context)


def test_break_lines_join_the_points_they_lie_among(tmp_path: Path) -> None:
    east = [(x + 500, y, z) for x, y, z in hill()]
    ridge = [(gml.X0 + 500 + x, gml.Y0 + 51.0, gml.Z0 + 100.0) for x in (35.0, 45.0)]
    city, _ = read(tmp_path, feature(mass(hill(), "west"), breaklines(ridge), mass(east, "east")))
    faces = np.bincount(city.face_object, minlength=3)
    assert dict(zip(city.objects.ids.tolist(), faces.tolist(), strict=True)) == {"west": 200, "B": 0, "east": 204}


def test_points_of_two_relief_features_are_two_surfaces(tmp_path: Path) -> None:
    line = [(gml.X0 + x, gml.Y0 + 200 + x * x, 5.0) for x in (0.0, 10.0, 20.0)]
    city, _ = read(tmp_path, feature(mass(hill())), feature(breaklines(line)))
    assert np.bincount(city.face_object).tolist() == [200, 1]


def test_break_lines_beside_triangles_do_not_cover_them(tmp_path: Path) -> None:
    a, b, c, _ = gml.square()
    triangle = f"<q:Triangle><q:exterior>{gml.ring([a, b, c])}</q:exterior></q:Triangle>"
    surface = f"<q:TriangulatedSurface><q:trianglePatches>{triangle}</q:trianglePatches></q:TriangulatedSurface>"
    tin = component("TINRelief", "T", f"<d:tin>{surface}</d:tin>")
    city, context = read(tmp_path, feature(tin, breaklines([a, b, (b[0], b[1] + 5, b[2] + 9)])))
    assert len(city.face_surface) == 1
    assert "Break lines beside a terrain of triangles or a grid, left out: 1 (B)" in messages(context)


@pytest.mark.parametrize(
    "points",
    [[], hill()[:2], hill()[:11], [hill()[0]] * 5, [(float("nan"), 1.0, 2.0)] * 4, [(1e308, -1e308, 1e308)] * 3],
    ids=["none", "two", "on a line", "one place", "no numbers", "huge"],
)
def test_points_that_span_no_surface_are_told_and_cost_nothing_else(tmp_path: Path, points: list[Point]) -> None:
    city, context = read(tmp_path, feature(mass(points)), gml.house("2.0"))
    assert city.objects.ids.tolist() == ["M", "H1"]
    assert len(city.face_surface) == gml.HOUSE_FACES
    assert "Terrains without three points that span a surface, not shown: 1 (M)" in messages(context)


def test_points_without_a_place_are_left_out_and_counted(tmp_path: Path) -> None:
    words = ("nan 5 6", "1 2", "here it is", "0 0 0", "5e5 6e6 99999")
    bad = "".join(f"<q:pos>{own}</q:pos>" for own in words)
    member = feature(mass(hill())).replace("</q:MultiPoint>", bad + '<q:pointMember x:href="#p"/></q:MultiPoint>')
    city, context = read(tmp_path, member)
    assert covered(city) == pytest.approx(100.0**2, rel=1e-5)
    assert on_the_slope(city).max() < 1e-3
    assert "Points of terrain without a usable place, left out: 6 (M)" in messages(context)


def test_of_points_at_one_place_the_first_counts(tmp_path: Path) -> None:
    points = hill()
    again = [points[60], (*points[61][:2], 99.0)]
    city, context = read(tmp_path, feature(mass(points + again)))
    assert len(city.face_surface) == 200
    assert on_the_slope(city).max() < 1e-3
    assert "Points of terrain where there is one already with another height, left out: 1 (M)" in messages(context)


def test_points_in_the_order_north_east_face_up_too(tmp_path: Path) -> None:
    turned = [(y, x, z) for x, y, z in hill()]
    city, context = read(tmp_path, feature(mass(turned)))
    assert any("North comes before east" in words for words in messages(context))
    assert (normals(city)[:, 2] > 0).all()
    assert on_the_slope(city).max() < 1e-3


def test_points_in_degrees_are_brought_into_metres(tmp_path: Path) -> None:
    degrees = [(9.9 + 0.001 * i, 53.5 + 0.001 * j, 5.0 + i) for i in range(5) for j in range(5)]
    city, _ = read(tmp_path, feature(mass(degrees)), srs="EPSG:4326")
    assert covered(city) == pytest.approx(265.5 * 445.2, rel=0.01)
    assert (normals(city)[:, 2] > 0).all()


def test_the_ground_is_made_of_the_points(tmp_path: Path) -> None:
    city, _ = read(tmp_path, feature(mass(hill())))
    ground = make_ground(city, None, measure(city))
    middle = np.array([[gml.X0 + 50.0, gml.Y0 + 50.0]]) - city.frame.origin_crs[:2]
    wanted = gml.Z0 + 15.0 - city.frame.origin_crs[2]
    assert ground.exact
    assert ground.height_at(middle)[0] == pytest.approx(wanted, abs=0.6)


def test_more_points_than_may_be_are_thinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_RELIEF_POINTS", 50)
    city, context = read(tmp_path, feature(mass(hill())))
    assert 20 < len(city.face_surface) < 100
    assert on_the_slope(city).max() < 1e-3
    assert "Terrains with more points than are shown, thinned: 1 (M)" in messages(context)
    monkeypatch.setattr(limits, "MAX_RELIEF_POINTS_TOGETHER", 100)
    monkeypatch.setattr(limits, "MAX_RELIEF_POINTS", 1000)
    _, context = read(tmp_path, feature(mass(hill(), "M1")), feature(mass(hill(), "M2")))
    assert "Terrains with more points than are shown, thinned: 2 (M1, M2)" in messages(context)


def test_terrain_of_several_parts_is_that_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = [*gml.houses("2.0", 60), feature(mass(hill()), breaklines(hill()[:3])), feature(mass(hill(5), "N"))]
    path = gml.write(tmp_path / "city.gml", "2.0", members)
    whole, whole_log = read_citygml(path, context := ReadContext()), messages(context)
    monkeypatch.setattr(citygml_parts, "WORTH_BYTES", 0)
    monkeypatch.setattr(citygml_parts, "PART_BYTES", 60_000)
    monkeypatch.setattr(citygml_parts, "helper_count", lambda: 1)
    parts, parts_log = read_citygml(path, context := ReadContext()), messages(context)
    assert parts.objects.ids.tolist() == whole.objects.ids.tolist()
    assert np.array_equal(parts.positions_local, whole.positions_local)
    assert np.array_equal(parts.face_object, whole.face_object)
    assert parts_log == whole_log


@versions
def test_a_tin_that_is_only_control_points_is_meshed(tmp_path: Path, version: str) -> None:
    """CityGML leaves the triangles of a ``gml:Tin`` to its readers."""
    patches = "patches" if version == "3.0" else "trianglePatches"
    edge = f"<q:LineStringSegment><q:posList>{text([(gml.X0, gml.Y0 + 101, 9.0), (gml.X0 + 100, gml.Y0 + 101, 9.0)])}"
    lines = f"<q:breakLines>{edge}</q:posList></q:LineStringSegment></q:breakLines>"
    control = f"<q:controlPoint><q:posList>{text(hill())}</q:posList></q:controlPoint>"
    tin = (
        f'<d:tin><q:Tin q:id="tin"><q:{patches}/>{lines}<q:maxLength uom="m">50</q:maxLength>{control}</q:Tin></d:tin>'
    )
    city, context = read(tmp_path, feature(component("TINRelief", "T", tin)), version=version)
    assert city.objects.count_by_type() == {"TINRelief": 1}
    assert city.lods == ("2",)
    assert covered(city) == pytest.approx(100.0 * 101.0, rel=1e-5)
    assert not [words for words in messages(context) if "errain" in words]


def test_points_of_a_tile_in_another_system_are_brought_into_that_of_the_first(tmp_path: Path) -> None:
    place = transform(np.array(hill()), "EPSG:25832", "EPSG:25833")
    moved = [(x, y, z) for x, y, z in place.tolist()]
    with zipfile.ZipFile(tmp_path / "tiles.zip", "w") as archive:
        archive.writestr("1.gml", "".join(gml.document("2.0", [gml.house("2.0")], srs="EPSG:25832")))
        archive.writestr("2.gml", "".join(gml.document("2.0", [feature(mass(moved))], srs="EPSG:25833")))
    city = read_citygml(tmp_path / "tiles.zip", context := ReadContext())
    owner = city.objects.ids.tolist().index("M")
    assert on_the_slope(city)[city.face_object[city.vertex_face] == owner].max() < 2e-3
    assert any(words.startswith("Parts in EPSG:25833 were brought into") for words in messages(context))


def test_points_in_a_file_of_their_own_are_named_not_read(tmp_path: Path) -> None:
    (tmp_path / "points.laz").write_bytes(b"")
    cloud = (
        "<d:pointCloud><p:PointCloud xmlns:p='x'><p:pointFile>points.laz</p:pointFile></p:PointCloud></d:pointCloud>"
    )
    _, context = read(tmp_path, feature(component("MassPointRelief", "M", cloud)), gml.house("3.0"), version="3.0")
    told = "Terrains whose heights lie in another file, not shown: 1. Open points.laz as a terrain of its own. (M)"
    assert told in messages(context)
    assert not any("span" in words for words in messages(context))


def test_a_property_called_grid_of_a_house_is_still_an_attribute(tmp_path: Path) -> None:
    own = gml.house("2.0").replace("<q:name>", '<a:grid xmlns:a="http://example.org/ade">B7</a:grid><q:name>', 1)
    city, _ = read(tmp_path, own)
    assert city.objects.attributes["grid"].values.tolist() == ["B7"]


# -- written again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".gml", ".city.json", ".city.jsonl"])
def test_terrain_of_points_is_written_as_triangles(tmp_path: Path, ending: str) -> None:
    ridge = [(gml.X0 + x, gml.Y0 + 51.0, gml.Z0 + 100.0) for x in (35.0, 45.0, 55.0)]
    city, _ = read(tmp_path, feature(mass(hill()), breaklines(ridge)))
    again = towns.read(towns.write(towns.export_of(city), tmp_path / f"again{ending}"), city)
    assert again.objects.count_by_type() == {"TINRelief": 2}
    assert sorted(again.objects.ids.tolist()) == ["B", "M"]
    assert len(again.face_surface) == len(again.triangles) == len(city.face_surface)
    np.testing.assert_allclose(again.extent_local, city.extent_local, atol=1.5e-3)
    if ending == ".gml":
        kinds = again.objects.attributes["objectType"].values.tolist()
        assert sorted(kinds) == ["BreaklineRelief", "MassPointRelief"]
    if ending == ".city.json":
        written = json.loads((tmp_path / "again.city.json").read_text(encoding="utf-8"))["CityObjects"]
        assert [shape["type"] for shape in written["M"]["geometry"]] == ["CompositeSurface"]
        assert written["B"]["geometry"] == []


def test_written_terrain_of_points_is_valid_by_the_official_schema(tmp_path: Path) -> None:
    city, _ = read(tmp_path, feature(mass(hill()), breaklines(hill()[:3])))
    path = towns.write(towns.export_of(city), tmp_path / "again.gml")
    assert judged("citysmith", SCHEMA, path)["messages"] == []
