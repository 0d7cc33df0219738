"""What one reading brought in, and everything derived from the open cities at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.city import AreaLayer, CityModel, Frame, ImportReport, Issue, Layer, Severity, TerrainLayer
from viewer.city.arrange import arrange, arrange_with_order
from viewer.city.by_tiles import faces_by_tiles, measure_by_tiles
from viewer.city.cut import without_damage
from viewer.city.ground import Ground, make_ground
from viewer.city.lod import faces_at
from viewer.city.measures import Measures
from viewer.city.merge import merge
from viewer.city.terrain import SET_ON, disagreement, set_on
from viewer.city.tiles import LEFT_OUT_TEXT
from viewer.indicators import Surfaces, make_surfaces
from viewer.plugin_api import Progress
from viewer.readers.crew import on_all_cores
from viewer.scenario.apply import Applier
from viewer.scene import ready_mesh
from viewer.scene.city_mesh import prepare
from viewer.session.document import LayerStyle
from viewer.workspace import ready

#: Which cities, at which level of detail: (source key, LoD) in drawing order.
CityKey = tuple[tuple[str, str], ...]


#: Cities farther apart than this do not belong together.
FAR_M = 20_000.0
FAR_AWAY = (
    "This city lies {distance} km from the one that is open; one of the two may have the wrong coordinate system."
)


@dataclass(frozen=True, eq=False)
class Loaded:
    """One file as it was read, not yet part of the session.

    city or layers is set; both where a layer is the first thing opened and brings the frame in a city without
    objects. derived : prepared in the worker, so that adopting is quick.
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
        return "layer" if self.layers else "city"

    @property
    def style(self) -> LayerStyle:
        """How it is drawn at first: areas that bring texts to write into them show those."""
        written = any(isinstance(layer, AreaLayer) and layer.label_column for layer in self.layers)
        return LayerStyle(labels=written)

    @property
    def frames(self) -> tuple[Frame | None, ...]:
        """The frames this reading is good for: of a city any (None); empty for a layer: the one it was read into."""
        if self.city is None:
            return ()
        return (None, self.city.frame) if self.layers else (None,)


def far_away(city: CityModel, others: Mapping[str, CityModel]) -> tuple[Issue, ...]:
    """A message where a city lies so far from those that are open that one of them is in the wrong place."""
    low, high = city.extent_local
    boxes = [other.extent_local for other in others.values()]
    gaps = [np.hypot(*np.maximum(0.0, np.maximum(low[:2] - b[1, :2], b[0, :2] - high[:2]))) for b in boxes]
    nearest = min((float(gap) for gap in gaps), default=0.0)
    if nearest < FAR_M:
        return ()
    return (Issue(Severity.WARNING, FAR_AWAY, values={"distance": f"{nearest / 1000:,.0f}"}),)


@dataclass(frozen=True, eq=False)
class Derived:
    """Everything that follows from the open cities and the terrain they stand on; never from a scenario.

    surfaces : what the ground is made of, by the city alone.
    terrain : the topmost visible terrain layer, None without one. notes : what it means for the city.
    """

    key: CityKey
    city: CityModel
    lod_faces: NDArray[np.bool_]
    measures: Measures
    ground: Ground
    applier: Applier
    surfaces: Surfaces
    terrain: TerrainLayer | None = None
    notes: tuple[Issue, ...] = ()

    @property
    def frame(self) -> Frame:
        """The frame all data is drawn in."""
        return self.city.frame


def derive(
    key: CityKey,
    cities: dict[str, CityModel],
    progress: Progress | None = None,
    packed: Mapping[str, NDArray[np.generic]] | None = None,
    terrain: TerrainLayer | None = None,
) -> Derived:
    """Merge the cities of ``key``, choose their levels of detail, measure them and find the ground.

    packed : what ``ready.pack`` made of the same city at the same LoD before; what fits is not worked out again.
    terrain : what the city stands on; buildings without a ground height of their own are set on it.
    """
    progress = Progress() if progress is None else progress
    models = [cities[name] for name, _ in key]
    notes: list[Issue] = []
    known = None
    if terrain is None and len(models) == 1 and models[0].tiles is not None and packed:
        known = ready.ready_of(models[0], packed)
    if known is None:
        packed = {}
        sound = [without_damage(model) for model in models]  # from here on whole arrays are worked on
        models = [model for model, _ in sound]
        notes += [Issue(Severity.WARNING, LEFT_OUT_TEXT, gone) for _, gone in sound if gone]
    if terrain is not None:
        moved = [set_on(model, faces_at(model, lod), terrain) for model, (_, lod) in zip(models, key, strict=True)]
        models = [arrange(model) for model, _ in moved]
        count = sum(number for _, number in moved)
        if count:
            notes.append(Issue(Severity.INFO, SET_ON, count, values={"terrain": terrain.name}))
    progress.report(0.1, "Joining the city")
    if known is not None:
        city, lod_faces = models[0], known.faces
    elif len(models) == 1:
        city = arrange(models[0])
        lod_faces = faces_by_tiles(city, key[0][1])
    else:
        city, order = arrange_with_order(merge(models))
        faces = [faces_by_tiles(model, lod) for model, (_, lod) in zip(models, key, strict=True)]
        lod_faces = np.concatenate(faces)[order]
    lod_faces.setflags(write=False)
    progress.report(0.3, "Measuring the buildings")
    measures = known.measures if known is not None else measure_by_tiles(city, lod_faces, on_all_cores)
    progress.report(0.7, "Finding the ground")
    ground = known.ground if known is not None else make_ground(city, lod_faces, measures, terrain)
    if terrain is not None:
        from viewer.scene.relief import make_ready  # VTK comes with it

        notes += disagreement(city, measures, terrain)
        if ground.detail is not None:
            make_ready(ground.detail)  # worked out here, in the worker; the scene asks for it by identity
    progress.report(0.9, "Preparing the scenarios")
    applier = Applier(city, measures, ground, lod_faces, None if known is None else known.tree_places)
    if known is None:
        applier.find_places_soon()
    surfaces = make_surfaces(city, measures, faces=lod_faces) if known is None else known.surfaces
    made = ready.mesh_of(packed or {})
    mesh = prepare(city, lod_faces, measures)  # kept by identity
    ready_mesh.restore(mesh, made)
    mesh.make(on_all_cores)
    return Derived(key, city, lod_faces, measures, ground, applier, surfaces, terrain, tuple(notes))
