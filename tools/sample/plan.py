"""The town plan of the sample: blocks, streets, river, parks, squares as an exhaustive 2D partition."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely import Polygon

from tools.sample.terrain import BANK_WIDTH, SIZE, river, world

BRIDGE_COLUMNS = (2, 5, 9)

#: Kind of each block of the street grid, north to south; columns from west to east.
#: P perimeter block, M market square with the church, H town hall, T tower block, R rows, S school,
#: G park, D detached houses, B brownfield, V villas, K supermarket
NORTH = (
    "PPTPPPRRRRR",
    "PPPTPPPRRRR",
    "PPHPPPPRRSR",
    "PPMPPPPGRRR",
    "PPPPPPPGRRR",
)
SOUTH = (
    "BBBVVVVVDDD",
    "BBBGGVVDDDD",
    "DDDGGDDDDDD",
    "DDDDDKDDDDD",
    "DDDDDDDDDDD",
)

STREETS_EW = (
    "Bergstraße", "Schillerstraße", "Rathausstraße", "Marktstraße", "Kaistraße", "Uferweg",
    "Weidenweg", "Parkstraße", "Gartenstraße", "Rosenweg", "Am Südhang", "Waldrand",
)  # fmt: skip
STREETS_NS = (
    "Westring", "Lindenstraße", "Brückenstraße", "Kirchgasse", "Gerberstraße", "Mühlenstraße",
    "Färbergasse", "Parkallee", "Ahornweg", "Ostbrücke", "Erlenweg", "Ostring",
)  # fmt: skip


@dataclass
class Block:
    """One block of the grid with its kind and the names of its streets (south, east, north, west)."""

    kind: str
    shape: Polygon
    streets: tuple[str, str, str, str]
    column: int
    row: int


@dataclass
class Plan:
    """Everything flat: blocks, street surfaces, water, banks."""

    blocks: list[Block] = field(default_factory=list)
    roads: shapely.Geometry = field(default_factory=Polygon)
    water: Polygon = field(default_factory=Polygon)
    bank: shapely.Geometry = field(default_factory=Polygon)
    ramps: list[Polygon] = field(default_factory=list)
    street_lines: list[tuple[str, shapely.LineString]] = field(default_factory=list)


def warp(points: np.ndarray) -> np.ndarray:
    """Bends the straight grid into streets that have grown."""
    x, y = points[..., 0], points[..., 1]
    return np.stack(
        [
            x + 16 * np.sin(y / 195 + 0.6) + 9 * np.sin((x + y) / 260),
            y + 15 * np.sin(x / 240 + 1.1) + 8 * np.sin((x - y) / 205),
        ],
        axis=-1,
    )


def _lines(count: int, start: float, end: float, rng: np.random.Generator) -> np.ndarray:
    step = (end - start) / count
    jitter = np.concatenate([[0], rng.uniform(-0.07, 0.07, count - 1) * step, [0]])
    return np.linspace(start, end, count + 1) + jitter


def make_plan(rng: np.random.Generator) -> Plan:
    """Lay out the quarter."""
    plan = Plan()
    water = river()
    plan.water = water
    bank_zone = water.buffer(BANK_WIDTH, cap_style="flat").intersection(world())
    columns = _lines(11, 18, SIZE[0] - 18, rng)
    north = _lines(5, 552, SIZE[1] - 14, rng)[::-1]
    south = _lines(5, 14, 462, rng)[::-1]

    for rows, grid, names in ((NORTH, north, STREETS_EW[:6]), (SOUTH, south, STREETS_EW[6:])):
        for r, line in enumerate(rows):
            for c, kind in enumerate(line):
                half_w = 8.5 if c in BRIDGE_COLUMNS else 6.0
                half_e = 8.5 if c + 1 in BRIDGE_COLUMNS else 6.0
                x0, x1, y1, y0 = columns[c] + half_w, columns[c + 1] - half_e, grid[r] - 6, grid[r + 1] + 6
                t = np.linspace(0, 1, 3)[:-1]
                ring = np.concatenate(
                    [
                        np.column_stack([x0 + (x1 - x0) * t, np.full(2, y0)]),
                        np.column_stack([np.full(2, x1), y0 + (y1 - y0) * t]),
                        np.column_stack([x1 + (x0 - x1) * t, np.full(2, y1)]),
                        np.column_stack([np.full(2, x0), y1 + (y0 - y1) * t]),
                    ]
                )
                shape = Polygon(warp(ring)).simplify(0.6)
                shape = shape.difference(bank_zone.buffer(6)).intersection(world())
                if shape.geom_type == "MultiPolygon":
                    shape = max(shape.geoms, key=lambda g: g.area)
                if shape.area < 500:
                    continue
                streets = (names[min(r + 1, len(names) - 1)], STREETS_NS[c + 1], names[r], STREETS_NS[c])
                plan.blocks.append(Block(kind, shapely.orient_polygons(shape.simplify(1.2)), streets, c, r))

    for kind in ("B", "G"):
        _join(plan, kind)

    for c in BRIDGE_COLUMNS:
        y = np.linspace(360, 680, 30)
        line = shapely.LineString(warp(np.column_stack([np.full(30, columns[c]), y])))
        ramp = line.buffer(6.0, cap_style="flat").intersection(bank_zone)
        plan.ramps.append(max(ramp.geoms, key=lambda g: g.area) if hasattr(ramp, "geoms") else ramp)
    for c in range(12):
        for low, high in ((south[-1], south[0]), (north[-1], north[0])):
            y = np.arange(low, high, 20.0)
            plan.street_lines.append(
                (STREETS_NS[c], shapely.LineString(warp(np.column_stack([np.full(len(y), columns[c]), y]))))
            )
    for grid, names in ((north, STREETS_EW[:6]), (south, STREETS_EW[6:])):
        for y0, name in zip(grid, names, strict=True):
            x = np.arange(columns[0], columns[-1] + 20, 20.0)
            line = shapely.LineString(warp(np.column_stack([x, np.full(len(x), y0)]))).difference(bank_zone)
            plan.street_lines += [(name, part) for part in shapely.get_parts(line) if part.length > 30]

    # What is neither block nor water nor within reach of a street belongs to the river park.
    taken = shapely.union_all([b.shape for b in plan.blocks] + [bank_zone])
    left = world().difference(taken)
    near = (
        shapely.union_all([line for _, line in plan.street_lines])
        .buffer(11.5)
        .union(shapely.union_all(plan.ramps).buffer(9))
    )
    plan.roads = left.intersection(near).buffer(-1.2).buffer(1.2)
    plan.bank = world().difference(shapely.union_all([taken.difference(bank_zone), plan.roads, water]))
    return plan


def _join(plan: Plan, kind: str) -> None:
    """Make one area of neighbouring blocks of a kind, streets between them included."""
    parts = [b for b in plan.blocks if b.kind == kind]
    if not parts:
        return
    merged = shapely.union_all([p.shape.buffer(9) for p in parts]).buffer(-9)
    shapes = list(merged.geoms) if hasattr(merged, "geoms") else [merged]
    plan.blocks = [b for b in plan.blocks if b.kind != kind]
    for shape in shapes:
        others = shapely.union_all([b.shape for b in plan.blocks])
        if kind == "B":
            shape = shape.convex_hull  # one site, without the notches that streets once cut
        clean = shapely.orient_polygons(shape.difference(others.buffer(5)).simplify(1.0))
        if clean.geom_type == "Polygon" and clean.area > 500:
            plan.blocks.append(Block(kind, clean, parts[0].streets, parts[0].column, parts[0].row))


def polygons(shape: shapely.Geometry) -> list[Polygon]:
    """The polygons of any geometry, counter-clockwise, without crumbs."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    return [shapely.orient_polygons(p) for p in parts if p.geom_type == "Polygon" and p.area > 0.5]


def ring_of(shape: Polygon) -> np.ndarray:
    """Outer corners (n, 2), counter-clockwise, none repeated."""
    return shapely.get_coordinates(shapely.orient_polygons(shape).exterior)[:-1]
