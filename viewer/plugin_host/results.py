"""What plugins deliver, checked: right kinds, through the gate, with a report; nonsense becomes a sentence."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from viewer.city import (
    AreaLayer,
    CityModel,
    Frame,
    ImageLayer,
    ImportReport,
    Issue,
    Layer,
    LineLayer,
    ModelLayer,
    PointLayer,
    StreamedLayer,
    TerrainLayer,
    TreeLayer,
)
from viewer.city.gate import check_city, check_layer
from viewer.city.report import IssueLog
from viewer.city.streamed import Content, Load
from viewer.errors import Cancelled, LimitError, PluginError, ReadError, ViewerError
from viewer.indicators.record import IndicatorRecord, Status
from viewer.plugin_api import ReadContext
from viewer.plugin_host.border import PluginBug, call_plugin
from viewer.plugin_host.manifest import Contribution, PluginInfo

log = logging.getLogger("viewer.plugins")

T = TypeVar("T")

#: Limits of one reading; the messages name them.
MAX_LAYERS, MAX_ROWS, MAX_COLUMNS = 64, 5_000_000, 500
MAX_POSITIONS = 100_000_000
MAX_RECORDS = 100
#: A layer this far from the city is probably in the wrong coordinate system.
FAR_M = 100_000.0

_COUNTED_AS: tuple[tuple[type[Layer], str], ...] = (
    (TreeLayer, "Tree"),
    (PointLayer, "Point"),
    (AreaLayer, "Area"),
    (LineLayer, "Line"),
    (ImageLayer, "Image"),
    (TerrainLayer, "Terrain"),
    (StreamedLayer, "Tile"),
    (ModelLayer, "Model"),
)


def checked_city(info: PluginInfo, city: CityModel, context: ReadContext) -> CityModel:
    """A city that passed the gate.

    Raises
    ------
    ReadError
        There is nothing in it.
    PluginError
        The plugin delivered arrays that contradict each other.
    """
    if info.package != "viewer.readers" or city.tiles is None or city.tiles.verify is None:
        city = _through_gate(info, check_city, city, context)  # a prepared city checks its tiles itself, one by one
    if not len(city.objects):
        raise ReadError("There are no city objects in this file.")
    return city


def checked_layers(info: PluginInfo, result: object, context: ReadContext) -> tuple[Layer, ...]:
    """Layers that passed the gate; one layer or a list of layers is taken.

    Raises
    ------
    PluginError
        The plugin delivered something else, or arrays that contradict each other.
    ReadError, LimitError
        There is nothing in it, or too much.
    """
    layers = list(result) if isinstance(result, list | tuple) else [result]
    if not layers:
        raise ReadError("There is nothing in this file that can be shown.")
    if len(layers) > MAX_LAYERS:
        raise LimitError("This file has {count} layers; {limit} is the limit.", count=len(layers), limit=MAX_LAYERS)
    checked = []
    for layer in layers:
        if not isinstance(layer, tuple(kind for kind, _ in _COUNTED_AS)):
            raise PluginError(
                "The plugin {plugin} delivered {kind} instead of a city or a layer.",
                hint="Please report this to the author of the plugin.",
                plugin=info.title,
                kind=type(layer).__name__,
            )
        tidy = _guarded(info, _tidy, layer)
        if isinstance(tidy, StreamedLayer):
            tidy = replace(tidy, load=_contained(info, tidy.load))
        checked.append(_through_gate(info, check_layer, tidy, context))
    if not any(isinstance(layer, StreamedLayer) or len(layer) for layer in checked):
        raise ReadError("There is nothing in this file that can be shown.")
    for layer in checked:
        _warn_if_far(layer, context)
    return tuple(checked)


def checked_records(info: PluginInfo, result: object) -> tuple[IndicatorRecord, ...]:
    """Indicator records with finite numbers, their ids below the plugin's.

    Raises
    ------
    PluginError
        The plugin delivered something else.
    """
    delivered: list[object] = list(result) if isinstance(result, list | tuple) else [result]
    records: list[IndicatorRecord] = []
    for record in delivered[:MAX_RECORDS]:
        if not isinstance(record, IndicatorRecord) or not isinstance(record.status, Status):
            raise PluginError(
                "The plugin {plugin} delivered {kind} instead of an indicator.",
                hint="Please report this to the author of the plugin.",
                plugin=info.title,
                kind=type(record).__name__,
            )
        for number in (record.value, record.baseline, record.low, record.high):
            if number is not None and not (isinstance(number, int | float | np.number) and math.isfinite(number)):
                raise PluginError(
                    "The plugin {plugin} delivered no usable number for {indicator}.",
                    plugin=info.title,
                    indicator=str(record.label),
                )
        own_id = record.id.startswith(f"{info.id}.")
        records.append(record if own_id else replace(record, id=f"{info.id}.{record.id}"))
    return tuple(records)


def city_report(
    city: CityModel, context: ReadContext, name: str, reader: Contribution, key: str, seconds: float
) -> ImportReport:
    """The import report of a city."""
    facts = context.facts
    return ImportReport(
        source=name,
        format=facts.get("format", reader.format),
        version=facts.get("version", ""),
        reader=key,
        crs=city.frame.crs or facts.get("crs", ""),
        vertical_crs=city.frame.vertical_crs or facts.get("vertical_crs", ""),
        extent_crs=_extent_crs(city.positions_local if city.tiles is None else city.extent_local, city.frame),
        objects=city.objects.count_by_type(),
        lods=tuple(lod for lod in city.lods if lod) if len(city.face_lod) else (),
        triangles=len(city.triangles),
        seconds=seconds,
        issues=_readable(context.log.issues()),
        faults=tuple(context.log.faults),
        crs_read=facts.get("crs", ""),
    )


def layer_report(
    layers: Iterable[Layer], context: ReadContext, name: str, reader: Contribution, key: str, seconds: float
) -> ImportReport:
    """The import report of layers; their rows are counted as Tree, Point, Area, Line or Image."""
    layers = tuple(layers)
    objects: dict[str, int] = {}
    for layer in layers:
        kind = next(word for known, word in _COUNTED_AS if isinstance(layer, known))
        objects[kind] = objects.get(kind, 0) + _size(layer)
    positions = [positions_of(layer) for layer in layers]
    if any(part.shape[1] == 2 for part in positions):
        positions = [part[:, :2] for part in positions]
    facts = context.facts
    return ImportReport(
        source=name,
        format=facts.get("format", reader.format),
        version=facts.get("version", ""),
        reader=key,
        crs=facts.get("crs", "") or context.frame.crs,
        vertical_crs=facts.get("vertical_crs", ""),
        extent_crs=_extent_crs(np.concatenate(positions), context.frame),
        objects=objects,
        seconds=seconds,
        issues=_readable(context.log.issues()),
    )


def positions_of(layer: Layer) -> NDArray[np.float64]:
    """(V, 2) or (V, 3) float64: all places of a layer, local metres."""
    if isinstance(layer, ImageLayer | TerrainLayer):
        return layer.corners_local
    if isinstance(layer, StreamedLayer | ModelLayer):
        return layer.extent_local
    assert isinstance(layer, PointLayer | TreeLayer | LineLayer | AreaLayer)
    return layer.positions_local


def _contained(info: PluginInfo, load: Load) -> Load:
    """Loading a tile is a call into a plugin as well: whatever goes wrong there costs this tile only."""

    def contained(node: int) -> Sequence[Content]:
        try:
            return tuple(load(node))
        except (ViewerError, Cancelled):
            raise
        except Exception as error:
            log.error("plugin %s failed to load tile %d", info.id, node, exc_info=error)
            text = "The plugin {plugin} failed ({error})."
            raise ReadError(text, plugin=info.title, error=str(error)[:200]) from error

    return contained


def _size(layer: Layer) -> int:
    """Rows of a layer; of a streamed one, whose rows are only a sample, the tiles known so far."""
    return layer.tile_count if isinstance(layer, StreamedLayer) else len(layer)


def _through_gate(info: PluginInfo, gate: Callable[[T, IssueLog], T], value: T, context: ReadContext) -> T:
    try:
        return _guarded(info, gate, value, context.log)
    except ReadError as error:
        values: dict[str, Any] = dict(error.values)
        raise PluginError(
            "What {plugin} delivered cannot be used. {reason}",
            hint="Please report this to the author of the plugin.",
            plugin=info.title,
            reason=ReadError(error.text, **values),
        ) from error


def _guarded(info: PluginInfo, check: Callable[..., T], *args: object) -> T:
    """Check what a plugin made; arrays of a kind the check cannot even look at are the plugin's fault."""
    try:
        return call_plugin(info, check, *args)
    except PluginBug as error:
        raise PluginError(
            "What {plugin} delivered cannot be used. {reason}",
            hint="Please report this to the author of the plugin.",
            plugin=info.title,
            reason=PluginError("Its arrays are not of the expected kind ({error}).", error=error.values["error"]),
        ) from error


def _tidy(layer: Layer) -> Layer:
    """The same layer with columns as the contract has them and names that fit on a screen.

    Raises
    ------
    LimitError
        It is too large to be shown.
    """
    if len(layer) > MAX_ROWS or len(positions_of(layer)) > MAX_POSITIONS:
        raise LimitError("This layer has {count} entries; {limit} is the limit.", count=len(layer), limit=MAX_ROWS)
    attributes = {str(name)[:200]: _column(values) for name, values in list(layer.attributes.items())[:MAX_COLUMNS]}
    columns: dict[str, Any] = {
        name: column if (column := getattr(layer, name, "")) in attributes else ""
        for name in ("style_column", "size_column", "label_column")
        if hasattr(layer, name)
    }
    return replace(
        layer,
        name=" ".join(str(layer.name).split())[:200],
        attribution=" ".join(str(layer.attribution).split())[:500],
        attributes=attributes,
        **columns,
    )


def _column(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """A column as float64 (numbers, truth values) or StringDType (everything else)."""
    values = np.asarray(values)
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    if values.dtype.kind == "T":
        return values
    if values.dtype.kind == "O":
        values = np.array(["" if value is None else str(value) for value in values.tolist()], dtype=object)
    return values.astype(np.dtypes.StringDType())


def _warn_if_far(layer: Layer, context: ReadContext) -> None:
    """Say so if a layer lies beside the open city; usually its coordinate system is another one."""
    if not context.frame.crs:
        return
    places = positions_of(layer)[:, :2]
    places = places[np.isfinite(places).all(axis=1)]
    if not len(places):
        return
    low, high = places.min(axis=0), places.max(axis=0)
    city = context.city_extent_local
    city_low, city_high = (np.zeros(2), np.zeros(2)) if city is None else (city[0][:2], city[1][:2])
    gap_m = float(np.linalg.norm(np.maximum(np.maximum(low - city_high, city_low - high), 0.0)))
    if gap_m > FAR_M:
        context.warn(
            "{layer} lies {distance} km away from the city; its coordinate system is probably another one.",
            layer=layer.name,
            distance=round(gap_m / 1000),
        )
    elif city is not None and gap_m > 0:
        context.warn(
            "{layer} lies beside the city, {distance} m away.", layer=layer.name, distance=max(round(gap_m), 1)
        )


def _extent_crs(
    positions: NDArray[np.floating], frame: Frame
) -> tuple[float, float, float, float, float, float] | None:
    if not len(positions):
        return None
    low, high = np.zeros(3), np.zeros(3)
    width = positions.shape[1]
    with np.errstate(invalid="ignore"):
        low[:width], high[:width] = positions.min(axis=0), positions.max(axis=0)
    low, high = frame.crs_from_local(low), frame.crs_from_local(high)
    if width == 2:
        low[2] = high[2] = 0.0
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        return None
    x0, y0, z0 = low.tolist()
    x1, y1, z1 = high.tolist()
    return x0, y0, z0, x1, y1, z1


def _readable(issues: tuple[Issue, ...]) -> tuple[Issue, ...]:
    """Issues whose text can really be filled in; a plugin may get a template wrong."""
    return tuple(issue if _fills_in(issue) else _verbatim(issue) for issue in issues)


def _fills_in(issue: Issue) -> bool:
    try:
        return bool(str(issue))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return False


def _verbatim(issue: Issue) -> Issue:
    return replace(issue, text="{text}", values={"text": str(issue.text)})
