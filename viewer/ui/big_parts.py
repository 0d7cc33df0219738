"""Large parts for rooms and stands: overlay, story card, key numbers, levers, dots, buttons.

Every size is a share of the picture's height, so that a wall and a notebook show the same composition.
What a step or a visitor may do is ``present`` and ``kiosk``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen, QRegion
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from viewer.indicators.record import IndicatorRecord, Status
from viewer.ui import theme
from viewer.ui.figures import NARROW_SPACE, Change, difference, value_text
from viewer.ui.i18n import bind, language_changed, tr
from viewer.ui.icons import bind_icon
from viewer.ui.indicators_panel import CHANGE_COLOURS
from viewer.ui.widgets import Card, row

#: Smallest side of anything to touch, device-independent pixels.
TOUCH = 48
#: Numbers shown large, the first four there are.
KEY_NUMBERS = ("dwellings", "residents", "green_share", "canopy_share", "gross_floor_area", "footprint", "volume")


def style(u: float) -> str:
    """The style of large parts; ``u`` is a hundredth of the picture's height in pixels."""
    c = theme.colors()
    radius = round(1.8 * u)
    return f"""
    QFrame[role="big-card"] {{ background: {c.glass}; border: 1px solid {c.glass_line}; border-radius: {radius}px; }}
    QLabel {{ color: {c.text}; }}
    QLabel[role="big-head"] {{ font-size: {round(4.7 * u)}px; font-weight: 700; }}
    QLabel[role="big-title"] {{ font-size: {round(5.2 * u)}px; font-weight: 700; }}
    QLabel[role="big-text"] {{ font-size: {round(3.4 * u)}px; }}
    QLabel[role="big-label"] {{ font-size: {round(2.3 * u)}px; color: {c.muted}; }}
    QLabel[role="big-value"] {{ font-size: {round(4.6 * u)}px; font-weight: 700; }}
    QLabel[role="big-delta"] {{ font-size: {round(2.5 * u)}px; font-weight: 600; }}
    QLabel[role="big-pill"] {{ font-size: {round(2.4 * u)}px; font-weight: 600; color: {c.accent_text};
        background: {c.accent_soft}; border-radius: {math.floor(1.7 * u)}px;
        padding: {round(0.5 * u)}px {round(1.6 * u)}px; }}
    QLabel[role="big-call"] {{ font-size: {round(3.4 * u)}px; font-weight: 700; color: {c.on_accent};
        background: {c.accent}; border-radius: {round(3.3 * u)}px; padding: {round(1.7 * u)}px {round(4 * u)}px; }}
    QPushButton[role="big"] {{ font-size: {max(15, round(2.4 * u))}px; min-height: {touch(u) - 10}px;
        min-width: {touch(u) - 10}px; border-radius: {round(touch(u) / 4)}px; padding: 4px {round(1.6 * u)}px;
        background: {c.surface}; border: 1px solid {c.outline}; color: {c.text}; font-weight: 600; }}
    QPushButton[role="big"]:hover {{ background: {c.hover}; }}
    QPushButton[role="big"]:pressed {{ background: {c.pressed}; }}
    QPushButton[role="big"]:checked {{ background: {c.accent}; color: {c.on_accent}; border-color: {c.accent}; }}
    QPushButton[role="big"]:focus {{ border: 3px solid {c.accent}; padding: 2px {round(1.6 * u) - 2}px; }}
    QPushButton[role="big"]:checked:focus {{ border-color: {c.text}; }}
    QPushButton[role="big"]:disabled {{ color: {c.outline}; border-color: {c.line}; }}
    QPushButton[role="big-icon"] {{ min-height: {touch(u) - 2}px; min-width: {touch(u) - 2}px; padding: 0;
        border-radius: {round(touch(u) / 2) - 1}px; background: {c.glass}; border: 1px solid {c.outline};
        color: {c.text}; font-size: {max(15, round(2.3 * u))}px; font-weight: 600; }}
    QPushButton[role="big-icon"]:hover {{ background: {c.hover}; }}
    QPushButton[role="big-icon"]:pressed, QPushButton[role="big-icon"]:checked {{ background: {c.accent_soft};
        border-color: {c.accent}; }}
    QPushButton[role="big-icon"]:focus {{ border: 3px solid {c.accent}; }}
    QPushButton[role="big-icon"]:disabled {{ background: transparent; border-color: {c.line}; }}
    """


def foot(u: float) -> int:
    """Room below the lowest parts, pixels: the credits of the picture stand there."""
    return max(46, round(4 * u))


def touch(u: float) -> int:
    """Side of a button, pixels."""
    return max(TOUCH, round(6.4 * u))


class BigOverlay(QWidget):
    """Covers the stage, paints only its children, and lets everything else through to the city."""

    def __init__(self, stage: QWidget) -> None:
        super().__init__(stage)
        self._stage = stage
        self._style_of: tuple[float, str] = (0.0, "")
        self.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents, False)
        stage.resized.connect(self.fit)  # type: ignore[attr-defined]
        theme.theme_changed.connect(self.fit)
        language_changed.connect(self.fit)
        self.hide()

    @property
    def u(self) -> float:
        """A hundredth of the height (of a wide picture; less where it is narrow), pixels."""
        return max(min(self._stage.height(), self._stage.width() * 0.66) / 100.0, 3.6)

    def fit(self) -> None:
        """Cover the stage again and put every part into its place."""
        if self.isHidden():
            return
        self.setGeometry(self._stage.rect())
        wanted = (self.u, theme.name())
        if wanted != self._style_of:
            self._style_of = wanted
            self.setStyleSheet(style(self.u))
            for part in self.findChildren(QWidget):
                if isinstance(part, Scaled):
                    part.set_unit(self.u)
        self.place(self.width(), self.height(), self.u)
        self._mask()
        self.raise_()

    def place(self, width: int, height: int, u: float) -> None:
        """Give every part its place; subclasses say where."""
        raise NotImplementedError

    def _mask(self) -> None:
        region = QRegion()
        for child in self.children():
            if isinstance(child, QWidget) and child.isVisibleTo(self):
                region |= QRegion(child.geometry())
        self.setMask(region if not region.isEmpty() else QRegion(-1, -1, 1, 1))

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self.fit()

    def event(self, event) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # a part has other words and wants another size
            self.fit()
        return super().event(event)

    def controls(self) -> list[QWidget]:
        """What the Tab key visits, in order."""
        return [
            w
            for w in self.findChildren(QWidget)
            if w.isVisible() and w.isEnabled() and w.focusPolicy() & Qt.FocusPolicy.TabFocus
        ]

    def tab(self, step: int) -> None:
        """Give the focus to the next control (+1) or the one before (-1)."""
        found = self.controls()
        if found:
            focus = next((i for i, w in enumerate(found) if w.hasFocus()), -1 if step > 0 else 0)
            reason = Qt.FocusReason.TabFocusReason if step > 0 else Qt.FocusReason.BacktabFocusReason
            found[(focus + step) % len(found)].setFocus(reason)


class Scaled:
    """A part that measures in hundredths of the picture's height."""

    def set_unit(self, u: float) -> None:
        """Take the size of the picture over."""
        raise NotImplementedError


def big_label(role: str, *, wrap: bool = False) -> QLabel:
    """A label of plain text in a large role."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("role", role)
    made.setWordWrap(wrap)
    return made


class BigButton(QPushButton, Scaled):
    """A button of at least 48 pixels; mouse and touch leave the focus where it is."""

    def __init__(self, text: str, on_click: Callable[[], object], *, icon: str = "", words: bool = False) -> None:
        super().__init__()
        self.setProperty("role", "big" if words else "big-icon")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        bind(self.setAccessibleName, text)
        bind(self.setText if words else self.setToolTip, text)
        if icon:
            bind_icon(self.setIcon, icon)
        self.clicked.connect(lambda: on_click())

    def set_unit(self, u: float) -> None:
        side = round(touch(u) * 0.5)
        self.setIconSize(QSize(side, side))


class StoryCard(Card, Scaled):
    """What a step says: scenario, title, text."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("big-card", parent)
        self.pill = big_label("big-pill")
        self.title = big_label("big-title", wrap=True)
        self.text = big_label("big-text", wrap=True)
        self.body.addWidget(self.pill, 0, Qt.AlignmentFlag.AlignLeft)
        self.body.addWidget(self.title)
        self.body.addWidget(self.text)

    def show_words(self, pill: str, title: str, text: str) -> None:
        """Set the words; empty ones take no room."""
        for part, words in ((self.pill, pill), (self.title, title), (self.text, text)):
            part.setText(words)
            part.setVisible(bool(words))
        self.setAccessibleName(". ".join(words for words in (title, text) if words))

    def set_unit(self, u: float) -> None:
        self.body.setContentsMargins(round(3 * u), round(2.4 * u), round(3 * u), round(2.8 * u))
        self.body.setSpacing(round(1.1 * u))

    def width_for(self, most: int) -> int:
        """How wide the card is when its title stands in one line, at most ``most``."""
        margins = self.body.contentsMargins()
        need = self.title.fontMetrics().horizontalAdvance(self.title.text()) + margins.left() + margins.right() + 8
        return min(round(need / math.ceil(need / most) * (1.0 if need <= most else 1.2)), most)

    def height_for(self, width: int) -> int:
        """How high the card is when it is this wide."""
        self.body.activate()
        return max(self.body.totalHeightForWidth(width), self.body.totalMinimumSize().height())


class NumberTile(Card, Scaled):
    """One key number: name, value, difference to today."""

    def __init__(self) -> None:
        super().__init__("big-card")
        self.label, self.value, self.delta = big_label("big-label"), big_label("big-value"), big_label("big-delta")
        self.unit = big_label("big-label")
        self._line = row(self.value, self.unit, None, spacing=4)
        self._line.setAlignment(self.unit, Qt.AlignmentFlag.AlignBottom)
        self.body.addWidget(self.label)
        self.body.addLayout(self._line)
        self.body.addWidget(self.delta)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_record(self, record: IndicatorRecord) -> None:
        """Show one record."""
        change = difference(record)
        self.label.setText(tr(record.label))
        value, _, unit = value_text(record).rpartition(NARROW_SPACE) if record.unit else (value_text(record), "", "")
        self.value.setText(value or unit)
        self.unit.setText(unit if value else "")
        self.delta.setText(f"{change.symbol} {change.text}".strip())
        colours = CHANGE_COLOURS.get(change.change)
        self.delta.setStyleSheet(f"color: {colours[theme.name() == 'dark'] if colours else theme.colors().muted};")
        spoken = "" if change.change is Change.UNKNOWN else change.text
        self.setAccessibleName(", ".join(t for t in (self.label.text(), value_text(record), spoken) if t))

    def set_unit(self, u: float) -> None:
        self.body.setContentsMargins(round(2 * u), round(1.2 * u), round(2 * u), round(1.2 * u))
        self.body.setSpacing(0)
        self._line.setSpacing(round(0.7 * u))
        self.unit.setContentsMargins(0, 0, 0, round(0.75 * u))


class NumberStrip(QWidget, Scaled):
    """Three or four key numbers side by side."""

    def __init__(self, parent: QWidget, count: int = 4) -> None:
        super().__init__(parent)
        self.tiles = [NumberTile() for _ in range(count)]
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        for tile in self.tiles:
            self._row.addWidget(tile)

    def show_records(self, records: Sequence[IndicatorRecord]) -> None:
        """Show the chosen ones of a scenario's records."""
        chosen = key_records(records)[: len(self.tiles)]
        for at, tile in enumerate(self.tiles):
            tile.setVisible(at < len(chosen))
            if at < len(chosen):
                tile.show_record(chosen[at])
            tile.body.invalidate()
        self._row.invalidate()

    def set_unit(self, u: float) -> None:
        self._row.setSpacing(round(1.4 * u))


def key_records(records: Sequence[IndicatorRecord]) -> list[IndicatorRecord]:
    """The records worth showing large, those with a value, in their order."""
    by_id = {r.id: r for r in records if r.value is not None and r.status is not Status.OFF}
    return [by_id[name] for name in KEY_NUMBERS if name in by_id]


class Dots(QWidget, Scaled):
    """The steps as dots; a click on one goes there."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.count, self.at, self._u = 0, 0, 8.0

    def set_unit(self, u: float) -> None:
        self._u = u
        self.resize(self.sizeHint())
        self.update()

    def show_step(self, at: int, count: int) -> None:
        """``at`` of ``count`` steps."""
        self.at, self.count = at, count
        self.setAccessibleName(tr("Step {n} of {count}", n=at + 1, count=count))
        self.resize(self.sizeHint())
        self.update()

    def _pitch(self) -> float:
        return 3.4 * self._u if self.count <= 14 else 48 * self._u / self.count

    def sizeHint(self) -> QSize:
        return QSize(round(self._pitch() * max(self.count, 1) + 3 * self._u), max(TOUCH, round(5 * self._u)))

    def mousePressEvent(self, event) -> None:
        at = int((event.position().x() - 1.5 * self._u) // self._pitch())
        if self.count:
            self.chosen.emit(min(max(at, 0), self.count - 1))

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRect(0, 0, self.width(), self.height()).adjusted(0, self.height() // 6, -1, -self.height() // 6)
        painter.setPen(QPen(theme.color("glass_line"), 1))
        painter.setBrush(theme.color("glass"))
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        for n in range(self.count):
            on = n == self.at
            middle = QPointF(1.5 * self._u + (n + 0.5) * self._pitch(), self.height() / 2)
            painter.setPen(QPen(theme.color("accent" if on else "outline"), max(2.0, 0.25 * self._u)))
            painter.setBrush(theme.color("accent") if on else Qt.BrushStyle.NoBrush)
            radius = (1.0 if on else 0.65) * self._u
            painter.drawEllipse(middle, radius, radius)
        painter.end()
