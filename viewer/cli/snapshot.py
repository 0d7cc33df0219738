"""``stadtforum snapshot``: a picture of a city with its layers, drawn without any display."""

from __future__ import annotations

import re
from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from viewer.city import StreamedLayer
from viewer.cli.opening import UsageError, move_levers, note, open_files, settings_of, show_scenario
from viewer.cli.png import png_chunks
from viewer.cli.words import error_line, plain, say, show
from viewer.scenario import WholeCity
from viewer.session.atomic import write_atomic

if TYPE_CHECKING:
    from viewer.scene.camera import Pose
    from viewer.scene.state import SceneState
    from viewer.session import Camera
    from viewer.workspace import Workspace

MAX_WIDTH, MAX_HEIGHT = 7680, 4320
MISSING_TILES = "Tiles of {layer} that could not be read: {count}. {reason}"


def run(options: Namespace) -> int:
    """Read, move the levers, draw, write."""
    settings = settings_of(options.set)
    size = size_of(options.size)
    if options.output.suffix.lower() != ".png":
        raise UsageError("The picture must be a .png file.", path=options.output)
    workspace = open_files(options)
    move_levers(workspace, settings, [WholeCity()])
    if options.color_by:
        color_by(workspace, options.color_by)
    camera = view_of(workspace, options)
    state = replace(workspace.scene_state(), quality="full")
    pose = pose_of(workspace, size, options, camera)
    picture = labelled(draw(state, size, pose), workspace, state, pose)
    write_atomic(options.output, png_chunks(picture), keep_former=False)
    show(say("Written: {picture}", picture=plain(str(options.output))))
    _tell_failures(workspace)
    return 0


def _tell_failures(workspace: Workspace) -> None:
    """Tiles that are missing in the picture."""
    for view in workspace.layer_views():
        if isinstance(view.layer, StreamedLayer) and view.layer.failures:
            failures = view.layer.failures
            note(say(MISSING_TILES, count=len(failures), layer=plain(view.layer.name), reason=error_line(failures[0])))


def size_of(text: str) -> tuple[int, int]:
    """Width and height of ``1920x1080``.

    Raises
    ------
    UsageError
        Not of this form, or larger than 8K.
    """
    match = re.fullmatch(r"(\d{1,5})[xX×](\d{1,5})", text.strip())
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (0 < width <= MAX_WIDTH and 0 < height <= MAX_HEIGHT):
        raise UsageError(
            "{given} is no size; write it as 1920x1080, at most {limit}.",
            given=plain(text) or '""',
            limit=f"{MAX_WIDTH}x{MAX_HEIGHT}",
        )
    return width, height


def color_by(workspace: Workspace, what: str) -> None:
    """Colour the city by surface, an attribute or an indicator; the kind in front may be left out.

    Raises
    ------
    UsageError
        The city has nothing of this name.
    """
    from viewer.session.edits import ColorBy

    known = [key for key, _ in workspace.colourings()]
    for key in (what, f"attribute:{what}", f"indicator:{what}"):
        if key in known:
            workspace.session.edit(ColorBy(key))
            return
    raise UsageError(
        "{given} cannot colour this city; there are {names}.", given=plain(what), names=plain(", ".join(known))
    )


def view_of(workspace: Workspace, options: Namespace) -> Camera | None:
    """The camera of a saved view, whose scenario and layers are shown too; None for home and top.

    Raises
    ------
    UsageError
        There is no view of this name.
    """
    if options.view in ("home", "top"):
        return None
    views = workspace.session.document.views
    view = next((view for view in views if view.name == options.view), None)
    if view is None:
        names = ", ".join(["home", "top", *(view.name for view in views)])
        raise UsageError("There is no view {name}; there are {names}.", name=plain(options.view), names=plain(names))
    if view.scenario and not options.scenario and not options.set:
        show_scenario(workspace, view.scenario)
    if view.visible_layers is not None:
        _show_layers(workspace, view.visible_layers)
    return view.camera


def _show_layers(workspace: Workspace, keys: tuple[str, ...]) -> None:
    from viewer.session.edits import StyleSource

    for source in workspace.session.document.sources:
        visible = source.key in keys
        if source.kind == "layer" and source.style.visible != visible:
            workspace.session.edit(StyleSource(source.key, replace(source.style, visible=visible)))


def pose_of(workspace: Workspace, size: tuple[int, int], options: Namespace, camera: Camera | None) -> Pose:
    """Where the picture is taken from: a saved camera, the whole city from above, or from the front."""
    from viewer.scene.camera import HOME_HEADING, HOME_TILT, CameraController, pose_between

    frame = workspace.frame
    if camera is not None:
        position, target = frame.local_from_crs([camera.position_crs, camera.target_crs])
        return pose_between(position, target, camera.view_angle_deg)
    city = workspace.city
    assert city is not None
    controller = CameraController()
    controller.size = size
    low, high = city.extent_local
    controller.set_world(low, high, workspace.ground)
    if options.view == "top":
        return controller.top_pose()
    heading = HOME_HEADING if options.heading is None else options.heading
    return controller.home_pose(heading, HOME_TILT if options.tilt is None else options.tilt)


def labelled(picture: NDArray[np.uint8], workspace: Workspace, state: SceneState, pose: Pose) -> NDArray[np.uint8]:
    """The picture with who must be named, and with a legend where colours stand for data."""
    colouring = state.colouring
    names = " · ".join(workspace.attributions())
    if not names and colouring.values is None:
        return picture
    from viewer.scene.annotate import annotate
    from viewer.scene.palettes import legend_entries

    rows = legend_entries(colouring.palette, colouring.low, colouring.high, colouring.classes)
    return annotate(
        picture,
        metres_per_pixel=None,
        heading_deg=pose.heading_deg,
        legend=() if colouring.values is None else rows,
        legend_title=plain(say(colouring.title)) if colouring.title else "",
        credits=names,
        theme=state.theme,
    )


def draw(state: SceneState, size: tuple[int, int], pose: Pose) -> NDArray[np.uint8]:
    """The picture, (H, W, 3) uint8, first row on top."""
    from viewer.scene.offscreen import render_to_array

    return render_to_array(state, size, camera=pose)
