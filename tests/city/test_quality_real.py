"""The data check against the verdict of val3dity that a 3DBAG file carries in its attributes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from viewer.city.quality import check_quality
from viewer.city.report import Severity
from viewer.plugin_api import ReadContext
from viewer.plugin_host import PluginHost

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
DELFT = DATA / "tudelft-3dbag-multilod" / "tudelft.city.json"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the folder with real data is not at hand")


def checked(path: Path):
    reading = PluginHost([ROOT / "plugins"], packages=False).read(path, ReadContext())
    return check_quality(reading.city, reading.report)


def _rings(boundaries):
    if boundaries and isinstance(boundaries[0], int):
        yield boundaries
    else:
        for inner in boundaries:
            yield from _rings(inner)


def test_buildings_that_val3dity_faults_are_the_ones_with_errors():
    city = json.loads(DELFT.read_text(encoding="utf-8"))
    theirs, short = set(), set()
    for name, thing in city["CityObjects"].items():
        codes = [v for k, v in thing.get("attributes", {}).items() if k.startswith("val3dity_codes")]
        if any(code != "[]" for code in codes):
            theirs.add(name)
        rings = [ring for geometry in thing.get("geometry", []) for ring in _rings(geometry["boundaries"])]
        if any(len({tuple(city["vertices"][i]) for i in ring}) < 3 for ring in rings):
            short.add(name.rsplit("-", 1)[0])
    report = checked(DELFT)
    errors = [f for f in report.findings if f.rule.severity is Severity.ERROR and f.rule.code[0] in "1234F"]
    ours = {name.rsplit("-", 1)[0] for finding in errors for name in finding.ids}
    assert len(theirs) == 8
    assert theirs <= ours
    assert ours - theirs <= short and len(ours - theirs) == 1


@pytest.mark.parametrize(
    ("name", "sound", "shaped"),
    [
        ("bavaria-lod2-gausskrueger/LOD2_4424_5482_solid.gml", 111, 111),
        ("karlsruhe-lod2-wgs84/innenstadt_ost_4326_lod2.gml", 345, 345),
        ("potsdam-lod1/Potsdam_LoD1.gml", 97, 97),
        ("berlin-lod2-tiles/3900_5820.gml", 65, 75),
    ],
)
def test_official_data_is_mostly_valid(name, sound, shaped):
    report = checked(DATA / name)
    assert (report.sound_objects, report.shaped_objects) == (sound, shaped)


def test_solids_that_look_inwards_are_told_for_every_building():
    report = checked(DATA / "hamburg-centre" / "hamburg-center-alkis.city.jsonl")
    assert report.finding("405").count == 180
