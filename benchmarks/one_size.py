"""``python -m benchmarks.one_size``: measures one city in a process of its own and prints numbers as JSON.

``open FILE [--copies FOLDER]`` times an opening from the file, a city or a model, to the first full picture; where the
folder holds a prepared copy, that is a second opening. ``draw`` (with ``--town N``, ``--file FILE --copies FOLDER`` or
``--repeat FILE N``) times pictures along the recorded flight. Goals and verdicts are made of these numbers elsewhere
(``goals``).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.flight import RESTS, pose_at, poses
from benchmarks.floor import PlainMesh
from benchmarks.processes import memory
from benchmarks.shapes import CRS, ORIGIN, city
from viewer.city import CityModel, ImportReport
from viewer.indicators.table import IndicatorTable
from viewer.plugin_host import PluginHost
from viewer.readers.store.cache import CityCache, wait_for_writers
from viewer.scenario import Scenario, Selection
from viewer.scene.offscreen import grab, offscreen_window
from viewer.scene.scene import CityScene
from viewer.session import Session
from viewer.session.edits import ColorBy, SetLever
from viewer.workspace import Workspace
from viewer.workspace.loaded import Loaded, derive

SIZE = (1280, 800)
#: A picture that is not full after so many seconds is taken as it is, and counted.
PATIENCE_S = 10.0
#: So many buildings are edited one after the other.
EDITS = 40
Numbers = dict[str, Any]


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    opening = commands.add_parser("open")
    opening.add_argument("file", type=Path)
    opening.add_argument("--copies", type=Path)
    drawing = commands.add_parser("draw")
    source = drawing.add_mutually_exclusive_group(required=True)
    source.add_argument("--town", type=int)
    source.add_argument("--file", type=Path)
    source.add_argument("--repeat", nargs=2, metavar=("FILE", "N"))
    drawing.add_argument("--copies", type=Path)
    drawing.add_argument("--frames", type=int, default=150)
    drawing.add_argument("--repeats", type=int, default=5)
    drawing.add_argument("--no-floor", action="store_true", help="without the plain mesh")
    options = parser.parse_args(argv)
    if options.command == "open":
        found = measure_opening(options.file, options.copies)
    else:
        found = measure_drawing(
            workspace_of(options), options.frames, options.repeats, floor=not options.no_floor,
            home=options.repeat is not None,
        )  # fmt: skip
    print(json.dumps(found))
    return 0


class Screen:
    """A scene in a window without a display, used like the window of the program: quality follows what moves, parts
    come from threads while pictures go on."""

    def __init__(self) -> None:
        self.window = offscreen_window(SIZE)
        self.scene = CityScene(self.window, background=True)
        self.scene.resize(*SIZE)
        self.window.Render()
        self.unfinished = 0

    def frame(self) -> None:
        """One picture as things stand, until the driver says that it is done."""
        self.scene.render()
        self.window.WaitForCompletion()

    def full(self) -> None:
        """Draw on until all that belongs to the full picture of this view is there, as the window does."""
        self.frame()
        started = time.perf_counter()
        while self.scene.busy:
            if time.perf_counter() - started > PATIENCE_S:
                self.unfinished += 1
                return
            if self.scene.due:
                self.frame()
            else:
                time.sleep(0.002)

    def counters(self) -> Numbers:
        """What the scene tells about its last picture."""
        return asdict(self.scene.counters())

    def close(self) -> None:
        """Give everything back."""
        self.scene.close()
        self.window.Finalize()


def measure_opening(path: Path, copies: Path | None) -> Numbers:
    """Seconds from the file to the first full picture, in a window that is already open, and the memory it took."""
    if time.time() - path.stat().st_mtime < 1800:  # a file of this very moment is compared with its copy byte by byte
        an_hour_ago = time.time() - 3600
        os.utime(path, (an_hour_ago, an_hour_ago))
    cache = CityCache(copies, min_source_bytes=1) if copies else None
    screen = Screen()
    before = memory()
    gc.collect()
    started = time.perf_counter()
    workspace = Workspace(Session(), PluginHost(packages=False, cache=cache))
    workspace.adopt(workspace.read(path))
    opened = time.perf_counter()
    screen.scene.show(workspace.scene_state())
    screen.full()
    picture = grab(screen.window)
    done = time.perf_counter()
    after = memory()
    assert int(picture.std()) > 0, "the first picture is empty, so its time means nothing"
    wait_for_writers(3600)
    screen.close()
    found: Numbers = {
        "seconds": done - started, "read": opened - started, "picture": done - opened, "before": before, "after": after,
    }  # fmt: skip
    city_of_file = workspace.city
    if city_of_file is not None:
        found |= {"buildings": len(city_of_file.objects.features), "triangles": len(city_of_file.triangles)}
    return found


def workspace_of(options: argparse.Namespace) -> Workspace:
    """The city to draw, opened."""
    if options.file is not None:
        cache = CityCache(options.copies, min_source_bytes=1) if options.copies else None
        workspace = Workspace(Session(), PluginHost(packages=False, cache=cache))
        workspace.adopt(workspace.read(options.file))
        return workspace
    if options.repeat is not None:
        from benchmarks.repeat import repeated

        path, count = Path(options.repeat[0]), int(options.repeat[1])
        workspace = Workspace(Session(), PluginHost(packages=False, cache=None))
        model = workspace.read(path).city
        assert model is not None
        return with_city(repeated(model, count))
    return with_city(city(options.town))


def with_city(model: CityModel) -> Workspace:
    """A workspace with a city that comes from no file."""
    workspace = Workspace(Session(), PluginHost(packages=False, cache=None))
    derived = derive((("made", ""),), {"made": model})
    workspace.adopt(Loaded("made", "made", "", model.name, ImportReport("made"), city=derived.city, derived=derived))
    return workspace


def measure_drawing(
    workspace: Workspace, frames: int, repeats: int, *, floor: bool = True, home: bool = False
) -> Numbers:
    """Milliseconds of pictures along the flight, at rest, of slider ticks, colour changes and picks.

    home : the flight goes around the middle of the city's extent, in a circle that fits it.
    """
    screen = Screen()
    scene = screen.scene
    model = workspace.city
    assert model is not None
    middle, scale = flight_of(model, home)
    derived = workspace.derived
    assert derived is not None
    assert derived.applier.tree_places.ndim == 2  # or it would be found during the flight
    scene.show(workspace.scene_state())
    scene.camera.set_pose(pose_at(0.0, middle, scale))
    screen.full()

    found: Numbers = {
        "buildings": len(model.objects.features),
        "triangles": len(model.triangles),
        "memory_full": memory(),
    }
    scene.moving(True)
    flown = [_pose_and_time(screen, pose) for pose in poses(frames, middle, scale)]
    found["moving"], found["moving_processor"] = (list(times) for times in zip(*flown, strict=True))
    found["counters_moving"] = screen.counters()
    scene.moving(False)
    plain = PlainMesh(model, SIZE) if floor else None
    found["views"] = [_view(screen, plain, share, middle, scale, repeats) for share in RESTS]
    if plain is not None:
        plain.close()
    found["counters_resting"] = screen.counters()
    scene.camera.set_pose(pose_at(RESTS[1], middle, scale))
    screen.full()
    found |= _levers(screen, workspace, repeats)
    found["pick"] = _picks(screen, middle, scale)
    found |= _numbers(workspace)
    found |= {"memory_end": memory(), "unfinished": screen.unfinished}
    screen.close()
    found["near"] = _near(workspace, middle, scale)
    return found


def flight_of(model: CityModel, around_middle: bool) -> tuple[np.ndarray[Any, np.dtype[np.float64]], float]:
    """Middle of the flight in the frame of a city, and its scale.

    A small real city is flown over around its middle; in a large one, which may have gaps, around the densest square
    of half a kilometre.
    """
    if not around_middle and model.frame.crs == CRS:
        return np.asarray(model.frame.local_from_crs(np.array([ORIGIN]))[0]), 1.0
    low, high = model.extent_local
    some = model.positions_local[:: max(1, len(model.positions_local) // 2_000_000)]
    span = float(np.hypot(*(high - low)[:2]))
    middle = np.median(some[:, :2], axis=0).astype(np.float64)
    if span > 2000.0:
        bins = np.ceil((high - low)[:2] / 500.0).astype(int)
        count, x, y = np.histogram2d(some[:, 0], some[:, 1], bins=bins)
        dense = np.argwhere(count >= 0.95 * count.max())
        column, row = dense[np.argmin(np.hypot(*(dense - 0.5 * bins).T))]
        middle = np.array([0.5 * (x[column] + x[column + 1]), 0.5 * (y[row] + y[row + 1])])
    near = np.abs(some[:, :2] - middle).max(axis=1) < 250.0
    return np.append(middle, float(np.percentile(some[near, 2], 5))), min(1.0, span / 5200.0)


def _near(workspace: Workspace, middle: Any, scale: float) -> Numbers:
    """What a scene keeps that has shown nothing but a view from near the roofs, all of it at full detail."""
    screen = Screen()
    screen.scene.show(workspace.scene_state())
    screen.scene.camera.set_pose(pose_at(RESTS[2], middle, scale))
    screen.scene.set_quality(True)
    screen.full()
    found = screen.counters()
    screen.close()
    return found


def _pose_and_time(screen: Screen, pose: Any) -> tuple[float, float]:
    """Milliseconds of a picture by the clock, and of all cores for it, which other programs do not change much."""
    screen.scene.camera.set_pose(pose)
    before = time.process_time()
    elapsed = _milliseconds(screen.frame)
    return elapsed, (time.process_time() - before) * 1000


def _view(screen: Screen, plain: PlainMesh | None, share: float, middle: Any, scale: float, repeats: int) -> Numbers:
    """One view at rest: full pictures of the city and of the plain mesh in turn, the camera a little further each
    time."""
    ours, smooth, rough = [], [], []
    camera = screen.scene.camera
    for number in range(repeats + 1):
        camera.set_pose(pose_at(min(max(share + 0.002 * number, 0.0), 1.0), middle, scale))
        screen.full()
        ours.append(_milliseconds(screen.frame))
        if plain is not None:
            smooth.append(_milliseconds(lambda: plain.draw(camera, smooth=True)))
            rough.append(_milliseconds(lambda: plain.draw(camera, smooth=False)))
    return {"share": share, "ours": ours[1:], "smooth": smooth[1:], "rough": rough[1:]}  # the first only warms up


def _levers(screen: Screen, workspace: Workspace, repeats: int) -> Numbers:
    """Slider ticks and colour changes beside unchanged pictures, measured in turn, at rest and while moving."""

    def show() -> None:
        screen.scene.show(workspace.scene_state())
        screen.frame()

    def tick(number: int) -> None:
        workspace.session.edit(SetLever("storeys_added", float(number % 4)), merge=True)
        show()

    def tick_with_numbers(number: int) -> None:
        tick(number)
        workspace.indicators()

    def recolour(number: int) -> None:
        workspace.session.edit(ColorBy(colours[number % len(colours)]))
        show()

    known = [key for key, _ in workspace.colourings()]
    wanted = ("attribute:measuredHeight", "attribute:yearOfConstruction", "surface")
    colours = [key for key in wanted if key in known] or known[:2]
    found: Numbers = {}
    for state in ("resting", "moving"):
        screen.scene.moving(state == "moving")
        for number in range(4):  # warm: the first tick of a session builds tables once
            tick_with_numbers(number)
        if state == "resting":
            screen.full()
        times: dict[str, list[float]] = {"unchanged": [], "tick": [], "numbers": []}
        for number in range(3 * repeats):
            times["unchanged"].append(_milliseconds(screen.frame))
            times["tick"].append(_milliseconds(lambda n=number: tick(n + 1)))  # type: ignore[misc]
            times["numbers"].append(_milliseconds(lambda n=number: tick_with_numbers(n)))  # type: ignore[misc]
        found |= {f"{name}_{state}": values for name, values in times.items()}
    screen.scene.moving(False)
    workspace.session.edit(SetLever("storeys_added", 0.0), merge=True)
    show()
    screen.full()
    found["first_colours"] = [_milliseconds(lambda n=n: recolour(n)) for n in range(len(colours))]  # type: ignore[misc]
    found["colours"] = [_milliseconds(lambda n=n: recolour(n)) for n in range(3 * repeats)]  # type: ignore[misc]
    return found


def _numbers(workspace: Workspace) -> Numbers:
    """Edits of one building each, with all indicators afterwards, and all buildings added up anew."""
    derived = workspace.derived
    assert derived is not None
    table = IndicatorTable(derived.city, derived.measures, derived.ground, surfaces=derived.surfaces)
    buildings = derived.city.objects.ids[derived.city.objects.features[np.flatnonzero(derived.measures.is_building)]]
    scenario = Scenario("edits").with_value("storeys_added", 1.0)
    table.update(derived.applier.apply(scenario))

    def edit(number: int) -> None:
        nonlocal scenario
        one = Selection((str(buildings[number * len(buildings) // EDITS]),))
        scenario = scenario.with_value("storeys_added", 2.0 + number % 3, one)
        table.update(derived.applier.apply(scenario))

    edits = [_milliseconds(lambda n=n: edit(n)) for n in range(EDITS)]  # type: ignore[misc]
    return {"edit": edits, "recompute": [_milliseconds(table.exact) for _ in range(3)]}


def _picks(screen: Screen, middle: Any, scale: float) -> list[float]:
    """Picks all over three views."""
    times = []
    for share in (RESTS[0], RESTS[1], RESTS[3]):
        screen.scene.camera.set_pose(pose_at(share, middle, scale))
        screen.full()
        screen.scene.pick(
            *(0.5 * n for n in SIZE)
        )  # what is only worked out once per view is not what a person waits for
        for x in np.linspace(0.1, 0.9, 8).tolist():
            for y in np.linspace(0.45, 0.9, 4).tolist():
                times.append(_milliseconds(lambda x=x, y=y: screen.scene.pick(SIZE[0] * x, SIZE[1] * y)))  # type: ignore[misc]
    return times


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    sys.exit(main())
