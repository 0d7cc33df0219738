"""A file cut into pieces gives the same objects as the file parsed whole, wherever the cuts fall."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer.plugin_api import ReadContext
from viewer.readers import cityjson, cityjson_stream
from viewer.readers.cityjson import read_cityjson
from viewer.readers.cityjson_stream import PiecewiseDocument, Unusual

TRICKY = ['}', '"', "\\", '\\"', '{"', "},", '\\\\"}', "[", "]]", '"CityObjects":{', 'é{', ""]  # fmt: skip

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(TRICKY) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(TRICKY), inner, max_size=3),
    max_leaves=8,
)


def pieces(text: bytes, block_bytes: int) -> tuple[dict[str, Any], dict[str, Any], np.ndarray]:
    """All objects, the rest of the document and the vertices of a text cut at every ``block_bytes``."""
    before = cityjson_stream.BLOCK_BYTES
    cityjson_stream.BLOCK_BYTES = block_bytes
    try:
        file = io.BufferedReader(io.BytesIO(text))  # type: ignore[type-var]
        document = PiecewiseDocument(file, file.read(text.index(b"{", text.index(b'"CityObjects"')) + 1))
        objects: dict[str, Any] = {}
        for some in document.objects():
            objects.update(some)
        rest, vertices = document.finish()
    finally:
        cityjson_stream.BLOCK_BYTES = before
    return objects, rest, vertices


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c", *TRICKY]), st.dictionaries(st.sampled_from(TRICKY), VALUES, max_size=3)
    ),
    st.lists(st.tuples(*[st.integers(-(10**6), 10**6)] * 3), min_size=1, max_size=8),
    st.integers(1, 100),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_pieces_are_the_whole(
    objects: dict[str, Any], vertices: list[Any], block_bytes: int, indent: int | None, ascii_only: bool
) -> None:
    content = {"type": "CityJSON", "CityObjects": objects, "vertices": vertices, "after": {"x": "}"}}
    text = json.dumps(content, indent=indent, ensure_ascii=ascii_only).encode()
    # One vertex may be longer than a block, so a block is at least as long as that.
    found, rest, points = pieces(text, max(block_bytes, 64))
    assert found == objects
    assert rest == {"type": "CityJSON", "CityObjects": {}, "vertices": [], "after": {"x": "}"}}
    np.testing.assert_array_equal(points, np.array(vertices, dtype=float))


@pytest.mark.parametrize(
    "text",
    [
        b'{"type":"CityJSON","CityObjects":{"a":{}}}',  # no vertices
        b'{"type":"CityJSON","CityObjects":{"a":{}},"vertices":[]}',
        b'{"type":"CityJSON","CityObjects":{"a":{}',  # cut off
        b'{"type":"CityJSON","CityObjects":{"a":}},"vertices":[[1,2,3]]}',  # not JSON
        b'{"CityObjects":{"a":{}},"+x":{"vertices":[[1,2,3]]},"vertices":[[4,5,6]]}',  # vertices of something else
        b'{"+x":{"CityObjects":{}},"CityObjects":{"a":{}},"vertices":[[4,5,6]]}',
    ],
)
def test_other_shapes_are_left_to_the_whole_parse(text: bytes) -> None:
    with pytest.raises(Unusual):
        pieces(text, 1000)


BOX = [[[0, 3, 2, 1]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]


def document() -> dict[str, Any]:
    """Houses with a part each, the part far from its house in the file."""
    objects: dict[str, Any] = {}
    vertices = []
    for i in range(30):
        geometry = {"type": "Solid", "lod": "2", "boundaries": [[[[v + 8 * i for v in r] for r in f] for f in BOX]]}
        objects[f"part{i}"] = {"type": "BuildingPart", "geometry": [geometry], "attributes": {"no": i, "n": '}"{'}}
        vertices += [[x + 20 * i, y, z] for z in (0, 6) for x, y in ((0, 0), (9, 0), (9, 8), (0, 8))]
    for i in range(30):
        objects[f"house{i}"] = {"type": "Building", "children": [f"part{i}"]}
        if i % 2:
            objects[f"part{i}"]["parents"] = [f"house{i}"]
    return {
        "type": "CityJSON", "version": "2.0", "transform": {"scale": [1, 1, 1], "translate": [565000, 5934000, 0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "CityObjects": objects, "vertices": vertices,
    }  # fmt: skip


@pytest.mark.parametrize("order", [None, ["vertices", "CityObjects"], ["CityObjects", "vertices"]])
def test_the_city_does_not_depend_on_the_cuts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: list[str] | None
) -> None:
    content = document()
    content = {**{name: content[name] for name in order or []}, **content}
    path = tmp_path / "city.city.json"
    path.write_text(json.dumps(content), encoding="utf-8")

    def whole(*_: object, **__: object) -> None:
        raise Unusual

    cities = []
    for block_bytes in (200, 1 << 18):
        monkeypatch.setattr(cityjson_stream, "BLOCK_BYTES", block_bytes)
        cities.append(read_cityjson(path, ReadContext()))
    monkeypatch.setattr(cityjson, "_raw_pieces", whole)
    cities.append(read_cityjson(path, ReadContext()))
    first = cities[-1]
    assert first.objects.parent[:30].tolist() == list(range(30, 60))
    assert len(first.triangles) == 30 * 12
    for city in cities[:-1]:
        for name, array in first.arrays().items():
            np.testing.assert_array_equal(city.arrays()[name], array)
        assert city.objects.ids.tolist() == first.objects.ids.tolist()
        assert city.objects.parent.tolist() == first.objects.parent.tolist()
        np.testing.assert_array_equal(city.objects.attributes["no"].values, first.objects.attributes["no"].values)


def test_a_usual_file_is_really_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "city.city.json"
    path.write_text(json.dumps(document()), encoding="utf-8")

    def never(*_: object) -> None:
        raise AssertionError("parsed as a whole")

    monkeypatch.setattr(cityjson, "_raw_whole", never)
    assert len(read_cityjson(path, ReadContext()).objects) == 60
