"""What docs/store.md tells other programs about a prepared city is so."""

from __future__ import annotations

import hashlib
import json
import runpy
import zlib
from pathlib import Path

import numpy as np

from tests.readers.store.test_damage import town
from viewer.city import ImportReport
from viewer.readers.store import write_store

PAGE = Path(__file__).parents[3] / "docs" / "store.md"


def opened(tmp_path) -> tuple[dict, dict]:
    write_store(town(), tmp_path / "town.city", None, ImportReport("x"), ready={"x": np.arange(3)})
    whole = json.loads((tmp_path / "town.city" / "manifest.json").read_text())
    text = json.dumps(whole["body"], sort_keys=True, separators=(",", ":"))
    assert whole["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    arrays = {name: np.load(tmp_path / "town.city" / entry["file"]) for name, entry in whole["body"]["arrays"].items()}
    return whole["body"], arrays


def test_every_key_and_array_is_named(tmp_path):
    body, arrays = opened(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"`{key}`" in page for key in body)
    texts = {"ids", "column.1"}  # three arrays each, described once
    others = {name for name in arrays if not any(name == text or name.startswith(f"{text}.") for text in texts)}
    counted = {f"tile.{axis}" for axis in ("feature", "face", "ring", "vertex", "triangle")}  # "`tile.object` ..."
    unnamed = {name for name in others if f"`{name}`" not in page}
    assert unnamed <= counted | {"column.0", "ready.x", "tile_sums"}
    assert all(word in page for word in ("`ids.hash`", "`X.tile_start`", "`column.i`", "`tile_sums[row, b]`"))


def test_the_example_of_the_page_runs(tmp_path, monkeypatch):
    opened(tmp_path)
    monkeypatch.chdir(tmp_path)
    code = PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0].replace("b = 7 ", "b = 5 ")
    Path("example.py").write_text(code, encoding="utf-8")
    names = runpy.run_path("example.py")
    city = town()
    first = int(city.tiles.triangle_start[5])
    np.testing.assert_array_equal(names["corners"], city.positions_local[city.triangles[first:]])
    assert names["world"].shape == (len(city.triangles) - first, 3, 3)


def test_checksums_of_tiles_are_where_they_are_said_to_be(tmp_path):
    body, arrays = opened(tmp_path)
    for name, entry in body["arrays"].items():
        if "tiles" not in entry:
            assert zlib.crc32(arrays[name].tobytes()) == entry["crc32"]
            continue
        start = arrays[entry["tiles"]]
        for tile in range(len(start) - 1):
            rows = arrays[name][start[tile] : start[tile + 1] + entry["extra"]]
            assert zlib.crc32(rows.tobytes()) == arrays["tile_sums"][entry["row"], tile]


def test_the_hash_of_an_id_is_the_one_described(tmp_path):
    _, arrays = opened(tmp_path)
    name = town().objects.ids.tolist()[4]
    total = sum((c + 1) * 0x100000001B3 ** (k + 1) for k, c in enumerate(name.encode())) % 2**64
    total ^= total >> 29
    wanted = (total + len(name)) * 0xBF58476D1CE4E5B9 % 2**64
    place = int(np.searchsorted(arrays["ids.hash"], np.uint64(wanted)))
    assert int(arrays["ids.hash"][place]) == wanted and int(arrays["ids.row"][place]) == 4


def test_the_code_of_a_tile_is_its_place(tmp_path):
    _, arrays = opened(tmp_path)
    x, y, side = arrays["tile.grid"]
    for code, low, level in zip(
        arrays["tile.code"].tolist(), arrays["tile.low"], arrays["tile.level"].tolist(), strict=True
    ):
        column = sum((code >> (2 * bit) & 1) << bit for bit in range(24))
        row = sum((code >> (2 * bit + 1) & 1) << bit for bit in range(24))
        corner = np.array([x + column * side, y + row * side])
        assert (low[:2] >= corner - 20).all() and (low[:2] < corner + side * 2**level).all()
