"""A city given back as 3D Tiles: what is written is valid, lies where the city lies, and reads back the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyproj
import pytest

from tests.readers.export.towns import REAL, export_of, read, town
from viewer.city import CityModel, Frame
from viewer.city.streamed import Holds, MeshContent, StreamedLayer
from viewer.errors import Cancelled, SaveError
from viewer.plugin_api import Progress, ReadContext
from viewer.plugin_host.coordinates import prepare
from viewer.readers.crs import transform
from viewer.readers.export import Export
from viewer.readers.export.gltf import planned_features
from viewer.readers.export.tiles3d import earth_centred
from viewer.readers.tiles3d.reader import read_tiles
from viewer.scenario import Scenario, Setting
from viewer.workspace.giving_back import write_export

#: Where ``make test`` puts judges that are npm packages.
JUDGES = Path(__file__).resolve().parents[3] / "build/judges/node_modules"
#: What reading back may differ by: places are stored as 32-bit numbers, here and there.
MM = 0.001


def reopened(path: Path, city: CityModel | None = None) -> StreamedLayer:
    context = ReadContext() if city is None else ReadContext(frame=city.frame)
    prepare(context)
    return read_tiles(path / "tileset.json", context)


def meshes(layer: StreamedLayer) -> list[MeshContent]:
    nodes = np.flatnonzero(layer.tree.nodes.holds == Holds.CONTENT)
    found = [part for node in nodes.tolist() for part in layer.contents(node)]
    assert all(isinstance(part, MeshContent) for part in found)
    return found  # type: ignore[return-value]


def corners_by_id(parts: list[MeshContent]) -> dict[str, np.ndarray]:
    """(n, 9) sorted corners of the triangles of every object, millimetres."""
    result: dict[str, list[np.ndarray]] = {}
    for part in parts:
        places = (part.positions.astype(np.float64) + part.origin_local)[part.triangles]
        feature = part.feature[part.triangles[:, 0]]
        for row, name in enumerate(part.attributes["id"].tolist()):
            result.setdefault(name, []).append(places[feature == row])
    return {name: ordered(np.concatenate(pieces)) for name, pieces in result.items()}


def ordered(triangles: np.ndarray) -> np.ndarray:
    middles = triangles.mean(axis=1)
    return triangles[np.lexsort(np.round(middles, 1).T)]


def expected(export: Export) -> dict[str, np.ndarray]:
    """The same of the city's own shown triangles."""
    city = export.city
    names = city.objects.ids[city.objects.features].tolist()
    shown = export.lod_faces[city.triangle_face]
    triangles, face = city.triangles[shown], city.triangle_face[shown]
    places = city.positions_local[triangles].astype(np.float64)
    return {name: ordered(places[city.face_feature[face] == row]) for row, name in enumerate(names)}


@pytest.mark.parametrize("path", REAL)
def test_a_real_city_reads_back_with_the_same_triangles_and_ids(path: Path, tmp_path: Path) -> None:
    city = read(path)
    export = export_of(city)
    out = tmp_path / "city.3dtiles"
    write_export(export, out)
    layer = reopened(out, city)
    found, wanted = corners_by_id(meshes(layer)), expected(export)
    for name in city.objects.ids[city.objects.features[planned_features(city)]].tolist():
        wanted.pop(name)  # only planned: a mesh cannot say so
    for name, triangles in wanted.items():
        if not len(triangles):
            continue
        assert found[name].shape == triangles.shape, name
        assert (
            np.abs(np.sort(triangles.reshape(-1, 3), axis=0) - np.sort(found[name].reshape(-1, 3), axis=0)).max() < MM
        )


def test_attributes_come_along(tmp_path: Path) -> None:
    out = tmp_path / "town.3dtiles"
    write_export(export_of(town()), out)
    parts = meshes(reopened(out))
    rows = {
        name: {key: values[row] for key, values in part.attributes.items()}
        for part in parts
        for row, name in enumerate(part.attributes["id"].tolist())
    }
    assert rows["haus"]["name"] == "Haus „Am <Markt>“ & Co"
    assert rows["haus"]["measuredHeight"] == 9.0
    assert rows["haus"]["type"] == "Building"
    assert np.isnan(rows["weg"]["measuredHeight"])
    assert "neubau" not in rows  # only planned: a mesh cannot say so


def test_large_objects_stand_in_large_squares_and_what_a_square_leaves_out_is_smaller_than_its_error(tmp_path: Path):
    city = read(REAL[0].values[0])
    out = tmp_path / "city.3dtiles"
    write_export(export_of(city), out)
    layer = reopened(out, city)
    nodes = layer.tree.nodes
    assert nodes.add.all()
    sizes: dict[int, float] = {}
    for node in np.flatnonzero(nodes.holds == Holds.CONTENT).tolist():
        for part in layer.contents(node):
            corners = part.positions.astype(np.float64)
            for feature in range(part.feature_count):
                own = corners[part.feature == feature]
                sizes[node] = max(sizes.get(node, 0.0), float(np.linalg.norm(np.ptp(own, axis=0))))
    inner = [node for node in sizes if (nodes.parent == node).any()]
    assert inner
    for node, size in sizes.items():
        above = int(nodes.parent[node])
        if above >= 0:
            assert size <= nodes.geometric_error_m[above] * 1.01 + 0.1


def test_a_scenario_is_written_as_it_stands(tmp_path: Path) -> None:
    plain, raised = tmp_path / "a.3dtiles", tmp_path / "b.3dtiles"
    write_export(export_of(town()), plain)
    write_export(export_of(town(), Scenario("Two more", settings=(Setting("storeys_added", 2),))), raised)
    low = corners_by_id(meshes(reopened(plain, town())))["haus"][..., 2].max()
    high = corners_by_id(meshes(reopened(raised, town())))["haus"][..., 2].max()
    assert high > low + 4
    assert (
        json.loads((raised / "tileset.json").read_text(encoding="utf-8"))["asset"]["extras"]["scenario"] == "Two more"
    )


def test_places_on_the_globe_are_those_of_proj_within_a_micrometre() -> None:
    degrees = np.array([[9.9872, 53.5503, 12.5], [-75.6, 39.1, -30.0], [0.0, 0.0, 0.0], [179.9, -45.0, 2000.0]])
    way = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    theirs = np.stack(way.transform(*degrees.T), axis=1)
    assert np.abs(earth_centred(degrees) - theirs).max() < 1e-6


def test_every_tile_lies_within_its_region_and_regions_within_their_parents(tmp_path: Path) -> None:
    city = read(REAL[0].values[0])
    out = tmp_path / "city.3dtiles"
    write_export(export_of(city), out)
    document = json.loads((out / "tileset.json").read_text(encoding="utf-8"))
    layer = reopened(out, city)
    leaves: list[dict] = []

    def walk(tile: dict, above: list[float] | None, error: float) -> None:
        region = tile["boundingVolume"]["region"]
        assert tile["geometricError"] <= error
        if above is not None:
            assert region[0] >= above[0] and region[1] >= above[1] and region[2] <= above[2] and region[3] <= above[3]
            assert region[4] >= above[4] and region[5] <= above[5]
        if "content" in tile:
            leaves.append(tile)
        for child in tile.get("children", ()):
            walk(child, region, tile["geometricError"])

    walk(document["root"], None, document["geometricError"])
    assert len(leaves) == layer.tile_count > 1
    for part in meshes(layer):
        places = city.frame.crs_from_local(part.positions.astype(np.float64) + part.origin_local)
        degrees = np.radians(transform(places, city.frame.crs, "EPSG:4326")[:, :2])
        assert any(
            (degrees[:, 0] >= r[0]).all() and (degrees[:, 1] >= r[1]).all()
            and (degrees[:, 0] <= r[2]).all() and (degrees[:, 1] <= r[3]).all()
            for r in (leaf["boundingVolume"]["region"] for leaf in leaves)
        )  # fmt: skip


def test_a_city_without_a_coordinate_system_stays_in_its_own_metres(tmp_path: Path) -> None:
    city = replace(town(), frame=Frame())
    out = tmp_path / "town.3dtiles"
    write_export(export_of(city), out)
    root = json.loads((out / "tileset.json").read_text(encoding="utf-8"))["root"]
    assert "box" in root["boundingVolume"]
    found, wanted = corners_by_id(meshes(reopened(out))), expected(export_of(city))
    assert found["haus"] == pytest.approx(wanted["haus"], abs=1e-3)


def test_a_tileset_of_ours_lies_on_its_city_without_a_word_about_heights(tmp_path: Path) -> None:
    out = tmp_path / "town.3dtiles"
    write_export(export_of(town()), out)
    context = ReadContext(frame=town().frame, city_extent_local=town().extent_local)
    prepare(context)
    read_tiles(out / "tileset.json", context)
    assert not context.log.issues()
    assert not context.questions


def test_writing_again_replaces_the_folder_and_leaves_no_old_tile(tmp_path: Path) -> None:
    out = tmp_path / "town.3dtiles"
    write_export(export_of(town()), out)
    (out / "tiles" / "99.glb").write_bytes(b"old")
    write_export(export_of(town()), out)
    assert not (out / "tiles" / "99.glb").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["town.3dtiles"]


def test_a_folder_with_other_things_and_a_file_are_left_alone(tmp_path: Path) -> None:
    letters = tmp_path / "letters.3dtiles"
    letters.mkdir()
    (letters / "dear.txt").write_text("x", encoding="utf-8")
    with pytest.raises(SaveError, match="other things"):
        write_export(export_of(town()), letters)
    assert (letters / "dear.txt").exists()
    file = tmp_path / "file.3dtiles"
    file.write_text("x", encoding="utf-8")
    with pytest.raises(SaveError, match="a file of this name"):
        write_export(export_of(town()), file)
    assert file.read_text(encoding="utf-8") == "x"


def test_a_stopped_export_leaves_the_former_one_whole(tmp_path: Path) -> None:
    out = tmp_path / "town.3dtiles"
    write_export(export_of(town()), out)
    before = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    calls = iter([False, *[True] * 100])
    with pytest.raises(Cancelled):
        write_export(export_of(town()), out, Progress(None, lambda: next(calls)))
    assert {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["town.3dtiles"]


def test_the_official_validator_finds_nothing(tmp_path: Path) -> None:
    validator = shutil.which("3d-tiles-validator") or shutil.which("3d-tiles-validator", path=JUDGES / ".bin")
    if validator is None:
        pytest.skip("3d-tiles-validator is not installed (npm install -g 3d-tiles-validator)")
    out = tmp_path / "town.3dtiles"
    write_export(export_of(town()), out)
    report = tmp_path / "report.json"
    subprocess.run(
        [validator, "--tilesetFile", str(out / "tileset.json"), "--reportFile", str(report)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["numErrors"] == 0, found


#: Reads the files named after it and prints the errors and warnings of each as one JSON line.
_CHECK = """
const validator = require('gltf-validator'), fs = require('fs');
(async () => {
  for (const file of process.argv.slice(1)) {
    const report = await validator.validateBytes(new Uint8Array(fs.readFileSync(file)));
    console.log(JSON.stringify(report.issues.messages.filter(message => message.severity < 2)));
  }
})();
"""


def test_the_validator_of_the_gltf_standard_finds_nothing_in_the_tiles(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    known = {**os.environ, "NODE_PATH": os.pathsep.join([str(JUDGES), os.environ.get("NODE_PATH", "")])}
    if subprocess.run([node, "-e", "require('gltf-validator')"], env=known, capture_output=True, timeout=60).returncode:
        pytest.skip("gltf-validator is not installed (npm install gltf-validator, and NODE_PATH set to node_modules)")
    out = tmp_path / "town.3dtiles"
    write_export(export_of(town()), out)
    tiles = [str(path) for path in sorted(out.glob("tiles/*.glb"))]
    told = subprocess.run(
        [node, "-e", _CHECK, *tiles], env=known, check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert [json.loads(line) for line in told.splitlines()] == [[]] * len(tiles)
