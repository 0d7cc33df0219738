"""Damaged files end in a sentence or in a layer, never in a failed plugin."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from viewer.errors import ViewerError
from viewer.plugin_api import Layer, ReadContext, number_column, text_column
from viewer.plugin_host.border import PluginBug

MUTANTS = 60
WORLD_FILE = "2\n0\n0\n-2\n565001\n5934079\n"


def seed_csv(path: Path) -> None:
    path.write_text('name;x;y;"wert, neu"\nA;565100,5;5934100;"1,5"\nB;565200;5934200;2\n' * 5, encoding="utf-8")


def seed_geojson(path: Path) -> None:
    ring = [[565000, 5934000], [565100, 5934000], [565100, 5934100], [565000, 5934000]]
    features = [
        {"type": "Feature", "properties": {"art": "Linde", "krone": 5}, "geometry": geometry}
        for geometry in (
            {"type": "Point", "coordinates": ring[0]},
            {"type": "Polygon", "coordinates": [ring]},
            {"type": "LineString", "coordinates": ring},
        )
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


def seed_trees(path: Path) -> None:
    tree = {"id": "a", "position": [9.98, 53.55, 5], "height": 7.5, "crownDiameter": 2, "species": "Linde"}
    path.write_text(json.dumps({"trees": [tree] * 4}), encoding="utf-8")


def seed_gpkg(path: Path) -> None:
    geopandas.GeoDataFrame({"art": ["a"]}, geometry=[shapely.box(565000, 5934000, 565100, 5934100)], crs=25832).to_file(
        path
    )


def seed_fgb(path: Path) -> None:
    seed_gpkg(path)


def seed_picture(path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    for ending in (".pgw", ".jgw", ".tfw"):
        path.with_suffix(ending).write_text(WORLD_FILE, encoding="utf-8")


def seed_mbtiles(path: Path) -> None:
    picture = path.with_suffix(".png")
    Image.new("RGB", (256, 256)).save(picture)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE metadata (name text, value text)")
        db.execute("CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)")
        db.execute("INSERT INTO tiles VALUES (15, 17293, 22177, ?)", (picture.read_bytes(),))
    db.close()
    picture.unlink()


SEEDS = [
    ("points", "a.csv", seed_csv), ("trees", "a.csv", seed_csv), ("trees", "a.json", seed_trees),
    ("areas", "a.geojson", seed_geojson), ("points", "a.geojson", seed_geojson), ("areas", "a.gpkg", seed_gpkg),
    ("areas", "a.fgb", seed_fgb), ("map_image", "a.png", seed_picture), ("map_image", "a.jpg", seed_picture),
    ("map_image", "a.tif", seed_picture), ("map_image", "a.mbtiles", seed_mbtiles),
]  # fmt: skip


def mutants(data: bytes, rng: np.random.Generator):
    """Files with changed, removed and doubled bytes, and cut off ones."""
    for _ in range(MUTANTS):
        mutant = bytearray(data)
        for _ in range(int(rng.integers(1, 6))):
            at = int(rng.integers(0, len(mutant)))
            kind = rng.integers(0, 4)
            if kind == 0:
                mutant[at] = int(rng.integers(0, 256))
            elif kind == 1:
                del mutant[at : at + int(rng.integers(1, 8))]
            elif kind == 2:
                mutant[at:at] = mutant[at : at + int(rng.integers(1, 40))]
            else:
                mutant[at] = ord(rng.choice(list('0-9.,;"{}[]e\n')))
            if not mutant:
                break
        yield bytes(mutant[: int(rng.integers(1, len(mutant) + 1))] if rng.random() < 0.2 and mutant else mutant)


@pytest.mark.parametrize(("plugin", "name", "seed"), SEEDS, ids=[f"{p}-{n}" for p, n, _ in SEEDS])
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_never_fail_a_plugin(host, tmp_path, plugin, name, seed):
    path = tmp_path / name
    seed(path)
    data = path.read_bytes()
    assert host.read(path, ReadContext(), reader=plugin).layers
    opened = 0
    for number, mutant in enumerate(mutants(data, np.random.default_rng(7))):
        path.write_bytes(mutant)
        host.readers_for(path)
        try:
            reading = host.read(path, ReadContext(), reader=plugin)
        except PluginBug as error:
            raise AssertionError(f"mutant {number}: {error}") from error
        except ViewerError as error:
            assert str(error)
        else:
            opened += 1
            assert all(isinstance(layer, Layer) for layer in reading.layers)
            assert all(str(issue) for issue in reading.report.issues)
    assert opened < MUTANTS or name.endswith((".csv", ".mbtiles", ".png", ".jpg", ".tif"))


TEXT = st.text(alphabet=st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=12)


@given(st.lists(TEXT, max_size=20))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
def test_any_text_column_becomes_numbers_or_nothing(cells):
    numbers = number_column(np.array(cells, dtype=np.dtypes.StringDType()))
    assert numbers.shape == (len(cells),)
    assert numbers.dtype == np.float64


@given(st.lists(st.floats(min_value=-1e9, max_value=1e9) | st.just(np.nan), max_size=20))
@settings(deadline=None, max_examples=60)
def test_numbers_survive_the_way_through_text(values):
    numbers = np.array(values, dtype=np.float64)
    again = number_column(text_column(numbers))
    assert np.allclose(again, numbers, rtol=1e-12, equal_nan=True)
