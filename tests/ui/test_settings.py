from __future__ import annotations

import json
from pathlib import Path

from viewer.settings import MAX_RECENT, SCHEMA_VERSION, Preferences, Settings


def test_preferences_come_back(tmp_path):
    path = tmp_path / "deep" / "preferences.json"
    Settings(path).update(language="de", theme="dark", window={"left": "0"})
    assert Settings(path).value == Preferences(language="de", theme="dark", window={"left": "0"})
    assert json.loads(path.read_text(encoding="utf-8"))["schema_version"] == SCHEMA_VERSION


def test_a_broken_file_is_put_aside_and_defaults_apply(tmp_path):
    path = tmp_path / "preferences.json"
    path.write_text("{not json", encoding="utf-8")
    assert Settings(path).value == Preferences()
    assert path.with_name("preferences.json.broken").exists()


def test_an_odd_value_costs_that_value_only(tmp_path):
    path = tmp_path / "preferences.json"
    path.write_text('{"language": "klingon", "theme": 7, "idle_seconds": 90, "recent": ["a", 3]}', encoding="utf-8")
    assert Settings(path).value == Preferences(idle_seconds=90, recent=("a",))


def test_recent_files_are_unique_newest_first_and_few(tmp_path):
    settings = Settings(tmp_path / "preferences.json")
    for number in range(MAX_RECENT + 3):
        settings.remember_file(Path(f"/data/{number}.gml"))
    settings.remember_file(Path("/data/5.gml"))
    assert settings.value.recent[0] == str(Path("/data/5.gml"))
    assert len(settings.value.recent) == len(set(settings.value.recent)) == MAX_RECENT


def test_a_folder_that_cannot_be_written_does_not_stop_the_work(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    settings = Settings(tmp_path / "file" / "preferences.json")
    assert settings.update(language="de").language == "de"
