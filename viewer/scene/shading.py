"""The small shader program of the city: light and haze per vertex, heights from textures. GLSL and its uniforms only.

VTK would light every pixel; on computers without a graphics card that costs more than all triangles of a
city. The lights stand still and faces are flat, so one value per corner of a face gives the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

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


#: Attribute ``feat``: see ``viewer.scene.packing``. The textures hold one texel per row, 512 beside each other;
#: ``codeColor`` one per colour code. What is not ``shownNow`` is only being handed to the graphics card.
_DECLARE_FEATURES = """in vec3 feat;
uniform sampler2D featureState;
uniform sampler2D featureColor;
uniform sampler2D codeColor;
"""

#: The twin of ``viewer.scenario.change.lifted_z``: z' = ground + height * factor + weight * lift.
_MOVE = """
  int row = int(feat.x);
  int word = int(feat.y);
  ivec2 place = ivec2(row & 511, row >> 9);
  vec4 state = texelFetch(featureState, place, 0);
  float weight = float(word & 16383) / 16383.0;
  float height = vertexMC.z - state.w;
  vec4 moved = vertexMC;
  moved.z = vertexMC.z + height * state.x + weight * state.y;
  gl_Position = MCDCMatrix * moved;
"""
_STAY = """
  vec4 moved = vertexMC;
  gl_Position = MCDCMatrix * moved;
"""
_HIDE = """
  if (state.z < -1.5 || shownNow < 0.5) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); }
"""
#: Feet of walls are a little darker, as in soft shade; neighbours of one kind differ a little, so that a row of
#: houses reads as houses. A scaled building has steeper roofs; a face that looks away is lit as seen, from behind.
_READ = """
  int bits = int(feat.z);
  vec4 tint = texelFetch(featureColor, place, 0);
  float rank = float(word >> 14) / 1022.0;
  float tone = 0.965 + 0.07 * fract(feat.x * 0.618034);
"""
_BARE = """
  vec3 shown = BASE * (tone * (FOOT));
  if (rank <= state.z) { shown = greenColor; }
"""
_LIT = """
  vec2 around = vec2(float(bits & 511), float((bits >> 9) & 511)) / 255.0 - 1.0;
  vec3 n = vec3(around, 1.0 - abs(around.x) - abs(around.y));
  if (n.z < 0.0) { n.xy = (1.0 - abs(n.yx)) * vec2(n.x < 0.0 ? -1.0 : 1.0, n.y < 0.0 ? -1.0 : 1.0); }
  n = normalize(vec3(n.xy * (1.0 + state.x), n.z));
  if (dot(n, eye - moved.xyz) < 0.0) { n = -n; }
  vec3 light = lightOn(n);
"""
#: For points that faces share: the last corner of a triangle brings the colour of its face in light and haze; how dark
#: the foot is, or how light the dye, comes from all three. A green roof takes back what its height would darken.
_SHARED_PAINT = """
  vec3 shown = BASE * tone;
  facePoint = mix(FOOT, 0.90 + 0.10 * weight, tint.a);
  if (rank <= state.z) { shown = greenColor / facePoint; }
  float haze = smoothstep(hazeRange.x, hazeRange.y, gl_Position.w);
  facePaint = vec4(min(mix(shown, tint.rgb, tint.a) * light, vec3(1.0)) * (1.0 - haze), haze);
"""
_SHARED_FRAGMENT = """
  fragOutput0.rgb = facePaint.rgb * facePoint + hazeColor * facePaint.a;
"""
_BASE = "texelFetch(codeColor, ivec2(bits >> 18, 0), 0).rgb"
_FOOT, _FOOT_OF_BLOCK = "mix(0.86, 1.0, clamp(height / 9.0, 0.0, 1.0))", "weight < 0.5 ? 0.95 : 1.0"
_PAINT = """
  vec3 dye = tint.rgb * (0.90 + 0.10 * weight);
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

#: VTK drops pixels that nobody could see through. What is opaque has none, and a program that drops pixels cannot skip
#: those behind others: without a graphics card a picture takes nearly twice as long.
_NO_DISCARD = ("    {\n    discard;\n    }", True, "    { }", False)

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

    lifted : moves and hides by object. painted : takes colour, tint, green and light per vertex; else the
    colours of the mesh are final. flat : each triangle shows the colour of its last corner. shared : the same, but
    with darker feet and haze from all three. line : an edge. textured : shows the pictures of an atlas, see
    ``textured``. holes : leaves out what is see-through in them. colored : takes its colours from the mesh.
    clear : with their opacity.
    """

    lifted: bool = True
    painted: bool = True
    flat: bool = False
    shared: bool = False
    line: bool = False
    textured: bool = False
    holes: bool = False
    colored: bool = False
    clear: bool = False

    def apply(self, actor: vtkActor, *, occlusion: bool = False) -> None:
        """Give an actor this program, with or without what the occlusion pass needs."""
        mapper, surface, shader = actor.GetMapper(), actor.GetProperty(), actor.GetShaderProperty()
        mapper.SetVBOShiftScaleMethod(0)
        surface.LightingOff()
        surface.SetAmbient(1.0)
        surface.SetDiffuse(0.0)
        shader.ClearAllVertexShaderReplacements()
        shader.ClearAllFragmentShaderReplacements()
        texts = _vertex_texts(self, occlusion)
        shader.AddVertexShaderReplacement("//VTK::PositionVC::Dec", True, texts[0], False)
        shader.AddVertexShaderReplacement("//VTK::PositionVC::Impl", True, texts[1], False)
        declared, light = "//VTK::PositionVC::Dec\n", "//VTK::Light::Impl\n"
        if self.shared:
            declared += "flat in vec4 facePaint;\nin float facePoint;\n"
            light += _SHARED_FRAGMENT
        elif self._colors_itself:
            declared += ("flat in" if self.flat else "in") + " vec3 paintedColor;\n"
            light += "  fragOutput0.rgb = paintedColor;\n"
        if self.textured:
            declared += textured.DECLARE_FRAGMENT.replace("//VTK::PositionVC::Dec\n", "")
            light += textured.fragment(self.holes).replace("//VTK::Light::Impl\n", "")
        shader.AddFragmentShaderReplacement("//VTK::PositionVC::Dec", True, declared, False)
        shader.AddFragmentShaderReplacement("//VTK::Light::Impl", True, light, False)
        if self.lifted or not self.painted:
            shader.AddFragmentShaderReplacement(*_NO_DISCARD)
        if occlusion and not self.line:
            shader.AddFragmentShaderReplacement(
                "//VTK::Normal::Dec", True, f"//VTK::Normal::Dec\nin vec3 placeVC;\n{self._facing('in')}", False
            )
            shader.AddFragmentShaderReplacement("//VTK::Picking::Impl", True, _OCCLUSION, False)

    @property
    def shaded(self) -> bool:
        """Whether it tells the pass that darkens corners where its pixels are; lines and panes do not."""
        return not (self.line or self.clear)

    def vertex_texts(self, occlusion: bool) -> tuple[str, str]:
        """What the vertex shader declares and does."""
        return self._declared(occlusion), self._body(occlusion)

    @property
    def _colors_itself(self) -> bool:
        """Whether colours come from packed numbers instead of the mesh."""
        return self.lifted and self.painted and not self.line

    def _declared(self, occlusion: bool) -> str:
        text = "//VTK::PositionVC::Dec\n"
        if self.lifted:
            text += _DECLARE_FEATURES
        if self.painted or self.textured:
            text += _light_glsl()
        if self.shared:
            text += "flat out vec4 facePaint;\nout float facePoint;\n"
        elif self._colors_itself:
            text += ("flat out" if self.flat else "out") + " vec3 paintedColor;\n"
        elif self.painted or self.textured:
            text += "in vec3 faceNormal;\n"
        if self.textured:
            text += textured.DECLARE_VERTEX
        if occlusion and not self.line:
            text += f"uniform mat4 MCVCMatrix;\nout vec3 placeVC;\n{self._facing('out')}"
        return text

    def _facing(self, way: str) -> str:
        return f"{'flat ' if self.shared else ''}{way} vec3 facingVC;\n"

    def _body(self, occlusion: bool) -> str:
        text = _MOVE if self.lifted else _STAY
        if not self.line:
            if self.textured:
                text += textured.FETCH
            if self.shared:
                text += _READ + _LIT + _SHARED_PAINT
            elif self.painted:
                text += _READ + _BARE + _LIT + (textured.SOFTEN if self.textured else "") + _PAINT
            else:
                text += _KEEP
            if self.textured:
                text += textured.PAINT_STANDING if self.painted else textured.PAINT_LYING
            if not self.shared:
                text += _HAZE + (textured.HAZE if self.textured else "")
                text += "  paintedColor = shown;\n" if self.painted else "  vertexColorVSOutput = vec4(shown, 1.0);\n"
            text = text.replace("FOOT", _FOOT_OF_BLOCK if self.flat else _FOOT)
            text = text.replace("BASE", "scalarColor.rgb" if self.textured or self.colored else _BASE)
            if occlusion:
                facing = "n" if self.painted else "vec3(0.0, 0.0, 1.0)"
                text += f"  placeVC = (MCVCMatrix * moved).xyz;\n  facingVC = mat3(MCVCMatrix) * {facing};\n"
        else:
            text += _NEARER
        return text + (_HIDE if self.lifted else "")


@cache
def _vertex_texts(program: Program, occlusion: bool) -> tuple[str, str]:
    return program.vertex_texts(occlusion)


def set_look(actor: vtkActor, style: Look, start_m: float, end_m: float) -> None:
    """Colours of a theme that the program mixes in: haze between two distances from the eye, and green roofs."""
    shader, haze = actor.GetShaderProperty(), [float(v) for v in rgb(style.horizon)]
    shader.GetFragmentCustomUniforms().SetUniform3f("hazeColor", haze)
    uniforms = shader.GetVertexCustomUniforms()
    uniforms.SetUniform3f("hazeColor", haze)
    uniforms.SetUniform2f("hazeRange", [float(start_m), float(end_m)])
    uniforms.SetUniform3f("greenColor", [float(v) for v in rgb(style.green)])


def set_shown(actor: vtkActor, shown: bool) -> None:
    """Whether what moves by object is seen, or only handed to the graphics card."""
    actor.GetShaderProperty().GetVertexCustomUniforms().SetUniformf("shownNow", float(shown))


def set_eye(actor: vtkActor, eye: NDArray[np.float64], occlusion_reach_m: float) -> None:
    """Where the eye is, and how far soft shade in corners reaches; once for every picture."""
    shader = actor.GetShaderProperty()
    shader.GetVertexCustomUniforms().SetUniform3f("eye", [float(v) for v in eye])
    shader.GetFragmentCustomUniforms().SetUniformf("occlusionReach", float(occlusion_reach_m))
