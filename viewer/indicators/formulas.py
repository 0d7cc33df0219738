"""Formulas of METHODS sections 3 to 5 as plain functions, each with its source. No city, no scenario."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def site_coverage(footprint_m2: ArrayLike, plot_area_m2: ArrayLike) -> Floats:
    """Footprint per plot area, GRZ after section 19 BauNVO (METHODS B6).

    Raises
    ------
    ValueError
        A plot has no area.
    """
    return _per_plot(footprint_m2, plot_area_m2)


def floor_area_ratio(gross_floor_area_m2: ArrayLike, plot_area_m2: ArrayLike) -> Floats:
    """Floor area of full storeys per plot area, GFZ after section 20 BauNVO (METHODS B6).

    Raises
    ------
    ValueError
        A plot has no area.
    """
    return _per_plot(gross_floor_area_m2, plot_area_m2)


def building_mass_ratio(volume_m3: ArrayLike, plot_area_m2: ArrayLike) -> Floats:
    """Built volume per plot area in m, BMZ after section 21 BauNVO (METHODS B6).

    Raises
    ------
    ValueError
        A plot has no area.
    """
    return _per_plot(volume_m3, plot_area_m2)


def _per_plot(amount: ArrayLike, plot_area_m2: ArrayLike) -> Floats:
    area = np.asarray(plot_area_m2, dtype=np.float64)
    if not np.all(area > 0):
        raise ValueError("every plot needs an area greater than 0")
    return np.asarray(np.asarray(amount, dtype=np.float64) / area)


def site_coverage_limit_with_outbuildings(site_coverage_limit: float) -> float:
    """Limit for GRZ II, with garages, drives and outbuildings: 1.5 times GRZ, at most 0.8.

    Section 19 (4) BauNVO; further minor excess is possible there. A hint, no legal check.
    """
    return max(min(1.5 * site_coverage_limit, 0.8), site_coverage_limit)


@dataclass(frozen=True, slots=True)
class AddedHomes:
    """What storeys added to a building make room for."""

    floor_area_m2: float
    dwellings: float
    residents: float


def added_homes(
    footprint_m2: float,
    storeys_added: float,
    *,
    usable_share: float,
    living_share: float,
    dwelling_m2: float,
    persons_per_dwelling: float,
) -> AddedHomes:
    """Homes from storeys added, A_g * u * n * f_W / a_dw (METHODS B11)."""
    living = footprint_m2 * storeys_added * usable_share * living_share
    dwellings = living / dwelling_m2
    return AddedHomes(living, dwellings, dwellings * persons_per_dwelling)


@dataclass(frozen=True, slots=True)
class BiotopeFactors:
    """Factors of the Berlin Biotopflächenfaktor in one version of its list; law versions are data."""

    land: str
    valid_from: str
    factors: dict[str, float]
    unverified: frozenset[str] = frozenset()


#: Landscape plans set after 2019/2021 (METHODS section 4, S9).
BIOTOPE_FACTORS_BERLIN_2021 = BiotopeFactors(
    "Berlin",
    "2021",
    {
        "sealed": 0.0,
        "partly_sealed": 0.1,
        "half_open": 0.2,
        "greened_paving": 0.4,
        "on_structure_20_cm": 0.5,
        "on_structure_41_cm": 0.6,
        "on_structure_81_cm": 0.7,
        "on_structure_150_cm": 0.9,
        "soil": 1.0,
        "roof_infiltration": 0.2,
        "green_roof_extensive": 0.5,
        "green_roof_semi_intensive": 0.7,
        "green_roof_intensive": 0.8,
        "green_wall_soil": 0.5,
        "green_wall_structure": 0.7,
    },
    frozenset(
        {
            "green_roof_extensive",
            "green_roof_semi_intensive",
            "green_roof_intensive",
            "green_wall_soil",
            "green_wall_structure",
        }
    ),
)


def biotope_area_factor(
    areas_m2: dict[str, float], plot_area_m2: float, factors: BiotopeFactors = BIOTOPE_FACTORS_BERLIN_2021
) -> float:
    """Ecologically effective area per plot area, BFF (METHODS G4). Outside Berlin a comparison, not law.

    Raises
    ------
    ValueError
        The plot has no area. KeyError: a surface that the list does not know.
    """
    return float(_per_plot(sum(factors.factors[name] * area for name, area in areas_m2.items()), plot_area_m2))


def green_volume_m3(areas_m2: Sequence[float], heights_m: Sequence[float]) -> float:
    """Green volume of areas of vegetation of a height, the *column* variant (METHODS G3)."""
    return float(np.dot(np.asarray(areas_m2, np.float64), np.asarray(heights_m, np.float64)))


def green_volume_number(volume_m3: float, plot_area_m2: float) -> float:
    """Green volume per area, GVZ, m³/m² (METHODS G3)."""
    return float(_per_plot(volume_m3, plot_area_m2))


def sealing_degree(
    building_m2: float, sealed_m2: float, partly_sealed_m2: float, area_m2: float, partly_share: float = 0.4
) -> float:
    """Sealed share of an area, partly sealed ground counting ``partly_share`` (METHODS G2), 0 to 1.

    ``partly_share = 0`` gives the fully sealed share.
    """
    return float(_per_plot(building_m2 + sealed_m2 + partly_share * partly_sealed_m2, area_m2))


def green_share(vegetation_m2: float, area_m2: float) -> float:
    """Share of an area that is green ground (METHODS G1), 0 to 1."""
    return float(_per_plot(vegetation_m2, area_m2))


def mean_runoff_coefficient(areas_m2: ArrayLike, coefficients: ArrayLike) -> float:
    """Area-weighted runoff coefficient (METHODS W1). Use C_s for peaks and C_m for volumes, never mixed.

    Raises
    ------
    ValueError
        The areas add up to nothing.
    """
    areas = np.asarray(areas_m2, dtype=np.float64)
    return float(_per_plot(np.dot(areas, np.asarray(coefficients, dtype=np.float64)), areas.sum()))


def peak_runoff_l_s(areas_m2: ArrayLike, coefficients: ArrayLike, rain_l_s_ha: float) -> float:
    """Peak runoff of a design rain in litres per second (METHODS W2)."""
    areas = np.asarray(areas_m2, dtype=np.float64)
    return float(rain_l_s_ha * np.dot(areas, np.asarray(coefficients, dtype=np.float64)) / 10_000.0)


def rain_intensity_l_s_ha(height_mm: ArrayLike, duration_min: ArrayLike) -> Floats:
    """Rain of a height within a duration as l/(s ha): h * 10 000 / (60 D) (METHODS section 5)."""
    return np.asarray(
        np.asarray(height_mm, dtype=np.float64) * 10_000.0 / (60.0 * np.asarray(duration_min, dtype=np.float64))
    )
