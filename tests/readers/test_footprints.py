"""Footprints become block models; every height that was assumed is told."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from viewer.city import CityModel, Frame, SurfaceType
from viewer.city.lod import faces_at
from viewer.city.measures import measure
from viewer.errors import ReadError
from viewer.plugin_api import ReadContext
from viewer.readers import footprints
from viewer.readers.footprint_columns import building_score, guess, numbers
from viewer.readers.footprints import looks_like_footprints, read_footprints

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
EAST, NORTH = 565000.0, 5934000.0


def house(i: int = 0, width: float = 10.0, depth: float = 8.0) -> Polygon:
    return box(EAST + 30 * i, NORTH, EAST + 30 * i + width, NORTH + depth)


def write(
    folder: Path, shapes: list[Any], file: str = "houses.gpkg", crs: str | None = "EPSG:25832", **columns: Any
) -> Path:
    path = folder / file
    gpd.GeoDataFrame(columns, geometry=shapes, crs=crs).to_file(path)
    return path


def read(path: Path, frame: Frame | None = None, **options: str) -> tuple[CityModel, ReadContext]:
    context = ReadContext(frame=frame or Frame(), options=options)
    return read_footprints(path, context), context


def told(context: ReadContext) -> dict[str, int]:
    return {issue.text: issue.count for issue in context.log.issues()}


def heights(city: CityModel) -> list[float]:
    found = measure(city, faces_at(city))
    return np.round(found.top_m - found.ground_m, 3).tolist()


def volume(city: CityModel) -> float:
    """Enclosed volume by the divergence theorem; right only if every face looks outwards and none is missing."""
    a, b, c = (city.positions_local[city.triangles[:, k]].astype(float) for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def test_a_house_is_a_closed_block_of_its_height(tmp_path: Path) -> None:
    city, context = read(write(tmp_path, [house()], height=[6.0]))
    assert city.lods == ("1",)
    assert city.objects.types == ("Building",)
    assert np.bincount(city.face_surface)[1:].tolist() == [1, 4, 1]
    assert volume(city) == pytest.approx(480.0)
    assert measure(city, faces_at(city)).closed.tolist() == [True]
    assert city.frame.crs == "EPSG:25832"
    assert city.objects.attributes["measuredHeight"].values.tolist() == [6.0]
    assert context.questions["height_column"] == "height"


def test_a_courtyard_stays_open(tmp_path: Path) -> None:
    ring = Polygon(house(0, 20, 20).exterior, [box(EAST + 5, NORTH + 5, EAST + 15, NORTH + 15).exterior])
    city, _ = read(write(tmp_path, [ring], height=[5.0]))
    assert volume(city) == pytest.approx((400 - 100) * 5)
    assert int((city.face_surface == SurfaceType.WALL).sum()) == 8


def test_the_direction_of_a_ring_does_not_matter(tmp_path: Path) -> None:
    city, _ = read(write(tmp_path, [house(), house(1).reverse()], height=[6.0, 6.0]))
    assert volume(city) == pytest.approx(960.0)


def test_a_multipolygon_is_one_building(tmp_path: Path) -> None:
    city, _ = read(write(tmp_path, [MultiPolygon([house(0), house(1)]), MultiPolygon([house(2)])], height=[4.0, 5.0]))
    assert len(city.objects) == 2
    assert np.bincount(city.face_object).tolist() == [12, 6]
    assert heights(city) == [4.0, 5.0]


def test_repeated_corners_do_not_make_walls_without_width(tmp_path: Path) -> None:
    corners = [*list(house().exterior.coords)[:2], *list(house().exterior.coords)[1:]]
    city, context = read(write(tmp_path, [Polygon(corners)], height=[4.0]))
    assert int((city.face_surface == SurfaceType.WALL).sum()) == 4
    assert not any("left out" in text for text in told(context))


@pytest.mark.parametrize(
    "name", ["houses.gpkg", "houses.geojson", "houses.json", "houses.shp", "houses.fgb", "houses.sqlite"]
)
def test_every_format_gives_the_same_blocks(tmp_path: Path, name: str) -> None:
    driver = {"json": "GeoJSON", "geojson": "GeoJSON", "sqlite": "SQLite"}.get(name.rsplit(".", 1)[1])
    frame = gpd.GeoDataFrame({"hauteur": [6.0], "usage": ["Büro"]}, geometry=[house()], crs="EPSG:25832")
    path = tmp_path / name
    # GeoJSON is degrees by its standard; the older member with a system is what city offices still write.
    options = {"RFC7946": "NO"} if driver == "GeoJSON" else {}
    frame.to_file(path, driver=driver, **options)
    city, context = read(path)
    assert volume(city) == pytest.approx(480.0, rel=1e-4)
    assert city.objects.attributes["usage"].values.tolist() == ["Büro"]
    assert context.facts["crs"] == "EPSG:25832"


def test_degrees_are_brought_into_metres(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"height": [6.0]}, geometry=[house()], crs="EPSG:25832").to_crs("EPSG:4326")
    frame.to_file(tmp_path / "houses.geojson")
    city, _ = read(tmp_path / "houses.geojson")
    assert city.frame.crs == "EPSG:25832"
    assert volume(city) == pytest.approx(480.0, rel=1e-3)


@pytest.mark.parametrize(
    "column", ["measuredHeight", "height", "Height", "HAUTEUR", "bldg_h", "h_trauf", "Gebäudehöhe", "building:height"]
)
def test_a_height_column_is_found_by_its_name(tmp_path: Path, column: str) -> None:
    city, context = read(write(tmp_path, [house()], "houses.geojson", **{column: [7.5]}))
    assert heights(city) == [7.5]
    assert told(context)[footprints.HEIGHT_GUESSED] == 1


def test_a_chosen_column_comes_before_a_guessed_one(tmp_path: Path) -> None:
    path = write(tmp_path, [house()], height=[7.5], roof=[11.0])
    assert heights(read(path, height_column="roof")[0]) == [11.0]
    city, context = read(path, height_column="nonsense")
    assert heights(city) == [7.5]
    assert told(context)[footprints.NO_SUCH_COLUMN] == 1


def test_without_height_storeys_count_and_then_a_stated_default(tmp_path: Path) -> None:
    path = write(
        tmp_path, [house(0), house(1), house(2), house(3)], height=[7.5, np.nan, -1.0, 99999.0],
        levels=[9.0, 2.0, np.nan, np.nan],
    )  # fmt: skip
    city, context = read(path)
    assert heights(city) == [7.5, 6.0, 9.0, 9.0]
    counts = told(context)
    assert counts[footprints.HEIGHT_GUESSED] == 1
    assert counts[footprints.HEIGHT_FROM_STOREYS] == 1
    assert counts[footprints.HEIGHT_DEFAULT] == 2
    assert context.questions["default_height_m"] == "9"
    chosen, _ = read(path, storey_height_m="3.5", default_height_m="4")
    assert heights(chosen) == [7.5, 7.0, 4.0, 4.0]


def test_assumed_heights_are_not_passed_on_as_measured(tmp_path: Path) -> None:
    city, _ = read(write(tmp_path, [house(0), house(1)], height=[7.5, np.nan]))
    values = city.objects.attributes["measuredHeight"].values
    assert values[0] == 7.5
    assert np.isnan(values[1])


def test_heights_written_as_text_count(tmp_path: Path) -> None:
    city, _ = read(write(tmp_path, [house(i) for i in range(3)], height=["12,5", "8 m", "tall"]))
    assert heights(city) == [12.5, 8.0, 9.0]


def raised(shape: Polygon, z: float) -> Polygon:
    return Polygon([(x, y, z) for x, y in shape.exterior.coords])


def test_ground_heights_of_the_shapes_are_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    tall = rng.uniform(4, 20, 30)
    city, context = read(write(tmp_path, [raised(house(i), 100 + 0.1 * i) for i in range(30)], height=tall))
    base = measure(city, faces_at(city)).ground_m + city.frame.origin_crs[2]
    np.testing.assert_allclose(base, 100 + 0.1 * np.arange(30), atol=0.01)
    assert context.questions["z_is"] == "ground"


def test_roof_heights_of_the_shapes_are_recognised(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    tall = rng.uniform(4, 20, 30)
    path = write(tmp_path, [raised(house(i), 100 + 0.1 * i + tall[i]) for i in range(30)], height=tall)
    city, context = read(path)
    base = measure(city, faces_at(city)).ground_m + city.frame.origin_crs[2]
    np.testing.assert_allclose(base, 100 + 0.1 * np.arange(30), atol=0.01)
    assert context.questions["z_is"] == "roof"
    assert told(context)[footprints.ROOF_Z] == 30
    chosen, _ = read(path, z_is="ground")
    assert chosen.extent_local[1, 2] > city.extent_local[1, 2]


def test_outlines_written_by_the_export_stand_at_their_ground_height_again(tmp_path: Path) -> None:
    city, _ = read(write(tmp_path, [house(0), house(1)], height_m=[5.0, 9.0], ground_height_m=[33.5, 41.25]))
    base = measure(city, faces_at(city)).ground_m + city.frame.origin_crs[2]
    np.testing.assert_allclose(base, [33.5, 41.25], atol=0.01)


def test_a_building_without_ground_height_stands_like_its_neighbour(tmp_path: Path) -> None:
    shapes = [raised(house(0), 100.0), raised(house(1), 120.0), raised(house(2), 9999.0)]
    city, context = read(write(tmp_path, shapes, height=[5.0, 5.0, 5.0]))
    base = measure(city, faces_at(city)).ground_m + city.frame.origin_crs[2]
    np.testing.assert_allclose(base, [100, 120, 120], atol=0.01)
    assert told(context)[footprints.NEIGHBOUR_GROUND] == 1


def test_flat_shapes_stand_on_the_open_city_or_a_chosen_height(tmp_path: Path) -> None:
    path = write(tmp_path, [house()], height=[6.0])
    open_city = Frame("EPSG:25832", (EAST, NORTH, 34.0))
    assert read(path, open_city)[0].extent_local[:, 2].tolist() == [0.0, 6.0]
    assert read(path, open_city, ground_m="40")[0].extent_local[:, 2].tolist() == [6.0, 12.0]


def test_crossing_outlines_are_repaired_and_counted(tmp_path: Path) -> None:
    bow = Polygon([(EAST, NORTH), (EAST + 10, NORTH + 10), (EAST + 10, NORTH), (EAST, NORTH + 10)])
    city, context = read(write(tmp_path, [bow, house(1)], height=[5.0, 5.0]))
    assert told(context)[footprints.REPAIRED] == 1
    assert volume(city) == pytest.approx(50 * 5 + 80 * 5)


def test_what_is_no_polygon_is_left_out_and_counted(tmp_path: Path) -> None:
    shapes = [house(), Point(EAST, NORTH), LineString([(EAST, NORTH), (EAST + 1, NORTH)]), None]
    city, context = read(write(tmp_path, shapes, "houses.geojson", height=[5.0] * 4, id=["a", "b", "c", "d"]))
    assert city.objects.ids.tolist() == ["a"]
    assert told(context)[footprints.NOT_POLYGONS] == 2
    assert told(context)[footprints.NO_SHAPE] == 1


def test_a_missing_system_is_a_question_not_a_silent_guess(tmp_path: Path) -> None:
    city, context = read(write(tmp_path, [house()], crs=None, height=[5.0]))
    assert "crs" in context.questions
    assert len(city.objects) == 1


def test_the_layer_of_buildings_is_taken_from_several(tmp_path: Path) -> None:
    path = tmp_path / "town.gpkg"
    many = [house(i) for i in range(5)]
    gpd.GeoDataFrame({"id": range(5)}, geometry=many, crs="EPSG:25832").to_file(path, layer="plots")
    gpd.GeoDataFrame({"id": [7]}, geometry=[house()], crs="EPSG:25832").to_file(path, layer="buildings")
    city, context = read(path)
    assert city.objects.ids.tolist() == ["7"]
    assert context.questions["layer"] == "buildings"
    assert len(read(path, layer="plots")[0].objects) == 5
    assert told(read(path, layer="nonsense")[1])[footprints.NO_SUCH_LAYER] == 1


def test_attributes_come_along_with_their_types(tmp_path: Path) -> None:
    columns = {"height": [5.0, 6.0], "name": ["Rathaus", None], "year": [1900, 1950], "listed": [True, False]}
    found = read(write(tmp_path, [house(0), house(1)], "houses.geojson", **columns))[0].objects.attributes
    assert found["name"].values.tolist() == ["Rathaus", ""]
    assert found["year"].values.tolist() == [1900.0, 1950.0]
    assert found["listed"].values.tolist() == ["true", "false"]


def test_ids_are_unique_even_where_the_column_is_not(tmp_path: Path) -> None:
    city, _ = read(write(tmp_path, [house(0), house(1)], id=["a", "a"], height=[5.0, 5.0]))
    assert len(set(city.objects.ids.tolist())) == 2


def test_texts_of_a_shapefile_that_names_no_encoding_are_read_as_utf8(tmp_path: Path) -> None:
    path = write(tmp_path, [house()], "houses.shp", height=[5.0], name=["Préfecture"])
    path.with_suffix(".cpg").unlink()
    assert read(path)[0].objects.attributes["name"].values.tolist() == ["Préfecture"]


VRT = b"<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>a.shp</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"hello", VRT, b"{}", b'{"type":"FeatureCollection"', b"SQLite format 3\x00rest", b"fgb\x03fgb\x00",
        b'{"type":"FeatureCollection","features":[]}', b"\x00\x00\x27\x0a",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["houses.vrt", "houses.gpkg", "houses.geojson"])
def test_what_is_no_vector_file_is_one_clear_error(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert looks_like_footprints(path) == 0.0
    with pytest.raises(ReadError) as caught:
        read(path)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "name", ["/vsicurl/http://localhost/a.gpkg", "/vsizip/a.zip/a.shp", "http://localhost/a.geojson"]
)
def test_addresses_and_virtual_paths_are_refused(name: str) -> None:
    with pytest.raises(ReadError):
        read(Path(name))


def test_points_alone_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="no polygons"):
        read(write(tmp_path, [Point(EAST, NORTH)], height=[5.0]))


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ReadError):
        read(tmp_path / "none.gpkg")


@pytest.mark.parametrize(
    ("layer", "columns", "buildings"),
    [
        ("buildings", ["uID"], True),
        ("x", ["HAUTEUR"], True),
        ("x", ["building:levels"], True),
        ("bgt_pand", ["gml_id"], True),
        ("landuse", ["class"], False),
        ("tree_canopies", ["height"], False),
        ("parcels", ["id"], False),
        ("ZONE_VEGETATION", ["id", "nature"], False),
    ],
)
def test_names_tell_buildings_from_areas(layer: str, columns: list[str], buildings: bool) -> None:
    assert (building_score(layer, columns) >= 0.5) == buildings


def test_a_column_of_unbelievable_numbers_is_not_a_height() -> None:
    columns = {"height": np.array([0.0, -5.0, 1e6]), "hauteur": np.array([4.0, 0.0, 6.0])}
    name, values = guess(columns, ("height", "hauteur"), 1000.0)
    assert name == "hauteur"
    np.testing.assert_array_equal(values, [4.0, np.nan, 6.0])
    assert np.isnan(numbers(np.array([True, None, "x", b"3"], dtype=object))).all()


REAL = {
    "bdtopo-12174-shapefiles/BATI_INDIFFERENCIE.shp": 10481, "bdtopo-12174-shapefiles/BATI_INDUSTRIEL.shp": 655,
    "bdtopo-12174-shapefiles/BATI_REMARQUABLE.shp": 66, "athens-umep/bldgs_clip.gpkg": 1773,
    "lyon-buildings-geojson/buildings_lyon1.geojson": 2576, "prague-bubenec/bubenec.gpkg": 144,
    "delft-3dfier/bgt_pand.sqlite": 160,
}  # fmt: skip
REAL_AREAS = [
    "bdtopo-12174-shapefiles/ZONE_VEGETATION.shp", "bdtopo-12174-shapefiles/SURFACE_EAU.shp",
    "bdtopo-12174-shapefiles/COMMUNE.shp", "athens-umep/tree_canopies_clip.gpkg", "athens-umep/trees_clip.gpkg",
    "delft-3dfier/bgt_wegdeel.sqlite", "delft-3dfier/bgt_waterdeel.sqlite",
    "berlin-streets-flatgeobuf/berlin-classified-level-3.fgb",
]  # fmt: skip


@pytest.mark.skipif(not DATA.exists(), reason="the real data sets are not beside the repository")
@pytest.mark.parametrize(("name", "count"), REAL.items())
def test_a_real_file_gives_every_building_a_block(name: str, count: int, tmp_path: Path) -> None:
    source = DATA / name
    for part in source.parent.glob(f"{source.stem}.*"):  # GDAL may write beside the files it reads
        shutil.copy(part, tmp_path / part.name)
        (tmp_path / part.name).chmod(0o644)
    path = tmp_path / source.name
    assert looks_like_footprints(path) >= 0.5
    city, _ = read(path)
    assert len(city.objects) == count
    assert len(np.unique(city.face_object)) == count
    found = heights(city)
    assert min(found) >= 0.4
    assert max(found) < 300


@pytest.mark.skipif(not DATA.exists(), reason="the real data sets are not beside the repository")
@pytest.mark.parametrize("name", REAL_AREAS)
def test_a_real_area_layer_is_not_taken_for_buildings(name: str) -> None:
    assert looks_like_footprints(DATA / name) < 0.5


def test_a_part_of_a_shapefile_opens_the_whole(tmp_path: Path) -> None:
    from viewer.readers.store.folder import entry_of

    parts = [tmp_path / f"houses{ending}" for ending in (".shp", ".dbf", ".shx", ".prj")]
    for part in parts:
        part.write_bytes(b"")
    assert {entry_of(part).name for part in parts} == {"houses.shp"}
    (tmp_path / "table.dbf").write_bytes(b"")
    assert entry_of(tmp_path / "table.dbf").name == "table.dbf"
