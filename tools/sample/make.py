"""Writes the sample: city, trees, parcels, land use, and a session with scenarios and a story per language."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import numpy as np
import shapely

from tools.sample import terrain
from tools.sample.builder import CityBuilder
from tools.sample.ground import Drape, bridges, lay_surface, lay_water
from tools.sample.houses import Grounds, Houses
from tools.sample.plan import Plan, make_plan, polygons
from tools.sample.story import write_sessions
from viewer.city import SurfaceType
from viewer.readers.cityjson_writer import write_cityjson

SEED = 2029

#: German name, botanic name, height and crown when grown, conifer.
SPECIES = {
    "Straße": (("Winterlinde", "Tilia cordata", 15, 8), ("Spitzahorn", "Acer platanoides", 14, 8), ("Platane", "Platanus x hispanica", 19, 12)),
    "Platz": (("Platane", "Platanus x hispanica", 15, 9), ("Winterlinde", "Tilia cordata", 13, 7)),
    "Park": (("Stieleiche", "Quercus robur", 20, 13), ("Rotbuche", "Fagus sylvatica", 21, 12), ("Waldkiefer", "Pinus sylvestris", 18, 6), ("Silberweide", "Salix alba", 15, 11)),
    "Ufer": (("Silberweide", "Salix alba", 14, 11), ("Schwarzerle", "Alnus glutinosa", 15, 7), ("Schwarzpappel", "Populus nigra", 22, 9)),
    "Hof": (("Bergahorn", "Acer pseudoplatanus", 12, 7), ("Hainbuche", "Carpinus betulus", 10, 6), ("Rosskastanie", "Aesculus hippocastanum", 14, 10)),
    "Garten": (("Apfel", "Malus domestica", 6, 5), ("Süßkirsche", "Prunus avium", 8, 6), ("Fichte", "Picea abies", 13, 5), ("Birke", "Betula pendula", 11, 5)),
}  # fmt: skip
SPECIES |= {
    "Abstandsgrün": SPECIES["Hof"],
    "Grünanlage": SPECIES["Park"],
    "Brache": (("Birke", "Betula pendula", 9, 4), ("Robinie", "Robinia pseudoacacia", 11, 6)),
}


def build_blocks(plan: Plan, city: CityBuilder, rng: np.random.Generator) -> Grounds:
    """Buildings and the ground they leave."""
    grounds = Grounds()
    houses = Houses(city, grounds, rng)
    for block in plan.blocks:
        match block.kind:
            case "P":
                houses.perimeter(block)
            case "R":
                houses.rows(block)
            case "D":
                houses.detached(block)
            case "V":
                houses.detached(block, villa=True)
            case "M":
                houses.market(block)
            case "H":
                houses.town_hall(block)
            case "T":
                houses.towers(block)
            case "S":
                houses.slab(block, "Auenschule", "Schule", 3, [(0, 8, 58, 13), (-22, -6, 13, 26), (24, -4, 20, 18)])
            case "K":
                houses.slab(block, "Nahversorger", "Einzelhandel", 1, [(0, 8, 44, 26)])
            case "G":
                houses.park(block)
            case "B":
                houses.brownfield(block)
    return grounds


def lay_ground(plan: Plan, grounds: Grounds, city: CityBuilder) -> None:
    """The exhaustive partition of the ground: no place is laid twice, none is left open."""
    drape = Drape()
    bridge_zone = shapely.union_all(plan.ramps)
    squares = shapely.union_all([s for s, _ in grounds.squares])
    taken = shapely.union_all([*grounds.ponds])
    layers = (
        (grounds.squares, "TransportSquare", "platz", SurfaceType.TRAFFIC, "paving, tight joints"),
        (grounds.paved, "LandUse", "befestigt", SurfaceType.UNKNOWN, "asphalt"),
        (grounds.green, "PlantCover", "grün", SurfaceType.UNKNOWN, "lawn"),
    )
    for items, kind, prefix, surface, material in layers:
        for shape, name in items:
            for part in polygons(shape.difference(taken)):
                lay_surface(city, drape, kind, prefix, part, surface, function=name, surfaceMaterial=material)
        taken = shapely.union_all([taken, *[s for s, _ in items]])
    for block in plan.blocks:
        for part in polygons(block.shape.difference(taken).buffer(-0.02).buffer(0.02)):
            lay_surface(
                city,
                drape,
                "LandUse",
                "bauland",
                part,
                SurfaceType.UNKNOWN,
                function="Bauland",
                surfaceMaterial="paving, tight joints",
            )
    for part in polygons(plan.bank):
        lay_surface(
            city, drape, "PlantCover", "ufer", part, SurfaceType.UNKNOWN, function="Uferpark", surfaceMaterial="lawn"
        )
    for number, part in enumerate(polygons(plan.roads), start=1):
        lay_surface(
            city,
            drape,
            "Road",
            "straße",
            part,
            SurfaceType.TRAFFIC,
            function="Straße",
            name=f"Straßennetz {number}",
            surfaceMaterial="asphalt",
        )
    lay_water(city, plan.water, "Aue")
    for pond in grounds.ponds:
        lay_water(city, pond, "Parkteich")
    bridges(city, plan, ("Alte Brücke", "Mühlenbrücke", "Ostbrücke"))
    del bridge_zone, squares


def plant(plan: Plan, grounds: Grounds, rng: np.random.Generator) -> list[dict[str, object]]:
    """The tree register."""
    built = shapely.union_all(grounds.footprints).buffer(2.2)
    keep_off = shapely.union_all(
        [built, plan.water.buffer(1), *[p.buffer(1) for p in grounds.ponds], *[r.buffer(2) for r in plan.ramps]]
    )
    spots: list[tuple[float, float, str]] = list(grounds.garden_trees)
    for _, line in plan.street_lines:
        for offset in (-4.4, 4.4):
            side = shapely.offset_curve(line, offset)
            spots += [
                (p.x, p.y, "Straße")
                for p in (side.interpolate(s) for s in np.arange(9, side.length - 9, 13.5))
                if rng.random() < 0.8
            ]
    bank = shapely.unary_union(plan.bank)
    for part in polygons(bank.buffer(-5)):
        for s in np.arange(0, part.exterior.length, 17.0):
            p = part.exterior.interpolate(s)
            spots.append((p.x + rng.normal(0, 2), p.y + rng.normal(0, 2), "Ufer"))
    xy = np.array([(x, y) for x, y, _ in spots])
    inside = shapely.contains_xy(terrain.world().buffer(-3), xy[:, 0], xy[:, 1]) & ~shapely.intersects_xy(
        keep_off, xy[:, 0], xy[:, 1]
    )
    street = np.array([kind == "Straße" for *_, kind in spots])
    blocks = shapely.union_all([b.shape for b in plan.blocks])
    inside &= ~(street & shapely.intersects_xy(blocks, xy[:, 0], xy[:, 1]))
    inside &= ~(street & shapely.intersects_xy(plan.bank, xy[:, 0], xy[:, 1]))
    rows: list[dict[str, object]] = []
    for k in np.flatnonzero(inside):
        x, y, kind = spots[k]
        choices = SPECIES[kind]
        german, botanic, tall, wide = choices[int(rng.integers(len(choices)))]
        grown = float(np.clip(rng.normal(0.78, 0.17), 0.35, 1.15))
        rows.append(
            {
                "baumnummer": f"A-{len(rows) + 1:05d}", "art_deutsch": german, "art_botanisch": botanic,
                "hoehe_m": round(tall * grown, 1), "kronendurchmesser_m": round(wide * grown, 1),
                "pflanzjahr": int(2026 - 12 - 80 * grown * rng.uniform(0.6, 1.0)), "standort": kind,
                "geometry": shapely.Point(round(x + terrain.ORIGIN[0], 1), round(y + terrain.ORIGIN[1], 1)),
            }
        )  # fmt: skip
    return rows


def write_layers(folder: Path, grounds: Grounds, trees: list[dict[str, object]]) -> None:
    """Trees, parcels and land use as GeoPackages, as an office would give them out."""
    os.environ["OGR_CURRENT_DATE"] = "2026-11-01T00:00:00.000Z"  # else the files differ at every run
    import geopandas

    def moved(shape: shapely.Geometry) -> shapely.Geometry:
        return shapely.set_precision(shapely.transform(shape, lambda xy: xy + terrain.ORIGIN), 0.01)

    parcels = [
        {"flurstueck": f"Auenstadt 7-{n}", **facts, "flaeche_m2": round(shape.area), "geometry": moved(shape)}
        for n, (shape, facts) in enumerate(grounds.parcels, start=1)
    ]
    land_use = [{"nutzung": use, "gebietsart": area, "geometry": moved(shape)} for shape, use, area in grounds.land_use]
    for name, layer, rows in (
        ("baumkataster.gpkg", "baumkataster", trees),
        ("flurstuecke.gpkg", "flurstuecke", parcels),
        ("flaechennutzung.gpkg", "flaechennutzung", land_use),
    ):
        path = folder / name
        path.unlink(missing_ok=True)
        geopandas.GeoDataFrame(rows, geometry="geometry", crs=terrain.CRS).to_file(
            path, layer=layer, driver="GPKG", engine="pyogrio", SPATIAL_INDEX="NO"
        )


def count_cyclists(plan: Plan, rng: np.random.Generator) -> str:
    """Counting points at bridges and crossings as a semicolon table with a decimal comma, as counters give it."""
    rows = ["zaehlstelle;rechtswert;hochwert;radfahrende_pro_tag;anteil_am_verkehr"]
    spots = [
        (name, ramp.centroid)
        for name, ramp in zip(("Alte Brücke", "Mühlenbrücke", "Ostbrücke"), plan.ramps, strict=True)
    ]
    for name, line in plan.street_lines[1:24:3]:
        spots.append((name, line.interpolate(0.5, normalized=True)))
    for number, (name, spot) in enumerate(spots):
        count = int(rng.integers(2400, 5200)) if number < 3 else int(rng.integers(250, 2100))
        share = f"{rng.uniform(0.08, 0.34):.2f}".replace(".", ",")
        rows.append(
            f"{name};{spot.x + terrain.ORIGIN[0]:.1f};{spot.y + terrain.ORIGIN[1]:.1f};{count};{share}".replace(
                ".", ","
            )
        )
    return "\n".join(rows) + "\n"


def main(folder: Path) -> None:
    """Write everything into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    plan = make_plan(rng)
    city = CityBuilder()
    grounds = build_blocks(plan, city, rng)
    lay_ground(plan, grounds, city)
    trees = plant(plan, grounds, rng)
    model = city.city()
    plain = io.BytesIO()
    write_cityjson(model, plain, precision_m=0.01, extra_metadata={"title": "Auenstadt, an invented quarter"})
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, compresslevel=9, filename="") as file:
        file.write(plain.getvalue())
    (folder / "auenstadt.city.json.gz").write_bytes(packed.getvalue())
    write_layers(folder, grounds, trees)
    (folder / "radzaehlung.csv").write_text(count_cyclists(plan, rng), encoding="utf-8")
    write_sessions(folder, plan, city)
    counts = model.objects.count_by_type()
    print(f"Auenstadt: {counts}, {len(model.triangles)} triangles, {len(trees)} trees, {len(grounds.parcels)} parcels")
    for path in sorted(folder.iterdir()):
        print(f"  {path.name}: {path.stat().st_size / 1000:.0f} kB")
