"""The small shader program of the city: light and haze per vertex, heights from textures. GLSL and its uniforms only.

VTK would light every pixel; on computers without a graphics card that costs more than all triangles of a
city. The lights stand still and faces are flat, so one value per corner of a face gives the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkActor

from viewer.scene import textured
from viewer.scene.palettes import Look, rgb

#: Where the light comes from: compass direction and height above the horizon, degrees.
SUN = (142.0, 43.0)
#: Compass direction, height above the horizon (degrees), colour and strength: the sun, the sky opposite,
#: and a little from above.
LIGHTS: tuple[tuple[float, float, tuple[float, float, float], float], ...] = (
    (*SUN, (1.0, 0.97, 0.91), 0.80),
    (SUN[0] + 165.0, 38.0, (0.80, 0.88, 1.0), 0.30),
    (SUN[0] + 60.0, 80.0, (0.92, 0.95, 1.0), 0.10),
)
#: Share of light from everywhere, and of the directed lights.
AMBIENT, DIFFUSE = 0.60, 0.60


def direction(azimuth_deg: float, height_deg: float) -> NDArray[np.float64]:
    """(3,) unit vector towards a light."""
    a, h = np.radians(azimuth_deg), np.radians(height_deg)
    return np.array([np.sin(a) * np.cos(h), np.cos(a) * np.cos(h), np.sin(h)])


def light_on(normals: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n, 3) light that falls on faces with unit normals (n, 3); the twin of ``lightOn`` in the shader."""
    total = np.full((len(normals), 3), AMBIENT)
    for azimuth, height, color, strength in LIGHTS:
        toward = np.maximum(normals @ direction(azimuth, height), 0.0)
        total += DIFFUSE * strength * toward[:, None] * np.asarray(color)
    return total


def _light_glsl() -> str:
    terms = []
    for azimuth, height, color, strength in LIGHTS:
        x, y, z = direction(azimuth, height)
        r, g, b = (DIFFUSE * strength * c for c in color)
        terms.append(f"vec3({r:.6f}, {g:.6f}, {b:.6f}) * max(dot(n, vec3({x:.6f}, {y:.6f}, {z:.6f})), 0.0)")
    return f"vec3 lightOn(vec3 n) {{ return vec3({AMBIENT:.6f}) + " + "\n  + ".join(terms) + "; }\n"


#: Attribute ``feat``: x = object, y = height above its ground, z = weight of the lift, w = rank of a
#: green-roof face in 0..1 (2 = never green). Both textures hold one texel per object, 512 in a row.
_DECLARE_FEATURES = """in vec4 feat;
uniform sampler2D featureState;
uniform sampler2D featureColor;
"""

#: The twin of ``viewer.scenario.change.lifted_z``: z' = ground + height * factor + weight * lift.
_MOVE = """
  int row = int(feat.x + 0.5);
  ivec2 place = ivec2(row % 512, row / 512);
  vec4 state = texelFetch(featureState, place, 0);
  vec4 moved = vertexMC;
  moved.z = vertexMC.z + feat.y * state.x + feat.z * state.y;
  gl_Position = MCDCMatrix * moved;
"""
_STAY = """
  vec4 moved = vertexMC;
  gl_Position = MCDCMatrix * moved;
"""
_HIDE = """
  if (state.w < 0.5) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); }
"""
#: A scaled building has steeper roofs; a face that looks away is lit as seen, from behind.
_LIT = """
  vec4 tint = texelFetch(featureColor, place, 0);
  vec3 shown = feat.w <= state.z ? greenColor : scalarColor.rgb;
  vec3 n = normalize(vec3(faceNormal.xy * (1.0 + state.x), faceNormal.z));
  if (dot(n, eye - moved.xyz) < 0.0) { n = -n; }
  vec3 light = lightOn(n);
"""
_PAINT = """
  vec3 dye = tint.rgb * (0.90 + 0.10 * feat.z);
  shown = mix(shown, dye, tint.a) * light;
"""
_KEEP = """
  vec3 shown = scalarColor.rgb;
"""
_HAZE = """
  float haze = smoothstep(hazeRange.x, hazeRange.y, gl_Position.w);
  shown = mix(min(shown, vec3(1.0)), hazeColor, haze);
"""
#: Lines lie a little nearer to the eye than the faces they bound.
_NEARER = """
  float rowZ = length(vec3(MCDCMatrix[0][2], MCDCMatrix[1][2], MCDCMatrix[2][2]));
  float rowW = length(vec3(MCDCMatrix[0][3], MCDCMatrix[1][3], MCDCMatrix[2][3]));
  if (rowW > 1e-9) { gl_Position.z += 0.0012 * (gl_Position.z - rowZ / rowW * gl_Position.w); }
"""

#: What the occlusion pass asks of every pixel: place and normal as the eye sees them. Beyond the given
#: depth its numbers get too coarse and would draw rings on level ground, so nothing is asked there.
_OCCLUSION = """//VTK::Picking::Impl
  if (-placeVC.z < occlusionReach) {
    vec3 facing = normalize(facingVC);
    fragOutput1 = vec4(placeVC, 1.0);
    fragOutput2 = vec4(dot(facing, placeVC) > 0.0 ? -facing : facing, 1.0);
  }
"""


@dataclass(frozen=True)
class Program:
    """What the shader of an actor does.

    lifted : moves and hides by object. painted : takes tint, green and light per vertex; else the colours
    of the mesh are final. flat : each triangle shows the colour of its last corner. line : an edge. textured :
    shows the pictures of an atlas, see ``textured``. holes : leaves out what is see-through in them.
    """

    lifted: bool = True
    painted: bool = True
    flat: bool = False
    line: bool = False
    textured: bool = False
    holes: bool = False

    def apply(self, actor: vtkActor, *, occlusion: bool = False) -> None:
        """Give an actor this program, with or without what the occlusion pass needs."""
        mapper, surface, shader = actor.GetMapper(), actor.GetProperty(), actor.GetShaderProperty()
        mapper.SetVBOShiftScaleMethod(0)
        surface.LightingOff()
        surface.SetAmbient(1.0)
        surface.SetDiffuse(0.0)
        shader.ClearAllVertexShaderReplacements()
        shader.ClearAllFragmentShaderReplacements()
        shader.AddVertexShaderReplacement("//VTK::PositionVC::Dec", True, self._declared(occlusion), False)
        shader.AddVertexShaderReplacement("//VTK::PositionVC::Impl", True, self._body(occlusion), False)
        if self.flat:
            shader.AddFragmentShaderReplacement(
                "//VTK::PositionVC::Dec", True, "//VTK::PositionVC::Dec\nflat in vec3 flatColor;\n", False
            )
            shader.AddFragmentShaderReplacement(
                "//VTK::Light::Impl", True, "//VTK::Light::Impl\n  fragOutput0.rgb = flatColor;\n", False
            )
        if self.textured:
            shader.AddFragmentShaderReplacement("//VTK::PositionVC::Dec", True, textured.DECLARE_FRAGMENT, False)
            shader.AddFragmentShaderReplacement("//VTK::Light::Impl", True, textured.fragment(self.holes), False)
        if occlusion and not self.line:
            shader.AddFragmentShaderReplacement(
                "//VTK::Normal::Dec", True, "//VTK::Normal::Dec\nin vec3 placeVC;\nin vec3 facingVC;\n", False
            )
            shader.AddFragmentShaderReplacement("//VTK::Picking::Impl", True, _OCCLUSION, False)

    def _declared(self, occlusion: bool) -> str:
        text = "//VTK::PositionVC::Dec\n"
        if self.lifted:
            text += _DECLARE_FEATURES
        if self.painted or self.textured:
            text += "in vec3 faceNormal;\n" + _light_glsl()
        if self.textured:
            text += textured.DECLARE_VERTEX
        if self.flat:
            text += "flat out vec3 flatColor;\n"
        if occlusion and not self.line:
            text += "uniform mat4 MCVCMatrix;\nout vec3 placeVC;\nout vec3 facingVC;\n"
        return text

    def _body(self, occlusion: bool) -> str:
        text = _MOVE if self.lifted else _STAY
        if not self.line:
            if self.textured:
                text += textured.FETCH
            if self.painted:
                text += _LIT + (textured.SOFTEN if self.textured else "") + _PAINT
            else:
                text += _KEEP
            if self.textured:
                text += textured.PAINT_STANDING if self.painted else textured.PAINT_LYING
            text += _HAZE + (textured.HAZE if self.textured else "")
            text += "  flatColor = shown;\n" if self.flat else "  vertexColorVSOutput = vec4(shown, 1.0);\n"
            if occlusion:
                facing = "n" if self.painted else "vec3(0.0, 0.0, 1.0)"
                text += f"  placeVC = (MCVCMatrix * moved).xyz;\n  facingVC = mat3(MCVCMatrix) * {facing};\n"
        else:
            text += _NEARER
        return text + (_HIDE if self.lifted else "")


def set_look(actor: vtkActor, style: Look, start_m: float, end_m: float) -> None:
    """Colours of a theme that the program mixes in: haze between two distances from the eye, and green roofs."""
    uniforms = actor.GetShaderProperty().GetVertexCustomUniforms()
    uniforms.SetUniform3f("hazeColor", [float(v) for v in rgb(style.horizon)])
    uniforms.SetUniform2f("hazeRange", [float(start_m), float(end_m)])
    uniforms.SetUniform3f("greenColor", [float(v) for v in rgb(style.green)])


def set_eye(actor: vtkActor, eye: NDArray[np.float64], occlusion_reach_m: float) -> None:
    """Where the eye is, and how far soft shade in corners reaches; once for every picture."""
    shader = actor.GetShaderProperty()
    shader.GetVertexCustomUniforms().SetUniform3f("eye", [float(v) for v in eye])
    shader.GetFragmentCustomUniforms().SetUniformf("occlusionReach", float(occlusion_reach_m))
