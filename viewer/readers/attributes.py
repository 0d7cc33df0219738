"""Attributes as they stand in a file -> columns over all objects; implausible values are set aside."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from viewer.city.model import Column
from viewer.plugin_api.context import ReadContext

TEXT = np.dtypes.StringDType()
Result = TypeVar("Result")

#: Names whose digits are codes, not amounts.
_CODE_NAME = re.compile(
    r"^(?:function|usage|class|roofType|species|.*Type)$"
    r"|(?:^|[_\W])(?:id|gml_?id|uuid|oid|code|key|ags|plz|nr|no|number)$"
    r"|post(?:al)?_?code|postleitzahl|schl(?:ü|ue)ssel|kennung|kennzeichen|zip_?code|identificat|objekt_?id|gemeinde",
    re.I,
)
_CODE_SUFFIX_CASED = re.compile(r"[a-z](?:Id|ID|Nr|No|Code|Key)$")
_YEAR = re.compile(r"^\s*(\d{4})(?:\D|$)")

#: name -> lowest and highest believable value, and what is said about others.
_PLAUSIBLE: dict[str, tuple[float, float, str]] = {
    "measuredHeight": (
        0.0,
        1000.0,
        "Buildings with an impossible height (such as {value} m), which is not used: {count}",
    ),
    "storeysAboveGround": (
        0.0,
        200.0,
        "Buildings with an impossible number of storeys (such as {value}), which is not used: {count}",
    ),
    "storeysBelowGround": (
        0.0,
        50.0,
        "Buildings with an impossible number of storeys below ground (such as {value}), which is not used: {count}",
    ),
    "yearOfConstruction": (
        500.0,
        2200.0,
        "Buildings with an impossible year of construction (such as {value}), which is not used: {count}",
    ),
}


def columns(
    attributes: Mapping[str, tuple[NDArray[np.integer], list[object]]],
    count: int,
    ids: Sequence[str],
    context: ReadContext,
) -> dict[str, Column]:
    """Columns over ``count`` objects. Numbers become float64 where every value is one and the name is no code."""
    result: dict[str, Column] = {}
    for name, (where, values) in attributes.items():
        index = np.asarray(where, dtype=np.int64)
        if not len(index):
            continue
        if name == "yearOfConstruction":
            numbers: NDArray[np.float64] | None = _years(values)
        else:
            numbers = None if is_code(name) else _numbers(values)
        if numbers is not None:
            numbers = _plausible(name, numbers, index, ids, context)
            column: NDArray[np.generic] = _spread(numbers, index, np.full(count, np.nan))
        else:
            column = _spread(np.array(_texts(values), dtype=TEXT), index, np.full(count, "", dtype=TEXT))
        result[name] = Column(name, column)
    return result


def _spread(values: NDArray[np.generic], index: NDArray[np.int64], column: NDArray[np.generic]) -> NDArray[np.generic]:
    """``column`` with values (n,) at ``index``; most attributes are those of every object."""
    if len(index) == len(column) and (index == np.arange(len(column))).all():
        return values
    column[index] = values
    return column


def is_code(name: str) -> bool:
    """Whether values of this attribute are codes, although they may look like numbers."""
    return bool(_CODE_NAME.search(name) or _CODE_SUFFIX_CASED.search(name))


def _texts(values: Sequence[object]) -> list[str]:
    if set(map(type, values)) == {str}:
        return list(map(str.strip, values))  # type: ignore[arg-type]
    return _each(_text, values)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if value != value else f"{value:g}" if abs(value) < 1e6 else str(value)
    return str(value).strip()


def _each(work: Callable[[object], Result], values: Sequence[object]) -> list[Result]:
    """``work`` of every value, done once for values that are alike: most columns repeat a few."""
    if set(map(type, values)) in ({str}, {int}):  # of one kind, else 1 and True and 1.0 would be alike
        known = {value: work(value) for value in dict.fromkeys(values)}
        return [known[value] for value in values]
    return [work(value) for value in values]


def _numbers(values: Sequence[object]) -> NDArray[np.float64] | None:
    """All values as numbers, NaN for missing; None if one is not a number or begins with 0 like a code."""
    if set(map(type, values)) == {float}:
        return np.array(values, dtype=np.float64)
    try:
        _number(values[0])  # before all are gone through
        numbers = _each(_number, values)
    except ValueError:
        return None
    if all(value is None or value == "" for value in values):
        return None
    return np.array(numbers, dtype=np.float64)


def _number(value: object) -> float:
    """A value as a number, NaN if it is missing.

    Raises
    ------
    ValueError
        It is no number, or a code.
    """
    if value is None or value == "":
        return np.nan
    if isinstance(value, str):
        if (len(value) > 1 and value[0] == "0" and value[1].isdigit()) or "_" in value:
            raise ValueError
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    return float(value)


def _years(values: Sequence[object]) -> NDArray[np.float64]:
    """Years of ``1965``, ``"1965"`` and ``"1965-07-01"``; NaN where none is written."""
    return np.array(_each(_year, values), dtype=np.float64)


def _year(value: object) -> float:
    match = _YEAR.match(_text(value))
    return float(match[1]) if match else np.nan


def _plausible(
    name: str, numbers: NDArray[np.float64], index: NDArray[np.int64], ids: Sequence[str], context: ReadContext
) -> NDArray[np.float64]:
    """The numbers with infinite and unbelievable ones set to NaN, and a note where that happened."""
    limits = _PLAUSIBLE.get(name)
    if limits is None:
        return np.where(np.isfinite(numbers), numbers, np.nan)
    lowest, highest, text = limits
    bad = ~np.isnan(numbers) & ~((numbers >= lowest) & (numbers <= highest))
    if bad.any():
        rows = np.flatnonzero(bad)
        context.warn(
            text,
            where=tuple(ids[i] for i in index[rows[:20]].tolist()),
            count=len(rows),
            value=f"{numbers[rows[0]]:g}",
        )
        numbers = np.where(bad, np.nan, numbers)
    return numbers
