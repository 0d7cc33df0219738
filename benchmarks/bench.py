"""``python -m benchmarks.bench [--json] [--quick] [--peers]``: every speed goal of the project in one run.

Times are noisy on shared machines, so each goal is a ratio of two things measured in turn in the same run.
Goals and what was reached are printed side by side; a missed goal is said to be missed.
"""

from __future__ import annotations

import argparse
import importlib.metadata as metadata
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "lxml", "orjson", "mapbox-earcut", "vtk", "pyvista", "PySide6-Essentials")


def machine() -> dict[str, object]:
    """The machine and versions the numbers belong to."""
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
    }


def main(argv: list[str] | None = None) -> int:
    """Run all benchmarks and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="10,000 houses only")
    parser.add_argument("--peers", action="store_true", help="also VTK's own CityGML reader (half a minute)")
    parser.add_argument("-o", "--out", type=Path, help="write the JSON into this file as well")
    parser.add_argument("--report", type=Path, help="write a page in Markdown, as docs/performance.md")
    args = parser.parse_args(argv)

    from benchmarks import bench_frames, bench_reading

    sizes = (10_000,) if args.quick else (10_000, 50_000)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="stadtforum-bench-") as folder:
        rows += bench_reading.run(sizes, Path(folder), peers=args.peers)
    rows += bench_frames.run(sizes)
    result = {"machine": machine(), "graphics": bench_frames.graphics(), "rows": rows}
    text = json.dumps(result, indent=2)
    if args.out:
        args.out.write_text(text + "\n", encoding="utf-8")
    if args.report:
        args.report.write_text(page(result), encoding="utf-8")
    print(text if args.json else table(result))
    return 0


def table(result: dict[str, object]) -> str:
    """The same as text: one line per measured quantity with goal and verdict."""
    lines = [json.dumps(result["machine"]), json.dumps(result["graphics"]), ""]
    lines.append(f"{'what':<46}{'houses':>9}{'value':>11}{'goal':>11}  ")
    for row in result["rows"]:  # type: ignore[attr-defined]
        goal = row.get("goal")
        verdict = "" if goal is None else ("reached" if row["reached"] else "MISSED")
        lines.append(
            f"{row['what']:<46}{row['houses']:>9}{row['value']:>8.2f} {row['unit']:<2}"
            f"{'' if goal is None else row['goal_text']:>11}  {verdict}"
        )
    return "\n".join(lines)


def page(result: dict[str, Any]) -> str:
    """The same as a page of the documentation."""
    about, graphics = result["machine"], result["graphics"]
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    lines = [
        "# How fast",
        "",
        "Written by `make bench ARGS='--peers --report docs/performance.md'`. Times belong to the machine below and",
        "are noisy; the ratios compare two things measured in turn within the same run.",
        "",
        f"Machine: {about['processor']}, {about['cores']} cores, {about['system']}, Python {about['python']}.",
        f"Versions: {versions}.",
        f"Graphics: {', '.join(str(v) for v in graphics.values())}.",
        "",
        "| what | houses | value | goal | |",
        "|---|---:|---:|---:|---|",
    ]
    for row in result["rows"]:
        verdict = "" if row.get("goal") is None else ("reached" if row["reached"] else "**missed**")
        goal = "" if row.get("goal") is None else row["goal_text"]
        lines.append(f"| {row['what']} | {row['houses']:,} | {row['value']:.2f} {row['unit']} | {goal} | {verdict} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
