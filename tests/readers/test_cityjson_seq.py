"""CityJSONSeq: line by line, and a bad line costs that line."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viewer.city import CityModel
from viewer.errors import Cancelled, ReadError
from viewer.plugin_api import Progress, ReadContext
from viewer.readers import cityjson_objects, cityjson_seq
from viewer.readers.cityjson import read_cityjson

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

HEADER = {
    "type": "CityJSON", "version": "2.0", "CityObjects": {}, "vertices": [],
    "transform": {"scale": [0.01, 0.01, 0.01], "translate": [565000, 5934000, 0]},
    "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
}  # fmt: skip


def feature(own_id: str, east: int = 0, **more: Any) -> dict[str, Any]:
    """A triangular roof ``east`` centimetres from the origin."""
    geometry = {
        "type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2]]],
        "semantics": {"surfaces": [{"type": "RoofSurface"}], "values": [0]},
    }  # fmt: skip
    return {
        "type": "CityJSONFeature",
        "id": own_id,
        "CityObjects": {own_id: {"type": "Building", "attributes": {"name": own_id}, "geometry": [geometry]}},
        "vertices": [[east, 0, 300], [east + 100, 0, 300], [east, 100, 300]],
        **more,
    }


def read(tmp_path: Path, lines: list[Any], name: str = "city.city.jsonl") -> tuple[CityModel, ReadContext]:
    text = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    path = tmp_path / name
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    context = ReadContext()
    return read_cityjson(path, context), context


def told(context: ReadContext) -> dict[str, tuple[int, tuple[str, ...]]]:
    return {issue.text: (issue.count, issue.where) for issue in context.log.issues()}


def east_of(city: CityModel) -> list[float]:
    return np.round(city.frame.crs_from_local(city.positions_local)[::3, 0] - 565000, 3).tolist()


def test_features_stand_at_their_places(tmp_path: Path) -> None:
    city, context = read(tmp_path, [HEADER, feature("a"), feature("b", 500), feature("c", 900)])
    assert city.objects.ids.tolist() == ["a", "b", "c"]
    assert east_of(city) == [0.0, 5.0, 9.0]
    assert city.face_surface.tolist() == [3, 3, 3]
    assert city.objects.attributes["name"].values.tolist() == ["a", "b", "c"]
    assert context.facts["format"] == "CityJSONSeq"
    assert context.facts["crs"] == "EPSG:25832"
    assert told(context) == {}


@pytest.mark.parametrize("name", ["city.jsonl", "city.city.jsonl.gz", "city.json"])
def test_the_name_of_the_file_does_not_matter(tmp_path: Path, name: str) -> None:
    assert len(read(tmp_path, [HEADER, feature("a")], name)[0].objects) == 1


def test_batches_do_not_change_the_city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [HEADER, *(feature(f"f{i}", 200 * i) for i in range(40))]
    whole, _ = read(tmp_path, lines)
    monkeypatch.setattr(cityjson_seq, "BATCH_VERTICES", 10)
    pieces, _ = read(tmp_path, lines)
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(pieces.arrays()[name], array)
    assert pieces.objects.attributes["name"].values.tolist() == whole.objects.attributes["name"].values.tolist()


@pytest.mark.parametrize("bad", [b"{broken", b"5", b'{"type":"Feature"}', b"\xff\xff"])
def test_a_bad_line_costs_that_line_and_is_named(tmp_path: Path, bad: bytes) -> None:
    city, context = read(tmp_path, [HEADER, feature("a"), b"", bad, feature("b")])
    assert city.objects.ids.tolist() == ["a", "b"]
    ((count, where),) = told(context).values()
    assert (count, where) == (1, ("line 4",))


def test_a_vertex_of_another_feature_is_not_borrowed(tmp_path: Path) -> None:
    broken = feature("a")
    broken["CityObjects"]["a"]["geometry"][0]["boundaries"] = [[[0, 1, 4]]]
    city, context = read(tmp_path, [HEADER, feature("b"), broken, feature("c")])
    assert city.objects.ids[city.face_object].tolist() == ["b", "c"]
    assert told(context) == {cityjson_objects.BROKEN_FACE: (1, ("a",))}


def test_a_feature_may_bring_its_own_transform(tmp_path: Path) -> None:
    own = {"scale": [1, 1, 1], "translate": [565100, 5934000, 0]}
    city, _ = read(tmp_path, [HEADER, feature("a", 100), feature("b", 5, transform=own), feature("c", 100)])
    assert east_of(city) == [1.0, 105.0, 1.0]


def test_a_second_header_holds_for_what_follows(tmp_path: Path) -> None:
    second = {**HEADER, "transform": {"scale": [1, 1, 1], "translate": [565000, 5934000, 0]}}
    city, _ = read(tmp_path, [HEADER, feature("a", 100), second, feature("b", 100)])
    assert east_of(city) == [1.0, 100.0]


def test_a_missing_header_is_told(tmp_path: Path) -> None:
    first = feature("a", 56500000)
    first["vertices"] = [[565000, 5934000, 3], [565001, 5934000, 3], [565000, 5934001, 3]]
    city, context = read(tmp_path, [first, first | {"id": "b"}])
    assert len(city.face_surface) == 2
    assert cityjson_seq.NO_HEADER in told(context)


def test_the_same_id_in_two_features_is_made_unique(tmp_path: Path) -> None:
    city, context = read(tmp_path, [HEADER, feature("a"), feature("a", 300)])
    assert len(set(city.objects.ids.tolist())) == 2
    assert len(told(context)) == 1


def test_a_part_finds_its_parent_in_another_line(tmp_path: Path) -> None:
    part = feature("p")
    part["CityObjects"]["p"] |= {"type": "BuildingPart", "parents": ["a"]}
    city, context = read(tmp_path, [HEADER, part, feature("a")])
    assert city.objects.parent.tolist() == [1, -1]
    assert told(context) == {}


def test_templates_stand_in_the_header(tmp_path: Path) -> None:
    templates = {
        "templates": [{"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 2]]]}],
        "vertices-templates": [[0, 0, 0], [1, 0, 0], [0, 1, 0]],
    }
    tree = feature("t", 700)
    tree["CityObjects"]["t"]["geometry"] = [{"type": "GeometryInstance", "template": 0, "boundaries": [0]}]
    city, _ = read(tmp_path, [{**HEADER, "geometry-templates": templates}, feature("a"), tree])
    assert east_of(city) == [0.0, 7.0]


def test_reading_stops_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "city.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in [HEADER, *(feature(f"f{i}") for i in range(600))]))
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(Cancelled):
        read_cityjson(path, ReadContext(progress=Progress(None, cancelled)))


def test_a_header_alone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReadError):
        read(tmp_path, [HEADER, b""])


REAL = [
    "cityjsonseq-3dbag/3dbag_b2.city.jsonl", "cityjsonseq-3dbag/tile_901_trimmed.jsonl",
    "hamburg-centre/hamburg-center-alkis.city.jsonl", "hamburg-centre/roads/hh-road-e565-n5933.city.jsonl.gz",
    "hamburg-centre/roads/hh-road-e565-n5934.city.jsonl.gz",
]  # fmt: skip


@pytest.mark.skipif(not DATA.exists(), reason="the real data sets are not beside the repository")
@pytest.mark.parametrize("name", REAL)
def test_a_real_sequence_keeps_every_object(name: str) -> None:
    data = (DATA / name).read_bytes()
    text = gzip.decompress(data) if name.endswith(".gz") else data
    expected: Counter[str] = Counter()
    for line in text.splitlines():
        expected.update(entry["type"] for entry in json.loads(line)["CityObjects"].values())
    city = read_cityjson(DATA / name, ReadContext())
    assert city.objects.count_by_type() == dict(expected.most_common())
    assert len(city.triangles) > 200
