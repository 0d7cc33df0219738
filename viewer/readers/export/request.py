"""What is to be written, as one frozen value that a worker can hold while the plan goes on.

Which file formats there are stands in ``formats``; nothing here writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.city.geometry import points_in_ring
from viewer.city.measures import Measures
from viewer.scenario.change import CityChange


@dataclass(frozen=True, eq=False)
class Export:
    """A city, or a part of it, as it is or as a scenario changes it.

    Parameters
    ----------
    lod_faces : (F,) bool, the faces at the shown LoD; formats with one level of detail write these.
    change : what a scenario changes; None for the city as it is, where planned objects stay and stay planned.
    only : (K,) bool, the top-level objects to write; None for all.
    area_local : (n, 2) ring around what is written, local metres, where it was chosen so: new trees inside it
        are written too. Without it they are written with the whole city only.
    title : name of the city or session. scenario : name of the scenario, empty for the city as it is.
    credits : who must be named with the data.
    pictures : what the file calls the pictures of textures, by their number in the appearance of what is written.
    """

    city: CityModel
    measures: Measures
    lod_faces: NDArray[np.bool_]
    change: CityChange | None = None
    only: NDArray[np.bool_] | None = None
    area_local: NDArray[np.float64] | None = None
    title: str = ""
    scenario: str = ""
    credits: tuple[str, ...] = ()
    pictures: Mapping[int, str] = field(default_factory=dict)

    def written(self) -> NDArray[np.bool_]:
        """(K,) bool: the top-level objects that are written: chosen, and there in the scenario."""
        wanted = np.ones(len(self.city.objects.features), np.bool_)
        if self.only is not None:
            wanted &= self.only
        if self.change is not None:
            wanted &= self.change.exists
        return wanted

    def new_trees(self) -> NDArray[np.float64]:
        """(n, 3) feet of the new trees that are written, local metres."""
        if self.change is None or (self.only is not None and self.area_local is None):
            return np.empty((0, 3))
        trees = self.change.trees_local
        return trees if self.area_local is None else trees[points_in_ring(trees[:, :2], self.area_local)]

    def left_out(self) -> tuple[str, ...]:
        """What of the scenario no city file holds, as sentences for people."""
        if self.change is None:
            return ()
        sentences = []
        if len(self.change.trees_local) and self.only is not None and self.area_local is None:
            sentences.append("New trees are written with the whole city or an area only.")
        if self.change.unsealed:
            sentences.append("Unsealed ground is no part of the file.")
        return tuple(sentences)
