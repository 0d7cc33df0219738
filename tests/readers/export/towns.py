"""Small towns to be written and read back, and the files of the real data sets that are there."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.builders import box, city_of, gable_house
from viewer.city import CityModel, SurfaceType
from viewer.city.ground import make_ground
from viewer.city.lod import faces_at
from viewer.city.measures import measure
from viewer.plugin_api import ReadContext
from viewer.readers.citygml import read_citygml
from viewer.readers.cityjson import read_cityjson
from viewer.readers.export import Export, export_chunks
from viewer.scenario import Scenario
from viewer.scenario.apply import Applier

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
SAMPLE = ROOT / "assets" / "sample" / "auenstadt.city.json.gz"
ORIGIN = (565000.0, 5934000.0, 10.0)

#: One file per reader and habit: the sample, official CityGML with parts, CityJSON with terrain, several LoDs.
REAL = [
    pytest.param(path, id=path.stem, marks=pytest.mark.skipif(not path.exists(), reason=f"{path.name} is not here"))
    for path in (
        SAMPLE,
        DATA / "nrw-lod2-tile" / "LoD2_32_280_5659_1_NW.gml",
        DATA / "den-haag" / "DenHaag_01.city.json",
        DATA / "tudelft-3dbag-multilod" / "tudelft.city.json",
    )
]


def at(faces: list, x: float, y: float = 0.0) -> list:
    """Faces moved to their place in the CRS."""
    shift = np.array([ORIGIN[0] + x, ORIGIN[1] + y, ORIGIN[2]])
    return [(kind, [[tuple(np.add(point, shift)) for point in ring] for ring in rings]) for kind, rings in faces]


def town() -> CityModel:
    """A house, a tower with a low wing as parts, a planned house, a road, water and a meadow."""
    meadow = [(SurfaceType.UNKNOWN, [[(0, 0, 0), (40, 0, 0), (40, 20, 0), (0, 20, 0)]])]
    road = [(SurfaceType.TRAFFIC, [[(0, 0, 0), (99, 0, 0), (99, 6, 0), (0, 6, 0)]])]
    water = [(SurfaceType.WATER, [[(0, 0, -1), (9, 0, -1), (9, 9, -1), (0, 9, -1)]])]
    return city_of(
        [
            at(gable_house(12, 8, 6, 9), 0), [], at(box(10, 10, 24), 30), at(box(10, 10, 3), 40),
            at(box(8, 8, 12), 60), at(road, 0, 30), at(water, 0, 50), at(meadow, 30, 50),
        ],
        types=["Building", "Building", "BuildingPart", "BuildingPart", "Building", "Road", "WaterBody", "LandUse"],
        parents=[-1, -1, 1, 1, -1, -1, -1, -1],
        ids=["haus", "turm", "turm-hoch", "turm-flügel", "neubau", "weg", "teich", "wiese"],
        attributes={
            "name": ["Haus „Am <Markt>“ & Co", "", "", "", "", "Weg", "", ""],
            "function": ["31001_1000", "31001_2020", "", "", "31001_1000", "", "", ""],
            "measuredHeight": [9.0, 24.0, 24.0, 3.0, 12.0, np.nan, np.nan, np.nan],
            "storeysAboveGround": [2.0, 8.0, 8.0, 1.0, 4.0, np.nan, np.nan, np.nan],
            "conditionOfConstruction": ["", "", "", "", "planned", "", "", ""],
            "energy": [101.25, np.nan, 7.0, np.nan, np.nan, np.nan, np.nan, np.nan],
            "address": ["Markt 1, 20095 Hamburg", "", "", "", "", "", "", ""],
        },
        origin=ORIGIN,
    )  # fmt: skip


def export_of(city: CityModel, scenario: Scenario | None = None, **more: object) -> Export:
    """The whole city as it is, or as a scenario makes it."""
    faces = faces_at(city)
    measures = measure(city, faces)
    change = None
    if scenario is not None:
        change = Applier(city, measures, make_ground(city, faces, measures), faces).apply(scenario)
    name = scenario.name if scenario is not None else ""
    return Export(city, measures, faces, change=change, scenario=name, **more)  # type: ignore[arg-type]


def write(export: Export, path: Path) -> Path:
    path.write_bytes(b"".join(export_chunks(export, path)))
    return path


def read(path: Path, like: CityModel | None = None) -> CityModel:
    """Read a city; into the frame of another, so that numbers compare."""
    context = ReadContext() if like is None else ReadContext(frame=like.frame)
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        head = file.read(300).lstrip()
    return read_citygml(path, context) if head.startswith(b"<") else read_cityjson(path, context)


def assert_same_geometry(first: CityModel, second: CityModel) -> None:
    """Same faces by object, whatever their order: corners within a millimetre, rings and surfaces the same."""
    assert second.objects.ids.tolist() == first.objects.ids.tolist()
    a, b = np.argsort(first.face_object, kind="stable"), np.argsort(second.face_object, kind="stable")
    assert first.face_object[a].tolist() == second.face_object[b].tolist()
    assert first.face_surface[a].tolist() == second.face_surface[b].tolist()
    np.testing.assert_array_equal(np.diff(first.face_start)[a], np.diff(second.face_start)[b])
    np.testing.assert_array_equal(np.diff(first.face_ring_start)[a], np.diff(second.face_ring_start)[b])
    np.testing.assert_allclose(corners(second, b), corners(first, a), atol=1e-3)


def corners(city: CityModel, faces: np.ndarray) -> np.ndarray:
    """Corners of faces in this order, in the CRS."""
    sizes = np.diff(city.face_start)[faces]
    start = np.repeat(city.face_start[faces] - np.cumsum(sizes) + sizes, sizes)
    return city.frame.crs_from_local(city.positions_local[start + np.arange(sizes.sum())])


def assert_same_attributes(first: CityModel, second: CityModel) -> None:
    for name, column in first.objects.attributes.items():
        if (np.isnan(column.values) if column.numeric else column.values == "").all():
            continue
        other = second.objects.attributes[name]
        assert other.numeric == column.numeric, name
        if column.numeric:
            np.testing.assert_allclose(other.values, column.values, rtol=1e-12, err_msg=name)
        else:
            assert other.values.tolist() == column.values.tolist(), name
