"""A stored city is the same city, and whatever is wrong with its folder is found before it is used."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from tests.builders import city_of, gable_house
from viewer.city import ImportReport, Issue, ObjectTable
from viewer.city.arrange import arrange
from viewer.city.report import Fault, Severity
from viewer.city.tiles import Tiles
from viewer.errors import ReadError
from viewer.readers.store import folder as folders
from viewer.readers.store import mark_of, open_store, write_store
from viewer.readers.store.arrays import ArrayWriter
from viewer.readers.store.folder import MANIFEST


def sample():
    attributes = {
        "measuredHeight": [9.0, np.nan, 7.5],
        "name": ["Rathaus", "", "Straße 3 – 東"],
        "function": ["1000", "1000", ""],
    }
    houses = [gable_house(12, 8, 6, 9, origin=(30.0 * i, 0.0, 0.0)) for i in range(3)]
    city = city_of(houses, attributes=attributes, ids=["a", "ß", "c c"], parents=[-1, 0, -1], origin=(565e3, 5934e3, 7))
    return replace(city, name="Quartier", attribution="© Vermessungsamt (CC BY 4.0)")


REPORT = ImportReport(
    source="x.gml", format="CityGML", version="2.0", reader="stadtforum:CityGML", crs="EPSG:25832",
    extent_crs=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0), objects={"Building": 3}, lods=("2",), triangles=9, seconds=1.25,
    issues=(Issue(Severity.WARNING, "Left out: {n}", 3, ("a", "line 12"), {"n": 3, "kind": "Tür"}),),
    faults=(Fault("104", ("a", "ß"), np.array([[1.0, 2.0, 3.0], [np.nan] * 3]), lost=True),),
)  # fmt: skip


@pytest.fixture
def store(tmp_path) -> Path:
    source = tmp_path / "x.gml"
    source.write_bytes(b"content" * 1000)
    ready = {"measures.use": np.zeros(3, np.uint8), "big": np.arange(100_000.0)}
    write_store(
        sample(), tmp_path / "x.city", mark_of(source), REPORT,
        options={"crs": "EPSG:25832"}, questions={"crs": "EPSG:25832"}, ready=ready,
    )  # fmt: skip
    return tmp_path / "x.city"


def change_body(store: Path, change) -> None:
    """Change the manifest as somebody would who also knows how to seal it."""
    whole = json.loads((store / MANIFEST).read_text())
    change(whole["body"])
    (store / MANIFEST).write_bytes(folders._manifest(whole["body"]))


def test_all_arrays_columns_and_ids_come_back_the_same(store):
    city, back = arrange(sample()), open_store(store).city
    for name, array in city.arrays().items():
        assert back.arrays()[name].dtype == array.dtype
        np.testing.assert_array_equal(back.arrays()[name], array)
    assert (back.name, back.frame, back.lods) == (city.name, city.frame, city.lods)
    assert back.attribution == city.attribution
    for item in fields(Tiles):
        if item.name != "verify":
            np.testing.assert_array_equal(getattr(back.tiles, item.name), getattr(city.tiles, item.name))
    assert back.objects.types == city.objects.types
    for item in ("ids", "type_code", "parent"):
        np.testing.assert_array_equal(getattr(back.objects, item), getattr(city.objects, item))
    assert list(back.objects.attributes) == list(city.objects.attributes)
    for name, column in city.objects.attributes.items():
        assert back.objects.attributes[name].values.dtype == column.values.dtype
        assert back.objects.attributes[name].numeric == column.numeric
        np.testing.assert_array_equal(back.objects.attributes[name].values, column.values)


def test_the_report_comes_back_the_same(store):
    stored = open_store(store)
    for item in fields(ImportReport):
        if item.name != "faults":
            assert getattr(stored.report, item.name) == getattr(REPORT, item.name), item.name
    (fault,), (known,) = stored.report.faults, REPORT.faults
    assert (fault.code, fault.ids, fault.lost) == (known.code, known.ids, known.lost)
    np.testing.assert_array_equal(fault.places_local, known.places_local)
    assert stored.options == {"crs": "EPSG:25832"} and stored.questions == {"crs": "EPSG:25832"}
    assert sorted(stored.ready) == ["big", "measures.use"]
    assert stored.source is not None and stored.source.size == 7000


def test_large_arrays_are_mapped_and_cannot_be_written(store):
    big = open_store(store).ready["big"]
    base = big
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        big[0] = 1


def test_a_city_without_anything_comes_back(tmp_path):
    empty = city_of([])
    write_store(empty, tmp_path / "e.city", None, ImportReport("e"))
    back = open_store(tmp_path / "e.city")
    assert len(back.city.objects) == 0 and back.city.positions_local.shape == (0, 3) and back.source is None


@pytest.mark.parametrize(
    "name", ["parent", "type_code", "ids.hash", "tile.code", "tile.ring", "tile_sums", "fault.0.places"]
)
def test_one_changed_byte_in_an_array_for_all_is_found(store, name):
    change_byte(store / f"{name}.npy")
    with pytest.raises(ReadError):
        open_store(store)


def change_byte(path: Path, place: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["positions_local.npy", "ids.npy", MANIFEST])
@pytest.mark.parametrize("cut", [0, 5, -1])
def test_a_short_or_missing_file_is_found(store, name, cut):
    path = store / name
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ReadError):
        open_store(store)
    path.unlink()
    with pytest.raises(ReadError):
        open_store(store)


def test_one_changed_letter_of_the_manifest_is_found(store):
    text = (store / MANIFEST).read_text()
    assert "Quartier" in text
    (store / MANIFEST).write_text(text.replace("Quartier", "Quartiex"))
    with pytest.raises(ReadError):
        open_store(store)


@pytest.mark.parametrize("part", ["arrays", "columns", "report", "frame", "lods", "types", "options", "written_at"])
@pytest.mark.parametrize("value", [None, 3, [3, {}]])
def test_a_sealed_manifest_of_nonsense_is_refused_in_a_sentence(store, part, value):
    if part == "written_at" and value == 3:
        value = "three"
    if part in ("lods", "types") and value == [3, {}]:
        value = {}
    change_body(store, lambda body: body.update({part: value}))
    with pytest.raises(ReadError):
        open_store(store)


@pytest.mark.parametrize(
    "file", ["../secret.npy", "/etc/passwd", "..\\secret.npy", "C:secret.npy", "sub/x.npy", "", ".npy", "x\0.npy", None]
)
def test_names_that_lead_out_of_the_folder_are_refused(store, file):
    shutil.copy(store / "parent.npy", store.parent / "secret.npy")
    change_body(store, lambda body: body["arrays"]["parent"].update(file=file))
    with pytest.raises(ReadError):
        open_store(store)


def test_a_link_in_the_folder_is_refused(store):
    target = store.parent / "secret.npy"
    shutil.move(store / "parent.npy", target)
    try:
        (store / "parent.npy").symlink_to(target)
    except OSError:
        pytest.skip("this system makes no links")
    with pytest.raises(ReadError):
        open_store(store)


def test_pickled_objects_are_never_loaded(store):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (store.parent / "sprung",))

    array = np.empty(3, object)
    array[:] = [Trap()] * 3
    np.save(store / "parent.npy", array, allow_pickle=True)
    with pytest.raises(ReadError):
        open_store(store)
    (store / "parent.npy").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ReadError):
        open_store(store)
    assert not (store.parent / "sprung").exists()


def test_indices_that_lead_out_of_the_city_do_not_pass_the_gate(tmp_path):
    city = arrange(sample())
    wild = replace(city, objects=ObjectTable(**{**vars_of(city.objects), "parent": np.array([-1, 99, -1], np.int32)}))
    write_store(wild, tmp_path / "w.city", None, REPORT)
    with pytest.raises(ReadError):
        open_store(tmp_path / "w.city")


def vars_of(table: ObjectTable) -> dict:
    return {name: getattr(table, name) for name in ("ids", "types", "type_code", "parent", "attributes")}


def test_another_format_version_is_told(store):
    whole = json.loads((store / MANIFEST).read_text())
    (store / MANIFEST).write_text(json.dumps({**whole, "version": 99}))
    with pytest.raises(ReadError, match="another version"):
        open_store(store)


def test_derived_arrays_of_another_program_version_are_left_out(store):
    change_body(store, lambda body: body.update(made_by="another"))
    stored = open_store(store)
    assert not stored.ready and len(stored.city.objects) == 3


def test_an_interrupted_writing_leaves_nothing_to_open(tmp_path, monkeypatch):
    """Whichever array the disk refuses, no folder of that name appears, and a former one stays whole."""
    write_store(sample(), tmp_path / "x.city", None, REPORT)
    real, count = ArrayWriter.put, {"left": 0}

    def failing(self, name, array, split=None):
        count["left"] -= 1
        if count["left"] < 0:
            raise OSError(28, "No space left on device")
        real(self, name, array, split)

    monkeypatch.setattr(ArrayWriter, "put", failing)
    for step in range(0, 40, 5):
        for name in ("x.city", "new.city"):
            count["left"] = step
            with pytest.raises(OSError, match="No space"):
                write_store(sample(), tmp_path / name, None, replace(REPORT, source="later"))
    assert [path.name for path in tmp_path.iterdir()] == ["x.city"]
    assert open_store(tmp_path / "x.city").report.source == "x.gml"


def test_writing_replaces_a_former_store(tmp_path):
    write_store(sample(), tmp_path / "x.city", None, REPORT)
    write_store(sample(), tmp_path / "x.city", None, replace(REPORT, source="later"))
    assert open_store(tmp_path / "x.city").report.source == "later"
    assert [path.name for path in tmp_path.iterdir()] == ["x.city"]
