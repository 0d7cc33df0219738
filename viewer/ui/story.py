"""The story of a session: its saved views as steps, what a step shows, and the way from one to the next.

Plain values and arithmetic. In a view the scenario ``""`` is the city as it is today. Showing a step
never changes the document: scenario and layers lie over it as a ``Showing``, which the window draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from viewer.scenario import Scenario
from viewer.scene.state import LayerView, SceneState
from viewer.session.document import Camera, Document, View
from viewer.ui.i18n import tr

#: The scenario of a view that shows the city as it is.
TODAY = ""


@dataclass(frozen=True, slots=True)
class Showing:
    """What the picture shows instead of the document's own state.

    scenario : name, ``""`` for the city of today, None for the document's active one. layers : keys of the
    sources to show, None for those that are visible in the document.
    """

    scenario: str | None = None
    layers: frozenset[str] | None = None


class Staging:
    """Turns the workspace and a ``Showing`` into what is drawn; unchanged layers stay the same object."""

    def __init__(self, workspace) -> None:
        self._workspace = workspace
        self.showing = Showing()
        self._kept: tuple[object, frozenset[str], tuple[LayerView, ...]] | None = None

    def state(self, theme: str) -> SceneState:
        """What is to be drawn."""
        state = self._workspace.scene_state(self.showing.scenario, theme=theme)
        wanted = self.showing.layers
        if wanted is None or not state.layers:
            return state
        if self._kept is None or self._kept[0] is not state.layers or self._kept[1] != wanted:
            self._kept = (state.layers, wanted, tuple(_shown(layer, wanted) for layer in state.layers))
        return replace(state, layers=self._kept[2])


def _shown(layer: LayerView, wanted: frozenset[str]) -> LayerView:
    visible = layer.key.split("#")[0] in wanted
    return layer if layer.visible == visible else replace(layer, visible=visible)


def showing_of(view: View, document: Document) -> Showing:
    """What a saved view shows; a scenario that is gone gives way to the active one."""
    known = view.scenario == TODAY or view.scenario in {s.name for s in document.scenarios}
    layers = None if view.visible_layers is None else frozenset(view.visible_layers)
    return Showing(view.scenario if known else None, layers)


def scenario_text(scenario: str | None, document: Document) -> str:
    """A scenario as people read it."""
    if scenario == TODAY:
        return tr("As it is today")
    return document.active if scenario is None else scenario


def scenario_of(document: Document, name: str | None) -> Scenario:
    """The scenario of this name: None the active one, ``""`` or an unknown name the city of today."""
    if name is None:
        return document.scenario
    return next((s for s in document.scenarios if s.name == name), Scenario(""))


def visible_layers(document: Document) -> tuple[str, ...]:
    """Keys of the layers that are visible in the document."""
    return tuple(s.key for s in document.sources if s.kind == "layer" and s.style.visible)


def free_name(wish: str, views: tuple[View, ...]) -> str:
    """``wish``, or ``wish 2``, ``wish 3`` ... if a view has that name."""
    names = {view.name for view in views}
    if wish not in names:
        return wish
    return next(f"{wish} {n}" for n in range(2, len(names) + 3) if f"{wish} {n}" not in names)


def moved(views: tuple[View, ...], index: int, by: int) -> tuple[View, ...]:
    """The views with one of them moved up (-1) or down (+1)."""
    order = list(views)
    view = order.pop(index)
    order.insert(min(max(index + by, 0), len(order)), view)
    return tuple(order)


# --- the way of the camera -----------------------------------------------------------------------


def orbited(camera: Camera, degrees: float) -> Camera:
    """The camera turned about what it looks at, seen from above counter-clockwise."""
    turn = math.radians(degrees)
    dx, dy, dz = (p - t for p, t in zip(camera.position_crs, camera.target_crs, strict=True))
    x = dx * math.cos(turn) - dy * math.sin(turn)
    y = dx * math.sin(turn) + dy * math.cos(turn)
    tx, ty, tz = camera.target_crs
    return replace(camera, position_crs=(tx + x, ty + y, tz + dz))


def between(start: Camera, end: Camera, share: float) -> Camera:
    """A camera on the way, ``share`` from 0 to 1, slow at both ends; it turns the shorter way round."""
    share = min(max(share, 0.0), 1.0)
    if share >= 1.0:
        return end
    eased = share * share * share * (share * (6 * share - 15) + 10)
    target = tuple(a + (b - a) * eased for a, b in zip(start.target_crs, end.target_crs, strict=True))
    first, last = _sphere(start), _sphere(end)
    turn = (last[1] - first[1] + math.pi) % (2 * math.pi) - math.pi
    distance = math.exp(_mix(math.log(first[0]), math.log(last[0]), eased))
    heading, tilt = first[1] + turn * eased, _mix(first[2], last[2], eased)
    flat = distance * math.cos(tilt)
    offset = (flat * math.cos(heading), flat * math.sin(heading), distance * math.sin(tilt))
    return Camera(
        (target[0] + offset[0], target[1] + offset[1], target[2] + offset[2]),
        (target[0], target[1], target[2]),
        _mix(start.view_angle_deg, end.view_angle_deg, eased),
    )


def _mix(a: float, b: float, share: float) -> float:
    return a + (b - a) * share


def _sphere(camera: Camera) -> tuple[float, float, float]:
    """Distance (metres, at least 1), direction and height angle (radians) of the eye seen from its target."""
    dx, dy, dz = (p - t for p, t in zip(camera.position_crs, camera.target_crs, strict=True))
    distance = max(math.sqrt(dx * dx + dy * dy + dz * dz), 1.0)
    return distance, math.atan2(dy, dx), math.asin(min(max(dz / distance, -1.0), 1.0))
