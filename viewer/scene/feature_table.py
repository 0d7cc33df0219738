"""Per-object values for the vertex shader, as two small textures: one texel per top-level object.

A slider tick writes the first texture, colouring and highlighting the second; geometry is never touched.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkRenderingCore import vtkTexture

WIDTH = 512


class FeatureTexture:
    """K rows of four numbers each as a texture of 512 columns."""

    def __init__(self, count: int, dtype: type[np.float32] | type[np.uint8]) -> None:
        self._rows = max((count + WIDTH - 1) // WIDTH, 1)
        self._count = count
        self._dtype = dtype
        self._image = vtkImageData()
        self._image.SetDimensions(WIDTH, self._rows, 1)
        self._kept: NDArray[Any] = np.zeros((self._rows * WIDTH, 4), dtype)
        self.texture = vtkTexture()
        self.texture.SetInputData(self._image)
        self.texture.InterpolateOff()
        self.texture.MipmapOff()
        self.texture.RepeatOff()
        self.texture.SetColorModeToDirectScalars()
        self._show()

    def set(self, values: NDArray[Any]) -> None:
        """Write (K, 4) values."""
        fresh = np.zeros_like(self._kept)
        fresh[: self._count] = values
        self._kept = fresh
        self._show()

    def _show(self) -> None:
        self._image.GetPointData().SetScalars(numpy_to_vtk(self._kept))
        self._image.Modified()


#: Declarations both shaders of the city share. Attribute ``feat``: x = object, y = height above its
#: ground, z = weight of the lift, w = rank of a green-roof face in 0..1 (2 = never green).
DECLARE = """//VTK::PositionVC::Dec
in vec4 feat;
uniform sampler2D featureState;
uniform sampler2D featureColor;
"""

#: The twin of ``viewer.scenario.change.lifted_z``: z' = ground + height * factor + weight * lift.
MOVE = """
  int row = int(feat.x + 0.5);
  ivec2 place = ivec2(row % 512, row / 512);
  vec4 state = texelFetch(featureState, place, 0);
  vec4 moved = vertexMC;
  moved.z = vertexMC.z + feat.y * state.x + feat.z * state.y;
  gl_Position = MCDCMatrix * moved;
  if (state.w < 0.5) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); }
"""

PAINT = """
  vertexVCVSOutput = MCVCMatrix * moved;
  vec4 tint = texelFetch(featureColor, place, 0);
  vec3 painted = vertexColorVSOutput.rgb;
  if (feat.w <= state.z) { painted = greenColor; }
  vertexColorVSOutput = vec4(mix(painted, tint.rgb * (0.90 + 0.10 * feat.z), tint.a), 1.0);
"""

#: Lines lie a little nearer to the eye than the faces they bound.
NEARER = """
  gl_Position.z -= 0.0004 * gl_Position.w;
"""
