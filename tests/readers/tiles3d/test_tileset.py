"""Tilesets: their tree, what nests in them, where they lie, and what becomes of damaged ones."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pyproj
import pytest

from tests.readers.gltf.glb import square
from tests.readers.tiles3d.tiles import ORIGIN, b3dm, box, contents, context_of, opened, places, tileset, write
from viewer.city.streamed import Holds
from viewer.errors import LimitError, ReadError
from viewer.plugin_host import PluginHost
from viewer.readers.export.tiles3d import earth_centred
from viewer.readers.gltf.fields import Fields
from viewer.readers.tiles3d.formats import east_north_up
from viewer.readers.tiles3d.implicit import coordinates, morton_of, read_subtree, read_tiling

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
GLB = square().bytes()


def leaf(uri: str, x: float = 0.0, **more) -> dict:
    return {"boundingVolume": box(x, 0, 0, 5), "geometricError": 0, "content": {"uri": uri}, **more}


def moved(x: float, y: float, z: float) -> list[float]:
    return [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, x, y, z, 1]


def test_transforms_add_up_and_errors_and_boxes_follow_them(tmp_path: Path):
    scaled = [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 100, 0, 0, 1]
    root = {
        "boundingVolume": box(0, 0, 0, 50),
        "geometricError": 10,
        "refine": "ADD",
        "transform": scaled,
        "children": [leaf("a.glb", transform=moved(10, 5, 0)), leaf("b.glb", refine="REPLACE")],
    }
    layer = opened(write(tmp_path, {"tileset.json": tileset(root), "a.glb": GLB, "b.glb": GLB}))
    nodes = layer.tree.nodes
    assert nodes.geometric_error_m.tolist() == [20, 0, 0]
    assert nodes.low[0].tolist() == [0, -100, -100]
    assert nodes.low[1].tolist() == [110, 0, -10]
    assert nodes.add.tolist() == [True, True, False]
    first = contents(layer)[0]
    assert places(first).min(axis=0) == pytest.approx([120, 10, 0])
    assert places(first).max(axis=0) == pytest.approx([122, 12, 0])


def test_a_tileset_on_the_globe_lies_in_the_frame_within_a_millimetre(tmp_path: Path):
    """Against PROJ's own way from the projected system to the globe."""
    to_globe = pyproj.Transformer.from_crs("EPSG:25832", "EPSG:4978", always_xy=True)
    degrees = pyproj.Transformer.from_crs("EPSG:25832", "EPSG:4326", always_xy=True)
    lon, lat = degrees.transform(ORIGIN[0], ORIGIN[1])
    centre = earth_centred(np.array([[lon, lat, 20.0]]))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = east_north_up(centre)[0], centre[0]
    region = [*np.radians([lon - 0.01, lat - 0.01, lon + 0.01, lat + 0.01]).tolist(), 0.0, 50.0]
    root = {
        "boundingVolume": {"region": region}, "geometricError": 0, "content": {"uri": "a.glb"},
        "transform": matrix.T.ravel().tolist(),
    }  # fmt: skip
    path = write(tmp_path, {"tileset.json": tileset(root), "a.glb": GLB})
    (content,) = contents(opened(path, context_of()))
    assert places(content)[0] == pytest.approx([0, 0, 20], abs=1e-3)
    # one metre east and north is one metre, turned by the convergence of the meridians
    assert np.linalg.norm(places(content)[2] - places(content)[0]) == pytest.approx(np.sqrt(2), abs=2e-3)
    # the same corner by PROJ alone
    x, y, z = to_globe.transform(ORIGIN[0], ORIGIN[1], 20.0)
    assert np.linalg.norm(centre[0] - (x, y, z)) < 1.0  # ETRS89 counts as WGS 84
    alone = context_of("")
    opened(path, alone)
    assert alone.frame.crs == "EPSG:25832"
    assert alone.facts["vertical_crs"] == "ellipsoidal height"


def test_a_tileset_on_the_globe_beside_a_city_says_that_its_heights_are_others_and_can_be_lowered(tmp_path: Path):
    region = [*np.radians([9.98, 53.54, 10.0, 53.56]).tolist(), 40.0, 90.0]
    centre = earth_centred(np.array([[9.99, 53.55, 45.0]]))[0]
    root = {"boundingVolume": {"region": region}, "geometricError": 0, "content": {"uri": "a.glb"},
            "transform": moved(*centre)}  # fmt: skip
    path = write(tmp_path, {"tileset.json": tileset(root), "a.glb": GLB})
    extent = np.array([[0, 0, 0], [500, 500, 30]], float)
    context = context_of(city_extent_local=extent)
    high = places(contents(opened(path, context))[0])[0, 2]
    assert any("ellipsoid" in issue.text for issue in context.log.issues())
    assert context.questions["height_shift"] == "0"
    lowered = context_of(city_extent_local=extent, options={"height_shift": "-39.5"})
    assert places(contents(opened(path, lowered))[0])[0, 2] == pytest.approx(high - 39.5)


def test_a_tileset_in_map_coordinates_is_asked_about_and_a_local_one_put_in_the_middle(tmp_path: Path):
    root = {**leaf("a.glb"), "boundingVolume": box(565_100, 5_934_100, 5, 50), "transform": moved(0, 0, 0)}
    path = write(tmp_path / "map", {"tileset.json": tileset(root), "a.glb": GLB})
    asked = context_of()
    opened(path, asked)
    assert asked.questions["crs"] == "EPSG:25832"
    told = context_of(options={"crs": "EPSG:25832"})
    layer = opened(path, told)
    assert layer.tree.nodes.low[0] == pytest.approx([50, 50, -45])

    here = write(tmp_path / "local", {"tileset.json": tileset(leaf("a.glb")), "a.glb": GLB})
    beside = context_of(city_extent_local=np.array([[1000, 2000, 7], [1200, 2200, 30]], float))
    layer = opened(here, beside)
    middle = (layer.tree.nodes.low[0] + layer.tree.nodes.high[0]) / 2
    assert middle[:2] == pytest.approx([1100, 2100])
    assert layer.tree.nodes.low[0, 2] == pytest.approx(7)
    assert any("where on Earth" in issue.text for issue in beside.log.issues())


def test_nested_tilesets_are_part_of_the_tree_and_count_from_their_own_folder(tmp_path: Path):
    inner = tileset(leaf("a.glb", transform=moved(1, 0, 0)))
    root = {"boundingVolume": box(0, 0, 0, 50), "geometricError": 10, "refine": "REPLACE",
            "children": [{**leaf("inner/set.json"), "transform": moved(100, 0, 0)}]}  # fmt: skip
    path = write(
        tmp_path, {"tileset.json": tileset(root), "inner/set.json": inner, "inner/a.glb": GLB, "a.glb": b"wrong one"}
    )
    layer = opened(path)
    assert layer.tree.nodes.holds.tolist() == [Holds.NOTHING, Holds.NODES, Holds.CONTENT]
    (content,) = contents(layer)
    assert places(content).min(axis=0) == pytest.approx([101, 0, 0])


def test_a_ring_of_tilesets_ends(tmp_path: Path):
    root = {"boundingVolume": box(0, 0, 0, 5), "geometricError": 10, "content": {"uri": "tileset.json"}}
    context = context_of("")
    layer = opened(write(tmp_path, {"tileset.json": tileset(root)}), context)
    with pytest.raises(LimitError, match="ring"):
        contents(layer)
    assert len(layer.tree) < 100


# -- implicit tilings -----------------------------------------------------------------------------------------


def subtree(tiles: str, filled: list[str], below: str, *, text: bool = False) -> bytes | dict:
    """A subtree of bits written as texts of 0 and 1, lowest first; "1" or "0" alone is a constant."""
    binary = b""
    document: dict = {"buffers": [], "bufferViews": []}

    def bits(value: str) -> dict:
        nonlocal binary
        if len(value) == 1:
            return {"constant": int(value)}
        packed = np.packbits(np.array(list(value), np.uint8), bitorder="little").tobytes()
        document["bufferViews"].append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(packed)})
        binary += packed + b"\0" * (-len(packed) % 8)
        return {"bitstream": len(document["bufferViews"]) - 1}

    document["tileAvailability"] = bits(tiles)
    document["contentAvailability"] = [bits(value) for value in filled]
    document["childSubtreeAvailability"] = bits(below)
    if text:
        assert not binary
        return document
    if binary:
        document["buffers"] = [{"byteLength": len(binary)}]
    head = json.dumps(document).encode()
    head += b" " * (-len(head) % 8)
    return b"subt" + struct.pack("<IQQ", 1, len(head), len(binary)) + head + binary


def implicit(scheme: str, levels: int, subtree_levels: int, uri: str = "c/{level}_{x}_{y}.glb") -> dict:
    return {
        "boundingVolume": box(0, 0, 0, 100), "geometricError": 64, "refine": "REPLACE", "content": {"uri": uri},
        "implicitTiling": {
            "subdivisionScheme": scheme, "availableLevels": levels, "subtreeLevels": subtree_levels,
            "subtrees": {"uri": f"s/{{level}}_{{x}}_{{y}}{'' if scheme == 'QUADTREE' else '_{z}'}.subtree"},
        },
    }  # fmt: skip


def test_a_quadtree_of_two_levels_of_subtrees_has_the_tiles_it_says(tmp_path: Path):
    files = {
        "tileset.json": tileset(implicit("QUADTREE", 3, 2)),
        # root, and of its children 0 and 3 there; only child 3 has a content; below child 3 two subtrees
        "s/0_0_0.subtree": subtree("11001", ["00001"], "0000000000001001"),
        "s/2_2_2.subtree": subtree("1", ["1"], "0", text=True),
        "s/2_3_3.subtree": subtree("1", ["1"], "0"),
        **{f"c/{name}.glb": GLB for name in ("1_1_1", "2_2_2", "2_3_3")},
    }
    context = context_of("")
    layer = opened(write(tmp_path, files), context)
    nodes = layer.tree.nodes
    assert len(contents(layer)) == 3
    assert layer.tile_count == 3
    filled = nodes.holds == Holds.CONTENT
    assert nodes.geometric_error_m[filled].tolist() == [32, 16, 16]
    # x and y count from the lower corner: half of a box of 200 m, then quarters
    assert nodes.low[filled][:, :2].tolist() == [[0, 0], [0, 0], [50, 50]]
    assert nodes.high[filled][:, :2].tolist() == [[100, 100], [50, 50], [100, 100]]
    assert not [issue for issue in context.log.issues() if "missing" in issue.text]


def test_tiles_and_contents_of_an_implicit_tiling_have_their_attributes(tmp_path: Path):
    data = subtree("11001", ["00001"], "0")
    length = struct.unpack_from("<Q", data, 8)[0]
    document, binary = json.loads(data[24 : 24 + length]), data[24 + length :]

    def view(content: bytes) -> int:
        nonlocal binary
        document["bufferViews"].append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(content)})
        binary += content + b"\0" * (-len(content) % 8)
        return len(document["bufferViews"]) - 1

    # three tiles are there, one of them with a content
    heights = {
        "class": "tile",
        "count": 3,
        "properties": {"top": {"values": view(np.array([9, 5, 7], "<f4").tobytes())}},
    }
    names = {"values": view(b"Hof"), "stringOffsets": view(np.array([0, 3], "<u4").tobytes())}
    document["propertyTables"] = [heights, {"class": "content", "count": 1, "properties": {"called": names}}]
    document["tileMetadata"], document["contentMetadata"] = 0, [1]
    document["buffers"] = [{"byteLength": len(binary)}]
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 8)
    schema = {
        "classes": {
            "tile": {"properties": {"top": {"type": "SCALAR", "componentType": "FLOAT32"}}},
            "content": {"properties": {"called": {"type": "STRING"}}},
        }
    }
    files = {
        "tileset.json": tileset(implicit("QUADTREE", 2, 2), schema=schema),
        "s/0_0_0.subtree": b"subt" + struct.pack("<IQQ", 1, len(text), len(binary)) + text + binary,
        "c/1_1_1.glb": GLB,
    }
    (content,) = contents(opened(write(tmp_path, files)))
    assert content.attributes["top"].tolist() == [7.0]
    assert content.attributes["called"].tolist() == ["Hof"]


def test_gzipped_tiles_and_tilesets_are_unpacked(tmp_path: Path):
    document = json.dumps(tileset(leaf("a.glb"))).encode()
    path = write(tmp_path, {"tileset.json": gzip.compress(document), "a.glb": gzip.compress(GLB)})
    assert len(contents(opened(path))) == 1
    (tmp_path / "a.glb").write_bytes(gzip.compress(GLB)[:40])
    with pytest.raises(ReadError):
        opened(path).contents(0)


def test_without_a_word_on_refinement_children_take_the_place_of_their_parent(tmp_path: Path):
    root = {**leaf("a.glb"), "geometricError": 5, "children": [leaf("a.glb")]}
    layer = opened(write(tmp_path, {"tileset.json": tileset(root), "a.glb": GLB}))
    assert layer.tree.nodes.add.tolist() == [False, False]


def test_an_octree_halves_heights_too(tmp_path: Path):
    files = {
        "tileset.json": tileset(implicit("OCTREE", 2, 2, "c/{level}_{x}_{y}_{z}.glb")),
        "s/0_0_0_0.subtree": subtree("100000001", ["000000001"], "0"),
        "c/1_1_1_1.glb": GLB,
    }
    layer = opened(write(tmp_path, files))
    nodes = layer.tree.nodes
    assert nodes.low[nodes.holds == Holds.CONTENT].tolist() == [[0, 0, 0]]
    assert len(contents(layer)) == 1


def test_tiles_whose_parents_are_not_there_are_passed_over():
    tiling = read_tiling(Fields(implicit("QUADTREE", 4, 3), "root"))
    assert tiling is not None
    data = subtree("0" + "1" * 20, ["1"], "1" * 64)
    found = read_subtree(data, tiling, 1, 4, lambda uri: b"")
    assert not len(found.level)
    assert not len(found.further)


def test_morton_numbers_and_places_belong_together():
    numbers = np.arange(4096)
    for octree in (False, True):
        assert morton_of(coordinates(numbers, octree=octree), octree=octree).tolist() == numbers.tolist()


def test_a_missing_subtree_costs_only_what_is_below_it(tmp_path: Path):
    files = {
        "tileset.json": tileset(implicit("QUADTREE", 3, 2)),
        "s/0_0_0.subtree": subtree("11001", ["10001"], "0000000000001001"),
        "s/2_2_2.subtree": subtree("1", ["1"], "0", text=True),
        **{f"c/{name}.glb": GLB for name in ("0_0_0", "1_1_1", "2_2_2")},
    }
    context = context_of("")
    layer = opened(write(tmp_path, files), context)
    assert layer.tile_count == 3
    assert [issue.count for issue in context.log.issues() if "cannot be read" in issue.text] == [1]


# -- damage ---------------------------------------------------------------------------------------------------


def test_a_missing_and_a_broken_tile_are_counted_and_cost_only_themselves(tmp_path: Path):
    root = {"boundingVolume": box(0, 0, 0, 50), "geometricError": 10, "refine": "ADD",
            "children": [leaf("a.glb"), leaf("gone.glb"), leaf("bad.glb"), {"geometricError": 1}, 7]}  # fmt: skip
    path = write(tmp_path, {"tileset.json": tileset(root), "a.glb": GLB, "bad.glb": b"glTF-but-no-model"})
    context = context_of("")
    layer = opened(path, context)
    told = {issue.text: issue.count for issue in context.log.issues()}
    assert [count for text, count in told.items() if "file is missing" in text] == [1]
    assert [count for text, count in told.items() if "cannot be read" in text] == [2]
    assert [count for text, count in told.items() if "damaged in the tileset" in text] == [2]
    assert len(layer.contents(1)) == 1
    with pytest.raises(ReadError, match=r"gone\.glb is missing"):
        layer.contents(2)


@pytest.mark.parametrize(
    "uri", ["../outside.glb", "/etc/passwd", "http://example.org/a.glb", "C:/a.glb", "..\\outside.glb"]
)
def test_addresses_never_leave_the_folder(uri, tmp_path: Path):
    (tmp_path / "outside.glb").write_bytes(GLB)
    layer = opened(write(tmp_path / "set", {"tileset.json": tileset(leaf(uri))}))
    with pytest.raises(ReadError, match="outside the folder"):
        layer.contents(0)


def test_a_nested_tileset_may_use_the_whole_folder_of_the_outermost_one(tmp_path: Path):
    inner = tileset(leaf("../shared/a.glb"))
    files = {"tileset.json": tileset(leaf("inner/set.json")), "inner/set.json": inner, "shared/a.glb": GLB}
    assert len(contents(opened(write(tmp_path, files)))) == 1


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"asset": {"version": "1.1"}}, "no root tile"),
        (tileset({"geometricError": 1}), "boundingVolume"),
        (tileset({"boundingVolume": {"box": [1, 2]}, "geometricError": 1}), "box"),
        (tileset({"boundingVolume": {"region": [0, 9, 0, 9, 0, 0]}, "geometricError": 1}), "region"),
        (tileset({"boundingVolume": box(0, 0, 0, 5), "transform": [0] * 16, "geometricError": 1}), "transform"),
        (tileset({"boundingVolume": box(0, 0, 0, 5), "geometricError": "wide"}), "geometricError"),
        (tileset(leaf("a.glb"), extensionsRequired=["XX_magic"]), "XX_magic"),
        (tileset({**implicit("HEXTREE", 2, 2)}), "implicitTiling"),
        (tileset({**implicit("QUADTREE", 2, 99)}), "implicitTiling"),
    ],
)
def test_a_tileset_that_makes_no_sense_is_one_sentence(document, words, tmp_path: Path):
    with pytest.raises(ReadError, match=words):
        opened(write(tmp_path, {"tileset.json": document}))


def test_a_deep_tree_of_tiles_is_read_without_recursion(tmp_path: Path):
    tile = leaf("a.glb")
    for _ in range(150):
        tile = {"boundingVolume": box(0, 0, 0, 5), "geometricError": 1, "children": [tile]}
    layer = opened(write(tmp_path, {"tileset.json": tileset(tile), "a.glb": GLB}))
    assert len(layer.tree) == 151


# -- real data ------------------------------------------------------------------------------------------------

needs_data = pytest.mark.skipif(not DATA.exists(), reason="the development data is not here")


@needs_data
def test_lyon_has_as_many_features_as_its_batch_tables_and_lies_where_its_buildings_lie():
    path = DATA / "lyon-3dtiles-1.0" / "tileset.json"
    context = context_of("")
    layer = opened(path, context)
    found = contents(layer)
    lengths = []
    for tile in sorted((path.parent / "tiles").glob("*.b3dm")):
        data = tile.read_bytes()
        lengths.append(json.loads(data[28 : 28 + int.from_bytes(data[12:16], "little")])["BATCH_LENGTH"])
    assert sum(content.feature_count for content in found) == sum(lengths) == 2576
    assert context.facts["crs"] == "EPSG:3946"
    # the same buildings as GeoJSON, in the same system
    text = (DATA / "lyon-buildings-geojson" / "buildings_lyon1.geojson").read_text(encoding="utf-8")
    rings = [ring for f in json.loads(text)["features"] for polygon in f["geometry"]["coordinates"] for ring in polygon]
    corners = np.concatenate([np.array(ring, float)[:, :2] for ring in rings])
    local = np.concatenate([places(content)[:, :2] for content in found])
    ours = context.frame.crs_from_local(local)
    assert ours.min(axis=0) == pytest.approx(corners.min(axis=0), abs=1.0)
    assert ours.max(axis=0) == pytest.approx(corners.max(axis=0), abs=1.0)


@needs_data
def test_delaware_is_known_whole_and_every_content_is_found():
    pytest.importorskip("DracoPy")
    path = DATA / "delaware-3dtiles-1.1-implicit" / "tileset.json"
    context = context_of("")
    layer = opened(path, context)
    assert layer.tile_count == len(list((path.parent / "content").glob("*.b3dm"))) == 59
    assert not context.log.issues()
    nodes = layer.tree.nodes
    for node in np.flatnonzero(nodes.holds == Holds.CONTENT)[::7].tolist():
        corners = np.concatenate([places(content)[:, :2] for content in layer.contents(node)])
        middle = np.median(corners, axis=0)
        assert (middle > nodes.low[node, :2] - 1).all()
        assert (middle < nodes.high[node, :2] + 1).all()


@needs_data
def test_metadata_of_the_sample_come_along():
    layer = opened(DATA / "cesium-3dtiles-1.1-metadata" / "tileset.json")
    assert layer.tile_count == 4
    assert dict(layer.facts)["author"] == "Cesium"
    assert set(layer.attributes["district"].tolist()) == {"Callowhill", "Museum District", "Old City", "Market East"}
    assert len(contents(layer)) == 20


@needs_data
@pytest.mark.parametrize("number", range(1, 7))
def test_single_draco_tiles_open(number):
    pytest.importorskip("DracoPy")
    path = DATA / "draco-b3dm-samples" / f"{number}.b3dm"
    layer = opened(path)
    data = path.read_bytes()
    length = json.loads(data[28 : 28 + int.from_bytes(data[12:16], "little")])["BATCH_LENGTH"]
    assert len(layer.attributes["id"]) == length
    (content,) = contents(layer)
    assert content.feature_count == length
    assert set(np.unique(content.feature)) == set(range(length))


def test_the_host_takes_tilesets_and_tiles_by_their_content(tmp_path: Path):
    host = PluginHost([], packages=False)
    files = {"tileset.json": tileset(leaf("a.b3dm")), "scene.json": tileset(leaf("a.b3dm")), "a.b3dm": b3dm()}
    path = write(tmp_path, files)
    for name in files:
        assert host.readers_for(path.parent / name)[0].title == "3D Tiles", name
    assert host.readers_for(tmp_path)[0].title == "3D Tiles"
