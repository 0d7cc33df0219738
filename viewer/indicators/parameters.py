"""Parameters of the indicators: default, range, unit and source. Values a person may change, never law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from viewer.indicators.record import ParameterUsed


@dataclass(frozen=True, slots=True)
class IndicatorParameter:
    """A default with its range. ``text`` is shown to people and a translation key.

    low, high : what the value may plausibly be; they make the bands.
    """

    name: str
    text: str
    value: float
    unit: str
    low: float
    high: float
    source: str
    unverified: bool = False

    def used(self, value: float) -> ParameterUsed:
        """This parameter as it goes into a record; a value of one's own has no source but oneself."""
        if value != self.value:
            return ParameterUsed(self.text, value, self.unit, "Own value", True)
        return ParameterUsed(self.text, value, self.unit, self.source, self.unverified)


_P = IndicatorParameter
_OWN = "Planning value"
_DIN = "DIN 1986-100:2016"

#: All parameters by name.
PARAMETERS: dict[str, IndicatorParameter] = {
    p.name: p
    for p in (
        _P("storey_height", "Storey height of homes", 3.0, "m", 2.6, 3.5, _OWN, True),
        _P("living_share", "Living area per gross floor area", 0.80, "1", 0.70, 0.85,
           "Berlin cooperative land model: 100 m² of gross floor area are about 80 m² of living area"),
        _P("mixed_share", "Share of homes in buildings of mixed use", 0.70, "1", 0.4, 0.9, _OWN, True),
        _P("dwelling_stock", "Living area per existing dwelling", 92.2, "m²", 60, 130,
           "Destatis, end of 2022, Germany"),
        _P("dwelling_new", "Living area per new dwelling", 70.0, "m²", 55, 90, "Berlin cooperative land model"),
        _P("dwelling_on_top", "Living area per dwelling in added storeys", 85.0, "m²", 60, 100,
           "TU Darmstadt and Pestel Institute 2016"),
        _P("persons_per_new_dwelling", "People per new dwelling", 2.0, "1", 1.7, 2.4, "Berlin cooperative land model"),
        _P("living_per_person", "Living area per person", 47.4, "m²", 36, 50, "Destatis, end of 2022, Germany"),
        _P("usable_share", "Usable share of the footprint for added storeys", 0.85, "1", 0.6, 1.0, _OWN, True),
        _P("smallest_home", "Smallest footprint of a building taken for homes where its use is unknown", 40.0, "m²",
           20, 60, _OWN, True),
        _P("partly_sealed", "Sealing of partly sealed ground", 0.4, "1", 0.1, 0.7, _OWN, True),
        _P("open_sealed", "Sealed share of open ground without data", 0.40, "1", 0.2, 0.6, _OWN, True),
        _P("open_partly", "Partly sealed share of open ground without data", 0.10, "1", 0.0, 0.2, _OWN, True),
        _P("crown", "Crown diameter of new trees after 25 years", 6.0, "m", 4, 12, _OWN, True),
        _P("runoff_roof", "Peak runoff coefficient of roofs", 1.0, "1", 0.8, 1.0, _DIN, True),
        _P("runoff_green_roof", "Peak runoff coefficient of extensive green roofs of at least 10 cm", 0.4, "1",
           0.4, 0.7, _DIN + ", as reproduced by info-regenwasser"),
        _P("runoff_sealed", "Peak runoff coefficient of sealed ground", 0.9, "1", 0.9, 1.0, _DIN, True),
        _P("runoff_partly", "Peak runoff coefficient of partly sealed ground", 0.7, "1", 0.3, 0.7, _DIN, True),
        _P("runoff_green", "Peak runoff coefficient of gardens and lawns", 0.2, "1", 0.1, 0.3, _DIN, True),
        _P("rain", "Example rain of 15 minutes, once in two years", 150.0, "l/(s·ha)", 120, 180,
           "Example rain; take the value of your place from KOSTRA-DWD-2020", True),
    )
}  # fmt: skip


def with_defaults(values: Mapping[str, float] | None) -> dict[str, float]:
    """Values of all parameters, those given and the defaults.

    Raises
    ------
    KeyError
        There is no such parameter; the message names it.
    """
    result = {name: parameter.value for name, parameter in PARAMETERS.items()}
    for name, value in (values or {}).items():
        if name not in PARAMETERS:
            raise KeyError(f"no indicator parameter {name!r}")
        result[name] = float(value)
    return result
