"""Several cities become one without losing or mixing anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from viewer.city import CityModel, Column, Frame, ObjectTable
from viewer.city.merge import merge, offsets, unique_ids
from viewer.city.report import IssueLog
from viewer.city.subset import take_features

TEXT = np.dtypes.StringDType()


def tile(
    ids: list[str],
    types: list[str],
    *,
    lod: str = "2",
    frame: Frame = Frame("EPSG:25832", (1000.0, 2000.0, 10.0)),  # noqa: B008
    attributes: dict[str, Column] | None = None,
    parent: list[int] | None = None,
) -> CityModel:
    """One triangle per object."""
    n = len(ids)
    names = tuple(dict.fromkeys(types))
    return CityModel(
        name="-".join(ids),
        frame=frame,
        positions_local=(np.arange(9 * n, dtype=np.float32)).reshape(-1, 3),
        ring_start=np.arange(0, 3 * n + 1, 3, dtype=np.int32),
        face_ring_start=np.arange(n + 1, dtype=np.int32),
        face_surface=np.full(n, 3, np.uint8),
        face_object=np.arange(n, dtype=np.int32),
        face_lod=np.zeros(n, np.uint8),
        triangles=np.arange(3 * n, dtype=np.int32).reshape(-1, 3),
        triangle_face=np.arange(n, dtype=np.int32),
        objects=ObjectTable(
            ids=np.array(ids, dtype=TEXT),
            types=names,
            type_code=np.array([names.index(own) for own in types], dtype=np.uint16),
            parent=np.array(parent or [-1] * n, dtype=np.int32),
            attributes=attributes or {},
        ),
        lods=(lod,),
    )


def numbers(name: str, *values: float) -> Column:
    return Column(name, np.array(values, dtype=np.float64))


def texts(name: str, *values: str) -> Column:
    return Column(name, np.array(values, dtype=TEXT))


def test_indices_point_at_the_same_things_as_before() -> None:
    first, second = tile(["a", "b"], ["Building", "Road"]), tile(["c", "d"], ["Building", "Building"])
    city = merge([first, second])
    assert city.objects.ids.tolist() == ["a", "b", "c", "d"]
    assert [city.objects.types[code] for code in city.objects.type_code] == ["Building", "Road", "Building", "Building"]
    assert city.face_object.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(city.positions_local[city.triangles[2:]], second.positions_local[second.triangles])
    assert city.triangle_face.tolist() == [0, 1, 2, 3]
    assert city.ring_start.tolist() == [0, 3, 6, 9, 12]


def test_parents_stay_inside_their_tile() -> None:
    first = tile(["a"], ["Building"])
    second = tile(["b", "c"], ["BuildingPart", "Building"], parent=[1, -1])
    assert merge([first, second]).objects.parent.tolist() == [-1, 2, -1]


def test_levels_of_detail_are_united_in_order() -> None:
    city = merge([tile(["a"], ["Building"], lod="2.2"), tile(["b"], ["Building"], lod="1.2")])
    assert city.lods == ("1.2", "2.2")
    assert [city.lods[i] for i in city.face_lod] == ["2.2", "1.2"]


def test_features_can_be_traced_back_to_their_model() -> None:
    tiles = [tile(["a", "b"], ["Building", "BuildingPart"], parent=[-1, 0]), tile(["c"], ["Building"])]
    start = offsets(tiles)
    city = merge(tiles)
    assert start.features.tolist() == [0, 1, 2]
    assert start.model_of_features().tolist() == [0, 1]
    assert city.objects.ids[city.objects.features].tolist() == ["a", "c"]
    assert start.faces[-1] == len(city.face_surface)
    assert start.vertices[-1] == len(city.positions_local)


def test_an_id_in_two_tiles_is_made_unique_and_reported() -> None:
    log = IssueLog()
    city = merge([tile(["a", "a~2"], ["Building", "Building"]), tile(["a"], ["Building"])], log=log)
    assert city.objects.ids.tolist() == ["a", "a~2", "a~3"]
    (issue,) = log.issues()
    assert issue.count == 1
    assert issue.where == ("a~3",)


def test_unique_ids_are_left_alone() -> None:
    log = IssueLog()
    assert unique_ids(["a", "b"], log) == ["a", "b"]
    assert log.issues() == ()
    assert unique_ids(["a", "a", "a"]) == ["a", "a~2", "a~3"]


def test_an_attribute_of_one_tile_is_missing_in_the_other() -> None:
    first = tile(["a"], ["Building"], attributes={"measuredHeight": numbers("measuredHeight", 7.5)})
    second = tile(["b"], ["Building"], attributes={"name": texts("name", "town hall")})
    columns = merge([first, second]).objects.attributes
    assert columns["measuredHeight"].values[0] == 7.5
    assert np.isnan(columns["measuredHeight"].values[1])
    assert columns["name"].values.tolist() == ["", "town hall"]


def test_numbers_become_text_where_another_tile_has_text() -> None:
    first = tile(["a", "x"], ["Building"] * 2, attributes={"year": numbers("year", 1950.0, np.nan)})
    second = tile(["b"], ["Building"], attributes={"year": texts("year", "about 1900")})
    assert merge([first, second]).objects.attributes["year"].values.tolist() == ["1950", "", "about 1900"]


def test_another_origin_is_shifted_so_that_places_stay() -> None:
    first = tile(["a"], ["Building"])
    second = tile(["b"], ["Building"], frame=Frame("EPSG:25832", (1500.0, 2000.0, 0.0)))
    city = merge([first, second])
    np.testing.assert_allclose(
        city.frame.crs_from_local(city.positions_local[3:]), second.frame.crs_from_local(second.positions_local)
    )


def test_cities_in_different_systems_are_refused() -> None:
    with pytest.raises(ValueError, match="coordinate systems"):
        merge([tile(["a"], ["Building"]), tile(["b"], ["Building"], frame=Frame("EPSG:28992"))])
    with pytest.raises(ValueError, match="nothing"):
        merge([])


def test_one_city_is_returned_as_it_is() -> None:
    only = tile(["a"], ["Building"])
    assert merge([only]) is only
    assert merge([only], name="new").name == "new"


def test_an_empty_city_changes_nothing() -> None:
    full = tile(["a"], ["Building"])
    city = merge([tile([], []), full])
    assert city.objects.ids.tolist() == ["a"]
    np.testing.assert_array_equal(city.triangles, full.triangles)


def test_everybody_is_named_once_in_the_whole_and_in_a_part() -> None:
    tiles = [
        replace(tile([name], ["Building"]), attribution=whose)
        for name, whose in zip("abcd", ["© A", "", "© B", "© A"], strict=True)
    ]
    city = merge(tiles)
    assert city.attribution == "© A · © B"
    assert take_features(city, np.array([True, False, False, False])).attribution == "© A · © B"
