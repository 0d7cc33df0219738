"""Ranking readers, data without a file, indicators, packages, translations, and our own readers."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from viewer.city import Frame
from viewer.errors import PluginError, ReadError
from viewer.plugin_api import ReadContext
from viewer.plugin_host import PluginHost, PluginState, default_folders

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = ROOT / "plugins"
SHARED = ROOT.parent / "shared" / "data"

HEAD = '\nid = "{id}"\ntitle = "{id}"\nversion = "1.0"\napi = 1\n'


def plugin(folder: Path, plugin_id: str, manifest: str, code: str) -> Path:
    target = folder / plugin_id
    target.mkdir(parents=True)
    (target / "plugin.toml").write_text(HEAD.format(id=plugin_id) + manifest, encoding="utf-8")
    (target / "code.py").write_text(code, encoding="utf-8")
    return target


def bare(folder: Path) -> PluginHost:
    return PluginHost([folder], own_readers=False, packages=False)


READER = '[[readers]]\ntitle = "{title}"\npatterns = ["*.dat"]\ncall = "code:read"\nsniff = "code:sniff"\n'


def sniffing(folder: Path, plugin_id: str, answer: str) -> None:
    plugin(folder, plugin_id, READER.format(title=plugin_id), f"def sniff(path, head):\n    return {answer}\n"
           "def read(path, context): pass\n")  # fmt: skip


def test_the_surest_reader_comes_first_and_a_no_is_left_out(tmp_path):
    for name, answer in (("maybe", "0.3"), ("sure", "0.8"), ("no", "0.0"), ("yes", "True")):
        sniffing(tmp_path / "p", name, answer)
    file = tmp_path / "a.dat"
    file.write_text("x", encoding="utf-8")
    assert [c.plugin_id for c in bare(tmp_path / "p").readers_for(file)] == ["yes", "sure", "maybe"]


def test_a_person_overrides_the_ranking(tmp_path):
    code = "import numpy as np\nfrom viewer.plugin_api import PointLayer\n" \
           "def read(path, context): return PointLayer('p', np.ones((1, 3)))\n"  # fmt: skip
    for name, confidence in (("first", 0.9), ("second", 0.2)):
        body = code + f"def sniff(path): return {confidence}\n"
        plugin(tmp_path / "p", name, READER.format(title="Dots"), body)
    file = tmp_path / "a.dat"
    file.write_text("x", encoding="utf-8")
    host = bare(tmp_path / "p")
    assert host.read(file, ReadContext()).reader == "first:Dots"
    assert host.read(file, ReadContext(), reader="second:Dots").reader == "second:Dots"
    assert host.read(file, ReadContext(), reader="second:Renamed since").reader == "second:Dots"
    with pytest.raises(PluginError, match="not installed"):
        host.read(file, ReadContext(), reader="third:Dots")


def test_a_file_with_an_unknown_ending_is_known_by_its_content(tmp_path):
    sniffing(tmp_path / "p", "by_content", "0.7 if head.startswith(b'DATA') else 0")
    file = tmp_path / "no_ending"
    file.write_bytes(b"DATA 1")
    assert [c.plugin_id for c in bare(tmp_path / "p").readers_for(file)] == ["by_content"]


def test_sniffers_see_the_content_of_packed_files(tmp_path):
    sniffing(tmp_path / "p", "unpacked", "1.0 if head.startswith(b'<CityModel') else 0")
    content = b"<CityModel>" + b" " * 200_000
    with gzip.open(tmp_path / "a.gml.gz", "wb") as file:
        file.write(content)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("__MACOSX/._tile.gml", b"junk")
        archive.writestr("readme.pdf", b"junk")
        archive.writestr("tiles/tile.gml", content)
    (tmp_path / "cut.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:60])
    host = bare(tmp_path / "p")
    for name in ("a.gml.gz", "a.zip"):
        assert len(host.readers_for(tmp_path / name)) == 1, name
    assert host.readers_for(tmp_path / "cut.zip") == ()


def test_layers_without_a_file_are_offered_and_made(tmp_path):
    plugin(tmp_path / "p", "stops", '[[layers]]\ntitle = "Bus stops"\ncall = "code:make"\n',
           "import numpy as np\nfrom viewer.plugin_api import PointLayer\n"
           "def make(context):\n    xy = context.place(np.array([[565100.0, 5934100.0]]), 'EPSG:25832')\n"
           "    return PointLayer('Stops', np.column_stack([xy, [0.0]]))\n")  # fmt: skip
    host = bare(tmp_path / "p")
    (offer,) = host.layer_offers
    reading = host.make_layer(offer.key, ReadContext(frame=Frame("EPSG:25832", (565_000.0, 5_934_000.0, 0.0))))
    assert reading.layers[0].positions_local.tolist() == [[100.0, 100.0, 0.0]]
    assert reading.report.objects == {"Point": 1}


INDICATOR = """
from viewer.plugin_api import IndicatorRecord, Status
def number(city, measures, change):
    return IndicatorRecord("benches", "Benches", "1", Status.LIVE, {value}, 1.0, "{{value}} benches.", "count")
"""


def test_indicators_of_plugins_are_numbers_under_the_plugins_name(tmp_path):
    manifest = '[[indicators]]\ntitle = "Benches"\ncall = "code:number"\n'
    plugin(tmp_path / "p", "benches", manifest, INDICATOR.format(value="3.0"))
    plugin(tmp_path / "p", "broken", manifest, INDICATOR.format(value="1 / 0"))
    plugin(tmp_path / "p", "endless", manifest, INDICATOR.format(value="float('inf')"))
    plugin(tmp_path / "p", "wrong", manifest, "def number(city, measures, change): return 3\n")
    host = bare(tmp_path / "p")
    records = host.indicators(None, None, None)
    assert [(record.id, record.value, record.difference) for record in records] == [("benches.benches", 3.0, 2.0)]
    for plugin_id in ("broken", "endless", "wrong"):
        assert host.log(plugin_id), plugin_id


def test_plugins_of_installed_packages_are_found_without_importing_them(tmp_path):
    package = tmp_path / "site" / "noise_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    (package / "plugin.toml").write_text(
        HEAD.format(id="noise") + '[[readers]]\ntitle = "Noise"\npatterns = ["*.noise"]\ncall = "reader:read"\n',
        encoding="utf-8",
    )
    (package / "reader.py").write_text("def read(path, context): pass\n", encoding="utf-8")
    info = tmp_path / "site" / "noise_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: noise-package\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[stadtforum.plugins]\nnoise = noise_package\ngone = no_such_package_here\n", encoding="utf-8"
    )
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from viewer.plugin_host import PluginHost\n"
        "for p in PluginHost([], own_readers=False).plugins: print(p.id, p.state.value)\n"
        "assert 'noise_package' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split("\n")) == ["", "gone failed", "noise ready"]


def test_translations_of_plugins_are_collected_and_damaged_ones_left_out(tmp_path):
    for name, text in (("good", '{"Bench": "Bank", "{n} bench": {"one": "a", "other": "b"}, "Bad": 3}'), ("bad", "{")):
        folder = plugin(tmp_path / "p", name, READER.format(title=name), "def read(p, c): pass\ndef sniff(p): pass\n")
        (folder / "translations").mkdir()
        (folder / "translations" / "de.json").write_text(text, encoding="utf-8")
    host = bare(tmp_path / "p")
    assert host.translations("de") == {"Bench": "Bank", "{n} bench": {"one": "a", "other": "b"}}
    assert host.translations("../../de") == {}


def test_our_own_readers_and_the_bundled_plugins_are_ready():
    host = PluginHost(default_folders()[:1], packages=False)
    states = {info.id: (info.state, info.reason_text) for info in host.plugins}
    assert set(states) == {"stadtforum", *(path.parent.name for path in (ROOT / "plugins").glob("*/plugin.toml"))}
    assert len(states) > 6
    assert set(states.values()) == {(PluginState.READY, "")}


def test_the_list_of_plugins_needs_none_of_the_heavy_packages():
    program = (
        "import sys\nfrom viewer.plugin_host import PluginHost, default_folders\n"
        "assert len(PluginHost(default_folders()[:1]).plugins) >= 5\n"
        "heavy = ('pandas', 'geopandas', 'pyogrio', 'shapely', 'pyproj', 'lxml', 'PIL')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_city_gets_a_full_report(tmp_path):
    path = tmp_path / "house.city.json"
    square = [[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]]
    city = {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "transform": {"scale": [1, 1, 1], "translate": [565_000, 5_934_000, 5]},
        "CityObjects": {
            "h": {
                "type": "Building",
                "geometry": [{"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2, 3]]]}],
            }
        },
        "vertices": square,
    }
    path.write_text(json.dumps(city), encoding="utf-8")
    reading = PluginHost(default_folders()[:1], packages=False).read(path, ReadContext())
    report = reading.report
    assert reading.city is not None and reading.result is reading.city
    assert (report.format, report.version, report.reader) == ("CityJSON", "2.0", "stadtforum:CityJSON")
    assert (report.crs, report.lods, report.triangles, report.objects) == ("EPSG:25832", ("2",), 2, {"Building": 1})
    assert np.allclose(report.extent_crs, (565_000, 5_934_000, 5, 565_010, 5_934_010, 5))


def test_a_layer_without_an_open_city_brings_its_own_frame(tmp_path):
    path = tmp_path / "zaehlung.csv"
    path.write_text("name,lon,lat,count\nA,9.98,53.55,1\nB,9.99,53.56,2\n", encoding="utf-8")
    reading = PluginHost([BUNDLED], packages=False).read(path, ReadContext())
    assert reading.frame.crs == "EPSG:25832"
    assert np.abs(reading.layers[0].positions_local[:, :2]).max() < 1000


@pytest.mark.parametrize(
    ("file", "reader"),
    [
        ("berlin-lod2-tiles/3920_5820.gml", "stadtforum:CityGML"),
        ("berlin-lod2-tiles/berlin_open_data_sample_data.citygml", "stadtforum:CityGML"),
        ("geores-textured-templates/geoRES_testdata_v1.0.0.xml", "stadtforum:CityGML"),
        ("lower-saxony-lod1-lorup/lorup-lod1-18-tiles.zip", "stadtforum:CityGML"),
        ("den-haag/DenHaag_01.city.json", "stadtforum:CityJSON"),
        ("hamburg-centre/hamburg-center-alkis.city.jsonl", "stadtforum:CityJSON"),
        ("athens-umep/bldgs_clip.gpkg", "stadtforum:Footprints with a height"),
        ("bdtopo-12174-shapefiles/BATI_INDUSTRIEL.shp", "stadtforum:Footprints with a height"),
        ("lyon-buildings-geojson/buildings_lyon1.geojson", "stadtforum:Footprints with a height"),
        ("bdtopo-12174-shapefiles/ZONE_VEGETATION.shp", "areas:Areas and lines"),
        ("leipzig-street-trees/districts/alle.geojson", "areas:Areas and lines"),
        ("hamburg-xplan/Blankenese29.gml", "xplanung:Development plan (XPlanGML)"),
        ("leipzig-street-trees/trees/zentrum.geojson", "trees:Tree register"),
        ("athens-umep/trees_clip.gpkg", "trees:Tree register"),
        ("hamburg-dipas-contributions/dipas.test.geojson", "points:Points with values"),
        ("hamburg-bike-counters/radzaehlung_download.csv", "points:Points with values"),
        ("athens-umep/DEM.tif", "terrain:Terrain heights"),
        ("athens-umep/DSM.tif", "map_image:Map image"),
        ("delft-3dfier/ahn3_cropped_1.laz", "pointcloud:Point cloud"),
    ],
)
def test_real_files_are_offered_to_the_right_reader(file, reader):
    if not SHARED.is_dir():
        pytest.skip("the real data sets are not beside this checkout")
    host = PluginHost(default_folders()[:1], packages=False)
    assert host.readers_for(SHARED / file)[0].key == reader


def test_a_file_nobody_knows_is_refused(tmp_path):
    path = tmp_path / "letter.docx"
    path.write_bytes(b"PK\x03\x04nothing")
    with pytest.raises(ReadError, match="No reader"):
        PluginHost(default_folders()[:1], packages=False).read(path, ReadContext())


def test_a_description_of_a_server_points_to_the_catalogue(tmp_path):
    path = tmp_path / "capabilities.xml"
    path.write_text('<?xml version="1.0"?><WMS_Capabilities version="1.3.0"/>', encoding="utf-8")
    with pytest.raises(ReadError, match="what a server offers") as caught:
        PluginHost(default_folders()[:1], packages=False).read(path, ReadContext())
    assert "catalogue" in caught.value.hint
