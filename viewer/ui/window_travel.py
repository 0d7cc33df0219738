"""Where a person wants to go in the city: to buildings, sources, findings and faults."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from viewer.city import StreamedLayer

#: So much around a fault is shown, metres.
FAULT_REACH_M = 25.0


class Travel:
    """Flies the view of a window to what is named."""

    def __init__(self, window) -> None:
        self._window, self._workspace = window, window.workspace

    def to_features(self, features: ArrayLike) -> None:
        """Fly to top-level objects, positions in ``city.objects.features``."""
        features = np.asarray(features)
        measures = self._workspace.measures
        if measures is None or not len(features):
            return
        centre = measures.centre_local[features]
        half = np.sqrt(np.nan_to_num(measures.footprint_m2[features], nan=100.0))[:, None]
        low = np.nanmin(np.column_stack([centre - half, measures.ground_m[features]]), axis=0)
        high = np.nanmax(np.column_stack([centre + half, measures.top_m[features]]), axis=0)
        if np.isfinite(low).all() and np.isfinite(high).all():
            self._window.view.fly_to(low, high)

    def to_source(self, key: str) -> None:
        """Fly to everything of one source."""
        city = self._workspace.source_city(key)
        if city is not None:
            shift = np.asarray(city.frame.origin_crs) - np.asarray(self._workspace.frame.origin_crs)
            self._window.view.fly_to(*(city.extent_local + shift))
            return
        boxes = [box for box in map(layer_box, self._workspace.layer(key)) if box is not None]
        if boxes:
            self._window.view.fly_to(np.min([b[0] for b in boxes], axis=0), np.max([b[1] for b in boxes], axis=0))

    def to_place(self, place: str) -> None:
        """Fly to the object a finding names, and select it."""
        if self._workspace.city is None:
            return
        features = self._workspace.features_of([place])
        if len(features):
            self._workspace.select(features)
            self.to_features(features)
        else:
            self._window.stage.toasts.say("There is nothing to see at “{place}”.", place=place, seconds=5.0)

    def to_fault(self, ident: str, place_local: np.ndarray) -> None:
        """Fly to a fault of the data check and select the object it belongs to."""
        if self._workspace.city is None:
            return
        features = self._workspace.features_of([ident])
        self._workspace.select(features)
        if np.isfinite(place_local).all():
            self._window.view.fly_to(place_local - FAULT_REACH_M, place_local + FAULT_REACH_M)
        else:
            self.to_features(features)


def layer_box(layer) -> tuple[np.ndarray, np.ndarray] | None:
    """Lowest and highest corner of a layer, (3,) each, local metres; None for an empty one."""
    if isinstance(layer, StreamedLayer):
        return tuple(layer.extent_local)
    positions = getattr(layer, "positions_local", None)
    if positions is None:
        positions = getattr(layer, "corners_local", None)
    if positions is None or not len(positions):
        return None
    flat = np.asarray(positions, float)[:, :2]
    low, high = np.nanmin(flat, axis=0), np.nanmax(flat, axis=0)
    if not np.isfinite([low, high]).all():
        return None
    return np.append(low, 0.0), np.append(high, 10.0)
