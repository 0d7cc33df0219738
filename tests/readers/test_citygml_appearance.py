"""Textures and materials of CityGML: which picture lies how on which face, and what is said about the rest."""

from __future__ import annotations

import gzip
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viewer.city import CityModel
from viewer.plugin_api.context import ReadContext
from viewer.readers.citygml import read_citygml

sys.path.insert(0, str(Path(__file__).parent))
import gml_fixtures as gml

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="no folder ../shared/data with real files")
versions = pytest.mark.parametrize("version", gml.VERSIONS)

SQUARE = [(0.0, 0.0, 5.0), (8.0, 0.0, 5.0), (8.0, 8.0, 5.0), (0.0, 8.0, 5.0)]
HOLE = [(2.0, 2.0, 5.0), (2.0, 6.0, 5.0), (6.0, 6.0, 5.0), (6.0, 2.0, 5.0)]


def ring(name: str, points: list[tuple[float, float, float]]) -> str:
    """A closed ring with an id, at the place of the other test files."""
    text = " ".join(f"{gml.X0 + x} {gml.Y0 + y} {gml.Z0 + z}" for x, y, z in [*points, points[0]])
    return f'<q:LinearRing q:id="{name}"><q:posList>{text}</q:posList></q:LinearRing>'


def roof(name: str = "p", *, hole: bool = False, turned: bool = False) -> str:
    """A polygon, with ring ids ``name`` + ``_0`` and ``_1``."""
    inner = f"<q:interior>{ring(name + '_1', HOLE)}</q:interior>" if hole else ""
    polygon = f'<q:Polygon q:id="{name}"><q:exterior>{ring(name + "_0", SQUARE)}</q:exterior>{inner}</q:Polygon>'
    return f'<q:OrientableSurface orientation="-"><q:baseSurface>{polygon}</q:baseSurface></q:OrientableSurface>' if (
        turned
    ) else polygon  # fmt: skip


def building(*polygons: str, look: str = "", name: str = "house", version: str = "2.0") -> str:
    """A building whose only surface are these polygons; ``look`` is an appearance within it."""
    prop = "c:boundary" if version == "3.0" else "b:boundedBy"
    surface = "con:RoofSurface" if version == "3.0" else "b:RoofSurface"
    lod = "c:lod2MultiSurface" if version == "3.0" else "b:lod2MultiSurface"
    members = "".join(f"<q:surfaceMember>{polygon}</q:surfaceMember>" for polygon in polygons)
    return (
        f'<b:Building q:id="{name}">{look}<{prop}><{surface} q:id="{name}_roof"><{lod}>'
        f'<q:MultiSurface q:id="{name}_all">{members}</q:MultiSurface></{lod}></{surface}></{prop}></b:Building>'
    )


def numbers(points: list[tuple[float, float, float]]) -> str:
    """Texture coordinates that tell where a point is: an eighth of its place."""
    return " ".join(f"{x / 8} {y / 8}" for x, y, _ in [*points, points[0]])


def texture(picture: str, lists: dict[str, str], *, version: str = "2.0", target: str = "p", extra: str = "") -> str:
    """A texture on the rings of one polygon."""
    if version == "3.0":
        inner = "".join(f"<app:textureCoordinates>{text}</app:textureCoordinates>" for text in lists.values())
        inner += "".join(f"<app:ring>#{name}</app:ring>" for name in lists)
        where = (
            f"<app:textureParameterization><app:TextureAssociation><app:target>#{target}</app:target>"
            f"<app:textureParameterization><app:TexCoordList>{inner}</app:TexCoordList></app:textureParameterization>"
            "</app:TextureAssociation></app:textureParameterization>"
        )
    else:
        inner = "".join(
            f'<app:textureCoordinates ring="#{name}">{text}</app:textureCoordinates>' for name, text in lists.items()
        )
        where = f'<app:target uri="#{target}"><app:TexCoordList>{inner}</app:TexCoordList></app:target>'
    return f"<app:ParameterizedTexture><app:imageURI>{picture}</app:imageURI>{extra}{where}</app:ParameterizedTexture>"


def material(color: str, *targets: str, extra: str = "") -> str:
    """A colour on surfaces."""
    where = "".join(f'<app:target uri="#{target}"/>' for target in targets)
    return f"<app:X3DMaterial><app:diffuseColor>{color}</app:diffuseColor>{extra}{where}</app:X3DMaterial>"


def look(*data: str, theme: str = "photo", prop: str = "app:appearance") -> str:
    """An appearance."""
    inner = "".join(f"<app:surfaceDataMember>{one}</app:surfaceDataMember>" for one in data)
    return f"<{prop}><app:Appearance><app:theme>{theme}</app:theme>{inner}</app:Appearance></{prop}>"


def picture(path: Path, color: tuple[int, int, int] = (200, 0, 0)) -> Path:
    """A small picture of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), color).save(path)
    return path


def read(tmp_path: Path, *members: str, version: str = "2.0", before: str = "", after: str = "") -> tuple[
    CityModel, ReadContext
]:  # fmt: skip
    """A city of these members, with appearances of the collection before and after them."""
    parts = list(gml.document(version, members))
    parts[0] += before
    parts[-1] = after + parts[-1]
    path = tmp_path / "city.gml"
    path.write_text("".join(parts), encoding="utf-8")
    context = ReadContext()
    return read_citygml(path, context), context


def messages(context: ReadContext) -> list[str]:
    return [str(issue) for issue in context.log.issues()]


def lies_right(city: CityModel) -> bool:
    """Whether every vertex of textured faces has the texture coordinates of its place."""
    assert city.appearance is not None
    own = city.appearance.face_texture[city.vertex_face] >= 0
    low = city.positions_local[own].min(axis=0)
    wanted = (city.positions_local[own] - low)[:, :2] / 8
    return bool(own.any()) and np.allclose(city.appearance.uv[own], wanted, atol=1e-3)


@versions
@pytest.mark.parametrize("place", ["before", "within", "after"])
def test_a_picture_lies_on_its_face_wherever_the_appearance_stands(tmp_path: Path, version: str, place: str) -> None:
    picture(tmp_path / "tex" / "a.png")
    own = texture("tex/a.png", {"p_0": numbers(SQUARE), "p_1": numbers(HOLE)}, version=version)
    inside = look(own) if place == "within" else ""
    beside = look(own, prop="c:appearanceMember" if version == "3.0" else "app:appearanceMember")
    city, context = read(
        tmp_path,
        building(roof(hole=True), look=inside, version=version),
        version=version,
        before=beside if place == "before" else "",
        after=beside if place == "after" else "",
    )
    assert city.appearance is not None
    assert city.appearance.textures == (str((tmp_path / "tex" / "a.png").resolve()),)
    assert city.appearance.theme == "photo"
    assert lies_right(city)
    assert not [text for text in messages(context) if "extur" in text]


def test_a_face_turned_round_keeps_its_picture_in_place(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    city, _ = read(
        tmp_path, building(roof(hole=True, turned=True)),
        after=look(texture("a.png", {"p_0": numbers(SQUARE), "p_1": numbers(HOLE)}), prop="app:appearanceMember"),
    )  # fmt: skip
    first = city.positions_local[:4]
    assert np.cross(first[1] - first[0], first[2] - first[1])[2] < 0, "the fixture should look downwards"
    assert lies_right(city)


def test_rings_without_ids_are_told_by_their_polygon_and_their_order(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    nameless = re.sub(r' q:id="p_[01]"', "", roof(hole=True))
    city, _ = read(
        tmp_path, building(nameless),
        after=look(texture("a.png", {"x": numbers(SQUARE), "y": numbers(HOLE)}), prop="app:appearanceMember"),
    )  # fmt: skip
    assert lies_right(city)


def test_a_surface_used_twice_is_textured_twice(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    solid = '<b:lod3Solid><q:Solid><q:exterior><q:CompositeSurface><q:surfaceMember x:href="#p"/></q:CompositeSurface></q:exterior></q:Solid></b:lod3Solid>'  # noqa: E501
    city, _ = read(
        tmp_path, building(roof()).replace("</b:Building>", solid + "</b:Building>"),
        after=look(texture("a.png", {"p_0": numbers(SQUARE)}), prop="app:appearanceMember"),
    )  # fmt: skip
    assert city.lods == ("2", "3")
    assert city.appearance is not None and (city.appearance.face_texture == 0).all()


def test_a_placed_shape_brings_its_picture_to_every_place(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    shape = roof().replace(f"{gml.X0} ", "0.0 ")
    place = (
        "<f:lod2ImplicitRepresentation><c:ImplicitGeometry><c:transformationMatrix>1 0 0 {0} 0 1 0 0 0 0 1 0 0 0 0 1"
        "</c:transformationMatrix>{1}<c:referencePoint><q:Point><q:pos>0 0 0</q:pos></q:Point></c:referencePoint>"
        "</c:ImplicitGeometry></f:lod2ImplicitRepresentation>"
    )
    geometry = f'<c:relativeGMLGeometry><q:MultiSurface q:id="lamp"><q:surfaceMember>{shape}</q:surfaceMember></q:MultiSurface></c:relativeGMLGeometry>'  # noqa: E501
    again = '<c:relativeGMLGeometry x:href="#lamp"/>'
    city, _ = read(
        tmp_path,
        f'<f:CityFurniture q:id="one">{place.format(0, geometry)}</f:CityFurniture>',
        f'<f:CityFurniture q:id="two">{place.format(40, again)}</f:CityFurniture>',
        after=look(texture("a.png", {"p_0": numbers(SQUARE)}), prop="app:appearanceMember"),
    )
    assert len(city.face_surface) == 2
    assert city.appearance is not None and city.appearance.face_texture.tolist() == [0, 0]
    assert np.allclose(city.appearance.uv[:4], city.appearance.uv[4:])


@pytest.mark.parametrize("target", ["p", "house_all", "house_roof"])
def test_a_material_paints_a_polygon_or_all_of_a_surface(tmp_path: Path, target: str) -> None:
    see_through = "<app:transparency>0.25</app:transparency>"
    own = look(material("1 0.5 0", target, extra=see_through), prop="app:appearanceMember")
    city, _ = read(tmp_path, building(roof()), building(roof("q"), name="other"), after=own)
    assert city.appearance is not None
    assert city.appearance.materials.tolist() == [[255, 128, 0, 191]]
    assert city.appearance.face_material.tolist() == [0, -1]


def test_what_is_meant_for_the_front_goes_before_what_is_meant_for_the_back(tmp_path: Path) -> None:
    back = "<app:isFront>false</app:isFront>"
    own = look(material("0 0 1", "p", "q", extra=back), material("1 0 0", "p"), prop="app:appearanceMember")
    city, _ = read(tmp_path, building(roof(), roof("q")), after=own)
    assert city.appearance is not None
    shown = city.appearance.materials[city.appearance.face_material]
    assert shown[:, :3].tolist() == [[255, 0, 0], [0, 0, 255]]


def test_the_most_used_theme_is_shown_and_the_others_are_named(tmp_path: Path) -> None:
    after = look(material("1 0 0", "p"), theme="solar", prop="app:appearanceMember")
    after += look(material("0 1 0", "p"), material("0 0 1", "q"), theme="winter", prop="app:appearanceMember")
    city, context = read(tmp_path, building(roof(), roof("q")), after=after)
    assert city.appearance is not None and city.appearance.theme == "winter"
    shown = city.appearance.materials[city.appearance.face_material]
    assert shown[:, :3].tolist() == [[0, 255, 0], [0, 0, 255]]
    assert "The city is shown with the textures of the theme winter; it also has solar." in messages(context)


def test_pictures_that_cannot_be_used_become_one_message(tmp_path: Path) -> None:
    home = tmp_path / "city"
    picture(tmp_path / "outside.png")
    picture(home / "good.png")
    (home / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing else")
    (home / "link.png").symlink_to(tmp_path / "outside.png")
    names = [
        "missing.png", "../outside.png", str(tmp_path / "outside.png"), "http://example.org/a.png", "link.png",
        "damaged.png", "file:///etc/passwd", "..\\outside.png", "C:\\outside.png", "",
    ]  # fmt: skip
    polygons = [roof(f"p{i}") for i in range(len(names) + 1)]
    data = [texture(name, {f"p{i}_0": numbers(SQUARE)}, target=f"p{i}") for i, name in enumerate([*names, "good.png"])]
    city, context = read(home, building(*polygons), after=look(*data, prop="app:appearanceMember"))
    assert city.appearance is not None
    assert city.appearance.face_texture.tolist() == [-1] * len(names) + [0]
    about = [issue for issue in context.log.issues() if "Pictures" in issue.text]
    assert len(about) == 1
    assert about[0].count == len(names)
    assert "for example missing.png" in str(about[0])


def test_names_of_pictures_may_differ_in_case_and_be_written_as_in_addresses(tmp_path: Path) -> None:
    picture(tmp_path / "Tex" / "My Wall.JPG")
    picture(tmp_path / "Tex" / "50%20.png")
    data = [
        texture("tex/my wall.jpg", {"p_0": numbers(SQUARE)}),
        texture("tex\\My%20Wall.JPG", {"q_0": numbers(SQUARE)}, target="q"),
        texture("Tex/50%20.png", {"r_0": numbers(SQUARE)}, target="r"),
    ]
    city, _ = read(tmp_path, building(roof(), roof("q"), roof("r")), after=look(*data, prop="app:appearanceMember"))
    assert city.appearance is not None
    assert [Path(name).name for name in city.appearance.textures] == ["My Wall.JPG", "50%20.png"]
    assert city.appearance.face_texture.tolist() == [0, 0, 1]


@pytest.mark.parametrize("text", ["0 0 1 0", "0 0 1 0 1 1 0 1 0 0 7", "0 0 1 0 1", ""])
def test_coordinates_that_do_not_fit_cost_the_picture_of_that_face(tmp_path: Path, text: str) -> None:
    picture(tmp_path / "a.png")
    data = texture("a.png", {"p_0": text}), texture("a.png", {"q_0": numbers(SQUARE)}, target="q")
    city, context = read(tmp_path, building(roof(), roof("q")), after=look(*data, prop="app:appearanceMember"))
    assert city.appearance is not None and city.appearance.face_texture.tolist() == [-1, 0]
    assert "Texture coordinates that do not fit their ring, not used: 1" in messages(context)


@pytest.mark.parametrize("word", ["here", "nan", "1e999", "inf"])
def test_a_coordinate_that_is_no_number_costs_the_picture_of_that_face(tmp_path: Path, word: str) -> None:
    picture(tmp_path / "a.png")
    bad = f"0 0 {word} 0 1 1 0 1 0 0"
    data = texture("a.png", {"p_0": bad}), texture("a.png", {"q_0": numbers(SQUARE)}, target="q")
    city, context = read(tmp_path, building(roof(), roof("q")), after=look(*data, prop="app:appearanceMember"))
    assert city.appearance is not None and city.appearance.face_texture.tolist() == [-1, 0]
    assert any("shown without it: 1" in text for text in messages(context))


def test_the_closing_point_may_be_missing_in_the_coordinates(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    open_list = numbers(SQUARE).rsplit(" ", 2)[0]
    city, _ = read(
        tmp_path, building(roof()), after=look(texture("a.png", {"p_0": open_list}), prop="app:appearanceMember")
    )
    assert lies_right(city)


def test_an_appearance_far_into_a_packed_file_is_found_and_nothing_is_told_twice(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    plain = [building(roof(f"h{i}"), name=f"b{i}") for i in range(60)]
    last = building(roof(), look=look(texture("a.png", {"p_0": numbers(SQUARE)})), name="last")
    noise = "<g:stringAttribute name='note'><g:value>" + "x" * 2000 + "</g:value></g:stringAttribute>"
    plain = [one.replace("<b:boundedBy>", noise + "<b:boundedBy>") for one in plain]
    flat = building("<q:LineString/>", name="lines")
    text = "".join(gml.document("2.0", [flat, *plain, last]))
    path = tmp_path / "city.gml.gz"
    path.write_bytes(gzip.compress(text.encode()))
    context = ReadContext()
    city = read_citygml(path, context)
    assert city.appearance is not None and (city.appearance.face_texture >= 0).sum() == 1
    assert [issue.count for issue in context.log.issues() if "Lines and points" in issue.text] == [1]


def test_pictures_inside_an_archive_are_found_beside_their_tile(tmp_path: Path) -> None:
    from viewer.readers.pictures import pixels_of

    own = look(texture("tex/a.png", {"p_0": numbers(SQUARE)}), prop="app:appearanceMember")
    parts = list(gml.document("2.0", [building(roof())]))
    parts[-1] = own + parts[-1]
    picture(tmp_path / "a.png", (10, 200, 30))
    path = tmp_path / "tiles.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("north/tile.gml", "".join(parts))
        archive.write(tmp_path / "a.png", "north/tex/a.png")
    city = read_citygml(path, ReadContext())
    assert city.appearance is not None and city.appearance.face_texture.tolist() == [0]
    pixels = pixels_of(city.appearance.textures[0], (2, 2))
    assert pixels is not None and pixels[0, 0].tolist() == [10, 200, 30]


def test_a_city_without_appearances_has_none(tmp_path: Path) -> None:
    assert read(tmp_path, building(roof()))[0].appearance is None


@needs_data
@pytest.mark.parametrize(
    "name",
    ["berlin-gasometer-textured/Gasometer.gml", "tokyo-plateau-textured/53392633_bldg_6697_2_op.gml"],
)
def test_every_ring_that_a_real_file_dresses_is_dressed(name: str) -> None:
    text = (DATA / name).read_text(encoding="utf-8")
    rings = set(re.findall(r'textureCoordinates ring="#([^"]+)"', text))
    city = read_citygml(DATA / name, ReadContext())
    assert city.appearance is not None
    assert (city.appearance.face_texture >= 0).sum() == len(rings)
    assert len(city.appearance.textures) == len(set(re.findall(r"<app:imageURI>([^<]+)", text)))
