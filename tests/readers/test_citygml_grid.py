"""Terrain of CityGML that is a grid of heights."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.readers.export import towns
from tests.readers.test_citygml_relief import breaklines, component, covered, feature, hill, messages, normals, read
from viewer.city import CityModel
from viewer.city.ground import make_ground
from viewer.city.measures import measure
from viewer.readers import limits

sys.path.insert(0, str(Path(__file__).parent))
import gml_fixtures as gml

versions = pytest.mark.parametrize("version", gml.VERSIONS)
DAMAGED = "Terrains whose grid is damaged, not shown: 1 (G)"
#: Heights of 4 x 3 nodes, the western node of the south first: a metre up to the east, ten to the north.
HEIGHTS = [x + 10 * y for y in range(3) for x in range(4)]


def raster(
    heights: str | list[float],
    *,
    low: str = "0 0",
    high: str = "3 2",
    origin: str = f"{gml.X0} {gml.Y0}",
    vectors: tuple[str, ...] = ("10 0", "0 20"),
    rule: str = "",
    extra: str = "",
    tuples: str = "q:tupleList",
) -> str:
    """A ``RasterRelief`` with a grid; ``rule`` is its grid function, ``extra`` stands before its heights."""
    text = heights if isinstance(heights, str) else " ".join(map(str, heights))
    offsets = "".join(f"<q:offsetVector>{vector}</q:offsetVector>" for vector in vectors)
    grid = (
        f'<q:RectifiedGrid dimension="2"><q:limits><q:GridEnvelope><q:low>{low}</q:low><q:high>{high}</q:high>'
        "</q:GridEnvelope></q:limits><q:axisLabels>x y</q:axisLabels>"
        f"<q:origin><q:Point><q:pos>{origin}</q:pos></q:Point></q:origin>{offsets}</q:RectifiedGrid>"
    )
    words = tuples.partition(" ")[0]
    return component(
        "RasterRelief",
        "G",
        f"<d:grid><q:RectifiedGridCoverage><q:rectifiedGridDomain>{grid}</q:rectifiedGridDomain><q:rangeSet><q:DataBlock>"
        f"<q:rangeParameters/>{extra}<{tuples}>{text}</{words}></q:DataBlock></q:rangeSet>"
        f"{rule}</q:RectifiedGridCoverage></d:grid>",
    )


def function(order: str = "", start: str = "", *, name: str = "order") -> str:
    said = f' {name}="{order}"' if order else ""
    point = f"<q:startPoint>{start}</q:startPoint>" if start else ""
    rule = f"<q:sequenceRule{said}>Linear</q:sequenceRule>{point}"
    return f"<q:coverageFunction><q:GridFunction>{rule}</q:GridFunction></q:coverageFunction>"


def height_at(city: CityModel, column: int, row: int) -> float:
    """Height of the vertices at a node that lies so many steps east and north of the first."""
    place = city.positions_local + np.array(city.frame.origin_crs) - (gml.X0, gml.Y0, 0.0)
    found = place[np.hypot(place[:, 0] - 10 * column, place[:, 1] - 20 * row) < 0.01, 2]
    assert len(found) and np.ptp(found) < 1e-3
    return float(found[0])


def lies_right(city: CityModel) -> bool:
    wanted = {(x, y): x + 10 * y for y in range(3) for x in range(4)}
    return all(height_at(city, *node) == pytest.approx(height, abs=1e-3) for node, height in wanted.items())


@versions
@pytest.mark.parametrize("tuples", ["q:tupleList", "q:doubleOrNullTupleList", "q:QuantityList"])
def test_a_grid_becomes_two_triangles_a_cell(tmp_path: Path, version: str, tuples: str) -> None:
    city, context = read(tmp_path, feature(raster(HEIGHTS, tuples=tuples)), version=version)
    assert city.objects.count_by_type() == {"RasterRelief": 1}
    assert city.objects.ids.tolist() == ["G"]
    assert len(city.face_surface) == len(city.triangles) == 12
    assert covered(city) == pytest.approx(30.0 * 40.0)
    assert (normals(city)[:, 2] > 0).all()
    assert lies_right(city)
    assert not [words for words in messages(context) if "errain" in words]


@pytest.mark.parametrize(
    ("order", "turned"),
    [
        (function(), lambda grid: grid),
        (function("+x+y", "0 0"), lambda grid: grid),
        (function("+x-y", "0 2"), lambda grid: grid[::-1]),
        (function("-x-y", "3 2"), lambda grid: grid[::-1, ::-1]),
        (function("+y+x", "0 0"), lambda grid: grid.T),
        (function("+1 -2", "0 2", name="axisOrder"), lambda grid: grid[::-1]),
        (function("+2 +1", "0 0", name="axisOrder"), lambda grid: grid.T),
        (function("-2 +1", name="axisOrder"), lambda grid: grid[::-1].T),
        (function("", "0 2"), lambda grid: grid[::-1]),
        (function("3 4 no order", "0 0"), lambda grid: grid),
    ],
)
def test_heights_follow_the_order_that_is_said(tmp_path: Path, order: str, turned) -> None:
    heights = turned(np.array(HEIGHTS).reshape(3, 4)).ravel().tolist()
    city, _ = read(tmp_path, feature(raster(heights, rule=order)))
    assert lies_right(city)
    assert (normals(city)[:, 2] > 0).all()


def test_rows_may_go_south_and_axes_may_be_exchanged(tmp_path: Path) -> None:
    top = f"{gml.X0} {gml.Y0 + 40}"
    south = np.array(HEIGHTS).reshape(3, 4)[::-1].ravel().tolist()
    city, _ = read(tmp_path, feature(raster(south, origin=top, vectors=("10 0", "0 -20"))))
    assert lies_right(city) and (normals(city)[:, 2] > 0).all()
    across = np.array(HEIGHTS).reshape(3, 4).T.ravel().tolist()
    city, _ = read(tmp_path, feature(raster(across, high="2 3", vectors=("0 20", "10 0"))))
    assert lies_right(city) and (normals(city)[:, 2] > 0).all()


def test_a_grid_in_the_order_north_east_lies_where_it_should(tmp_path: Path) -> None:
    own = raster(HEIGHTS, origin=f"{gml.Y0} {gml.X0}", vectors=("0 10", "20 0"))
    city, _ = read(tmp_path, feature(own))
    assert lies_right(city) and (normals(city)[:, 2] > 0).all()


def test_the_origin_is_the_place_of_node_zero(tmp_path: Path) -> None:
    city, _ = read(tmp_path, feature(raster(HEIGHTS, low="5 1", high="8 3", origin=f"{gml.X0 - 50} {gml.Y0 - 20}")))
    assert lies_right(city)


@pytest.mark.parametrize("written", ["-9999", "nan", "unknown", "1e30", "-32768", "7777"])
def test_cells_without_a_height_are_holes(tmp_path: Path, written: str) -> None:
    heights = list(map(str, HEIGHTS))
    heights[5] = written
    said = "<q:nilValues><q:nilValue>7777</q:nilValue></q:nilValues>"
    city, _ = read(tmp_path, feature(raster(" ".join(heights), extra=said)))
    assert len(city.face_surface) == 4 + 4  # two whole cells, and four with three nodes
    assert covered(city) == pytest.approx(2 * 200.0 + 4 * 100.0)
    assert (normals(city)[:, 2] > 0).all()


def test_commas_may_stand_between_heights_or_in_them(tmp_path: Path) -> None:
    city, _ = read(tmp_path, feature(raster(",".join(map(str, HEIGHTS)))))
    assert lies_right(city)
    german = " ".join(f"{height:.1f}".replace(".", ",") for height in HEIGHTS)
    city, _ = read(tmp_path, feature(raster(german, tuples='q:tupleList decimal=","')))
    assert lies_right(city)


@pytest.mark.parametrize(
    "own",
    [
        raster(HEIGHTS[:-1]),
        raster([*HEIGHTS, 1]),
        raster(HEIGHTS, high="31622 31622"),
        raster(HEIGHTS, high="999999999999 999999999999"),
        raster(HEIGHTS, high="1e300 1e300"),
        raster(HEIGHTS, high="nan 2"),
        raster(HEIGHTS, high="-3 -2"),
        raster(HEIGHTS, high="three two"),
        raster(HEIGHTS, high="3 2 0", low="0 0 0"),
        raster(HEIGHTS, vectors=("10 0",)),
        raster(HEIGHTS, vectors=("10 0", "20 0")),
        raster(HEIGHTS, vectors=("0 0", "0 20")),
        raster(HEIGHTS, vectors=("inf 0", "0 20")),
        raster(HEIGHTS, vectors=("1e11 0", "0 1e11"), high="11 0", low="0 0"),
        raster(HEIGHTS, origin="here"),
        raster(HEIGHTS, origin=""),
        raster(""),
        component("RasterRelief", "G", "<d:grid/>"),
        component("RasterRelief", "G", ""),
    ],
)
def test_a_damaged_grid_costs_only_itself(tmp_path: Path, own: str) -> None:
    city, context = read(tmp_path, feature(own), gml.house("2.0"))
    assert city.objects.ids.tolist() == ["G", "H1"]
    assert len(city.face_surface) == gml.HOUSE_FACES
    assert [words for words in messages(context) if "errain" in words] == [DAMAGED]


def test_a_grid_without_a_known_cell_is_told(tmp_path: Path) -> None:
    _, context = read(tmp_path, feature(raster(["missing"] * 12)), gml.house("2.0"))
    assert "Terrains without three points that span a surface, not shown: 1 (G)" in messages(context)


@pytest.mark.parametrize(
    "place",
    [
        "<q:File><q:rangeParameters/><q:fileName>../../etc/dgm.tif</q:fileName></q:File>",
        "<q:File><q:rangeParameters/><q:fileReference>../../etc/dgm.tif</q:fileReference></q:File>",
        '<q:File><q:fileReference x:href="../../etc/dgm.tif"/></q:File>',
    ],
)
def test_heights_in_a_file_of_their_own_are_named_not_read(tmp_path: Path, place: str) -> None:
    own = raster(HEIGHTS)
    block = own[own.index("<q:DataBlock>") : own.index("</q:rangeSet>")]
    _, context = read(tmp_path, feature(own.replace(block, place)), gml.house("2.0"))
    told = "Terrains whose heights lie in another file, not shown: 1. Open ../../etc/dgm.tif as a terrain of its own."
    assert [words for words in messages(context) if "errain" in words] == [f"{told} (G)"]


def test_a_grid_with_more_nodes_than_may_be_is_thinned_to_its_edges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_RELIEF_POINTS", 50)
    heights = [x + 10 * y for y in range(21) for x in range(20)]
    city, context = read(tmp_path, feature(raster(heights, high="19 20")))
    assert 20 < len(city.face_surface) <= 150
    assert covered(city) == pytest.approx(190.0 * 400.0)
    assert "Terrains with more points than are shown, thinned: 1 (G)" in messages(context)
    monkeypatch.setattr(limits, "MAX_RELIEF_POINTS", 1000)
    monkeypatch.setattr(limits, "MAX_RELIEF_POINTS_TOGETHER", 100)
    city, context = read(tmp_path, feature(raster(heights, high="19 20")))
    assert 20 < len(city.face_surface) <= 220
    assert covered(city) == pytest.approx(190.0 * 400.0)
    assert "Terrains with more points than are shown, thinned: 1 (G)" in messages(context)


def test_break_lines_beside_a_grid_do_not_cover_it(tmp_path: Path) -> None:
    city, context = read(tmp_path, feature(raster(HEIGHTS), breaklines(hill(2))))
    assert len(city.face_surface) == 12
    assert "Break lines beside a terrain of triangles or a grid, left out: 1 (B)" in messages(context)


def test_the_ground_is_made_of_the_grid(tmp_path: Path) -> None:
    city, _ = read(tmp_path, feature(raster(HEIGHTS)))
    ground = make_ground(city, None, measure(city))
    assert ground.exact
    assert ground.height_at(np.array([[gml.X0 + 15.0, gml.Y0 + 20.0]]) - city.frame.origin_crs[:2])[0] == pytest.approx(
        11.5 - city.frame.origin_crs[2], abs=0.7
    )


@pytest.mark.parametrize("ending", [".gml", ".city.json"])
def test_a_grid_is_written_as_triangles(tmp_path: Path, ending: str) -> None:
    city, _ = read(tmp_path, feature(raster(HEIGHTS)))
    again = towns.read(towns.write(towns.export_of(city), tmp_path / f"again{ending}"), city)
    assert again.objects.count_by_type() == {"TINRelief": 1}
    assert len(again.face_surface) == 12
    assert lies_right(again)
