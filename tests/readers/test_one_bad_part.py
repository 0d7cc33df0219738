"""One bad part costs one part: a city of 1,000 houses with one of them damaged in each of many ways."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable

import numpy as np
import pytest

from tests.readers import gml_fixtures as gml
from viewer.city.quality import check_quality
from viewer.plugin_host import PluginHost

HOUSES = 1_000
BAD = "H500"
#: Findings about every house of the made-up city alike, which name no fault of a single one.
_COMMON = {"A01", "A02", "A03", "A04", "A05", "P02"}


@pytest.fixture(scope="module")
def host():
    from pathlib import Path

    return PluginHost([Path(__file__).resolve().parents[2] / "plugins"], packages=False)


def read(host, path):
    from viewer.plugin_api import ReadContext

    return host.read(path, ReadContext())


def assert_one_part_lost(reading, faces_each: int) -> None:
    """All other houses are whole, and something that is told names the bad one."""
    city = reading.city
    ids = np.array([str(i) for i in city.objects.ids])
    faces = dict(zip(ids.tolist(), np.bincount(city.face_object, minlength=len(ids)).tolist(), strict=True))
    whole = [f"H{i}" for i in range(HOUSES) if f"H{i}" != BAD]
    assert [name for name in whole if faces.get(name) != faces_each] == []
    quality = check_quality(city, reading.report)
    named = {f.rule.code for f in quality.findings if f.rule.code not in _COMMON and BAD in f.ids}
    named |= {f.rule.code for f in quality.findings if f.objects in {(BAD,), (f"{BAD}_2",)}}
    told = [issue.text for issue in reading.report.issues if any(BAD in place for place in issue.where)]
    assert named or told, (quality.findings, reading.report.issues)
    others = {n for f in quality.findings if f.rule.code not in _COMMON for n in f.ids} - {BAD, f"{BAD}_2"}
    assert others == set()


# -- CityGML -----------------------------------------------------------------------------------------


def _swap(old: str, new: str, times: int = 1) -> Callable[[str], str]:
    def damage(text: str) -> str:
        assert old in text
        return text.replace(old, new, times)

    return damage


def _ring(change: Callable[[list[str]], list[str]], number: int = 1) -> Callable[[str], str]:
    """Change the numbers of one ring of the house."""

    def damage(text: str) -> str:
        parts = text.split("<q:posList>")
        inner, rest = parts[number + 1].split("</q:posList>", 1)
        parts[number + 1] = " ".join(change(inner.split())) + "</q:posList>" + rest
        return "<q:posList>".join(parts)

    return damage


def _without_roof(text: str) -> str:
    start = text.rindex("<b:boundedBy>")
    end = text.index("</b:boundedBy>", start) + len("</b:boundedBy>")
    return text[:start] + text[end:]


def _with_hole(text: str) -> str:
    far = gml.ring(gml.square(gml.X0 - 9000, gml.Y0, size=1.0))
    return text.replace("</q:exterior></q:Polygon>", f"</q:exterior><q:interior>{far}</q:interior></q:Polygon>", 1)


GML_DAMAGE: dict[str, Callable[[str], str]] = {
    "number missing": _ring(lambda n: n[:-1]),
    "word among numbers": _ring(lambda n: [*n[:4], "abc", *n[5:]]),
    "not a number": _ring(lambda n: [*n[:4], "NaN", *n[5:]]),
    "infinite": _ring(lambda n: [*n[:4], "1e400", *n[5:]]),
    "far away": _ring(lambda n: ["9e9", *n[1:-3], "9e9", *n[-2:]]),
    "empty ring": _ring(lambda n: []),
    "ring of two points": _ring(lambda n: [*n[:6], *n[:3]]),
    "open ring": _ring(lambda n: n[:-3]),
    "repeated point": _ring(lambda n: [*n[:3], *n]),
    "bow tie": _ring(lambda n: [*n[:3], *n[6:9], *n[3:6], *n[9:]]),
    "bent wall": _ring(lambda n: [*n[:3], n[3], str(float(n[4]) - 1.0), *n[5:]]),
    "turned wall": _ring(lambda n: [c for i in range(len(n) - 3, -1, -3) for c in n[i : i + 3]]),
    "surface missing": _without_roof,
    "hole far outside": _with_hole,
    "id of a neighbour": lambda text: text + gml.house("2.0", BAD, gml.X0 - 500, gml.Y0).replace("q:id=\"H500_", "q:id=\"N_").replace("#H500_", "#N_"),  # noqa: E501
    "impossible height": _swap(">9.0</b:measuredHeight>", ">56890.0</b:measuredHeight>"),
    "height in words": _swap(">9.0</b:measuredHeight>", ">hoch</b:measuredHeight>"),
    "height that differs": _swap(">9.0</b:measuredHeight>", ">19.0</b:measuredHeight>"),
    "negative storeys": _swap("<b:storeysAboveGround>2", "<b:storeysAboveGround>-2"),
    "impossible year": _swap("<b:yearOfConstruction>1965", "<b:yearOfConstruction>19650"),
}  # fmt: skip


@pytest.fixture(scope="module")
def gml_members() -> list[str]:
    return list(gml.houses("2.0", HOUSES))


@pytest.mark.parametrize("way", GML_DAMAGE)
def test_one_bad_part_of_a_citygml_city_costs_that_part(host, gml_members, tmp_path, way):
    at = int(BAD[1:])
    damaged = GML_DAMAGE[way](gml_members[at])
    assert damaged != gml_members[at]
    both = damaged.replace(
        "</b:Building><b:Building", "</b:Building></c:cityObjectMember><c:cityObjectMember><b:Building"
    )
    path = gml.write(tmp_path / "city.gml", "2.0", [*gml_members[:at], both, *gml_members[at + 1 :]])
    assert_one_part_lost(read(host, path), gml.HOUSE_FACES)


# -- CityJSON ----------------------------------------------------------------------------------------


def _house(number: int) -> tuple[dict, list[list[int]]]:
    x, y = 25.0 * (number % 32), 25.0 * (number // 32)
    index: dict[tuple, int] = {}
    faces, kinds = [], []
    for kind, points in gml.house_rings(x, y, 0.0):
        faces.append([[number * 10 + index.setdefault(p, len(index)) for p in points]])
        kinds.append(("GroundSurface", "WallSurface", "RoofSurface").index(kind))
    semantics = {"surfaces": [{"type": t} for t in ("GroundSurface", "WallSurface", "RoofSurface")], "values": [kinds]}
    made = {
        "type": "Building",
        "attributes": {"measuredHeight": 9.0, "storeysAboveGround": 2, "function": "1000", "roofType": "3100",
                       "yearOfConstruction": 1965},
        "geometry": [{"type": "Solid", "lod": "2", "boundaries": [faces], "semantics": semantics}],
    }  # fmt: skip
    return made, [[round(c * 1000) for c in p] for p in index]


@pytest.fixture(scope="module")
def json_city() -> dict:
    houses = [_house(i) for i in range(HOUSES)]
    return {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "transform": {"scale": [0.001] * 3, "translate": [565_000.0, 5_934_000.0, 0.0]},
        "CityObjects": {f"H{i}": house for i, (house, _) in enumerate(houses)},
        "vertices": [point for _, points in houses for point in points],
    }


def _wall(change: Callable[[list], object]) -> Callable[[dict], None]:
    """Change the ring of one wall of the house."""

    def damage(house: dict) -> None:
        rings = house["geometry"][0]["boundaries"][0][1]
        rings[0] = change(rings[0])

    return damage


def _set(*path: object, to: object) -> Callable[[dict], None]:
    def damage(house: dict) -> None:
        inner = house
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = to

    return damage


JSON_DAMAGE: dict[str, Callable[[dict], None]] = {
    "index out of range": _wall(lambda r: [99_999_999, *r[1:]]),
    "negative index": _wall(lambda r: [-1, *r[1:]]),
    "index as text": _wall(lambda r: [str(r[0]), *r[1:]]),
    "index as fraction": _wall(lambda r: [r[0] + 0.5, *r[1:]]),
    "ring of nothing": _wall(lambda r: None),
    "empty ring": _wall(lambda r: []),
    "ring of two points": _wall(lambda r: r[:2]),
    "repeated point": _wall(lambda r: [r[0], *r]),
    "bow tie": _wall(lambda r: [r[0], r[2], r[1], r[3]]),
    "turned wall": _wall(lambda r: r[::-1]),
    "far vertex of a neighbour": _wall(lambda r: [0, *r[1:]]),
    "surface missing": lambda house: house["geometry"][0]["boundaries"][0].pop(),
    "boundaries too shallow": lambda house: house["geometry"][0].update(
        boundaries=house["geometry"][0]["boundaries"][0]
    ),
    "boundaries of nothing": _set("geometry", 0, "boundaries", to=None),
    "unknown geometry": _set("geometry", 0, "type", to="Blob"),
    "geometry as text": _set("geometry", 0, to="Solid"),
    "semantics of another length": _set("geometry", 0, "semantics", "values", to=[[0]]),
    "semantics of nothing": _set("geometry", 0, "semantics", "surfaces", to=None),
    "parent that is not there": lambda house: house.update(type="BuildingPart", parents=["nobody"]),
    "no type": lambda house: house.pop("type"),
    "impossible height": _set("attributes", "measuredHeight", to=56_890.0),
    "height in words": _set("attributes", "measuredHeight", to="hoch"),
    "negative storeys": _set("attributes", "storeysAboveGround", to=-2),
    "height that differs": _set("attributes", "measuredHeight", to=19.0),
}


@pytest.mark.parametrize("way", JSON_DAMAGE)
def test_one_bad_part_of_a_cityjson_city_costs_that_part(host, json_city, tmp_path, way):
    city = {**json_city, "CityObjects": dict(json_city["CityObjects"])}
    house = copy.deepcopy(city["CityObjects"][BAD])
    JSON_DAMAGE[way](house)
    assert house != city["CityObjects"][BAD]
    city["CityObjects"][BAD] = house
    path = tmp_path / "city.city.json"
    path.write_text(json.dumps(city), encoding="utf-8")
    assert_one_part_lost(read(host, path), gml.HOUSE_FACES)


def test_the_sound_cities_have_no_fault_at_all(host, gml_members, json_city, tmp_path):
    path = tmp_path / "city.city.json"
    path.write_text(json.dumps(json_city), encoding="utf-8")
    for file in (gml.write(tmp_path / "city.gml", "2.0", gml_members), path):
        reading = read(host, file)
        assert {f.rule.code for f in check_quality(reading.city, reading.report).findings} <= {"P02"}
