import gzip
import json
from pathlib import Path

import pytest

CORNERS = [(0, 0), (10, 0), (10, 8), (0, 8)]


def house(number, east):
    """Vertices and faces of a box of 10 x 8 x 6 m."""
    vertices = [[east + x, y, z] for z in (0, 6) for x, y in CORNERS]
    faces = [[[3, 2, 1, 0]], [[4, 5, 6, 7]], *([[[i, (i + 1) % 4, 4 + (i + 1) % 4, 4 + i]] for i in range(4)])]
    shift = number * 8
    boundary = [[[index + shift for index in ring] for ring in face] for face in faces]
    semantics = {
        "surfaces": [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}],
        "values": [[0, 1, 2, 2, 2, 2]],
    }
    geometry = {"type": "Solid", "lod": "2", "boundaries": [boundary], "semantics": semantics}
    attributes = {"storeysAboveGround": 2, "function": "1000", "measuredHeight": 6.0}
    return vertices, {f"house-{number}": {"type": "Building", "attributes": attributes, "geometry": [geometry]}}


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """No test touches the folders or the language of the person who runs it."""
    monkeypatch.setenv("STADTFORUM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home" / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home" / "state"))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def city(tmp_path) -> Path:
    """Four houses in a row as CityJSON."""
    vertices, objects = [], {}
    for number in range(4):
        more, item = house(number, number * 20)
        vertices += more
        objects |= item
    data = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [1, 1, 1], "translate": [565000, 5934000, 10]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "CityObjects": objects,
        "vertices": vertices,
    }
    path = tmp_path / "row.city.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.fixture
def trees(tmp_path) -> Path:
    """Three trees beside the houses."""
    path = tmp_path / "trees.csv"
    path.write_text(
        "x,y,height,crown,species\n565005,5934020,12,6,Tilia\n565025,5934020,9,4,Acer\n565045,5934020,15,8,Quercus\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def packed(city) -> Path:
    """The same city packed."""
    path = city.with_name("row.city.json.gz")
    path.write_bytes(gzip.compress(city.read_bytes()))
    return path
