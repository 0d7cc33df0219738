"""Published control points land where their surveyors say: within 1 cm on one datum, within what is stated otherwise.

Bavaria: geodetic reference points of the Bavarian surveying administration (Augsburg, Schwanstetten), Mainz: the
city's reference point. Netherlands and UTM: test points of the IOGP's geospatial integrity tests (series 5100).
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.readers import gml_fixtures as gml
from viewer.city import Frame
from viewer.plugin_api import ReadContext
from viewer.readers.citygml import read_citygml
from viewer.readers.crs import missing_grids, transform, transform_accuracy

CM = 0.01


def degrees(d: float, minutes: float, seconds: float) -> float:
    return d + minutes / 60 + seconds / 3600


AUGSBURG = {
    "EPSG:4258": (degrees(10, 53, 39.9524), degrees(48, 21, 59.4612)),
    "EPSG:25832": (640309.21, 5358772.36),
    "EPSG:4314": (degrees(10, 53, 44.5793), degrees(48, 22, 2.8784)),
    "EPSG:31468": (4418189.91, 5359329.92),
}
SCHWANSTETTEN = {
    "EPSG:4258": (degrees(11, 6, 50.7703), degrees(49, 17, 46.3427)),
    "EPSG:25832": (653706.62, 5462534.68),
    "EPSG:4314": (degrees(11, 6, 55.5776), degrees(49, 17, 50.1308)),
    "EPSG:31468": (4435669.30, 5462504.37),
}
#: The same datum on both sides: from, to, point, point.
SAME_DATUM = [
    *((a, b, point[a], point[b]) for point in (AUGSBURG, SCHWANSTETTEN)
      for a, b in (("EPSG:4258", "EPSG:25832"), ("EPSG:4314", "EPSG:31468"))),
    ("EPSG:4289", "EPSG:28992", (6.0, 53.0), (196105.28, 557057.74)),
    ("EPSG:4289", "EPSG:28992", (5.0, 53.0), (128979.26, 556953.19)),
    ("EPSG:4289", "EPSG:28992", (4.0, 51.0), (57605.946, 335312.662)),
    ("EPSG:4326", "EPSG:32631", (0.0, 60.0), (332705.179, 6655205.484)),
    ("EPSG:4326", "EPSG:32631", (6.0, 60.0), (667294.821, 6655205.484)),
]  # fmt: skip


@pytest.mark.parametrize(("crs_from", "crs_to", "point", "expected"), SAME_DATUM)
def test_on_one_datum_within_a_centimetre(crs_from: str, crs_to: str, point, expected) -> None:
    assert np.abs(transform(np.array(point), crs_from, crs_to) - expected).max() <= CM
    back = transform(np.array(expected), crs_to, crs_from)
    assert np.abs(back - point).max() * 111_000 <= 2 * CM


def test_mainz_is_given_to_a_thousandth_of_a_second() -> None:
    point = np.array([degrees(8, 16, 31.918), degrees(50, 0, 1.989)])
    assert np.abs(transform(point, "EPSG:4258", "EPSG:25832") - (448080.38, 5538943.58)).max() <= 0.02


def test_places_in_space_land_on_the_ground() -> None:
    """Cartesian ETRS89, given to the centimetre in three directions."""
    augsburg = transform(np.array([4169180.41, 802437.37, 4744449.79]), "EPSG:4936", "EPSG:25832")
    assert np.hypot(*(augsburg[:2] - AUGSBURG["EPSG:25832"])) <= 1.5 * CM


@pytest.mark.parametrize("point", [AUGSBURG, SCHWANSTETTEN], ids=["Augsburg", "Schwanstetten"])
def test_a_change_of_datum_stays_within_what_is_stated(point) -> None:
    stated = transform_accuracy("EPSG:31468", "EPSG:25832")
    found = transform(np.array(point["EPSG:31468"]), "EPSG:31468", "EPSG:25832")
    error = float(np.hypot(*(found - point["EPSG:25832"])))
    assert CM < error <= stated, f"{error:.3f} m, stated {stated} m"


def test_the_grid_that_would_make_it_better_is_named() -> None:
    assert any("BETA2007" in name or "beta2007" in name for name in missing_grids("EPSG:31468", "EPSG:25832"))
    assert missing_grids("EPSG:4258", "EPSG:25832") == ()


def house_at(x: float, y: float, z: float, version: str = "2.0") -> str:
    """A house whose first corner stands on the control point."""
    surfaces = [gml.boundary(version, kind, gml.polygon(ring)) for kind, ring in gml.house_rings(x, y, z)]
    return gml.building("".join(surfaces))


@pytest.mark.parametrize(
    ("srs", "crs", "height"),
    [
        ("urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH*GCG2016", "EPSG:25832", "EPSG:7837"),
        ("urn:ogc:def:crs,crs:EPSG:6.12:31468,crs:EPSG:6.12:5783", "EPSG:31468", "EPSG:5783"),
        ("urn:adv:crs:DE_DHDN_3GK4*DE_DHN92_NH", "EPSG:31468", "EPSG:5783"),
    ],
)
def test_a_house_on_a_control_point_stands_there_when_its_file_is_opened(tmp_path, srs, crs, height) -> None:
    x, y = AUGSBURG[crs]
    path = gml.write(tmp_path / "city.gml", "2.0", [house_at(x, y, 489.37)], srs=srs)
    city = read_citygml(path, ReadContext())
    corner = city.frame.crs_from_local(city.positions_local).min(axis=0)
    assert (city.frame.crs, city.frame.vertical_crs) == (crs, height)
    assert np.abs(corner - (x, y, 489.37)).max() <= CM


def test_a_house_from_another_datum_comes_within_what_its_report_states(tmp_path) -> None:
    x, y = SCHWANSTETTEN["EPSG:31468"]
    path = gml.write(tmp_path / "old.gml", "2.0", [house_at(x, y, 339.5)], srs="EPSG:31468")
    context = ReadContext(frame=Frame("EPSG:25832", (653_000.0, 5_462_000.0, 300.0)))
    city = read_citygml(path, context)
    corner = city.frame.crs_from_local(city.positions_local)
    distance = np.hypot(*(corner[:, :2] - SCHWANSTETTEN["EPSG:25832"]).T).min()
    told = [i for i in context.log.issues() if "good to about" in i.text]
    assert len(told) == 1 and distance <= float(told[0].values["accuracy"])
    assert "BETA2007" in told[0].values["grid"]


@pytest.mark.parametrize("axis", ["latitude first", "longitude first"])
def test_degrees_in_either_order_find_the_same_place(tmp_path, axis: str) -> None:
    lon, lat = AUGSBURG["EPSG:4258"]
    place = (lat, lon) if axis == "latitude first" else (lon, lat)
    metre = 1 / 111_000
    corners = [(place[0], place[1]), (place[0] + 20 * metre, place[1]), (place[0] + 20 * metre, place[1] + 20 * metre)]
    ring = " ".join(f"{a:.9f} {b:.9f} 489.370" for a, b in [*corners, corners[0]])
    polygon = (
        f"<q:Polygon><q:exterior><q:LinearRing><q:posList>{ring}</q:posList></q:LinearRing></q:exterior></q:Polygon>"
    )
    member = gml.building(gml.boundary("2.0", "RoofSurface", polygon))
    path = gml.write(tmp_path / "degrees.gml", "2.0", [member], srs="urn:ogc:def:crs:EPSG::4258")
    city = read_citygml(path, ReadContext())
    corner = city.frame.crs_from_local(city.positions_local)
    assert city.frame.crs == "EPSG:25832"
    assert np.hypot(*(corner[:, :2] - AUGSBURG["EPSG:25832"]).T).min() <= CM
