"""One tile in the JSON of a tileset: its contents, its transformation, and the files its addresses name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from viewer.city.streamed import Content
from viewer.readers.gltf.container import Fetch, fetch_beside, path_beside
from viewer.readers.gltf.fields import Fields, wrong

Floats = NDArray[np.float64]


def contents_of(tile: Fields) -> list[Fields]:
    """The contents of a tile: none, one or several."""
    given = list(tile.children("contents"))
    if not given:
        given = list(tile.child("extensions").child("3DTILES_multiple_contents").children("contents"))
    if not given and "content" in tile:
        given = [tile.child("content")]
    return given


def transform_of(tile: Fields) -> Floats:
    """(4, 4) of a tile."""
    given = tile.numbers("transform", 16)
    if given is None:
        return np.eye(4)
    matrix = np.array(given).reshape(4, 4).T
    if not np.isfinite(matrix).all() or np.abs(matrix[3] - (0, 0, 0, 1)).max() > 1e-9:
        raise wrong(tile.place("transform"))
    return matrix


def scale_of(matrix: Floats) -> float:
    """The largest factor by which a matrix stretches."""
    return float(np.linalg.norm(matrix[:3, :3], axis=0).max())


def with_values(content: Content, values: Mapping[str, str | float]) -> Content:
    """The content with further attributes that are the same for all its features."""
    if not values:
        return content
    rows, feature = content.feature_count, content.feature
    if feature is None:
        rows, feature = 1, np.zeros(len(content.positions), np.int32)
    columns = dict(content.attributes)
    for name, value in values.items():
        if name in columns:
            continue
        if isinstance(value, str):
            columns[name] = np.full(rows, value, np.dtypes.StringDType())
        else:
            columns[name] = np.full(rows, value, np.float64)
    return replace(content, feature=feature, attributes=columns)


def below(root: Path, folder: Path, uri: str) -> Path | None:
    """The file a relative address names from a folder; None where it leads out of ``root``."""
    if ":" in uri or uri.startswith(("/", "\\")) or not folder.is_relative_to(root):
        return None
    prefix = folder.relative_to(root).as_posix()
    return path_beside(root, uri if prefix == "." else f"{quote(prefix)}/{uri}")


def fetch_below(root: Path, folder: Path) -> Fetch:
    """Files named from a folder, anywhere below the folder of the outermost tileset."""
    inside = fetch_beside(root)

    def fetch(uri: str) -> bytes:
        path = below(root, folder, uri)
        return inside(uri if path is None else quote(path.relative_to(root).as_posix()))

    return fetch
