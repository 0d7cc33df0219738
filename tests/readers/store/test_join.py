"""Stored cities joined tile by tile are the same city as merged in memory and sorted, array for array."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from tests.builders import city_of, gable_house
from viewer.city import CityModel, Frame, ImportReport
from viewer.city.appearance import Appearance
from viewer.city.arrange import arrange
from viewer.city.merge import DUPLICATE_ID, merge
from viewer.city.report import IssueLog
from viewer.city.tiles import Tiles
from viewer.errors import LimitError
from viewer.readers.store import open_store, write_store
from viewer.readers.store.join import join_stores

REPORT = ImportReport("town", format="CityGML")


def district(seed: int, count: int, *, look: bool = False, lods=("2",), **columns) -> CityModel:
    """Houses scattered over some kilometres, some with parts, with ids that occur elsewhere too."""
    chance = np.random.default_rng(seed)
    places = chance.uniform(0, 4000, (count, 2))
    faces = [gable_house(12, 8, 6, 9, origin=(*place, float(seed))) for place in places]
    parents = [-1 if i % 3 else i - 1 if i else -1 for i in range(count)]
    ids = [f"haus-{i}" if i % 4 else f"ß{seed}-{i}" for i in range(count)]
    city = city_of(faces, parents=parents, ids=ids, attributes=columns, origin=(0.0, 0.0, 0.0))
    city = replace(city, lods=lods, attribution=f"© {seed % 2}", frame=Frame("EPSG:25832", (565e3, 5934e3, 7.0)))
    if look:
        count = len(city.face_surface)
        appearance = Appearance(
            uv=chance.uniform(0, 1, (len(city.positions_local), 2)).astype(np.float32),
            face_texture=chance.integers(-1, 2, count).astype(np.int32),
            face_material=chance.integers(-1, 1, count).astype(np.int32),
            textures=("/x/shared.png", f"/x/{seed}.png"),
            materials=np.full((1, 4), seed, np.uint8),
            theme=f"theme {seed}",
        )
        city = replace(city, appearance=appearance)
    return city


def names(count, word):
    return np.array([f"{word} {i} – 東" if i % 2 else "" for i in range(count)], np.dtypes.StringDType())


@pytest.fixture
def cities() -> list[CityModel]:
    return [
        district(1, 60, look=True, height=np.arange(60.0), name=names(60, "Straße"), mixed=np.arange(60.0)),
        district(2, 1, lods=("1",), only_here=names(1, "x")),
        district(3, 45, look=True, name=names(45, "Weg"), mixed=names(45, "drei"), height=np.full(45, np.nan)),
    ]


def joined(cities, folder: Path, log=None, **kwargs):
    stored = []
    for number, city in enumerate(cities):
        write_store(city, folder / f"{number}.city", None, REPORT)
        stored.append(open_store(folder / f"{number}.city").city)
    body = {"source": None, "options": {}, "questions": {}}
    arguments = {"name": "town", "derive": lambda city: {}, "body": body, "log": log, **kwargs}
    join_stores(stored, folder / "town.city", REPORT, **arguments)
    return open_store(folder / "town.city")


def assert_same(one: CityModel, other: CityModel) -> None:
    for name, array in other.arrays().items():
        assert one.arrays()[name].dtype == array.dtype, name
        np.testing.assert_array_equal(one.arrays()[name], array, err_msg=name)
    for item in fields(Tiles):
        if item.name != "verify":
            np.testing.assert_array_equal(getattr(one.tiles, item.name), getattr(other.tiles, item.name), item.name)
    assert (one.frame, one.lods, one.attribution) == (other.frame, other.lods, other.attribution)
    assert one.objects.types == other.objects.types
    for item in ("ids", "type_code", "parent"):
        np.testing.assert_array_equal(getattr(one.objects, item), getattr(other.objects, item), err_msg=item)
    assert list(one.objects.attributes) == list(other.objects.attributes)
    for name, column in other.objects.attributes.items():
        np.testing.assert_array_equal(one.objects.attributes[name].values, column.values, err_msg=name)
        assert one.objects.attributes[name].name == column.name
    if other.appearance is None:
        assert one.appearance is None
        return
    for name in ("uv", "face_texture", "face_material", "materials"):
        np.testing.assert_array_equal(getattr(one.appearance, name), getattr(other.appearance, name), err_msg=name)
    assert (one.appearance.textures, one.appearance.theme) == (other.appearance.textures, other.appearance.theme)


def test_the_joined_city_is_the_merged_and_sorted_one(cities, tmp_path):
    log, told = IssueLog(), IssueLog()
    stored = joined(cities, tmp_path, log)
    whole = arrange(merge([arrange(city) for city in cities], log=told))
    assert len(whole.tiles) > 10
    assert_same(stored.city, whole)
    assert stored.city.name == "town"
    assert [str(issue) for issue in log.issues()] == [str(issue) for issue in told.issues()] != []


def test_objects_are_found_by_their_new_ids(cities, tmp_path):
    city = joined(cities, tmp_path).city
    new = [text for text in city.objects.ids.tolist() if "~" in text]
    assert new
    for text in ["haus-1", *new]:
        (row,) = city.objects.rows_of([text])
        assert city.objects.ids[row] == text


def test_a_new_id_never_meets_an_old_one(tmp_path):
    cities = [
        city_of([gable_house(9, 9, 3, 5)] * 3, ids=ids)
        for ids in (["a", "b", "a~2"], ["a", "b", "c"], ["a", "b~2", "a~3"])
    ]
    log, told = IssueLog(), IssueLog()
    city = joined(cities, tmp_path, log).city
    assert_same(city, arrange(merge([arrange(city) for city in cities], log=told)))
    assert len(set(city.objects.ids.tolist())) == 9
    assert DUPLICATE_ID in [issue.text for issue in log.issues()]


def test_another_origin_is_shifted_away(cities, tmp_path):
    far = replace(cities[2], frame=Frame("EPSG:25832", (565e3 + 1500.0, 5934e3 - 250.0, 0.0), "DHHN2016"))
    assert_same(joined([cities[0], far], tmp_path).city, arrange(merge([arrange(cities[0]), arrange(far)])))


def test_one_city_and_cities_without_anything_are_joined_too(cities, tmp_path):
    empty = replace(city_of([]), frame=cities[0].frame)
    (tmp_path / "a").mkdir()
    assert_same(joined([cities[0]], tmp_path / "a").city, arrange(cities[0]))
    (tmp_path / "b").mkdir()
    assert_same(joined([empty, cities[1]], tmp_path / "b").city, arrange(merge([empty, arrange(cities[1])])))
    (tmp_path / "c").mkdir()
    assert len(joined([empty], tmp_path / "c").city.objects) == 0


def test_every_tile_has_its_checksums_and_is_sound(cities, tmp_path, monkeypatch):
    monkeypatch.setattr("viewer.readers.store.city.CHECKED_AT_ONCE_BYTES", 0)
    seen = []
    stored = joined(cities, tmp_path, each_tile=lambda done, of: seen.append((done, of)))
    tiles = stored.city.tiles
    assert tiles.verify is not None and tiles.damaged() == ()
    assert seen == [(k + 1, len(tiles)) for k in range(len(tiles))]


def test_what_is_derived_is_stored_and_the_report_counts_the_whole(cities, tmp_path):
    stored = joined(cities, tmp_path, derive=lambda city: {"x": np.arange(len(city.objects))})
    assert len(stored.ready["x"]) == 106
    assert sum(stored.report.objects.values()) == 106
    assert stored.report.triangles == len(stored.city.triangles) and stored.report.lods == ("1", "2")


def test_a_failure_on_the_way_leaves_nothing(cities, tmp_path):
    def full(done, of):
        if done == 3:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        joined(cities, tmp_path, each_tile=full)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.city", "1.city", "2.city"]


def test_what_cannot_be_joined_is_refused(cities, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="coordinate system"):
        joined([cities[0], replace(cities[1], frame=Frame("EPSG:25833"))], tmp_path)
    monkeypatch.setattr("viewer.readers.store.plan._MOST", 1000)
    with pytest.raises(LimitError):
        joined(cities, tmp_path)
