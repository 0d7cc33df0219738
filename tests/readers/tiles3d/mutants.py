"""Damages tiles, models, subtrees and tilesets in seeded random ways and reads them to the last content.

Run as ``python -m tests.readers.tiles3d.mutants``: a process of its own, so that a hang or a crash ends it and not the
tests. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import copy
import faulthandler
import json
import random
import struct
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT)]

from tests.readers.gltf.glb import SQUARE, TWO, Glb, square, with_features  # noqa: E402
from tests.readers.gltf.test_gltf import draco_square, picture, textured  # noqa: E402
from tests.readers.mutants import _change_json, mutant  # noqa: E402
from tests.readers.tiles3d.test_tileset import GLB, implicit, leaf, moved, subtree  # noqa: E402
from tests.readers.tiles3d.tiles import b3dm, box, cmpt, i3dm, pnts, tileset  # noqa: E402
from viewer.city.streamed import Holds  # noqa: E402
from viewer.errors import ViewerError  # noqa: E402
from viewer.plugin_api import ReadContext  # noqa: E402
from viewer.plugin_host import PluginHost  # noqa: E402
from viewer.plugin_host.border import PluginBug  # noqa: E402

HANG_S = 20.0
_READER = "stadtforum:3D Tiles"


def instanced() -> Glb:
    glb = square()
    moves = glb.accessor(np.array([[0, 0, 0], [100, 0, 0]], np.float32))
    turns = glb.accessor(np.array([[0, 0, 0, 1], [0, 1, 0, 0]], np.float32))
    attributes = {"TRANSLATION": moves, "ROTATION": turns}
    glb.json["nodes"][0]["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": attributes}}
    return glb


def sparse() -> Glb:
    glb = Glb()
    index, values = glb.view(np.array([1, 2, 3], np.uint16).tobytes()), glb.view(SQUARE[1:].tobytes())
    places = {"count": 3, "indices": {"bufferView": index, "componentType": 5123}, "values": {"bufferView": values}}
    glb.json["accessors"].append({"componentType": 5126, "count": 4, "type": "VEC3", "sparse": places})
    glb.node(glb.mesh({"POSITION": 0}, glb.accessor(TWO)))
    return glb


def worn() -> Glb:
    glb = textured({"bufferView": 0, "mimeType": "image/png"})
    glb.json["images"][0]["bufferView"] = glb.view(picture((10, 200, 30)))
    return glb


def tiles() -> dict[str, bytes]:
    """One small tile of every kind."""
    places = np.array([[10, 0, 0], [0, 20, 0]], "<f4").tobytes()
    up = np.array([[0, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]], "<f4").tobytes()
    trees = i3dm(
        {"INSTANCES_LENGTH": 2, "POSITION": {"byteOffset": 0}, "NORMAL_UP": {"byteOffset": 24},
         "NORMAL_RIGHT": {"byteOffset": 48}},
        places + up, {"kind": ["oak", "ash"]},
    )  # fmt: skip
    cloud = pnts(
        {"POINTS_LENGTH": 2, "POSITION": {"byteOffset": 0}, "RGB": {"byteOffset": 24}},
        places + bytes([255, 0, 0, 0, 0, 255]), {"class": [2, 6]},
    )  # fmt: skip
    houses = b3dm({"id": ["a", "b"], "height": [3.5, 4]}, RTC_CENTER=[1, 2, 3])
    return {
        "plain.glb": square().bytes(), "features.glb": with_features().bytes(), "instanced.glb": instanced().bytes(),
        "sparse.glb": sparse().bytes(), "worn.glb": worn().bytes(), "draco.glb": draco_square().bytes(),
        "houses.b3dm": houses, "trees.i3dm": trees, "cloud.pnts": cloud, "all.cmpt": cmpt(houses, trees, cloud),
    }  # fmt: skip


def sets() -> list[dict[str, Any]]:
    """Tilesets with files: explicit and nested, and implicit."""
    root = {
        "boundingVolume": box(0, 0, 0, 50), "geometricError": 10, "refine": "REPLACE", "transform": moved(5, 5, 5),
        "children": [leaf("plain.glb"), {**leaf("inner.json"), "boundingVolume": {"sphere": [0, 0, 0, 9]}},
                     leaf("houses.b3dm", metadata={"class": "c", "properties": {"n": 1}})],
    }  # fmt: skip
    schema = {"classes": {"c": {"properties": {"n": {"type": "SCALAR", "componentType": "UINT8"}}}}}
    given = tiles()
    explicit = {
        "tileset.json": tileset(root, schema=schema), "inner.json": tileset(leaf("trees.i3dm")),
        "plain.glb": given["plain.glb"], "houses.b3dm": given["houses.b3dm"], "trees.i3dm": given["trees.i3dm"],
    }  # fmt: skip
    quad = {
        "tileset.json": tileset(implicit("QUADTREE", 3, 2)),
        "s/0_0_0.subtree": subtree("11001", ["00001"], "0000000000001001"),
        "s/2_2_2.subtree": subtree("1", ["1"], "0", text=True), "s/2_3_3.subtree": subtree("1", ["1"], "0"),
        **{f"c/{name}.glb": GLB for name in ("1_1_1", "2_2_2", "2_3_3")},
    }  # fmt: skip
    return [explicit, quad]


def damaged(data: bytes, chance: random.Random) -> bytes:
    """A damaged copy; of a GLB often one whose JSON says something else and whose lengths are right."""
    if data[:4] == b"glTF" and chance.random() < 0.6:
        (length,) = struct.unpack_from("<I", data, 12)
        value = json.loads(data[20 : 20 + length])
        for _ in range(chance.randint(1, 3)):
            _change_json(value, chance)
        text = json.dumps(value).encode("utf-8", "surrogatepass")
        text += b" " * (-len(text) % 4)
        rest = data[20 + length :]
        return (
            struct.pack("<4sII", b"glTF", 2, 20 + len(text) + len(rest))
            + struct.pack("<I4s", len(text), b"JSON")
            + text
            + rest
        )
    return mutant(data, chance, is_json=data[:1] == b"{")


def read_and_use(host: PluginHost, path: Path) -> str:
    """Open a file and load every node: ``"read"``, ``"partly"`` or ``"refused"``.

    Raises
    ------
    Exception
        Anything that is no error a person was meant to read.
    """
    try:
        reading = host.read(path, ReadContext(), reader=_READER)
    except PluginBug as bug:
        raise bug.__cause__ or bug  # noqa: B904
    except ViewerError as error:
        assert str(error), "an error without a word"
        return "refused"
    for issue in reading.report.issues:
        assert str(issue)
    (layer,) = reading.layers
    told = [issue for issue in reading.report.issues if "where on Earth" not in issue.text]
    failed, node = bool(told), 0
    while node < len(layer.tree) and node < 300:
        if layer.tree.nodes.holds[node] != Holds.NOTHING:
            try:
                layer.contents(node)
            except ViewerError as error:
                assert str(error), "an error without a word"
                assert not str(error).startswith("The plugin"), error.__cause__
                failed = True
        node += 1
    return "partly" if failed else "read"


def main() -> int:
    """Read the mutants and print how they ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="write failing mutants into this folder")
    options = parser.parse_args()
    host = PluginHost([], packages=False)
    alone, whole = tiles(), sets()
    ends = {"read": 0, "partly": 0, "refused": 0}
    failures: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(options.count):
            chance = random.Random(f"{options.seed} {number}")
            files: dict[str, Any]
            if chance.random() < 0.55:
                victim = chance.choice(sorted(alone))
                files, opened = {victim: damaged(alone[victim], chance)}, victim
            else:
                files, opened = dict(chance.choice(whole)), "tileset.json"
                files = {key: v if isinstance(v, bytes) else json.dumps(v).encode() for key, v in files.items()}
                victim = opened if chance.random() < 0.6 else chance.choice(sorted(files))
                files[victim] = damaged(files[victim], chance)
            own = folder / str(number)
            for key, content in files.items():
                (own / key).parent.mkdir(parents=True, exist_ok=True)
                (own / key).write_bytes(content)
            faulthandler.dump_traceback_later(HANG_S, exit=True, file=sys.__stderr__)
            try:
                ends[read_and_use(host, own / opened)] += 1
            except Exception as error:  # noqa: BLE001  whatever it is, it is what is looked for
                failures.append({"number": number, "file": victim, "error": repr(error)[:300],
                                 "where": traceback.format_exc().strip().splitlines()[-3:]})  # fmt: skip
                if options.keep is not None:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / f"{number}-{Path(victim).name}").write_bytes(copy.copy(files[victim]))
            faulthandler.cancel_dump_traceback_later()
    print(json.dumps({"count": options.count, "seed": options.seed, **ends, "failures": failures}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
