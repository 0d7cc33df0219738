"""What is written reads back as the same city."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from viewer.city import CityModel, Column, Frame, ObjectTable, Severity, SurfaceType
from viewer.city.lod import faces_at
from viewer.city.measures import measure
from viewer.errors import SaveError
from viewer.plugin_api import ReadContext
from viewer.readers.cityjson import read_cityjson
from viewer.readers.cityjson_writer import to_cityjson, write_cityjson
from viewer.scenario.change import CityChange

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
TEXT = np.dtypes.StringDType()
FRAME = Frame("EPSG:25832", (565000.0, 5934000.0, 10.0), "EPSG:7837")

BOX = np.array([[x, y, z] for z in (0, 1) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))], dtype=np.float32)
SIDES = np.array([[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]])
KINDS = [SurfaceType.GROUND, SurfaceType.ROOF, *[SurfaceType.WALL] * 4]


def boxes(sizes: np.ndarray, types: list[str], parent: list[int], **columns: Column) -> CityModel:
    """One box of the given (n, 3) size per object, side by side."""
    n = len(sizes)
    corners = BOX[SIDES][None] * sizes[:, None, None, :]
    corners = corners + (np.arange(n) * 50.0)[:, None, None, None] * np.array([1, 0, 0])
    quads = np.arange(24 * n, dtype=np.int32).reshape(-1, 4)
    names = tuple(dict.fromkeys(types))
    return CityModel(
        name="boxes",
        frame=FRAME,
        positions_local=corners.reshape(-1, 3).astype(np.float32),
        ring_start=np.arange(0, 24 * n + 1, 4, dtype=np.int32),
        face_ring_start=np.arange(6 * n + 1, dtype=np.int32),
        face_surface=np.tile(np.array(KINDS, np.uint8), n),
        face_object=np.repeat(np.arange(n, dtype=np.int32), 6),
        face_lod=np.zeros(6 * n, np.uint8),
        triangles=np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3),
        triangle_face=np.repeat(np.arange(6 * n, dtype=np.int32), 2),
        objects=ObjectTable(
            ids=np.array([f"o{i}" for i in range(n)], dtype=TEXT),
            types=names,
            type_code=np.array([names.index(kind) for kind in types], dtype=np.uint16),
            parent=np.array(parent, dtype=np.int32),
            attributes=columns,
        ),
        lods=("2",),
    )


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)


def sample() -> CityModel:
    return boxes(
        np.array([[10, 8, 6], [4, 4, 3], [12, 9, 15.5]]),
        ["Building", "BuildingPart", "Building"],
        [-1, 0, -1],
        measuredHeight=Column("measuredHeight", np.array([6.0, np.nan, 15.5])),
        storeysAboveGround=Column("storeysAboveGround", np.array([2.0, 1.0, np.nan])),
        name=Column("name", np.array(["Haus am Fluss", "", "Turm „Ost“"], dtype=TEXT)),
    )


def again(city: CityModel, folder: Path, **options: Any) -> CityModel:
    path = folder / "city.city.json"
    write_cityjson(city, path, **options)
    context = ReadContext(frame=city.frame)
    result = read_cityjson(path, context)
    assert [issue for issue in context.log.issues() if issue.severity is not Severity.INFO] == []
    return result


def assert_same(first: CityModel, second: CityModel) -> None:
    np.testing.assert_allclose(second.positions_local, first.positions_local, atol=6e-4)
    for name in ("ring_start", "face_ring_start", "face_surface", "face_object"):
        np.testing.assert_array_equal(second.arrays()[name], first.arrays()[name])
    assert [second.lods[i] for i in second.face_lod] == [first.lods[i] for i in first.face_lod]
    a, b = first.objects, second.objects
    assert b.ids.tolist() == a.ids.tolist()
    assert [b.types[i] for i in b.type_code] == [a.types[i] for i in a.type_code]
    assert b.parent.tolist() == a.parent.tolist()
    for name, column in a.attributes.items():
        np.testing.assert_array_equal(b.attributes[name].values, column.values)


def test_everything_comes_back(tmp_path: Path) -> None:
    city = sample()
    result = again(city, tmp_path)
    assert_same(city, result)
    assert result.frame == FRAME
    assert len(result.triangles) == len(city.triangles)


@settings(max_examples=25, deadline=None)
@given(
    hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.just(3)), elements=st.floats(0.5, 40.0)),
    st.lists(st.sampled_from(["Building", "BuildingPart", "WaterBody", "Road", "+Own"]), min_size=5, max_size=5),
    st.lists(NAMES, min_size=5, max_size=5),
)
def test_any_boxes_with_any_names_come_back(
    tmp_path_factory: pytest.TempPathFactory, sizes: np.ndarray, types: list[str], names: list[str]
) -> None:
    n = len(sizes)
    texts = ["x" + name.strip() for name in names[:n]]
    city = boxes(sizes, types[:n], [-1] * n, name=Column("name", np.array(texts, dtype=TEXT)))
    assert_same(city, again(city, tmp_path_factory.mktemp("any")))


def document(city: CityModel, **options: Any) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(to_cityjson(city, **options))
    return result


def test_closed_objects_are_solids_and_open_ones_surfaces() -> None:
    city = sample()
    objects = document(city)["CityObjects"]
    assert {entry["geometry"][0]["type"] for entry in objects.values()} == {"Solid"}
    roofless = faces_of(city, city.face_surface != SurfaceType.ROOF)
    objects = document(roofless)["CityObjects"]
    assert {entry["geometry"][0]["type"] for entry in objects.values()} == {"MultiSurface"}


def faces_of(city: CityModel, keep: np.ndarray) -> CityModel:
    """The city with some of its (four-cornered) faces only."""
    n = int(keep.sum())
    quads = np.arange(4 * n, dtype=np.int32).reshape(-1, 4)
    return CityModel(
        name=city.name, frame=city.frame, lods=city.lods, objects=city.objects,
        positions_local=city.positions_local.reshape(-1, 4, 3)[keep].reshape(-1, 3),
        ring_start=np.arange(0, 4 * n + 1, 4, dtype=np.int32), face_ring_start=np.arange(n + 1, dtype=np.int32),
        face_surface=city.face_surface[keep], face_object=city.face_object[keep], face_lod=city.face_lod[keep],
        triangles=np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3),
        triangle_face=np.repeat(np.arange(n, dtype=np.int32), 2),
    )  # fmt: skip


def test_roads_are_never_solids() -> None:
    city = boxes(np.array([[3.0, 3, 3], [3, 3, 3]]), ["Road", "TINRelief"], [-1, -1])
    kinds = [entry["geometry"][0]["type"] for entry in document(city)["CityObjects"].values()]
    assert kinds == ["MultiSurface", "CompositeSurface"]


def test_shared_corners_are_written_once() -> None:
    city = boxes(np.array([[10.0, 8, 6]]), ["Building"], [-1])
    assert len(document(city)["vertices"]) == 8


def test_the_header_says_where_and_how_fine() -> None:
    content = document(sample(), extra_metadata={"title": "My quarter"})
    assert content["version"] == "2.0"
    assert content["metadata"]["referenceSystem"] == "https://www.opengis.net/def/crs/EPSG/0/25832"
    assert content["metadata"]["title"] == "My quarter"
    low, high = content["metadata"]["geographicalExtent"][:3], content["metadata"]["geographicalExtent"][3:]
    assert low == [565000, 5934000, 10]
    assert high == [565112, 5934009, 25.5]
    assert content["transform"]["scale"] == [0.001] * 3
    assert all(isinstance(number, int) for vertex in content["vertices"] for number in vertex)


def test_centimetres_make_a_smaller_file_that_is_a_centimetre_off_at_most(tmp_path: Path) -> None:
    city = boxes(np.array([[10.123, 8.456, 6.789]]), ["Building"], [-1])
    assert len(to_cityjson(city, precision_m=0.01)) < len(to_cityjson(city))
    result = again(city, tmp_path, precision_m=0.01)
    np.testing.assert_allclose(result.positions_local, city.positions_local, atol=0.0051)


def test_known_pairs_of_systems_have_one_code() -> None:
    city = sample()
    dutch = CityModel(**{**vars_of(city), "frame": Frame("EPSG:28992", (85000.0, 446000.0, 0.0), "EPSG:5709")})
    assert document(dutch)["metadata"]["referenceSystem"].endswith("/7415")
    nowhere = CityModel(**{**vars_of(city), "frame": Frame()})
    assert "referenceSystem" not in document(nowhere)["metadata"]


def vars_of(city: CityModel) -> dict[str, Any]:
    return {**city.arrays(), "name": city.name, "objects": city.objects, "lods": city.lods, "frame": city.frame}


def test_only_chosen_features_are_written_with_their_parts() -> None:
    city = sample()
    assert list(document(city, only_features=np.array([0]))["CityObjects"]) == ["o0", "o1"]
    chosen = document(city, only_features=np.array([False, True]))
    assert list(chosen["CityObjects"]) == ["o2"]
    assert len(chosen["vertices"]) == 8
    assert document(city, only_features=np.zeros(2, bool))["CityObjects"] == {}


def test_a_change_is_written_into_the_heights_and_removed_buildings_are_left_out(tmp_path: Path) -> None:
    city = sample()
    change = CityChange(
        lift_m=np.array([3.0, 0.0], np.float32),
        factor=np.array([1.0, 1.0], np.float32),
        exists=np.array([True, False]),
        green_roof_share=np.zeros(2, np.float32),
        storeys_added=np.array([1.0, 0.0], np.float32),
        unsealed=(),
        trees_local=np.zeros((0, 3)),
    )
    before = measure(city, faces_at(city))
    result = again(city, tmp_path, change=change)
    assert result.objects.ids.tolist() == ["o0", "o1"]
    after = measure(result, faces_at(result))
    assert after.top_m[0] - before.top_m[0] == pytest.approx(3.0, abs=0.002)
    assert after.ground_m[0] == pytest.approx(before.ground_m[0], abs=0.002)


def test_a_file_object_and_a_packed_path_hold_the_same_text(tmp_path: Path) -> None:
    city = sample()
    stream = io.BytesIO()
    write_cityjson(city, stream)
    write_cityjson(city, tmp_path / "city.city.json.gz")
    assert gzip.decompress((tmp_path / "city.city.json.gz").read_bytes()) == stream.getvalue() == to_cityjson(city)


def test_a_failed_write_leaves_the_former_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "city.city.json"
    path.write_text("before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SaveError, match="No space left"):
        write_cityjson(sample(), path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_missing_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SaveError):
        write_cityjson(sample(), tmp_path / "none" / "city.json")


def test_points_that_fall_together_do_not_leave_broken_rings() -> None:
    city = boxes(np.array([[10.0, 8.0, 0.0001]]), ["Building"], [-1])
    geometry = document(city)["CityObjects"]["o0"]["geometry"][0]
    rings = [ring for face in geometry["boundaries"] for ring in face]
    assert len(rings) == 2
    assert all(len(set(ring)) == len(ring) == 4 for ring in rings)


def test_an_empty_city_can_be_written() -> None:
    empty = boxes(np.zeros((0, 3)), [], [])
    assert document(empty)["CityObjects"] == {}


@pytest.mark.skipif(not DATA.exists(), reason="the real data sets are not beside the repository")
@pytest.mark.parametrize(
    "name",
    [
        "den-haag/DenHaag_01.city.json", "tudelft-3dbag-multilod/tudelft.city.json",
        "hamburg-lod3-textured/hamburg-lod3-showcase.city.json", "delft-3dfier/delft.json",
    ],
)  # fmt: skip
def test_a_real_city_comes_back(name: str, tmp_path: Path) -> None:
    city = read_cityjson(DATA / name, ReadContext())
    path = tmp_path / "again.city.json"
    write_cityjson(city, path)
    result = read_cityjson(path, ReadContext(frame=city.frame))
    assert len(result.face_surface) == len(city.face_surface)
    assert len(result.triangles) == len(city.triangles)
    assert result.objects.count_by_type() == city.objects.count_by_type()
    assert result.objects.parent.tolist() == city.objects.parent.tolist()
    np.testing.assert_allclose(result.extent_local, city.extent_local, atol=1e-3)
    np.testing.assert_array_equal(
        np.bincount(result.face_surface, minlength=14), np.bincount(city.face_surface, minlength=14)
    )
