"""Opening a tileset, a single tile or a glTF model: where it lies, a sample of its attributes, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.city.streamed import Content, Holds, NodeTree, StreamedLayer, make_nodes
from viewer.errors import ReadError
from viewer.plugin_api import ReadContext
from viewer.readers.gltf.container import MAX_MODEL_BYTES, fetch_beside, unpacked
from viewer.readers.gltf.content import model_contents
from viewer.readers.gltf.fields import Fields, parse_fields
from viewer.readers.limits import MEBI, too_large
from viewer.readers.tiles3d.formats import TileModel, read_tile
from viewer.readers.tiles3d.placement import KEPT_HEIGHTS, Kind, Placement, find_placement
from viewer.readers.tiles3d.tile import transform_of
from viewer.readers.tiles3d.tileset import Tileset
from viewer.readers.tiles3d.volumes import read_volume

Floats = NDArray[np.float64]

#: Largest tileset file, bytes.
MAX_TILESET_BYTES = 512 * MEBI
#: Tiles looked into at opening for the names and kinds of attributes, features that are enough, indices opened.
SAMPLE_TILES, SAMPLE_FEATURES, OPENED_INDICES = 8, 5_000, 64
#: Files looked for at opening.
CHECKED_FILES = 20_000
TILE_MARKS = (b"b3dm", b"i3dm", b"pnts", b"cmpt", b"glTF")
MISSING_FILES = "Tiles whose file is missing: {count}; the coarser ones stay visible there."
DAMAGED_TILES = "Tiles that cannot be read: {count}, for example because: {reason}"


def looks_like_tileset(path: Path, head: bytes) -> float:
    """How sure it is that this is a tileset, a tile or a model."""
    if head[:4] in TILE_MARKS:
        return 0.9
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text.startswith(b"{"):
        return 0.0
    if b'"geometricError"' in text or b'"boundingVolume"' in text:
        return 0.95
    if path.name.lower() == "tileset.json" and b'"asset"' in text:
        return 0.9
    gltf = path.suffix.lower() == ".gltf" or (b'"asset"' in text and b'"bufferViews"' in text)
    return 0.8 if gltf else 0.0


def read_tiles(path: Path, context: ReadContext) -> StreamedLayer:
    """Open a ``tileset.json``, or one tile or model by itself.

    Raises
    ------
    ReadError
        It is none of these, or damaged as a whole.
    """
    with path.open("rb") as file:
        mark = file.read(4)
    if mark[:2] == b"\x1f\x8b":
        mark = _bytes_of(path, MAX_MODEL_BYTES)[:4]
    if mark in TILE_MARKS or path.suffix.lower() == ".gltf":
        return _one_tile(path, context)
    return _tileset(path, context)


def _tileset(path: Path, context: ReadContext) -> StreamedLayer:
    document = parse_fields(_bytes_of(path, MAX_TILESET_BYTES))
    if "root" not in document:
        raise ReadError("This is no tileset: it has no root tile.", path=path)
    version = document.child("asset").text("version")
    context.facts.update(format="3D Tiles", version=version[:20])
    context.progress.report(0.1, "Reading the tileset")
    root = document.child("root")
    volume = read_volume(root, transform_of(root))
    placement = find_placement(context, volume.samples(), region=volume.region, heights=_heights(document))
    folder = path.parent.resolve()
    tileset = Tileset(folder, placement)
    tileset.open(document, folder)
    _open_indices(tileset, context)
    sample = _sample(tileset, context)
    _look_for_files(tileset, context)
    for issue in tileset.issues():
        context.log.add(issue.severity, issue.text, where=issue.where, count=issue.count, **issue.values)
    copyright_text = document.child("asset").text("copyright")[:500]
    facts = tileset.facts(document)
    return StreamedLayer(
        _name_of(path), attributes=sample, attribution=copyright_text, tree=tileset.tree, load=tileset.load, facts=facts
    )


def _heights(document: Fields) -> str:
    """The system of the heights: above the ellipsoid, unless the tileset is one of ours that kept the city's."""
    extras = document.child("asset").data.get("extras")
    if not isinstance(extras, dict) or extras.get("heights") != KEPT_HEIGHTS:
        return "ellipsoidal height"
    named = extras.get("verticalCrs")
    return named[:100] if isinstance(named, str) else ""


def _bytes_of(path: Path, limit: int) -> bytes:
    if path.stat().st_size > limit:
        raise too_large(path.name, limit, path)
    return unpacked(path.read_bytes(), path)


def _name_of(path: Path) -> str:
    """A tileset is called after its folder, anything else after its file."""
    if path.name.lower() != "tileset.json":
        return path.stem
    folder = path.parent.resolve().name
    return folder.removesuffix(".3dtiles") or path.stem


def _open_indices(tileset: Tileset, context: ReadContext) -> None:
    """Nested tilesets and subtrees near the root, so that small tilesets are known whole from the beginning."""
    node = opened = failed = 0
    reason = ""
    while node < len(tileset.tree) and opened < OPENED_INDICES:
        if tileset.tree.nodes.holds[node] == Holds.NODES:
            context.progress.report(0.1 + 0.4 * opened / OPENED_INDICES, "Reading the tileset")
            opened += 1
            try:
                tileset.load_once(node)
            except ReadError as error:
                failed, reason = failed + 1, reason or str(error)
        node += 1
    if failed:
        context.warn(DAMAGED_TILES, count=failed, reason=reason)


def _sample(tileset: Tileset, context: ReadContext) -> dict[str, NDArray[np.generic]]:
    """Attributes of some tiles."""
    nodes = np.flatnonzero(tileset.tree.nodes.holds == Holds.CONTENT)
    step = max(1, len(nodes) // SAMPLE_TILES)
    found: list[Content] = []
    features = failed = 0
    reason = ""
    for number, node in enumerate(nodes[::step][:SAMPLE_TILES].tolist()):
        context.progress.report(0.5 + 0.4 * number / SAMPLE_TILES, "Looking into the tiles")
        try:
            contents = tileset.load(node)
        except ReadError as error:
            failed, reason = failed + 1, reason or str(error)
            continue
        found += contents
        features += sum(content.feature_count for content in contents)
        if features >= SAMPLE_FEATURES:
            break
    if failed:
        context.warn(DAMAGED_TILES, count=failed, reason=reason)
    return joined_attributes(content.attributes for content in found)


def _look_for_files(tileset: Tileset, context: ReadContext) -> None:
    files = tileset.files()[:CHECKED_FILES]
    missing = [file for _, file in files if file is None or not file.is_file()]
    if missing:
        names = tuple(file.name for file in missing if file is not None)
        context.warn(MISSING_FILES, count=len(missing), where=names[:20])


def joined_attributes(tables: Iterable[Mapping[str, NDArray[np.generic]]]) -> dict[str, NDArray[np.generic]]:
    """Columns of several tables one below the other; missing where one lacks a column."""
    tables = [table for table in tables if table]
    sizes = [len(next(iter(table.values()))) for table in tables]
    result: dict[str, NDArray[np.generic]] = {}
    for name in dict.fromkeys(name for table in tables for name in table):
        numeric = all(table[name].dtype.kind in "fiub" for table in tables if name in table)
        pieces: list[NDArray[np.generic]] = []
        for table, rows in zip(tables, sizes, strict=True):
            values = table.get(name)
            if values is None:
                pieces.append(np.full(rows, np.nan) if numeric else np.full(rows, "", np.dtypes.StringDType()))
            elif numeric:
                pieces.append(values.astype(np.float64))
            else:
                pieces.append(values.astype(np.dtypes.StringDType()))
        result[name] = np.concatenate(pieces)
    return result


# -- one tile alone -------------------------------------------------------------------------------------------


def _one_tile(path: Path, context: ReadContext) -> StreamedLayer:
    context.progress.report(0.2, "Reading the model")
    data = _bytes_of(path, MAX_MODEL_BYTES)
    models = read_tile(data, fetch_beside(path.parent), context.log)
    kind = "glTF" if data[:4] == b"glTF" or data[:1] in b"{ " else data[:4].decode("ascii", "replace")
    context.facts.update(format=kind)
    corners = _corners(models)
    if corners is None:
        raise ReadError("There is nothing in this file that can be shown.", path=path)
    placement = find_placement(context, corners, region=False)
    contents = tuple(content for model in models for content in _placed(model, placement))
    boxes = np.array([(_low(content), _high(content)) for content in contents])
    tree = NodeTree(
        make_nodes([-1], [0.0], boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0), False, int(Holds.CONTENT))
    )
    return StreamedLayer(
        path.stem,
        attributes=joined_attributes(content.attributes for content in contents),
        tree=tree,
        load=lambda node: contents,
    )


def _corners(models: list[TileModel]) -> Floats | None:
    """(2, 3) lowest and highest place in the tile's coordinates; None without any."""
    boxes = []
    for tile in models:
        for part in tile.model.parts:
            good = part.positions[np.isfinite(part.positions).all(axis=1)] + np.asarray(tile.model.centre)
            if len(good):
                boxes.append((good.min(axis=0), good.max(axis=0)))
    if not boxes:
        return None
    return np.array([np.min([low for low, _ in boxes], axis=0), np.max([high for _, high in boxes], axis=0)])


def _placed(tile: TileModel, placement: Placement) -> tuple[Content, ...]:
    middle = np.asarray(tile.model.centre, np.float64)
    if placement.kind is not Kind.LOCAL and not middle.any() and tile.model.parts:
        middle = tile.model.parts[0].positions[0]
    return model_contents(tile.model, placement.local, placement.turn(middle), tile.table, upright=True)


def _low(content: Content) -> Floats:
    return np.asarray(np.nan_to_num(np.nanmin(content.positions, axis=0).astype(np.float64)) + content.origin_local)


def _high(content: Content) -> Floats:
    return np.asarray(np.nan_to_num(np.nanmax(content.positions, axis=0).astype(np.float64)) + content.origin_local)
