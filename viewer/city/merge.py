"""Several cities in one coordinate system become one: tiles of a district, or a city and a proposal.

Objects, features, faces and vertices keep the order of the models, so plain offsets tell where each came
from. Nothing here transforms coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.city.appearance import join
from viewer.city.frame import Frame
from viewer.city.kinds import lod_key
from viewer.city.model import CityModel, Column, ObjectTable
from viewer.city.report import IssueLog, Severity
from viewer.city.solids import joined
from viewer.errors import LimitError

#: Indices are int32.
_MOST = np.iinfo(np.int32).max

DUPLICATE_ID = "Ids that occur more than once were made unique ({count}), for example {id}."


@dataclass(frozen=True, slots=True, eq=False)
class Offsets:
    """Where each of M merged models begins, (M + 1,) int64 each; the last entry is the total."""

    objects: NDArray[np.int64]
    features: NDArray[np.int64]
    faces: NDArray[np.int64]
    vertices: NDArray[np.int64]

    def model_of_features(self) -> NDArray[np.int64]:
        """(K,) int64: position in the merged sequence of the model each feature came from."""
        return np.repeat(np.arange(len(self.features) - 1), np.diff(self.features))


def offsets(models: Sequence[CityModel]) -> Offsets:
    """Offsets of ``models`` in ``merge(models)``."""
    return Offsets(
        objects=_starts([len(model.objects) for model in models]),
        features=_starts([len(model.objects.features) for model in models]),
        faces=_starts([len(model.face_surface) for model in models]),
        vertices=_starts([len(model.positions_local) for model in models]),
    )


def merge(models: Sequence[CityModel], *, name: str = "", log: IssueLog | None = None) -> CityModel:
    """One city of all ``models``, in their order.

    Parameters
    ----------
    models : at least one; all in the same CRS. Another origin than the first one's is shifted away.
    name : of the result; the first model's if empty.
    log : told about ids that had to be made unique.

    Raises
    ------
    ValueError
        No model, or models in different coordinate systems: an error of the caller.
    LimitError
        The sum is larger than the arrays can index.
    """
    if not models:
        raise ValueError("nothing to merge")
    frame = _common_frame(models)
    if len(models) == 1 and not name:
        return models[0]
    start = offsets(models)
    _check_size(models)
    lods = tuple(sorted({lod for model in models for lod in model.lods}, key=lod_key))
    return CityModel(
        name=name or models[0].name,
        frame=frame,
        positions_local=np.concatenate([_positions_in(frame, model) for model in models]),
        ring_start=_join_starts([model.ring_start for model in models]),
        face_ring_start=_join_starts([model.face_ring_start for model in models]),
        face_surface=np.concatenate([model.face_surface for model in models]),
        face_object=_join_indices([model.face_object for model in models], start.objects),
        face_lod=np.concatenate([_codes(model.lods, lods, np.uint8)[model.face_lod] for model in models]),
        triangles=_join_indices([model.triangles for model in models], start.vertices),
        triangle_face=_join_indices([model.triangle_face for model in models], start.faces),
        objects=_merge_objects([model.objects for model in models], start.objects, log),
        lods=lods,
        attribution=" · ".join(dict.fromkeys(model.attribution for model in models if model.attribution)),
        appearance=join(
            [model.appearance for model in models],
            [(len(model.positions_local), len(model.face_surface)) for model in models],
        ),
        face_shell=joined([model.face_shell for model in models], [len(model.face_surface) for model in models]),
    )


def unique_ids(ids: list[str], log: IssueLog | None = None) -> list[str]:
    """``ids`` with every repeated one followed by ``~2``, ``~3``, ...; the first of its kind stays."""
    if len(set(ids)) == len(ids):
        return ids
    taken = set(ids)
    seen: set[str] = set()
    next_number: dict[str, int] = {}
    result: list[str] = []
    repeated: list[str] = []
    for own in ids:
        if own not in seen:
            seen.add(own)
            result.append(own)
            continue
        number = next_number.get(own, 2)
        while f"{own}~{number}" in taken:
            number += 1
        next_number[own] = number + 1
        taken.add(f"{own}~{number}")
        repeated.append(f"{own}~{number}")
        result.append(repeated[-1])
    if log is not None:
        log.add(
            Severity.WARNING,
            DUPLICATE_ID,
            where=tuple(repeated[: log.MAX_PLACES]),
            count=len(repeated),
            id=repeated[0].rsplit("~", 1)[0],
        )
    return result


def _starts(counts: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.asarray(counts, dtype=np.int64))]).astype(np.int64)


def _common_frame(models: Sequence[CityModel]) -> Frame:
    frame = models[0].frame
    if any(model.frame.crs != frame.crs for model in models):
        raise ValueError("models in different coordinate systems cannot be merged")
    vertical = next((model.frame.vertical_crs for model in models if model.frame.vertical_crs), "")
    return Frame(frame.crs, frame.origin_crs, frame.vertical_crs or vertical)


def _check_size(models: Sequence[CityModel]) -> None:
    most = max(sum(len(model.positions_local) for model in models), sum(len(model.triangles) for model in models))
    if most > _MOST:
        raise LimitError("Together these files hold more than {limit} points.", limit=_MOST)


def _positions_in(frame: Frame, model: CityModel) -> NDArray[np.float32]:
    if model.frame.origin_crs == frame.origin_crs:
        return model.positions_local
    shift = np.subtract(model.frame.origin_crs, frame.origin_crs)
    return (model.positions_local.astype(np.float64) + shift).astype(np.float32)


def _join_starts(starts: Sequence[NDArray[np.int32]]) -> NDArray[np.int32]:
    counts = np.concatenate([np.diff(start) for start in starts])
    return _starts(counts).astype(np.int32)  # type: ignore[arg-type]


def _join_indices(indices: Sequence[NDArray[np.int32]], starts: NDArray[np.int64]) -> NDArray[np.int32]:
    return np.concatenate([own + np.int32(start) for own, start in zip(indices, starts, strict=False)])


def _codes(
    own: tuple[str, ...], together: tuple[str, ...], dtype: type[np.uint8] | type[np.uint16]
) -> NDArray[np.unsignedinteger]:
    """Position in ``together`` of each entry of ``own``; one entry for an empty table."""
    position = {text: i for i, text in enumerate(together)}
    return np.array([position[text] for text in own] or [0], dtype=dtype)


def _merge_objects(tables: Sequence[ObjectTable], starts: NDArray[np.int64], log: IssueLog | None) -> ObjectTable:
    types = tuple(dict.fromkeys(name for table in tables for name in table.types))
    ids = [own for table in tables for own in table.ids.tolist()]
    parents = [
        np.where(table.parent >= 0, table.parent + start, -1).astype(np.int32)
        for table, start in zip(tables, starts, strict=False)
    ]
    names = tuple(dict.fromkeys(name for table in tables for name in table.attributes))
    return ObjectTable(
        ids=np.array(unique_ids(ids, log), dtype=np.dtypes.StringDType()),
        types=types,
        type_code=np.concatenate([_codes(table.types, types, np.uint16)[table.type_code] for table in tables]),
        parent=np.concatenate(parents),
        attributes={name: _merge_column(name, tables) for name in names},
    )


def _merge_column(name: str, tables: Sequence[ObjectTable]) -> Column:
    """One column over all tables; numbers stay numbers only if every table has numbers there."""
    columns = [table.attributes.get(name) for table in tables]
    if all(column is None or column.numeric for column in columns):
        numbers = [
            np.full(len(table), np.nan) if column is None else column.values
            for table, column in zip(tables, columns, strict=True)
        ]
        return Column(name, np.concatenate(numbers))
    texts = [
        np.full(len(table), "", dtype=np.dtypes.StringDType()) if column is None else as_text(column)
        for table, column in zip(tables, columns, strict=True)
    ]
    return Column(name, np.concatenate(texts))


def as_text(column: Column) -> NDArray[np.generic]:
    """A column as texts, numbers with up to 15 digits."""
    if not column.numeric:
        return column.values
    numbers: list[float] = column.values.tolist()
    texts = ["" if number != number else f"{number:.15g}" for number in numbers]
    return np.array(texts, dtype=np.dtypes.StringDType())
