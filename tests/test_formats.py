"""Objects of every real file are all there: readers and a count by other means agree, with what the report left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.formats.__main__ import Row, files_of, look, table
from tools.formats.counting import count
from viewer.plugin_host import PluginHost

DATA = Path(__file__).parents[2] / "shared" / "data"
FILES = [path.relative_to(DATA).as_posix() for path in files_of(DATA) if count(path)] if DATA.is_dir() else []


@pytest.fixture(scope="module")
def host() -> PluginHost:
    from viewer.cli.opening import make_host

    return make_host()


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data sets are not beside the repository")
@pytest.mark.parametrize("name", FILES)
def test_nothing_is_silently_missing(name: str, host: PluginHost) -> None:
    row = look(DATA / name, host)
    assert row.agrees, (row.facts, row.counted)


def test_a_lost_object_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "two.city.json"
    objects = {"a": {"type": "Building"}, "b": {"type": "Building"}}
    path.write_text(json.dumps({"type": "CityJSON", "CityObjects": objects}), encoding="utf-8")
    counted = count(path)
    assert counted == {"Building": 2}
    whole = {"objects": {"Building": 2}, "messages": []}
    assert Row(path, 1, whole, counted).agrees
    assert not Row(path, 1, {"objects": {"Building": 1}, "messages": []}, counted).agrees


def test_what_was_reported_as_left_out_counts() -> None:
    facts = {"objects": {"Point": 8}, "messages": [{"text": "Entries without a usable place, left out: 2", "count": 2}]}
    assert Row(Path("x"), 1, facts, {"*": 10}).agrees
    assert not Row(Path("x"), 1, facts, {"*": 11}).agrees


def test_the_table_says_which_file_differs(tmp_path: Path) -> None:
    facts = {
        "objects": {"Building": 1}, "messages": [], "format": "CityGML", "version": "2.0", "crs": "", "lods": [],
        "triangles": 3, "seconds": 0.5,
    }  # fmt: skip
    lines = table([Row(tmp_path / "a.gml", 10, facts, {"Building": 2})], tmp_path)
    assert "**differs**" in lines[-1]
