"""Ids that occur in several cities, made unique without holding all of them in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from viewer.city.merge import DUPLICATE_ID
from viewer.city.report import IssueLog, Severity
from viewer.city.texts import PackedTexts, hashes, index_of, pack


class Names:
    """New ids for those objects whose id an earlier one has: ``~2``, ``~3``, ..., as in ``merge``.

    Parameters
    ----------
    ids : of the objects of each city. log : told how many were renamed.
    """

    def __init__(self, ids: Sequence[NDArray[np.generic]], log: IssueLog | None = None) -> None:
        self.first = np.concatenate([[0], np.cumsum([len(own) for own in ids])]).astype(np.int64)
        self.hashes: NDArray[np.uint64] = np.zeros(int(self.first[-1]), np.uint64)
        for start, own in zip(self.first[:-1].tolist(), ids, strict=True):
            found, rows = index_of(own)
            self.hashes[start + rows] = found
        #: Number of the object among all, and its new id.
        self.renamed: dict[int, str] = {}
        self._rename(ids)
        if self.renamed and log is not None:
            new = list(self.renamed.values())
            log.add(
                Severity.WARNING, DUPLICATE_ID, where=tuple(new[: log.MAX_PLACES]), count=len(new),
                id=new[0].rsplit("~", 1)[0],
            )  # fmt: skip

    def of(self, city: int, texts: PackedTexts, rows: NDArray[np.int64]) -> tuple[PackedTexts, NDArray[np.uint64]]:
        """The ids of some objects of one city as they are called now, and their hashes."""
        number = self.first[city] + rows
        taken = texts.take(rows)
        if self.renamed:
            new = {k: self.renamed[n] for k, n in enumerate(number.tolist()) if n in self.renamed}
            if new:
                taken = PackedTexts(*pack(new.get(k, text) for k, text in enumerate(taken.tolist())))
        return taken, self.hashes[number]

    def _rename(self, ids: Sequence[NDArray[np.generic]]) -> None:
        order = np.argsort(self.hashes, kind="stable")
        ordered = self.hashes[order]
        same = np.flatnonzero(ordered[1:] == ordered[:-1])
        if not len(same):
            return
        seen: set[str] = set()
        next_number: dict[str, int] = {}
        for number in np.unique(order[np.concatenate([same, same + 1])]).tolist():
            city = int(np.searchsorted(self.first, number, side="right")) - 1
            own = str(ids[city][number - int(self.first[city])])
            if own not in seen:
                seen.add(own)
                continue
            count = next_number.get(own, 2)
            while self._taken(new := f"{own}~{count}", ordered):
                count += 1
            next_number[own] = count + 1
            self.renamed[number] = new
            self.hashes[number] = hashes(*pack([new]))[0]
            seen.add(new)

    @staticmethod
    def _taken(name: str, ordered: NDArray[np.uint64]) -> bool:
        sought = hashes(*pack([name]))[0]
        place = int(np.searchsorted(ordered, sought))
        return place < len(ordered) and bool(ordered[place] == sought)
