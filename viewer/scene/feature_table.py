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
        fresh[: len(values)] = values
        self._kept = fresh
        self._show()

    def _show(self) -> None:
        self._image.GetPointData().SetScalars(numpy_to_vtk(self._kept))
        self._image.Modified()
