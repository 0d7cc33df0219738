"""Small widgets every panel uses: labels, icon buttons, cards, collapsible sections, scroll columns.

Texts given here are English keys and follow the language; icons follow the theme.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from viewer.ui.i18n import bind, locale
from viewer.ui.icons import bind_icon
from viewer.ui.theme import GRID, TARGET


def label(text: str = "", role: str = "", *, wrap: bool = False, translate: bool = True, **values: object) -> QLabel:
    """A label; ``text`` is a key unless ``translate`` is false (names, numbers)."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)  # names come from files
    if role:
        made.setProperty("role", role)
    made.setWordWrap(wrap)
    if wrap:
        made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    if text and translate:
        bind(made.setText, text, **values)
    else:
        made.setText(text)
    return made


def button(text: str, on_click: Callable[[], object] | None = None, *, role: str = "", icon: str = "") -> QPushButton:
    """A push button; roles: ``primary``, ``quiet``, ``tile``."""
    made = QPushButton()
    bind(made.setText, text)
    if role:
        made.setProperty("role", role)
    if icon:
        bind_icon(made.setIcon, icon, "on_accent" if role == "primary" else "text")
    if on_click is not None:
        made.clicked.connect(lambda: on_click())
    return made


def tool(icon: str, text: str, on_click: Callable[[], object] | None = None, *, checkable: bool = False) -> QToolButton:
    """A square button with an icon; ``text`` is its tooltip and what a screen reader says."""
    made = QToolButton()
    bind_icon(made.setIcon, icon)
    made.setIconSize(QSize(20, 20))
    made.setMinimumSize(TARGET, TARGET)
    made.setCheckable(checkable)
    bind(made.setToolTip, text)
    bind(made.setAccessibleName, text)
    if on_click is not None:
        made.clicked.connect(lambda: on_click())
    return made


def row(*items: QWidget | QLayout | int | None, spacing: int = GRID) -> QHBoxLayout:
    """Widgets side by side; ``None`` stretches, a number leaves that many pixels."""
    return _fill(QHBoxLayout(), items, spacing)


def column(*items: QWidget | QLayout | int | None, spacing: int = GRID) -> QVBoxLayout:
    """Widgets below each other; ``None`` stretches, a number leaves that many pixels."""
    return _fill(QVBoxLayout(), items, spacing)


def _fill(layout, items, spacing):
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        elif isinstance(item, QWidget):
            layout.addWidget(item)
        else:
            layout.addLayout(item)
    return layout


def line() -> QFrame:
    """A hairline."""
    made = QFrame()
    made.setProperty("role", "line")
    return made


class ElidedLabel(QLabel):
    """One line that ends in an ellipsis where there is no room; the tooltip has all of it."""

    def __init__(self, role: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        painter.end()


class Card(QFrame):
    """A rounded box with a column inside; roles: ``card``, ``inset``, ``glass``, ``notice`` ..."""

    def __init__(self, role: str = "card", parent: QWidget | None = None, *, margin: int = 12) -> None:
        super().__init__(parent)
        self.setProperty("role", role)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(margin, margin, margin, margin)
        self.body.setSpacing(GRID)


class Section(QWidget):
    """A heading that folds what stands below it."""

    def __init__(self, text: str, *, open: bool = True) -> None:
        super().__init__()
        self.heading = QToolButton()
        self.heading.setProperty("role", "heading")
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.heading.setCheckable(True)
        self.heading.setChecked(open)
        self.heading.setArrowType(Qt.ArrowType.DownArrow if open else Qt.ArrowType.RightArrow)
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        bind(self.heading.setText, text)
        self.content = QWidget()
        self.body = column()
        self.content.setLayout(self.body)
        self.content.setVisible(open)
        self.heading.toggled.connect(self._fold)
        self.setLayout(column(self.heading, self.content, spacing=4))

    def _fold(self, open: bool) -> None:
        self.content.setVisible(open)
        self.heading.setArrowType(Qt.ArrowType.DownArrow if open else Qt.ArrowType.RightArrow)


class ScrollColumn(QScrollArea):
    """A column that scrolls up and down and never sideways."""

    def __init__(self, *, margin: int = 12) -> None:
        super().__init__()
        inner = QWidget()
        inner.setObjectName("scrolled")
        self.body = QVBoxLayout(inner)
        self.body.setContentsMargins(margin, margin, margin, margin)
        self.body.setSpacing(GRID)
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)


def beside_the_middle(form: QFormLayout) -> None:
    """Put the words of every row at the middle of its field; Qt keeps them near the top of a tall one."""
    for number in range(form.rowCount()):
        item = form.itemAt(number, QFormLayout.ItemRole.LabelRole)
        if item is not None and item.widget() is not None:
            item.widget().setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)


def set_number_language(field: QAbstractSpinBox) -> None:
    """Write the number of a field as the language does, and off the frame; call again when the language changes."""
    field.lineEdit().setTextMargins(6, 0, 6, 0)  # a style sheet has no say inside
    with QSignalBlocker(field):
        field.setLocale(locale())


def let_go(widget: QWidget) -> None:
    """Take a widget out of the window; Qt deletes it when nothing of it is at work any more.

    It keeps its parent: without one it would be Python's, which might delete it in the middle of an event of its own.
    """
    widget.hide()
    parent = widget.parentWidget()
    if parent is not None and parent.layout() is not None:
        parent.layout().removeWidget(widget)
    widget.deleteLater()


def clear(layout: QLayout) -> None:
    """Take everything out of a layout and let it go."""
    while layout.count():
        item = layout.takeAt(0)
        inner = item.widget()
        if inner is not None:
            let_go(inner)
        elif item.layout() is not None:
            clear(item.layout())
