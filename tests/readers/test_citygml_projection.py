"""Pictures of CityGML laid on by the places of points: aerial pictures of the map, and matrices."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from tests.readers.export import towns
from tests.readers.export.test_round_trip import SCHEMA, judged
from tests.readers.test_citygml_appearance import building, look, material, messages, read, roof, texture
from tests.readers.test_citygml_relief import component, feature, hill, mass
from viewer.city import CityModel
from viewer.plugin_api.context import ReadContext
from viewer.readers.citygml import read_citygml
from viewer.scene.atlas import build_atlas, sample

sys.path.insert(0, str(Path(__file__).parent))
import gml_fixtures as gml

versions = pytest.mark.parametrize("version", gml.VERSIONS)
#: Colours of the quarters of the picture: north-west, north-east, south-west, south-east.
NW, NE, SW, SE = (200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0)
NO_PLACE = (
    "Pictures of the map without a usable place (reference point and orientation, world file or GeoTIFF), not shown: {}"
)
OUTSIDE = "Faces that reach beyond the picture laid over them, shown without it: {}"
#: The picture of ``aerial`` covers ``hill``: 100 m at 2.5 m per pixel.
INLINE = ((2.5, 0.0, 0.0, -2.5), (1.25, 98.75))


def aerial(path: Path) -> Path:
    """A picture of 40 x 40 pixels with a colour in every quarter."""
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:20, :20], pixels[:20, 20:], pixels[20:, :20], pixels[20:, 20:] = NW, NE, SW, SE
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def by_map(
    *targets: str,
    name: str = "a.png",
    orientation: tuple[float, ...] | str | None = None,
    point: tuple[float, float] | str | None = None,
    extra: str = "",
) -> str:
    """A ``GeoreferencedTexture``; ``point`` counts from the corner of the test files."""
    if isinstance(point, tuple):
        point = f"{gml.X0 + point[0]} {gml.Y0 + point[1]}"
    if isinstance(orientation, tuple):
        orientation = " ".join(map(str, orientation))
    place = "" if point is None else (
        f"<app:referencePoint><q:Point><q:pos>{point}</q:pos></q:Point></app:referencePoint>"
    )  # fmt: skip
    place += "" if orientation is None else f"<app:orientation>{orientation}</app:orientation>"
    where = "".join(f"<app:target>#{target}</app:target>" for target in targets)
    inner = f"<app:imageURI>{name}</app:imageURI>{extra}{place}{where}"
    return f"<app:GeoreferencedTexture>{inner}</app:GeoreferencedTexture>"


def by_matrix(matrix: str, target: str = "p", *, version: str = "2.0", extra: str = "") -> str:
    """A ``TexCoordGen``."""
    inner = f"<app:TexCoordGen><app:worldToTexture>{matrix}</app:worldToTexture></app:TexCoordGen>"
    if version == "3.0":
        where = (
            f"<app:textureParameterization><app:TextureAssociation><app:target>#{target}</app:target>"
            f"<app:textureParameterization>{inner}</app:textureParameterization>"
            "</app:TextureAssociation></app:textureParameterization>"
        )
    else:
        where = f'<app:target uri="#{target}">{inner}</app:target>'
    return f"<app:ParameterizedTexture><app:imageURI>a.png</app:imageURI>{extra}{where}</app:ParameterizedTexture>"


def told(context: ReadContext) -> list[str]:
    return [words for words in messages(context) if "icture" in words or "exture" in words]


def places(city: CityModel) -> np.ndarray:
    """(V, 2) metres east and north of the corner of the test files."""
    return city.positions_local[:, :2] + np.array(city.frame.origin_crs[:2]) - (gml.X0, gml.Y0)


def beside(version: str, *data: str) -> str:
    return look(*data, prop="c:appearanceMember" if version == "3.0" else "app:appearanceMember")


def tin(points: list[tuple[float, float, float]], name: str = "T") -> str:
    """A ``TINRelief`` of one square of ``points``, two triangles."""
    a, b, c, d = points
    triangles = "".join(
        f"<q:Triangle><q:exterior>{gml.ring(own)}</q:exterior></q:Triangle>" for own in ([a, b, c], [a, c, d])
    )
    shape = f'<q:TriangulatedSurface q:id="{name}_s"><q:trianglePatches>{triangles}</q:trianglePatches></q:TriangulatedSurface>'  # noqa: E501
    return component("TINRelief", name, f"<d:tin>{shape}</d:tin>")


def covers(city: CityModel, side: float = 100.0) -> bool:
    """Whether every textured vertex has the coordinates of its place in a picture of a square."""
    assert city.appearance is not None
    own = city.appearance.face_texture[city.vertex_face] >= 0
    return bool(own.any()) and np.allclose(city.appearance.uv[own], places(city)[own] / side, atol=1e-4)


@versions
@pytest.mark.parametrize("target", ["T", "T_s"])
def test_an_aerial_picture_lies_on_a_terrain_north_up(tmp_path: Path, version: str, target: str) -> None:
    aerial(tmp_path / "a.png")
    own = by_map(target, orientation=INLINE[0], point=INLINE[1])
    ground = tin(gml.square(size=100.0))
    city, context = read(tmp_path, feature(ground), version=version, after=beside(version, own))
    assert covers(city)
    assert not told(context)
    assert (city.appearance.face_texture == 0).all()
    atlas = build_atlas(city)
    assert atlas is not None
    near = {(10, 90): NW, (90, 90): NE, (10, 10): SW, (90, 10): SE}
    for (x, y), color in near.items():
        shown = sample(atlas, np.array([[x / 100, y / 100]]), np.array([0]))[0, :3]
        assert np.abs(shown.astype(int) - color).max() < 12, (x, y)


@pytest.mark.parametrize("target", ["M", "R_mp"])
def test_a_terrain_of_points_takes_the_picture_too(tmp_path: Path, target: str) -> None:
    aerial(tmp_path / "a.png")
    own = by_map(target, orientation=INLINE[0], point=INLINE[1])
    ground = mass(hill()).replace("<q:MultiPoint>", '<q:MultiPoint q:id="R_mp">')
    city, _ = read(tmp_path, feature(ground), building(roof()), after=beside("2.0", own))
    assert covers(city)
    assert np.bincount(city.appearance.face_texture + 1).tolist() == [1, 200]


@pytest.mark.parametrize("target", ["p", "house_all", "house_roof"])
def test_targets_may_be_polygons_collections_and_features(tmp_path: Path, target: str) -> None:
    aerial(tmp_path / "a.png")
    own = by_map(target, orientation=(0.2, 0, 0, -0.2), point=(0.1, 7.9))
    city, _ = read(tmp_path, building(roof(hole=True)), building(roof("q"), name="other"), after=beside("2.0", own))
    assert city.appearance.face_texture.tolist() == [0, -1]
    assert covers(city, 8.0)


def test_a_turned_picture_lies_turned(tmp_path: Path) -> None:
    """Rows of pixels run south, columns east: the upper left pixel is in the north-west, and the right end south."""
    aerial(tmp_path / "a.png")
    own = by_map("T", orientation=(0.0, 2.5, -2.5, 0.0), point=(1.25, 98.75))
    city, _ = read(tmp_path, feature(tin(gml.square(size=100.0))), after=beside("2.0", own))
    place = places(city) / 100
    assert np.allclose(city.appearance.uv, np.column_stack([1 - place[:, 1], 1 - place[:, 0]]), atol=1e-4)


@pytest.mark.parametrize("ending", ["a.pgw", "a.pngw", "a.wld", "A.PGW"])
@pytest.mark.parametrize("prefer", ["", "<app:preferWorldFile>true</app:preferWorldFile>"])
def test_a_world_file_says_where_a_picture_lies(tmp_path: Path, ending: str, prefer: str) -> None:
    aerial(tmp_path / "tex" / "a.png")
    lines = (2.5, 0.0, 0.0, -2.5, gml.X0 + 1.25, gml.Y0 + 98.75)
    (tmp_path / "tex" / ending).write_text("\n".join(map(str, lines)), encoding="utf-8")
    own = by_map("T", name="tex/a.png", extra=prefer)
    city, context = read(tmp_path, feature(tin(gml.square(size=100.0))), after=beside("2.0", own))
    assert covers(city)
    assert not told(context)


def test_what_the_file_says_itself_goes_before_a_world_file(tmp_path: Path) -> None:
    aerial(tmp_path / "a.png")
    (tmp_path / "a.pgw").write_text("1 0 0 -1 0 0", encoding="utf-8")
    own = by_map("T", orientation=INLINE[0], point=INLINE[1])
    city, _ = read(tmp_path, feature(tin(gml.square(size=100.0))), after=beside("2.0", own))
    assert covers(city)


def test_a_world_file_in_an_archive_is_found(tmp_path: Path) -> None:
    aerial(tmp_path / "a.png")
    parts = list(gml.document("2.0", [feature(tin(gml.square(size=100.0)))]))
    parts[-1] = beside("2.0", by_map("T", name="tex/a.png")) + parts[-1]
    with zipfile.ZipFile(tmp_path / "city.zip", "w") as archive:
        archive.writestr("gml/city.gml", "".join(parts))
        archive.write(tmp_path / "a.png", "gml/tex/a.png")
        archive.writestr("gml/tex/a.pgw", f"2.5\n0\n0\n-2.5\n{gml.X0 + 1.25}\n{gml.Y0 + 98.75}\n")
    city = read_citygml(tmp_path / "city.zip", ReadContext())
    assert covers(city)


@pytest.mark.parametrize("kind", ["corner", "middle", "matrix", "compound"])
def test_a_geotiff_says_itself_where_it_lies(tmp_path: Path, kind: str) -> None:
    half = 1.25 if kind == "middle" else 0.0
    x, y = gml.X0 + half, gml.Y0 + 100 - half
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    if kind == "matrix":
        tags.tagtype[34264] = 12
        tags[34264] = (2.5, 0.0, 0.0, x, 0.0, -2.5, 0.0, y, *([0.0] * 7), 1.0)
    else:
        tags.tagtype[33550] = tags.tagtype[33922] = 12
        tags[33550], tags[33922] = (2.5, 2.5, 0.0), (0.0, 0.0, 0.0, x, y, 0.0)
    tags.tagtype[34735] = 3
    tags[34735] = (1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1, 2 if kind == "middle" else 1)
    with Image.open(aerial(tmp_path / "a.png")) as image:
        image.save(tmp_path / "a.tif", tiffinfo=tags)
    extra = ""
    if kind == "compound":
        extra = "<app:preferWorldFile>false</app:preferWorldFile>"
        (tmp_path / "a.tfw").write_text("1 0 0 -1 0 0", encoding="utf-8")
    after = beside("2.0", by_map("T", name="a.tif", extra=extra))
    city, context = read(tmp_path, feature(tin(gml.square(size=100.0))), after=after)
    assert covers(city)
    assert not told(context)


@pytest.mark.parametrize("tag", [33550, 33922, 34264, 34735])
def test_a_geotiff_with_senseless_tags_is_told(tmp_path: Path, tag: int) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags.tagtype[33550] = tags.tagtype[33922] = 12
    tags[33550], tags[33922] = (0.0, float("nan"), 0.0), (0.0, 0.0, 0.0, 1.0, 1.0, 0.0)
    tags.tagtype[tag] = 2
    tags[tag] = "words"
    with Image.open(aerial(tmp_path / "a.png")) as image:
        image.save(tmp_path / "a.tif", tiffinfo=tags)
    after = beside("2.0", by_map("T", name="a.tif"), material("1 0 0", "T"))
    city, context = read(tmp_path, feature(tin(gml.square())), after=after)
    assert city.appearance.face_texture.tolist() == [-1, -1]
    assert told(context) == [NO_PLACE.format(1)]


def test_a_world_file_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    home = tmp_path / "city"
    aerial(home / "a.png")
    lines = (2.5, 0.0, 0.0, -2.5, gml.X0 + 1.25, gml.Y0 + 98.75)
    (tmp_path / "outside.pgw").write_text("\n".join(map(str, lines)), encoding="utf-8")
    (home / "a.pgw").symlink_to(tmp_path / "outside.pgw")
    _, context = read(home, feature(tin(gml.square())), after=beside("2.0", by_map("T")))
    assert NO_PLACE.format(1) in messages(context)


@pytest.mark.parametrize(
    "lines", ["", "2.5 0 0", "2.5 0 0 -2.5 here there", "nan 0 0 1 2 3", "0 0 0 0 5 5", "1 2 2 4 0 0", "1 " * 5000]
)
def test_a_world_file_that_says_nothing_costs_the_picture(tmp_path: Path, lines: str) -> None:
    aerial(tmp_path / "a.png")
    (tmp_path / "a.pgw").write_text(lines, encoding="utf-8")
    after = beside("2.0", by_map("T"), material("1 0 0", "T"))
    city, context = read(tmp_path, feature(tin(gml.square())), after=after)
    assert city.appearance.face_texture.tolist() == [-1, -1]
    assert told(context) == [NO_PLACE.format(1)]


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"point": (0.0, 0.0)},
        {"orientation": (1.0, 0.0, 0.0, -1.0)},
        {"orientation": (1.0, 0.0, 0.0), "point": (0.0, 0.0)},
        {"orientation": (0.0, 0.0, 0.0, 0.0), "point": (0.0, 0.0)},
        {"orientation": "1 0 0 1e999", "point": (0.0, 0.0)},
        {"orientation": "a b c d", "point": (0.0, 0.0)},
        {"orientation": (1.0, 0.0, 0.0, -1.0), "point": "nan nan"},
    ],
)
def test_a_picture_without_a_place_is_told(tmp_path: Path, place: dict) -> None:
    aerial(tmp_path / "a.png")
    after = beside("2.0", by_map("T", **place), material("1 0 0", "T"))
    city, context = read(tmp_path, feature(tin(gml.square())), after=after)
    assert city.appearance.face_texture.tolist() == [-1, -1]
    assert told(context) == [NO_PLACE.format(1)]


def test_a_picture_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    own = by_map("T", name="../a.png", orientation=INLINE[0], point=INLINE[1])
    aerial(tmp_path / "a.png")
    home = tmp_path / "home"
    home.mkdir()
    _, context = read(home, feature(tin(gml.square())), after=beside("2.0", own))
    assert len(told(context)) == 1 and "for example ../a.png" in told(context)[0]


def test_faces_beyond_the_picture_are_shown_without_it_and_it_is_not_repeated(tmp_path: Path) -> None:
    """The picture ends at 100 m; a face that ends half a metre beyond it ends with it."""
    aerial(tmp_path / "a.png")
    squares = [(0.0, 100.5), (60.0, 60.0), (200.0, 50.0), (-300.0, 50.0)]
    polygons = [gml.polygon(gml.square(gml.X0 + x, size=side), name=f"p{i}") for i, (x, side) in enumerate(squares)]
    own = by_map("house_all", orientation=INLINE[0], point=INLINE[1])
    city, context = read(tmp_path, building(*polygons), after=beside("2.0", own))
    assert city.appearance.face_texture.tolist() == [0, -1, -1, -1]
    shown = city.appearance.uv[city.appearance.face_texture[city.vertex_face] >= 0]
    assert shown.min() >= 0 and shown.max() <= 1
    assert OUTSIDE.format(3) in messages(context)


def test_each_face_takes_the_picture_it_lies_in(tmp_path: Path) -> None:
    """A terrain under two pictures side by side, both for all of it."""
    aerial(tmp_path / "a.png")
    aerial(tmp_path / "b.png")
    polygons = [gml.polygon(gml.square(gml.X0 + x, size=50.0), name=f"p{x}") for x in (0, 50, 100, 150)]
    west = by_map("house_all", orientation=INLINE[0], point=INLINE[1])
    east = by_map("house_all", name="b.png", orientation=INLINE[0], point=(101.25, 98.75))
    city, context = read(tmp_path, building(*polygons), after=beside("2.0", west, east))
    assert city.appearance.face_texture.tolist() == [0, 0, 1, 1]
    assert not told(context)


def test_coordinates_of_rings_go_before_the_map(tmp_path: Path) -> None:
    aerial(tmp_path / "a.png")
    aerial(tmp_path / "b.png")
    rings = texture("b.png", {"p_0": "0 0 1 0 1 1 0 1 0 0"})
    own = by_map("p", orientation=INLINE[0], point=INLINE[1])
    city, _ = read(tmp_path, building(roof()), after=beside("2.0", own, rings))
    assert [Path(name).name for name in city.appearance.textures] == ["a.png", "b.png"]
    assert city.appearance.face_texture.tolist() == [1]
    assert np.allclose(np.sort(city.appearance.uv, axis=0)[[0, -1]], [[0, 0], [1, 1]])


@pytest.mark.parametrize("orientation", [(0.0, -2.5, 2.5, 0.0), (2.5, 0.0, 0.0, -2.5)])
def test_in_a_file_with_north_first_the_picture_lies_north_up(tmp_path: Path, orientation: tuple) -> None:
    """Orientations are met in the order of the file, and as in a world file."""
    aerial(tmp_path / "a.png")
    turned = [(y, x, z) for x, y, z in gml.square(size=100.0)]
    own = by_map("T", orientation=orientation, point=f"{gml.Y0 + 98.75} {gml.X0 + 1.25}")
    city, _ = read(tmp_path, feature(tin(turned)), after=beside("2.0", own))
    assert covers(city)


def test_in_a_file_with_north_first_a_world_file_still_has_east_first(tmp_path: Path) -> None:
    aerial(tmp_path / "a.png")
    (tmp_path / "a.pgw").write_text(f"2.5 0 0 -2.5 {gml.X0 + 1.25} {gml.Y0 + 98.75}", encoding="utf-8")
    turned = [(y, x, z) for x, y, z in gml.square(size=100.0)]
    city, _ = read(tmp_path, feature(tin(turned)), after=beside("2.0", by_map("T")))
    assert covers(city)


@versions
def test_a_matrix_lays_a_picture_on_its_target(tmp_path: Path, version: str) -> None:
    aerial(tmp_path / "a.png")
    matrix = f"0.125 0 0 {-gml.X0 / 8} 0 0.125 0 {-gml.Y0 / 8} 0 0 0 1"
    own = by_matrix(matrix, version=version)
    city, context = read(
        tmp_path, building(roof(hole=True), version=version), version=version, after=beside(version, own)
    )
    assert covers(city, 8.0)
    assert not told(context)


def test_a_matrix_may_look_at_a_wall_and_divide(tmp_path: Path) -> None:
    """s runs east, t up; both and what they are divided by are doubled."""
    aerial(tmp_path / "a.png")
    wall = [(gml.X0, gml.Y0, 10.0), (gml.X0 + 4, gml.Y0, 10.0), (gml.X0 + 4, gml.Y0, 15.0), (gml.X0, gml.Y0, 15.0)]
    matrix = f"0.5 0 0 {-gml.X0 / 2} 0 0 0.4 -4 0 0 0 2"
    city, _ = read(tmp_path, building(gml.polygon(wall, name="p")), after=beside("2.0", by_matrix(matrix)))
    wanted = np.column_stack(
        [places(city)[:, 0] / 4, (city.positions_local[:, 2] - city.positions_local[:, 2].min()) / 5]
    )
    assert np.allclose(city.appearance.uv, wanted, atol=1e-4)


def test_a_matrix_repeats_its_picture_only_where_that_is_said(tmp_path: Path) -> None:
    aerial(tmp_path / "a.png")
    matrix = f"1 0 0 {-gml.X0} 0 1 0 {-gml.Y0} 0 0 0 1"
    city, context = read(tmp_path, building(roof()), after=beside("2.0", by_matrix(matrix), material("1 0 0", "p")))
    assert city.appearance.face_texture.tolist() == [-1]
    assert OUTSIDE.format(1) in messages(context)
    wrap = by_matrix(matrix, extra="<app:wrapMode>wrap</app:wrapMode>")
    city, context = read(tmp_path, building(roof()), after=beside("2.0", wrap))
    assert covers(city, 1.0)
    assert not told(context)


@pytest.mark.parametrize(
    "matrix", ["", "1 0 0 0", "1 0 0 0 0 1 0 0 0 0 nan 1", "1 0 0 0 0 1 0 0 0 0 one 1", "1e999 0 0 0 0 1 0 0 0 0 0 1"]
)
def test_a_matrix_that_is_none_is_told(tmp_path: Path, matrix: str) -> None:
    aerial(tmp_path / "a.png")
    after = beside("2.0", by_matrix(matrix), material("1 0 0", "p"))
    city, context = read(tmp_path, building(roof()), after=after)
    assert city.appearance.face_texture.tolist() == [-1]
    assert told(context) == ["Textures that are projected by an unusable matrix, not shown: 1"]


@pytest.mark.parametrize("last", ["0 0 0 0", "0 0 0 -1"])
def test_what_lies_behind_a_projector_has_no_picture(tmp_path: Path, last: str) -> None:
    aerial(tmp_path / "a.png")
    matrix = f"0.125 0 0 {-gml.X0 / 8} 0 0.125 0 {-gml.Y0 / 8} {last}"
    after = beside("2.0", by_matrix(matrix), material("1 0 0", "p"))
    city, context = read(tmp_path, building(roof()), after=after)
    assert city.appearance.face_texture.tolist() == [-1]
    assert OUTSIDE.format(1) in messages(context)


@pytest.mark.parametrize("ending", [".gml", ".city.json"])
def test_a_terrain_is_written_with_its_picture(tmp_path: Path, ending: str) -> None:
    aerial(tmp_path / "a.png")
    own = by_map("T", "M", orientation=INLINE[0], point=INLINE[1])
    far = [(x + 500, y, z) for x, y, z in hill(3)]
    ground = feature(tin(gml.square(size=100.0)), mass(far))
    city, _ = read(tmp_path, ground, building(roof()), after=beside("2.0", own, material("1 0 0", "p", "M")))
    again = towns.read(towns.write(towns.export_of(city), tmp_path / "out" / f"again{ending}"), city)
    assert covers(again)
    assert Path(again.appearance.textures[0]).parent.name == "again_textures"
    assert (again.appearance.face_texture >= 0).sum() == 2
    red = again.appearance.materials[again.appearance.face_material] == (255, 0, 0, 255)
    assert (red.all(axis=1) & (again.appearance.face_material >= 0)).sum() == 8 + 1
    if ending == ".gml":
        assert judged("citysmith", SCHEMA, tmp_path / "out" / "again.gml")["messages"] == []


def test_pictures_of_the_map_far_into_a_file_are_found(tmp_path: Path) -> None:
    aerial(tmp_path / "a.png")
    own = by_map("last_all", orientation=(0.2, 0, 0, -0.2), point=(0.1, 7.9))
    houses = [building(roof(f"h{i}"), name=f"b{i}") for i in range(3000)]
    inside = look(own)
    many = [building(roof(), look=inside, name="last"), *houses]
    noise = [building(roof(f"n{i}"), name=f"c{i}") for i in range(3000)]
    city, context = read(tmp_path, *noise, *many)
    assert (city.appearance.face_texture >= 0).sum() == 1
    assert not told(context)
