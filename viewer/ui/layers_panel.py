"""The layers panel: order, visibility, opacity, column, labels, level of detail, messages, remove.

Every change is an edit of the session, so all of it can be undone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QDrag
from PySide6.QtWidgets import QApplication, QComboBox, QSizePolicy, QSlider, QWidget

from viewer.city import (
    AreaLayer,
    ImageLayer,
    LineLayer,
    ModelLayer,
    PointLayer,
    Severity,
    StreamedLayer,
    TerrainLayer,
    TreeLayer,
)
from viewer.session.document import Source
from viewer.session.edits import MoveSource, SetOption, StyleSource
from viewer.ui.i18n import bind, language_changed, number, tr, trn
from viewer.ui.icons import bind_icon
from viewer.ui.legend import LayerLegend
from viewer.ui.model_fields import ModelFields
from viewer.ui.remote import RemoteRow
from viewer.ui.widgets import Card, ElidedLabel, ScrollColumn, button, column, label, let_go, row, tool
from viewer.ui.words import attribute_text

_MIME = "application/x-stadtforum-layer"


class LayersPanel(QWidget):
    """One card per source, top of the picture first."""

    zoom_wanted = Signal(str)
    report_wanted = Signal(str)
    open_wanted = Signal()
    remove_wanted = Signal(str)
    lod_wanted = Signal(str, str)
    move_wanted = Signal(str, bool)
    catalogue_wanted = Signal()
    update_wanted = Signal(str)
    part_wanted = Signal(str, str)  # of a source on a server; "city", "view" or "drawn"
    live_wanted = Signal(str, bool)
    place_wanted = Signal(str)
    textures_wanted = Signal(bool)

    def __init__(self, workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.cards: dict[str, SourceCard] = {}
        self.is_live: Callable[[str], bool] = lambda key: False
        self._scroll = ScrollColumn()
        browse = tool("layers", "Catalogue", self.catalogue_wanted.emit)
        add = button("Add", self.open_wanted.emit, role="quiet", icon="plus")
        head = row(label("Layers", "title"), None, browse, add)
        head.setContentsMargins(16, 12, 12, 4)
        self._empty = label("Nothing is open yet. Add a city model, then lay data over it.", "muted", wrap=True)
        self._list = self._scroll.body
        self._list.addWidget(self._empty)
        self._list.addStretch(1)
        self.setLayout(column(head, self._scroll, spacing=0))
        self.setAcceptDrops(True)
        workspace.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the document's sources; cards that fit stay, so that a drag on a slider goes on."""
        sources = tuple(reversed(self.workspace.session.document.sources))
        keys = [source.key for source in sources]
        if keys != list(self.cards):
            for card in self.cards.values():
                self._list.removeWidget(card)
                card.hide()
                if card.source.key not in keys:
                    let_go(card)
            kept, self.cards = self.cards, {}
            for at, source in enumerate(sources):
                card = kept.get(source.key) or SourceCard(self, source)
                self.cards[source.key] = card
                self._list.insertWidget(at, card)
                card.show()
        for at, source in enumerate(sources):
            self.cards[source.key].show_source(source, first=at == 0, last=at == len(sources) - 1)
        self._empty.setVisible(not sources)

    def show_held(self, key: str) -> None:
        """Show which model the pointer moves; its fields are unfolded."""
        for own, card in self.cards.items():
            card.model.set_moving(own == key)
            if own == key:
                card.fold.setChecked(True)

    def dragEnterEvent(self, event) -> None:
        if event.mimeData().hasFormat(_MIME):
            event.acceptProposedAction()

    def dropEvent(self, event) -> None:
        key = bytes(event.mimeData().data(_MIME)).decode()
        y = event.position().toPoint().y()
        order = list(self.cards)
        if key not in order:
            return
        before = sum(
            1 for other, card in self.cards.items() if other != key and card.mapTo(self, card.rect().center()).y() < y
        )
        self.workspace.session.edit(MoveSource(key, order.index(key) - before))
        event.acceptProposedAction()


class SourceCard(Card):
    """One source: a line that is always there, and details that fold out."""

    def __init__(self, panel: LayersPanel, source: Source) -> None:
        super().__init__("card", margin=8)
        self._panel, self.source = panel, source
        self._workspace = panel.workspace
        self._showing = False
        self._press = None
        self.eye = tool("eye", "Show or hide", checkable=True)
        self.eye.toggled.connect(self._set_visible)
        self.name = ElidedLabel("section")
        self.count = label("", "small", translate=False)
        self.count.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.fold = tool("down", "Details", checkable=True)
        self.fold.toggled.connect(self._fold)
        texts = QWidget()
        self.note = ElidedLabel("small")
        texts.setLayout(column(self.name, self.count, self.note, spacing=0))
        head = row(self.eye, spacing=4)
        head.addWidget(texts, 1)
        head.addWidget(self.fold)
        self.body.addLayout(head)
        self.messages = button("", self._ask_report, role="quiet")
        self.body.addWidget(self.messages)
        self._details = QWidget()
        self._details.setVisible(False)
        self.body.addWidget(self._details)
        self._make_details()
        language_changed.connect(self._retranslate)

    # -- parts -------------------------------------------------------------------------------------

    def _make_details(self) -> None:
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(5, 100)
        self.opacity.setPageStep(10)
        bind(self.opacity.setAccessibleName, "Opacity in percent")
        self.opacity_text = label("", "muted", translate=False)
        self.opacity_text.setMinimumWidth(44)
        self.opacity_text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.opacity.valueChanged.connect(self._set_opacity)
        self.opacity.sliderReleased.connect(self._workspace.session.end_gesture)
        self._opacity_row = QWidget()
        self._opacity_row.setLayout(row(label("Opacity", "muted"), self.opacity, self.opacity_text))
        self.column = QComboBox()
        bind(self.column.setAccessibleName, "Colour this layer by")
        self.column.activated.connect(self._set_column)
        self._column_row = QWidget()
        self._column_row.setLayout(row(label("Colour by", "muted"), self.column))
        self.column.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.column.setMinimumContentsLength(6)
        self.lod = QComboBox()
        bind(self.lod.setAccessibleName, "Level of detail")
        self.lod.activated.connect(self._set_lod)
        self._lod_row = QWidget()
        self._lod_row.setLayout(row(label("Level of detail", "muted"), self.lod))
        self.lod.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.labels = tool("label", "Show labels", checkable=True)
        self.labels.toggled.connect(self._set_labels)
        self.textures = tool("building", "Show textures", checkable=True)
        self.textures.toggled.connect(lambda on: self._showing or self._panel.textures_wanted.emit(on))
        self.model = ModelFields(self._workspace)
        self.model.move_wanted.connect(lambda on: self._panel.move_wanted.emit(self.source.key, on))
        self.legend = LayerLegend()
        self.remote = RemoteRow(self._panel, self.source.key)
        self.up = tool("up", "Move up", lambda: self._move(1))
        self.down = tool("down", "Move down", lambda: self._move(-1))
        buttons = row(
            self.up,
            self.down,
            tool("zoom-to", "Fly there", lambda: self._panel.zoom_wanted.emit(self.source.key)),
            self.labels,
            self.textures,
            tool("map", "Coordinate system...", lambda: self._panel.place_wanted.emit(self.source.key)),
            tool("report", "Import report", self._ask_report),
            None,
            tool("trash", "Remove from the session", lambda: self._panel.remove_wanted.emit(self.source.key)),
            spacing=2,
        )
        self._details.setLayout(
            column(
                self._opacity_row,
                self._column_row,
                self._lod_row,
                self.model,
                self.legend,
                self.remote,
                buttons,
                spacing=6,
            )
        )

    # -- showing -----------------------------------------------------------------------------------

    def show_source(self, source: Source, *, first: bool, last: bool) -> None:
        """Show a source as the document has it."""
        self.source = source
        self._showing = True
        layers = self._workspace.layer(source.key)
        city = self._workspace.source_city(source.key)
        style = source.style
        self.eye.setChecked(style.visible)
        self.eye.setVisible(source.kind != "city")
        bind_icon(self.eye.setIcon, "eye" if style.visible else "eye-off")
        self.name.setText(source.title or source.key)
        self.name.setToolTip(source.path)
        self.count.setText(_count_text(city, layers))
        note = next((layer.note for layer in layers if layer.note is not None), None)
        self.note.setText(tr(note.text, **note.values) if note is not None else "")
        self.note.setToolTip(self.note.text())
        self.note.setVisible(note is not None)
        self.remote.show_source(source, layers, self._panel.is_live(source.key))
        self.up.setEnabled(not first)
        self.down.setEnabled(not last)
        layer = layers[0] if layers else None
        self._opacity_row.setVisible(layer is not None)
        self.opacity.setValue(round(style.opacity * 100))
        self.opacity_text.setText(f"{number(style.opacity * 100)} %")
        has_columns = layer is not None and bool(layer.attributes) and not isinstance(layer, ImageLayer)
        self._column_row.setVisible(has_columns)
        if has_columns:
            self._fill_columns(layer, style.column)
        written = isinstance(layer, AreaLayer) and bool(layer.label_column)
        self.labels.setVisible(isinstance(layer, PointLayer) or written)
        self.labels.setChecked(style.labels)
        self.model.show_source(source)
        self.textures.setVisible(city is not None and city.appearance is not None)
        self.textures.setChecked(self._workspace.textures)
        lods = [lod for lod in city.lods if lod] if city is not None else []
        self._lod_row.setVisible(len(lods) > 1)
        if len(lods) > 1:
            self._fill_lods(lods, dict(source.options).get("lod", ""))
        views = [v for v in self._workspace.layer_views() if v.key == source.key]
        self.legend.show_layer(views[0] if views else None)
        self._show_messages()
        self._showing = False

    def _show_messages(self) -> None:
        report = self._workspace.reports.get(self.source.key)
        issues = [] if report is None else [i for i in report.issues if i.severity != Severity.INFO]
        self.messages.setVisible(bool(issues))
        if issues:
            bad = any(i.severity == Severity.ERROR for i in issues)
            bind_icon(self.messages.setIcon, "warning", "error" if bad else "warning")
            self.messages.setText(trn("{n} message", "{n} messages", len(issues)))

    def _fill_columns(self, layer, column: str) -> None:
        names = ["", *layer.attributes]
        wanted = [(tr("One colour") if not name else attribute_text(name), name) for name in names]
        _fill_combo(self.column, wanted, column or layer.style_column)

    def _fill_lods(self, lods: list[str], chosen: str) -> None:
        wanted = [(tr("Highest (LoD {lod})", lod=lods[-1]), "")] + [(f"LoD {lod}", lod) for lod in reversed(lods)]
        _fill_combo(self.lod, wanted, chosen)

    def _retranslate(self) -> None:
        self.column.clear()
        self.lod.clear()
        self._panel.refresh()

    def _fold(self, open: bool) -> None:
        self._details.setVisible(open)
        bind_icon(self.fold.setIcon, "up" if open else "down")

    # -- edits -------------------------------------------------------------------------------------

    def _style(self, *, merge: bool = False, **changes) -> None:
        if not self._showing:
            edit = StyleSource(self.source.key, replace(self.source.style, **changes))
            self._workspace.session.edit(edit, merge=merge)

    def _set_visible(self, visible: bool) -> None:
        self._style(visible=visible)

    def _set_opacity(self, percent: int) -> None:
        self._style(opacity=percent / 100.0, merge=True)

    def _set_column(self, index: int) -> None:
        self._style(column=self.column.itemData(index) or "")

    def _set_labels(self, labels: bool) -> None:
        self._style(labels=labels)

    def _set_lod(self, index: int) -> None:
        lod = self.lod.itemData(index) or ""
        if not self._showing and dict(self.source.options).get("lod", "") != lod:
            self._workspace.session.edit(SetOption(self.source.key, "lod", lod))

    def _move(self, by: int) -> None:
        self._workspace.session.edit(MoveSource(self.source.key, by))

    def _ask_report(self) -> None:
        self._panel.report_wanted.emit(self.source.key)

    # -- dragging ----------------------------------------------------------------------------------

    def mousePressEvent(self, event) -> None:
        self._press = event.position().toPoint() if event.button() == Qt.MouseButton.LeftButton else None

    def mouseMoveEvent(self, event) -> None:
        far = QApplication.startDragDistance()
        if self._press is None or (event.position().toPoint() - self._press).manhattanLength() < far:
            return
        drag = QDrag(self)
        data = QMimeData()
        data.setData(_MIME, self.source.key.encode())
        drag.setMimeData(data)
        drag.setPixmap(self.grab())
        drag.setHotSpot(self._press)
        self._press = None
        drag.exec(Qt.DropAction.MoveAction)


def _fill_combo(combo: QComboBox, wanted: list[tuple[str, str]], chosen: str) -> None:
    there = [(combo.itemText(i), combo.itemData(i)) for i in range(combo.count())]
    if there != wanted:
        combo.clear()
        for text, data in wanted:
            combo.addItem(text, data)
    combo.setCurrentIndex(max(0, combo.findData(chosen)))


def _count_text(city, layers) -> str:
    if city is not None:
        buildings = int(city.objects.feature_is_building.sum())
        return trn("{n} building", "{n} buildings", buildings)
    if not layers:
        return tr("Not loaded")
    layer, n = layers[0], sum(len(layer) for layer in layers)
    if isinstance(layer, TreeLayer):
        return trn("{n} tree", "{n} trees", n)
    if isinstance(layer, AreaLayer):
        return trn("{n} area", "{n} areas", n)
    if isinstance(layer, LineLayer):
        return trn("{n} line", "{n} lines", n)
    if isinstance(layer, ModelLayer):
        return trn("Model of {n} triangle", "Model of {n} triangles", layer.triangles)
    if isinstance(layer, ImageLayer):
        return tr("Map image")
    if isinstance(layer, TerrainLayer):
        return tr("Terrain, the city stands on it")
    if isinstance(layer, StreamedLayer):
        points = dict(layer.facts).get("Points", "")
        if points.isdigit():
            return trn("{n} point", "{n} points", int(points))
        tiles = trn("{n} tile", "{n} tiles", sum(layer.tile_count for layer in layers))
        failed = sum(len(layer.failures) for layer in layers)
        return f"{tiles}, {trn('{n} not readable', '{n} not readable', failed)}" if failed else tiles
    return trn("{n} point", "{n} points", n)
