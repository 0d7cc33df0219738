"""Meshes packed with Draco, unpacked by the optional package DracoPy."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.errors import ReadError
from viewer.readers.gltf.fields import wrong

#: Corners and triangles a packed mesh may announce; its header is not believed beyond.
MAX_UNPACKED = 50_000_000


@dataclass(frozen=True, eq=False)
class Unpacked:
    """attributes by their number in the packed mesh: (V, w) each. triangles : (T, 3) int64."""

    attributes: dict[int, NDArray[np.generic]]
    triangles: NDArray[np.int64]


def unpack(data: memoryview) -> Unpacked:
    """A packed mesh.

    Raises
    ------
    ReadError
        DracoPy is not installed, or the mesh is damaged.
    """
    if find_spec("DracoPy") is None:
        raise ReadError(
            "The model is packed with Draco, and DracoPy is not installed.",
            hint="Install it with: pip install DracoPy",
        )
    import DracoPy  # loaded when first needed

    packed = bytes(data)
    if packed[:5] != b"DRACO":
        raise wrong("KHR_draco_mesh_compression")
    try:
        mesh: Any = DracoPy.decode(packed)
    except (DracoPy.FileTypeException, RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise ReadError("A mesh packed with Draco is damaged.") from error
    faces = np.asarray(getattr(mesh, "faces", np.empty((0, 3))), np.int64).reshape(-1, 3)
    attributes = {int(entry["unique_id"]): np.asarray(entry["data"]) for entry in mesh.attributes}
    count = max((len(values) for values in attributes.values()), default=0)
    if any(len(values) != count or values.ndim != 2 for values in attributes.values()):
        raise ReadError("A mesh packed with Draco is damaged.")
    outside = len(faces) > 0 and not 0 <= int(faces.min()) <= int(faces.max()) < count
    if max(count, len(faces)) > MAX_UNPACKED or outside:
        raise ReadError("A mesh packed with Draco is damaged.")
    return Unpacked(attributes, faces)
