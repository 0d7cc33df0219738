"""Placed models in the workspace: where one stands at first, and the matrix that brings it there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel, Frame, Layer
from viewer.city.ground import Ground
from viewer.city.models import ModelLayer, ModelPlace, placed_matrix
from viewer.readers.models import UNITS
from viewer.session import Source
from viewer.session.placement import Options, Placement, placement_of, with_placement

#: Room between the city and a model that is put beside it.
_BESIDE_M = 5.0
#: A foot farther above the ground than this was meant otherwise, and so was a model wholly below the ground.
_FITS_GROUND_M = 30.0


def with_first_place(options: Options, layer: ModelLayer, city: CityModel, ground: Ground | None = None) -> Options:
    """The options of a model's source with a place: the one it has, else the one its file names, else beside the city.

    A height in the file is taken where it fits the ground there: other height systems differ by more.
    """
    known = placement_of(options)
    if known is not None:
        # read again in another unit: the size a person set by hand stays, the one that was guessed follows
        guessed = dict(options).get("unit") and known.scale in UNITS.values()
        return with_placement(options, replace(known, scale=layer.scale)) if guessed else options
    if layer.place is not None:
        return with_placement(options, _placement(layer, layer.place, city.frame, ground))
    low, high = city.extent_local
    middle = (low[:2] + high[:2]) / 2
    if len(city.positions_local):
        middle[0] = high[0] + (layer.high[0] - layer.low[0]) * layer.scale / 2 + _BESIDE_M
    east, north = city.frame.crs_from_local(middle).tolist()
    return with_placement(options, Placement(round(east, 3), round(north, 3), scale=layer.scale))


def _placement(layer: ModelLayer, place: ModelPlace, frame: Frame, ground: Ground | None) -> Placement:
    at = (place.x_local, place.y_local)
    east, north = frame.crs_from_local(at).tolist()
    above = 0.0
    if place.height_local is not None and ground is not None:
        above = place.height_local - float(ground.height_at(np.array([at]))[0])
    top = above + float(layer.high[2]) * layer.scale
    fits = np.isfinite(above) and above <= _FITS_GROUND_M and top > 0.0
    return Placement(east, north, above if fits else 0.0, place.turn_deg, layer.scale)


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
