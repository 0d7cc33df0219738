"""Text columns survive the store, whatever letters they hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.errors import ReadError
from viewer.readers.store import texts

LETTERS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(LETTERS))
def test_any_texts_come_back_the_same(pieces):
    encoded, start = texts.pack(pieces)
    assert texts.unpack(encoded, start, "column") == pieces


@given(st.lists(LETTERS, min_size=1))
def test_offsets_count_bytes(pieces):
    encoded, start = texts.pack(pieces)
    assert np.diff(start).tolist() == [len(piece.encode("utf-8")) for piece in pieces]
    assert encoded.tobytes() == "".join(pieces).encode("utf-8")


@given(st.lists(LETTERS, max_size=5), st.lists(st.integers(-3, 40), max_size=8))
def test_foreign_offsets_are_refused_or_cut_whole_letters(pieces, offsets):
    encoded, _ = texts.pack(pieces)
    start = np.array(offsets, np.int64)
    try:
        found = texts.unpack(encoded, start, "column")
    except ReadError:
        return
    assert "".join(found) == "".join(pieces)


def test_an_offset_inside_a_letter_is_refused():
    encoded, _ = texts.pack(["ä"])
    with pytest.raises(ReadError):
        texts.unpack(encoded, np.array([0, 1, 2], np.int64), "column")


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(ReadError):
        texts.unpack(np.array([0xFF], np.uint8), np.array([0, 1], np.int64), "column")
