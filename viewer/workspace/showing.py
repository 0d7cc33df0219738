"""How the layers of a session are drawn now."""

from __future__ import annotations

from viewer.city import Layer
from viewer.city.models import ModelLayer
from viewer.scene.state import LayerView
from viewer.session import Source
from viewer.workspace import models as placing
from viewer.workspace.held import Held

#: What a layer's view depends on: source, number of the layer in it, shown, the layer itself, the ground.
_ViewKey = tuple[Source, int, bool, int, int]


class LayerViews:
    """Views of all layers, the same objects as long as nothing about them differs."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._shown: tuple[object, dict[str | None, tuple[LayerView, ...]]] = (None, {})
        self._views: dict[_ViewKey, LayerView] = {}

    def of(self, scenario: str | None = None) -> tuple[LayerView, ...]:
        """The layers as drawn, bottom to top; the same object until something differs.

        scenario : models that only one scenario shows are hidden in all others; None shows every model.
        """
        document = self._held.session.document
        key = (document.sources, tuple(sorted((k, id(v)) for k, v in self._held.layers.items())), id(self._held.ground))
        if self._shown[0] != key:
            self._shown = (key, {})
        known = self._shown[1].get(scenario)
        if known is not None:
            return known
        views: list[LayerView] = []
        kept: dict[_ViewKey, LayerView] = {}
        for source in document.sources:
            seen = placing.shown(source, scenario)
            for number, layer in enumerate(self._held.layers.get(source.key, ())):
                own = (source, number, seen, id(layer), id(self._held.ground) if isinstance(layer, ModelLayer) else 0)
                view = self._views.get(own) or self._view(source, number, layer, seen)
                kept[own] = view
                views.append(view)
        open_now = set(document.sources)
        self._views = {key: view for key, view in self._views.items() if key[0] in open_now} | kept
        self._shown[1][scenario] = tuple(views)
        return self._shown[1][scenario]

    def _view(self, source: Source, number: int, layer: Layer, seen: bool) -> LayerView:
        style = source.style
        return LayerView(
            key=source.key if number == 0 else f"{source.key}#{number}",
            layer=layer,
            visible=style.visible and seen,
            opacity=style.opacity,
            column=style.column or layer.style_column,
            palette=style.palette,
            color=style.color,
            labels=style.labels,
            matrix=placing.matrix_of(source, layer, self._held.frame, self._held.ground),
        )
