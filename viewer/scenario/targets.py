"""What a lever acts on: the whole city, chosen objects, a drawn area, or an attribute filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "contains"]


@dataclass(frozen=True, slots=True)
class WholeCity:
    """Everything."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Chosen top-level objects, by id, sorted."""

    ids: tuple[str, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Area:
    """A drawn area: buildings whose footprint centre lies inside, ground inside.

    ring_crs : corners (x, y) in the city's CRS, metres, no closing corner.
    """

    name: str
    ring_crs: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Where:
    """Buildings whose attribute compares so; numbers compare as numbers where both are."""

    attribute: str
    operator: Operator
    value: str


Target = WholeCity | Selection | Area | Where
