"""From raw rings to a checked city: frame, repairs, attributes, and what is said about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from viewer.city import CityModel, Frame
from viewer.city.report import Severity
from viewer.errors import CrsError, ReadError
from viewer.plugin_api.context import ReadContext
from viewer.plugin_api.raw import RawCity
from viewer.readers.assemble import assemble
from viewer.readers.attributes import is_code

X, Y = 565_000.0, 5_935_000.0
SQUARE = np.array([[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0], [0, 0, 0]], float)


def raw(*rings: Any, crs: str = "EPSG:25832", at: tuple[float, float, float] = (X, Y, 8.0), **more: Any) -> RawCity:
    """One face per ring, each in an object of its own."""
    arrays = [np.asarray(ring, float) + at for ring in rings]
    n = len(arrays)
    values: dict[str, Any] = {
        "points_crs": np.concatenate(arrays) if arrays else np.zeros((0, 3)),
        "ring_start": np.cumsum([0, *(len(a) for a in arrays)]),
        "ring_face": np.arange(n),
        "face_object": np.arange(n),
        "face_surface": np.zeros(n, int),
        "face_lod": np.zeros(n, int),
        "lods": ["2"],
        "object_ids": [f"o{i}" for i in range(n)],
        "object_types": ["Building"] * n,
        "object_parent": np.full(n, -1),
        "crs": crs,
        "format": "Test",
    }
    return RawCity(**(values | more))


def make(city: RawCity, context: ReadContext | None = None) -> tuple[CityModel, ReadContext]:
    context = context or ReadContext()
    return assemble(city, context, path="folder/city.gml"), context


def said(context: ReadContext) -> str:
    return "\n".join(str(issue) for issue in context.log.issues())


def edges(city: CityModel) -> tuple[float, float]:
    """Lengths of the first two sides of the first face, in tenths of a metre."""
    a, b, c = city.positions_local[:3].astype(float)
    return round(float(np.linalg.norm(b - a)), 1), round(float(np.linalg.norm(c - b)), 1)


def test_closing_and_repeated_points_are_dropped() -> None:
    ring = np.repeat(SQUARE, 2, axis=0)
    city, context = make(raw(ring))
    assert city.ring_start.tolist() == [0, 4]
    assert len(city.triangles) == 2
    assert said(context) == ""


def test_the_frame_is_near_the_city_and_its_own_crs_is_kept() -> None:
    city, context = make(raw(SQUARE, SQUARE + [100, 50, 5]))
    assert city.frame == Frame("EPSG:25832", (X + 55, Y + 30, 8.0), "")
    np.testing.assert_allclose(city.frame.crs_from_local(city.positions_local)[0], [X, Y, 8])
    assert context.facts["crs"] == "EPSG:25832"
    assert city.name == "city"


def shared(city: RawCity) -> RawCity:
    """The same city with each place written once."""
    vertices, own = np.unique(city.points_crs, axis=0, return_inverse=True)
    return replace(city, points_crs=vertices, point_vertex=own.reshape(-1).astype(np.int32))


@pytest.mark.parametrize("crs", ["EPSG:25832", "EPSG:25833", "EPSG:3857", ""])
def test_vertices_that_points_share_make_the_same_city(crs: str) -> None:
    near = raw(SQUARE, [[0, 0, 9], [0, 4, 9], [4, 4, 9]], crs=crs)
    one, context = make(near)
    other, more = make(shared(raw(SQUARE, [[0, 0, 9], [0, 4, 9], [4, 4, 9]], crs=crs)))
    assert one.frame == other.frame
    assert np.array_equal(one.positions_local, other.positions_local)
    assert np.array_equal(one.triangles, other.triangles)
    assert said(context) == said(more)


@pytest.mark.parametrize("vertex", [-1, 99])
def test_a_vertex_that_is_not_there_is_refused(vertex: int) -> None:
    city = shared(raw(SQUARE))
    city.point_vertex[1] = vertex
    with pytest.raises(ReadError):
        make(city)


def test_a_city_is_brought_into_the_frame_of_the_open_one() -> None:
    from viewer.readers.crs import transform

    frame = Frame("EPSG:25832", (X, Y, 0.0))
    there = transform(SQUARE + [X, Y, 8.0], "EPSG:25832", "EPSG:31467")
    city, context = make(raw(there, crs="EPSG:31467", at=(0, 0, 0)), ReadContext(frame=frame))
    assert city.frame is frame
    np.testing.assert_allclose(city.positions_local, (SQUARE + [0, 0, 8])[:4], atol=0.02)
    assert "transformed from EPSG:31467 to EPSG:25832, good to about" in said(context)


@pytest.mark.parametrize("north_first", [False, True])
def test_degrees_become_metres_in_the_right_order(north_first: bool) -> None:
    ring = SQUARE * [1e-5, 1e-5, 1] + [10.0, 53.5, 8]
    if north_first:
        ring = ring[:, [1, 0, 2]]
    city, context = make(raw(ring, crs="EPSG:4326", at=(0, 0, 0)))
    assert city.frame.crs == "EPSG:25832"
    assert edges(city) == (6.6, 11.1)
    assert ("order was turned" in said(context)) is north_first


@pytest.mark.parametrize(
    ("own", "level"),
    [("EPSG:5783", Severity.INFO), ("ellipsoidal height", Severity.WARNING), ("EPSG:7837", None), ("", None)],
)
def test_another_height_system_than_the_open_citys_is_told(own: str, level: Severity | None) -> None:
    frame = Frame("EPSG:25832", (X, Y, 0.0), "EPSG:7837")
    city, context = make(raw(SQUARE, vertical_crs=own), ReadContext(frame=frame))
    told = [issue for issue in context.log.issues() if "heights of this file" in issue.text]
    assert [issue.severity for issue in told] == ([level] if level else [])
    assert all("DHHN2016 (EPSG:7837)" in str(issue) for issue in told)
    assert city.frame == frame


def test_web_mercator_is_not_measured_in() -> None:
    city, _ = make(raw(SQUARE, crs="EPSG:3857", at=(1_113_194.9, 7_086_873.4, 0)))
    assert city.frame.crs == "EPSG:25832"
    assert edges(city) == (6.0, 5.9)


def test_feet_become_metres() -> None:
    city, _ = make(raw(SQUARE + [0, 0, 0], SQUARE + [0, 0, 100], crs="EPSG:2263", at=(987_000, 200_000, 0)))
    assert edges(city) == (3.0, 3.0)
    assert np.ptp(city.positions_local[:, 2]) == pytest.approx(30.48, abs=0.001)


def test_a_missing_crs_is_guessed_aloud_and_offered() -> None:
    city, context = make(raw(SQUARE, crs=""))
    assert city.frame.crs == "EPSG:25832"
    assert context.questions == {"crs": "EPSG:25832"}
    assert "does not name its coordinate system" in said(context)
    assert "EPSG:25832 was assumed" in said(context)


def test_a_chosen_crs_beats_the_file() -> None:
    context = ReadContext(options={"crs": "EPSG:25833"})
    city, _ = make(raw(SQUARE, crs="EPSG:25832"), context)
    assert city.frame.crs == "EPSG:25833"
    assert context.questions == {}


def test_a_city_without_a_place_is_still_shown() -> None:
    city, context = make(raw(SQUARE, crs="", at=(0, 0, 0)))
    assert city.frame.crs == ""
    assert len(city.triangles) == 2
    assert "no place on the map" in said(context)


def test_an_unknown_crs_is_reported() -> None:
    _, context = make(raw(SQUARE, crs="urn:example:unknown"))
    assert "The coordinate system urn:example:unknown is not known." in said(context)


def test_an_open_city_with_an_unusable_crs_gives_an_error() -> None:
    with pytest.raises(CrsError):
        make(raw(SQUARE), ReadContext(frame=Frame("EPSG:99999", (1.0, 1.0, 1.0))))


def test_unusable_faces_are_dropped_and_their_objects_named() -> None:
    nan, line, two = SQUARE.copy(), np.array([[0, 0, 0], [5.0, 0, 0], [10, 0, 0]]), SQUARE[:2]
    nan[2, 1] = np.nan
    far = SQUARE + [5e7, 0, 0]
    high = SQUARE + [0, 0, 1e6]
    city, context = make(raw(SQUARE, nan, line, two, far, high, SQUARE + 20))
    assert city.face_object.tolist() == [0, 6]
    assert len(city.objects) == 7
    wheres = {issue.text: issue.where for issue in context.log.issues()}
    assert wheres["Faces with impossible coordinates, left out: {count}"] == ("o1", "o5", "o4")
    assert wheres["Faces with fewer than three corners, left out: {count}"] == ("o3",)
    assert wheres["Faces without an area, left out: {count}"] == ("o2",)


def test_a_hole_without_corners_costs_only_the_hole() -> None:
    city, _ = make(raw(SQUARE, SQUARE[:2] + 2, ring_face=np.array([0, 0]), face_object=np.array([0]),
                       face_surface=np.array([1]), face_lod=np.array([0])))  # fmt: skip
    assert city.face_ring_start.tolist() == [0, 1]
    assert city.ring_start.tolist() == [0, 4]


def test_repeated_ids_become_unique() -> None:
    city, context = make(raw(SQUARE, SQUARE, SQUARE, object_ids=["a", "a", "a_2"]))
    assert len(set(city.objects.ids.tolist())) == 3
    assert "Objects with an id that another object has already" in said(context)
    assert context.log.issues()[0].where == ("a",)


def test_lods_are_sorted_and_unused_ones_forgotten() -> None:
    city, _ = make(raw(SQUARE, SQUARE, lods=["2.2", "0", "1.2"], face_lod=np.array([0, 2])))
    assert city.lods == ("1.2", "2.2")
    assert city.face_lod.tolist() == [1, 0]


def column(values: list[Any], name: str) -> tuple[Any, ReadContext]:
    n = len(values)
    city, context = make(raw(*[SQUARE] * n, attributes={name: (np.arange(n), values)}))
    return city.objects.attributes[name].values, context


def test_numbers_become_numbers_and_codes_stay_text() -> None:
    values, _ = column(["1.5", None, 2], "area")
    assert values[[0, 2]].tolist() == [1.5, 2.0]
    assert np.isnan(values[1])
    assert column(["1000", "2000"], "function")[0].tolist() == ["1000", "2000"]
    assert column(["01067", "20099"], "Ort")[0].tolist() == ["01067", "20099"]
    assert column(["1", "x"], "area")[0].tolist() == ["1", "x"]
    assert column(["1_0", "2"], "area")[0].tolist() == ["1_0", "2"]
    assert column([1.5, 2.5], "area")[0].tolist() == [1.5, 2.5]
    assert column([1, True, 1.0], "area")[0].tolist() == ["1", "True", "1"], "alike, and not the same"
    assert column([None, ""], "area")[0].tolist() == ["", ""]


@pytest.mark.parametrize("name", ["function", "usage", "class", "roofType", "id", "gml_id", "plz", "postal_code",
                                  "Gemeindeschluessel", "buildingId", "AGS", "Hausnr."[:-1] + "_nr"])  # fmt: skip
def test_names_of_codes(name: str) -> None:
    assert is_code(name)


@pytest.mark.parametrize("name", ["measuredHeight", "area", "volume", "yearOfConstruction", "grid", "width"])
def test_names_of_amounts(name: str) -> None:
    assert not is_code(name)


def test_impossible_heights_are_reported_and_not_used() -> None:
    values, context = column(["12.5", "56890", "-3", "NaN", "inf"], "measuredHeight")
    assert values[0] == 12.5
    assert np.isnan(values[1:]).all()
    (issue,) = context.log.issues()
    assert (issue.count, issue.where) == (3, ("o1", "o2", "o4"))
    assert "56890 m" in str(issue)


def test_years_are_read_from_dates() -> None:
    assert column(["1965", "1965-07-01", 1890], "yearOfConstruction")[0].tolist() == [1965, 1965, 1890]


def test_an_empty_file_and_objects_without_shape() -> None:
    with pytest.raises(ReadError, match="no city object"):
        make(raw())
    empty = raw(object_ids=["a"], object_types=["Building"], object_parent=np.array([-1]))
    city, context = make(empty)
    assert (len(city.objects), len(city.triangles)) == (1, 0)
    assert "shape" in said(context)
