"""``python -m benchmarks.bench [--sizes 10000,100000] [--peers] [--report FILE]``: the project's speed in one run.

Times are noisy on shared machines, so most goals are ratios of two things measured in turn in the same run. Every
size is measured in processes of its own. Goals and what was reached stand side by side; a missed goal is said to be
missed.
"""

from __future__ import annotations

import argparse
import importlib.metadata as metadata
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import goals, report
from benchmarks.processes import ROOT, child

PACKAGES = ("numpy", "lxml", "orjson", "mapbox-earcut", "vtk", "pyvista", "PySide6-Essentials")
SIZES = (10_000, 50_000, 100_000, 500_000, 1_000_000)
#: CityGML is 5 times as long as CityJSON: up to this size it is opened too.
LARGEST_CITYGML = 100_000
#: Sizes at which bare parsing is compared, and at which peers are.
READING_SIZES, PEER_SIZES = (10_000, 50_000), (10_000, 50_000)
#: The largest real cities among the data for development, each set beside itself up to so many objects.
DATA = Path("../shared/data")
REAL = {
    "Cologne": DATA / "nrw-lod2-cologne/nrw-lod2-cologne-25-tiles.zip",
    "The Hague": DATA / "den-haag/DenHaag_01.city.json",
}
REAL_SIZE = 100_000


def main(argv: list[str] | None = None) -> int:
    """Run what was asked for and print it."""
    options = _options(argv)
    sizes = tuple(sorted({int(text) for text in options.sizes.split(",")})) if options.sizes else SIZES
    if options.quick:
        sizes = (10_000,)
    result: dict[str, Any] = {"machine": machine(), "graphics": graphics(), "sizes": sizes, "drawn": {}}
    rows: list[goals.Row] = []
    failed: list[str] = []
    loads: list[float | None] = result["machine"]["loads"]
    result |= {"rows": rows, "failed": failed, "peers": []}
    with tempfile.TemporaryDirectory(prefix="stadtforum-bench-", dir=options.folder) as name:
        folder = Path(name)
        for what, measure in _steps(sizes, folder, result, options):
            _say(what)
            try:
                rows += measure()
            except (RuntimeError, OSError) as error:  # the others are measured all the same
                failed.append(f"{what}: {error}")
                _say(failed[-1])
            loads.append(_load())
            _keep(result, options)
    rows += goals.growth_rows(rows)
    return _give(result, options) or bool(failed)


Step = tuple[str, Callable[[], list[goals.Row]]]


def _steps(sizes: Sequence[int], folder: Path, result: dict[str, Any], options: argparse.Namespace) -> Iterator[Step]:
    """What is measured, in this order; what was measured before counts even where a later step fails."""
    drawn = result["drawn"]
    if not options.frames_only and not options.no_reading:
        from benchmarks import bench_reading

        reading = tuple(n for n in READING_SIZES if n <= max(sizes))
        yield "reading against bare parsing", lambda: bench_reading.run(reading, folder, peers=options.peers)
    for size in () if options.no_sizes else sizes:
        yield f"{size:,} buildings", lambda size=size: _size_rows(size, folder, drawn, options)  # type: ignore[misc]
    if not options.quick and not options.no_real:
        for name, path in REAL.items():
            file = (ROOT / path).resolve()
            if file.exists():
                yield f"{name}, repeated", lambda name=name, file=file: _real_rows(name, file, drawn, options)  # type: ignore[misc]
    if options.peers:
        yield "other programs", lambda: _peer_rows(sizes, folder, result, options)


def _real_rows(name: str, file: Path, drawn: dict[str, Any], options: argparse.Namespace) -> list[goals.Row]:
    found = child("benchmarks.one_size", "draw", "--repeat", str(file), str(REAL_SIZE), *_frames(options))
    drawn[f"{name}, repeated"] = found
    return goals.drawing_rows(found, name=f"{name}, repeated")


def _peer_rows(
    sizes: Sequence[int], folder: Path, result: dict[str, Any], options: argparse.Namespace
) -> list[goals.Row]:
    from benchmarks.peers import compare

    wanted = [size for size in sizes if size in PEER_SIZES]
    result["peers"] = compare.run(wanted, folder, options.peers_folder, say=_say)
    return []


def _options(argv: list[str] | None) -> argparse.Namespace:
    from benchmarks.peers import default_folder

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="", help="numbers of buildings, with commas between them")
    parser.add_argument("--quick", action="store_true", help="10,000 buildings only")
    parser.add_argument("--frames-only", action="store_true", help="pictures only, of towns made in memory")
    parser.add_argument("--no-reading", action="store_true", help="without reading against bare parsing")
    parser.add_argument("--no-sizes", action="store_true", help="without the generated town")
    parser.add_argument("--no-real", action="store_true", help="without real cities")
    parser.add_argument("--frames", type=int, default=150, help="pictures of the recorded flight")
    parser.add_argument("--peers", action="store_true", help="also other programs, where they are installed")
    parser.add_argument("--peers-folder", type=Path, default=default_folder(), help="where they are installed")
    parser.add_argument("--folder", type=Path, help="for temporary files: 4 GB for a million buildings")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("-o", "--out", type=Path, help="write the JSON into this file as well")
    parser.add_argument("--report", type=Path, help="write a page in Markdown with plots beside it")
    parser.add_argument("--from", dest="found", type=Path, nargs="+", metavar="JSON",
                        help="measure nothing; put together what earlier runs wrote with -o")  # fmt: skip
    options = parser.parse_args(argv)
    if options.found is not None:
        sys.exit(_give(together([json.loads(path.read_text(encoding="utf-8")) for path in options.found]), options))
    return options


def _size_rows(size: int, folder: Path, drawn: dict[str, Any], options: argparse.Namespace) -> list[goals.Row]:
    """Openings and pictures of the town of one size; its files are gone afterwards."""
    own = folder / f"town-{size}"
    own.mkdir()
    rows: list[goals.Row] = []
    try:
        source = ["--town", str(size)]
        if not options.frames_only:
            for kind, path in _files(size, own):
                copies = own / f"copies-{path.suffix[1:]}"
                _say(f"{size:,} buildings: opening {kind}")
                openings = [
                    child("benchmarks.one_size", "open", str(path), "--copies", str(copies)) for _ in range(3)
                ]  # the second and the third find the copy; the system's memory of files is warm for all
                second = min(openings[1:], key=lambda found: found["seconds"])
                rows += goals.opening_rows(kind, openings[0], second, path.stat().st_size)
                source = ["--file", str(path), "--copies", str(copies)]
        _say(f"{size:,} buildings: pictures")
        found = child("benchmarks.one_size", "draw", *source, *_frames(options))
        drawn[str(size)] = found
        return rows + goals.drawing_rows(found)
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _files(size: int, folder: Path) -> Sequence[tuple[str, Path]]:
    from benchmarks.town_files import write_citygml, write_cityjson

    files = [("CityJSON", write_cityjson(folder / "town.city.json", size))]
    if size <= LARGEST_CITYGML:
        files.insert(0, ("CityGML", write_citygml(folder / "town.gml", size)))
    return files


def _frames(options: argparse.Namespace) -> list[str]:
    return ["--frames", str(options.frames)]


def machine() -> dict[str, object]:
    """The machine and versions the numbers belong to."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
        "day": time.strftime("%Y-%m-%d"),
        "loads": [_load()],
    }


def _load() -> float | None:
    """How many programs wanted a core during the last minute, where the system tells."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def graphics() -> dict[str, object]:
    """Driver the pictures were drawn with."""
    from viewer.scene.offscreen import offscreen_window

    window = offscreen_window((64, 64))
    window.Render()
    told = {
        key.strip(): value.strip()
        for key, _, value in (line.partition(":") for line in window.ReportCapabilities().splitlines()[:12])
    }
    window.Finalize()
    renderer = told.get("OpenGL renderer string", "")
    return {
        "renderer": renderer,
        "version": told.get("OpenGL version string", ""),
        "software": any(name in renderer.lower() for name in ("llvmpipe", "softpipe", "swrast", "software")),
    }


def _keep(result: dict[str, Any], options: argparse.Namespace) -> str:
    text = json.dumps(result, indent=1)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    return text


def _give(result: dict[str, Any], options: argparse.Namespace) -> int:
    text = _keep(result, options)
    if options.report:
        report.write(result, options.report)
    print(text if options.json else report.table(result))
    return 0


def together(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several runs on one machine as one; what was measured again counts as it was the last time."""
    found = {**results[-1], "drawn": {}, "failed": [], "peers": [], "runs": len(results)}
    rows: dict[tuple[str, int], goals.Row] = {}
    peers: dict[tuple[object, ...], dict[str, Any]] = {}
    for result in results:
        found["drawn"] |= result["drawn"]
        found["failed"] += result.get("failed", [])
        peers |= {tuple(row.get(key) for key in ("peer", "what", "houses")): row for row in result.get("peers", [])}
        rows |= {(row["what"], row["houses"]): row for row in result["rows"]}
    rows |= {(row["what"], row["houses"]): row for row in goals.growth_rows(list(rows.values()))}
    found["rows"], found["peers"] = list(rows.values()), list(peers.values())
    found["machine"] = {**results[-1]["machine"], "loads": [n for r in results for n in r["machine"].get("loads", [])]}
    return found


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
