"""GLB is read by a small parser of its own that knows the standard and not the writer."""

from __future__ import annotations

import json
import struct
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.readers.export.towns import REAL, export_of, read, town, write
from viewer.scenario import Scenario, Setting

_TYPES = {5126: "<f4", 5125: "<u4"}
_WIDTH = {"SCALAR": 1, "VEC3": 3}


class Glb:
    """Header, chunks, views and accessors, with the rules of the standard asserted."""

    def __init__(self, content: bytes) -> None:
        magic, version, total = struct.unpack_from("<4sII", content)
        assert (magic, version, total) == (b"glTF", 2, len(content))
        length, kind = struct.unpack_from("<I4s", content, 12)
        assert kind == b"JSON" and length % 4 == 0
        self.json = json.loads(content[20 : 20 + length])
        at = 20 + length
        length, kind = struct.unpack_from("<I4s", content, at)
        assert kind == b"BIN\0" and length % 4 == 0 and at + 8 + length == len(content)
        self.binary = content[at + 8 :]
        assert self.json["buffers"] == [{"byteLength": len(self.binary)}]
        end = 0
        for view in self.json["bufferViews"]:
            assert view["byteOffset"] % 8 == 0 and view["byteOffset"] >= end
            end = view["byteOffset"] + view["byteLength"]
        assert end <= len(self.binary)

    def view(self, number: int) -> bytes:
        view = self.json["bufferViews"][number]
        return self.binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]

    def array(self, number: int) -> np.ndarray:
        accessor = self.json["accessors"][number]
        array = np.frombuffer(self.view(accessor["bufferView"]), _TYPES[accessor["componentType"]])
        array = array.reshape(-1, _WIDTH[accessor["type"]])
        assert len(array) == accessor["count"]
        if "min" in accessor:
            assert array.min(axis=0).tolist() == accessor["min"]
            assert array.max(axis=0).tolist() == accessor["max"]
        return array

    def meshes(self) -> dict[str, dict[str, np.ndarray]]:
        result = {}
        for node in self.json["scenes"][0]["nodes"]:
            mesh = self.json["meshes"][self.json["nodes"][node]["mesh"]]
            (primitive,) = mesh["primitives"]
            assert "min" in self.json["accessors"][primitive["attributes"]["POSITION"]]
            arrays = {name: self.array(number) for name, number in primitive["attributes"].items()}
            arrays["indices"] = self.array(primitive["indices"]).ravel()
            assert len({len(arrays[name]) for name in primitive["attributes"]}) == 1
            assert arrays["indices"].max() < len(arrays["POSITION"])
            result[mesh["name"]] = arrays
        return result

    def texts(self, name: str) -> list[str]:
        (table,) = self.json["extensions"]["EXT_structural_metadata"]["propertyTables"]
        column = table["properties"][name]
        offsets = np.frombuffer(self.view(column["stringOffsets"]), "<u4")
        assert len(offsets) == table["count"] + 1
        data = self.view(column["values"])
        return [data[a:b].decode() for a, b in pairwise(offsets.tolist())]


def glb(tmp_path: Path, *arguments, **options) -> Glb:
    return Glb(write(export_of(*arguments, **options), tmp_path / "city.glb").read_bytes())


def test_there_is_a_mesh_per_kind_of_surface_and_theme(tmp_path: Path) -> None:
    made = glb(tmp_path, town())
    assert set(made.meshes()) == {"roof", "wall", "ground", "road", "water", "land use"}
    assert [material["name"] for material in made.json["materials"]] == list(made.meshes())


def test_up_is_y_and_north_is_minus_z(tmp_path: Path) -> None:
    road = glb(tmp_path, town()).meshes()["road"]["POSITION"]
    np.testing.assert_allclose(road.min(axis=0), [0, 0, -36], atol=1e-4)
    np.testing.assert_allclose(road.max(axis=0), [99, 0, -30], atol=1e-4)


def test_normals_are_flat_of_length_one_and_look_outwards(tmp_path: Path) -> None:
    meshes = glb(tmp_path, town()).meshes()
    for arrays in meshes.values():
        np.testing.assert_allclose(np.linalg.norm(arrays["NORMAL"], axis=1), 1, atol=1e-5)
        corners = arrays["POSITION"][arrays["indices"].reshape(-1, 3)]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normal = arrays["NORMAL"][arrays["indices"].reshape(-1, 3)]
        assert (np.einsum("ij,ikj->ik", across, normal) > 0).all()
    assert (meshes["ground"]["NORMAL"][:, 1] == -1).all()
    assert (meshes["roof"]["NORMAL"][:, 1] > 0).all()


def test_extras_name_the_place_on_the_map(tmp_path: Path) -> None:
    extras = glb(tmp_path, town()).json["asset"]["extras"]
    assert extras["crs"] == "EPSG:25832"
    assert extras["origin_crs"] == [565000.0, 5934000.0, 10.0]


def test_feature_ids_lead_to_the_ids_of_the_objects(tmp_path: Path) -> None:
    made = glb(tmp_path, town())
    ids = made.texts("id")
    assert ids == ["haus", "turm", "neubau", "weg", "teich", "wiese"]
    assert made.texts("type")[3] == "Road"
    roofs = made.meshes()["roof"]
    assert {ids[int(number)] for number in np.unique(roofs["_FEATURE_ID_0"])} == {"haus", "turm"}


def test_planned_buildings_are_there_only_where_they_are_built(tmp_path: Path) -> None:
    made = glb(tmp_path, town(), Scenario("neu", built=frozenset({"neubau"})))
    roofs = made.meshes()["roof"]["_FEATURE_ID_0"]
    assert made.texts("id").index("neubau") in roofs
    assert made.json["asset"]["extras"]["scenario"] == "neu"


def test_a_scenario_moves_the_roofs(tmp_path: Path) -> None:
    top = glb(tmp_path, town()).meshes()["roof"]["POSITION"][:, 1].max()
    raised = glb(tmp_path, town(), Scenario("s", settings=(Setting("storeys_added", 1),)))
    assert raised.meshes()["roof"]["POSITION"][:, 1].max() > top + 2.5


def test_credits_are_the_copyright(tmp_path: Path) -> None:
    assert glb(tmp_path, town(), credits=("Amt A", "Amt B")).json["asset"]["copyright"] == "Amt A; Amt B"


@pytest.mark.parametrize("path", REAL)
def test_a_real_city_has_all_its_shown_triangles(tmp_path: Path, path: Path) -> None:
    city = read(path)
    export = export_of(city)
    made = Glb(write(export, tmp_path / "real.glb").read_bytes())
    shown = export.lod_faces & ~export.measures.planned[city.face_feature]
    triangles = sum(len(arrays["indices"]) // 3 for arrays in made.meshes().values())
    assert triangles == int(shown[city.triangle_face].sum())
