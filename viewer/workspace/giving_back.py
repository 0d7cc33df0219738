"""What a workspace gives to be written as a file: the city as it stands, frozen for a worker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.errors import ReadError, ViewerError
from viewer.plugin_api import Progress
from viewer.readers.export import Export, export_chunks, export_files, format_of
from viewer.session.atomic import SaveResult, write_atomic
from viewer.session.folder import write_folder
from viewer.workspace.workspace import Workspace


def write_export(export: Export, path: Path, progress: Progress | None = None) -> SaveResult:
    """Write a city as the end of the name asks: a file, or a folder of tiles. Safe in a worker.

    Raises
    ------
    SaveError
        Nothing was changed. Cancelled: a person stopped it.
    ReadError
        A part of a prepared city is damaged: half a city is not given away.
    """
    if export.city.tiles is not None and export.city.tiles.damaged():
        raise ReadError(
            "Parts of the prepared city are damaged, so it cannot be written whole.",
            hint="Prepare it again from the original file.",
        )
    form = format_of(path)
    if form.is_folder:
        return write_folder(path, export_files(export, path, progress), form.mark)
    return write_atomic(path, export_chunks(export, path, progress), keep_former=False)


def export_of(
    workspace: Workspace,
    *,
    scenario: str | None = None,
    selection: bool = False,
    area_local: NDArray[np.float64] | None = None,
) -> Export:
    """The city to be written.

    Parameters
    ----------
    scenario : None = the active one, "" = the city as it is, without any change.
    selection : only the selected objects.
    area_local : (n, 2) ring the selection was made by, local metres; new trees inside it are written too.

    Raises
    ------
    ViewerError
        No city is open, or nothing is selected.
    """
    state = workspace.scene_state("")
    city, measures = state.city, state.measures
    if city is None or measures is None:
        raise ViewerError("No city is open.", hint="Open a city model first.")
    document = workspace.session.document
    shown = document.scenario if scenario is None else next((s for s in document.scenarios if s.name == scenario), None)
    changes = shown is not None and not shown.is_baseline
    only = None
    if selection:
        if not len(workspace.selection):
            raise ViewerError("Nothing is selected.", hint="Choose buildings first, or export the whole city.")
        only = np.zeros(len(city.objects.features), np.bool_)
        only[workspace.selection] = True
    return Export(
        city=city,
        measures=measures,
        lod_faces=np.ones(len(city.face_object), np.bool_) if state.lod_faces is None else state.lod_faces,
        change=workspace.change(shown.name) if changes and shown is not None else None,
        only=only,
        area_local=area_local,
        title=document.title or city.name,
        scenario=shown.name if changes and shown is not None else "",
        credits=workspace.attributions(),
    )
