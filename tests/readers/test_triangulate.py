"""Triangulation: areas by hand, direction, holes, and faces that are none."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer.city.gate import offsets
from viewer.readers import helpers
from viewer.readers.triangulate import Cutting, Triangulation, triangulate


def cut(*faces: list[list[tuple[float, float, float]]]) -> tuple[Triangulation, np.ndarray]:
    rings = [ring for face in faces for ring in face]
    positions = np.array([p for ring in rings for p in ring], dtype=np.float32).reshape(-1, 3)
    result = triangulate(
        positions, offsets(np.array([len(r) for r in rings])), offsets(np.array([len(f) for f in faces]))
    )
    return result, positions


def normals(result: Triangulation, positions: np.ndarray) -> np.ndarray:
    a, b, c = (positions[result.triangles[:, k]].astype(float) for k in range(3))
    return np.cross(b - a, c - a) / 2


def square(size: float, at: float = 0.0) -> list[tuple[float, float, float]]:
    return [(at, at, 0), (at + size, at, 0), (at + size, at + size, 0), (at, at + size, 0)]


L_SHAPE = [(0, 0, 0), (10, 0, 0), (10, 4, 0), (4, 4, 0), (4, 10, 0), (0, 10, 0)]
ARROW = [(0, 0, 0), (10, 0, 0), (2, 2, 0), (0, 10, 0)]
STAR = [
    (np.cos(a) * r, np.sin(a) * r, 0)
    for a, r in zip(np.linspace(0, 2 * np.pi, 10, endpoint=False), [5, 2] * 5, strict=True)
]


@pytest.mark.parametrize(
    ("face", "area", "count"),
    [
        ([square(4)[:3]], 8, 1),
        ([square(4)], 16, 2),
        ([ARROW], 20, 2),
        ([L_SHAPE], 64, 4),
        ([[(0, 0, 0), (4, 0, 0), (6, 3, 0), (2, 6, 0), (-2, 3, 0)]], 30, 3),
        ([square(10), square(2, 4)], 96, 8),
        ([square(10), square(2, 4)[::-1]], 96, 8),
        ([square(10), square(2, 1), square(2, 6)], 92, None),
    ],
)
@pytest.mark.parametrize("plane", ["xy", "xz", "yz", "tilted"])
@pytest.mark.parametrize("reverse", [False, True])
def test_areas_and_direction_in_every_plane(
    face: list[list[tuple[float, float, float]]], area: float, count: int | None, plane: str, reverse: bool
) -> None:
    turn = {
        "xy": np.eye(3),
        "xz": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
        "yz": np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]]),
        "tilted": np.linalg.qr(np.array([[1, 2, 3], [0, 1, 4], [5, 6, 0.5]]))[0],
    }[plane]
    turn = turn * np.sign(np.linalg.det(turn))
    moved = [[tuple(turn @ np.array(p) + [50, -30, 20]) for p in ring] for ring in face]
    if reverse:
        moved[0] = moved[0][::-1]
    result, positions = cut(moved)
    found = normals(result, positions).sum(axis=0)
    up = turn @ np.array([0, 0, -1.0 if reverse else 1.0])
    np.testing.assert_allclose(found, up * area, atol=1e-3)
    assert np.linalg.norm(normals(result, positions), axis=1).sum() == pytest.approx(area, rel=1e-4)
    assert count is None or len(result.triangles) == count
    assert result.usable.all()
    assert not result.crossing.any()


def test_a_star_is_not_taken_for_a_convex_face() -> None:
    result, positions = cut([STAR])
    x, y, _ = np.array(STAR).T
    area = abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2
    assert np.linalg.norm(normals(result, positions), axis=1).sum() == pytest.approx(area, rel=1e-5)


def test_a_pentagram_is_reported_as_crossing_itself() -> None:
    order = [0, 2, 4, 1, 3]
    tips = [(np.cos(k * 2 * np.pi / 5), np.sin(k * 2 * np.pi / 5), 0) for k in range(5)]
    result, _ = cut([[tips[k] for k in order]], [square(4)])
    assert result.crossing.tolist() == [True, False]


def test_faces_without_an_area_are_not_usable() -> None:
    line = [(0, 0, 0), (5, 0, 0), (10, 0, 0)]
    result, _ = cut([line], [square(4)], [[(1, 1, 1)] * 4])
    assert result.usable.tolist() == [False, True, False]
    assert result.triangle_face.tolist() == [1, 1]


def test_repeated_corners_do_no_harm() -> None:
    result, positions = cut([[(0, 0, 0), (0, 0, 0), (4, 0, 0), (4, 4, 0), (4, 4, 0), (0, 4, 0)]])
    assert np.linalg.norm(normals(result, positions), axis=1).sum() == pytest.approx(16, rel=1e-6)


def test_many_faces_in_blocks_are_the_same_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    faces = [[square(4)], [L_SHAPE], [square(10), square(2, 4)], [square(3)[:3]], [STAR], [ARROW]] * 5
    whole, _ = cut(*faces)
    shares: list[float] = []
    monkeypatch.setattr("viewer.readers.triangulate._BLOCK_POINTS", 7)
    pieces, _ = cut(*faces)
    assert np.array_equal(whole.triangles, pieces.triangles)
    assert np.array_equal(whole.triangle_face, pieces.triangle_face)
    rings = [ring for face in faces for ring in face]
    triangulate(
        np.array([p for r in rings for p in r], np.float32),
        offsets(np.array([len(r) for r in rings])),
        offsets(np.array([len(f) for f in faces])),
        shares.append,
    )
    assert shares[-1] == 1.0
    assert shares == sorted(shares)


def assert_alike(one: Triangulation, other: Triangulation) -> None:
    for name in ("triangles", "triangle_face", "usable", "crossing"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("room", [True, False])
def test_helpers_cut_the_same(monkeypatch: pytest.MonkeyPatch, room: bool) -> None:
    faces = [[square(4)], [L_SHAPE], [square(10), square(2, 4)], [square(3)[:3]], [STAR], [ARROW]] * 9
    alone, _ = cut(*faces)
    monkeypatch.setenv(helpers.VARIABLE, "2")
    monkeypatch.setattr("viewer.readers.triangulate._WORTH_POINTS", 0)
    monkeypatch.setattr("viewer.readers.triangulate._BLOCK_POINTS", 7)
    here: list[int] = []
    work = Cutting._cut
    monkeypatch.setattr(Cutting, "_cut", lambda self, parts: here.append(len(parts)) or work(self, parts))
    if not room:
        monkeypatch.setattr("viewer.readers.triangulate.Shelf", refuse)
    try:
        helpers.submit(os.getpid).result(timeout=60)
        together, _ = cut(*faces)
    finally:
        helpers.stop()
    assert_alike(together, alone)
    blocks = sum(here)
    assert (blocks < len(faces)) is room


def refuse(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_no_faces() -> None:
    result, _ = cut()
    assert result.triangles.shape == (0, 3)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(-20, 20)] * 3).map(lambda p: tuple(float(v) for v in p)), min_size=3, max_size=12)
)
def test_any_ring_gives_triangles_of_its_own_points(ring: list[tuple[float, float, float]]) -> None:
    result, positions = cut([square(4)], [ring], [square(6)])
    assert (np.diff(result.triangle_face) >= 0).all()
    low = np.array([0, 4, 4 + len(ring), 8 + len(ring)])
    for face in range(3):
        own = result.triangles[result.triangle_face == face]
        assert ((own >= low[face]) & (own < low[face + 1])).all()
    assert np.isfinite(normals(result, positions)).all()
    assert {0, 2} <= set(result.triangle_face.tolist())
