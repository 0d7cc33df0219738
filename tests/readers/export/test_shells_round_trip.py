"""Hollows and solids that are told apart come back from every kind of file that can hold them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.builders import box, city_of
from tests.readers.export.towns import ORIGIN, at, export_of, read, write
from viewer.city import CityModel, ImportReport, SurfaceType
from viewer.city.arrange import arrange
from viewer.city.lod import faces_at
from viewer.city.measures import measure
from viewer.city.merge import merge
from viewer.city.quality import check_quality
from viewer.city.solids import is_composite, shell_code, shell_of, solid_of
from viewer.readers.store import open_store, write_store
from viewer.readers.store.join import join_stores

REPORT = ImportReport("city.gml", crs="EPSG:25832")
OUTER = box(10, 10, 6)
HOLLOW = [(kind, [ring[::-1] for ring in rings]) for kind, rings in box(2, 2, 2, x=3.0, y=3.0, z=2.0)]
BARE = [(SurfaceType.UNKNOWN, rings) for _, rings in HOLLOW]


def placed(objects: list, **more: object) -> CityModel:
    return city_of([at(faces, 0.0) for faces in objects], origin=ORIGIN, **more)


def with_codes(city: CityModel, number: int, *runs: tuple[int, int]) -> CityModel:
    """The city, an object's faces being of these shells: (how many, which)."""
    codes = np.zeros(len(city.face_object), np.int32)
    codes[city.face_object == number] = np.repeat([code for _, code in runs], [count for count, _ in runs])
    return replace(city, face_shell=codes)


def hollowed(inner=HOLLOW) -> CityModel:
    faces = [box(10, 10, 6, x=40.0), [*inner, *OUTER], box(10, 10, 6, x=80.0)]
    return with_codes(placed(faces), 1, (6, shell_code(1, 1)), (6, shell_code(1, 0)))


def composite(*, composite: bool = True) -> CityModel:
    city = placed([[*OUTER, *box(10, 10, 6, x=10.0)]])
    return with_codes(city, 0, *((6, shell_code(n, 0, composite=composite)) for n in (1, 2)))


def as_told(city: CityModel) -> list[tuple[str, int, int, bool]]:
    """Object, solid, shell and kind of solid of every face."""
    assert city.face_shell is not None
    ids = city.objects.ids[city.face_object].tolist()
    codes = city.face_shell
    return sorted(
        zip(ids, solid_of(codes).tolist(), shell_of(codes).tolist(), is_composite(codes).tolist(), strict=True)
    )


@pytest.mark.parametrize("ending", [".city.json", ".city.jsonl", ".gml"])
@pytest.mark.parametrize("city", [hollowed(), hollowed(BARE), composite()], ids=["hollow", "bare", "composite"])
def test_cities_with_several_shells_come_back(tmp_path: Path, city: CityModel, ending: str) -> None:
    again = read(write(export_of(city), tmp_path / f"city{ending}"), city)
    assert as_told(again) == as_told(city)
    assert sorted(again.face_surface.tolist()) == sorted(city.face_surface.tolist())
    np.testing.assert_allclose(np.sort(measure(again).volume_m3), np.sort(measure(city).volume_m3), rtol=1e-4)
    assert {f.rule.code for f in check_quality(again).findings if f.rule.code < "9"} == set()


def test_a_multi_solid_stays_one_in_cityjson_and_becomes_surfaces_in_citygml(tmp_path: Path) -> None:
    city = composite(composite=False)
    again = read(write(export_of(city), tmp_path / "city.city.json"), city)
    assert as_told(again) == as_told(city)
    # No property of a building takes a MultiSolid there.
    text = write(export_of(city), tmp_path / "city.gml").read_text(encoding="utf-8")
    assert "lod2Solid" not in text and text.count("<gml:Polygon") == 12


def test_surfaces_beside_a_hollowed_solid_stay_beside_it(tmp_path: Path) -> None:
    canopy = [(SurfaceType.UNKNOWN, [[(10, 0, 4), (12, 0, 4), (12, 10, 4), (10, 10, 4)]])]
    city = placed([[*canopy, *OUTER, *HOLLOW]])
    city = with_codes(city, 0, (1, 0), (6, shell_code(1, 0)), (6, shell_code(1, 1)))
    for ending in (".city.json", ".gml"):
        assert as_told(read(write(export_of(city), tmp_path / f"city{ending}"), city)) == as_told(city)


def test_a_prepared_city_keeps_its_shells(tmp_path: Path) -> None:
    city = hollowed()
    write_store(city, tmp_path / "a.city", None, REPORT)
    again = open_store(tmp_path / "a.city").city
    assert as_told(again) == as_told(city)
    assert faces_at(again).sum() == 18
    write_store(placed([box(5, 5, 5, x=200.0)], ids=["other"]), tmp_path / "b.city", None, REPORT)
    other = open_store(tmp_path / "b.city").city
    assert other.face_shell is None
    body = {"source": None, "options": {}, "questions": {}}
    join_stores([again, other], tmp_path / "town.city", REPORT, name="town", derive=lambda city: {}, body=body)
    town = open_store(tmp_path / "town.city").city
    assert as_told(town) == as_told(arrange(merge([city, other])))
    assert (shell_of(town.face_shell) > 0).sum() == 6
