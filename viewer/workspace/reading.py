"""Reads one file for a session and works out beforehand what adopting it will need. In a worker; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from viewer.city import Frame
from viewer.city.arrange import arrange
from viewer.city.bare import bare_city, extent_of
from viewer.city.measures import measure_issues
from viewer.city.models import ModelLayer
from viewer.city.terrain import mosaic, terrains_of
from viewer.plugin_api import Progress, ReadContext
from viewer.plugin_host import PluginHost
from viewer.readers.store.folder import entry_of, title_of
from viewer.workspace import models as placing
from viewer.workspace import pictures, ready
from viewer.workspace.held import Held
from viewer.workspace.loaded import Loaded, derive, far_away


def read_file(
    host: PluginHost,
    held: Held,
    path: str | Path,
    progress: Progress | None = None,
    *,
    options: Mapping[str, str] | None = None,
    reader: str = "",
    key: str = "",
    refresh: bool = False,
    textures: bool = False,
) -> Loaded:
    """Read a file beside what is held for the session.

    key : of the source that is read again; "" for a new one. refresh : take everything from servers anew. textures :
    the pictures of the city are made ready too.

    Raises
    ------
    ViewerError, Cancelled, MemoryError
        The file cannot be read at all, a person stopped it, or the memory did not suffice.
    """
    progress = Progress() if progress is None else progress
    path = entry_of(Path(path))
    options = dict(options or {})
    key = key or held.new_key()
    base = held.city_key
    others = {name: held.cities[name] for name, _ in base if name != key}
    context = ReadContext(
        frame=held.frame if others else Frame(),
        options=options,
        progress=progress.part(0, 0.7),
        refresh=refresh,
        city_extent_local=held.derived.city.extent_local if others and held.derived is not None else None,
    )
    reading = host.read(path, context, reader)
    plain = reading.report  # what follows is found anew at every opening
    city, derived, alone = (None if reading.city is None else arrange(reading.city)), None, False
    box = extent_of(reading.layers) if not others else None
    if box is not None:  # nothing to lie on yet: the layer brings the frame, and the ground at its foot
        city = bare_city(title_of(path), reading.frame, box)
    if city is not None:
        lods = {**dict(base), key: options.get("lod", "")}
        order = [s.key for s in held.session.document.sources if s.key in lods]
        wanted = tuple((name, lods[name]) for name in dict.fromkeys([*order, key]))
        alone = len(wanted) == 1
        cities, rest, known = {**others, key: city}, progress.part(0.7, 1.0), reading.ready if alone else None
        derived = derive(wanted, cities, rest, known, mosaic((*held.terrains(key), *terrains_of(reading.layers))))
        told = far_away(city, others) if others else measure_issues(derived.city, derived.measures)
        reading = replace(reading, report=replace(reading.report, issues=(*reading.report.issues, *told)))
    elif others and (new := terrains_of(reading.layers)):
        beside = tuple(part for part in base if part[0] != key)
        derived = derive(beside, others, progress.part(0.7, 1.0), None, mosaic((*held.terrains(key), *new)))
    damaged = pictures.make_ready(derived.city, progress) if derived is not None and textures else ()
    if derived is not None and city is not None and reading.ticket is not None:
        pack = partial(ready.pack, derived) if alone and derived.terrain is None else dict
        reading.ticket.keep_in_background(city, plain, reading.questions, pack)
    if derived is not None and (derived.notes or damaged):
        issues = pictures.with_damaged((*reading.report.issues, *derived.notes), damaged)
        reading = replace(reading, report=replace(reading.report, issues=issues))
    below = city if city is not None or held.derived is None else held.derived.city
    if below is not None and len(reading.layers) == 1 and isinstance(reading.layers[0], ModelLayer):
        under = held.ground if derived is None else derived.ground
        options = dict(placing.with_first_place(tuple(options.items()), reading.layers[0], below, under))
    return Loaded(
        key=key,
        path=str(path.resolve()),
        reader=reading.reader,
        title=title_of(path) if reading.city is not None else reading.layers[0].name,
        report=reading.report,
        options=tuple(sorted(options.items())),
        questions=dict(reading.questions),
        city=city,
        layers=reading.layers,
        derived=derived,
    )
