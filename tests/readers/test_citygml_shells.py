"""Hollows and the solids of a CompositeSolid stay apart, whichever way a CityGML file spells them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from viewer.city import CityModel
from viewer.city.lod import faces_at
from viewer.city.measures import measure
from viewer.city.solids import is_composite, shell_code, shell_of, solid_of
from viewer.plugin_api.context import ReadContext
from viewer.readers.citygml import read_citygml

sys.path.insert(0, str(Path(__file__).parent))
import gml_fixtures as gml

VERSIONS = ("2.0", "3.0")
HOLLOW = "Inner shells of solids (hollows) are not drawn ({count})."
OUTER = gml.box(size=10.0, height=6.0)
INNER = [face[::-1] for face in gml.box(gml.X0 + 2, gml.Y0 + 2, gml.Z0 + 2, 2.0, 2.0)]
BESIDE = gml.box(gml.X0 + 10, size=10.0, height=6.0)
KINDS = ("GroundSurface", "RoofSurface", *["WallSurface"] * 4)


def shell(version: str, property_name: str, *surfaces: str) -> str:
    kind = "Shell" if version == "3.0" else "CompositeSurface"
    inner = gml.multi_surface(*surfaces).replace("MultiSurface", kind)
    return f"<q:{property_name}>{inner}</q:{property_name}>"


def solid(version: str, outer: list[str], *hollows: list[str], name: str = "") -> str:
    ident = f' q:id="{name}"' if name else ""
    inner = "".join(shell(version, "interior", *hollow) for hollow in hollows)
    return f"<q:Solid{ident}>{shell(version, 'exterior', *outer)}{inner}</q:Solid>"


def polygons(faces: list, prefix: str = "") -> list[str]:
    return [gml.polygon(face, name=f"{prefix}{i}" if prefix else "") for i, face in enumerate(faces)]


def surfaces(version: str, faces: list, prefix: str) -> str:
    return "".join(
        gml.boundary(version, kind, polygon) for kind, polygon in zip(KINDS, polygons(faces, prefix), strict=False)
    )


def lod2(version: str, content: str) -> str:
    prefix = "c" if version == "3.0" else "b"
    return f"<{prefix}:lod2Solid>{content}</{prefix}:lod2Solid>"


def composite(*solids: str) -> str:
    members = "".join(f"<q:solidMember>{own}</q:solidMember>" for own in solids)
    return f"<q:CompositeSolid>{members}</q:CompositeSolid>"


def with_wall_turned(own: str, name: str) -> str:
    """A solid with one more surface: another one's, used the other way round."""
    base = f'<q:baseSurface x:href="#{name}"/>'
    wall = f'<q:surfaceMember><q:OrientableSurface orientation="-">{base}</q:OrientableSurface></q:surfaceMember>'
    for kind in ("CompositeSurface", "Shell"):
        own = own.replace(f"</q:{kind}>", f"{wall}</q:{kind}>")
    return own


def read(tmp_path: Path, version: str, content: str, more: str = "") -> tuple[CityModel, ReadContext]:
    """The building ``H1`` with some content, between two houses."""
    context = ReadContext()
    members = [gml.house(version, "H0", gml.X0 - 50), gml.building(content), gml.house(version, "H2", gml.X0 + 50)]
    return read_citygml(
        gml.write(tmp_path / "city.gml", version, [*members, more] if more else members), context
    ), context


def codes(city: CityModel) -> list[int]:
    """Solid and shell of the faces of the building; all others have none."""
    assert city.face_shell is not None
    own = city.face_object == city.objects.ids.tolist().index("H1")
    assert not city.face_shell[~own].any()
    return city.face_shell[own].tolist()


def told(context: ReadContext) -> dict[str, int]:
    return {issue.text: issue.count for issue in context.log.issues()}


def test_usual_cities_carry_no_shells(tmp_path: Path) -> None:
    city, context = read(tmp_path, "2.0", lod2("2.0", solid("2.0", polygons(OUTER))))
    assert city.face_shell is None and HOLLOW not in told(context)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_hollow_is_kept_apart_not_drawn_and_no_volume(tmp_path: Path, version: str) -> None:
    city, context = read(tmp_path, version, lod2(version, solid(version, polygons(OUTER), polygons(INNER))))
    assert codes(city) == [shell_code(1, 0)] * 6 + [shell_code(1, 1)] * 6
    assert told(context)[HOLLOW] == 1
    assert int((~faces_at(city)).sum()) == 6
    assert measure(city, faces_at(city)).volume_m3[1] == pytest.approx(600 - 8)
    assert measure(city, faces_at(city)).footprint_m2[1] == pytest.approx(100)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("first", ["solid", "surfaces"])
def test_a_solid_that_refers_to_surfaces_gives_them_its_shells(tmp_path: Path, version: str, first: str) -> None:
    own = solid(version, [f"#o{i}" for i in range(6)], [f"#i{i}" for i in range(6)])
    parts = [lod2(version, own), surfaces(version, OUTER, "o") + surfaces(version, INNER, "i")]
    city, _ = read(tmp_path, version, "".join(parts if first == "solid" else parts[::-1]))
    assert sorted(codes(city)) == [shell_code(1, 0)] * 6 + [shell_code(1, 1)] * 6
    own_faces = city.face_object == 1
    assert (city.face_surface[own_faces] > 0).all()  # the surfaces themselves, not copies of them
    inner = shell_of(city.face_shell[own_faces]) > 0
    x = city.positions_local[city.face_start[:-1][own_faces], 0] + city.frame.origin_crs[0] - gml.X0
    assert (x[inner] > 1).all() and ((x[~inner] < 1) | (x[~inner] > 9)).all()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_solid_cut_into_triangles_leaves_its_outside_to_the_surfaces(tmp_path: Path, version: str) -> None:
    halves = [part for face in OUTER for part in ([face[0], face[1], face[2]], [face[0], face[2], face[3]])]
    content = lod2(version, solid(version, polygons(halves), polygons(INNER))) + surfaces(version, OUTER, "o")
    city, _ = read(tmp_path, version, content)
    assert sorted(codes(city)) == [shell_code(1, 0)] * 6 + [shell_code(1, 1)] * 6


@pytest.mark.parametrize("version", VERSIONS)
def test_solids_of_a_composite_are_told_apart_also_where_they_share_a_wall(tmp_path: Path, version: str) -> None:
    one = polygons(OUTER)
    one[3] = gml.polygon(OUTER[3], name="wall")  # at x + 10
    two = with_wall_turned(solid(version, polygons(BESIDE[:5])), "wall")
    city, _ = read(tmp_path, version, lod2(version, composite(solid(version, one), two)))
    assert sorted(codes(city)) == [shell_code(n, 0, composite=True) for n in (1, 2) for _ in range(6)]
    assert is_composite(city.face_shell[city.face_object == 1]).all()
    assert measure(city).volume_m3[1] == pytest.approx(1200)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wall_between_two_solids_stands_once_for_each_whichever_comes_first(tmp_path: Path, version: str) -> None:
    one = solid(version, [f"#o{i}" for i in range(6)])
    two = with_wall_turned(solid(version, [f"#p{i}" for i in range(5)]), "o3")
    content = lod2(version, composite(two, one)) + surfaces(version, OUTER, "o") + surfaces(version, BESIDE[:5], "p")
    city, _ = read(tmp_path, version, content)
    assert sorted(codes(city)) == [shell_code(n, 0, composite=True) for n in (1, 2) for _ in range(6)]
    assert measure(city).closed[1]


def test_a_member_of_a_multi_solid_may_be_a_reference(tmp_path: Path) -> None:
    content = (
        f"<q:MultiSolid><q:solidMember>{solid('2.0', polygons(OUTER))}</q:solidMember>"
        '<q:solidMember x:href="#there"/></q:MultiSolid>'
    )
    there = gml.building(f"<b:lod1Solid>{solid('2.0', polygons(BESIDE), name='there')}</b:lod1Solid>", "H3")
    city, _ = read(tmp_path, "2.0", lod2("2.0", content), there)
    assert sorted(solid_of(code) for code in codes(city)) == [1] * 6 + [2] * 6


def test_a_city_with_pictures_or_read_in_parts_has_the_same_shells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = lod2("2.0", solid("2.0", polygons(OUTER), polygons(INNER)))
    plain, _ = read(tmp_path, "2.0", content)
    look = "<app:appearanceMember><app:Appearance><app:theme>x</app:theme></app:Appearance></app:appearanceMember>"
    context = ReadContext()
    path = gml.write(tmp_path / "dressed.gml", "2.0", [gml.building(content)])
    text = path.read_text(encoding="utf-8")
    end = text.rindex("</")
    path.write_text(text[:end] + look + text[end:], encoding="utf-8")
    assert codes(read_citygml(path, context)) == codes(plain)

    monkeypatch.setattr("viewer.readers.citygml_parts.WORTH_BYTES", 1)
    monkeypatch.setattr("viewer.readers.citygml_parts.PART_BYTES", 1)
    monkeypatch.setattr("viewer.readers.citygml_parts.helper_count", lambda: 1)
    monkeypatch.setattr("viewer.readers.crew.submit", _refuse)
    again, context = read(tmp_path, "2.0", content)
    assert codes(again) == codes(plain)
    assert told(context)[HOLLOW] == 1


def _refuse(*_: object) -> None:
    raise OSError  # everything is read part by part in this process
