"""Packed texts answer like an array of texts, whatever letters they hold, and are found again by what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.city.texts import PackedTexts, hashes, index_of, pack, rows_of

LETTERS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = ["a", "", "Straße 3 – 東", "a", "b" * 300, "ß"]


def packed(pieces, guard=None):
    return PackedTexts(*pack(pieces), guard)


@given(st.lists(LETTERS))
def test_any_texts_come_back_the_same(pieces):
    assert packed(pieces).tolist() == pieces


@given(st.lists(LETTERS, min_size=1))
def test_offsets_count_bytes(pieces):
    encoded, start = pack(pieces)
    assert np.diff(start).tolist() == [len(piece.encode("utf-8")) for piece in pieces]
    assert encoded.tobytes() == "".join(pieces).encode("utf-8")


@given(st.lists(LETTERS, max_size=5), st.lists(st.integers(-3, 40), min_size=1, max_size=8))
def test_foreign_offsets_read_nothing_outside(pieces, offsets):
    encoded, _ = pack(pieces)
    texts = PackedTexts(encoded, np.array(offsets, np.int64))
    assert len(texts.tolist()) == len(offsets) - 1
    texts[::2], [texts[k] for k in range(len(texts))]


@pytest.mark.parametrize(
    "key", [0, -1, np.int32(4), slice(1, 4), slice(None, None, -2), [5, 0, 0], [], np.array([[1, 2], [-1, 3]]),
            np.array([True, False, True, False, True, True])],
)  # fmt: skip
def test_rows_are_chosen_as_in_an_array(key):
    whole = np.array(NAMES, np.dtypes.StringDType())
    key = np.array(key, np.intp) if isinstance(key, list) else key
    found, wanted = packed(NAMES)[key], whole[key]
    np.testing.assert_array_equal(found, wanted)
    assert np.shape(found) == np.shape(wanted) and type(found) is type(wanted)


@pytest.mark.parametrize("key", [6, -7, np.array([6]), np.array([True])])
def test_rows_that_are_not_there_are_refused(key):
    with pytest.raises(IndexError):
        packed(NAMES)[key]


def test_numpy_takes_them_for_an_array():
    whole, texts = np.array(NAMES, np.dtypes.StringDType()), packed(NAMES)
    assert texts.dtype == whole.dtype and texts.shape == whole.shape
    np.testing.assert_array_equal(np.asarray(texts), whole)
    np.testing.assert_array_equal(np.concatenate([texts, whole]), np.concatenate([whole, whole]))
    np.testing.assert_array_equal(np.unique(texts), np.unique(whole))
    for text in ("", "a", "nobody"):
        np.testing.assert_array_equal(texts == text, whole == text)
        np.testing.assert_array_equal(texts != text, whole != text)


def test_rows_that_are_refused_read_as_nothing():
    texts = packed(NAMES, lambda rows: rows != 2)
    assert texts.tolist() == ["a", "", "", "a", "b" * 300, "ß"] and texts[2] == ""
    np.testing.assert_array_equal(texts == "", [False, True, True, False, False, False])


@given(st.lists(st.sampled_from([*NAMES, "c", "d"])), st.lists(st.sampled_from([*NAMES, "nobody"])))
def test_texts_are_found_by_what_they_say(pieces, wanted):
    texts = packed(pieces)
    expected = [k for k, text in enumerate(pieces) if text in wanted]
    assert rows_of(texts, index_of(texts), wanted).tolist() == expected


def test_texts_of_one_hash_are_told_apart(monkeypatch):
    monkeypatch.setattr("viewer.city.texts.hashes", lambda encoded, start: np.zeros(len(start) - 1, np.uint64))
    texts = packed(NAMES)
    assert rows_of(texts, index_of(texts), ["ß", "a"]).tolist() == [0, 3, 5]


def test_a_hash_depends_on_the_text_alone():
    """Prepared cities keep these numbers, so they must not change; long lists are worked out in pieces."""
    many = [f"id-{k % 7}" for k in range(70_000)]
    found = hashes(*pack(many))
    assert len(np.unique(found)) == 7 and (found[7:] == found[:-7]).all()
    assert hashes(*pack(["a"])).tolist() == hashes(*pack(["b", "a"]))[1:].tolist()
