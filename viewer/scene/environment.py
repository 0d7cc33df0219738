"""Sky, light and the ground plane: what a city stands in."""

from __future__ import annotations

import numpy as np
from vtkmodules.vtkRenderingCore import vtkActor, vtkLight, vtkPolyDataMapper, vtkRenderer

from viewer.city.ground import Ground
from viewer.scene.palettes import Look, rgb
from viewer.scene.vtk_data import Mesh, triangles_mesh

#: Where the light comes from: compass direction and height above the horizon, degrees.
SUN = (142.0, 43.0)


def light_city(renderer: vtkRenderer) -> None:
    """Sun, sky light from the other side, and a little light from everywhere."""
    renderer.RemoveAllLights()
    renderer.AutomaticLightCreationOff()
    renderer.LightFollowCameraOff()
    for azimuth, height, color, intensity in (
        (*SUN, (1.0, 0.97, 0.91), 0.80),
        (SUN[0] + 165.0, 38.0, (0.80, 0.88, 1.0), 0.30),
        (SUN[0] + 60.0, 80.0, (0.92, 0.95, 1.0), 0.10),
    ):
        a, h = np.radians(azimuth), np.radians(height)
        light = vtkLight()
        light.SetLightTypeToSceneLight()
        light.PositionalOff()
        light.SetPosition(float(np.sin(a) * np.cos(h)), float(np.cos(a) * np.cos(h)), float(np.sin(h)))
        light.SetFocalPoint(0.0, 0.0, 0.0)
        light.SetColor(*color)
        light.SetIntensity(intensity)
        renderer.AddLight(light)


def paint_sky(renderer: vtkRenderer, style: Look) -> None:
    """A gradient from the horizon up."""
    renderer.GradientBackgroundOn()
    renderer.SetBackground(*rgb(style.horizon))
    renderer.SetBackground2(*rgb(style.sky_top))


_HAZE = """//VTK::Light::Impl
  float hazeShare = smoothstep(hazeRange.x, hazeRange.y, length(vertexVC.xyz));
  fragOutput0.rgb = mix(fragOutput0.rgb, hazeColor, hazeShare);
"""


def add_haze(actor: vtkActor, style: Look, start: float, end: float) -> None:
    """Let an actor fade into the horizon between two distances from the eye, metres."""
    shader = actor.GetShaderProperty()
    shader.ClearFragmentShaderReplacement("//VTK::Light::Impl", True)
    shader.AddFragmentShaderReplacement("//VTK::Light::Impl", True, _HAZE, False)
    set_haze(actor, style, start, end)


def set_haze(actor: vtkActor, style: Look, start: float, end: float) -> None:
    """Change colour and distances of the haze of an actor that has one."""
    uniforms = actor.GetShaderProperty().GetFragmentCustomUniforms()
    uniforms.SetUniform3f("hazeColor", [float(v) for v in rgb(style.horizon)])
    uniforms.SetUniform2f("hazeRange", [float(start), float(end)])


class GroundPlane:
    """The ground: the height grid of the city, continued flat to the horizon."""

    def __init__(self, ground: Ground, span: float, below_m: float) -> None:
        self._mesh = _ground_mesh(ground, span, below_m)
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(self._mesh.data)
        mapper.ScalarVisibilityOff()
        self.actor = vtkActor()
        self.actor.SetMapper(mapper)
        self.actor.GetProperty().SetInterpolationToGouraud()
        self.actor.GetProperty().SetAmbient(0.46)
        self.actor.GetProperty().SetDiffuse(0.66)
        self.actor.GetProperty().SetSpecular(0.0)
        self.actor.PickableOff()

    def paint(self, style: Look, span: float) -> None:
        """Colours of a theme."""
        self.actor.GetProperty().SetColor(*rgb(style.ground))
        add_haze(self.actor, style, span * 1.3, span * 5.0)


def _ground_mesh(ground: Ground, span: float, below_m: float) -> Mesh:
    """The grid, thinned to at most 160 nodes a side, with a wide skirt."""
    ny, nx = ground.heights.shape
    jump = max(1, int(np.ceil(max(nx, ny) / 160)))
    rows = np.unique(np.append(np.arange(0, ny, jump), ny - 1))
    cols = np.unique(np.append(np.arange(0, nx, jump), nx - 1))
    x = ground.origin_local[0] + cols * ground.cell_m
    y = ground.origin_local[1] + rows * ground.cell_m
    z = ground.heights[np.ix_(rows, cols)].astype(np.float64)
    rim = float(np.median(np.concatenate([z[0], z[-1], z[:, 0], z[:, -1]])))
    far = 9.0 * span
    x = np.concatenate([[x[0] - far, x[0] - span * 0.35], x, [x[-1] + span * 0.35, x[-1] + far]])
    y = np.concatenate([[y[0] - far, y[0] - span * 0.35], y, [y[-1] + span * 0.35, y[-1] + far]])
    z = np.pad(z, 2, mode="constant", constant_values=rim) - below_m
    gx, gy = np.meshgrid(x, y)
    points = np.column_stack([gx.ravel(), gy.ravel(), z.ravel()])
    n = len(x)
    j, i = np.meshgrid(np.arange(len(y) - 1), np.arange(n - 1), indexing="ij")
    a = (j * n + i).ravel()
    triangles = np.concatenate([np.column_stack([a, a + 1, a + n + 1]), np.column_stack([a, a + n + 1, a + n])])
    mesh = triangles_mesh(points, triangles)
    dy, dx = np.gradient(z, y, x)
    normals = np.column_stack([-dx.ravel(), -dy.ravel(), np.ones(dx.size)])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    mesh.set_normals(normals.astype(np.float32))
    return mesh
