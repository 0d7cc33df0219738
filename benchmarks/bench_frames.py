"""Frame times of the city scene against one plain resident VTK mesh of the same triangles.

Like is compared with like: the resting frame is antialiased by a filter, so is the mesh it is compared with;
the frame while moving is not, nor is its mesh. The ratio of the antialiased frame to the jagged mesh is printed
as well. All quantities of one city are measured in turn within one run, frame by frame with the camera turning a
little, and their medians compared. Every time ends when the driver says that the picture is finished.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.generate import CORNERS, FACES, ORIGIN, houses
from viewer.city import CityModel, Frame, ObjectTable, SurfaceType
from viewer.city.ground import make_ground
from viewer.city.measures import measure
from viewer.indicators import IndicatorTable
from viewer.scenario import Scenario
from viewer.scenario.apply import Applier
from viewer.scene.city_mesh import prepare
from viewer.scene.offscreen import offscreen_window
from viewer.scene.scene import CityScene
from viewer.scene.state import SceneState

Row = dict[str, object]
Work = Callable[[int], None]

#: Goals of the project, as ratios; see the issue text of each in ``run``.
RESTING_GOAL, MOVING_GOAL, TICK_GOAL = 1.15, 0.60, 1.10
SIZE = (1280, 800)
FRAMES = 15
_SURFACES = {"GroundSurface": SurfaceType.GROUND, "WallSurface": SurfaceType.WALL, "RoofSurface": SurfaceType.ROOF}


def run(sizes: Sequence[int], *, frames: int = FRAMES) -> list[Row]:
    """All rows for cities of ``sizes`` houses of 16 triangles."""
    return [row for count in sizes for row in city_rows(count, frames)]


def graphics() -> dict[str, object]:
    """Driver the pictures were drawn with."""
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


def city_of_houses(count: int) -> CityModel:
    """The benchmark's quarter as a city, every face with vertices of its own."""
    corners = houses(count) - ORIGIN
    order = np.concatenate([face for _, face in FACES])
    sizes = np.array([len(face) for _, face in FACES])
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    fans = np.concatenate([[(a, a + i, a + i + 1) for i in range(1, n - 1)] for a, n in zip(first, sizes, strict=True)])
    owner = np.repeat(np.arange(len(FACES)), sizes - 2)
    per_house = len(order)
    number = np.arange(count)[:, None, None]
    assert corners.shape == (count, CORNERS, 3)
    rings = np.concatenate([[0], np.cumsum(np.tile(sizes, count))])
    return CityModel(
        name=f"{count} houses",
        frame=Frame("EPSG:25832", ORIGIN),
        positions_local=corners[:, order].reshape(-1, 3).astype(np.float32),
        ring_start=rings.astype(np.int32),
        face_ring_start=np.arange(len(rings), dtype=np.int32),
        face_surface=np.tile([_SURFACES[name] for name, _ in FACES], count).astype(np.uint8),
        face_object=np.repeat(np.arange(count, dtype=np.int32), len(FACES)),
        face_lod=np.zeros(count * len(FACES), np.uint8),
        triangles=(fans[None] + number * per_house).reshape(-1, 3).astype(np.int32),
        triangle_face=(owner[None] + np.arange(count)[:, None] * len(FACES)).ravel().astype(np.int32),
        objects=ObjectTable(
            ids=np.array([f"h{i}" for i in range(count)], dtype=np.dtypes.StringDType()),
            types=("Building",),
            type_code=np.zeros(count, np.uint16),
            parent=np.full(count, -1, np.int32),
        ),
        lods=("2",),
    )


def city_rows(count: int, frames: int) -> list[Row]:
    """Rows of one city."""
    city = city_of_houses(count)
    measures = measure(city, None)
    ground = make_ground(city, None, measures)
    applier = Applier(city, measures, ground)
    table = IndicatorTable(city, measures, ground)
    states = [
        SceneState(city, None, measures, ground, applier.apply(Scenario("tick").with_value("storeys_added", n)))
        for n in (0.0, 1.0)
    ]
    window = offscreen_window(SIZE)
    scene = CityScene(window)
    scene.resize(*SIZE)
    started = time.perf_counter()
    prepare(city, None, measures).make()
    arrays = time.perf_counter() - started
    started = time.perf_counter()
    scene.show(states[0])
    build = time.perf_counter() - started
    floors = {"plain": _PlainMesh(city, smooth=False), "plain, smooth": _PlainMesh(city, smooth=True)}
    home = scene.camera.home_pose()

    def turn(number: int) -> None:
        scene.camera.set_pose(replace(home, heading_deg=home.heading_deg + 0.7 * number))

    def draw() -> None:
        scene.render()
        window.WaitForCompletion()

    def rest(number: int) -> None:
        draw()

    def tick(number: int) -> None:
        scene.show(states[number % 2])
        draw()

    def tick_with_numbers(number: int) -> None:
        change = applier.apply(Scenario("drag").with_value("storeys_added", float(number % 3 - 1)))
        scene.show(replace(states[0], change=change))
        table.update(change)
        draw()

    def pick(number: int) -> None:
        scene.pick(SIZE[0] * (0.4 + 0.01 * (number % 20)), SIZE[1] * 0.55)

    times = _in_turn(
        {
            "plain": (lambda: None, lambda _: floors["plain"].draw(scene)),
            "plain, smooth": (lambda: None, lambda _: floors["plain, smooth"].draw(scene)),
            "rest": (lambda: scene.moving(False), rest),
            "tick": (lambda: None, tick),
            "numbers": (lambda: None, tick_with_numbers),
            "pick": (lambda: None, pick),
            "moving": (lambda: scene.moving(True), rest),
            "moving tick": (lambda: None, tick),
        },
        turn,
        frames,
    )
    scene.close()
    window.Finalize()
    for floor in floors.values():
        floor.close()
    smooth, rough = times["plain, smooth"], times["plain"]
    return [
        _ratio("resting frame / plain mesh, both antialiased", count, times["rest"] / smooth, RESTING_GOAL),
        _ratio("frame while moving / plain mesh, both jagged", count, times["moving"] / rough, MOVING_GOAL),
        _ratio("slider tick / unchanged frame", count, times["tick"] / times["rest"], TICK_GOAL),
        _plain_ratio("resting frame / plain mesh, jagged", count, times["rest"] / rough),
        _ms("plain VTK mesh, jagged", count, rough),
        _ms("plain VTK mesh, antialiased", count, smooth),
        _ms("resting frame (antialiased)", count, times["rest"]),
        _ms("frame while moving", count, times["moving"]),
        _ms("slider tick at rest", count, times["tick"]),
        _ms("slider tick while moving", count, times["moving tick"]),
        _ms("slider tick with indicators", count, times["numbers"]),
        _ms("pick", count, times["pick"]),
        _ms("arrays of the city (worker)", count, arrays),
        _ms("city into the scene", count, build),
    ]


class _PlainMesh:
    """The floor: all triangles of a city with a colour per vertex in one mesh, drawn by VTK as it comes, with or
    without the filter for smooth edges that the city's resting picture has."""

    def __init__(self, city: CityModel, *, smooth: bool) -> None:
        from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer

        from viewer.scene.vtk_data import triangles_mesh

        self._mesh = triangles_mesh(city.positions_local, city.triangles)
        shade = np.array([90, 200, 160], np.uint8)[np.minimum(city.face_surface, 2)]
        self._mesh.set_colors(np.repeat(shade[city.vertex_face][:, None], 3, axis=1))
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(self._mesh.data)
        actor = vtkActor()
        actor.SetMapper(mapper)
        self._renderer = vtkRenderer()
        self._renderer.SetUseFXAA(smooth)
        self._renderer.AddActor(actor)
        self._window = offscreen_window(SIZE)
        self._window.AddRenderer(self._renderer)

    def draw(self, scene: CityScene) -> None:
        """One frame from where a scene's camera is."""
        pose = scene.camera.pose
        camera = self._renderer.GetActiveCamera()
        camera.SetViewAngle(pose.view_angle_deg)
        camera.SetPosition(*pose.position)
        camera.SetFocalPoint(*pose.target)
        camera.SetViewUp(*pose.up)
        camera.SetClippingRange(*scene.camera.clipping_range())
        self._window.Render()
        self._window.WaitForCompletion()

    def close(self) -> None:
        """Give the window back."""
        self._window.Finalize()


def _in_turn(works: dict[str, tuple[Callable[[], None], Work]], turn: Work, frames: int) -> dict[str, float]:
    """Median seconds of each work, all of them once per frame; the first two rounds only warm up."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(frames + 2):
        turn(number)
        for name, (ready, work) in works.items():
            ready()
            started = time.perf_counter()
            work(number)
            if number >= 2:
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in times.items()}


def _ratio(what: str, count: int, value: float, goal: float) -> Row:
    return {
        "what": what, "houses": count, "value": value, "unit": "x", "goal": goal,
        "goal_text": f"<= {goal:.2f} x", "reached": value <= goal,
    }  # fmt: skip


def _plain_ratio(what: str, count: int, value: float) -> Row:
    return {"what": what, "houses": count, "value": value, "unit": "x", "goal": None,
            "goal_text": "", "reached": None}  # fmt: skip


def _ms(what: str, count: int, seconds: float) -> Row:
    return {"what": what, "houses": count, "value": seconds * 1000, "unit": "ms", "goal": None,
            "goal_text": "", "reached": None}  # fmt: skip
