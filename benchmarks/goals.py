"""What the project wants of the numbers: rows with value, goal and verdict, and growth from one size to the next.

Nothing is measured here. A goal that was missed is a row like any other.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]
Numbers = Mapping[str, Any]

MB = 2**20
#: Goals by size, where they differ: (from this many buildings on, goal).
RESTING = ((0, 1.15), (50_000, 1.10), (100_000, 1.00))
TICK = ((0, 1.10), (1_000_000, 1.15))
MOVING_TO_FLOOR, MOVING_SIZES = 0.60, (10_000, 50_000)
STEADY, GROWTH, REOPEN, REOPEN_FROM, PICK_MS = 1.5, 1.5, 0.1, 100_000, 20.0
BYTES_PER_TRIANGLE = 60.0
#: Indicators of so many buildings, milliseconds: after an edit of one, and all added up anew.
NUMBERS_AT, EDIT_MS, ANEW_MS = 500_000, 1.0, 1000.0
#: A view of fewer triangles says nothing about what one of them takes.
ENOUGH_TRIANGLES = 10_000
#: Second opening, seconds, and memory of it: by size.
REOPEN_SECONDS = {100_000: 2.0, 1_000_000: 4.0}
REOPEN_MEMORY = {1_000_000: 3.0e9}
#: Sizes whose moving pictures are compared with each other.
SMALL, LARGE = 100_000, 1_000_000


def row(what: str, houses: int, value: float, unit: str, goal: float | None = None, *, below: bool = False) -> Row:
    """One line of the table. ``goal``: the most that is wanted; ``below``: it must stay under it."""
    sign = "<" if below else "<="
    reached = None if goal is None else (value < goal if below else value <= goal)
    return {
        "what": what, "houses": houses, "value": float(value), "unit": unit, "goal": goal,
        "goal_text": "" if goal is None else f"{sign} {goal:.4g} {unit}".strip(), "reached": reached,
    }  # fmt: skip


def opening_rows(kind: str, first: Numbers, second: Numbers, file_bytes: int) -> list[Row]:
    """Rows of a first and a second opening of one file."""
    houses = int(second["buildings"])
    memory, reach = second["after"], REOPEN_MEMORY.get(houses)
    rows = [
        row(f"{kind}: second opening / first", houses, second["seconds"] / first["seconds"], "x",
            REOPEN if houses >= REOPEN_FROM else None, below=True),
        row(f"{kind}: first opening to the full picture", houses, first["seconds"], "s"),
        row(f"{kind}: second opening to the full picture", houses, second["seconds"], "s",
            REOPEN_SECONDS.get(houses), below=True),
        row(f"{kind}: of that, its first picture", houses, second["picture"], "s"),
        row(f"{kind}: file", houses, file_bytes / MB, "MB"),
    ]  # fmt: skip
    if "peak" in memory:
        goal = None if reach is None else reach / MB
        rows.append(row(f"{kind}: peak memory, first opening", houses, first["after"]["peak"] / MB, "MB"))
        rows.append(row(f"{kind}: peak memory, second opening", houses, memory["peak"] / MB, "MB", goal, below=True))
    if "own" in memory:
        own = memory["own"] - second["before"]["own"]
        rows.append(row(f"{kind}: memory of its own after the second opening", houses, own / MB, "MB"))
    return rows


def drawing_rows(found: Numbers, *, name: str = "") -> list[Row]:
    """Rows of the pictures of one city; ``name`` where it is not the generated town."""
    houses = int(found["buildings"])
    label = f"{name}: " if name else ""
    moving = found["moving"]
    median = statistics.median(moving)
    steady = STEADY if not name and houses in (SMALL, LARGE) else None
    rows = [
        row(f"{label}moving, median", houses, median, "ms"),
        row(f"{label}moving, 95th percentile", houses, percentile(moving, 95), "ms"),
        row(f"{label}moving, worst", houses, max(moving), "ms"),
        row(f"{label}moving, 95th percentile / median", houses, percentile(moving, 95) / median, "x", steady),
    ]
    if cores := found.get("moving_processor"):
        middle = statistics.median(cores)
        rows += [
            row(f"{label}moving, time of all cores, median", houses, middle, "ms"),
            row(f"{label}the same, 95th percentile / median", houses, percentile(cores, 95) / middle, "x"),
        ]
    views = found["views"]
    resting = statistics.median(statistics.median(view["ours"]) for view in views)
    rows.append(row(f"{label}resting, median of the views", houses, resting, "ms"))
    if all(view["smooth"] for view in views):
        ratios = [statistics.median(view["ours"]) / statistics.median(view["smooth"]) for view in views]
        rough = [statistics.median(view["rough"]) for view in views]
        smooth = statistics.median(statistics.median(view["smooth"]) for view in views)
        goal = _by_size(RESTING, houses)
        rows += [
            row(f"{label}plain mesh, antialiased", houses, smooth, "ms"),
            row(f"{label}plain mesh, jagged", houses, statistics.median(rough), "ms"),
            row(f"{label}resting / plain mesh, both antialiased", houses, statistics.median(ratios), "x",
                goal, below=goal <= 1.0),
            row(f"{label}the same in the worst view", houses, max(ratios), "x"),
            row(f"{label}moving / plain mesh, both jagged", houses, median / statistics.median(rough), "x",
                MOVING_TO_FLOOR if houses in MOVING_SIZES and not name else None),
        ]  # fmt: skip
    rows.append(row(f"{label}resting pictures not full after 10 s", houses, found["unfinished"], "", 0))
    return rows + _lever_rows(found, label, houses)


def _lever_rows(found: Numbers, label: str, houses: int) -> list[Row]:
    def median(key: str) -> float:
        return float(statistics.median(found[key]))

    pick, near = found["pick"], found["near"]
    return [
        row(f"{label}slider tick / unchanged picture", houses, median("tick_resting") / median("unchanged_resting"),
            "x", _by_size(TICK, houses)),
        row(f"{label}the same while moving", houses, median("tick_moving") / median("unchanged_moving"), "x"),
        row(f"{label}unchanged picture", houses, median("unchanged_resting"), "ms"),
        row(f"{label}slider tick", houses, median("tick_resting"), "ms"),
        row(f"{label}slider tick with all indicators", houses, median("numbers_resting"), "ms"),
        row(f"{label}unchanged picture while moving", houses, median("unchanged_moving"), "ms"),
        row(f"{label}slider tick while moving", houses, median("tick_moving"), "ms"),
        *(
            [row(f"{label}edit of one building, with all indicators", houses, median("edit"), "ms",
                 EDIT_MS if houses == NUMBERS_AT else None, below=True),
             row(f"{label}all indicators of all buildings anew", houses, median("recompute"), "ms",
                 ANEW_MS if houses == NUMBERS_AT else None, below=True)]
            if "edit" in found else []
        ),
        row(f"{label}colour change", houses, median("colours"), "ms"),
        row(f"{label}colour change, a colour never shown before", houses, max(found["first_colours"]), "ms"),
        row(f"{label}pick, median", houses, statistics.median(pick), "ms"),
        row(f"{label}pick, slowest of {len(pick)}", houses, max(pick), "ms", PICK_MS, below=True),
        *(
            [row(f"{label}kept for drawing, per triangle at full detail with edges", houses,
                 near["card_bytes"] / near["triangles"], "B", BYTES_PER_TRIANGLE)]
            if near["triangles"] >= ENOUGH_TRIANGLES else []
        ),
        row(f"{label}kept for drawing after the flight", houses, found["counters_resting"]["card_bytes"] / MB, "MB"),
    ]  # fmt: skip


def growth_rows(rows: Sequence[Row]) -> list[Row]:
    """Goals that compare two sizes."""
    found = []
    moving = {r["houses"]: r["value"] for r in rows if r["what"] == "moving, median"}
    if SMALL in moving and LARGE in moving:
        found.append(row(f"moving, median / that at {SMALL:,}", LARGE, moving[LARGE] / moving[SMALL], "x", GROWTH))
    return found


def growth(rows: Sequence[Row]) -> list[tuple[str, str, dict[int, float]]]:
    """Every quantity measured at several sizes: name, unit, value by size."""
    found: dict[tuple[str, str], dict[int, float]] = {}
    for each in rows:
        found.setdefault((each["what"], each["unit"]), {})[each["houses"]] = each["value"]
    return [(what, unit, dict(sorted(values.items()))) for (what, unit), values in found.items() if len(values) > 1]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that ``percent`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(len(ordered) * percent) // 100) - 1))]


def _by_size(goals: Sequence[tuple[int, float]], houses: int) -> float:
    return next(goal for size, goal in reversed(goals) if houses >= size)
