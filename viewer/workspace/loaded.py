"""What one reading brought in, and everything derived from the open cities at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel, Frame, ImportReport, Layer
from viewer.city.arrange import arrange_with_order
from viewer.city.ground import Ground, make_ground
from viewer.city.lod import faces_at
from viewer.city.measures import Measures, measure
from viewer.city.merge import merge
from viewer.plugin_api import Progress
from viewer.scenario.apply import Applier
from viewer.scene import ready_mesh
from viewer.scene.city_mesh import prepare
from viewer.workspace import ready

#: Which cities, at which level of detail: (source key, LoD) in drawing order.
CityKey = tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Loaded:
    """One file as it was read, not yet part of the session.

    city or layers is set. derived : prepared in the worker, so that adopting is quick.
    """

    key: str
    path: str
    reader: str
    title: str
    report: ImportReport
    options: tuple[tuple[str, str], ...] = ()
    questions: dict[str, str] = field(default_factory=dict)
    city: CityModel | None = None
    layers: tuple[Layer, ...] = ()
    derived: Derived | None = None

    @property
    def kind(self) -> str:
        """``"city"`` or ``"layer"``."""
        return "city" if self.city is not None else "layer"


@dataclass(frozen=True, eq=False)
class Derived:
    """Everything that follows from the open cities alone; never from a scenario."""

    key: CityKey
    city: CityModel
    lod_faces: NDArray[np.bool_]
    measures: Measures
    ground: Ground
    applier: Applier

    @property
    def frame(self) -> Frame:
        """The frame all data is drawn in."""
        return self.city.frame


def derive(
    key: CityKey,
    cities: dict[str, CityModel],
    progress: Progress | None = None,
    packed: Mapping[str, NDArray[np.generic]] | None = None,
) -> Derived:
    """Merge the cities of ``key``, choose their levels of detail, measure them and find the ground.

    packed : what ``ready.pack`` made of the same city at the same LoD before; what fits is not worked out again.
    """
    progress = Progress() if progress is None else progress
    packed = {} if packed is None else packed
    models = [cities[name] for name, _ in key]
    progress.report(0.1, "Joining the city")
    city, order = arrange_with_order(models[0] if len(models) == 1 else merge(models))
    faces = [faces_at(model, lod) for model, (_, lod) in zip(models, key, strict=True)]
    lod_faces = np.concatenate(faces)[order]
    lod_faces.setflags(write=False)
    progress.report(0.3, "Measuring the buildings")
    measures = ready.measures_of(city, packed) or measure(city, lod_faces)
    progress.report(0.7, "Finding the ground")
    ground = ready.ground_of(packed) or make_ground(city, lod_faces, measures)
    progress.report(0.9, "Preparing the scenarios")
    applier = Applier(city, measures, ground, lod_faces, ready.tree_places_of(packed))
    _ = applier.tree_places  # worked out here, in the worker, so that the first tree slider tick is like any other
    made = ready.mesh_of(packed)
    mesh = prepare(city, lod_faces, measures, ready_mesh.faces_of(city, made))  # asked for first, kept by identity
    ready_mesh.restore(mesh, made)
    mesh.make()
    return Derived(key, city, lod_faces, measures, ground, applier)
