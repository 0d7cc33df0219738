"""What one process took of a CityJSON document, on its way to the one that puts it together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.readers.cityjson_geometry import Findings

#: Arrays of an ``IndexChunk`` that travel.
FLAT_ARRAYS = ("indices", "ring_size", "face_rings", "face_object", "face_lod", "face_surface")


class TogetherError(Exception):
    """The objects of a file cannot be taken apart from each other."""


@dataclass(slots=True)
class CityPart:
    """Some objects of a document as another ``CityCollector`` took them; everything counts from 0.

    faces : the arrays of an ``IndexChunk``, empty without any.
    """

    ids: list[str]
    types: list[str]
    parents: list[int]
    lods: list[str]
    columns: dict[str, tuple[NDArray[np.int64], list[object]]]
    children: list[tuple[int, str]]
    unknown_parents: list[tuple[int, list[str]]]
    findings: Findings
    broken: list[str]
    untyped: list[str]
    instances: list[tuple[int, int, int, Any]]
    lost_instances: list[int]
    faces: dict[str, NDArray[Any]]
