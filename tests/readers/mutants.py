"""Damages small files in seeded random ways and reads them: run as ``python -m tests.readers.mutants FORMAT``.

A process of its own, so that a hang or a crash ends it and not the tests. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import copy
import faulthandler
import io
import json
import random
import re
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from xml.parsers import expat

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tests.readers import gml_fixtures as gml  # noqa: E402
from tests.readers import peak  # noqa: E402
from tools.formats.counting import count_elements as gml_count  # noqa: E402

#: A file may take this long, seconds; then its process is ended with the traceback of every thread.
HANG_S = 20.0
#: A mutant may need so many times the memory its undamaged file needs,
MEMORY_FACTOR = 3.0
#: and so much more, megabytes: PROJ takes 12 when it looks a damaged reference system up by its name.
MEMORY_NOISE_MB = 16.0
#: What numbers are replaced by.
_ODD_NUMBERS = tuple(b"NaN Infinity 1e400 -1e400 -1 0 99999999999999999999 1e-320 0x10 1,5 --1 1e9".split(b" ")) + (
    b"",
)
_ODD_VALUES: tuple[object, ...] = (
    None, True, "", "x", "EPSG:99999999", -1, 0, 10**30, 1.5, 1e308, float("nan"), [], [[]], [[[[[]]]]], {},
    {"type": None}, [None, "a"],
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_TAG = re.compile(rb"<[^<>]+>")


# -- seeds -------------------------------------------------------------------------------------------


def citygml_seeds() -> list[bytes]:
    """Small files of every version."""
    files = []
    for version in gml.VERSIONS:
        parts = gml.building(
            gml.attributes(version)
            + gml.boundary(version, "WallSurface", gml.polygon(gml.square(), holes=[gml.square(size=2.0)[::-1]]))
            + gml.boundary(version, "RoofSurface", gml.polygon(gml.square(z=5.0), style="pos")),
            "P1",
        )
        members = [*gml.houses(version, 2), parts]
        files.append("".join(gml.document(version, members)).encode("utf-8"))
    files += ["".join(gml.document(version, [gml.terrain()])).encode("utf-8") for version in ("2.0", "3.0")]
    return files


def _json_city() -> dict:
    vertices: list[list[int]] = []
    objects: dict[str, dict] = {}
    for number in range(3):
        index: dict[tuple, int] = {}
        faces = []
        for _, points in gml.house_rings(25.0 * number, 0.0, 0.0):
            faces.append([[len(vertices) + index.setdefault(p, len(index)) for p in points]])
        vertices += [[round(c * 1000) for c in p] for p in index]
        surfaces = [{"type": t} for t in ("GroundSurface", "WallSurface", "RoofSurface")]
        objects[f"H{number}"] = {
            "type": "Building",
            "attributes": {"measuredHeight": 9.0, "storeysAboveGround": 2, "function": "1000", "name": "Häuschen"},
            "geometry": [
                {"type": "Solid", "lod": "2", "boundaries": [faces],
                 "semantics": {"surfaces": surfaces, "values": [[0, 1, 1, 1, 1, 2, 2]]}},
                {"type": "MultiSurface", "lod": "0", "boundaries": [faces[0]]},
            ],
        }  # fmt: skip
    objects["H1"]["children"] = ["T"]
    objects["T"] = {
        "type": "BuildingPart",
        "parents": ["H1"],
        "geometry": [{"type": "MultiSolid", "lod": "1", "boundaries": [[[[[0, 1, 2]], [[2, 3, 0]]]]]}],
    }
    matrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    objects["B"] = {
        "type": "SolitaryVegetationObject",
        "geometry": [{"type": "GeometryInstance", "template": 0, "boundaries": [5], "transformationMatrix": matrix}],
    }
    return {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "transform": {"scale": [0.001] * 3, "translate": [565_000.0, 5_934_000.0, 0.0]},
        "CityObjects": objects,
        "vertices": vertices,
        "geometry-templates": {
            "templates": [{"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2]], [[0, 2, 3]]]}],
            "vertices-templates": [[0, 0, 0], [1, 0, 0], [1, 0, 2], [0, 0, 2]],
        },
    }


def cityjson_seeds() -> list[bytes]:
    """A city with parts, levels of detail, semantics and templates."""
    return [json.dumps(_json_city()).encode("utf-8")]


def cityjsonseq_seeds() -> list[bytes]:
    """The same city in lines."""
    city = _json_city()
    head = {**city, "CityObjects": {}, "vertices": []}
    lines = [json.dumps(head)]
    for name in ("H0", "H1", "H2", "B"):
        inside = {name: city["CityObjects"][name]}
        if name == "H1":
            inside["T"] = city["CityObjects"]["T"]
        lines.append(
            json.dumps({"type": "CityJSONFeature", "id": name, "CityObjects": inside, "vertices": city["vertices"]})
        )
    return ["\n".join(lines).encode("utf-8")]


def footprint_seeds() -> list[bytes]:
    """Footprints with heights, holes and several parts."""

    def square(x: float, size: float) -> list[list[float]]:
        return [[x, 0.0], [x + size, 0.0], [x + size, size], [x, size], [x, 0.0]]

    def feature(kind: str, coordinates: list, **properties: object) -> dict:
        return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}

    base = 565_000.0
    inner = [[base + 2, 2.0], [base + 2, 4.0], [base + 4, 4.0], [base + 4, 2.0], [base + 2, 2.0]]
    features = [
        feature("Polygon", [square(base, 10.0), inner], height=9.5, levels=3, id="a"),
        feature("MultiPolygon", [[square(base + 20, 8.0)], [square(base + 40, 8.0)]], height=12, levels=4, id="b"),
        feature("Polygon", [square(base + 60, 10.0)], height=None, levels=2, id="c"),
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}
    return [json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}).encode("utf-8")]


def csv_seeds() -> list[bytes]:
    """Points with coordinates in metres and in degrees, with commas and semicolons."""
    metres = "name;x;y;art\n" + "".join(f"Linde {i};{565_000 + 10 * i},5;5934000,25;Tilia\n" for i in range(6))
    degrees = "id,lon,lat,height\n" + "".join(f"{i},9.9{i},53.5{i},{i}.5\n" for i in range(6))
    return [metres.encode("utf-8"), degrees.encode("utf-8")]


#: format -> name of the file, its seeds, whether it is JSON, the reader ("": whichever takes it).
FORMATS: dict[str, tuple[str, Callable[[], list[bytes]], bool, str]] = {
    "citygml": ("mutant.gml", citygml_seeds, False, ""),
    "cityjson": ("mutant.city.json", cityjson_seeds, True, ""),
    "cityjsonseq": ("mutant.city.jsonl", cityjsonseq_seeds, False, ""),
    "footprints": ("mutant.geojson", footprint_seeds, True, "stadtforum:Footprints with a height"),
    "areas": ("mutant.geojson", footprint_seeds, True, ""),
    "csv": ("mutant.csv", csv_seeds, False, ""),
}


# -- damage ------------------------------------------------------------------------------------------


def mutant(seed: bytes, chance: random.Random, *, is_json: bool) -> bytes:
    """A damaged copy: one to three changes of bytes, numbers, tags or, in JSON, values."""
    if is_json and chance.random() < 0.6:
        value = json.loads(seed)
        for _ in range(chance.randint(1, 3)):
            _change_json(value, chance)
        return json.dumps(value).encode("utf-8", "surrogatepass")
    text = seed
    for _ in range(chance.randint(1, 3)):
        text = chance.choice((_bytes, _cut, _repeat, _number, _number, _tag, _shorten))(text, chance)
    return text


def _bytes(text: bytes, chance: random.Random) -> bytes:
    out = bytearray(text)
    for _ in range(chance.randint(1, 4)):
        if out:
            out[chance.randrange(len(out))] = chance.choice(
                (0, 255, 34, 60, 62, 38, 91, 123, 10, chance.randrange(256))
            )
    return bytes(out)


def _cut(text: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(text) + 1)
    return text[:at] + text[at + chance.choice((1, 5, 60, 400)) :]


def _repeat(text: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(text) + 1)
    piece = text[at : at + chance.choice((1, 20, 200))]
    return text[:at] + piece * chance.choice((2, 3, 50)) + text[at:]


def _shorten(text: bytes, chance: random.Random) -> bytes:
    return text[: chance.randrange(len(text) + 1)] if chance.random() < 0.4 else text


def _number(text: bytes, chance: random.Random) -> bytes:
    found = list(_NUMBER.finditer(text))
    if not found:
        return text
    one = chance.choice(found)
    return text[: one.start()] + chance.choice(_ODD_NUMBERS) + text[one.end() :]


def _tag(text: bytes, chance: random.Random) -> bytes:
    found = list(_TAG.finditer(text))
    if not found:
        return _bytes(text, chance)
    one, other = chance.choice(found), chance.choice(found)
    new = chance.choice((b"", other.group(), one.group() * 2, b"<x>", b"<!-- ", b"&nothing;", b"<![CDATA["))
    return text[: one.start()] + new + text[one.end() :]


def _change_json(value: object, chance: random.Random) -> None:
    inner = value
    for _ in range(chance.randint(0, 9)):
        children = list(inner.values()) if isinstance(inner, dict) else inner if isinstance(inner, list) else []
        deeper = [child for child in children if isinstance(child, dict | list) and child]
        if not deeper:
            break
        inner = chance.choice(deeper)
    if isinstance(inner, dict) and inner:
        key = chance.choice(list(inner))
        action = chance.random()
        if action < 0.25:
            del inner[key]
        elif action < 0.35:
            inner[key + "x"] = inner.pop(key)
        else:
            inner[key] = copy.deepcopy(chance.choice((*_ODD_VALUES, inner[chance.choice(list(inner))])))
    elif isinstance(inner, list) and inner:
        at = chance.randrange(len(inner))
        action = chance.random()
        if action < 0.2:
            del inner[at]
        elif action < 0.3:
            inner.append(inner[at])
        else:
            inner[at] = copy.deepcopy(chance.choice((*_ODD_VALUES, inner[chance.randrange(len(inner))])))


# -- reading -----------------------------------------------------------------------------------------


def read_and_use(host: object, path: Path, reader: str = "") -> str:
    """Read a file and use what came of it: ``"city"``, ``"layer"`` or ``"refused"``.

    Raises
    ------
    Exception
        Anything that is no error a person was meant to read.
    """
    from viewer.city.quality import check_quality
    from viewer.city.quality.text import report_dict
    from viewer.errors import ViewerError
    from viewer.plugin_api import ReadContext
    from viewer.plugin_host.border import PluginBug

    try:
        reading = host.read(path, ReadContext(), reader=reader)  # type: ignore[attr-defined]
    except PluginBug as bug:
        raise bug.__cause__ or bug  # noqa: B904
    except ViewerError as error:
        assert str(error), "an error without a word"
        return "refused"
    for issue in reading.report.issues:
        assert str(issue)
    if reading.city is None:
        return "layer"
    lost = silently_lost(path, reading)
    assert not lost, f"{lost} objects are missing without a word"
    json.dumps(report_dict(check_quality(reading.city, reading.report)), allow_nan=False)
    return "city"


def silently_lost(path: Path, reading: object) -> int:
    """How many objects a plain count of the file finds that were neither read nor reported as left out.

    0 where the file is too damaged to be counted by other means.
    """
    content = path.read_bytes()
    try:
        if path.suffix == ".gml":
            counted = sum((gml_count([io.BytesIO(content)]) or {}).values())
        elif path.name.endswith(".city.json"):
            counted = len(json.loads(content)["CityObjects"])
        elif path.suffix == ".jsonl":
            counted = _in_lines(content)
        else:
            return 0
    except (expat.ExpatError, ValueError, TypeError, KeyError, RecursionError):
        return 0
    city, report = reading.city, reading.report  # type: ignore[attr-defined]
    told = [issue for issue in report.issues if "left out" in str(issue)]
    missing = counted - len(city.objects)
    in_lines = any("Lines" in str(issue) for issue in told)  # a line may hold several objects
    return 0 if in_lines else max(0, missing - sum(issue.count for issue in told))


def _in_lines(content: bytes) -> int:
    """Objects in all features of a sequence."""
    found = 0
    for line in content.splitlines():
        value = json.loads(line) if line.strip() else {}
        found += len(value["CityObjects"]) if value.get("type") == "CityJSONFeature" else 0
    return found


class Meter:
    """Holds every mutant to the memory that undamaged files of its format need.

    Where the system does not tell the highest memory of a process, ``skipped`` says so and nothing is held.
    """

    def __init__(self) -> None:
        self.skipped = peak.why_not()
        self.normal_mb = self.most_mb = 0.0
        self.offenders: list[dict[str, object]] = []

    @property
    def limit_mb(self) -> float:
        """What a mutant may need."""
        return MEMORY_FACTOR * self.normal_mb + MEMORY_NOISE_MB

    def learn(self, work: Callable[[], object]) -> None:
        """``work`` reads an undamaged file; the first reading loads libraries and does not count."""
        if not self.skipped:
            work()
            self.normal_mb = max(self.normal_mb, peak.peak_growth_mb(work))

    def hold(self, number: int, work: Callable[[], str]) -> str:
        """What came of ``work``; a mutant is an offender if it needs too much twice, for once may load a library."""
        if self.skipped:
            return work()
        ends: list[str] = []
        needed = peak.peak_growth_mb(lambda: ends.append(work()))
        if needed > self.limit_mb:
            needed = peak.peak_growth_mb(work)
            if needed > self.limit_mb:
                self.offenders.append({"number": number, "mb": round(needed, 1)})
        self.most_mb = max(self.most_mb, needed)
        return ends[0]

    def result(self) -> dict[str, object]:
        """For the line of JSON."""
        if self.skipped:
            return {"memory_skipped": self.skipped}
        return {
            "normal_mb": round(self.normal_mb, 1),
            "limit_mb": round(self.limit_mb, 1),
            "most_mb": round(self.most_mb, 1),
            "memory_offenders": len(self.offenders),
            "offenders": self.offenders,
        }


def main() -> int:
    """Read the mutants of one format and print how they ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="write failing mutants into this folder")
    options = parser.parse_args()
    from viewer.plugin_host import PluginHost

    name, make, is_json, reader = FORMATS[options.format]
    seeds = make()
    host = PluginHost([ROOT / "plugins"], packages=False)
    ends: dict[str, int] = {"city": 0, "layer": 0, "refused": 0}
    failures: list[dict[str, object]] = []
    meter = Meter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name

        def read() -> str:
            return read_and_use(host, path, reader)

        def keep(number: int) -> None:
            if options.keep:
                kept = options.keep / f"{options.format}-{options.seed}-{number}{name[6:]}"
                kept.write_bytes(path.read_bytes())

        for content in seeds:
            path.write_bytes(content)
            meter.learn(read)
        for number in range(options.count):
            chance = random.Random(f"{options.format}/{options.seed}/{number}")
            path.write_bytes(mutant(seeds[number % len(seeds)], chance, is_json=is_json))
            faulthandler.dump_traceback_later(HANG_S, exit=True, file=sys.__stderr__)
            known = len(meter.offenders)
            try:
                ends[meter.hold(number, read)] += 1
            except Exception:  # noqa: BLE001
                failures.append({"number": number, "error": traceback.format_exc()[-1500:]})
                keep(number)
            faulthandler.cancel_dump_traceback_later()
            if len(meter.offenders) > known:
                keep(number)
    print(json.dumps({"format": options.format, "seed": options.seed, "count": options.count, **ends,
                      **meter.result(), "failures": failures}))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
