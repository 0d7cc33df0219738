"""Document <-> plain JSON values, type by type, with a version and one migration step per version.

No file is touched here, and nothing that stands in a session is ever run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from viewer.city.report import Issue, IssueLog, Severity
from viewer.errors import SessionError
from viewer.scenario import LEVERS, Area, Scenario, Selection, Setting, Target, Where, WholeCity
from viewer.session.document import Camera, Document, FileMark, LayerStyle, Source, View
from viewer.session.fields import MAX_COORDINATE, Fields, as_point, damaged

#: Version of the session file; every change of its shape is a new one with a step in ``MIGRATIONS``.
SCHEMA_VERSION = 1

JsonObject = dict[str, Any]
#: Version -> function that turns an object of it into one of the next. May change its argument.
MIGRATIONS: dict[int, Callable[[JsonObject], JsonObject]] = {}

_OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "contains")


def encode(document: Document, *, marks: bool = False) -> JsonObject:
    """The document as plain JSON values. Equal documents give equal values, ``marks`` (what is known of
    missing files) left aside."""
    data: JsonObject = {
        "title": document.title,
        "credits": document.credits,
        "note": document.note,
        "sun": document.sun,
        "color_by": document.color_by,
        "active": document.active,
        "sources": [_encode_source(source, marks) for source in document.sources],
        "scenarios": [_encode_scenario(scenario) for scenario in document.scenarios],
        "views": [_encode_view(view) for view in document.views],
    }
    for name, text in document.kept:
        data.setdefault(name, json.loads(text))
    return data


def decode(value: object, version: int = SCHEMA_VERSION) -> tuple[Document, tuple[Issue, ...]]:
    """The document of plain JSON values of any version so far, and what had to be left out.

    Raises
    ------
    SessionError
        A value is missing, of the wrong type or out of range, or the version is newer than this program.
    """
    if version > SCHEMA_VERSION:
        raise SessionError(
            "This session was saved by a newer version of Stadtforum.",
            hint="Install the newest version to open it.",
        )
    log = IssueLog()
    if isinstance(value, dict):
        for step in range(version, SCHEMA_VERSION):
            value = MIGRATIONS[step](value)
    fields = Fields(value, "", log)
    sources = tuple(_decode_source(Fields(v, at, log)) for at, v in fields.items("sources"))
    _unique([source.key for source in sources], "sources")
    scenarios = tuple(_decode_scenario(Fields(v, at, log)) for at, v in fields.items("scenarios"))
    _unique([scenario.name for scenario in scenarios], "scenarios")
    if not scenarios:
        damaged("This session file is damaged: {where} is empty.", "scenarios")
    active = fields.text("active")
    if active not in {scenario.name for scenario in scenarios}:
        damaged("This session file is damaged: {where} names a scenario that is not there.", "active")
    views = tuple(_decode_view(Fields(v, at, log)) for at, v in fields.items("views"))
    document = Document(
        sources=sources,
        scenarios=scenarios,
        active=active,
        views=views,
        color_by=fields.text("color_by", "surface"),
        title=fields.text("title", ""),
        credits=fields.text("credits", ""),
        note=fields.text("note", ""),
        sun=fields.text("sun", ""),
        kept=tuple((name, _json(kept)) for name, kept in sorted(fields.unknown().items())),
    )
    return document, log.issues()


def canonical_bytes(document: Document) -> bytes:
    """The one way to write a document: sorted keys, no blanks, ASCII. Equal documents, equal bytes."""
    return _json(encode(document)).encode("ascii")


def state_hash(document: Document) -> str:
    """SHA-256 of the document, hexadecimal: what tells whether two states are the same."""
    return hashlib.sha256(canonical_bytes(document)).hexdigest()


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _number(value: float) -> float:
    """A float, and never minus zero: equal numbers are written the same."""
    return float(value) + 0.0


def _point(values: tuple[float, ...]) -> list[float]:
    return [_number(value) for value in values]


def _unique(names: list[str], where: str) -> None:
    if len(set(names)) != len(names):
        damaged("This session file is damaged: {where} has the same name twice.", where)


# --- scenarios ---------------------------------------------------------------------------------


def _encode_scenario(scenario: Scenario) -> JsonObject:
    settings: list[JsonObject] = [
        {"lever": s.parameter, "value": _number(s.value), "target": _encode_target(s.target)} for s in scenario.settings
    ]
    return {
        "name": scenario.name,
        "note": scenario.note,
        "settings": settings + [json.loads(text) for text in scenario.kept],
        "removed": sorted(scenario.removed),
        "built": sorted(scenario.built),
    }


def _decode_scenario(fields: Fields) -> Scenario:
    settings: list[Setting] = []
    kept: list[str] = []
    for where, value in fields.items("settings"):
        setting = _decode_setting(Fields(value, where, fields.log))
        if setting is None:
            kept.append(_json(value))
        else:
            settings.append(setting)
    scenario = Scenario(
        name=fields.text("name"),
        settings=tuple(settings),
        removed=frozenset(fields.texts("removed")),
        built=frozenset(fields.texts("built")),
        note=fields.text("note", ""),
        kept=tuple(kept),
    )
    fields.end()
    return scenario


def _decode_setting(fields: Fields) -> Setting | None:
    """One setting; None for a lever or a target of a later version, which is kept as it is."""
    name = fields.text("lever")
    value = fields.number("value", low=-MAX_COORDINATE, high=MAX_COORDINATE)
    raw_target = fields.raw("target")
    target = WholeCity() if raw_target is None else _decode_target(Fields(raw_target, fields.at("target"), fields.log))
    parameter = LEVERS.get(name)
    if parameter is None or target is None:
        fields.log.add(
            Severity.WARNING,
            "A lever this version does not know, {name}, has no effect here; it is kept in the file.",
            where=fields.where,
            name=name[:200],
        )
        return None
    fields.end()
    inside = min(max(value, parameter.minimum), parameter.maximum)
    if inside != value:
        fields.log.add(
            Severity.WARNING,
            "The lever {name} stood at {value}, outside its range; it was set to {inside}.",
            where=fields.where,
            name=name,
            value=f"{value:g}",
            inside=f"{inside:g}",
        )
    return Setting(name, inside, target)


def _encode_target(target: Target) -> JsonObject:
    match target:
        case WholeCity():
            return {"kind": "city"}
        case Selection():
            return {"kind": "selection", "name": target.name, "ids": list(target.ids)}
        case Area():
            return {"kind": "area", "name": target.name, "ring_crs": [_point(corner) for corner in target.ring_crs]}
        case Where():
            return {
                "kind": "where",
                "attribute": target.attribute,
                "operator": target.operator,
                "value": target.value,
            }


def _decode_target(fields: Fields) -> Target | None:
    """A target; None for a kind of a later version."""
    target: Target
    match fields.text("kind"):
        case "city":
            target = WholeCity()
        case "selection":
            target = Selection(fields.texts("ids"), fields.text("name", ""))
        case "area":
            corners = (as_point(v, at, 2) for at, v in fields.items("ring_crs"))
            target = Area(fields.text("name", ""), tuple((x, y) for x, y in corners))
        case "where":
            operator = fields.choice("operator", _OPERATORS)
            target = Where(fields.text("attribute"), operator, fields.text("value"))  # type: ignore[arg-type]
        case _:
            return None
    fields.end()
    return target


# --- sources and views -------------------------------------------------------------------------


def _encode_source(source: Source, marks: bool) -> JsonObject:
    style = source.style
    data: JsonObject = {
        "key": source.key,
        "path": source.path,
        "kind": source.kind,
        "reader": source.reader,
        "title": source.title,
        "options": [list(pair) for pair in source.options],
        "style": {
            "visible": style.visible,
            "opacity": _number(style.opacity),
            "column": style.column,
            "palette": style.palette,
            "color": style.color,
            "labels": style.labels,
        },
    }
    if marks and source.mark is not None:
        data["file"] = encode_mark(source.mark)
    return data


def _decode_source(fields: Fields) -> Source:
    style = Fields(fields.raw("style") or {}, fields.at("style"), fields.log)
    source = Source(
        key=fields.text("key"),
        path=fields.text("path", ""),
        kind=fields.choice("kind", ("city", "layer")),
        reader=fields.text("reader", ""),
        title=fields.text("title", ""),
        options=fields.pairs("options"),
        style=LayerStyle(
            visible=style.flag("visible", True),
            opacity=style.number("opacity", 1.0, low=0.0, high=1.0),
            column=style.text("column", ""),
            palette=style.text("palette", ""),
            color=style.text("color", ""),
            labels=style.flag("labels", False),
        ),
        mark=decode_mark(Fields(fields.raw("file"), fields.at("file"), fields.log)) if fields.has("file") else None,
    )
    style.end()
    fields.end()
    return source


def encode_mark(mark: FileMark) -> JsonObject:
    """What a session file remembers of a file; empty values are left out."""
    data = {
        "relative": mark.relative,
        "absolute": mark.absolute,
        "size": mark.size,
        "modified_ns": mark.modified_ns,
        "sha256": mark.sha256,
    }
    return {name: value for name, value in data.items() if value not in ("", -1)}


def decode_mark(fields: Fields) -> FileMark:
    """The twin of ``encode_mark``."""
    mark = FileMark(
        relative=fields.text("relative", ""),
        absolute=fields.text("absolute", ""),
        size=fields.whole("size", -1),
        modified_ns=fields.whole("modified_ns", -1),
        sha256=fields.text("sha256", ""),
    )
    fields.end()
    return mark


def _encode_view(view: View) -> JsonObject:
    return {
        "name": view.name,
        "camera": {
            "position_crs": _point(view.camera.position_crs),
            "target_crs": _point(view.camera.target_crs),
            "view_angle_deg": _number(view.camera.view_angle_deg),
        },
        "scenario": view.scenario,
        "visible_layers": None if view.visible_layers is None else list(view.visible_layers),
        "text": view.text,
        "seconds": _number(view.seconds),
    }


def _decode_view(fields: Fields) -> View:
    camera = Fields(fields.raw("camera"), fields.at("camera"), fields.log)
    position = as_point(camera.raw("position_crs"), camera.at("position_crs"), 3)
    target = as_point(camera.raw("target_crs"), camera.at("target_crs"), 3)
    layers = fields.texts("visible_layers") if fields.has("visible_layers") else None
    fields.raw("visible_layers")
    view = View(
        name=fields.text("name"),
        camera=Camera(
            (position[0], position[1], position[2]),
            (target[0], target[1], target[2]),
            camera.number("view_angle_deg", 30.0, low=0.1, high=179.0),
        ),
        scenario=fields.text("scenario", ""),
        visible_layers=layers,
        text=fields.text("text", ""),
        seconds=fields.number("seconds", 8.0, low=0.0, high=86_400.0),
    )
    camera.end()
    fields.end()
    return view
