"""Verdicts follow from the numbers, nothing missed is hidden, and the page and its plots hold what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import goals, report
from benchmarks.bench import together

MB = 2**20


def drawn(
    buildings: int, *, moving: float = 20.0, resting: float = 50.0, floor: float = 60.0, tick: float = 51.0
) -> Any:
    views = [
        {"share": share, "ours": [resting] * 3, "smooth": [floor] * 3, "rough": [floor / 2] * 3} for share in (0, 1)
    ]
    return {
        "buildings": buildings, "triangles": 16 * buildings, "moving": [moving] * 19 + [2 * moving], "views": views,
        "tick_resting": [tick], "unchanged_resting": [50.0], "numbers_resting": [55.0], "tick_moving": [21.0],
        "unchanged_moving": [20.0], "numbers_moving": [25.0], "colours": [52.0], "first_colours": [70.0, 90.0],
        "pick": [1.0, 2.0, 19.0], "near": {"card_bytes": 6_100_000, "triangles": 100_000},
        "unfinished": 0,
        "counters_resting": {"card_bytes": 30 * MB},
    }  # fmt: skip


def opened(buildings: int, seconds: float, own: float = 500.0) -> Any:
    return {
        "buildings": buildings, "triangles": 16 * buildings, "seconds": seconds, "read": 0.8 * seconds,
        "picture": 0.2 * seconds, "before": {"own": 100 * MB, "peak": 150 * MB},
        "after": {"own": own * MB, "peak": 2 * own * MB},
    }  # fmt: skip


def by_name(rows: list[goals.Row]) -> dict[str, goals.Row]:
    return {row["what"]: row for row in rows}


def test_a_resting_picture_must_be_faster_than_the_floor_from_a_hundred_thousand_buildings_on() -> None:
    name = "resting / plain mesh, both antialiased"
    for buildings, resting, reached in ((50_000, 66.0, True), (50_000, 67.0, False), (100_000, 59.9, True),
                                        (100_000, 60.0, False)):  # fmt: skip
        row = by_name(goals.drawing_rows(drawn(buildings, resting=resting, floor=60.0)))[name]
        assert row["reached"] is reached, (buildings, resting)


def test_opening_again_is_judged_by_ratio_seconds_and_memory_where_the_goals_ask_for_it() -> None:
    rows = by_name(goals.opening_rows("CityJSON", opened(1_000_000, 60.0), opened(1_000_000, 4.5, 1400.0), 10 * MB))
    assert rows["CityJSON: second opening / first"]["reached"] is True
    assert rows["CityJSON: second opening to the full picture"]["reached"] is False
    assert rows["CityJSON: peak memory, second opening"]["reached"] is True
    small = by_name(goals.opening_rows("CityJSON", opened(10_000, 1.0), opened(10_000, 0.5), MB))
    assert small["CityJSON: second opening / first"]["goal"] is None


def test_a_million_is_compared_with_a_hundred_thousand() -> None:
    found = {
        size: drawn(size, moving=20.0 if size < 1_000_000 else 31.0) for size in (10_000, 50_000, 100_000, 1_000_000)
    }
    rows = [row for each in found.values() for row in goals.drawing_rows(each)]
    compared = by_name(goals.growth_rows(rows))
    assert compared["moving, median / that at 100,000"]["value"] == pytest.approx(1.55)
    assert compared["moving, median / that at 100,000"]["reached"] is False


def test_memory_is_judged_by_what_is_kept_for_a_triangle_with_its_edges() -> None:
    row = by_name(goals.drawing_rows(drawn(10_000)))["kept for drawing, per triangle at full detail with edges"]
    assert (row["value"], row["reached"]) == (61.0, False)


def test_the_95th_percentile_leaves_one_in_twenty_above_it() -> None:
    assert goals.percentile(list(range(1, 21)), 95) == 19
    assert goals.percentile([3.0], 95) == 3.0
    assert goals.percentile([1.0, 5.0], 95) == 5.0


def test_growth_tells_how_many_times_more_the_next_size_takes() -> None:
    rows = [goals.row("pick", 10, 2.0, "ms"), goals.row("pick", 100, 6.0, "ms"), goals.row("once", 10, 1.0, "s")]
    assert goals.growth(rows) == [("pick", "ms", {10: 2.0, 100: 6.0})]


def test_the_page_says_what_was_missed_first_and_draws_its_plots(tmp_path: Path) -> None:
    found = {size: drawn(size, tick=70.0) for size in (10_000, 50_000)}
    rows = [row for each in found.values() for row in goals.drawing_rows(each)]
    for size in found:
        rows += goals.opening_rows("CityJSON", opened(size, 3.0), opened(size, 0.5), 10 * MB)
    peers = [
        {"peer": "F3D", "what": "a picture", "houses": 10, "theirs": 90.0, "ours": 30.0, "unit": "ms", "ratio": 3.0},
        {"peer": "F3D", "what": "a file", "houses": 10, "theirs": 1.0, "ours": 2.0, "unit": "s", "ratio": 0.5,
         "alike": False},
        {"peer": "CesiumJS", "skipped": "no Chromium on this machine"},
    ]  # fmt: skip
    result = {
        "machine": {"processor": "x", "cores": 2, "system": "s", "python": "3", "versions": {"numpy": "2"}},
        "graphics": {"renderer": "llvmpipe", "version": "4.5", "software": True},
        "rows": rows, "drawn": {str(size): each for size, each in found.items()}, "peers": peers,
        "failed": ["100: why"],
    }  # fmt: skip
    report.write(result, tmp_path / "performance.md")
    page = (tmp_path / "performance.md").read_text(encoding="utf-8")
    verdicts = [line for line in page.split("## Growth")[0].splitlines() if line.startswith("| ")][1:]
    first_reached = next(i for i, line in enumerate(verdicts) if line.endswith("reached |"))
    assert first_reached > 0
    assert all(line.endswith("reached |") for line in verdicts[first_reached:])
    assert "slider tick / unchanged picture | 10,000 | 1.40 x | <= 1.1 x | **missed**" in page
    assert "**Not measured:** 100: why" in page
    assert "CesiumJS: not measured: no Chromium on this machine" in page
    assert "| F3D | a picture | 10 | 90 ms | 30 ms | 3 x | ahead |" in page
    assert "| F3D | a file | 10 | 1 s | 2 s | 0.5 x | other files |" in page
    assert "ahead in 1 of 1 " in page, "what is not alike is not counted"
    for name in ("growth.svg", "frame-times.svg"):
        text = (tmp_path / "pictures" / name).read_text(encoding="utf-8")
        assert "<svg" in text
        assert "10,000" in text
    assert "MISSED" in report.table(result)
    assert "FAILED: 100: why" in report.table(result)


def test_parts_measured_at_different_times_are_put_together_and_the_later_number_counts() -> None:
    def part(value: float, **more: Any) -> dict[str, Any]:
        rows = [goals.row("moving, median", 100_000, value, "ms")]
        return {"machine": {"loads": [value]}, "drawn": {}, "rows": rows} | more

    second = part(30.0, peers=[{"peer": "F3D"}])
    second["rows"].append(goals.row("moving, median", 1_000_000, 36.0, "ms"))
    found = together([part(20.0, failed=["x: why"]), second])
    values = {(row["what"], row["houses"]): row["value"] for row in found["rows"]}
    assert values["moving, median", 100_000] == 30.0
    assert values["moving, median / that at 100,000", 1_000_000] == pytest.approx(1.2)
    assert found["failed"] == ["x: why"]
    assert found["peers"] == [{"peer": "F3D"}]
    assert found["machine"]["loads"] == [20.0, 30.0]
