"""Where the meshes of a glTF model stand: the node tree as a flat list of meshes with their matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.errors import LimitError
from viewer.readers.gltf.accessors import Accessors
from viewer.readers.gltf.fields import Fields, wrong

Matrix = NDArray[np.float64]

#: Nodes that carry a mesh, instances of one node, and nesting of nodes.
MAX_PLACED, MAX_INSTANCES, MAX_DEPTH = 200_000, 2_000_000, 200


@dataclass(frozen=True, eq=False)
class Placed:
    """A mesh at its place.

    matrix : (4, 4) float64 from the mesh to the scene. instances : (n, 4, 4) float64 further matrices that come
    first, None for one. instance_fields : the instancing extension, for its feature ids. extras : of the node.
    """

    mesh: int
    matrix: Matrix
    instances: Matrix | None
    node: Fields


def placed_meshes(document: Fields, accessors: Accessors) -> list[Placed]:
    """All meshes of the default scene; of all root nodes where no scene is named.

    Raises
    ------
    ReadError, LimitError
        The tree has a ring, leads nowhere or is too large.
    """
    nodes = [Fields(value, f"nodes[{n}]") for n, value in enumerate(document.entries("nodes"))]
    result: list[Placed] = []
    waiting = [(number, np.eye(4), 0) for number in _roots(document, nodes)]
    local: dict[int, Matrix] = {}
    below: dict[int, list[int]] = {}
    seen = 0
    while waiting:
        number, above, depth = waiting.pop()
        seen += 1
        if depth > MAX_DEPTH or seen > MAX_PLACED:
            raise LimitError("The nodes of the model are nested too deeply, or in a ring.")
        node = nodes[number]
        if number not in local:
            local[number], below[number] = local_matrix(node), _numbers(node, "children", len(nodes))
        matrix = above @ local[number]
        if "mesh" in node:
            result.append(Placed(node.count("mesh"), matrix, _instances(node, accessors), node))
        waiting += [(child, matrix, depth + 1) for child in below[number]]
    return result[::-1]


def local_matrix(node: Fields) -> Matrix:
    """(4, 4) of one node: its matrix, or its translation, rotation and scale."""
    given = node.numbers("matrix", 16)
    if given is not None:
        return np.array(given).reshape(4, 4).T
    translation = np.array(node.numbers("translation", 3) or (0.0, 0.0, 0.0))
    rotation = np.array(node.numbers("rotation", 4) or (0.0, 0.0, 0.0, 1.0))
    scale = np.array(node.numbers("scale", 3) or (1.0, 1.0, 1.0))
    return np.asarray(matrices(translation[None], rotation[None], scale[None])[0])


def matrices(translation: Matrix, rotation: Matrix, scale: Matrix) -> Matrix:
    """(n, 4, 4) of translations (n, 3), unit quaternions (n, 4: x, y, z, w) and scales (n, 3)."""
    length = np.linalg.norm(rotation, axis=1, keepdims=True)
    x, y, z, w = np.where(length > 0, rotation / np.where(length > 0, length, 1.0), (0.0, 0.0, 0.0, 1.0)).T
    turned = np.stack(
        [
            1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
            2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
            2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y),
        ],
        axis=1,
    ).reshape(-1, 3, 3)  # fmt: skip
    result = np.zeros((len(translation), 4, 4))
    result[:, :3, :3] = turned * scale[:, None, :]
    result[:, :3, 3] = translation
    result[:, 3, 3] = 1.0
    return result


def _roots(document: Fields, nodes: list[Fields]) -> list[int]:
    if document.entries("scenes"):
        scene = document.item("scenes", document.count("scene"))
        return _numbers(scene, "nodes", len(nodes))[::-1]
    below = {child for node in nodes for child in _numbers(node, "children", len(nodes))}
    return [number for number in range(len(nodes)) if number not in below][::-1]


def _numbers(fields: Fields, key: str, below: int) -> list[int]:
    result = []
    for value in fields.entries(key):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < below:
            raise wrong(fields.place(key))
        result.append(value)
    return result


def _instances(node: Fields, accessors: Accessors) -> Matrix | None:
    given = node.child("extensions").child("EXT_mesh_gpu_instancing").child("attributes")
    known = [name for name in ("TRANSLATION", "ROTATION", "SCALE") if name in given]
    if not known:
        return None
    count = accessors.count(given.count(known[0]))
    if count > MAX_INSTANCES:
        raise LimitError("The model repeats one part more than {limit} times.", limit=MAX_INSTANCES)

    def column(name: str, width: int, default: tuple[float, ...]) -> Matrix:
        if name not in given:
            return np.tile(np.array(default), (count, 1))
        values = accessors.numbers(given.count(name), width).astype(np.float64)
        if len(values) != count:
            raise wrong(given.place(name))
        return values

    return matrices(
        column("TRANSLATION", 3, (0.0, 0.0, 0.0)),
        column("ROTATION", 4, (0.0, 0.0, 0.0, 1.0)),
        column("SCALE", 3, (1.0, 1.0, 1.0)),
    )
