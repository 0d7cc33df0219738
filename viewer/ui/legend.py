"""Legends: what the colours of the city and of a layer mean. Every colour stands beside its words."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QLinearGradient, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from viewer.city import ImageLayer, TreeLayer
from viewer.scene import palettes
from viewer.scene.layer_colors import layer_legend
from viewer.scene.state import Colouring, LayerView
from viewer.ui import theme
from viewer.ui.i18n import bind, language_changed, number, tr
from viewer.ui.widgets import Card, clear, column, label, row
from viewer.ui.words import attribute_text


class Swatch(QWidget):
    """A small coloured square with an outline, so that pale colours stay visible."""

    def __init__(self, color: str) -> None:
        super().__init__()
        self._color = color
        self.setFixedSize(16, 16)

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("outline"), 1))
        painter.setBrush(theme.parse(self._color))
        painter.drawRoundedRect(QRectF(0.5, 0.5, 15, 15), 4, 4)
        painter.end()


class Ramp(QWidget):
    """A bar of colours from low to high."""

    def __init__(self, colors: tuple[str, ...]) -> None:
        super().__init__()
        self._colors = colors
        self.setFixedHeight(12)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(160, 12)

    def paintEvent(self, event) -> None:
        gradient = QLinearGradient(0, 0, self.width(), 0)
        for at, color in enumerate(self._colors):
            gradient.setColorAt(at / max(1, len(self._colors) - 1), theme.parse(color))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("outline"), 1))
        painter.setBrush(gradient)
        painter.drawRoundedRect(QRectF(0.5, 0.5, self.width() - 1, 11), 4, 4)
        painter.end()


class CityLegend(Card):
    """Legend of the city's colouring; hidden while surfaces have their own colours."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("glass", parent, margin=10)
        self.body.setSpacing(4)
        self.setFixedWidth(208)
        self._colouring = Colouring()
        bind(self.setAccessibleName, "Legend")
        language_changed.connect(self._show)
        self.hide()

    def show_colouring(self, colouring: Colouring, words: str) -> None:
        """Show a colouring; ``words`` names it in the current language."""
        if colouring is self._colouring and words == self.accessibleDescription():
            return
        self._colouring = colouring
        self.setAccessibleDescription(words)
        self._show()

    def _show(self) -> None:
        clear(self.body)
        colouring = self._colouring
        self.setVisible(colouring.values is not None)
        if colouring.values is None:
            return
        title = self.accessibleDescription()
        unit = tr(colouring.unit) if colouring.unit else ""
        heading = tr("{title} in {unit}", title=title, unit=unit) if unit else title
        self.body.addWidget(label(heading, "section", translate=False, wrap=True))
        if colouring.classes:
            colors = palette_colors(colouring.palette, len(colouring.classes))
            for text, color in zip(colouring.classes, colors, strict=True):
                words = tr("other") if text == "other" else text
                self.body.addLayout(_entry(color, words))
        else:
            self.body.addWidget(Ramp(palette_colors(colouring.palette, 9)))
            digits = _digits(colouring.high - colouring.low)
            low = label(number(colouring.low, digits), "small", translate=False)
            high = label(number(colouring.high, digits), "small", translate=False)
            self.body.addLayout(row(low, None, high))
        self.body.addLayout(_entry(palettes.NO_DATA, tr("no data")))
        self.adjustSize()


class LayerLegend(QWidget):
    """Legend of one layer, inside its card."""

    def __init__(self) -> None:
        super().__init__()
        self.setLayout(column(spacing=4))
        self._key: object = None

    def show_layer(self, view: LayerView | None) -> None:
        """Show how a layer is coloured; None for nothing to say."""
        key = None if view is None else (id(view.layer), view.column, view.palette, view.color)
        if key == self._key:
            return
        self._key = key
        clear(self.layout())
        entries = [] if view is None else layer_entries(view)
        for color, text in entries:
            self.layout().addLayout(_entry(color, text))
        self.setVisible(bool(entries))


def layer_entries(view: LayerView) -> list[tuple[str, str]]:
    """(colour, words) of a layer's legend, as the scene colours it."""
    if isinstance(view.layer, ImageLayer):
        return []
    values = view.layer.attributes.get(view.column) if view.column else None
    if values is None:
        if isinstance(view.layer, TreeLayer):
            return []
        return [(view.color, view.layer.name)] if view.color else []
    return [(color, tr(text) if text in ("other", "no data") else text) for color, text in layer_legend(view)]


def palette_colors(name: str, n: int) -> tuple[str, ...]:
    """``n`` colours of a palette as ``#rrggbb``, exactly those the scene draws with."""
    return palettes.hex_colors(name, n)


def _digits(span: float) -> int:
    return 0 if span >= 10 else 1 if span >= 1 else 2


def _entry(color: str, text: str):
    words = label(text, "small", translate=False)
    words.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
    words.setToolTip(text)
    words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    line = row(Swatch(color))
    line.addWidget(words, 1)
    return line


def attribute_heading(name: str) -> str:
    """Heading of an attribute in a legend."""
    return attribute_text(name)
