"""The second opening of a city brings the same city, numbers and picture from its prepared copy."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.builders import houses
from tests.workspace.test_textures import textured_file
from viewer.city import Column, Frame, ImportReport
from viewer.city.measures import Measures
from viewer.city.tiles import LEFT_OUT_TEXT
from viewer.plugin_api import ReadContext
from viewer.plugin_host import PluginHost
from viewer.readers.cityjson_writer import write_cityjson
from viewer.readers.store import open_store, write_store
from viewer.readers.store.cache import DAMAGED_TEXT, OPENED_TEXT, CityCache, wait_for_writers
from viewer.scene import ready_atlas
from viewer.scene.atlas import atlas_of, is_known
from viewer.scene.city_mesh import prepare
from viewer.scene.ready_mesh import pack as pack_mesh
from viewer.session import Session
from viewer.workspace import Workspace, ready
from viewer.workspace.loaded import derive


@pytest.fixture
def city_file(tmp_path) -> Path:
    plain = houses(16)
    names = Column("name", np.array([f"Haus {n} ß" for n in range(16)], dtype=np.dtypes.StringDType()))
    objects = replace(plain.objects, attributes={"name": names})
    path = tmp_path / "town.city.json"
    write_cityjson(replace(plain, frame=Frame("EPSG:25832", (565e3, 5934e3, 10.0)), objects=objects), path)
    data = json.loads(path.read_text())
    del data["metadata"]["referenceSystem"]  # something to assume, ask and tell
    path.write_text(json.dumps(data))
    return path


def opened(path: Path, folder: Path) -> Workspace:
    host = PluginHost(packages=False, cache=CityCache(folder, min_source_bytes=1))
    workspace = Workspace(Session(), host)
    workspace.adopt(workspace.read(path))
    wait_for_writers()
    return workspace


def texts(workspace: Workspace) -> list[str]:
    (report,) = workspace.reports.values()
    return [str(issue) for issue in report.issues]


@pytest.fixture
def both(city_file, tmp_path) -> tuple[Workspace, Workspace]:
    return opened(city_file, tmp_path / "cache"), opened(city_file, tmp_path / "cache")


def test_the_second_opening_says_so_and_keeps_all_findings(both):
    first, second = map(texts, both)
    assert OPENED_TEXT not in first and len(first) > 1
    assert sorted(second) == sorted([*first, OPENED_TEXT])
    assert list(both[0].questions.values()) == list(both[1].questions.values()) != [{}]


def test_city_measures_ground_and_tree_places_are_the_same(both):
    one, other = (workspace.derived for workspace in both)
    for name, array in one.city.arrays().items():
        np.testing.assert_array_equal(other.city.arrays()[name], array)
    np.testing.assert_array_equal(
        other.city.objects.attributes["name"].values, one.city.objects.attributes["name"].values
    )
    for item in fields(Measures):
        np.testing.assert_array_equal(getattr(other.measures, item.name), getattr(one.measures, item.name))
    np.testing.assert_array_equal(other.ground.heights, one.ground.heights)
    assert (other.ground.origin_local, other.ground.cell_m) == (one.ground.origin_local, one.ground.cell_m)
    np.testing.assert_array_equal(other.applier.tree_places, one.applier.tree_places)
    assert len(one.applier.tree_places)


def test_what_is_drawn_and_picked_is_the_same(both):
    one, other = (pack_mesh(prepare(w.derived.city, w.derived.lod_faces, w.derived.measures)) for w in both)
    assert list(one) == list(other) and len(one["block_place"])
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array)


def test_indicators_are_the_same(both):
    assert both[0].indicators() == both[1].indicators()


def test_nothing_costly_is_worked_out_again(both, city_file, tmp_path, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("worked out again")

    for name in ("measure_by_tiles", "faces_by_tiles", "make_ground"):
        monkeypatch.setattr(f"viewer.workspace.loaded.{name}", never)
    for name in ("make_blocks", "make_masses"):
        monkeypatch.setattr(f"viewer.scene.city_mesh.{name}", never)
    monkeypatch.setattr("viewer.scenario.apply.tree_places", never)
    monkeypatch.setattr("viewer.readers.cityjson.read_cityjson", never)
    assert OPENED_TEXT in texts(opened(city_file, tmp_path / "cache"))


def test_a_damaged_copy_is_told_and_the_file_read_again(both, city_file, tmp_path):
    (copy,) = (tmp_path / "cache").iterdir()
    path = copy / "triangles.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    third = texts(opened(city_file, tmp_path / "cache"))
    assert DAMAGED_TEXT in third and OPENED_TEXT not in third
    fourth = texts(opened(city_file, tmp_path / "cache"))
    assert OPENED_TEXT in fourth and DAMAGED_TEXT not in fourth


def test_a_changed_file_is_read_again(both, city_file, tmp_path):
    data = json.loads(city_file.read_text())
    del data["CityObjects"][sorted(data["CityObjects"])[0]]
    city_file.write_text(json.dumps(data))
    third = opened(city_file, tmp_path / "cache")
    assert len(third.city.objects) == 15 and OPENED_TEXT not in texts(third)


def test_a_second_city_gets_a_copy_in_the_frame_of_the_first(both, city_file, tmp_path):
    twin = Path(shutil.copy(city_file, tmp_path / "twin.city.json"))
    results = []
    for _ in range(2):
        workspace = opened(city_file, tmp_path / "cache")
        workspace.adopt(workspace.read(twin))
        wait_for_writers()
        results.append(workspace)
    assert len(results[0].city.objects) == len(results[1].city.objects) == 32
    np.testing.assert_array_equal(results[0].city.positions_local, results[1].city.positions_local)
    report = list(results[1].reports.values())[1]
    assert OPENED_TEXT in [issue.text for issue in report.issues]


@pytest.mark.parametrize("how", ["short", "kind", "wild"])
@pytest.mark.parametrize(
    "name",
    [
        "measures.use",
        "measures.centre_local",
        "ground.grid",
        "mesh.block_place",
        "mesh.block_top",
        "mesh.mass_start",
        "mesh.box_low",
        "mesh.tile_count",
    ],
)
def test_derived_arrays_that_do_not_fit_the_city_are_worked_out_again(both, name, how):
    """Sizes and indices are right again whatever was stored; numbers of the right kind are believed."""
    derived = both[0].derived
    arrays = ready.pack(derived)
    array = arrays[name]
    wrong = {"short": array[:-1], "kind": array.astype(np.int16), "wild": _wild(array)}[how]
    again = ready.pack(derive((("k", ""),), {"k": replace(derived.city)}, packed={**arrays, name: wrong}))
    for item, found in again.items():
        assert (found.dtype, found.shape) == (arrays[item].dtype, arrays[item].shape), item
        if found.dtype.kind != "f" or how != "wild":
            np.testing.assert_array_equal(found, arrays[item], err_msg=item)


def _wild(array):
    """The same array with numbers that lead out of any city."""
    wild = array.copy()
    wild.flat[-1] = np.nan if array.dtype.kind == "f" else 200 if array.dtype.itemsize == 1 else 1_000_000
    return wild


def prepared(folder: Path, name: str, origin, houses_of=16) -> Path:
    city = replace(houses(houses_of), frame=Frame("EPSG:25832", origin))
    derived = derive((("k", ""),), {"k": city})
    write_store(derived.city, folder / name, None, ImportReport(name), ready=ready.pack(derived))
    return folder / name


def test_what_was_derived_is_used_at_its_level_of_detail_only(tmp_path):
    path = prepared(tmp_path, "town.city", (565e3, 5934e3, 10.0))
    host = PluginHost(packages=False)
    assert host.read(path, ReadContext()).ready
    assert not host.read(path, ReadContext(options={"lod": "1"})).ready


def test_a_second_prepared_city_is_brought_into_the_frame_of_the_first(tmp_path):
    workspace = Workspace(Session(), PluginHost(packages=False))
    workspace.adopt(workspace.read(prepared(tmp_path, "one.city", (565e3, 5934e3, 10.0))))
    workspace.adopt(workspace.read(prepared(tmp_path, "two.city", (568e3, 5934e3, 10.0))))
    extent = workspace.city.extent_local
    np.testing.assert_array_equal(
        extent, [workspace.city.positions_local.min(axis=0), workspace.city.positions_local.max(axis=0)]
    )
    assert extent[1, 0] > 3000.0 and len(workspace.city.tiles) > 1
    assert len(workspace.city.objects) == 32


def test_a_large_city_with_a_damaged_tile_is_worked_out_without_it_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("viewer.readers.store.city.CHECKED_AT_ONCE_BYTES", -1)
    path = prepared(tmp_path, "town.city", (565e3, 5934e3, 10.0), houses_of=900)
    content = bytearray((path / "ring_start.npy").read_bytes())
    content[-20] ^= 1
    (path / "ring_start.npy").write_bytes(content)
    city = open_store(path).city
    assert city.tiles.damaged() == (len(city.tiles) - 1,)
    derived = derive((("k", "1"),), {"k": city})
    gone = int(np.diff(city.tiles.feature_start)[-1])
    assert [(note.text, note.count) for note in derived.notes] == [(LEFT_OUT_TEXT, gone)]
    assert np.isnan(derived.measures.volume_m3).sum() == gone


@pytest.fixture
def walls(tmp_path) -> Path:
    """A city of three walls: one with a picture, one whose picture is damaged, one with a see-through picture."""
    folder = tmp_path / "walls"
    folder.mkdir()
    Image.new("RGB", (80, 60), (200, 40, 40)).save(folder / "a.png")
    (folder / "half.png").write_bytes((folder / "a.png").read_bytes()[:90])
    Image.new("RGBA", (64, 64), (0, 200, 0, 90)).save(folder / "c.png")
    return textured_file(folder, "a.png", "half.png", "c.png")


def opened_with_pictures(path: Path, folder: Path) -> Workspace:
    workspace = Workspace(Session(), PluginHost(packages=False, cache=CityCache(folder, min_source_bytes=1)))
    workspace.textures = True
    workspace.adopt(workspace.read(path))
    wait_for_writers()
    return workspace


def test_pictures_are_put_together_once(walls, tmp_path, monkeypatch):
    first = opened_with_pictures(walls, tmp_path / "cache")
    made = atlas_of(first.city)
    with monkeypatch.context() as patch:
        patch.setattr("viewer.scene.atlas.build_atlas", lambda *rest, **more: pytest.fail("made again"))
        second = opened_with_pictures(walls, tmp_path / "cache")
    known = atlas_of(second.city)
    assert known is not made and made is not None
    for name in ("image", "place", "face_color", "textured"):
        np.testing.assert_array_equal(getattr(known, name), getattr(made, name), err_msg=name)
    assert known.lost == made.lost and len(made.lost) == 1
    assert sorted(texts(second)) == sorted([*texts(first), OPENED_TEXT])


def test_another_picture_under_the_same_name_is_seen(walls, tmp_path):
    opened_with_pictures(walls, tmp_path / "cache")
    Image.new("RGB", (80, 60), (40, 40, 200)).save(walls.parent / "a.png")
    second = opened_with_pictures(walls, tmp_path / "cache")
    assert OPENED_TEXT in texts(second), "the city itself is the same"
    assert atlas_of(second.city).face_color[0].tolist() == [40, 40, 200]


def test_a_city_opened_without_its_pictures_keeps_none(walls, tmp_path):
    opened(walls, tmp_path / "cache")
    second = opened(walls, tmp_path / "cache")
    assert OPENED_TEXT in texts(second) and not is_known(second.city)


@pytest.mark.parametrize("change", [
    {"atlas.image": np.zeros((0, 4, 3), np.uint8)}, {"atlas.image": np.zeros((4, 4, 2), np.uint8)},
    {"atlas.place": np.full((3, 4), np.nan, np.float32)}, {"atlas.textured": np.zeros(7, bool)},
    {"atlas.mark": np.zeros(32, np.uint8)}, {"atlas.face_color": None},
])  # fmt: skip
def test_an_atlas_that_does_not_fit_is_made_again(walls, tmp_path, change):
    first = opened_with_pictures(walls, tmp_path / "cache")
    packed = ready_atlas.pack(first.city) | change
    (stored,) = (open_store(folder).city for folder in (tmp_path / "cache").iterdir())
    assert not ready_atlas.restore(stored, {name: array for name, array in packed.items() if array is not None})
    assert not is_known(stored) and ready_atlas.restore(stored, ready_atlas.pack(first.city))
