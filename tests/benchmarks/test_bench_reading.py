"""The rows of the reading benchmark are what the table and the JSON of ``make bench`` expect; no times are judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import bench_reading


def test_rows_name_what_was_measured_and_say_whether_the_goal_was_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_reading, "REAL", {})
    rows = bench_reading.run((3,), tmp_path, repeats=1)
    assert all(
        set(row) == {"what", "houses", "value", "unit", "goal", "goal_text", "reached"} and row["houses"] == 3
        for row in rows
    )
    goals = {row["what"]: row["goal"] for row in rows if row["goal"] is not None}
    assert goals["CityGML reading / lxml.etree.parse"] == 2.5
    assert goals["CityJSON reading / orjson.loads"] == 4.0
    assert goals["CityGML second opening / first"] == goals["CityJSON second opening / first"] == 0.1
    for row in rows:
        value, goal = row["value"], row["goal"]
        assert isinstance(value, float)
        assert row["unit"] in ("x", "s", "MB")
        if goal is None:
            assert row["goal_text"] == ""
        else:
            assert isinstance(goal, float)
            assert row["goal_text"] == f"<= {goal:g} x"
            assert row["reached"] == (value <= goal)
