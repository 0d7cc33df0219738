"""What moves and tints every object and every mass, in pages of rows: one small texture each, written when needed.

A slider tick touches the pages of what is in the picture, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.scenario.change import CityChange
from viewer.scene.city_mesh import CityArrays
from viewer.scene.coarse import HALF_U, HALF_V, LOW
from viewer.scene.feature_table import FeatureTexture

#: Rows of a page, unless one tile or square alone has more.
PAGE_ROWS = 16_384
HIDDEN = -2.0
#: So many members stand for all of a mass while a slider moves.
SAMPLE = 8
COLUMNS = ("lift_m", "factor", "exists", "green_roof_share")


@dataclass(eq=False)
class Page:
    """Rows ``first .. last - 1`` of the objects or of the masses.

    state : factor - 1, lift, share of green roofs (-1 none, ``HIDDEN`` not there), height of the ground.
    tint : colour laid over and how much of it. exact, tint_exact : whether the masses are the
    means of all their members.
    """

    masses: bool
    first: int
    last: int
    state: FeatureTexture = field(init=False)
    tint: FeatureTexture = field(init=False)
    state_version: int = -1
    tint_version: int = -1
    exact: bool = True
    tint_exact: bool = True

    def __post_init__(self) -> None:
        self.state = FeatureTexture(max(self.last - self.first, 1), np.float32)
        self.tint = FeatureTexture(max(self.last - self.first, 1), np.uint8)


@dataclass(frozen=True, eq=False)
class Members:
    """Objects behind the masses of a page, their ground areas; the runs of each mass for ``reduceat``, and the sums of
    their areas."""

    objects: NDArray[np.int32]
    area: NDArray[np.float32]
    runs: NDArray[np.int64]
    total: NDArray[np.floating]


class Rows:
    """All pages of a city, and the change and tint they show."""

    def __init__(self, arrays: CityArrays) -> None:
        self._arrays = arrays
        self._change: CityChange | None = None
        self._tint: NDArray[np.uint8] | None = None
        self._tinted = False
        self._state_version = self._tint_version = 0
        self.pages: list[Page] = []
        self.page_of_tile = self._divide(arrays.tiles.feature_start, masses=False)
        self.page_of_square = self._divide(arrays.far.masses.node_start, masses=True)
        self._columns: dict[str, NDArray[Any] | float] = {}
        self._known_members: dict[tuple[int, bool], Members] = {}
        self.written = 0

    def _divide(self, start: NDArray[np.int64], *, masses: bool) -> NDArray[np.int64]:
        """Make pages of whole tiles or squares; the page of each."""
        page = np.zeros(max(len(start) - 1, 0), np.int64)
        first = 0
        while first < len(page):
            last = int(np.searchsorted(start, start[first] + PAGE_ROWS, side="right")) - 1
            last = min(max(last, first + 1), len(page))
            page[first:last] = len(self.pages)
            self.pages.append(Page(masses, int(start[first]), int(start[last])))
            first = last
        return page

    def set_change(self, change: CityChange | None) -> None:
        """Heights, visibility and green roofs of all objects."""
        old, self._change = self._change, change
        same = [name for name in COLUMNS if getattr(old, name, None) is getattr(change, name, None)]
        if len(same) == len(COLUMNS):
            return
        if change is not None:
            kept = {name: self._columns[name] for name in same if name in self._columns}
            self._columns = kept | {name: _scalar(getattr(change, name)) for name in COLUMNS if name not in kept}
        self._state_version += 1

    def set_tint(self, tint: NDArray[np.uint8]) -> None:
        """(K, 4) uint8: colour laid over each object and how much of it (alpha)."""
        self._tint, self._tinted = tint, bool(tint[:, 3].any())
        self._tint_version += 1

    def refresh(self, page: Page, *, exact: bool = True) -> None:
        """Bring a page up to date; nothing is done where it is.

        exact : else some members stand for all of each mass, which is enough while a slider moves.
        """
        if page.state_version != self._state_version or (exact and not page.exact):
            page.state_version, page.exact = self._state_version, exact or not page.masses
            state = self._masses_state(page, exact) if page.masses else self._objects_state(page.first, page.last)
            page.state.set(state)
            self.written += page.last - page.first
        again = exact and not page.tint_exact
        if self._tint is not None and (page.tint_version != self._tint_version or again):
            page.tint_version, page.tint_exact = self._tint_version, exact or not page.masses or not self._tinted
            page.tint.set(self._masses_tint(page, exact) if page.masses else self._tint[page.first : page.last])
            self.written += page.last - page.first

    def _objects_state(self, first: int, last: int) -> NDArray[np.float32]:
        own = slice(first, last)
        state = np.zeros((last - first, 4), np.float32)
        state[:, 2] = -1.0
        state[:, 3] = self._arrays.ground_z[own]
        change = self._change
        if change is not None:
            known = np.isfinite(self._arrays.measures.ground_m[own])
            green = change.green_roof_share[own]
            state[:, 0] = np.where(known, change.factor[own] - 1.0, 0.0)
            state[:, 1] = np.where(known, change.lift_m[own], 0.0)
            state[:, 2] = np.where(green > 0, green, -1.0)
            state[~change.exists[own], 2] = HIDDEN
        return state

    def _members(self, page: Page, exact: bool) -> Members:
        """Who is behind the masses of a page, all or some of them; kept, since it never changes."""
        known = self._known_members.get((page.first, exact))
        if known is None:
            masses = self._arrays.far.masses
            start = masses.member_start[page.first : page.last].astype(np.int64)
            end = masses.member_end[page.first : page.last].astype(np.int64)
            low, high = int(start.min()), int(end.max())
            if exact:
                objects = masses.order[low:high]
                runs = np.column_stack([start - low, end - low]).ravel()
            else:
                number = np.minimum(end - start, SAMPLE)
                last = np.cumsum(number)
                runs = np.column_stack([last - number, last]).ravel()
                step = np.arange(int(last[-1])) - np.repeat(last - number, number)
                at = np.repeat(start, number) + step * np.repeat(end - start, number) // np.repeat(number, number)
                objects = masses.order[at]
            place = self._arrays.far.blocks.place[objects]
            area = np.maximum(4.0 * place[:, HALF_U] * place[:, HALF_V], 1.0)
            known = Members(objects, area, runs, _runs(area, runs))
            self._known_members[page.first, exact] = known
        return known

    def _masses_state(self, page: Page, exact: bool) -> NDArray[np.float32]:
        """The mean of the members of each mass by their areas."""
        count = page.last - page.first
        state = np.zeros((count, 4), np.float32)
        state[:, 2] = -1.0
        if not count:
            return state
        state[:, 3] = self._arrays.far.masses.boxes.place[page.first : page.last, LOW]
        if self._change is None:
            return state
        members = self._members(page, exact)
        columns = self._columns
        exists = columns["exists"]
        weight = members.area if isinstance(exists, float) else members.area * exists[members.objects]
        share = exists if isinstance(exists, float) else _runs(weight, members.runs) / members.total

        def mean(name: str) -> NDArray[np.float64] | float:
            """Of those that are there, times the share of those."""
            column = columns[name]
            if isinstance(column, float):
                return column * share
            return _runs(weight * column[members.objects], members.runs) / members.total

        state[:, 0] = mean("factor") - 1.0
        state[:, 1] = mean("lift_m")
        green = mean("green_roof_share") / np.maximum(share, 1e-9)
        state[:, 2] = np.where(green > 0, green, -1.0)
        state[np.broadcast_to(share, count) <= 0, 2] = HIDDEN
        return state

    def _masses_tint(self, page: Page, exact: bool) -> NDArray[np.uint8]:
        count = page.last - page.first
        tint = np.zeros((count, 4), np.uint8)
        if not count or self._tint is None or not self._tinted:
            return tint
        members = self._members(page, exact)
        alpha = self._tint[members.objects, 3]
        if not alpha.any():
            return tint
        laid = members.area * alpha
        weight = _runs(laid, members.runs)
        for k in range(3):
            total = _runs(laid * self._tint[members.objects, k], members.runs)
            tint[:, k] = np.rint(total / np.maximum(weight, 1e-9))
        tint[:, 3] = np.rint(weight / members.total)
        return tint


def _runs(values: NDArray[Any], runs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums of runs: begin and end of each in turn."""
    return np.asarray(np.add.reduceat(np.append(values, 0), runs, dtype=np.float64)[::2])


def _scalar(column: NDArray[Any]) -> NDArray[Any] | float:
    """The one number of a column that is the same everywhere, else the column."""
    if not len(column):
        return 0.0
    low, high = column.min(), column.max()
    return float(low) if low == high else column
