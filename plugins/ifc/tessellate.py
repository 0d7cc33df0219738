"""Makes triangles of the parts of an IFC file. A script of its own: it imports nothing of ours.

Writes positions, colours and triangles as plain arrays into a folder, and says what the file tells about its place.
"""

from __future__ import annotations

import json
import math
import os
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

#: Triangles of one model; bytes of a packed file, unpacked.
MOST_TRIANGLES, MOST_BYTES = 20_000_000, 4 << 30
#: A part farther than this from the middle of all of them is junk, metres.
FAR_M = 20_000.0
#: Rooms, holes and drawings are nothing that is built.
_LEFT_OUT = ("IfcSpace", "IfcOpeningElement", "IfcAnnotation", "IfcGrid", "IfcVirtualElement", "IfcSpatialZone")
#: Colours of parts without a material of their own, by the beginning of their type; the last one is for all others.
_COLORS = (
    ("IfcRoof", (170, 92, 72)), ("IfcSlab", (186, 182, 174)), ("IfcWall", (232, 226, 214)),
    ("IfcCurtainWall", (168, 196, 212)), ("IfcWindow", (150, 186, 206)), ("IfcDoor", (150, 114, 82)),
    ("IfcPlate", (168, 196, 212)), ("IfcColumn", (196, 192, 186)), ("IfcBeam", (196, 192, 186)),
    ("IfcMember", (170, 166, 160)), ("IfcStair", (206, 200, 190)), ("IfcRailing", (130, 130, 130)),
    ("IfcCovering", (214, 206, 194)), ("IfcSite", (186, 200, 164)), ("IfcGeographicElement", (150, 180, 130)),
    ("", (214, 210, 202)),
)  # fmt: skip


class ReadError(Exception):
    """A sentence for people: a template, a hint, and the values of both."""

    def __init__(self, text: str, *, hint: str = "", **values: object) -> None:
        super().__init__(text)
        self.text, self.hint, self.values = text, hint, values


def say(**what: object) -> None:
    """One line for the program that waits."""
    print(json.dumps(what), flush=True)


def report(share: float, text: str) -> None:
    """How far the work is, 0 to 1, and what is being done."""
    say(share=share, text=text)


def unpacked(path: Path, folder: Path) -> Path:
    """The model itself; of a packed file the first one in it, copied into the folder under a name of ours."""
    if not zipfile.is_zipfile(path):
        return path
    with zipfile.ZipFile(path) as archive:
        members = [m for m in archive.infolist() if m.filename.lower().endswith(".ifc")]
        if not members:
            raise ReadError("There is no .ifc file in this archive.")
        copy, written = folder / "model.ifc", 0
        with archive.open(members[0]) as source, copy.open("wb") as sink:
            while part := source.read(1 << 20):
                written += len(part)
                if written > MOST_BYTES:
                    raise ReadError("This archive unpacks to more than {limit} MB.", limit=MOST_BYTES >> 20)
                sink.write(part)
    return copy


def triangles_of(model: Any) -> dict[str, Any]:
    """All parts as one mesh: ``positions`` (V, 3) float64, ``colors`` (V, 4) uint8, ``triangles`` (T, 3) int64."""
    import ifcopenshell.geom

    settings = ifcopenshell.geom.settings()
    settings.set("use-world-coords", True)
    settings.set("weld-vertices", False)
    settings.set("no-normals", True)
    left_out = [name for name in _LEFT_OUT if knows(model, name)]
    iterator = ifcopenshell.geom.iterator(settings, model, 1, exclude=left_out)
    places: list[np.ndarray] = []
    colors: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    kinds: Counter[str] = Counter()
    count = triangles = 0
    more = iterator.initialize()
    while more:
        shape = iterator.get()
        mesh = shape.geometry
        own = np.frombuffer(mesh.verts_buffer, np.float64).reshape(-1, 3).copy()
        corners = np.frombuffer(mesh.faces_buffer, np.int32).reshape(-1, 3).astype(np.int64)
        if len(own) and len(corners):
            triangles += len(corners)
            if triangles > MOST_TRIANGLES:
                raise ReadError(
                    "This model has more than {limit} million triangles.", limit=MOST_TRIANGLES // 1_000_000
                )
            material = np.frombuffer(mesh.material_ids_buffer, np.int32)
            places.append(own)
            colors.append(colors_of(shape.type, mesh.materials, material, corners, len(own)))
            faces.append(corners + count)
            count += len(own)
            kinds[shape.type] += 1
        report(0.1 + 0.85 * min(float(iterator.progress()) / 100.0, 1.0), "Making triangles")
        more = iterator.next()
    if not places:
        raise ReadError("There is no part in this model that has a shape.")
    return {"places": places, "colors": colors, "faces": faces, "kinds": kinds, "parts": built(model, left_out)}


def knows(model: Any, name: str) -> bool:
    """Whether the version of the file has such a kind of part."""
    try:
        model.by_type(name)
    except RuntimeError:
        return False
    return True


def built(model: Any, left_out: list[str]) -> int:
    """Number of parts that should have a shape."""
    without = {part.id() for name in left_out for part in model.by_type(name)}
    return sum(1 for part in model.by_type("IfcProduct") if part.Representation and part.id() not in without)


def colors_of(kind: str, materials: Any, material: np.ndarray, corners: np.ndarray, count: int) -> np.ndarray:
    """(count, 4) uint8: the colour of each triangle's material, else that of the type of part."""
    usual = (*next(color for start, color in _COLORS if kind.startswith(start)), 255)
    palette = np.array([usual, *(color_of(m, kind) or usual for m in materials)], np.uint8)
    colors = np.tile(palette[0], (count, 1))
    if len(material) == len(corners):
        colors[corners.ravel()] = np.repeat(palette[np.clip(material, -1, len(materials) - 1) + 1], 3, axis=0)
    return colors


def color_of(material: Any, kind: str) -> tuple[int, int, int, int] | None:
    """The colour of a material; None for the stand-in of a part that has none."""
    color = material.diffuse
    numbers = [value() if callable(value) else value for value in (color.r, color.g, color.b)]
    if material.name == kind or not all(map(math.isfinite, numbers)):
        return None
    see_through = float(material.transparency) if math.isfinite(material.transparency) else 0.0
    red, green, blue = (round(255 * min(max(v, 0.0), 1.0)) for v in numbers)
    return red, green, blue, round(255 * (1.0 - min(max(see_through, 0.0), 0.8)))


def near(parts: list[np.ndarray]) -> np.ndarray:
    """(P,) bool: parts that lie with the others, not at a place nobody meant."""
    with np.errstate(invalid="ignore", over="ignore"):
        middles = np.array([part.mean(axis=0) for part in parts])
        sound = np.isfinite(middles).all(axis=1)
        if not sound.any():
            return sound
        away = np.abs(middles - np.median(middles[sound], axis=0)).max(axis=1)
    return sound & (away < FAR_M)


# -- where it stands -------------------------------------------------------------------------------------------


def place_of(model: Any) -> dict[str, Any]:
    """What the file says about its place: a map conversion, else latitude and longitude of the site, else nothing."""
    import ifcopenshell.util.unit

    unit = float(ifcopenshell.util.unit.calculate_unit_scale(model))
    found = conversion(model, unit) or older_conversion(model, unit) or on_the_globe(model)
    return found if all(math.isfinite(v) for v in found.values() if isinstance(v, float)) else {}


def conversion(model: Any, unit: float) -> dict[str, Any]:
    """Of ``IfcMapConversion`` (IFC 4 and later); {} without one."""
    if not knows(model, "IfcMapConversion"):
        return {}
    for entry in model.by_type("IfcMapConversion"):
        target = entry.TargetCRS
        name = str(getattr(target, "Name", "") or "")
        vertical = str(getattr(target, "VerticalDatum", "") or "")
        map_unit = unit_metres(getattr(target, "MapUnit", None))
        values = {key: getattr(entry, key, None) for key in _CONVERSION}
        if place := placed(values, name, vertical, unit, map_unit):
            return place
    return {}


_CONVERSION = ("Eastings", "Northings", "OrthogonalHeight", "XAxisAbscissa", "XAxisOrdinate", "Scale")


def older_conversion(model: Any, unit: float) -> dict[str, Any]:
    """Of the property set that files of IFC 2x3 use for the same; {} without one."""
    sets = {entry.Name: entry for entry in model.by_type("IfcPropertySet") if entry.Name}
    by_name = {str(name).lower(): entry for name, entry in sets.items()}
    if "epset_mapconversion" not in by_name:
        return {}
    values = {p.Name: plain(p) for p in by_name["epset_mapconversion"].HasProperties or ()}
    crs = by_name.get("epset_projectedcrs")
    target = {p.Name: plain(p) for p in crs.HasProperties or ()} if crs is not None else {}
    return placed(values, str(target.get("Name") or ""), str(target.get("VerticalDatum") or ""), unit, 1.0)


def plain(entry: Any) -> Any:
    """The value of a property, without its type."""
    value = getattr(entry, "NominalValue", None)
    return getattr(value, "wrappedValue", value)


def placed(values: dict[str, Any], name: str, vertical: str, unit: float, map_unit: float) -> dict[str, Any]:
    """A conversion in metres of the map: ``scale`` is metres of the map per metre of the model."""
    numbers = {key: number(values.get(key)) for key in _CONVERSION}
    east, north = numbers["Eastings"], numbers["Northings"]
    if east is None or north is None or (east == 0 and north == 0):
        return {}
    # A scale that turns units into each other comes with some programs and not with others; what is left over
    # beside the units is that of the map's projection.
    scale = (numbers["Scale"] or 1.0) * map_unit / unit
    if not 0.9 < scale < 1.1:
        scale = numbers["Scale"] if numbers["Scale"] and 0.9 < numbers["Scale"] < 1.1 else 1.0
    abscissa, ordinate = numbers["XAxisAbscissa"], numbers["XAxisOrdinate"]
    turned = abscissa is not None and ordinate is not None and (abscissa or ordinate)
    angle = math.atan2(ordinate, abscissa) if turned else 0.0  # type: ignore[arg-type]
    return {
        "kind": "map", "crs": name[:200], "vertical": vertical[:100], "scale": scale, "angle": angle,
        "east": east * map_unit, "north": north * map_unit, "height": (numbers["OrthogonalHeight"] or 0.0) * map_unit,
    }  # fmt: skip


def unit_metres(unit: Any) -> float:
    """Metres of a unit of length; 1 where none is named."""
    if unit is None:
        return 1.0
    try:
        metres = named_unit(unit)
    except (AttributeError, TypeError, ValueError):
        return 1.0
    return metres if math.isfinite(metres) and metres > 0 else 1.0


def named_unit(unit: Any) -> float:
    """Metres of a unit with a prefix or a factor of its own."""
    if unit.is_a("IfcConversionBasedUnit"):
        factor = unit.ConversionFactor
        return float(factor.ValueComponent.wrappedValue) * named_unit(factor.UnitComponent)
    prefixes = {"MILLI": 1e-3, "CENTI": 1e-2, "DECI": 1e-1, "KILO": 1e3}
    return prefixes.get(str(getattr(unit, "Prefix", None)), 1.0)


def on_the_globe(model: Any) -> dict[str, Any]:
    """Of latitude and longitude of the site, turned by true north; {} without them."""
    for site in model.by_type("IfcSite"):
        latitude, longitude = degrees(site.RefLatitude), degrees(site.RefLongitude)
        if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
            continue
        if not (abs(latitude) <= 90 and abs(longitude) <= 360):
            continue
        return {
            "kind": "globe", "crs": "EPSG:4326", "vertical": "", "scale": 1.0, "angle": true_north(model),
            "east": longitude, "north": latitude, "height": None,
        }  # fmt: skip
    return {}


def degrees(parts: Any) -> float | None:
    """Degrees, minutes, seconds and millionths as one number."""
    numbers = [number(part) for part in parts or ()]
    if not numbers or None in numbers:
        return None
    weights = (1.0, 60.0, 3600.0, 3.6e9)
    return sum(value / weight for value, weight in zip(numbers, weights, strict=False))  # type: ignore[operator]


def true_north(model: Any) -> float:
    """By how much the model's x axis is turned from east, counter-clockwise, radians."""
    for context in model.by_type("IfcGeometricRepresentationContext", include_subtypes=False):
        ratios = getattr(getattr(context, "TrueNorth", None), "DirectionRatios", None)
        numbers = [number(ratio) for ratio in ratios or ()]
        if len(numbers) >= 2 and None not in numbers[:2] and any(numbers[:2]):
            return math.pi / 2 - math.atan2(numbers[1], numbers[0])  # type: ignore[arg-type]
    return 0.0


def number(value: Any) -> float | None:
    """A finite number, or None."""
    value = getattr(value, "wrappedValue", value)
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def main() -> None:
    """Do the job that stands on standard input."""
    job = json.load(sys.stdin)
    try:
        say(result=work(Path(job["path"]), Path(job["folder"])))
    except ReadError as trouble:
        say(error=trouble.text, hint=trouble.hint, values=trouble.values)


def work(path: Path, folder: Path) -> dict[str, Any]:
    """Read the file, write the arrays, and say what was found."""
    report(0.02, "Reading")
    try:
        source = unpacked(path, folder)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OSError) as error:
        raise ReadError("This archive is damaged ({reason}).", reason=str(error)[:120]) from error
    import ifcopenshell

    try:
        model = ifcopenshell.open(source, format=".ifc")
    except (ifcopenshell.Error, ifcopenshell.SchemaError) as error:
        raise ReadError(
            "This IFC file is damaged ({reason}).",
            hint="Save the model again, or convert it: IfcConvert model.ifc model.glb",
            reason=str(error)[:120],
        ) from error
    report(0.1, "Making triangles")
    parts = triangles_of(model)
    kept = near(parts["places"])
    if not kept.any():
        raise ReadError("There is no part in this model that has a shape.")
    counts = np.array([len(place) for place in parts["places"]])
    keep = np.repeat(kept, counts)
    places = np.concatenate(parts["places"])
    faces = np.concatenate(parts["faces"])
    renumbered = np.cumsum(keep) - 1
    faces = renumbered[faces[keep[faces].all(axis=1)]]
    places = places[keep]
    with np.errstate(invalid="ignore"):
        origin = np.median(places, axis=0)
    np.save(folder / "positions.npy", (places - origin).astype(np.float32), allow_pickle=False)
    np.save(folder / "colors.npy", np.concatenate(parts["colors"])[keep], allow_pickle=False)
    np.save(folder / "triangles.npy", faces.astype(np.int32), allow_pickle=False)
    try:
        place, unclear = place_of(model), False
    except (RuntimeError, AttributeError, TypeError, ValueError, KeyError, IndexError):  # of entries of a wrong kind
        place, unclear = {}, True
    return {
        "schema": str(model.schema), "origin": origin.tolist(), "parts": int(kept.sum()), "far": int((~kept).sum()),
        "shapeless": max(int(parts["parts"]) - len(kept), 0), "place": place,
        "place_unclear": unclear,
    }  # fmt: skip


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
