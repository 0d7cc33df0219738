"""Values and arrays on their way between the processes of one machine, in shared memory.

A pipe takes a long answer in small pieces, each when the other side comes to it, and whoever sends it waits meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import pickle  # nothing but what one process of this program hands to another
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

_PROTOCOL = 5
_ALIGN = 64
#: On Windows memory is gone with its last handle: the sender keeps what it sent last, two for each helper there may be,
#: and the receiver what has come.
_WITH_HANDLES = os.name == "nt"
_KEPT = 32
_kept: dict[str, SharedMemory] = {}
_held: dict[str, SharedMemory] = {}


@dataclass(frozen=True, slots=True)
class Parcel:
    """One value, with its arrays beside it.

    name : of the shared memory. sizes : bytes of the value without its arrays, and of each of these.
    """

    name: str
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, value: object) -> Parcel:
        """Copy a picklable value into shared memory; ``open`` or ``drop`` in the other process frees it.

        Raises
        ------
        OSError
            There is not enough of it.
        """
        buffers: list[pickle.PickleBuffer] = []
        text = pickle.dumps(value, protocol=_PROTOCOL, buffer_callback=buffers.append)
        pieces = [memoryview(text), *(buffer.raw() for buffer in buffers)]
        sizes = tuple(piece.nbytes for piece in pieces)
        memory = _memory(sum(map(_aligned, sizes)))
        room = _bytes(memory)
        for piece, place in zip(pieces, _places(sizes), strict=True):
            room[place] = piece
        del room
        if _WITH_HANDLES:
            _kept[memory.name] = memory
            for name in list(_kept)[:-_KEPT]:
                _kept.pop(name).close()
        else:
            memory.close()
        return cls(memory.name, sizes)

    def hold(self) -> None:
        """Say that it has come."""
        if _WITH_HANDLES:
            with contextlib.suppress(OSError):
                _held[self.name] = SharedMemory(self.name)

    def open(self) -> Any:
        """The value, with arrays of its own; the memory is freed.

        Raises
        ------
        OSError
            The memory is gone.
        """
        memory = _held.pop(self.name, None) or SharedMemory(self.name)
        room = _bytes(memory)
        try:
            text, *arrays = (bytearray(room[place]) for place in _places(self.sizes))
        finally:
            del room
            memory.close()
            memory.unlink()
        return pickle.loads(text, buffers=arrays)  # noqa: S301

    def drop(self) -> None:
        """Free the memory, if it was not read."""
        own = _kept.pop(self.name, None)
        if own is not None:
            own.close()
        with contextlib.suppress(OSError):
            memory = _held.pop(self.name, None) or SharedMemory(self.name)
            memory.close()
            memory.unlink()


@dataclass(frozen=True, slots=True)
class Label:
    """Where the arrays on a ``Shelf`` are.

    name : of the shared memory. layout : name -> type, shape and place of each array.
    """

    name: str
    layout: dict[str, tuple[str, tuple[int, ...], int]]

    @contextlib.contextmanager
    def look(self) -> Iterator[dict[str, NDArray[Any]]]:
        """The arrays by name, to be let go of before the block ends.

        Raises
        ------
        OSError
            They are gone.
        """
        memory = SharedMemory(self.name)
        views = {name: _view(memory, place) for name, place in self.layout.items()}
        try:
            yield views
        finally:
            views.clear()
            with contextlib.suppress(BufferError):  # an error holds on to a view; the system frees it in the end
                memory.close()


class Shelf:
    """Copies of arrays that other processes may look at until it is cleared; ``label`` tells them where.

    Raises
    ------
    OSError
        There is not enough shared memory.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        ends = list(accumulate((_aligned(array.nbytes) for array in arrays.values()), initial=0))
        self._memory = _memory(ends[-1])
        layout = {
            name: (array.dtype.str, array.shape, place)
            for (name, array), place in zip(arrays.items(), ends[:-1], strict=True)
        }
        for name, array in arrays.items():
            _view(self._memory, layout[name])[...] = array
        self.label = Label(self._memory.name, layout)

    def clear(self) -> None:
        """Free the memory."""
        self._memory.close()
        self._memory.unlink()


def _memory(size: int) -> SharedMemory:
    """New shared memory.

    Raises
    ------
    OSError
        There is not enough of it.
    """
    memory = SharedMemory(create=True, size=max(size, 1))
    try:
        if hasattr(os, "posix_fallocate"):  # else a process that writes where there is no room is ended by the system
            os.posix_fallocate(memory._fd, 0, max(size, 1))  # type: ignore[attr-defined]
    except OSError:
        memory.close()
        memory.unlink()
        raise
    return memory


def _bytes(memory: SharedMemory) -> memoryview:
    room: memoryview | None = memory.buf
    assert room is not None  # it is open
    return room


def _aligned(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN


def _places(sizes: tuple[int, ...]) -> Iterator[slice]:
    """Where in the memory each of some pieces lies."""
    for size, (start, _) in zip(sizes, pairwise(accumulate(map(_aligned, sizes), initial=0)), strict=True):
        yield slice(start, start + size)


def _view(memory: SharedMemory, place: tuple[str, tuple[int, ...], int]) -> NDArray[Any]:
    dtype, shape, start = place
    return np.ndarray(shape, np.dtype(dtype), memory.buf, start)
