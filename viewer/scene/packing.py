"""Numbers of a vertex packed into three floats for the shader, and the codes of the colours. No VTK.

A float holds whole numbers up to 2**24 exactly. The shader undoes this in ``shading``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.city.kinds import SurfaceType, Theme
from viewer.scene.palettes import Look, rgb

#: Steps of the lift weight, of the green rank (one more means never) and of each axis of a normal.
WEIGHT_STEPS, RANK_STEPS, NORMAL_STEPS = 16383, 1022, 510
#: Codes of colours: themes first, then these; the mixes lead from roof to flat roof.
_THEMES = len(tuple(Theme))
ROOF, WALL, WINDOW = _THEMES, _THEMES + 1, _THEMES + 2
MIX, MIXES = 32, 16
CODES = 64
assert WINDOW < MIX <= CODES - MIXES


def pack(
    row: NDArray[np.integer],
    weight: NDArray[np.floating],
    rank: NDArray[np.floating],
    normal: NDArray[np.floating],
    code: NDArray[np.integer],
) -> NDArray[np.float32]:
    """(n, 3) float32: row of the state texture; lift weight 0..1 with green rank 0..1 (above 1 = never); unit normal
    (n, 3) with colour code."""
    result = np.empty((len(row), 3), np.float32)
    result[:, 0] = row
    ranks = np.where(rank <= 1.0, np.floor(np.minimum(rank, 0.9999) * RANK_STEPS), RANK_STEPS + 1)
    result[:, 1] = with_weight(weight) + (WEIGHT_STEPS + 1) * ranks
    n = normal / np.maximum(np.abs(normal).sum(axis=1, keepdims=True), 1e-9)
    fold = (1.0 - np.abs(n[:, 1::-1])) * np.where(n[:, :2] < 0, -1.0, 1.0)
    flat = np.where(n[:, 2:] < 0, fold, n[:, :2])
    steps = np.rint((flat + 1.0) * (NORMAL_STEPS / 2)).astype(np.int64)
    result[:, 2] = steps[:, 0] + 512 * steps[:, 1] + 512 * 512 * code.astype(np.int64)
    return result


def pack_boxes(
    row: NDArray[np.integer],
    rank: NDArray[np.floating],
    sine: NDArray[np.floating],
    cosine: NDArray[np.floating],
    side: NDArray[np.integer],
    top: NDArray[np.integer],
) -> NDArray[np.float32]:
    """(n, 8, 3) float32: the same for the corners of n boxes, see ``coarse.box_corners``.

    Corner k of the low ring speaks for side k, and the first of the high ring for the top, which alone may turn green.
    sine, cosine : of the turn of each box. side, top : colour codes.
    """
    result = np.empty((len(row), 8, 3), np.float32)
    result[:, :, 0] = row[:, None]
    never = (WEIGHT_STEPS + 1) * (RANK_STEPS + 1)
    result[:, :4, 1], result[:, 5:, 1] = never, never + WEIGHT_STEPS
    ranks = np.where(rank <= 1.0, np.floor(np.minimum(rank, 0.9999) * RANK_STEPS), RANK_STEPS + 1)
    result[:, 4, 1] = WEIGHT_STEPS + (WEIGHT_STEPS + 1) * ranks
    size = np.maximum(np.abs(sine) + np.abs(cosine), 1e-9)
    x, y = sine / size, cosine / size
    ahead, back, left, right = (np.rint((v + 1.0) * (NORMAL_STEPS / 2)) for v in (x, -x, y, -y))
    of_side, up = 512.0 * 512.0 * side, NORMAL_STEPS // 2
    for k, (first, second) in enumerate(((ahead, right), (left, ahead), (back, left), (right, back))):
        result[:, k, 2] = first + 512.0 * second + of_side
    result[:, 4:, 2] = (up + 512.0 * up + 512.0 * 512.0 * top)[:, None]
    return result


def with_weight(weight: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n,) what lift weights add to the second number of points that have none yet."""
    return np.asarray(np.rint(weight * WEIGHT_STEPS), np.float64)


def unpack(packed: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64],
                                                 NDArray[np.float64], NDArray[np.int64]]:  # fmt: skip
    """What ``pack`` was given, as far as it was kept: the twin of the shader's."""
    row, word, bits = (np.rint(packed[:, k]).astype(np.int64) for k in range(3))
    x, y = (((bits >> shift) & 511) / (NORMAL_STEPS / 2) - 1.0 for shift in (0, 9))
    z = 1.0 - np.abs(x) - np.abs(y)
    flat = np.column_stack([x, y])
    fold = (1.0 - np.abs(flat[:, ::-1])) * np.where(flat < 0, -1.0, 1.0)
    normal = np.column_stack([np.where(z[:, None] < 0, fold, flat), z])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return row, (word & WEIGHT_STEPS) / WEIGHT_STEPS, (word >> 14) / RANK_STEPS, normal, bits >> 18


def face_codes(
    surface: NDArray[np.uint8], theme: NDArray[np.uint8], slope_up: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """(n,) uint8 colour codes of faces by surface, theme and z of their normals."""
    themes = tuple(Theme)
    code = theme.astype(np.uint8)
    building = theme == themes.index(Theme.BUILDING)
    for kind, own in ((SurfaceType.ROOF, ROOF), (SurfaceType.WALL, WALL), (SurfaceType.WINDOW, WINDOW),
                      (SurfaceType.DOOR, WINDOW)):  # fmt: skip
        code[building & (surface == kind)] = own
    code[surface == SurfaceType.WATER] = themes.index(Theme.WATER)
    unknown = building & (surface == SurfaceType.UNKNOWN)
    code[unknown & (np.abs(slope_up) < 0.3)] = WALL
    code[unknown & (slope_up >= 0.3)] = ROOF
    top = (surface == SurfaceType.ROOF) | (surface == SurfaceType.UNKNOWN)
    code[building & (slope_up > 0.985) & top] = MIX + MIXES - 1
    return code


def code_colors(style: Look) -> NDArray[np.float64]:
    """(CODES, 3) 0..1 colours of all codes in a theme."""
    colors = np.full((CODES, 3), 0.5)
    colors[:_THEMES] = [rgb(style.themes[t]) for t in Theme]
    for code, name in ((ROOF, style.roof), (WALL, style.wall), (WINDOW, style.window)):
        colors[code] = rgb(name)
    share = np.linspace(0.0, 1.0, MIXES)[:, None]
    colors[MIX : MIX + MIXES] = rgb(style.roof) * (1.0 - share) + rgb(style.flat_roof) * share
    return colors
