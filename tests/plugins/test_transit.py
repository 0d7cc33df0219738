"""GTFS timetables: stops with departures, lines with courses, calendars, what is missing, hostile archives."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from viewer.errors import LimitError, ReadError, ViewerError
from viewer.plugin_api import LineLayer, PointLayer, ReadContext
from viewer.plugin_host.border import PluginBug

MUTANTS = 120
FEED = {
    "agency.txt": "agency_id,agency_name\na,Stadtwerke Auenstadt\n",
    "stops.txt": (
        "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station\n"
        "s,Hauptbahnhof,53.550,9.990,1,\n"
        "p1,Hauptbahnhof Steig 1,53.5501,9.990,0,s\n"
        "p2,Hauptbahnhof Steig 2,53.5502,9.990,0,s\n"
        "e,Eingang Nord,53.5503,9.990,2,s\n"
        'm,"Markt, Mitte",53.551,9.995,,\n'
        "z,Zoo,53.552,10.000,0,\n"
        "x,Nirgendwo,0,0,0,\n"
    ),
    "routes.txt": (
        "route_id,route_short_name,route_long_name,route_type,route_color,agency_id\n"
        "r1,1,Bahnhof - Zoo,0,FF0000,a\n"
        "r2,X2,Bahnhof - Markt,700,,a\n"
    ),
    "trips.txt": (
        "route_id,trip_id,service_id,shape_id\n"
        "r1,t1,week,curve\nr1,t2,week,curve\nr1,t3,sunday,curve\nr2,t4,week,\nr2,t5,never,\n"
    ),
    "stop_times.txt": (
        "trip_id,stop_id,arrival_time,departure_time,stop_sequence,pickup_type\n"
        "t1,z,8:20:00,8:20:00,30,0\nt1,p1,8:00:00,8:00:00,10,0\nt1,m,8:10:00,8:10:00,20,0\n"
        "t2,p2,25:00:00,25:00:00,1,\nt2,m,25:10:00,25:10:00,2,1\nt2,z,25:20:00,25:20:00,3,\n"
        "t3,p1,9:00:00,9:00:00,1,\nt3,z,9:20:00,9:20:00,2,\n"
        "t4,p1,9:00:00,9:00:00,1,\nt4,m,9:20:00,9:20:00,2,\n"
        "t5,p1,9:00:00,9:00:00,1,\nt5,m,9:20:00,9:20:00,2,\n"
    ),
    "shapes.txt": (
        "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
        "curve,53.552,10.000,3\ncurve,53.550,9.990,1\ncurve,53.5515,9.993,2\n"
    ),
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "week,1,1,1,1,1,0,0,20240101,20240131\nsunday,0,0,0,0,0,0,1,20240101,20240131\n"
    ),
    "calendar_dates.txt": "service_id,date,exception_type\nweek,20240101,2\nsunday,20240103,1\n",
}


def feed(path: Path, changes: dict[str, str | bytes | None] | None = None, folder: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**FEED, **(changes or {})}.items():
            if text is not None:
                archive.writestr(folder + name, text)
    return path


def layers_of(reading) -> tuple[LineLayer, PointLayer]:
    lines, stops = reading.layers
    assert isinstance(lines, LineLayer)
    assert isinstance(stops, PointLayer)
    return lines, stops


def departures(stops: PointLayer) -> dict[str, float]:
    return dict(zip(stops.attributes["name"].tolist(), stops.attributes["departures_per_day"].tolist(), strict=True))


def issues(reading) -> dict[str, object]:
    return {issue.text: issue for issue in reading.report.issues}


def test_departures_are_those_of_the_busiest_day(read, tmp_path):
    """On 3 January 2024 t1 to t4 run. Ends of a trip and stops where nobody may get on are no departures."""
    reading = read(feed(tmp_path / "auenstadt.zip"))
    assert reading.reader == "transit:GTFS timetable"
    _, stops = layers_of(reading)
    assert departures(stops) == {"Hauptbahnhof": 4, "Markt, Mitte": 1, "Zoo": 0}
    assert (stops.label_column, stops.size_column) == ("name", "departures_per_day")
    found = issues(reading)["Departures are counted for {date}, the day with the most trips."]
    assert found.values["date"] == "2024-01-03"


def test_platforms_are_one_station_and_lost_stops_are_counted(read, tmp_path):
    reading = read(feed(tmp_path / "a.zip"))
    _, stops = layers_of(reading)
    assert stops.attributes["platforms"].tolist() == [2, 1, 1]
    assert issues(reading)["Stops without a position, left out: {count}"].count == 1
    assert issues(reading)["Entrances and other places that are no stops, left out: {count}"].count == 1


def test_lines_follow_their_shape_and_otherwise_their_stops(read, tmp_path):
    lines, _ = layers_of(read(feed(tmp_path / "a.zip")))
    assert lines.attributes["route_short_name"].tolist() == ["1", "X2"]
    assert lines.attributes["means_of_transport"].tolist() == ["Tram", "Bus"]
    assert lines.attributes["runs_per_day"].tolist() == [3, 1]
    assert lines.attributes["route_color"].tolist() == ["#ff0000", ""]
    assert np.diff(lines.line_start).tolist() == [3, 2]
    assert lines.positions_local[0, 0] < lines.positions_local[1, 0] < lines.positions_local[2, 0]
    assert lines.style_column == "means_of_transport"
    assert lines.attribution == "Stadtwerke Auenstadt"


def test_stops_lie_where_they_are(read, tmp_path):
    from pyproj import Transformer

    _, stops = layers_of(read(feed(tmp_path / "a.zip")))
    expected = Transformer.from_crs(4326, 25832, always_xy=True).transform(10.0, 53.552)
    assert np.allclose(stops.positions_local[2, :2] + (565_000, 5_934_000), expected, atol=0.01)


def test_optional_files_may_be_missing(read, tmp_path):
    absent = dict.fromkeys(("agency.txt", "shapes.txt", "calendar.txt", "calendar_dates.txt"))
    reading = read(feed(tmp_path / "a.zip", absent, folder="gtfs/"))
    lines, stops = layers_of(reading)
    assert departures(stops)["Hauptbahnhof"] == 5
    assert len(lines) == 4  # the tram by three orders of stops, the bus by one
    assert "The timetable has no calendar; all trips are counted as of one day." in issues(reading)


def test_frequencies_repeat_a_trip(read, tmp_path):
    table = "trip_id,start_time,end_time,headway_secs\nt4,06:00:00,08:00:00,600\n"
    lines, stops = layers_of(read(feed(tmp_path / "a.zip", {"frequencies.txt": table})))
    assert lines.attributes["runs_per_day"].tolist() == [3, 12]
    assert departures(stops)["Hauptbahnhof"] == 15


def test_windows_text_and_byte_order_marks_are_read(read, tmp_path):
    stops_text = FEED["stops.txt"].replace("Zoo", "Tiergärten")
    for data in (b"\xef\xbb\xbf" + stops_text.encode(), stops_text.encode("cp1252")):
        _, stops = layers_of(read(feed(tmp_path / "a.zip", {"stops.txt": data})))
        assert "Tiergärten" in stops.attributes["name"].tolist()


def test_bad_rows_cost_only_themselves(read, tmp_path):
    table = FEED["stop_times.txt"] + "t1,p1,8:00:00,8:00:00,1,0,too,many,cells\nunknown,p1,,,1,\n"
    reading = read(feed(tmp_path / "a.zip", {"stop_times.txt": table}))
    assert departures(layers_of(reading)[1])["Hauptbahnhof"] == 4
    assert issues(reading)["Rows of {table} with too many cells, left out: {count}"].count == 1
    assert issues(reading)["Stop times of unknown trips or stops, left out: {count}"].count == 1


def test_a_missing_column_is_named(read, tmp_path):
    path = feed(tmp_path / "a.zip", {"stops.txt": "stop_id,stop_name\na,b\n"})
    with pytest.raises(ReadError, match=r"stops\.txt has no column stop_lat"):
        read(path)


def test_a_table_that_unpacks_to_a_bomb_is_refused(read, tmp_path):
    path = feed(tmp_path / "a.zip", {"stop_times.txt": FEED["stop_times.txt"] + "\n" * (80 * 1024**2)})
    with pytest.raises(LimitError, match=r"stop_times\.txt"):
        read(path)


@pytest.mark.parametrize("missing", ["stops.txt", "routes.txt", "trips.txt", "stop_times.txt"])
def test_an_archive_without_a_timetable_is_left_to_others(host, tmp_path, missing):
    path = feed(tmp_path / "a.zip", {missing: None})
    assert "transit" not in [candidate.plugin_id for candidate in host.readers_for(path)]


def test_zipped_cities_are_not_taken(host, tmp_path):
    path = tmp_path / "tiles.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "a.gml", '<CityModel xmlns="http://www.opengis.net/citygml/2.0"><cityObjectMember/></CityModel>'
        )
        archive.writestr("stops.txt", "a,b\n1,2\n")
    assert host.readers_for(path)[0].plugin_id == "stadtforum"


@pytest.mark.filterwarnings("ignore")
def test_damaged_timetables_end_in_layers_or_a_sentence(host, tmp_path):
    rng, names = np.random.default_rng(5), list(FEED)
    opened = 0
    for number in range(MUTANTS):
        name = names[number % len(names)]
        mutant = bytearray(FEED[name].encode())
        for at in rng.integers(0, len(mutant), int(rng.integers(1, 5))).tolist():
            mutant[at] = int(rng.integers(0, 256)) if rng.random() < 0.5 else ord(rng.choice(list('0-9.,"\n')))
        path = feed(tmp_path / "a.zip", {name: bytes(mutant)})
        if number % 5 == 0:
            whole = path.read_bytes()
            path.write_bytes(whole[: int(rng.integers(1, len(whole)))])
        try:
            reading = host.read(path, ReadContext(), reader="transit")
        except PluginBug as error:
            raise AssertionError(f"mutant {number} of {name}: {error}") from error
        except ViewerError as error:
            assert str(error)
        else:
            opened += 1
            assert all(str(issue) for issue in reading.report.issues)
    assert 0 < opened < MUTANTS


def test_the_rhine_neckar_timetable_agrees_with_a_plain_count(host, shared):
    path = shared / "gtfs-rhein-neckar" / "vrn_gtfs_cut.zip"
    reading = host.read(path, ReadContext())
    lines, stops = layers_of(reading)
    with zipfile.ZipFile(path) as archive:
        tables = {
            name: list(csv.DictReader(io.TextIOWrapper(archive.open(f"{name}.txt"), "utf-8-sig")))
            for name in ("stops", "routes", "trips", "stop_times", "calendar_dates")
        }
    assert sum(stops.attributes["platforms"]) == sum(row["location_type"] in ("", "0") for row in tables["stops"])
    assert set(lines.attributes["route_short_name"].tolist()) == {row["route_short_name"] for row in tables["routes"]}
    # Every service of this feed runs on single dates only, so that the day can be counted from these alone.
    day = issues(reading)["Departures are counted for {date}, the day with the most trips."].values["date"]
    running = {r["service_id"] for r in tables["calendar_dates"]
               if r["date"] == day.replace("-", "") and r["exception_type"] == "1"}  # fmt: skip
    trips = {row["trip_id"] for row in tables["trips"] if row["service_id"] in running}
    length = Counter(row["trip_id"] for row in tables["stop_times"])
    expected = sum(length[trip] - 1 for trip in trips)
    barred = sum(row["pickup_type"] == "1" for row in tables["stop_times"] if row["trip_id"] in trips)
    assert expected - barred <= stops.attributes["departures_per_day"].sum() <= expected
    assert lines.attributes["runs_per_day"].sum() == len(trips)
