"""Arrays in shared memory: they come whole, nothing of them stays, and no room for them is no end of the program."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from viewer.readers import parcel as parcels
from viewer.readers.parcel import Parcel, Shelf

ARRAYS = {"a": np.arange(7.0).reshape(7, 1), "none": np.zeros((0, 3), np.int32), "b": np.ones(5, np.uint8)}


def assert_the_same(got: dict[str, np.ndarray]) -> None:
    assert all(np.array_equal(got[name], array) and got[name].dtype == array.dtype for name, array in ARRAYS.items())


def kept() -> set[Path]:
    """Shared memory that there is now, where the system shows it."""
    folder = Path("/dev/shm")
    return set(folder.iterdir()) if folder.is_dir() else set()


def test_arrays_come_through_shared_memory_and_leave_none_behind():
    parcel = Parcel.of({"arrays": ARRAYS, "more": ["text", 3]})
    got = parcel.open()
    assert_the_same(got["arrays"])
    assert got["more"] == ["text", 3]
    got["arrays"]["a"] += 1  # they are the receiver's own
    with pytest.raises(FileNotFoundError):
        parcel.open()
    parcel.drop()


def test_a_parcel_that_nobody_opens_is_freed():
    parcel = Parcel.of(ARRAYS)
    parcel.hold()
    parcel.drop()
    with pytest.raises(FileNotFoundError):
        parcel.open()


def test_what_stands_on_a_shelf_can_be_looked_at_until_it_is_cleared():
    shelf = Shelf(ARRAYS)
    for _ in range(2):
        with shelf.label.look() as got:
            assert_the_same(got)
            del got
    shelf.clear()
    with pytest.raises(FileNotFoundError), shelf.label.look():
        pass


def test_where_memory_is_gone_with_its_handles_the_sender_keeps_some_and_the_receiver_what_has_come(monkeypatch):
    monkeypatch.setattr(parcels, "_WITH_HANDLES", True)
    monkeypatch.setattr(parcels, "_KEPT", 2)
    sent = [Parcel.of([number]) for number in range(4)]
    assert list(parcels._kept) == [parcel.name for parcel in sent[2:]]
    for parcel in sent:
        parcel.hold()
    assert [parcel.open() for parcel in sent[:3]] == [[0], [1], [2]]
    sent[3].drop()
    assert not parcels._held
    for parcel in sent:
        parcel.drop()
    assert not parcels._kept


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system gives memory when it is written to")
@pytest.mark.parametrize("make", [Parcel.of, Shelf])
def test_too_little_room_is_an_error_and_leaves_nothing(monkeypatch, make):
    """Written to, memory that is not there would end the whole program."""
    before = kept()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space"):
        make(ARRAYS)
    assert kept() <= before
