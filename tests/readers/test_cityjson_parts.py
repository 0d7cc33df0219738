"""CityJSON on several cores brings the city that one core brings, to the byte."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.readers.test_citygml_quick import contents, messages
from viewer.errors import ReadError
from viewer.plugin_api import Progress, ReadContext
from viewer.readers import cityjson, cityjson_parts, cityjson_stream, helpers
from viewer.readers.cityjson import read_cityjson

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def box(first: int) -> list[Any]:
    """The six faces of a box over eight vertices."""
    corners = ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))
    return [[[first + corner for corner in face]] for face in corners]


def town(count: int = 80) -> dict[str, Any]:
    """Houses with all that a document may hold: parts, parents elsewhere, templates, attributes of all kinds."""
    objects: dict[str, Any] = {}
    vertices: list[list[int]] = []
    for i in range(count):
        x, y = 20_000 * (i % 10), 20_000 * (i // 10)
        first = len(vertices)
        square = ((x, y), (x + 9000, y), (x + 9000, y + 9000), (x, y + 9000))
        vertices += [[*corner, z] for z in (0, 9000 + i) for corner in square]
        semantics = {"surfaces": [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}],
                     "values": [[0, 1, 2, 2, 2, 2]]}  # fmt: skip
        solid = {"type": "Solid", "lod": "2.2" if i % 3 else 1, "boundaries": [box(first)], "semantics": semantics}
        attributes: dict[str, Any] = {"measuredHeight": 9.0 + i, "function": f'use "{i % 4}" {{', "count": i}
        if i % 5 == 0:
            attributes["nested"] = {"a": i, "b": {"c": [i]}}
        objects[f"H{i}"] = {"type": "Building", "attributes": attributes, "geometry": [solid]}
        if i % 7 == 0:
            objects[f"P{i}"] = {
                "type": "BuildingPart",
                "parents": [f"H{(i * 37) % count}"],
                "geometry": [
                    {
                        "type": "MultiSurface",
                        "lod": "0",
                        "boundaries": [[[first, first + 1, first + 2]], [[first, 10**9, 1]]],
                    }
                ],
            }
        if i % 11 == 0:
            objects[f"T{i}"] = {
                "type": "SolitaryVegetationObject",
                "geometry": [
                    {
                        "type": "GeometryInstance",
                        "template": 0,
                        "boundaries": [first],
                        "transformationMatrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
                    }
                ],
            }
        if i % 13 == 0:
            objects[f"B{i}"] = {"type": "", "children": [f"H{i}"], "geometry": [{"type": "Solid", "boundaries": 5}]}
    return {
        "type": "CityJSON", "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "transform": {"scale": [0.001] * 3, "translate": [565_000.0, 5_935_000.0, 3.0]},
        "geometry-templates": {
            "templates": [{"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2]]]}],
            "vertices-templates": [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 3.0]],
        },
        "CityObjects": objects, "vertices": vertices,
    }  # fmt: skip


def outcome(path: Path) -> tuple[object, ...]:
    context = ReadContext()
    try:
        city = read_cityjson(path, context)
    except ReadError as error:
        return (type(error).__name__, str(error))
    return (*contents(city), messages(context), sorted((f.code, f.ids) for f in context.log.faults), context.facts)


@pytest.fixture(scope="module")
def two_helpers() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(helpers.VARIABLE, "3")
        yield
    helpers.stop()


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch, two_helpers: None) -> list[int]:
    """Small files are shared too; the number of objects that came in each part."""
    monkeypatch.setattr(cityjson_parts, "WORTH_BYTES", 0)
    monkeypatch.setattr(cityjson_parts, "UNIT_BYTES", 4000)
    monkeypatch.setattr(cityjson_stream, "BLOCK_BYTES", 1500)
    counts: list[int] = []
    absorb = cityjson.CityCollector.absorb

    def counted(self: cityjson.CityCollector, part: Any) -> None:
        counts.append(len(part.ids))
        absorb(self, part)

    monkeypatch.setattr(cityjson.CityCollector, "absorb", counted)
    return counts


def alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, ...]:
    with monkeypatch.context() as patch:
        patch.setattr(cityjson, "worth_sharing", lambda member: False)
        return outcome(path)


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("vertices_first", [False, True])
def test_parts_make_the_same_city(tmp_path, monkeypatch, shared, indent, vertices_first):
    document = town()
    if vertices_first:
        document = {"type": document.pop("type"), "vertices": document.pop("vertices"), **document}
    path = tmp_path / "town.city.json"
    path.write_text(json.dumps(document, indent=indent), encoding="utf-8")
    met = outcome(path)
    if not vertices_first:
        assert len(shared) > 3 and sum(shared) == len(document["CityObjects"])
    assert met == alone(path, monkeypatch)
    assert "broken" not in str(met[0]) and len(met[1][0]) == len(document["CityObjects"])


def odd_values(document: dict[str, Any]) -> None:
    document["CityObjects"]["H3"]["attributes"]["many"] = {f"member {i}": i for i in range(40)}
    document["CityObjects"]["H70"]["attributes"]["many"] = {"member 1": 1}


def textured(document: dict[str, Any]) -> None:
    document["appearance"] = {"materials": [{"name": "m", "diffuseColor": [1, 0, 0]}]}
    document["CityObjects"]["H9"]["geometry"][0]["material"] = {"": {"value": 0}}


def no_vertices(document: dict[str, Any]) -> None:
    document["vertices"] = "none"


def nan_vertex(document: dict[str, Any]) -> None:
    document["vertices"][40] = [1, 2]


@pytest.mark.parametrize("change", [odd_values, textured, no_vertices, nan_vertex])
def test_what_cannot_be_shared_is_read_on_one_core(tmp_path, monkeypatch, shared, change: Callable[[Any], None]):
    document = town()
    change(document)
    path = tmp_path / "town.city.json"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    assert outcome(path) == alone(path, monkeypatch)


def test_damaged_files_end_alike(tmp_path, monkeypatch, shared):
    whole = json.dumps(town(30), indent=1).encode()
    chance = random.Random(3)
    path = tmp_path / "town.city.json"
    for _ in range(15):
        place = chance.randrange(len(whole))
        length = chance.choice((1, 3, 200))
        path.write_bytes(whole[:place] + bytes(chance.choices(b'{}[],"0a\\', k=length // 2)) + whole[place + length :])
        assert outcome(path) == alone(path, monkeypatch)


def test_reading_in_parts_can_be_cancelled(tmp_path, shared):
    path = tmp_path / "town.city.json"
    path.write_text(json.dumps(town(), indent=1), encoding="utf-8")

    class Stop(Exception):
        pass

    def report(share: float, text: str) -> None:
        if share > 0.1:
            raise Stop

    with pytest.raises(Stop):
        read_cityjson(path, ReadContext(progress=Progress(report)))
    assert outcome(path)


def test_a_real_city_is_the_same(monkeypatch, two_helpers):
    path = next(iter(sorted(DATA.glob("*rotterdam*/*.json"))), None)
    if path is None:
        pytest.skip("no folder ../shared/data with real files")
    monkeypatch.setattr(cityjson_parts, "WORTH_BYTES", 0)
    monkeypatch.setattr(cityjson_parts, "UNIT_BYTES", 400_000)
    assert outcome(path) == alone(path, monkeypatch)
