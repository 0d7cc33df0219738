"""Sorts the points of a LAS, LAZ or COPC file into levels of detail. A script of its own: it imports nothing of ours.

Level 0 holds one point of every cell of a coarse grid, each further level one of every cell of a grid twice as fine
in which no earlier level has one. Points in Morton order tell the level by themselves: it is the coarsest at which a
point's cell differs from that of the point before.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np

#: Bits per axis of a place, and of the grid within one node.
BITS, NODE_BITS = 21, 7
_CHUNK = 1_000_000
_NOISE = (7, 18)
#: Longest side of a cloud, metres or degrees of its system; a point beyond is junk.
_MOST_SPAN = 2.0e6


def say(**what: object) -> None:
    """One line for the program that waits."""
    print(json.dumps(what), flush=True)


def read(path: str, count: int, most: int) -> dict[str, object]:
    """Points of a file, thinned evenly to ``most``: places in the file's system and what colours them."""
    import laspy

    step = max(1, -(-count // most))
    room = -(-count // step) + 1
    found = left_out = seen = 0
    with laspy.open(path) as source:
        names = set(source.header.point_format.dimension_names)
        scales, offsets = np.asarray(source.header.scales), np.asarray(source.header.offsets)
        raw = np.empty((room, 3), np.int32)
        kind = np.zeros(room, np.uint8)
        intensity = np.zeros(room, np.uint16)
        colors = np.zeros((room, 3), np.uint16) if {"red", "green", "blue"} <= names else None
        broken = ""
        chunks = source.chunk_iterator(_CHUNK)
        while seen < count:
            try:
                points = next(chunks, None)
            except (laspy.errors.LaspyException, RuntimeError, ValueError, OSError) as error:
                broken = str(error)[:200]
                break
            if points is None or not len(points):
                break
            take = np.arange((-seen) % step, len(points), step)
            seen += len(points)
            classes = np.asarray(points.classification)[take].astype(np.uint8)
            keep = ~np.isin(classes, _NOISE)
            if "withheld" in names:
                keep &= np.asarray(points.withheld)[take] == 0
            left_out += int((~keep).sum())
            take = take[keep]
            take, classes = take[: room - found], classes[keep][: room - found]
            part = slice(found, found + len(take))
            for axis, values in enumerate((points.X, points.Y, points.Z)):
                raw[part, axis] = np.asarray(values)[take]
            kind[part] = classes
            intensity[part] = np.asarray(points.intensity)[take]
            if colors is not None:
                for axis, values in enumerate((points.red, points.green, points.blue)):
                    colors[part, axis] = np.asarray(values)[take]
            found += len(take)
            say(share=0.05 + 0.45 * min(seen / max(count, 1), 1.0), text="Reading the points")
    return {
        "raw": raw[:found], "class": kind[:found], "intensity": intensity[:found],
        "colors": None if colors is None else colors[:found],
        "scales": scales, "offsets": offsets, "step": step, "seen": seen, "left_out": left_out, "broken": broken,
    }  # fmt: skip


def spread(values: np.ndarray) -> np.ndarray:
    """(n,) uint64 with two empty bits after every one of the lowest 21."""
    v = values.astype(np.uint64)
    for shift, mask in (
        (32, 0x1F00000000FFFF), (16, 0x1F0000FF0000FF), (8, 0x100F00F00F00F00F), (4, 0x10C30C30C30C30C3),
        (2, 0x1249249249249249),
    ):  # fmt: skip
        v = (v | (v << np.uint64(shift))) & np.uint64(mask)
    return v


def gathered(codes: np.ndarray) -> np.ndarray:
    """The reverse of ``spread``: every third bit of (n,) uint64."""
    v = codes & np.uint64(0x1249249249249249)
    for shift, mask in (
        (2, 0x10C30C30C30C30C3), (4, 0x100F00F00F00F00F), (8, 0x1F0000FF0000FF), (16, 0x1F00000000FFFF), (32, 0x1FFFFF),
    ):  # fmt: skip
        v = (v ^ (v >> np.uint64(shift))) & np.uint64(mask)
    return v


def levels_of(codes: np.ndarray, deepest: int) -> np.ndarray:
    """(n,) uint8 level of points in Morton order."""
    differs = codes[1:] ^ codes[:-1]
    # The exponent of a float is the highest bit; rounding up to the next power of two would be one too much.
    high = differs & ~(differs >> np.uint64(1))
    top = np.frexp(high.astype(np.float64))[1] - 1
    first = 3 * (BITS - NODE_BITS)
    level = np.empty(len(codes), np.uint8)
    level[0] = 0
    level[1:] = np.clip(-((top - first) // 3), 0, deepest)
    return level


def main() -> None:
    """Do the job that stands on standard input."""
    job = json.load(sys.stdin)
    folder = Path(job["folder"])
    points = read(job["path"], int(job["count"]), int(job["most"]))
    raw = points["raw"]
    if not len(raw):
        say(result={"trouble": "empty"})
        return
    scales, offsets = points["scales"], points["offsets"]
    low_raw, high_raw = raw.min(axis=0).astype(np.float64), raw.max(axis=0).astype(np.float64)
    size = (high_raw - low_raw) * scales
    if not (np.isfinite(size).all() and size.max() < _MOST_SPAN):
        say(
            error="The points lie {span} km apart, which no city does.",
            values={"span": round(float(size.max()) / 1000)},
        )
        return
    stretch = metres_per_unit(low_raw * scales + offsets, high_raw * scales + offsets)
    side = float(max((size * stretch).max(), 1e-3)) * 1.0000001
    say(share=0.55, text="Reading the points")
    codes = np.zeros(len(raw), np.uint64)
    for axis in range(3):
        cell = (raw[:, axis] - low_raw[axis]) * (scales[axis] * stretch[axis] * (1 << BITS) / side)
        codes |= spread(np.minimum(cell, (1 << BITS) - 1)) << np.uint64(axis)
        del cell
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    say(share=0.7, text="Reading the points")
    area = max(float(size[0] * stretch[0] * size[1] * stretch[1]), 1e-6)
    spacing = math.sqrt(area / len(raw))
    deepest = int(np.clip(math.ceil(math.log2(max(side / ((1 << NODE_BITS) * spacing), 1.0))), 0, BITS - NODE_BITS))
    level = levels_of(codes, deepest)
    nodes = node_table(codes, level, deepest)
    by_level = np.argsort(level, kind="stable")
    order = order[by_level]
    say(share=0.8, text="Reading the points")
    del by_level
    np.save(folder / "xyz.npy", raw[order])
    np.save(folder / "class.npy", points["class"][order])
    np.save(folder / "intensity.npy", points["intensity"][order])
    if points["colors"] is not None:
        colors = points["colors"]
        if int(colors.max(initial=0)) > 255:
            colors >>= 8
        np.save(folder / "rgb.npy", colors.astype(np.uint8)[order])
    low, high = node_boxes(nodes, raw, order)
    np.savez(folder / "nodes.npz", **nodes, low=low, high=high)
    classes = np.bincount(points["class"], minlength=256)
    z = raw[:, 2] * scales[2] + offsets[2]
    sample = np.linspace(0, len(raw) - 1, min(len(raw), 20_000)).astype(np.int64)
    np.savez(
        folder / "sample.npz", kind=points["class"][sample], intensity=points["intensity"][sample], z=z[sample],
    )  # fmt: skip
    say(result={
        "scales": list(map(float, scales)), "offsets": list(map(float, offsets)), "points": len(raw),
        "seen": int(points["seen"]), "step": int(points["step"]), "left_out": int(points["left_out"]),
        "broken": points["broken"], "side": side, "stretch": list(map(float, stretch)), "deepest": deepest,
        "classes": {str(k): int(n) for k, n in enumerate(classes) if n},
        "low": list(map(float, low_raw * scales + offsets)), "high": list(map(float, high_raw * scales + offsets)),
    })  # fmt: skip


def metres_per_unit(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(3,) roughly; degrees are told by their numbers."""
    if max(abs(low[0]), abs(high[0])) > 360 or max(abs(low[1]), abs(high[1])) > 90:
        return np.ones(3)
    if (high[:2] - low[:2]).max() > 10.0:  # local metres around zero
        return np.ones(3)
    return np.array([111_320.0 * max(math.cos(math.radians((low[1] + high[1]) / 2)), 0.01), 111_320.0, 1.0])


def node_table(codes: np.ndarray, level: np.ndarray, deepest: int) -> dict[str, np.ndarray]:
    """Nodes level by level in Morton order: level, key, parent, first point and number of points.

    A node that holds nothing itself is there where deeper ones need a parent.
    """
    keys, counts = [], []
    for depth in range(deepest + 1):
        own = codes[level == depth] >> np.uint64(3 * (BITS - depth))
        key, count = np.unique(own, return_counts=True)
        keys.append(key)
        counts.append(count)
    for depth in range(deepest, 0, -1):
        above = np.unique(keys[depth] >> np.uint64(3))
        joined = np.union1d(keys[depth - 1], above)
        number = np.zeros(len(joined), np.int64)
        number[np.searchsorted(joined, keys[depth - 1])] = counts[depth - 1]
        keys[depth - 1], counts[depth - 1] = joined, number
    parents, before = [np.full(len(keys[0]), -1, np.int64)], 0
    for depth in range(1, deepest + 1):
        parents.append(before + np.searchsorted(keys[depth - 1], keys[depth] >> np.uint64(3)))
        before += len(keys[depth - 1])
    count = np.concatenate(counts).astype(np.int64)
    return {
        "level": np.repeat(np.arange(deepest + 1), [len(key) for key in keys]).astype(np.uint8),
        "key": np.concatenate(keys),
        "parent": np.concatenate(parents).astype(np.int32),
        "start": np.cumsum(count) - count,
        "count": count,
    }


def node_boxes(nodes: dict[str, np.ndarray], raw: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes in raw numbers around the points of every node and of all below it."""
    count, parent = nodes["count"], nodes["parent"]
    low, high = np.full((len(count), 3), np.inf), np.full((len(count), 3), -np.inf)
    filled = np.flatnonzero(count)
    for axis in range(3):
        values = raw[order, axis]
        low[filled, axis] = np.minimum.reduceat(values, nodes["start"][filled])
        high[filled, axis] = np.maximum.reduceat(values, nodes["start"][filled])
    for depth in range(int(nodes["level"].max()), 0, -1):
        here = np.flatnonzero(nodes["level"] == depth)
        np.minimum.at(low, parent[here], low[here])
        np.maximum.at(high, parent[here], high[here])
    return low, high


if __name__ == "__main__":
    main()
