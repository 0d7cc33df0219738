"""Tables of points as offices export them: any delimiter, decimal commas, odd headers, missing places."""

from __future__ import annotations

import json

import pytest

from viewer.city import Frame
from viewer.errors import ReadError
from viewer.plugin_api import PointLayer

TABLES = {
    "semicolon, decimal comma, BOM": (
        "\ufeffAnzeige-Name;\"Koordinate: Breitengrad (WGS84)\";\"Koordinate: Längengrad (WGS84)\";Brutto\tleistung\n"
        'Rad A;"53,5505";"9,9810";"1.200,5"\nRad B;"53,5510";"9,9820";"800,25"\nRad C;;;5\n',
        "Brutto leistung",
        [1200.5, 800.25],
    ),
    "comma": ("name,lon,lat,count\nA,9.981,53.5505,1200.5\nB,9.982,53.551,800.25\nC,,,5\n", "count",
              [1200.5, 800.25]),
    "tab": ("name\tlon\tlat\twert\nA\t9.981\t53.5505\t1200.5\nB\t9.982\t53.551\t800.25\nC\t\t\t5\n", "wert",
            [1200.5, 800.25]),
    "projected": ("Station;Ostwert;Nordwert;Messwert\nA;565100;5934100;1200,5\nB;565200;5934200;800,25\nC;;;5\n",
                  "Messwert", [1200.5, 800.25]),
}  # fmt: skip


@pytest.mark.parametrize("text, value, numbers", TABLES.values(), ids=TABLES.keys())
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_tables_of_every_dialect_are_read(read, tmp_path, text, value, numbers, encoding):
    if encoding == "cp1252":
        text = text.removeprefix("\ufeff")
    path = tmp_path / "zaehlung.csv"
    path.write_text(text, encoding=encoding)
    reading = read(path)
    (layer,) = reading.layers
    assert isinstance(layer, PointLayer)
    assert reading.reader == "points:Points with values"
    assert layer.style_column == layer.size_column == value
    assert layer.attributes[value].tolist() == numbers
    assert layer.label_column in ("Anzeige-Name", "name", "Station")
    assert abs(layer.positions_local[:, :2]).max() < 3000
    lost = next(issue for issue in reading.report.issues if "no position" in issue.text)
    assert (lost.count, lost.where) == (1, ("line 4",))


def test_points_as_wkt_are_read(read, tmp_path):
    path = tmp_path / "sensoren.csv"
    path.write_text(
        "name,geom,wert\nA,POINT (565100 5934100),3\nB,POINT EMPTY,4\nC,,5\nD,nonsense,6\n", encoding="utf-8"
    )
    reading = read(path)
    assert reading.layers[0].positions_local[:, :2].tolist() == [[100.0, 100.0]]


def test_codes_stay_text_and_are_no_values(read, tmp_path):
    path = tmp_path / "orte.csv"
    path.write_text("plz;id;x;y;anzahl\n04103;1;565100;5934100;7\n04105;2;565200;5934200;9\n", encoding="utf-8")
    layer = read(path).layers[0]
    assert layer.attributes["plz"].tolist() == ["04103", "04105"]
    assert layer.size_column == "anzahl"


def test_uneven_rows_are_counted_and_read(read, tmp_path):
    path = tmp_path / "messung.csv"
    path.write_text("x;y;wert\n565100;5934100;7\n565200;5934200\n565300;5934300;9;zu viel\n", encoding="utf-8")
    reading = read(path)
    assert len(reading.layers[0]) == 3
    assert any("more or fewer cells" in issue.text and issue.count == 2 for issue in reading.report.issues)


def test_contributions_are_coloured_by_votes_and_labelled_by_title(read, tmp_path):
    path = tmp_path / "beitraege.geojson"
    features = [
        {
            "type": "Feature",
            "properties": {"Category": category, "Title": "Mehr Bäume", "Rating": rating},
            "geometry": {"type": "Point", "coordinates": [9.98, 53.551]},
        }
        for category, rating in (("Verkehr", 3.0), ("Grün", -1.0))
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    layer = read(path).layers[0]
    assert (layer.style_column, layer.size_column, layer.label_column) == ("Rating", "Rating", "Title")


@pytest.mark.parametrize("content", [b"a;b\n1;2\n", b"\x00\x01\x02\x03" * 50, b"x;y;wert\n;;3\n"])
def test_a_table_without_places_is_refused_with_a_sentence(read, tmp_path, content):
    path = tmp_path / "leer.csv"
    path.write_bytes(content)
    with pytest.raises(ReadError):
        read(path, reader="points")


@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("hamburg-bike-counters/radzaehlung_download.csv", 61),
        ("lower-saxony-lod1-lorup/Stromerzeuger.csv", 47),
        ("hamburg-dipas-contributions/dipas.test.geojson", 2090),
    ],
)
def test_real_tables_are_read(read, shared, file, count):
    reading = read(shared / file, frame=Frame())
    assert reading.reader == "points:Points with values"
    assert reading.report.objects == {"Point": count}
