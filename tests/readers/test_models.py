"""Models for the city: size and colour survive, damage ends in one sentence, nothing outside the file is opened."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from viewer.city.models import ModelLayer, placed_matrix
from viewer.errors import ReadError, ViewerError
from viewer.plugin_api import ReadContext
from viewer.readers.models import read_model

DATA = Path(__file__).parents[3] / "shared" / "data"
#: Corners and faces of a block of 4 x 3 x 2, z up.
CORNERS = np.array([[x, y, z] for x in (0, 4) for y in (0, 3) for z in (0, 2)], np.float32)
QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
TRIANGLES = np.array([t for a, b, c, d in QUADS for t in ((a, b, c), (a, c, d))], np.int32)


def obj(path: Path, *, scale: float = 1.0, y_up: bool = True, extra: str = "") -> Path:
    corners = CORNERS * scale
    if y_up:
        corners = np.column_stack([corners[:, 0], corners[:, 2], -corners[:, 1]])
    lines = [f"v {x} {y} {z}" for x, y, z in corners.tolist()]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in TRIANGLES.tolist()]
    path.write_text("\n".join([extra, *lines, ""]), encoding="utf-8")
    return path


def stl(path: Path) -> Path:
    body = b"".join(
        struct.pack("<12fH", 0, 0, 0, *CORNERS[triangle].ravel().tolist(), 0) for triangle in TRIANGLES.tolist()
    )
    path.write_bytes(b"block".ljust(80, b" ") + struct.pack("<I", len(TRIANGLES)) + body)
    return path


def ply(path: Path) -> Path:
    head = (
        f"ply\nformat ascii 1.0\nelement vertex {len(CORNERS)}\nproperty float x\nproperty float y\nproperty float z\n"
        "property uchar red\nproperty uchar green\nproperty uchar blue\n"
        f"element face {len(TRIANGLES)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    rows = [f"{x} {y} {z} 200 100 50" for x, y, z in CORNERS.tolist()]
    rows += [f"3 {a} {b} {c}" for a, b, c in TRIANGLES.tolist()]
    path.write_text(head + "\n".join(rows) + "\n", encoding="ascii")
    return path


def glb(path: Path) -> Path:
    points = np.column_stack([CORNERS[:, 0], CORNERS[:, 2], -CORNERS[:, 1]]).astype("<f4")
    index = TRIANGLES.astype("<u2")
    binary = points.tobytes() + index.tobytes()
    document = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": [{"buffer": 0, "byteLength": points.nbytes},
                        {"buffer": 0, "byteOffset": points.nbytes, "byteLength": index.nbytes}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": len(points), "type": "VEC3",
             "min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()},
            {"bufferView": 1, "componentType": 5123, "count": index.size, "type": "SCALAR"},
        ],
    }  # fmt: skip
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    path.write_bytes(
        struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(binary))
        + struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    )  # fmt: skip
    return path


MAKERS = {".obj": obj, ".stl": stl, ".ply": ply, ".glb": glb}


@pytest.mark.parametrize("ending", MAKERS)
def test_a_block_is_as_large_as_it_was_made_and_stands_on_its_foot(tmp_path: Path, ending: str) -> None:
    layer = read_model(MAKERS[ending](tmp_path / f"block{ending}"), ReadContext())
    assert isinstance(layer, ModelLayer) and layer.triangles == 12 and layer.scale == 1.0
    assert layer.low.tolist() == pytest.approx([-2, -1.5, 0]) and layer.high.tolist() == pytest.approx([2, 1.5, 2])


def test_colours_come_along(tmp_path: Path) -> None:
    (mesh,) = read_model(ply(tmp_path / "block.ply"), ReadContext()).meshes
    assert mesh.rgba is not None and (mesh.rgba[:, :3] == (200, 100, 50)).all()


def test_what_points_up_can_be_chosen(tmp_path: Path) -> None:
    path = obj(tmp_path / "block.obj", y_up=False)
    context = ReadContext(options={"up": "z"})
    layer = read_model(path, context)
    assert (layer.high - layer.low).tolist() == pytest.approx([4, 3, 2]) and "up" not in context.questions
    asked = ReadContext()
    read_model(path, asked)
    assert asked.questions["up"] == "y"


def test_millimetres_are_noticed_and_asked(tmp_path: Path) -> None:
    context = ReadContext()
    layer = read_model(obj(tmp_path / "mm.obj", scale=1000.0), context)
    assert layer.scale == 0.001 and context.questions["unit"] == "mm"
    assert read_model(tmp_path / "mm.obj", ReadContext(options={"unit": "cm"})).scale == 0.01


def test_a_header_that_promises_more_than_the_file_holds_is_refused_at_once(tmp_path: Path) -> None:
    path = ply(tmp_path / "block.ply")
    path.write_bytes(path.read_bytes().replace(b"element vertex 8", b"element vertex 80000000000"))
    with pytest.raises(ReadError, match="promises more"):
        read_model(path, ReadContext())
    path = stl(tmp_path / "block.stl")
    content = bytearray(path.read_bytes())
    content[80:84] = struct.pack("<I", 4_000_000_000)
    path.write_bytes(content)
    with pytest.raises(ReadError, match="promises more"):
        read_model(path, ReadContext())


def test_a_material_library_elsewhere_is_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.mtl"
    secret.write_text("newmtl red\nKd 1 0 0\n", encoding="utf-8")
    folder = tmp_path / "model"
    folder.mkdir()
    layer = read_model(obj(folder / "block.obj", extra="mtllib ../secret.mtl\nusemtl red"), ReadContext())
    colors = layer.meshes[0].rgba
    assert colors is None or not (colors[:, :3] == (255, 0, 0)).all()


@pytest.mark.parametrize("ending", MAKERS)
def test_damage_ends_in_a_model_or_in_one_sentence(tmp_path: Path, ending: str) -> None:
    good = MAKERS[ending](tmp_path / f"block{ending}").read_bytes()
    chance = np.random.default_rng(11)
    refused = 0
    for _ in range(150):
        content = bytearray(good)
        for at in chance.integers(0, len(content), int(chance.integers(1, 6))).tolist():
            content[at] = int(chance.integers(0, 256))
        if chance.random() < 0.2:
            del content[int(chance.integers(1, len(content))) :]
        path = tmp_path / f"mutant{ending}"
        path.write_bytes(content)
        try:
            read_model(path, ReadContext())
        except ViewerError as error:
            assert str(error)
            refused += 1
    assert refused < 150


def test_a_model_is_turned_clockwise_about_its_foot_and_scaled() -> None:
    matrix = placed_matrix((100.0, 200.0, 5.0), 90.0, 2.0)
    assert (matrix @ [0, 0, 0, 1])[:3].tolist() == pytest.approx([100, 200, 5])
    assert (matrix @ [0, 1, 0, 1])[:3].tolist() == pytest.approx([102, 200, 5])  # north turns to the east
    assert (matrix @ [0, 0, 1, 1])[:3].tolist() == pytest.approx([100, 200, 7])


@pytest.mark.skipif(not DATA.exists(), reason="the real data sets are not beside the repository")
def test_a_real_building_is_a_model() -> None:
    layer = read_model(DATA / "gltf-building" / "building.glb", ReadContext())
    assert layer.triangles > 50_000
    assert (layer.high - layer.low).tolist() == pytest.approx([6.4, 11.9, 11.0], abs=0.1)
