"""Light and the ground: what a city stands in. A terrain in it is drawn by ``relief``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkActor, vtkLight, vtkPolyDataMapper, vtkRenderer

from viewer.city.ground import Ground
from viewer.scene.palettes import Look, rgb
from viewer.scene.relief import ReliefSurface
from viewer.scene.shading import LIGHTS, Program, direction, light_on, set_eye, set_look
from viewer.scene.vtk_data import Mesh, triangles_mesh

#: Nodes of the ground plane along a side: the fewest that stay this near to the grid, metres, nearly everywhere.
NODES = (32, 64, 96, 160)
CLOSE_M, NOT_CLOSE = 0.35, 0.005
_PROGRAM = Program(lifted=False, painted=False)


def light_city(renderer: vtkRenderer) -> None:
    """Lights for everything that VTK lights by itself: layers and trees."""
    renderer.RemoveAllLights()
    renderer.AutomaticLightCreationOff()
    renderer.LightFollowCameraOff()
    for azimuth, height, color, intensity in LIGHTS:
        light = vtkLight()
        light.SetLightTypeToSceneLight()
        light.PositionalOff()
        light.SetPosition(*direction(azimuth, height))
        light.SetFocalPoint(0.0, 0.0, 0.0)
        light.SetColor(*color)
        light.SetIntensity(intensity)
        renderer.AddLight(light)


class GroundPlane:
    """The ground: the height grid of the city, continued flat to the horizon, with the terrain in it.

    actors : what to draw.
    """

    def __init__(self, ground: Ground, span: float, below_m: float) -> None:
        self._span = span
        self._mesh, normals = _ground_mesh(ground, span, below_m)
        self._light = light_on(normals)
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(self._mesh.data)
        self.actor = vtkActor()
        self.actor.SetMapper(mapper)
        self.actor.ForceOpaqueOn()
        self.actor.PickableOff()
        _PROGRAM.apply(self.actor)
        fine = ground.detail
        self._relief = None if fine is None else ReliefSurface(fine, span, min(below_m, 0.45))
        self.actors = (self.actor,) if self._relief is None else (self.actor, self._relief.actor)

    def paint(self, style: Look) -> None:
        """Colours of a theme."""
        colors = np.clip(np.round(rgb(style.ground) * self._light * 255), 0, 255)
        self._mesh.set_colors(colors.astype(np.uint8))
        set_look(self.actor, style, self._span * 1.3, self._span * 5.0)
        if self._relief is not None:
            self._relief.paint(style)

    def set_occlusion(self, on: bool) -> None:
        """Whether a pass that darkens corners draws the ground."""
        _PROGRAM.apply(self.actor, occlusion=on)
        if self._relief is not None:
            self._relief.set_occlusion(on)

    def aim(self, eye: NDArray[np.float64], shade_reach: float) -> None:
        """Tell where the eye is, and where soft shade in corners ends, metres."""
        set_eye(self.actor, eye, shade_reach)
        if self._relief is not None:
            self._relief.aim(eye, shade_reach)


def _ground_mesh(ground: Ground, span: float, below_m: float) -> tuple[Mesh, NDArray[np.float64]]:
    """The thinned grid with a skirt that widens towards the horizon, and the normals of its points."""
    rows, cols = _thinned(ground.heights)
    x = ground.origin_local[0] + cols * ground.cell_m
    y = ground.origin_local[1] + rows * ground.cell_m
    hole = None
    if ground.detail is not None:
        west, south, east, north = hole = ground.detail.rectangle
        x, y = np.unique(np.append(x, (west, east))), np.unique(np.append(y, (south, north)))
    z = ground.height_at(np.stack(np.meshgrid(x, y), axis=-1))
    rim = float(np.median(np.concatenate([z[0], z[-1], z[:, 0], z[:, -1]])))
    # haze is worked out per point, so the points stand closer where it grows
    steps = span * np.array([0.35, 0.8, 1.3, 1.9, 2.6, 3.4, 4.4, 6.0, 9.0])
    x = np.concatenate([x[0] - steps[::-1], x, x[-1] + steps])
    y = np.concatenate([y[0] - steps[::-1], y, y[-1] + steps])
    z = np.pad(z, len(steps), mode="constant", constant_values=rim) - below_m
    gx, gy = np.meshgrid(x, y)
    points = np.column_stack([gx.ravel(), gy.ravel(), z.ravel()])
    n = len(x)
    j, i = np.meshgrid(np.arange(len(y) - 1), np.arange(n - 1), indexing="ij")
    a = (j * n + i).ravel()
    if hole is not None:  # the terrain itself is drawn there
        middle_x, middle_y = (x[:-1] + x[1:]) / 2, (y[:-1] + y[1:]) / 2
        covered = np.outer((middle_y > south) & (middle_y < north), (middle_x > west) & (middle_x < east))
        a = a[~covered.ravel()]
    triangles = np.concatenate([np.column_stack([a, a + 1, a + n + 1]), np.column_stack([a, a + n + 1, a + n])])
    dy, dx = np.gradient(z, y, x)
    normals = np.column_stack([-dx.ravel(), -dy.ravel(), np.ones(dx.size)])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return triangles_mesh(points, triangles), normals


def _thinned(heights: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of a height grid that are enough to draw it."""
    ny, nx = heights.shape
    for nodes in NODES:
        jump = max(1, int(np.ceil(max(nx, ny) / nodes)))
        rows = np.unique(np.append(np.arange(0, ny, jump), ny - 1))
        cols = np.unique(np.append(np.arange(0, nx, jump), nx - 1))
        if nodes == NODES[-1] or jump == 1:
            break
        across = _between(heights[np.ix_(rows, cols)], cols, nx)
        rebuilt = _between(across.T, rows, ny).T
        if np.count_nonzero(np.abs(rebuilt - heights) > CLOSE_M) <= NOT_CLOSE * heights.size:
            break
    return rows, cols


def _between(values: NDArray[np.floating], at: NDArray[np.intp], count: int) -> NDArray[np.floating]:
    """(m, count) linear between columns (m, n) that stand at ``at``."""
    if len(at) < 2:
        return np.repeat(values, count, axis=1)
    place = np.arange(count)
    left = np.clip(np.searchsorted(at, place, side="right") - 1, 0, len(at) - 2)
    share = (place - at[left]) / (at[left + 1] - at[left])
    return np.asarray(values[:, left] * (1 - share) + values[:, left + 1] * share)
