"""The gate: whatever is wrong with arrays, what comes out is safe, or nothing does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer.city import (
    AreaLayer,
    CityModel,
    Column,
    Frame,
    ImageLayer,
    LineLayer,
    ObjectTable,
    PointLayer,
    TreeLayer,
)
from viewer.city.gate import MAX_EXTENT_M, check_city, check_layer, extent, select_faces
from viewer.city.report import IssueLog
from viewer.errors import ReadError

TEXT = np.dtypes.StringDType()


def city(faces: int = 4) -> CityModel:
    """Quads in a row, one object each."""
    quad = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    positions = np.concatenate([quad + [i * 2, 0, 0] for i in range(faces)]).astype(np.float32)
    triangles = np.concatenate([np.array([[0, 1, 2], [0, 2, 3]]) + 4 * i for i in range(faces)]).astype(np.int32)
    return CityModel(
        "test",
        Frame(),
        positions,
        np.arange(0, 4 * faces + 1, 4, dtype=np.int32),
        np.arange(faces + 1, dtype=np.int32),
        np.zeros(faces, np.uint8),
        np.arange(faces, dtype=np.int32),
        np.zeros(faces, np.uint8),
        triangles,
        np.repeat(np.arange(faces, dtype=np.int32), 2),
        ObjectTable(
            np.array([f"o{i}" for i in range(faces)], dtype=TEXT),
            ("Building",),
            np.zeros(faces, np.uint16),
            np.full(faces, -1, np.int32),
            {"h": Column("h", np.zeros(faces))},
        ),
    )


def changed(model: CityModel, name: str, index: Any, value: Any) -> CityModel:
    array = getattr(model, name).copy()
    array[index] = value
    return replace(model, **{name: array})


@pytest.mark.parametrize("count", [1, 63, 64, 65, 500])
@pytest.mark.parametrize("columns", [2, 3])
def test_extents(count: int, columns: int) -> None:
    points = np.random.default_rng(1).normal(size=(count, columns)).astype(np.float32)
    low, high = extent(points)
    assert np.array_equal(low, points.min(axis=0)) and np.array_equal(high, points.max(axis=0))
    points[count // 2, 1] = np.nan
    low, high = extent(points)
    assert np.isnan(low[1]) and np.isnan(high[1]) and np.isfinite(low[0])


def test_a_sound_city_passes_unchanged() -> None:
    model, log = city(), IssueLog()
    assert check_city(model, log) is model
    assert log.issues() == ()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, 3e6])
def test_faces_at_impossible_places_go_and_their_objects_are_named(value: float) -> None:
    log = IssueLog()
    checked = check_city(changed(city(8), "positions_local", (5, 1), value), log)
    assert checked.face_object.tolist() == [0, 2, 3, 4, 5, 6, 7]
    assert len(checked.objects) == 8
    assert checked.triangles.max() == len(checked.positions_local) - 1
    assert log.issues()[0].where == ("o1",)


def test_triangles_of_another_face_and_with_repeated_corners_go() -> None:
    log = IssueLog()
    model = changed(changed(city(), "triangles", (0, 0), 9), "triangles", (3, 1), 4)
    checked = check_city(model, log)
    assert checked.triangle_face.tolist() == [0, 1, 2, 2, 3, 3]
    assert log.issues()[0].count == 2


@pytest.mark.parametrize(
    ("name", "index", "value"),
    [
        ("ring_start", 1, 99), ("ring_start", 0, 1), ("ring_start", -1, 3), ("face_ring_start", 2, -1),
        ("face_object", 0, 4), ("face_object", 0, -1), ("face_lod", 0, 7), ("triangles", (0, 0), 99),
        ("triangles", (0, 0), -1), ("triangle_face", 0, 3), ("triangle_face", -1, 4),
    ],
)  # fmt: skip
def test_contradictions_are_refused(name: str, index: Any, value: Any) -> None:
    with pytest.raises(ReadError, match="contradicts"):
        check_city(changed(city(), name, index, value))


@pytest.mark.parametrize(
    "objects",
    [
        {"type_code": np.ones(4, np.uint16)},
        {"parent": np.full(4, 4, np.int32)},
        {"parent": np.full(4, -2, np.int32)},
        {"ids": np.array(["a"], dtype=TEXT)},
        {"attributes": {"h": Column("h", np.zeros(3))}},
        {"attributes": {"h": Column("h", np.zeros(4, dtype=object))}},
    ],
)
def test_bad_object_tables_are_refused(objects: dict[str, Any]) -> None:
    model = city()
    with pytest.raises(ReadError, match="contradicts"):
        check_city(replace(model, objects=replace(model.objects, **objects)))


def test_select_faces_keeps_geometry_of_the_chosen() -> None:
    model = city()
    some = select_faces(model, np.array([True, False, True, False]))
    assert some.face_object.tolist() == [0, 2]
    np.testing.assert_array_equal(some.positions_local[4:], model.positions_local[8:12])
    assert some.triangle_face.tolist() == [0, 0, 1, 1]
    assert check_city(some) is some


_NAMES = ("positions_local", "ring_start", "face_ring_start", "face_surface", "face_object", "face_lod", "triangles",
          "triangle_face")  # fmt: skip
_VALUES = st.one_of(st.integers(-5, 40), st.sampled_from([np.nan, np.inf, 1e38, -1e7, 2**31 - 1, -(2**31)]))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(_NAMES), st.integers(0, 1000), _VALUES), max_size=6))
def test_whatever_is_changed_the_outcome_is_safe_or_refused(changes: list[tuple[str, int, float]]) -> None:
    model = city()
    for name, at, value in changes:
        array = getattr(model, name).copy()
        flat = array.reshape(-1)
        if array.dtype.kind in "iu":
            if not np.isfinite(value):
                continue
            limits = np.iinfo(array.dtype)
            value = int(np.clip(value, limits.min, limits.max))
        flat[at % len(flat)] = value
        model = replace(model, **{name: array})
    try:
        safe = check_city(model)
    except ReadError:
        return
    assert np.isfinite(safe.positions_local).all()
    assert not len(safe.positions_local) or np.ptp(safe.positions_local.astype(float), axis=0).max() <= MAX_EXTENT_M
    assert (np.diff(safe.ring_start) >= 0).all()
    assert (np.diff(safe.face_start) >= 3).all()
    assert ((safe.face_object >= 0) & (safe.face_object < len(safe.objects))).all()
    low, high = safe.face_start[safe.triangle_face], safe.face_start[safe.triangle_face + 1]
    assert ((safe.triangles >= low[:, None]) & (safe.triangles < high[:, None])).all()
    assert (np.diff(safe.triangle_face) >= 0).all()


# -- layers ----------------------------------------------------------------------------------------------------


def points(n: int) -> np.ndarray:
    return np.column_stack([np.arange(n), np.arange(n), np.full(n, np.nan)]).astype(float)


def test_a_sound_layer_passes_unchanged_and_heights_may_be_missing() -> None:
    layer = PointLayer("p", points(3), attributes={"v": np.arange(3.0)})
    assert check_layer(layer) is layer


def test_points_without_a_place_go_with_their_attributes() -> None:
    places = points(4)
    places[1, 0] = np.nan
    places[3, 1] = 1e9
    log = IssueLog()
    layer = check_layer(PointLayer("p", places, attributes={"v": np.arange(4.0)}), log)
    assert layer.attributes["v"].tolist() == [0, 2]
    assert log.issues()[0].where == ("2", "4")


@pytest.mark.parametrize("value", [np.nan, 0, -1, np.inf, 900])
@pytest.mark.parametrize("name", ["height_m", "crown_m"])
def test_trees_of_impossible_size_go(name: str, value: float) -> None:
    sizes = {"height_m": np.full(3, 10, np.float32), "crown_m": np.full(3, 5, np.float32)}
    sizes[name][1] = value
    log = IssueLog()
    layer = check_layer(TreeLayer("t", points(3), conifer=np.zeros(3, bool), **sizes), log)
    assert len(layer) == 2
    assert log.issues()[0].count == 1


def lines() -> LineLayer:
    return LineLayer("l", points(6)[:, :2].copy(), np.array([0, 2, 5, 6], np.int32), attributes={"v": np.arange(3.0)})


def test_lines_need_two_places() -> None:
    layer = check_layer(lines())
    assert isinstance(layer, LineLayer)
    assert layer.line_start.tolist() == [0, 2, 5]
    assert layer.attributes["v"].tolist() == [0, 1]


def areas(**more: Any) -> AreaLayer:
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    values: dict[str, Any] = {
        "positions_local": np.concatenate([square, square + 5]),
        "ring_start": np.array([0, 4, 8], np.int32),
        "polygon_ring_start": np.array([0, 1, 2], np.int32),
        "polygon_feature": np.array([0, 1], np.int32),
        "feature_count": 2,
        "attributes": {"v": np.arange(2.0)},
    }
    return AreaLayer("a", **(values | more))


def test_an_area_with_a_bad_corner_goes_and_its_row_stays() -> None:
    layer = areas()
    layer.positions_local[1, 0] = np.inf
    checked = check_layer(layer)
    assert isinstance(checked, AreaLayer)
    assert checked.polygon_feature.tolist() == [1]
    assert len(checked) == 2


@pytest.mark.parametrize(
    "layer",
    [
        PointLayer("p", points(3), attributes={"v": np.zeros(2)}),
        PointLayer("p", points(3)[:, :2]),
        TreeLayer("t", points(3), np.ones(2, np.float32), np.ones(3, np.float32), np.zeros(3, bool)),
        LineLayer("l", points(3)[:, :2], np.array([0, 4], np.int32)),
        LineLayer("l", points(3)[:, :2], np.array([0, 3], np.int32), width_m=0.0),
        areas(polygon_feature=np.array([0, 2], np.int32)),
        areas(ring_start=np.array([0, 9, 8], np.int32)),
        areas(feature_count=3),
        ImageLayer("i", np.zeros((2, 2, 3), np.uint8), np.zeros((4, 2))),
        ImageLayer("i", np.zeros((2, 2, 4), np.uint8), np.zeros((4, 2))),
        ImageLayer("i", np.zeros((2, 2, 4), np.uint8), np.full((4, 2), np.nan)),
    ],
    ids=range(11),
)
def test_contradictory_layers_are_refused(layer: Any) -> None:
    with pytest.raises(ReadError, match="contradicts"):
        check_layer(layer)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(*[st.floats()] * 3, *[st.floats(width=32)] * 2), max_size=12))
def test_any_trees_come_out_drawable(rows: list[tuple[float, ...]]) -> None:
    table = np.array(rows, float).reshape(-1, 5)
    height, crown = table[:, 3].astype(np.float32), table[:, 4].astype(np.float32)
    layer = check_layer(TreeLayer("t", table[:, :3], height, crown, np.zeros(len(table), bool)))
    assert isinstance(layer, TreeLayer)
    assert np.isfinite(layer.positions_local[:, :2]).all()
    assert ((layer.height_m > 0) & (layer.crown_m > 0) & np.isfinite(layer.height_m)).all()
    assert not len(layer) or np.ptp(layer.positions_local[:, :2], axis=0).max() <= MAX_EXTENT_M
