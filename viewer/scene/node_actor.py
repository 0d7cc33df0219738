"""One node of a city on the graphics card: an actor whose arrays live there alone once it was drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkDataObject
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkProperty

from viewer.scene.shading import Program, set_shown
from viewer.scene.tile_mesh import TileMesh
from viewer.scene.vtk_data import Mesh, segments_mesh, triangles_mesh


@dataclass(eq=False)
class NodeActor:
    """An actor and what it costs.

    page : of ``Rows`` that moves it, -1 for none. seen : whether it is in the picture. offered : whether the next
    picture brings it to the graphics card, if it is not there. drawn : whether one did. last_seen : number of the last
    picture that needed it.
    """

    actor: vtkActor
    mesh: Mesh
    program: Program
    page: int
    card_bytes: int
    triangles: int
    seen: bool = False
    offered: bool = False
    drawn: bool = False
    last_seen: int = 0

    def show(self, seen: bool, ahead: bool = False) -> None:
        """Put it into the picture or take it out. ``ahead``: what the graphics card does not have yet is drawn all the
        same, but nowhere, and so gets there."""
        if self.program.lifted and seen != self.seen:
            set_shown(self.actor, seen)
        self.seen = seen
        self.offered = seen or (ahead and self.program.lifted and not self.drawn)
        self.actor.SetVisibility(self.offered)

    def release(self) -> None:
        """Forget the arrays on this side; the graphics card has its own."""
        self.drawn = True
        self.mesh.release()


def node_actor(
    made: TileMesh,
    program: Program,
    surface: vtkProperty,
    page: int,
    *,
    more: dict[str, NDArray[np.float32]] | None = None,
    colors: NDArray[np.uint8] | None = None,
    occlusion: bool = False,
) -> NodeActor:
    """An actor of what was made in a thread, not yet visible.

    surface : shared by all actors that use the same textures. more : further attributes of the points for the shader.
    colors : (n, 3) or (n, 4) uint8 of the points, for programs that take colours from the mesh.
    """
    mesh = (segments_mesh if made.cells.shape[1] == 2 else triangles_mesh)(made.points, made.cells)
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(mesh.data)
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.SetProperty(surface)
    if program.clear:
        actor.ForceTranslucentOn()
    else:
        actor.ForceOpaqueOn()
    actor.PickableOff()
    attributes = dict(more or {})
    if len(made.feat):
        attributes["feat"] = made.feat
    extra = 0
    for name, values in attributes.items():
        mesh.add(name, values)
        mapper.MapDataArrayToVertexAttribute(name, name, vtkDataObject.FIELD_ASSOCIATION_POINTS, -1)
        extra += values.nbytes
    if colors is not None:
        mesh.set_colors(colors)
        extra += 4 * len(colors)
    mesh.data.GetBounds()  # while the points are there
    program.apply(actor, occlusion=occlusion and program.shaded)
    set_shown(actor, False)
    actor.VisibilityOff()
    card = made.points.nbytes + made.cells.nbytes + extra
    return NodeActor(actor, mesh, program, page, card, 0 if program.line else len(made.cells))
