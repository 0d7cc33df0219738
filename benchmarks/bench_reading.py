"""Reading speed and memory against what bare parsing costs: CityGML to lxml and VTK, CityJSON to orjson.

Also the second opening of a file, from its prepared copy, against the first.

The two sides of a ratio are measured in turn, several times, and their medians compared. Against bare parsing, which
knows one core, the readers use one core, and each run has a process of its own, as for somebody who opens a file: what
one parser leaves in the memory of a process makes the other slower. How much quicker two cores are is a row of its own.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.generate import write_citygml, write_cityjson
from viewer.readers.helpers import VARIABLE

Row = dict[str, object]

DATA = Path("../shared/data")
#: Real cities by their files.
REAL = {
    "nrw-lod2-cologne/nrw-lod2-cologne-25-tiles.zip": "CityGML",
    "rotterdam-delfshaven-textured/msurface_buildings_all.json": "CityJSON",
}
#: Smaller files are read on one core.
WORTH_BYTES = 24 * 2**20

#: Goals of the project: at most this many times the bare parse, or the arrays; at least this much faster.
GOALS, MEMORY_GOAL, VTK_GOAL = {"CityGML": 2.5, "CityJSON": 4.0}, 3.0, 10.0
#: Two cores are at least so many times as quick as one.
TWO_CORES_GOAL = 1.6
#: A second opening takes at most this share of the first.
REOPEN_GOAL = 0.1

_PEAK_PROBE = """
import json, sys
from pathlib import Path
from benchmarks.bench_reading import read, peak_bytes, resident_bytes, array_bytes
kind, small, path = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
read(kind, small)
before = resident_bytes()
city = read(kind, path)
print(json.dumps({"peak": peak_bytes() - before, "arrays": array_bytes(city)}))
"""


_TIME_PROBE = """
import sys
from pathlib import Path
from benchmarks.bench_reading import clock, work_of
name, small, path = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
work_of(name, small)()
print(clock(work_of(name, path)))
"""
#: Before the kind of a file: parsing it and no more.
BARE = "bare "


def run(sizes: tuple[int, ...], folder: Path, *, peers: bool = False, repeats: int = 5) -> list[Row]:
    """All rows for cities of ``sizes`` houses, with files in ``folder``; ``peers`` adds VTK's own reader.

    Each row has ``what``, ``houses``, ``value``, ``unit`` ("x", "s" or "MB"), ``goal`` (None where there is none),
    ``goal_text`` and ``reached``.
    """
    rows: list[Row] = []
    small = {"CityGML": write_citygml(folder / "small.gml", 50), "CityJSON": write_cityjson(folder / "small.json", 50)}
    for houses in sizes:
        gml = write_citygml(folder / f"city_{houses}.gml", houses)
        cityjson = write_cityjson(folder / f"city_{houses}.city.json", houses)
        rows += parsing_rows("CityGML", "lxml.etree.parse", small["CityGML"], gml, houses, repeats)
        rows += parsing_rows("CityJSON", "orjson.loads", small["CityJSON"], cityjson, houses, repeats)
        for kind, path in (("CityGML", gml), ("CityJSON", cityjson)):
            rows += cores_rows(kind, path, houses, min(repeats, 3))
            rows += memory_rows(kind, small[kind], path, houses)
            rows += opening_rows(kind, path, houses, folder / f"copies_{kind}_{houses}", min(repeats, 3))
        if peers and houses <= 10_000:
            rows += vtk_rows(gml, houses)
    return rows + real_rows(repeats)


def real_rows(repeats: int) -> list[Row]:
    """Reading against bare parsing for real files, where they are at hand: tiles in an archive, a textured city."""
    rows: list[Row] = []
    for name, kind in REAL.items():
        path = (Path(__file__).resolve().parents[1] / DATA / name).resolve()
        if path.exists():
            with cores(1):
                city = read(kind, path)
            ours, theirs = against_parsing(kind, path, path, repeats)
            what = f"{path.parent.name}: reading / unpacking and bare parsing"
            rows.append(_ratio(what, len(city.objects), ours / theirs, GOALS[kind]))  # type: ignore[attr-defined]
    return rows


def against_parsing(kind: str, small: Path, path: Path, repeats: int) -> tuple[float, float]:
    """Median seconds of reading a file on one core, ready to draw, and of parsing it.

    small : what brings in the modules that are needed, before: a file of the same kind, or the same one.
    """

    def fresh(name: str) -> float:
        command = [sys.executable, "-c", _TIME_PROBE, name, str(small), str(path)]
        root = Path(__file__).resolve().parents[1]
        answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        return float(answer.stdout.splitlines()[-1])

    with cores(1):
        pairs = [(fresh(kind), fresh(BARE + kind)) for _ in range(repeats)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def work_of(name: str, path: Path) -> Callable[[], object]:
    """What is timed: reading a file of a kind, or parsing it and no more."""
    if not name.startswith(BARE):
        return partial(read, name, path)
    return partial(_parse_all, path) if name == BARE + "CityGML" else _bare_json(path)


def _parse_all(path: Path) -> None:
    """Unpack and parse every file of an archive, or a file."""
    from lxml import etree

    if not zipfile.is_zipfile(path):
        etree.parse(path)
        return
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not name.endswith("/"):
                etree.fromstring(archive.read(name))


def cores_rows(kind: str, path: Path, houses: int, repeats: int) -> list[Row]:
    """Reading on two cores against one, with helpers that are ready; no row where there is one core only."""
    if (os.cpu_count() or 1) < 2:
        return []

    def on(count: int) -> None:
        with cores(count):
            read(kind, path)

    one, two = interleaved(partial(on, 1), partial(on, 2), repeats)
    row = {**_row(f"{kind} reading on one core / on two", houses, one / two, "x"), "goal": None, "goal_text": ""}
    if path.stat().st_size >= WORTH_BYTES:
        row |= {"goal": TWO_CORES_GOAL, "goal_text": f">= {TWO_CORES_GOAL:g} x", "reached": one / two >= TWO_CORES_GOAL}
    return [row]


@contextmanager
def cores(count: int) -> Iterator[None]:
    """Let reading use so many cores meanwhile."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(count)
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def parsing_rows(kind: str, parser: str, small: Path, path: Path, houses: int, repeats: int) -> list[Row]:
    """Reading, triangulated and ready to draw, against parsing alone (of JSON in memory, with the collector off)."""
    ours, bare = against_parsing(kind, small, path, repeats)
    return [
        _ratio(f"{kind} reading / {parser}", houses, ours / bare, GOALS[kind]),
        _seconds(f"{kind} reading", houses, ours),
        _seconds(parser, houses, bare),
    ]


def _bare_json(path: Path) -> Callable[[], None]:
    """``orjson.loads`` of a file that is in memory, with the collector off."""
    import orjson

    text = path.read_bytes()

    def parse() -> None:
        gc.disable()
        try:
            orjson.loads(text)
        finally:
            gc.enable()

    return parse


def vtk_rows(path: Path, houses: int) -> list[Row]:
    """VTK's own CityGML reader against ours; once, it takes half a minute."""
    from vtkmodules.vtkIOCityGML import vtkCityGMLReader

    def theirs() -> None:
        reader = vtkCityGMLReader()
        reader.SetFileName(str(path))
        reader.SetLOD(2)  # it looks for one level only, and would find nothing at its default
        reader.Update()
        assert reader.GetOutput().GetNumberOfBlocks() > 0, "VTK's reader read nothing, so its time means nothing"

    seconds = clock(theirs)
    with cores(1):
        ours = statistics.median(clock(lambda: read("CityGML", path)) for _ in range(3))
    return [
        {
            **_row("vtkCityGMLReader / CityGML reading", houses, seconds / ours, "x"),
            "goal": VTK_GOAL,
            "goal_text": f">= {VTK_GOAL:g} x",
            "reached": seconds / ours >= VTK_GOAL,
        },
        _seconds("vtkCityGMLReader", houses, seconds),
    ]


def memory_rows(kind: str, small: Path, path: Path, houses: int) -> list[Row]:
    """Growth of a fresh process to its peak while reading, against the finished arrays and columns.

    Only where the system tells the peak of a process (Linux, macOS); else no row.
    """
    if sys.platform == "win32":
        return []
    command = [sys.executable, "-c", _PEAK_PROBE, kind, str(small), str(path)]
    root = Path(__file__).resolve().parents[1]
    with cores(1):
        answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    found = json.loads(answer.stdout.splitlines()[-1])
    return [
        _ratio(f"{kind} peak memory / finished arrays", houses, found["peak"] / found["arrays"], MEMORY_GOAL),
        _row(f"{kind} finished arrays", houses, found["arrays"] / 2**20, "MB"),
    ]


def opening_rows(kind: str, path: Path, houses: int, folder: Path, repeats: int) -> list[Row]:
    """Opening up to measures, ground and everything the picture takes, without a copy and with one.

    The writing of the copy is in neither time. Both find the files in the memory of the system, as after a first use.
    """
    from viewer.plugin_host import PluginHost
    from viewer.readers.store.cache import CityCache, wait_for_writers
    from viewer.session import Session
    from viewer.workspace import Workspace

    cache = CityCache(folder, min_source_bytes=1)
    an_hour_ago = time.time() - 3600
    os.utime(path, (an_hour_ago, an_hour_ago))  # a file of this very moment is compared with its copy byte by byte

    def opening() -> None:
        workspace = Workspace(Session(), PluginHost(packages=False, cache=cache))
        workspace.adopt(workspace.read(path))

    first, second = [], []
    for _ in range(repeats):
        shutil.rmtree(folder, ignore_errors=True)
        first.append(clock(opening))
        wait_for_writers(600)
        assert any(folder.iterdir()), "no copy was written, so the second time means nothing"
        second.append(clock(opening))
    shutil.rmtree(folder, ignore_errors=True)
    one, two = statistics.median(first), statistics.median(second)
    return [
        _ratio(f"{kind} second opening / first", houses, two / one, REOPEN_GOAL),
        _seconds(f"{kind} first opening", houses, one),
        _seconds(f"{kind} second opening", houses, two),
    ]


def read(kind: str, path: Path) -> object:
    """Read a city with the viewer's own reader."""
    from viewer.plugin_api import ReadContext

    if kind == "CityGML":
        from viewer.readers.citygml import read_citygml

        return read_citygml(path, ReadContext())
    from viewer.readers.cityjson import read_cityjson

    return read_cityjson(path, ReadContext())


def array_bytes(city: object) -> int:
    """Size of geometry and object columns; texts count with their place in the column only."""
    from viewer.city.model import CityModel

    assert isinstance(city, CityModel)
    table = city.objects
    columns = sum(column.values.nbytes for column in table.attributes.values())
    return city.nbytes + columns + table.ids.nbytes + table.type_code.nbytes + table.parent.nbytes


def resident_bytes() -> int:
    """Memory of this process now, bytes; its peak so far where the system tells no more."""
    status = Path("/proc/self/status")
    if not status.exists():
        return peak_bytes()
    return _status_bytes(status, "VmRSS:")


def peak_bytes() -> int:
    """Highest memory of this process so far, bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        return _status_bytes(status, "VmHWM:")
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # bytes on macOS


def _status_bytes(status: Path, name: str) -> int:
    line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def interleaved(first: Callable[[], object], second: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median seconds of two pieces of work, measured in turn after one run of each to warm up."""
    first()
    second()
    pairs = [(clock(first), clock(second)) for _ in range(repeats)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def clock(work: Callable[[], object]) -> float:
    """Seconds one run takes."""
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _row(what: str, houses: int, value: float, unit: str) -> Row:
    """A row without a goal."""
    row: Row = {"what": what, "houses": houses, "value": round(value, 3), "unit": unit}
    return {**row, "goal": None, "goal_text": "", "reached": True}


def _seconds(what: str, houses: int, value: float) -> Row:
    return _row(what, houses, value, "s")


def _ratio(what: str, houses: int, value: float, goal: float) -> Row:
    """A row whose value must not exceed the goal."""
    return {**_row(what, houses, value, "x"), "goal": goal, "goal_text": f"<= {goal:g} x", "reached": value <= goal}
