"""A city as CityJSONSeq 2.0: a header line, then every top-level object with its parts on a line of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import orjson

from viewer.city import CityModel
from viewer.plugin_api import Progress
from viewer.readers.cityjson_appearance_writer import AppearanceWriter
from viewer.readers.cityjson_writer import Shell, city_objects, metadata_of

PRECISION_M = 0.001
#: Lines are handed on in pieces of about this many bytes.
CHUNK_BYTES = 1 << 20


def cityjson_seq_chunks(
    city: CityModel, progress: Progress | None = None, pictures: Mapping[int, str] | None = None
) -> Iterator[bytes]:
    """The file, UTF-8, piece by piece. Every line has its own vertices, whole numbers of millimetres.

    pictures : what the file calls the pictures of textures, by their number in the city's appearance.
    """
    progress = Progress() if progress is None else progress
    progress.report(0.0, "Writing the city")
    objects = city.objects
    shell = Shell.of(city, city.positions_local, np.ones(len(city.face_object), np.bool_), PRECISION_M)
    header: dict[str, Any] = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [PRECISION_M] * 3, "translate": shell.translate.tolist()},
        "metadata": metadata_of(city, shell, PRECISION_M, {}),
        "CityObjects": {},
        "vertices": [],
    }
    looks = None
    if city.appearance is not None:
        looks = AppearanceWriter(
            city, shell.faces, shell.face_ring, shell.ring_start, shell.source, {} if pictures is None else pictures,
            city.face_feature[shell.faces].astype(np.int64), len(objects.features),
        )  # fmt: skip
    starts = _own_vertices(city, shell)
    vertices: list[list[int]] = shell.vertices.tolist()
    entries = city_objects(city, shell, np.ones(max(len(objects.features), 1), np.bool_), looks)
    lines: list[dict[str, Any]] = [{} for _ in objects.features]
    for (name, entry), line in zip(entries.items(), objects.feature_of_object.tolist(), strict=True):
        lines[line][name] = entry
    pieces, size = [orjson.dumps(header)], 0
    ids = objects.ids[objects.features].tolist() if len(objects) else []
    for number, (name, members) in enumerate(zip(ids, lines, strict=True)):
        own = vertices[starts[number] : starts[number + 1]]
        feature = {"type": "CityJSONFeature", "id": name, "CityObjects": members, "vertices": own}
        if looks is not None and looks.sections[number]:
            feature["appearance"] = looks.sections[number]
        piece = orjson.dumps(feature)
        pieces.append(piece)
        size += len(piece)
        if size >= CHUNK_BYTES:
            progress.report(number / len(ids), "Writing the city")
            yield b"\n".join(pieces) + b"\n"
            pieces, size = [], 0
    if pieces:
        yield b"\n".join(pieces) + b"\n"


def _own_vertices(city: CityModel, shell: Shell) -> list[int]:
    """Number the vertices of a shell anew within each top-level object; (K + 1) where each one's begin."""
    count = max(len(shell.vertices), 1)
    rings_of_face = np.diff(shell.face_ring)
    face_of_ring = np.repeat(np.arange(len(shell.faces)), rings_of_face)
    feature = city.face_feature[shell.faces][face_of_ring]
    of_point = np.repeat(feature.astype(np.int64), np.diff(shell.ring_start))
    pairs, number = np.unique(of_point * count + shell.rings, return_inverse=True)
    starts = np.searchsorted(pairs // count, np.arange(len(city.objects.features) + 1))
    shell.rings = number.reshape(-1) - starts[of_point]
    shell.vertices = shell.vertices[pairs % count] if len(pairs) else shell.vertices
    return [int(start) for start in starts.tolist()]
