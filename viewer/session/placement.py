"""Where a placed model stands, kept among the options of its source: undo, files and journals know it already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace

Options = tuple[tuple[str, str], ...]
_PREFIX = "model_"
LEAST_SCALE, MOST_SCALE = 1e-4, 1e4


@dataclass(frozen=True, slots=True)
class Placement:
    """Place, turn and size of a model.

    east, north : its foot in the city's CRS, metres. height_m : of its foot above the ground.
    turn_deg : clockwise seen from above. scale : metres per unit of the file.
    scenario : the only scenario that shows it, "" for all of them and the city of today.
    """

    east: float
    north: float
    height_m: float = 0.0
    turn_deg: float = 0.0
    scale: float = 1.0
    scenario: str = ""

    def moved(self, east: float, north: float) -> Placement:
        """The same model at another place."""
        return replace(self, east=east, north=north)

    def turned(self, by_deg: float) -> Placement:
        """The same model, turned further clockwise."""
        return replace(self, turn_deg=(self.turn_deg + by_deg) % 360.0)


#: Options that say where a model stands, not how its file is read.
PLACE_OPTIONS = frozenset(_PREFIX + field.name for field in fields(Placement))


def placement_of(options: Iterable[tuple[str, str]]) -> Placement | None:
    """The placement among the options of a source; None if there is none or it makes no sense."""
    found = {name.removeprefix(_PREFIX): value for name, value in options if name in PLACE_OPTIONS}
    try:
        placement = Placement(
            east=float(found["east"]),
            north=float(found["north"]),
            height_m=float(found.get("height_m", "0")),
            turn_deg=float(found.get("turn_deg", "0")),
            scale=float(found.get("scale", "1")),
            scenario=found.get("scenario", ""),
        )
    except (KeyError, ValueError):
        return None
    numbers = (placement.east, placement.north, placement.height_m, placement.turn_deg)
    sensible = all(abs(number) < 1e9 for number in numbers) and LEAST_SCALE <= placement.scale <= MOST_SCALE
    return placement if sensible else None


def with_placement(options: Options, placement: Placement) -> Options:
    """The options of a source with another placement."""
    kept = {name: value for name, value in options if name not in PLACE_OPTIONS}
    for name, value in asdict(placement).items():
        if name == "scenario":
            text = value
        else:
            text = f"{value:.4f}".rstrip("0").rstrip(".") if name != "scale" else f"{value:.6g}"
        if text:
            kept[_PREFIX + name] = text
    return tuple(sorted(kept.items()))
