"""Tiles of every kind: where their corners are, which feature each belongs to, what the features are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.readers.gltf.glb import square, with_features
from tests.readers.tiles3d.tiles import b3dm, box, cmpt, contents, i3dm, opened, places, pnts, tileset, write
from viewer.city.report import IssueLog
from viewer.city.streamed import MeshContent, PointContent, check_content
from viewer.errors import ReadError
from viewer.readers.gltf.container import fetch_beside, no_files
from viewer.readers.gltf.content import model_contents
from viewer.readers.tiles3d.formats import east_north_up, read_tile

UP = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)


def only(data: bytes, fetch=no_files):
    models = read_tile(data, fetch, IssueLog())
    found = [c for m in models for c in model_contents(m.model, lambda p: p, None, m.table, upright=True)]
    (content,) = found
    return check_content(content)


def test_a_b3dm_has_z_up_its_centre_added_and_its_batch_table():
    years = np.array([1900, 1950], "<u2").tobytes()
    batch = {
        "id": ["a", "b"],
        "height": [3.5, None],
        "year": {"byteOffset": 0, "componentType": "UNSIGNED_SHORT", "type": "SCALAR"},
        "parts": [{"n": 1}, {"n": 2}],
        "short": ["x"],
        "beyond": {"byteOffset": 90, "componentType": "DOUBLE", "type": "SCALAR"},
    }
    content = only(b3dm(batch, years, RTC_CENTER=[1000.0, 2000.0, 30.0]))
    assert places(content)[:3] == pytest.approx(UP[[0, 1, 2]] + [1000, 2000, 30])
    assert content.feature.tolist() == [0, 0, 0, 1, 1, 1]
    assert content.attributes["id"].tolist() == ["a", "b"]
    assert content.attributes["year"].tolist() == [1900.0, 1950.0]
    assert content.attributes["height"][0] == 3.5
    assert content.attributes["parts"].tolist() == ["n: 1", "n: 2"]
    assert not {"short", "beyond"} & set(content.attributes)


def test_a_tile_without_a_batch_table_has_features_all_the_same():
    content = only(b3dm())
    assert content.feature_count == 2
    assert not content.attributes


def test_old_headers_are_shorter():
    glb = square().bytes()
    old = b"b3dm" + (1).to_bytes(4, "little") + (20 + len(glb)).to_bytes(4, "little") + bytes(8) + glb
    assert len(only(old).triangles) == 2


def test_instances_are_placed_turned_scaled_and_have_rows():
    positions = np.array([[10, 0, 0], [0, 20, 0]], "<f4").tobytes()
    turned = np.array([[0, 1, 0], [0, 1, 0]], "<f4").tobytes() + np.array([[1, 0, 0], [0, 0, 1]], "<f4").tobytes()
    scale = np.array([1, 3], "<f4").tobytes()
    content = only(
        i3dm(
            {
                "INSTANCES_LENGTH": 2,
                "POSITION": {"byteOffset": 0},
                "NORMAL_UP": {"byteOffset": 24},
                "NORMAL_RIGHT": {"byteOffset": 48},
                "SCALE": {"byteOffset": 72},
            },
            positions + turned + scale,
            {"kind": ["oak", "ash"]},
        )
    )
    assert isinstance(content, MeshContent)
    assert places(content)[:4] == pytest.approx(UP + [10, 0, 0])
    # right is up there: x runs up, y stays, so the square stands on its edge, three times as large
    assert places(content)[4:] == pytest.approx(UP[:, [2, 1, 0]] * 3 + [0, 20, 0])
    assert content.attributes["kind"].tolist() == ["oak", "ash"]
    assert content.feature.tolist() == [0] * 4 + [1] * 4


def test_quantized_instances_name_their_model_beside_them(tmp_path: Path):
    (tmp_path / "tree.glb").write_bytes(square().bytes())
    packed = np.array([[0, 0, 0], [65535, 0, 32768]], "<u2").tobytes()
    features = {
        "INSTANCES_LENGTH": 2, "POSITION_QUANTIZED": {"byteOffset": 0},
        "QUANTIZED_VOLUME_OFFSET": [100, 0, 0], "QUANTIZED_VOLUME_SCALE": [50, 50, 50],
    }  # fmt: skip
    content = only(i3dm(features, packed, model=b"tree.glb\0\0"), fetch_beside(tmp_path))
    assert places(content)[0] == pytest.approx([100, 0, 0])
    assert places(content)[4] == pytest.approx([150, 0, 25], abs=0.01)
    with pytest.raises(ReadError, match="outside"):
        only(i3dm(features, packed, model=b"../tree.glb"), fetch_beside(tmp_path))


def test_east_north_and_up_stand_as_on_the_globe():
    (axes,) = east_north_up(np.array([[6378137.0, 0.0, 0.0]]))
    assert pytest.approx(np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])) == axes.T


def test_points_have_colours_of_every_kind_and_rows_of_their_own():
    positions = np.array([[1, 2, 3], [4, 5, 6]], "<f4").tobytes()
    colors = bytes([255, 0, 0, 0, 0, 255])
    content = only(
        pnts(
            {"POINTS_LENGTH": 2, "POSITION": {"byteOffset": 0}, "RGB": {"byteOffset": 24}, "RTC_CENTER": [10, 10, 10]},
            positions + colors,
            {"class": [2, 6]},
        )
    )
    assert isinstance(content, PointContent)
    assert places(content) == pytest.approx(np.array([[11, 12, 13], [14, 15, 16]], float))
    assert content.rgba.tolist() == [[255, 0, 0, 255], [0, 0, 255, 255]]
    assert content.attributes["class"][content.feature].tolist() == [2.0, 6.0]
    small = only(
        pnts(
            {"POINTS_LENGTH": 1, "POSITION": [1, 2, 3], "RGB565": {"byteOffset": 0}},
            np.array([0b11111_000000_00000], "<u2").tobytes(),
        )
    )
    assert small.rgba.tolist() == [[255, 0, 0, 255]]
    one = only(pnts({"POINTS_LENGTH": 1, "POSITION": [1, 2, 3], "CONSTANT_RGBA": [0, 255, 0, 128]}, b""))
    assert one.rgba.tolist() == [[0, 255, 0, 128]]


def test_a_composite_tile_is_all_of_its_tiles():
    inner = cmpt(b3dm(), pnts({"POINTS_LENGTH": 1, "POSITION": [1, 2, 3]}, b""))
    assert len(read_tile(cmpt(inner, square().bytes()), no_files, IssueLog())) == 3


def test_composite_tiles_do_not_nest_for_ever():
    data = b3dm()
    for _ in range(8):
        data = cmpt(data)
    with pytest.raises(ReadError, match="nested too deeply"):
        read_tile(data, no_files, IssueLog())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"nope" * 10, "no tile of a known kind"),
        (b"", "no tile of a known kind"),
        (b"b3dm", "ends in the middle"),
        (b3dm()[:100], "ends in the middle"),
        (cmpt(b3dm())[:60], "ends in the middle"),
        (pnts({"POINTS_LENGTH": 3, "POSITION": {"byteOffset": 0}}, bytes(12)), "featureTable.POSITION"),
        (pnts({"POINTS_LENGTH": 1}, b""), "featureTable.POSITION"),
        (pnts({"POINTS_LENGTH": 10**9, "POSITION": {"byteOffset": 0}}, b""), "more than"),
        (i3dm({"INSTANCES_LENGTH": 10**9, "POSITION": {"byteOffset": 0}}, b""), "more than"),
        (b"cmpt" + bytes([1, 0, 0, 0, 16, 0, 0, 0, 255, 255, 255, 255]), "damaged at cmpt"),
    ],
)
def test_what_is_wrong_is_one_sentence(data, words):
    with pytest.raises(ReadError, match=words):
        read_tile(data, no_files, IssueLog())


def test_single_tiles_and_models_open_by_themselves(tmp_path: Path):
    (tmp_path / "one.b3dm").write_bytes(b3dm({"id": ["a", "b"]}))
    layer = opened(tmp_path / "one.b3dm")
    assert layer.attributes["id"].tolist() == ["a", "b"]
    assert len(contents(layer)) == 1


def test_metadata_of_features_tile_content_and_group_are_all_attributes(tmp_path: Path):
    schema = {
        "classes": {
            "tile": {"properties": {"district": {"type": "STRING"}}},
            "content": {"properties": {"n": {"name": "number", "type": "SCALAR", "componentType": "UINT8"}}},
            "group": {"properties": {"rank": {"type": "SCALAR", "componentType": "UINT8"}}},
            "set": {"properties": {"author": {"type": "STRING"}}},
        }
    }
    root = {
        "boundingVolume": box(0, 0, 0, 5),
        "geometricError": 0,
        "metadata": {"class": "tile", "properties": {"district": "Altstadt"}},
        "contents": [
            {"uri": "a.glb", "group": 0, "metadata": {"class": "content", "properties": {"n": 4}}},
            {"uri": "b.glb"},
        ],
    }
    more = {
        "schema": schema,
        "groups": [{"class": "group", "properties": {"rank": 3}}],
        "metadata": {"class": "set", "properties": {"author": "Office"}},
    }
    path = write(
        tmp_path, {"tileset.json": tileset(root, **more), "a.glb": with_features().bytes(), "b.glb": square().bytes()}
    )
    layer = opened(path)
    first, second = contents(layer)
    assert first.attributes["district"].tolist() == ["Altstadt"] * 2
    assert first.attributes["number"].tolist() == [4.0, 4.0]
    assert first.attributes["rank"].tolist() == [3.0, 3.0]
    assert first.attributes["name"].tolist() == ["Mühle", "Hof"]
    assert second.attributes["district"].tolist() == ["Altstadt"]
    assert second.feature.tolist() == [0] * 4
    assert layer.facts == (("author", "Office"),)
    assert set(layer.attributes) >= {"name", "district", "rank"}
