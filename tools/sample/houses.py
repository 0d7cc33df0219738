"""What stands on each kind of block: perimeter houses, rows, detached houses, halls, the church."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely import Polygon

from tools.sample import terrain
from tools.sample.builder import CityBuilder
from tools.sample.plan import Block, polygons, ring_of

USES_STREET = ("Wohngebäude", "Wohngebäude", "Wohn- und Geschäftsgebäude", "Wohngebäude", "Bürogebäude")


@dataclass
class Grounds:
    """Ground surfaces and parcels that the blocks leave behind."""

    green: list[tuple[Polygon, str]] = field(default_factory=list)
    paved: list[tuple[Polygon, str]] = field(default_factory=list)
    squares: list[tuple[Polygon, str]] = field(default_factory=list)
    ponds: list[Polygon] = field(default_factory=list)
    parcels: list[tuple[Polygon, dict[str, object]]] = field(default_factory=list)
    land_use: list[tuple[Polygon, str, str]] = field(default_factory=list)
    garden_trees: list[tuple[float, float, str]] = field(default_factory=list)
    footprints: list[Polygon] = field(default_factory=list)


class Houses:
    """Builds block by block."""

    def __init__(self, city: CityBuilder, grounds: Grounds, rng: np.random.Generator) -> None:
        self.city, self.grounds, self.rng = city, grounds, rng
        self._house_numbers: dict[str, int] = {}

    # -- small helpers -----------------------------------------------------------------------------

    def base(self, ring: np.ndarray) -> float:
        """Ground floor level: the lowest corner."""
        return float(np.round(terrain.height(ring).min(), 2))

    def building(self, prefix: str, ring: np.ndarray, height: float, **attributes: object) -> int:
        """A building object with the attributes every building has."""
        self.grounds.footprints.append(Polygon(ring))
        return self.city.add("Building", prefix, measuredHeight=round(height, 2), **attributes)

    def address(self, street: str) -> str:
        number = self._house_numbers[street] = self._house_numbers.get(street, 0) + 1
        return f"{street} {number}"

    def parcel(self, shape: Polygon, use: str, area: str) -> None:
        self.grounds.parcels.append((shape, {"nutzung": use, "gebietsart": area}))

    # -- kinds of blocks ---------------------------------------------------------------------------

    def perimeter(self, block: Block) -> None:
        """Houses all round a courtyard, each with a gabled roof along the street."""
        rng, depth = self.rng, 12.5
        front = _calm(shapely.orient_polygons(block.shape.buffer(-1.6, join_style="mitre").simplify(4.0)))
        yard = shapely.orient_polygons(front.buffer(-depth, join_style="mitre"))
        if front.geom_type != "Polygon" or yard.geom_type != "Polygon" or yard.area < 300:
            self.rows(block)
            return
        outer = ring_of(front)
        lines = _offset_corners(outer, depth)
        if not Polygon(lines).is_valid:
            self.rows(block)
            return
        centre = np.asarray(yard.centroid.coords[0])
        year_base = int(rng.integers(1885, 1912))
        n = len(outer)
        for i in range(n):
            p, q, pi, qi = outer[i], outer[(i + 1) % n], lines[i], lines[(i + 1) % n]
            length = float(np.hypot(*(q - p)))
            if length < 6:
                continue
            street = block.streets[_side(outer, i)]
            count = max(1, round(length / rng.uniform(16, 20)))
            cuts = np.linspace(0, 1, count + 1)
            cuts[1:-1] += rng.uniform(-0.12, 0.12, count - 1) / count
            for t0, t1 in itertools.pairwise(cuts):
                a, b = p + (q - p) * t0, p + (q - p) * t1
                d, c = pi + (qi - pi) * t0, pi + (qi - pi) * t1
                quad = np.array([a, b, c, d])
                back = centre * 0.9
                self.parcel(Polygon([a, b, back + 0.1 * b, back + 0.1 * a]), "Wohnbaufläche", "WB")
                chance = rng.random()
                if chance < 0.035:  # a gap, greened by the neighbours
                    self.grounds.green.append((Polygon(quad), "Baulückengarten"))
                    continue
                modern = chance > 0.86
                storeys = int(rng.choice([4, 5, 5, 4, 5, 6])) if not modern else int(rng.choice([5, 6]))
                use = USES_STREET[int(rng.integers(len(USES_STREET)))]
                z0 = self.base(quad)
                eaves = 1.0 + storeys * (3.0 if modern else 3.5)
                common = {
                    "function": use,
                    "storeysAboveGround": storeys,
                    "yearOfConstruction": int(rng.integers(1994, 2019))
                    if modern
                    else year_base + int(rng.integers(0, 14)),
                    "address": self.address(street),
                }
                if modern:
                    i_obj = self.building("haus", quad, eaves, roofType="flat", **common)
                    self.city.prism(i_obj, quad, z0, z0 + eaves)
                else:
                    rise = float(rng.uniform(4.2, 5.6))
                    i_obj = self.building("haus", quad, eaves + rise, roofType="gabled", **common)
                    self.city.gable(i_obj, quad, z0, z0 + eaves, z0 + eaves + rise)
        self._courtyard(block, yard)

    def _courtyard(self, block: Block, yard: Polygon) -> None:
        rng = self.rng
        inner = yard.buffer(-5)
        green = shapely.union_all([inner]).buffer(0)
        for _ in range(int(rng.integers(1, 4))):
            if green.is_empty or green.area < 350:
                break
            c = _inside(green, rng)
            ring = _box(c, float(rng.uniform(12, 22)), float(rng.uniform(8, 11)), _angle(block.shape))
            if not yard.buffer(-6).contains(Polygon(ring)):
                continue
            storeys = int(rng.choice([1, 2, 3, 4]))
            use = "Werkstatt" if storeys == 1 else "Wohngebäude"
            height = 0.6 + storeys * 3.2
            obj = self.building(
                "hofhaus", ring, height, function=use, storeysAboveGround=storeys, roofType="flat",
                yearOfConstruction=int(rng.integers(1890, 1935)), address=self.address(block.streets[0]) + " H",
            )  # fmt: skip
            z0 = self.base(ring)
            self.city.prism(obj, ring, z0, z0 + height)
            green = green.difference(Polygon(ring).buffer(3))
        for shape in polygons(green):
            self.grounds.green.append((shape, "Hofgarten"))
            for _ in range(int(shape.area / 260)):
                x, y = _inside(shape.buffer(-2.0), rng)
                self.grounds.garden_trees.append((x, y, "Hof"))
        self.grounds.land_use.append((block.shape, "Wohnbaufläche", "WB"))

    def rows(self, block: Block) -> None:
        """Post-war rows standing freely in green, across the street."""
        rng, angle = self.rng, _angle(block.shape)
        space = block.shape.buffer(-7)
        spot = np.asarray(space.centroid.coords[0])
        u, v = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        storeys = int(rng.choice([4, 4, 5, 5, 8], p=[0.35, 0.25, 0.2, 0.1, 0.1]))
        year = int(rng.integers(1956, 1974))
        segment, width = 19.0, 11.0
        for k in np.arange(-3, 4) * 31.0:
            for m in np.arange(-4, 5) * segment:
                quad = _box(spot + v * k + u * m, segment, width, angle)
                if not space.contains(Polygon(quad)):
                    continue
                height = 1.2 + storeys * 2.8
                obj = self.building(
                    "zeile", quad, height, function="Wohngebäude", storeysAboveGround=storeys, roofType="flat",
                    yearOfConstruction=year, address=self.address(block.streets[3]),
                )  # fmt: skip
                z0 = self.base(quad)
                self.city.prism(obj, quad, z0, z0 + height)
        lawn = block.shape
        parking = _box(spot + v * 15.5, 46, 11, angle)
        if block.shape.buffer(-3).contains(Polygon(parking)):
            lot = Polygon(parking).difference(shapely.union_all(self.grounds.footprints[-80:]).buffer(1))
            for shape in polygons(lot):
                self.grounds.paved.append((shape, "Parkplatz"))
                lawn = lawn.difference(shape)
        for shape in polygons(lawn):
            self.grounds.green.append((shape, "Abstandsgrün"))
            for _ in range(int(shape.area / 420)):
                x, y = _inside(shape.buffer(-2), rng)
                self.grounds.garden_trees.append((x, y, "Abstandsgrün"))
        self.grounds.land_use.append((block.shape, "Wohnbaufläche", "WA"))
        self.parcel(block.shape, "Wohnbaufläche", "WA")

    def detached(self, block: Block, *, villa: bool = False) -> None:
        """Houses with gardens in two rows back to back."""
        rng, angle = self.rng, _angle(block.shape)
        u, v = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        centre = np.asarray(block.shape.centroid.coords[0])
        width = 24.0 if villa else 17.5
        reach = float(np.sqrt(block.shape.area)) * 1.4
        extent = (ring_of(block.shape) - centre) @ v
        half = float(np.abs(extent).max())
        paved: list[Polygon] = []
        for side in (-1, 1):
            for m in np.arange(-reach / 2, reach / 2, width):
                lot_centre = centre + u * (m + width / 2) + v * side * half / 2
                lot = Polygon(_box(lot_centre, width, half * 1.02, angle)).intersection(block.shape)
                if lot.geom_type != "Polygon" or lot.area < 160:
                    continue
                self.parcel(lot, "Wohnbaufläche", "WA" if villa else "WR")
                spot = centre + u * (m + width / 2 + rng.uniform(-1, 1)) + v * side * (half - 6 - rng.uniform(5, 8))
                w, d = (float(rng.uniform(12, 15)), float(rng.uniform(11, 13))) if villa else (
                    float(rng.uniform(9.0, 11.5)), float(rng.uniform(8.0, 10.0)))  # fmt: skip
                turned = angle + (np.pi / 2 if rng.random() < 0.35 else 0.0)
                quad = _box(spot, w, d, turned)
                if lot.area < 200 or not block.shape.buffer(-2).contains(Polygon(quad)):
                    continue
                if any(f.distance(Polygon(quad)) < 2.5 for f in self.grounds.footprints[-60:]):
                    continue
                storeys = int(rng.choice([2, 3])) if villa else int(rng.choice([1, 2, 2]))
                eaves, rise = 0.7 + storeys * 2.9, float(rng.uniform(2.8, 4.4))
                roof = "hipped" if rng.random() < (0.7 if villa else 0.3) else "gabled"
                if not villa and rng.random() < 0.12:
                    roof, rise = "flat", 0.0
                obj = self.building(
                    "villa" if villa else "wohnhaus", quad, eaves + rise, function="Wohngebäude",
                    storeysAboveGround=storeys, roofType=roof, address=self.address(block.streets[0 if side < 0 else 2]),
                    yearOfConstruction=int(rng.integers(1904, 1932) if villa else rng.integers(1934, 2012)),
                )  # fmt: skip
                z0 = self.base(quad)
                if roof == "hipped":
                    self.city.hip(obj, quad, z0, z0 + eaves, z0 + eaves + rise, 0.32)
                elif roof == "gabled":
                    self.city.gable(obj, quad, z0, z0 + eaves, z0 + eaves + rise)
                else:
                    self.city.prism(obj, quad, z0, z0 + eaves)
                drive = Polygon(_box(spot + v * side * 8 + u * (w / 2), 3.0, 16, angle)).intersection(lot)
                if drive.geom_type == "Polygon" and drive.area > 8:
                    paved.append(drive.difference(Polygon(quad)))
                for _ in range(int(rng.integers(1, 4))):
                    x, y = _inside(lot, rng)
                    if not Polygon(quad).buffer(3).contains(shapely.Point(x, y)):
                        self.grounds.garden_trees.append((x, y, "Garten"))
        drives = shapely.union_all(paved)
        for shape in polygons(drives):
            self.grounds.paved.append((shape, "Einfahrt"))
        for shape in polygons(block.shape.difference(drives)):
            self.grounds.green.append((shape, "Garten"))
        self.grounds.land_use.append((block.shape, "Wohnbaufläche", "WA" if villa else "WR"))

    def market(self, block: Block) -> None:
        """The church on its square."""
        angle, centre = _angle(block.shape), np.asarray(block.shape.centroid.coords[0])
        u = np.array([np.cos(angle), np.sin(angle)])
        nave = _box(centre + u * 8, 38, 17, angle)
        z0 = self.base(nave)
        church = self.building(
            "kirche", nave, 47.0, function="Kirche", name="Marktkirche", storeysAboveGround=1,
            roofType="gabled", yearOfConstruction=1871, address="Markt 1",
        )  # fmt: skip
        part = self.city.add("BuildingPart", "kirche-schiff", parent=church, roofType="gabled", measuredHeight=21.0)
        self.city.gable(part, nave, z0, z0 + 12, z0 + 21)
        tower = _box(centre - u * 15.6, 9, 9, angle)
        part = self.city.add("BuildingPart", "kirche-turm", parent=church, roofType="pyramidal", measuredHeight=47.0)
        self.city.hip(part, tower, z0, z0 + 29, z0 + 47, 0.5)
        apse = _box(centre + u * 31, 8, 11, angle)
        part = self.city.add("BuildingPart", "kirche-chor", parent=church, roofType="hipped", measuredHeight=14.0)
        self.city.hip(part, apse, z0, z0 + 9, z0 + 14, 0.4)
        self.grounds.footprints += [Polygon(tower), Polygon(apse)]
        self.grounds.squares.append((block.shape, "Markt"))
        self.grounds.land_use.append((block.shape, "Verkehrsfläche besonderer Zweckbestimmung", "MK"))
        self.parcel(block.shape, "Platz", "MK")
        ring = block.shape.buffer(-6).exterior
        for s in np.arange(0, ring.length, 11.0):
            p = ring.interpolate(s)
            self.grounds.garden_trees.append((p.x, p.y, "Platz"))

    def town_hall(self, block: Block) -> None:
        """A U-shaped town hall with a clock tower."""
        angle, centre = _angle(block.shape), np.asarray(block.shape.centroid.coords[0])
        u, v = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        hall = self.building(
            "rathaus", _box(centre, 54, 15, angle), 38.0, function="Rathaus", name="Rathaus Auenstadt",
            storeysAboveGround=4, roofType="hipped", yearOfConstruction=1908, address="Rathausstraße 2",
        )  # fmt: skip
        z0 = self.base(_box(centre, 60, 40, angle))
        for spot, w, d in (
            (centre, 54.0, 15.0),
            (centre - u * 20 - v * 16, 14.0, 18.0),
            (centre + u * 20 - v * 16, 14.0, 18.0),
        ):
            quad = _box(spot, w, d, angle) if w > d else _box(spot, d, w, angle + np.pi / 2)
            part = self.city.add("BuildingPart", "rathaus-flügel", parent=hall, roofType="hipped", measuredHeight=22.0)
            self.city.hip(part, quad, z0, z0 + 16, z0 + 22, 0.14)
            self.grounds.footprints.append(Polygon(quad))
        quad = _box(centre - v * 9.2, 7.5, 7.5, angle)
        part = self.city.add("BuildingPart", "rathaus-turm", parent=hall, roofType="pyramidal", measuredHeight=38.0)
        self.city.hip(part, quad, z0, z0 + 28, z0 + 38, 0.5)
        self.grounds.squares.append((block.shape, "Rathausplatz"))
        self.grounds.land_use.append((block.shape, "Gemeinbedarfsfläche", "MK"))
        self.parcel(block.shape, "Gemeinbedarf", "MK")
        for side in (-1, 1):
            for m in np.arange(-36, 37, 12.0):
                p = centre + u * m + v * side * 33
                if block.shape.buffer(-3).contains(shapely.Point(p)):
                    self.grounds.garden_trees.append((float(p[0]), float(p[1]), "Platz"))

    def towers(self, block: Block) -> None:
        """Two high-rises with a set-back top on a paved podium."""
        rng, angle, centre = self.rng, _angle(block.shape), np.asarray(block.shape.centroid.coords[0])
        u = np.array([np.cos(angle), np.sin(angle)])
        for k, side in enumerate((-1, 1)):
            storeys = int(rng.integers(13, 19)) if k == 0 else int(rng.integers(9, 13))
            spot = centre + u * side * 21
            quad, top = _box(spot, 23, 21, angle), _box(spot, 15, 13, angle)
            z0, high = self.base(quad), 2 + storeys * 3.3
            tower = self.building(
                "turm", quad, high + 4, function="Bürogebäude" if k == 0 else "Wohngebäude", storeysAboveGround=storeys,
                roofType="flat", yearOfConstruction=int(rng.integers(1968, 2021)), address=self.address(block.streets[1]),
                name="Auenturm" if block.row == 0 and k == 0 else "Hochhaus",
            )  # fmt: skip
            self.city.prism(tower, quad, z0, z0 + high)
            part = self.city.add("BuildingPart", "turm-aufbau", parent=tower, roofType="flat")
            self.city.prism(part, top, z0 + high, z0 + high + 4)
        self.grounds.squares.append((block.shape, "Vorplatz"))
        self.grounds.land_use.append((block.shape, "Gemischte Baufläche", "MK"))
        self.parcel(block.shape, "Gemischte Baufläche", "MK")
        ring = block.shape.buffer(-5).exterior
        for s in np.arange(0, ring.length, 13.0):
            p = ring.interpolate(s)
            self.grounds.garden_trees.append((p.x, p.y, "Platz"))

    def slab(
        self, block: Block, name: str, function: str, storeys: int, shapes: list[tuple[float, float, float, float]]
    ) -> None:
        """Low, wide buildings on a green or paved block: school, supermarket."""
        angle, centre = _angle(block.shape), np.asarray(block.shape.centroid.coords[0])
        u, v = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        owner = -1
        z0 = self.base(_box(centre, 50, 40, angle))
        for x, y, w, d in shapes:
            quad = _box(centre + u * x + v * y, w, d, angle)
            height = 1.0 + storeys * 3.7
            if owner < 0:
                owner = self.building(
                    "sonderbau", quad, height, function=function, name=name, storeysAboveGround=storeys, roofType="flat",
                    yearOfConstruction=1978, address=self.address(block.streets[2]),
                )  # fmt: skip
                self.city.prism(owner, quad, z0, z0 + height)
            else:
                part = self.city.add("BuildingPart", "sonderbau-teil", parent=owner, roofType="flat")
                self.city.prism(part, quad, z0, z0 + height)
                self.grounds.footprints.append(Polygon(quad))
        paved = Polygon(_box(centre - v * 24, 58, 20, angle)).intersection(block.shape)
        for shape in polygons(paved):
            self.grounds.paved.append((shape, "Schulhof" if "schule" in name.lower() else "Parkplatz"))
        for shape in polygons(block.shape.difference(paved)):
            self.grounds.green.append((shape, "Grünanlage"))
            for _ in range(int(shape.area / 330)):
                x, y = _inside(shape.buffer(-2), self.rng)
                self.grounds.garden_trees.append((x, y, "Grünanlage"))
        self.grounds.land_use.append((block.shape, "Gemeinbedarfsfläche", "SO"))
        self.parcel(block.shape, "Gemeinbedarf", "SO")

    def park(self, block: Block) -> None:
        """Lawn, groups of trees, a pond."""
        rng, shape = self.rng, block.shape
        if shape.area > 15000:
            c = np.asarray(shape.centroid.coords[0])
            t = np.linspace(0, 2 * np.pi, 28, endpoint=False)
            radius = 24 * (1 + 0.22 * np.sin(2 * t + 0.5) + 0.1 * np.sin(3 * t))
            pond = Polygon(c + np.column_stack([1.5 * radius * np.cos(t), radius * np.sin(t)])).intersection(
                shape.buffer(-12)
            )
            if pond.geom_type == "Polygon" and pond.area > 100:
                self.grounds.ponds.append(pond)
                shape = shape.difference(pond)
        for part in polygons(shape):
            self.grounds.green.append((part, "Stadtpark"))
            inner = part.buffer(-3)
            for _ in range(int(part.area / 620)):
                x, y = _inside(inner, rng)
                for _ in range(int(rng.integers(2, 6))):
                    gx, gy = x + rng.normal(0, 5.5), y + rng.normal(0, 5.5)
                    if inner.contains(shapely.Point(gx, gy)):
                        self.grounds.garden_trees.append((gx, gy, "Park"))
        self.grounds.land_use.append((block.shape, "Öffentliche Grünfläche", "-"))
        self.parcel(block.shape, "Grünfläche", "-")

    def brownfield(self, block: Block) -> None:
        """The old gasworks: halls today, two proposals for tomorrow."""
        rng, angle = self.rng, _angle(block.shape)
        centre = np.asarray(block.shape.centroid.coords[0])
        u, v = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        site = block.shape.buffer(-6)
        for x, y, w, d in (
            (-95, 14, 62, 26),
            (-18, 20, 48, 22),
            (46, 12, 40, 30),
            (112, 22, 52, 20),
            (-70, -34, 44, 20),
            (70, -36, 60, 18),
        ):
            quad = _box(centre + u * x + v * y, w, d, angle)
            if not site.contains(Polygon(quad)):
                continue
            obj = self.building(
                "halle", quad, 10.5, function="Lagerhalle", storeysAboveGround=1, roofType="gabled",
                yearOfConstruction=int(rng.integers(1921, 1962)), address=self.address("Gaswerkstraße"), name="Altes Gaswerk",
            )  # fmt: skip
            z0 = self.base(quad)
            self.city.gable(obj, quad, z0, z0 + 8, z0 + 10.5)
        planned = {
            "conditionOfConstruction": "planned",
            "function": "Wohngebäude",
            "roofType": "flat",
            "yearOfConstruction": 2029,
        }
        for bx in (-98, 0, 98):  # proposal "Höfe": courtyards of four to six storeys
            for dx, dy, w, d, storeys in (
                (0, 26, 70, 13, 5),
                (0, -26, 70, 13, 4),
                (-28.5, 0, 13, 39, 4),
                (28.5, 0, 13, 39, 6),
            ):
                quad = _box(centre + u * (bx + dx) + v * dy, w, d, angle)
                if not site.buffer(3).contains(Polygon(quad)):
                    continue
                height = 0.6 + storeys * 3.1
                obj = self.city.add(
                    "Building",
                    "plan-hof",
                    measuredHeight=height,
                    storeysAboveGround=storeys,
                    name="Höfe am Gaswerk",
                    **planned,
                )
                z0 = self.base(quad)
                self.city.prism(obj, quad, z0, z0 + height)
        for bx, by, storeys in (
            (-120, 20, 12),
            (-72, -16, 9),
            (-28, 24, 15),
            (22, -14, 10),
            (66, 22, 13),
            (118, -4, 9),
        ):
            quad = _box(centre + u * bx + v * by, 19, 19, angle)
            if not site.contains(Polygon(quad)):
                continue
            height = 0.6 + storeys * 3.1
            obj = self.city.add(
                "Building",
                "plan-turm",
                measuredHeight=height,
                storeysAboveGround=storeys,
                name="Türme am Fluss",
                **planned,
            )
            z0 = self.base(quad)
            self.city.prism(obj, quad, z0, z0 + height)
        wild = block.shape.difference(block.shape.buffer(-14))
        for shape in polygons(wild):
            self.grounds.green.append((shape, "Brache"))
            for _ in range(int(shape.area / 210)):
                x, y = _inside(shape, rng)
                self.grounds.garden_trees.append((x, y, "Brache"))
        for shape in polygons(block.shape.buffer(-14)):
            self.grounds.paved.append((shape, "Betriebsfläche"))
        self.grounds.land_use.append((block.shape, "Brachfläche, Planungsgebiet", "MU"))
        self.parcel(block.shape, "Planungsgebiet Altes Gaswerk", "MU")


def _angle(shape: Polygon) -> float:
    """Direction of the longest side of the tightest rectangle."""
    ring = ring_of(shapely.orient_polygons(shape.minimum_rotated_rectangle))
    sides = np.diff(np.vstack([ring, ring[:1]]), axis=0)
    longest = sides[int(np.argmax(np.hypot(sides[:, 0], sides[:, 1])))]
    angle = float(np.arctan2(longest[1], longest[0]))
    return (angle + np.pi / 2) % np.pi - np.pi / 2


def _box(centre: np.ndarray, length: float, width: float, angle: float) -> np.ndarray:
    """A rectangle (4, 2), counter-clockwise, the first edge along ``angle``."""
    u, v = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    a, b = u * length / 2, v * width / 2
    return np.array([centre - a - b, centre + a - b, centre + a + b, centre - a + b])


def _offset_corners(ring: np.ndarray, depth: float) -> np.ndarray:
    """Corners of the ring moved inwards so that every side moves by ``depth``."""
    before, after = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)

    def inward(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        side = q - p
        return np.column_stack([-side[:, 1], side[:, 0]]) / np.hypot(side[:, 0], side[:, 1])[:, None]

    n0, n1 = inward(before, ring), inward(ring, after)
    both = n0 + n1
    return ring + both * (depth / np.maximum((1 + (n0 * n1).sum(axis=1)), 0.35))[:, None]


def _calm(shape: Polygon) -> Polygon:
    """Without the short sides that make splinters of houses: their two corners become one."""
    ring = ring_of(shape)
    while len(ring) > 4:
        length = np.hypot(*(np.roll(ring, -1, axis=0) - ring).T)
        k = int(np.argmin(length))
        if length[k] > 15.0:
            break
        following = (k + 1) % len(ring)
        ring[k] = (ring[k] + ring[following]) / 2
        ring = np.delete(ring, following, axis=0)
    calm = Polygon(ring)
    return shapely.orient_polygons(calm) if calm.is_valid else shape


def _side(ring: np.ndarray, edge: int) -> int:
    """Which street an edge faces: 0 south, 1 east, 2 north, 3 west."""
    d = ring[(edge + 1) % len(ring)] - ring[edge]
    outward = np.array([d[1], -d[0]])
    return int(np.argmax([-outward[1], outward[0], outward[1], -outward[0]]))


def _inside(shape: shapely.Geometry, rng: np.random.Generator) -> tuple[float, float]:
    """A random place inside."""
    if shape.is_empty:
        return 0.0, 0.0
    x0, y0, x1, y1 = shape.bounds
    for _ in range(60):
        x, y = rng.uniform(x0, x1), rng.uniform(y0, y1)
        if shape.contains(shapely.Point(x, y)):
            return float(x), float(y)
    spot = shape.representative_point()
    return float(spot.x), float(spot.y)
