"""What is measured on every top-level object once, when a city is opened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Measures:
    """Facts about the K top-level objects of a city at the shown LoD, float64 metres unless stated.

    ground_m, eaves_m, top_m : (K,) local z of the lowest ground, of the eaves (lowest roof edge; the
        top where no roof is known) and of the highest point. NaN for objects without geometry.
    footprint_m2, volume_m3, roof_area_m2, flat_roof_area_m2 : (K,). ``flat`` means a slope of at most
        10 degrees (METHODS section 2). NaN footprint where nothing could be measured.
    closed : (K,) bool, the volume comes from a closed shell; else it is footprint x mean height.
    storeys : (K,) float64, attribute or estimate (METHODS B3). storeys_known : (K,) bool.
    storey_height_m : (K,) by use.
    centre_local : (K, 2) middle of the footprint.
    is_building : (K,) bool.
    """

    ground_m: NDArray[np.float64]
    eaves_m: NDArray[np.float64]
    top_m: NDArray[np.float64]
    footprint_m2: NDArray[np.float64]
    volume_m3: NDArray[np.float64]
    roof_area_m2: NDArray[np.float64]
    flat_roof_area_m2: NDArray[np.float64]
    closed: NDArray[np.bool_]
    storeys: NDArray[np.float64]
    storeys_known: NDArray[np.bool_]
    storey_height_m: NDArray[np.float64]
    centre_local: NDArray[np.float64]
    is_building: NDArray[np.bool_]
