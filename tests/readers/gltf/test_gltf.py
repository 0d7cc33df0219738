"""The glTF parser: every way to store a mesh gives the same arrays, and what is wrong is one sentence."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.readers.gltf.glb import SQUARE, TWO, Glb, square, with_features
from viewer.city.report import IssueLog
from viewer.city.streamed import MeshContent, PointContent, check_content
from viewer.errors import LimitError, ReadError
from viewer.readers.gltf import model_contents, read_gltf
from viewer.readers.gltf.container import fetch_beside
from viewer.readers.gltf.materials import Material
from viewer.readers.gltf.model import Part, transformed

#: The square with z up.
UP = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)


def content_of(glb: Glb | bytes, **more) -> MeshContent:
    data = glb if isinstance(glb, bytes) else glb.bytes()
    (content,) = model_contents(read_gltf(data, **more), lambda places: places)
    content = check_content(content)
    assert isinstance(content, MeshContent)
    return content


def places(content) -> np.ndarray:
    return content.positions.astype(float) + content.origin_local


def test_a_plain_square_has_z_up():
    content = content_of(square())
    assert places(content) == pytest.approx(UP)
    assert content.triangles.tolist() == [[0, 1, 2], [0, 2, 3]]


def test_interleaved_sparse_and_packed_numbers_give_the_same_square():
    interleaved = Glb()
    rows = np.zeros((4, 6), np.float32)
    rows[:, :3] = SQUARE
    view = interleaved.view(rows.tobytes(), byteStride=24)
    interleaved.json["accessors"].append({"bufferView": view, "componentType": 5126, "count": 4, "type": "VEC3"})
    interleaved.node(interleaved.mesh({"POSITION": 0}, interleaved.accessor(TWO.astype(np.uint8))))
    assert places(content_of(interleaved)) == pytest.approx(UP)

    sparse = Glb()
    index, values = sparse.view(np.array([1, 2, 3], np.uint16).tobytes()), sparse.view(SQUARE[1:].tobytes())
    sparse.json["accessors"].append(
        {
            "componentType": 5126, "count": 4, "type": "VEC3",
            "sparse": {
                "count": 3, "indices": {"bufferView": index, "componentType": 5123}, "values": {"bufferView": values},
            },
        }
    )  # fmt: skip
    sparse.node(sparse.mesh({"POSITION": 0}, sparse.accessor(TWO.astype(np.uint32))))
    assert places(content_of(sparse)) == pytest.approx(UP)

    packed = Glb()
    quantized = np.round(SQUARE * 32767).astype(np.int16)
    packed.node(packed.mesh({"POSITION": packed.accessor(quantized, normalized=True)}, packed.accessor(TWO)))
    packed.json["extensionsRequired"] = ["KHR_mesh_quantization"]
    assert places(content_of(packed)) == pytest.approx(UP, abs=1e-4)


@pytest.mark.parametrize(("mode", "index"), [(5, [0, 1, 3, 2]), (6, [0, 1, 2, 3])])
def test_strips_and_fans_are_triangles_with_the_same_side_up(mode, index):
    glb = Glb()
    glb.node(glb.mesh({"POSITION": glb.accessor(SQUARE)}, glb.accessor(np.array(index, np.uint16)), mode=mode))
    content = content_of(glb)
    corners = places(content)[content.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert normals == pytest.approx(np.array([[0, 0, 1.0]] * 2))


def test_nodes_move_turn_and_scale_and_mirrored_ones_keep_their_outside():
    glb = square()
    glb.json["nodes"] = []
    glb.json["scenes"][0]["nodes"] = []
    child = glb.node(0, root=False, scale=[2, 2, -2])
    glb.node(children=[child], translation=[10, 5, 0], rotation=[0, np.sin(np.pi / 4), 0, np.cos(np.pi / 4)])
    content = content_of(glb)
    # (x, y, z) * (2, 2, -2), then a quarter turn about y: (z, y, -x), then moved; then z up: (x, -z, y)
    expected = [(10, 0, 5), (10, 2, 5), (12, 2, 5), (12, 0, 5)]
    assert places(content) == pytest.approx(np.array(expected, float), abs=1e-6)
    corners = places(content)[content.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (normals[:, 2] > 0).all()


def test_instances_stand_where_they_are_put_and_carry_their_own_features():
    glb = square()
    moved = glb.accessor(np.array([[0, 0, 0], [100, 0, 0]], np.float32))
    ids = glb.accessor(np.array([5, 7], np.uint16))
    glb.json["nodes"][0]["extensions"] = {
        "EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": moved, "_FEATURE_ID_0": ids}},
        "EXT_instance_features": {"featureIds": [{"featureCount": 2, "attribute": 0}]},
    }
    content = content_of(glb)
    assert places(content) == pytest.approx(np.concatenate([UP, UP + [100, 0, 0]]))
    assert content.feature.tolist() == [5] * 4 + [7] * 4


def test_features_have_the_attributes_of_their_table_and_a_lost_column_costs_only_itself():
    content = content_of(with_features())
    assert content.feature.tolist() == [0, 0, 0, 1, 1, 1]
    columns = content.attributes
    assert columns["name"].tolist() == ["Mühle", "Hof"]
    assert columns["height"][0] == 1.5
    assert np.isnan(columns["height"][1])
    assert columns["listed"].tolist() == [0.0, 1.0]
    assert columns["use"].tolist() == ["dwelling", "school"]
    assert columns["storeys"].tolist() == ["1", "2, 3"]
    assert columns["cadastre"].tolist() == [str(2**60 + 1), "3"]
    assert "lost" not in columns


def test_colours_are_those_of_material_times_corner_in_srgb():
    glb = Glb()
    corners = glb.accessor(SQUARE)
    half = glb.accessor(np.tile(np.array([32768, 65535, 65535], np.uint16), (4, 1)), normalized=True)
    glb.json["materials"] = [{"pbrMetallicRoughness": {"baseColorFactor": [1, 0.5, 0, 1]}}]
    glb.node(glb.mesh({"POSITION": corners, "COLOR_0": half}, glb.accessor(TWO), material=0))
    red, green, blue, alpha = content_of(glb).rgba[0].tolist()
    assert (blue, alpha) == (0, 255)
    assert red == green == 188  # 0.5 of light


def picture(color: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 2), color).save(stream, "PNG")
    return stream.getvalue()


def textured(image: dict) -> Glb:
    glb = Glb()
    uv = glb.accessor(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32))
    glb.json["images"] = [image]
    glb.json["textures"] = [{"source": 0}]
    glb.json["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    glb.node(glb.mesh({"POSITION": glb.accessor(SQUARE), "TEXCOORD_0": uv}, glb.accessor(TWO), material=0))
    return glb


def test_pictures_inside_beside_and_in_the_text_are_the_same(tmp_path: Path):
    data = picture((10, 200, 30))
    (tmp_path / "wall.png").write_bytes(data)
    inside = textured({"bufferView": 1, "mimeType": "image/png"})
    inside.json["images"][0]["bufferView"] = inside.view(data)
    address = "data:image/png;base64," + base64.b64encode(data).decode()
    for glb in (inside, textured({"uri": "wall.png"}), textured({"uri": address})):
        content = content_of(glb, fetch=fetch_beside(tmp_path))
        (found,) = content.pictures
        assert found.shape == (2, 4, 4)
        assert found[0, 0].tolist() == [10, 200, 30, 255]
        assert content.triangle_picture.tolist() == [0, 0]


def grille() -> bytes:
    """A picture whose left half is opaque and whose right half is not at all, nearly or half."""
    pixels = np.full((3, 4, 4), (200, 0, 0, 255), np.uint8)
    pixels[:, 2:, 3] = np.array([0, 100, 128])[:, None]
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("material", "opacity", "right"),
    [
        ({}, 255, [255, 255, 255]),
        ({"alphaMode": "BLEND"}, 128, [0, 100, 128]),
        ({"alphaMode": "MASK"}, 255, [0, 0, 0]),
        ({"alphaMode": "MASK", "alphaCutoff": 0.19}, 255, [0, 255, 255]),
        ({"alphaMode": "else"}, 255, [255, 255, 255]),
    ],
)
def test_opacity_counts_as_the_material_says(material, opacity, right):
    glb = textured({"uri": "data:image/png;base64," + base64.b64encode(grille()).decode()})
    glb.json["materials"][0] |= material
    glb.json["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] = [1, 1, 1, 0.5]
    content = content_of(glb)
    assert content.rgba[:, 3].tolist() == [opacity] * 4
    (found,) = content.pictures
    assert (found[:, :2, 3] == 255).all() and found[:, 3, 3].tolist() == right


def test_one_picture_worn_in_two_ways_is_there_twice():
    glb = textured({"uri": "data:image/png;base64," + base64.b64encode(grille()).decode()})
    glb.json["materials"].append(glb.json["materials"][0] | {"alphaMode": "BLEND"})
    first = glb.json["meshes"][0]["primitives"][0]
    glb.json["meshes"][0]["primitives"] += [first | {"material": 1}, dict(first)]
    content = content_of(glb)
    assert content.triangle_picture.tolist() == [1, 1, 0, 0, 1, 1]
    assert [int(picture[..., 3].min()) for picture in content.pictures] == [0, 255]


@pytest.mark.parametrize("uri", ["../secret.png", "/etc/passwd", "https://example.org/a.png", "file:///a.png", "C:\\a"])
def test_pictures_elsewhere_are_not_opened_and_cost_only_the_picture(uri, tmp_path: Path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret.png").write_bytes(picture((1, 2, 3)))
    log = IssueLog()
    content = content_of(textured({"uri": uri}), fetch=fetch_beside(inner), log=log)
    assert content.pictures == ()
    assert any("Pictures" in issue.text for issue in log.issues())


def test_ktx2_is_said_and_the_model_drawn_without():
    glb = textured({"uri": "a.ktx2"})
    glb.json["textures"] = [{"extensions": {"KHR_texture_basisu": {"source": 0}}}]
    log = IssueLog()
    content = content_of(glb, log=log)
    assert len(content.triangles) == 2
    assert any("KTX2" in issue.text for issue in log.issues())


def test_meshopt_is_said_with_the_way_out():
    glb = square()
    glb.json["bufferViews"][0]["extensions"] = {"EXT_meshopt_compression": {"buffer": 0}}
    glb.json["extensionsRequired"] = ["EXT_meshopt_compression"]
    with pytest.raises(ReadError, match="meshopt") as error:
        read_gltf(glb.bytes())
    assert "gltf-transform" in str(error.value)


def draco_square() -> Glb:
    packer = pytest.importorskip("DracoPy")
    data = packer.encode(SQUARE, faces=TWO.reshape(-1, 3).astype(np.uint32), quantization_bits=14)
    glb = Glb()
    glb.json["accessors"] = [
        {"componentType": 5126, "count": 4, "type": "VEC3"},
        {"componentType": 5125, "count": 6, "type": "SCALAR"},
    ]
    packed = {"bufferView": glb.view(data), "attributes": {"POSITION": 0}}
    glb.node(glb.mesh({"POSITION": 0}, 1, extensions={"KHR_draco_mesh_compression": packed}))
    glb.json["extensionsRequired"] = ["KHR_draco_mesh_compression"]
    return glb


def test_a_mesh_packed_with_draco_is_unpacked():
    content = content_of(draco_square())
    assert sorted(map(tuple, np.round(places(content), 3).tolist())) == sorted(map(tuple, UP.tolist()))
    assert len(content.triangles) == 2


def test_without_dracopy_the_sentence_says_what_to_install(monkeypatch):
    data = draco_square().bytes()
    monkeypatch.setattr("viewer.readers.gltf.draco.find_spec", lambda name: None)
    with pytest.raises(ReadError, match="DracoPy") as error:
        read_gltf(data)
    assert "pip install" in str(error.value)


def test_points_are_points():
    glb = Glb()
    glb.node(glb.mesh({"POSITION": glb.accessor(SQUARE)}, mode=0))
    (content,) = model_contents(read_gltf(glb.bytes()), lambda places: places)
    assert isinstance(content, PointContent)
    assert places(content) == pytest.approx(UP)


def test_a_gltf_text_with_its_buffer_beside_it_is_read(tmp_path: Path):
    glb = square()
    document = {**glb.json, "buffers": [{"uri": "square data.bin", "byteLength": len(glb.binary)}]}
    (tmp_path / "square data.bin").write_bytes(bytes(glb.binary))
    document["buffers"][0]["uri"] = "square%20data.bin"
    content = content_of(json.dumps(document).encode(), fetch=fetch_beside(tmp_path))
    assert places(content) == pytest.approx(UP)


def test_one_damaged_part_costs_only_itself():
    glb = square()
    glb.node(glb.mesh({"POSITION": 99}))
    log = IssueLog()
    assert len(content_of(glb, log=log).triangles) == 2
    assert [issue.count for issue in log.issues()] == [1]


def broken(change) -> bytes:
    glb = square()
    change(glb)
    return glb.bytes()


def ring(glb: Glb) -> None:
    glb.json["nodes"][0]["children"] = [0]


def crowd(glb: Glb) -> None:
    glb.json["nodes"] = [{"mesh": 0}] + [{"children": [n] * 40} for n in range(8)]
    glb.json["scenes"][0]["nodes"] = [8]


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"", ReadError, "no glTF"),
        (b"glTF", ReadError, "ends in the middle"),
        (square().bytes()[:60], ReadError, "ends in the middle"),
        (square().bytes()[:-20], ReadError, "ends in the middle"),
        (b"glTF" + (1).to_bytes(4, "little") + bytes(20), ReadError, "only version 2"),
        (b'{"asset": {"version": "1.0"}}', ReadError, "only version 2"),
        (b'{"asset": [}', ReadError, "JSON text is damaged"),
        (broken(ring), LimitError, "ring"),
        (broken(crowd), LimitError, "ring"),
        (broken(lambda g: g.json["nodes"][0].update(mesh=7)), ReadError, r"meshes\[7\]"),
        (broken(lambda g: g.json["nodes"][0].update(matrix=[1, 2])), ReadError, "matrix"),
        (broken(lambda g: g.json["nodes"][0].update(children=[-1])), ReadError, "children"),
        (broken(lambda g: g.json["accessors"][0].update(count=5)), ReadError, r"accessors\[0\]"),
        (broken(lambda g: g.json["accessors"][0].update(count=10**12)), ReadError, r"accessors\[0\]"),
        (broken(lambda g: g.json["accessors"][0].update(count="4")), ReadError, "count"),
        (broken(lambda g: g.json["accessors"][1].update(componentType=5126)), ReadError, r"accessors\[1\]"),
        (broken(lambda g: g.json["bufferViews"][0].update(byteOffset=10**9)), ReadError, r"bufferViews\[0\]"),
        (broken(lambda g: g.json.update(extensionsRequired=["XX_magic"])), ReadError, "XX_magic"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(data, error, words):
    with pytest.raises(error, match=words):
        read_gltf(data)


def test_an_index_beyond_the_corners_is_refused():
    glb = Glb()
    glb.node(glb.mesh({"POSITION": glb.accessor(SQUARE)}, glb.accessor(np.array([0, 1, 4], np.uint16))))
    with pytest.raises(ReadError):
        read_gltf(glb.bytes())


DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.mark.skipif(not (DATA / "gltf-building").exists(), reason="the development data is not here")
def test_a_real_building_has_all_its_triangles():
    data = (DATA / "gltf-building" / "building.glb").read_bytes()
    length = int.from_bytes(data[12:16], "little")
    document = json.loads(data[20 : 20 + length])
    indices = [p["indices"] for mesh in document["meshes"] for p in mesh["primitives"] if p.get("mode", 4) == 4]
    used = sum(1 for node in document["nodes"] if "mesh" in node)
    assert used == len(document["meshes"])
    content = content_of(data)
    whole = sum(document["accessors"][number]["count"] // 3 for number in indices)
    assert 0.98 * whole < len(content.triangles) <= whole  # some have two equal corners
    assert len(content.attributes["name"]) == used


def test_a_part_that_stands_as_it_is_gets_what_the_long_way_gives():
    rng = np.random.default_rng(5)
    normals = rng.normal(size=(50, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    part = Part(rng.normal(size=(50, 3)), rng.integers(0, 50, (20, 3)).astype(np.int32), Material(np.ones(4)),
                normals.astype(np.float32))  # fmt: skip
    moved = np.eye(4)
    moved[:3, 3] = (3.0, -4.0, 5.0)
    short, long = transformed(part, moved[None]), transformed(part, np.stack([moved, moved]))
    np.testing.assert_allclose(np.tile(short.positions, (2, 1)), long.positions)
    np.testing.assert_allclose(np.tile(short.normals, (2, 1)), long.normals, atol=1e-6)
    np.testing.assert_array_equal(short.triangles, long.triangles[:20])
    uneven = replace(part, normals=part.normals * np.float32(2.0))
    np.testing.assert_allclose(transformed(uneven, moved[None]).normals, normals, atol=1e-6)
    assert transformed(replace(part, normals=None), moved[None]).normals is None
