"""The end of a name chooses the format; what cannot be written is one clear sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.readers.export.towns import export_of, town
from viewer.errors import Cancelled, SaveError
from viewer.plugin_api import Progress
from viewer.readers.export import FORMATS, export_chunks, format_of

FILES = [form.endings[0] for form in FORMATS if not form.is_folder]
ENDINGS = [ending for form in FORMATS for ending in form.endings]


@pytest.mark.parametrize(
    ("name", "ident"),
    [
        ("a.city.json", "cityjson"), ("A.JSON", "cityjson"),
        ("a.city.jsonl", "cityjsonseq"), ("a.jsonl.gz", "cityjsonseq"),
        ("a.gml", "citygml"), ("a.b.GML.gz", "citygml"), ("a.gpkg", "gpkg"), ("a.csv", "csv"), ("a.glb", "glb"),
    ],
)  # fmt: skip
def test_the_end_of_a_name_chooses_the_format(name: str, ident: str) -> None:
    assert format_of(Path("folder") / name).id == ident


@pytest.mark.parametrize("name", ["a.foo", "a", "a.glb.gz", "a.gpkg.gz", "gml"])
def test_an_unknown_ending_names_those_that_are_known(name: str) -> None:
    with pytest.raises(SaveError, match=r"\.city\.json, \.city\.jsonl, \.gml, \.gpkg, \.csv, \.glb"):
        format_of(name)


@pytest.mark.parametrize("ending", FILES)
def test_nothing_left_is_said_and_not_written(ending: str) -> None:
    city = town()
    with pytest.raises(SaveError, match="Nothing is left"):
        export_chunks(export_of(city, only=np.zeros(len(city.objects.features), bool)), f"a{ending}")


@pytest.mark.parametrize("ending", FILES)
def test_a_person_can_stop_it(ending: str) -> None:
    calls = iter([False, *[True] * 1000])
    with pytest.raises(Cancelled):
        list(export_chunks(export_of(town()), f"a{ending}", Progress(None, lambda: next(calls))))


@pytest.mark.parametrize("ending", FILES)
def test_the_same_city_makes_the_same_file(ending: str) -> None:
    if ending == ".gpkg":
        pytest.skip("a GeoPackage carries the time it was written")
    one, two = (b"".join(export_chunks(export_of(town()), f"a{ending}")) for _ in range(2))
    assert one == two
