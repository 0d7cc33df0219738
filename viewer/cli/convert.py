"""``stadtforum convert``: a city into another format, as it is, as a scenario makes it, or a part of it."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from viewer.cli.indicators import read_area, ring_crs
from viewer.cli.opening import UsageError, move_levers, note, open_files, settings_of
from viewer.cli.words import plain, say, show
from viewer.errors import ReadError, SaveError
from viewer.scenario import Area, Target, WholeCity

if TYPE_CHECKING:
    from viewer.readers.export import Export
    from viewer.workspace import Workspace


def run(options: Namespace) -> int:
    """Read, move the levers, write."""
    from viewer.readers.export import format_of
    from viewer.workspace.giving_back import export_of, write_export

    out: Path = options.out
    form = format_of(out)  # before anything is read for it
    _check_target(out, options.files)
    settings = settings_of(options.set)
    if options.as_it_is and (options.scenario or settings):
        raise UsageError("--as-it-is goes neither with --scenario nor with --set.")
    polygon = None if options.area is None else read_area(options.area)
    workspace = open_files(options)
    targets: list[Target] = [WholeCity()]
    area_local = None
    if polygon is not None:
        ring = ring_crs(workspace, *polygon, options.area)
        area_local = workspace.frame.local_from_crs(ring)
        targets = [Area(options.area.stem, tuple((float(x), float(y)) for x, y in ring))]
        _select_inside(workspace, targets[0], options.area)
    if options.only:
        _select_ids(workspace, options.only, keep=polygon is not None)
    move_levers(workspace, settings, targets)
    selection = polygon is not None or bool(options.only)
    export = export_of(workspace, scenario="" if options.as_it_is else None, selection=selection, area_local=area_local)
    result = write_export(export, out)
    count, size = f"{_count(export, form.id):,}", f"{result.size / 1e6:.1f}"
    show(say("Written: {file} ({count} objects, {size} MB)", file=plain(str(out)), count=count, size=size))
    for sentence in (*result.warnings, *export.left_out()):
        note(say(sentence))
    return 0


def _count(export: Export, form: str) -> int:
    """How many top-level objects the file holds; a table has buildings only."""
    if form == "csv":
        return int((export.written() & export.measures.is_building).sum())
    return int(export.written().sum()) + len(export.new_trees())


def _check_target(out: Path, files: list[Path]) -> None:
    if not out.parent.is_dir():
        raise SaveError("The folder of this file does not exist.", path=out)
    if out.exists() and any(file.exists() and file.samefile(out) for file in files):
        raise UsageError("The file to write is also one to read.", hint="Choose another name.", path=out)


def _select_inside(workspace: Workspace, area: Target, path: Path) -> None:
    """Select what has its middle inside the area.

    Raises
    ------
    UsageError
        Nothing has.
    """
    from viewer.scenario.targets_mask import TargetMasks

    city, measures = workspace.city, workspace.measures
    assert city is not None and measures is not None
    inside = np.flatnonzero(TargetMasks(city, measures).mask(area))
    if not len(inside):
        raise UsageError("Nothing of the city lies in this area.", path=path)
    workspace.select(inside)


def _select_ids(workspace: Workspace, texts: list[str], *, keep: bool) -> None:
    """Select objects by id; with ``keep`` only those selected already.

    Raises
    ------
    ReadError
        The city lacks one of them.
    """
    ids = [name for text in texts for name in (part.strip() for part in text.split(",")) if name]
    city = workspace.city
    assert city is not None
    known = set(city.objects.ids.tolist())
    missing = [name for name in ids if name not in known]
    if missing:
        raise ReadError("There is no object {name} in this city.", name=plain(missing[0]))
    features = workspace.features_of(ids)
    workspace.select(np.intersect1d(workspace.selection, features) if keep else features)
