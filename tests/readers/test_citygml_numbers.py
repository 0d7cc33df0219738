"""Texts of coordinates become the same points however they are written, and bad ones cost their ring alone."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.readers.citygml_numbers import RING_MARK, parse_rings, turn_round

RING = "0 0 1 4 0 1 4 3 1 0 0 1"
POINTS = [[0, 0, 1], [4, 0, 1], [4, 3, 1], [0, 0, 1]]


def tokens(*rings: str) -> list[str]:
    return [part for text in rings for part in (RING_MARK, text)]


@pytest.mark.parametrize(
    "text",
    [
        RING,
        "  0 0 1\n4 0 1\t4 3 1 \r\n 0 0 1 ",
        "0.0 0. 1 +4 .0 1 4 3 1.000 0 0 1",
        "0e0 0 1e0 4 -0 10e-1 4 3 1 0 0 1",
        "00 0 01 4 0 1 4 3 1 0 0 1",
    ],
)
def test_white_space_and_ways_to_write_numbers_make_no_difference(text: str) -> None:
    points, size, flat = parse_rings(tokens(RING, text), 2)
    np.testing.assert_array_equal(points, [*POINTS, *POINTS])
    assert size.tolist() == [4, 4]
    assert flat == 0


def test_numbers_keep_every_digit() -> None:
    numbers = np.random.default_rng(1).uniform(-6e6, 6e6, 300)
    text = " ".join(map(repr, numbers.tolist()))
    points, _, _ = parse_rings(tokens(text), 1)
    np.testing.assert_array_equal(points.ravel(), numbers)
    points, _, _ = parse_rings(tokens(text.replace(" ", "\n")), 1)
    np.testing.assert_array_equal(points.ravel(), numbers)


@pytest.mark.parametrize(
    "bad",
    ["a b c", '"1" 2 3', "true 2 3", "null 2 3", "[1] 2 3", "1],[2 3 4", "{} 2 3", "1,2,3 4 5", "NaN 2 3", "1e999 2 3",
     f"{RING_MARK} 2 3", "9" * 400 + " 2 3", "1 2", ""],
)  # fmt: skip
def test_a_bad_ring_is_infinite_or_empty_and_its_neighbours_stay(bad: str) -> None:
    points, size, _ = parse_rings(tokens(RING, bad, RING), 3)
    assert len(size) == 3
    assert size[0] == size[2] == 4
    np.testing.assert_array_equal(points[:4], POINTS)
    np.testing.assert_array_equal(points[-4:], POINTS)
    assert not len(points[4:-4]) or not np.isfinite(points[4:-4]).all()


def test_several_texts_belong_to_the_ring_before_them() -> None:
    points, size, _ = parse_rings([RING_MARK, "0 0 1", "4 0 1", "4 3 1", "0 0 1", RING_MARK, RING], 2)
    np.testing.assert_array_equal(points, [*POINTS, *POINTS])
    assert size.tolist() == [4, 4]


def test_rings_without_heights_lie_at_zero_and_are_counted() -> None:
    points, size, flat = parse_rings(tokens("0 0 4 0 4 3 0 0", RING), 2)
    assert (size.tolist(), flat) == ([4, 4], 1)
    np.testing.assert_array_equal(points[:4], [[0, 0, 0], [4, 0, 0], [4, 3, 0], [0, 0, 0]])


def test_only_the_named_faces_are_turned_round() -> None:
    points, size, _ = parse_rings(tokens(RING, RING), 2)
    turn_round(points, size, np.array([0, 1], np.int32), np.array([1]))
    np.testing.assert_array_equal(points, [*POINTS, *POINTS[::-1]])


def test_nothing_makes_no_points() -> None:
    points, size, flat = parse_rings([], 0)
    assert (points.shape, len(size), flat) == ((0, 3), 0, 0)
