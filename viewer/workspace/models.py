"""Placed models in the workspace: where one stands at first, and the matrix that brings it there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel, Frame, Layer
from viewer.city.ground import Ground
from viewer.city.models import ModelLayer, placed_matrix
from viewer.readers.models import UNITS
from viewer.session import Source
from viewer.session.placement import Options, Placement, placement_of, with_placement

#: Room between the city and a model that is put beside it.
_BESIDE_M = 5.0


def with_first_place(options: Options, layer: ModelLayer, city: CityModel) -> Options:
    """The options of a model's source with a place: the one it has, else beside the city, where nothing hides it."""
    known = placement_of(options)
    if known is not None:
        # read again in another unit: the size a person set by hand stays, the one that was guessed follows
        guessed = dict(options).get("unit") and known.scale in UNITS.values()
        return with_placement(options, replace(known, scale=layer.scale)) if guessed else options
    low, high = city.extent_local
    middle = (low[:2] + high[:2]) / 2
    if len(city.positions_local):
        middle[0] = high[0] + (layer.high[0] - layer.low[0]) * layer.scale / 2 + _BESIDE_M
    east, north = city.frame.crs_from_local(middle).tolist()
    return with_placement(options, Placement(round(east, 3), round(north, 3), scale=layer.scale))


def matrix_of(source: Source, layer: Layer, frame: Frame, ground: Ground | None) -> NDArray[np.float64] | None:
    """(4, 4) from the model to local metres; None for what is no model or has no place yet."""
    placement = placement_of(source.options) if isinstance(layer, ModelLayer) else None
    if placement is None:
        return None
    x, y = frame.local_from_crs((placement.east, placement.north)).tolist()
    foot = float(ground.height_at(np.array([[x, y]]))[0]) if ground is not None else 0.0
    return placed_matrix((x, y, foot + placement.height_m), placement.turn_deg, placement.scale)


def shown(source: Source, scenario: str | None) -> bool:
    """Whether a scenario ("" = the city of today) shows a source; None asks for no scenario in particular."""
    placement = placement_of(source.options)
    return scenario is None or placement is None or placement.scenario in ("", scenario)
