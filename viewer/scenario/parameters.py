"""The levers. Each is declared once and gives slider, number entry, unit, reset, help line, session
key and command-line name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """A lever. ``text``, ``unit`` and ``method`` are shown to people and are translation keys.

    ``scale`` turns the value a person sees into the value formulas use (percent -> share).
    """

    name: str
    text: str
    unit: str
    minimum: float
    maximum: float
    step: float
    default: float
    method: str
    group: str

    def check(self, value: float) -> float:
        """``value`` within the range.

        Raises
        ------
        ValueError
            Not a finite number, or outside the range.
        """
        number = float(value)
        if not self.minimum <= number <= self.maximum:  # also refuses NaN
            raise ValueError(f"{self.name} must lie between {self.minimum:g} and {self.maximum:g}, not {value}")
        return number


STOREYS_ADDED = Parameter(
    "storeys_added", text="Storeys added", unit="storeys", minimum=-3, maximum=5, step=1, default=0,
    method="Raises or lowers walls and roof by whole storeys; roofs keep their shape and one storey always stays.",
    group="height",
)  # fmt: skip
HEIGHT_PERCENT = Parameter(
    "height_percent", text="Building height", unit="%", minimum=50, maximum=200, step=5, default=100,
    method="Scales every height above the building's ground, roofs included.",
    group="height",
)  # fmt: skip
UNSEALING_SHARE = Parameter(
    "unsealing_share", text="Unsealed ground", unit="%", minimum=0, maximum=100, step=5, default=0,
    method="Turns this share of the sealed open ground into green ground.",
    group="green",
)  # fmt: skip
TREES_ADDED = Parameter(
    "trees_added", text="New trees", unit="trees", minimum=0, maximum=3000, step=25, default=0,
    method="Plants trees on open ground, away from buildings, roads and water; shown as they are after 25 years.",
    group="green",
)  # fmt: skip
GREEN_ROOF_SHARE = Parameter(
    "green_roof_share", text="Green roofs", unit="%", minimum=0, maximum=100, step=5, default=0,
    method="Greens this share of the roof area with a slope of at most 10 degrees, extensively.",
    group="green",
)  # fmt: skip

#: All levers by name, in the order in which they are shown.
LEVERS: dict[str, Parameter] = {
    p.name: p for p in (STOREYS_ADDED, HEIGHT_PERCENT, UNSEALING_SHARE, TREES_ADDED, GREEN_ROOF_SHARE)
}


def lever(name: str) -> Parameter:
    """The lever of this name.

    Raises
    ------
    KeyError
        No such lever; the message names those there are.
    """
    try:
        return LEVERS[name]
    except KeyError:
        raise KeyError(f"no lever {name!r}; there are {', '.join(LEVERS)}") from None
