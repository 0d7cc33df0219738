"""Reference systems: every spelling met in real files, axis order, transformation, guesses."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.errors import CrsError
from viewer.readers import crs as crs_module
from viewer.readers.crs import (
    axis_order,
    crs_title,
    guess_crs,
    height_title,
    parse_crs,
    transform,
    transform_accuracy,
    utm_zone_for,
)

HAMBURG = np.array([[565_811.0, 5_933_977.0, 8.0]])


@pytest.mark.parametrize(
    ("text", "horizontal", "vertical"),
    [
        ("EPSG:25832", "EPSG:25832", ""),
        ("epsg:25832", "EPSG:25832", ""),
        ("25832", "EPSG:25832", ""),
        ("urn:ogc:def:crs:EPSG::25832", "EPSG:25832", ""),
        ("urn:ogc:def:crs:EPSG:6.12:3068", "EPSG:3068", ""),
        ("urn:ogc:def:crs,crs:EPSG:6.12:25832,crs:EPSG:6.12:5783", "EPSG:25832", "EPSG:5783"),
        ("urn:ogc:def:crs,crs:EPSG::25833,crs:EPSG::5783", "EPSG:25833", "EPSG:5783"),
        ("http://www.opengis.net/def/crs/EPSG/0/7415", "EPSG:28992", "EPSG:5709"),
        ("https://www.opengis.net/def/crs/EPSG/0/28992", "EPSG:28992", ""),
        ("http://www.opengis.net/gml/srs/epsg.xml#31467", "EPSG:31467", ""),
        ("urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH*GCG2016", "EPSG:25832", "EPSG:7837"),
        ("urn:adv:crs:ETRS89_UTM33*DE_DHHN2016_NH", "EPSG:25833", "EPSG:7837"),
        ("ETRS89_UTM32*DE_DHHN92_NH", "EPSG:25832", "EPSG:5783"),
        ("urn:adv:crs:ETRS89_UTM32*ETRS89_h", "EPSG:25832", "ellipsoidal height"),
        ("urn:adv:crs:ETRS89_Lat-Lon-h", "EPSG:4258", "ellipsoidal height"),
        ("urn:adv:crs:DE_DHDN_3GK4*DE_DHN92_NH", "EPSG:31468", "EPSG:5783"),
        ("DE_DHDN_3GK2", "EPSG:31466", ""),
        ("ETRS89_UTM33", "EPSG:25833", ""),
        ("EPSG:5555", "EPSG:25832", "EPSG:5783"),
        ("EPSG:6697", "EPSG:6668", "EPSG:6695"),
        ("EPSG:25832+7837", "EPSG:25832", "EPSG:7837"),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", ""),
    ],
)
def test_spellings(text: str, horizontal: str, vertical: str) -> None:
    crs = parse_crs(text)
    assert (crs.horizontal, crs.vertical) == (horizontal, vertical)


@pytest.mark.parametrize(
    "text", ["", "nonsense", "EPSG:99999", "EPSG:", "EPSG:5783", "file:///etc/passwd", "+proj=utm"]
)
def test_what_is_not_known_is_said_so_and_never_raises(text: str) -> None:
    assert not parse_crs(text).known


def test_units_and_kinds() -> None:
    assert parse_crs("EPSG:4326").geographic
    assert parse_crs("EPSG:4978").geocentric
    assert parse_crs("EPSG:2263").unit_m == pytest.approx(0.3048, rel=1e-4)
    assert parse_crs("EPSG:31467").north_first
    assert crs_title("EPSG:25832") == "ETRS89 / UTM zone 32N"


def test_wkt_is_recognised() -> None:
    import pyproj

    assert parse_crs(pyproj.CRS("EPSG:25832").to_wkt()).horizontal == "EPSG:25832"


def test_hamburg_town_hall_lies_in_hamburg() -> None:
    lon, lat, height = transform(HAMBURG, "EPSG:25832", "EPSG:4326")[0]
    assert (round(lon, 2), round(lat, 2), height) == (9.99, 53.55, 8.0)


def test_there_and_back_again() -> None:
    there = transform(HAMBURG, "EPSG:25832", "EPSG:31467")
    assert np.abs(there - HAMBURG)[0, :2].min() > 1000
    np.testing.assert_allclose(transform(there, "EPSG:31467", "EPSG:25832"), HAMBURG, atol=1e-3)


def test_points_of_any_shape() -> None:
    grid = np.tile(HAMBURG[:, :2], (2, 3, 1))
    assert transform(grid, "EPSG:25832", "EPSG:4326").shape == (2, 3, 2)
    assert transform(np.zeros((0, 3)), "EPSG:25832", "EPSG:4326").shape == (0, 3)


def test_an_unknown_system_cannot_be_transformed() -> None:
    with pytest.raises(CrsError, match="nonsense"):
        transform(HAMBURG, "nonsense", "EPSG:25832")


def test_accuracy_is_honest_about_a_change_of_datum() -> None:
    assert transform_accuracy("EPSG:25832", "EPSG:25832") == 0
    assert transform_accuracy("EPSG:31467", "EPSG:25832") >= 1
    assert np.isnan(transform_accuracy("EPSG:25832", "nonsense"))


@pytest.mark.parametrize(
    ("lon", "lat", "crs"),
    [(10.0, 53.5, "EPSG:25832"), (13.4, 52.5, "EPSG:25833"), (139.8, 35.5, "EPSG:32654"), (145.0, -37.8, "EPSG:32755"),
     (180.0, 0.0, "EPSG:32660"), (-180.0, 0.0, "EPSG:32601")],
)  # fmt: skip
def test_utm_zones(lon: float, lat: float, crs: str) -> None:
    assert utm_zone_for(lon, lat) == crs


def points(x: float, y: float) -> np.ndarray:
    rng = np.random.default_rng(1)
    scale = 0.01 if abs(x) < 360 else 500
    return np.column_stack([x + rng.uniform(-scale, scale, 50), y + rng.uniform(-scale, scale, 50), np.zeros(50)])


@pytest.mark.parametrize(
    ("crs", "x", "y", "north_first"),
    [
        ("EPSG:4326", 8.4, 49.0, False),  # Karlsruhe, against the authority
        ("EPSG:4326", 49.0, 8.4, True),
        ("EPSG:6697", 35.53, 139.79, True),  # Tokyo, with the authority
        ("EPSG:31467", 3_500_000, 5_400_000, False),
        ("EPSG:31467", 5_400_000, 3_500_000, True),
        ("EPSG:25832", 565_000, 5_934_000, False),
        ("EPSG:25832", 5_934_000, 565_000, True),
        ("EPSG:28992", 78_672, 457_930, False),
    ],
)
def test_axis_order_follows_the_numbers(crs: str, x: float, y: float, north_first: bool) -> None:
    order = axis_order(points(x, y), parse_crs(crs))
    assert order.plausible
    assert order.north_first is north_first


def test_a_city_far_from_where_its_system_is_used_is_noticed() -> None:
    assert not axis_order(points(50, 50) * [100, 100, 1], parse_crs("EPSG:25832")).plausible


@pytest.mark.parametrize(
    ("x", "y", "crs"),
    [
        (9.99, 53.55, "EPSG:4326"), (565_000, 5_934_000, "EPSG:25832"), (32_565_000, 5_934_000, "EPSG:4647"),
        (3_565_000, 5_934_000, "EPSG:31467"), (4_424_748, 5_482_716, "EPSG:31468"), (78_672, 457_930, "EPSG:28992"),
        (21_584, 17_366, "EPSG:3068"), (1_842_840, 5_175_839, "EPSG:3946"),
    ],
)  # fmt: skip
def test_guesses_for_data_without_a_system(x: float, y: float, crs: str) -> None:
    (first, reason), *_ = guess_crs(points(x, y))
    assert first == crs
    assert reason


def test_a_drawing_around_zero_is_not_placed_anywhere() -> None:
    assert guess_crs(np.random.default_rng(0).uniform(0, 100, (50, 2))) == []
    assert guess_crs(np.zeros((0, 2))) == []
    assert guess_crs(np.full((3, 2), np.nan)) == []


def test_height_systems_have_the_name_surveyors_use():
    assert height_title("EPSG:7837") == "DHHN2016 (EPSG:7837)"
    assert height_title("EPSG:5783") == "DHHN92 (EPSG:5783)"
    assert height_title(parse_crs("EPSG:4979").vertical) == "ellipsoidal height"
    assert height_title("DE_UNKNOWN_NH") == "DE_UNKNOWN_NH"


def test_too_little_memory_is_not_taken_for_an_unknown_system(monkeypatch):
    """Remembered as unknown, a system would have stayed so after the memory was there again."""
    import pyproj
    from pyproj.exceptions import CRSError

    def no_room(size: int) -> None:
        raise MemoryError

    def fail(definition: str) -> None:
        raise CRSError("no database")

    for remembered in (parse_crs, crs_module._pyproj_crs):
        remembered.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(pyproj, "CRS", fail)
        assert not parse_crs("EPSG:5555").known
        patch.setattr(crs_module, "bytearray", no_room, raising=False)
        with pytest.raises(MemoryError):
            parse_crs("EPSG:25834")
    assert parse_crs("EPSG:25834").known
    parse_crs.cache_clear()
