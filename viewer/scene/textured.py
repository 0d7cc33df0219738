"""Faces with pictures on the graphics card: the atlas as a texture, and the part of the shader that shows it.

The vertex program of ``shading`` finds light, tint and haze as for every face and hands on by how much to multiply
the picture and what to add; the fragment program looks the picture up. From afar, where a picture is smaller
than the atlas keeps apart, a face takes its mean colour, which is also the colour of its vertices.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkRenderingCore import vtkProperty, vtkTexture

from viewer.scene.atlas import LEVELS, Atlas
from viewer.scene.feature_table import FeatureTexture

#: Name of the vertex attribute: u, v, and the number of the picture, -1 for none.
ATTRIBUTE = "picture"

#: ``atlasPlace`` holds one texel per picture, 512 in a row, see ``Atlas.place``.
DECLARE_VERTEX = """in vec3 picture;
uniform sampler2D atlasPlace;
out vec2 pictureAt;
flat out vec4 picturePlace;
out vec3 pictureGain;
out vec3 pictureAdd;
"""
FETCH = """
  int pictureRow = int(max(picture.z, 0.0) + 0.5);
  pictureAt = picture.xy;
  picturePlace = texelFetch(atlasPlace, ivec2(pictureRow % 512, pictureRow / 512), 0);
  if (picture.z < -0.5) { picturePlace = vec4(0.0); }
"""
#: Photographs have light and shade in them already. A green roof hides its picture.
SOFTEN = """
  if (rank <= state.z) { picturePlace = vec4(0.0); }
  if (picturePlace.z != 0.0) { light = mix(light, vec3(1.0), 0.5 * (1.0 - tint.a)); }
"""
#: For what stands: light, dye and tint come from the program around it.
PAINT_STANDING = """
  pictureGain = light * (1.0 - tint.a);
  pictureAdd = dye * light * tint.a;
"""
#: For the ground, whose colours are final: light alone.
PAINT_LYING = """
  pictureGain = lightOn(vec3(faceNormal.xy, abs(faceNormal.z)));
  pictureAdd = vec3(0.0);
"""
HAZE = """
  pictureGain *= 1.0 - haze;
  pictureAdd = mix(pictureAdd, hazeColor, haze);
"""
DECLARE_FRAGMENT = """//VTK::PositionVC::Dec
in vec2 pictureAt;
flat in vec4 picturePlace;
in vec3 pictureGain;
in vec3 pictureAdd;
"""
#: A negative width says that the picture ends at its sides. One that repeats jumps from its end to its beginning, which
#: the card would take for a very small picture; so where four pixels see a jump, all of them count backwards from the
#: beginning, into the border. The card chooses the level: given one by us, Mesa's software driver is many times
#: slower and leaves dots along the edges of triangles. Beyond the levels that keep pictures apart comes the mean
#: colour.
_LOOK_UP = f"""//VTK::Light::Impl
  vec2 pictureSize = vec2(textureSize(atlas, 0)) * abs(picturePlace.zw);
  vec2 alongX = dFdx(pictureAt) * pictureSize;
  vec2 alongY = dFdy(pictureAt) * pictureSize;
  vec2 cut = fract(pictureAt);
  vec2 slope = fwidth(cut);
  vec2 jump = step(0.5, slope + fwidth(slope));
  vec2 inside = picturePlace.z < 0.0 ? clamp(pictureAt, 0.0, 1.0) : cut - jump * step(0.5, cut);
  vec4 seen = texture(atlas, picturePlace.xy + inside * abs(picturePlace.zw));
  if (picturePlace.z != 0.0) {{
    float level = 0.5 * log2(max(max(dot(alongX, alongX), dot(alongY, alongY)), 1e-9));
    float near = 1.0 - smoothstep({LEVELS - 1}.5, {LEVELS + 1}.0, level);
    fragOutput0.rgb = mix(fragOutput0.rgb, min(seen.rgb * pictureGain + pictureAdd, vec3(1.0)), near);
"""
#: From afar the colours of several pictures and the gaps between them are one pixel, and say nothing about holes.
_HOLES = "    if (mix(1.0, seen.a, near) < 0.5) { discard; }\n"


def fragment(holes: bool) -> str:
    """The fragment program; with ``holes``, which are dear, see-through parts of pictures are left out."""
    return _LOOK_UP + (_HOLES if holes else "") + "  }\n"


class AtlasTextures:
    """The atlas of one city for any number of actors."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        height, width = atlas.image.shape[:2]
        self._image = vtkImageData()
        self._image.SetDimensions(width, height, 1)
        self._kept: NDArray[Any] = atlas.image.reshape(height * width, -1)
        self._image.GetPointData().SetScalars(numpy_to_vtk(self._kept))
        self._picture = vtkTexture()
        self._picture.SetInputData(self._image)
        self._picture.InterpolateOn()
        self._picture.MipmapOn()
        self._picture.RepeatOff()
        self._picture.EdgeClampOn()
        self._picture.SetColorModeToDirectScalars()
        self._place = FeatureTexture(len(atlas.place), np.float32)
        self._place.set(atlas.place)

    @property
    def holes(self) -> bool:
        """Whether some pictures have see-through parts."""
        return bool(self.atlas.image.shape[2] == 4)

    def give_to(self, surface: vtkProperty) -> None:
        """Let actors with this property use the atlas; their program has to be a textured one."""
        surface.SetTexture("atlas", self._picture)
        surface.SetTexture("atlasPlace", self._place.texture)
