"""NumPy arrays into VTK without copying. The Python side must keep the arrays alive; ``Mesh`` does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

#: A place in memory for arrays that have let go of theirs.
_NOTHING = np.zeros(8)


@dataclass(eq=False)
class Mesh:
    """A vtkPolyData over NumPy arrays that stay alive with it."""

    data: Any
    kept: list[NDArray[Any]] = field(default_factory=list)

    def add(self, name: str, values: NDArray[Any]) -> None:
        """Point data under a name."""
        values = np.ascontiguousarray(values)
        array = numpy_to_vtk(values)
        array.SetName(name)
        self.data.GetPointData().AddArray(array)
        self.kept.append(values)

    def set_colors(self, colors: NDArray[np.uint8]) -> None:
        """(n, 3) or (n, 4) uint8, one colour per point."""
        colors = np.ascontiguousarray(colors)
        array = numpy_to_vtk(colors)
        array.SetName("color")
        self.data.GetPointData().SetScalars(array)
        self.data.Modified()
        self.kept = [k for k in self.kept if k.dtype != np.uint8] + [colors]

    def release(self) -> None:
        """Let go of all arrays once the graphics card has copies. VTK looks at them again only when they change, which
        from now on they must not."""
        data = self.data
        points, attributes = data.GetPoints(), data.GetPointData()
        arrays = [points.GetData()] + [attributes.GetArray(i) for i in range(attributes.GetNumberOfArrays())]
        for cells in (data.GetPolys(), data.GetLines()):
            if cells.GetNumberOfCells():
                arrays += [cells.GetConnectivityArray(), cells.GetOffsetsArray()]
        for array in arrays:
            array.SetVoidArray(_NOTHING, 0, 1)
            for holder in (array, array.GetBuffer()):  # either keeps the NumPy array, by version
                vars(holder).pop("_numpy_reference", None)
        self.kept.clear()

    def set_normals(self, normals: NDArray[np.float32]) -> None:
        """(n, 3) float32 unit normals of the points."""
        normals = np.ascontiguousarray(normals, np.float32)
        self.data.GetPointData().SetNormals(numpy_to_vtk(normals))
        self.kept.append(normals)


def triangles_mesh(points: NDArray[np.floating], triangles: NDArray[np.integer]) -> Mesh:
    """Triangles (n, 3) over points (m, 3)."""
    return _mesh(points, triangles, 3)


def segments_mesh(points: NDArray[np.floating], segments: NDArray[np.integer]) -> Mesh:
    """Line segments (n, 2) over points (m, 3)."""
    return _mesh(points, segments, 2)


def _mesh(points: NDArray[np.floating], cells: NDArray[np.integer], size: int) -> Mesh:
    points = np.ascontiguousarray(points, np.float32)
    flat = np.ascontiguousarray(cells, np.int32).reshape(-1)
    starts = np.arange(0, len(flat) + 1, size, dtype=np.int32)
    vtk_points = vtkPoints()
    vtk_points.SetData(numpy_to_vtk(points))
    array = vtkCellArray()
    array.SetData(numpy_to_vtk(starts), numpy_to_vtk(flat))
    data = vtkPolyData()
    data.SetPoints(vtk_points)
    if size == 3:
        data.SetPolys(array)
    else:
        data.SetLines(array)
    return Mesh(data, [points, flat, starts])
