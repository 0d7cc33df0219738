"""What is promised for every fault of val3dity: which code is told, how often, of whom, and nothing else.

One made-up file for each fault, as CityJSON and as CityGML 2.0, goes through ``stadtforum check``. The numbers are
those of val3dity 2.6, and 905 and 906, which it had until 2.5.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from viewer.city.quality import RULES
from viewer.cli.command import run

sys.path.insert(0, str(Path(__file__).parent))
import fault_files as files
from fault_files import FAULTY, Body, Shell, Surface, block, solid, turned

ROOF = -1


def roof(*rings: list[files.Point], shell: Shell | None = None) -> Shell:
    """A box with another roof: its outline if none is given, and holes."""
    own = block() if shell is None else shell
    return [*own[:ROOF], [*own[ROOF], *rings]]


def outline(*points: tuple[float, float]) -> Shell:
    """A box whose roof has another outline, at 6 m."""
    return [*block()[:ROOF], [[(x, y, 6.0) for x, y in points]]]


def square(x: float, y: float, size: float, z: float = 6.0) -> list[files.Point]:
    return [(x, y, z), (x + size, y, z), (x + size, y + size, z), (x, y + size, z)]


def hole(x: float, y: float, size: float) -> list[files.Point]:
    return square(x, y, size)[::-1]


def hollow(x: float = 4.0, y: float = 4.0, z: float = 2.0, size: float = 2.0) -> Shell:
    return turned(block(size, size, size, x=x, y=y, z=z))


def lifted_corner(up: float) -> Shell:
    """A box with one corner of its roof lifted."""
    corner = (10.0, 10.0, 6.0)
    return [[[(10.0, 10.0, 6.0 + up) if p == corner else p for p in ring] for ring in rings] for rings in block()]


def folded() -> Shell:
    """A roof whose last three centimetres turn up: less than 1 cm off its plane, more than 20 degrees."""
    a, b, c, d = (0.0, 0.0), (10.0, 0.0), (10.0, 1.03), (0.0, 1.03)
    up = 6.0125
    return [
        [[(*a, 0.0), (*d, 0.0), (*c, 0.0), (*b, 0.0)]],
        [[(*a, 0.0), (*b, 0.0), (*b, 6.0), (*a, 6.0)]],
        [[(*b, 0.0), (*c, 0.0), (*c, up), (10.0, 1.0, 6.0), (*b, 6.0)]],
        [[(*c, 0.0), (*d, 0.0), (*d, up), (*c, up)]],
        [[(*d, 0.0), (*a, 0.0), (*a, 6.0), (0.0, 1.0, 6.0), (*d, up)]],
        [[(*a, 6.0), (*b, 6.0), (10.0, 1.0, 6.0), (*c, up), (*d, up), (0.0, 1.0, 6.0)]],
    ]


def sunken() -> Shell:
    """A box whose roof is a funnel down through the floor."""
    rim = [(0.0, 0.0, 6.0), (10.0, 0.0, 6.0), (10.0, 10.0, 6.0), (0.0, 10.0, 6.0)]
    return [*block()[:ROOF], *([[rim[k], rim[(k + 1) % 4], (5.0, 5.0, -2.0)]] for k in range(4))]


def cut_in_two() -> Body:
    """A box whose walls are divided at half their height, where a hollow touches them all around."""
    rim = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]
    sides = list(zip(rim, rim[1:] + rim[:1], strict=True))
    outer: Shell = [[[(*a, z), (*b, z), (*b, z + 3), (*a, z + 3)]] for z in (0.0, 3.0) for a, b in sides]
    outer += [[[(*p, 0.0) for p in rim[::-1]]], [[(*p, 6.0) for p in rim]]]
    tips = [((5.0, 5.0, 4.5), 1), ((5.0, 5.0, 1.5), -1)]
    inner: Shell = [[[(*a, 3.0), (*b, 3.0), tip][::way]] for tip, way in tips for a, b in sides]
    return solid(outer, turned(inner))


def composite(*shells: Shell, kind: str = "CompositeSolid") -> Body:
    return Body([[shell] for shell in shells], kind=kind)


def without(shell: Shell, number: int) -> Shell:
    return [surface for place, surface in enumerate(shell) if place != number]


def with_turned(shell: Shell, number: int) -> Shell:
    return [turned([surface])[0] if place == number else surface for place, surface in enumerate(shell)]


INNER_WALL: Surface = [[(0.0, 0.0, 0.0), (10.0, 10.0, 0.0), (10.0, 10.0, 6.0), (0.0, 0.0, 6.0)]]
BOTH = (".city.json", ".gml")

#: Name of the file, which begins with the number of val3dity -> the faulty building, and the faults told of it.
FAULTS: dict[str, tuple[Body, dict[str, int]]] = {
    "sound": (solid(block()), {}),
    "101-two-points": (solid([*block(), [[(0.0, 0.0, 6.0), (10.0, 0.0, 6.0)]]]), {"101": 1}),
    "101-one-place": (solid([*block(), [[(0.0, 0.0, 6.0), (0.0003, 0.0, 6.0), (0.0, 0.0003, 6.0)]]]), {"101": 1}),
    "102": (solid(outline((0, 0), (10, 0), (10, 0), (10, 10), (0, 10))), {"102": 1}),
    "102-nearly": (solid(outline((0, 0), (10, 0), (10, 0.0005), (10, 10), (0, 10))), {"102": 1}),
    "103": (solid(block(), left_open=[(5, 0)]), {"103": 1}),
    "104-bow-tie": (solid(outline((0, 0), (10, 0), (0, 10), (10, 10))), {"104": 1}),
    "104-spike": (solid(outline((0, 0), (10, 0), (10, 5), (15, 5), (10, 5), (10, 10), (0, 10))), {"104": 1}),
    "104-touch": (solid(outline((0, 0), (10, 0), (10, 10), (5, 0), (0, 10))), {"104": 1}),
    "201-crosses": (solid(roof(hole(8, 4, 4))), {"201": 1}),
    "201-shares-an-edge": (solid(roof(hole(6, 4, 4))), {"201": 1}),
    "202": (solid(roof(hole(4, 4, 2), hole(4, 4, 2))), {"202": 1}),
    "203": (solid(lifted_corner(0.4)), {"203": 1}),
    "203-within-1-cm": (solid(lifted_corner(0.03)), {}),
    "204": (solid(folded()), {"204": 1}),
    "205": (solid(roof([(0.0, 5.0, 6.0), (5.0, 10.0, 6.0), (10.0, 5.0, 6.0), (5.0, 0.0, 6.0)])), {"205": 1}),
    "206": (solid(roof(hole(20, 4, 2))), {"206": 1}),
    "207": (solid(roof(hole(3, 3, 4), hole(4, 4, 1))), {"207": 1}),
    "208": (solid([*roof(square(4, 4, 2)), [square(4, 4, 2)]]), {"208": 1}),
    "208-filled-hole": (solid([*roof(hole(4, 4, 2)), [square(4, 4, 2)]]), {}),
    "300": (solid([*block(), INNER_WALL]), {"300": 1}),
    "301": (solid(block()[:3]), {"301": 1}),
    "302-no-roof": (solid(without(block(), 5)), {"302": 1}),
    "302-gap": (solid([*block()[:ROOF], *block(z=0.01)[ROOF:]]), {"302": 1}),
    "303-edge": (solid([*block(), *block(x=10.0, y=10.0)]), {"303": 1}),
    "303-point": (solid([*block(), *block(x=10.0, y=10.0, z=6.0)]), {"305": 1}),  # val3dity: 303
    "305": (solid([*block(), *block(x=20.0)]), {"305": 1}),
    "306": (solid(sunken()), {"306": 1}),
    "307": (solid(with_turned(block(), 1)), {"307": 1}),
    "401-through-a-wall": (solid(block(), hollow(x=9.0)), {"401": 1}),
    "401-shares-a-wall": (solid(block(), hollow(x=8.0)), {"401": 1}),
    "401-nested": (solid(block(), hollow(2, 2, 1, 4), hollow(3, 3, 2, 1)), {"401": 1}),
    "402": (solid(block(), hollow(), hollow()), {"402": 1}),
    "403": (solid(block(), hollow(x=30.0)), {"403": 1}),
    "404": (cut_in_two(), {"404": 1}),
    "405-outer": (solid(turned(block())), {"405": 1}),
    "405-hollow": (solid(block(), turned(hollow())), {"405": 1}),
    "40-sound-hollow": (solid(block(), hollow()), {}),
    "501-overlap": (composite(block(), block(x=5.0)), {"501": 1}),
    "501-inside": (composite(block(), block(2, 2, 2, x=4.0, y=4.0, z=2.0)), {"501": 1}),
    "502": (composite(block(), block()), {"502": 1}),
    "503": (composite(block(), block(x=20.0)), {"503": 1}),
    "50-sound-composite": (composite(block(), block(x=10.0)), {}),
    "50-multi-solid-twice": (composite(block(), block(), kind="MultiSolid"), {}),
    "601-parts": (Body(parts=(solid(block()), solid(block(x=5.0)))), {"601": 1}),
    "60-sound-parts": (Body(parts=(solid(block()), solid(block(x=10.0)))), {}),
    "906-no-geometry": (Body(), {"O05": 1}),
}
#: Faults that a format cannot express: CityJSON closes its rings itself.
NOT_IN = {"103": ".city.json"}
#: Every number of val3dity 2: where its promise stands.
VAL3DITY = {
    **dict.fromkeys(("101", "102", "103", "104"), "fault"),
    **dict.fromkeys(("201", "202", "203", "204", "205", "206", "207", "208"), "fault"),
    **dict.fromkeys(("300", "301", "302", "303", "305", "306", "307"), "fault"),
    **dict.fromkeys(("401", "402", "403", "404", "405", "501", "502", "503", "601"), "fault"),
    **dict.fromkeys(("701", "702", "703", "704"), "file"),  # IndoorGML: refused as a file
    **dict.fromkeys(("901", "902", "903", "904", "905"), "file"),
    "906": "fault",
    "999": "none",  # whatever val3dity cannot name
}


def cases() -> list[Any]:
    return [
        pytest.param(f"{name}{ending}", told, id=f"{name}{ending}")
        for name, (_, told) in FAULTS.items()
        for ending in BOTH
        if NOT_IN.get(name) != ending
    ]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``stadtforum check --json`` says of all files at once, by their names."""
    folder = tmp_path_factory.mktemp("faults")
    paths = [
        files.WRITERS[ending](folder / f"{name}{ending}", body)
        for name, (body, _) in FAULTS.items()
        for ending in BOTH
        if NOT_IN.get(name) != ending
    ]
    return checked(paths, folder)


def checked(paths: list[Path], folder: Path) -> dict[str, Any]:
    """The reports by the names of the files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STADTFORUM_HOME", str(folder / "home"))
        patch.setenv("LC_ALL", "C.UTF-8")
        with (folder / "out.json").open("w+", encoding="utf-8") as out:
            patch.setattr(sys, "stdout", out)
            code = run(["check", *map(str, paths), "--json"])
            out.seek(0)
            found = json.loads(out.read())
    assert code in (0, 2)
    return {report["file"]: report for report in (found if isinstance(found, list) else [found])}


@pytest.mark.parametrize(("name", "told"), cases())
def test_a_fault_is_told_with_its_code_of_its_building_and_no_other(
    reports: dict[str, Any], name: str, told: dict[str, int]
) -> None:
    report = reports[name]
    found = [finding for finding in report["findings"] if finding["class"] != "attribute"]
    assert {finding["code"]: finding["count"] for finding in found} == told
    for finding in found:
        assert all(own.partition("-")[0] == FAULTY for own in finding["ids"]), finding["ids"]
    assert report["summary"]["buildings"] == 3


def test_every_number_of_val3dity_has_a_promise() -> None:
    promised = {name[:3] for name in FAULTS}
    assert {code for code, kind in VAL3DITY.items() if kind == "fault"} <= promised
    numbers = {code for code in RULES if code.isdigit()}
    assert numbers == {code for code, kind in VAL3DITY.items() if kind == "fault"} - {"906"}


# -- faults of the file --------------------------------------------------------------------------------------------


def refused(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of the error."""
    assert run(["check", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == "" and len(told.err.strip().splitlines()) == 1
    return told.err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param(
            "indoor.gml",
            '<core:IndoorFeatures xmlns:core="http://www.opengis.net/indoorgml/1.0/core"'
            ' xmlns:gml="http://www.opengis.net/gml/3.2"><core:primalSpaceFeatures/></core:IndoorFeatures>',
            id="701-704-indoorgml",
        ),
        pytest.param("cut.gml", '<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0"', id="901-cut-off"),
        pytest.param("empty.gml", "", id="901-empty"),
        pytest.param("other.city.json", '{"type": "Topology"}', id="901-other-json"),
        pytest.param("house.off", "OFF\n0 0 0\n", id="904-not-supported"),
        pytest.param(
            "cut.city.json", '{"type": "CityJSON", "version": "2.0", "CityObjects": {"a": {', id="905-cut-off"
        ),
        pytest.param("text.city.json", "type: CityJSON", id="905-no-json"),
    ],
)
def test_a_file_that_cannot_be_judged_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert refused(path, capsys)


@pytest.mark.parametrize("kind", ["Solid", "CompositeSolid", "MultiSolid", "MultiSurface"])
def test_902_an_empty_primitive_is_told_and_costs_only_itself(tmp_path: Path, kind: str) -> None:
    for ending in BOTH:
        own = {"Solid": [[]], "MultiSurface": [[[]]]}.get(kind, [[], [block()]])
        path = files.WRITERS[ending](tmp_path / f"902{ending}", Body(own, kind=kind))  # type: ignore[arg-type]
        report = checked([path], tmp_path)[path.name]
        faults = {finding["code"]: finding["ids"] for finding in report["findings"] if finding["class"] != "attribute"}
        if kind in ("Solid", "MultiSurface"):
            assert faults == {"O05": [FAULTY]}
        else:
            assert faults == {}
            told = [message["text"] for message in report["messages"]]
            assert any("Geometries that could not be understood were left out (1)" in text for text in told), told


def test_903_a_wrong_parameter_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = files.write_cityjson(tmp_path / "city.city.json", solid(block()))
    assert run(["check", str(path), "--limit", "many"]) == 2
    assert "many" in capsys.readouterr().err


def test_904_a_version_that_is_not_known_is_tried_and_told(tmp_path: Path) -> None:
    path = tmp_path / "904.city.json"
    path.write_text(json.dumps({**files.cityjson(solid(block())), "version": "9.0"}), encoding="utf-8")
    report = checked([path], tmp_path)[path.name]
    assert [message["severity"] for message in report["messages"]] == ["warning"]
    assert report["summary"]["objects_with_valid_geometry"] == 3


def test_905_a_broken_line_of_a_sequence_costs_its_own_building(tmp_path: Path) -> None:
    whole = files.cityjson(solid(block()))
    head = {**whole, "CityObjects": {}, "vertices": []}
    lines = [json.dumps(head)]
    for name, entry in whole["CityObjects"].items():
        feature = {"type": "CityJSONFeature", "id": name, "CityObjects": {name: entry}, "vertices": whole["vertices"]}
        lines.append(json.dumps(feature))
    lines[2] = lines[2][:-20]
    path = tmp_path / "905.city.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    report = checked([path], tmp_path)[path.name]
    assert report["summary"]["buildings"] == 2
    assert [(m["severity"], m["count"], m["where"]) for m in report["messages"]] == [("warning", 1, ["line 3"])]
