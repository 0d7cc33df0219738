"""What the unattended mode lies over the city: the attract view of the tour and the visitor's controls.

When which of them is shown, and what a touch does, is ``kiosk``.
"""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsOpacityEffect, QHBoxLayout, QWidget

from viewer.ui import theme
from viewer.ui.big_levers import LeverPad
from viewer.ui.big_parts import BigButton, BigOverlay, NumberStrip, Scaled, StoryCard, big_label, foot, touch
from viewer.ui.i18n import tr, trn
from viewer.ui.widgets import Card

#: Letters of a scenario's name on its button.
_LONGEST_NAME = 28


class TourOverlay(BigOverlay):
    """The attract view: title at the top, the step's words below, and the call to touch."""

    def __init__(self, stage: QWidget) -> None:
        super().__init__(stage)
        self.head = StoryCard(self)
        self.head.title.setProperty("role", "big-head")
        self.card = StoryCard(self)
        self.call = big_label("big-call")
        self.call.setParent(self)
        self.hint = big_label("big-pill")
        self.hint.setParent(self)
        self.mark = _TroubleMark(self)
        self._effect = QGraphicsOpacityEffect(self.call)
        self._effect.setOpacity(1.0)
        self.call.setGraphicsEffect(self._effect)

    def show_step(self, title: str, pill: str, name: str, text: str, troubles: int) -> None:
        """Set the words of a step."""
        self.head.show_words("", title, "")
        self.head.setVisible(bool(title))
        self.card.show_words(pill, name, text)
        self.call.setText(tr("Touch to explore"))
        self.hint.setText(tr("Ctrl+Shift+F12 ends the unattended mode"))
        self.mark.setVisible(troubles > 0)
        self.fit()

    def set_hint(self, shown: bool) -> None:
        """Tell the operator how to end the mode."""
        if shown == self.hint.isHidden():
            self.hint.setVisible(shown)
            self.fit()

    def breathe(self, seconds: float) -> None:
        """The call to touch grows fainter and stronger, once in three seconds."""
        self._effect.setOpacity(0.92 + 0.08 * math.cos(seconds * 2 * math.pi / 3.0))

    def place(self, width: int, height: int, u: float) -> None:
        edge = round(3 * u)
        head = self.head.width_for(width - 2 * edge)
        self.head.setGeometry(edge, edge, head, self.head.height_for(head))
        call = self.call.sizeHint()
        narrow = width < 110 * u
        wide = width - 2 * edge if narrow else min(round(0.55 * width), round(92 * u))
        high = self.card.height_for(wide)
        bottom = height - foot(u) - (call.height() + round(2 * u) if narrow else 0)
        self.card.setGeometry(edge, bottom - high, wide, high)
        top = height - foot(u) - call.height()
        self.call.setGeometry(width - edge - call.width(), top, call.width(), call.height())
        hint = self.hint.sizeHint()
        self.hint.setGeometry(width - edge - hint.width(), top - hint.height() - edge, hint.width(), hint.height())
        self.mark.setGeometry(4, height - 16, 12, 12)


class _TroubleMark(QWidget):
    """A small dot: something was written to the log."""

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("warning"))
        painter.drawEllipse(self.rect().adjusted(2, 2, -2, -2))
        painter.end()


class VisitorOverlay(BigOverlay):
    """Simple controls: scenarios and levers at the bottom, numbers at the top, home and language beside them."""

    scenario_wanted = Signal(str)

    def __init__(self, stage: QWidget) -> None:
        super().__init__(stage)
        self.numbers = NumberStrip(self, 3)
        self.home = BigButton("Whole city", _no_act, icon="home")
        self.language = BigButton("Switch between German and English", _no_act)
        self.again = BigButton("Back to the tour", _no_act, icon="play")
        self.levers = LeverPad(self, flat=True)
        self.scenarios = _Scenarios(self)
        self.countdown = _Countdown(self)
        for made in (self.home, self.language, self.again):
            made.setParent(self)
        self.countdown.hide()

    def show_scenarios(self, names: list[tuple[str, str]], current: str) -> None:
        """Offer scenarios as (name, words)."""
        self.scenarios.show_names(names, current)

    def set_countdown(self, seconds: int) -> None:
        """Count the last seconds down; 0 hides the message."""
        if seconds:
            self.countdown.show_seconds(seconds)
        if bool(seconds) == self.countdown.isHidden():
            self.countdown.setVisible(bool(seconds))
            self.fit()

    def place(self, width: int, height: int, u: float) -> None:
        edge, side, gap = round(2.4 * u), touch(u), round(1.2 * u)
        strip = self.numbers.sizeHint()
        self.numbers.setGeometry(edge, edge, min(strip.width(), width - 2 * edge - 3 * (side + gap)), strip.height())
        x = width - edge
        for made in (self.again, self.language, self.home):
            x -= side
            made.setGeometry(x, edge, side, side)
            x -= gap
        pad = self.levers.sizeHint()
        wide = min(width - 2 * edge, max(pad.width(), round(130 * u)))
        left = (width - wide) // 2
        self.levers.setGeometry(left, height - foot(u) - pad.height(), wide, pad.height())
        names = self.scenarios.sizeHint()
        across = min(names.width(), width - 2 * edge)
        top = height - foot(u) - pad.height() - gap - names.height()
        self.scenarios.setGeometry((width - across) // 2, top, across, names.height())
        card = min(width - 2 * edge, round(90 * u))
        high = self.countdown.height_for(card)
        self.countdown.setGeometry((width - card) // 2, (height - high) // 2 - round(6 * u), card, high)
        self.countdown.raise_()


class _Scenarios(Card, Scaled):
    """One large button for each scenario."""

    def __init__(self, parent: VisitorOverlay) -> None:
        super().__init__("big-card", parent)
        self._overlay = parent
        self._row = QHBoxLayout()
        self.body.addLayout(self._row)
        self.buttons: dict[str, BigButton] = {}
        self._u = 8.0

    def set_unit(self, u: float) -> None:
        self._u = u
        self.body.setContentsMargins(round(u), round(u), round(u), round(u))
        self._row.setSpacing(round(u))

    def show_names(self, names: list[tuple[str, str]], current: str) -> None:
        """Buttons stay while the names stay."""
        if [name for name, _ in names] != list(self.buttons):
            for made in self.buttons.values():
                self._row.removeWidget(made)
                made.hide()
                made.deleteLater()
            self.buttons = {name: self._button(name) for name, _ in names}
            for made in self.buttons.values():
                self._row.addWidget(made)
        for name, text in names:
            made = self.buttons[name]
            short = text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1].rstrip() + "…"
            made.setText(short.replace("&", "&&"))
            made.setAccessibleName(text)
            made.setChecked(name == current)

    def _button(self, name: str) -> BigButton:
        made = BigButton("Scenario", lambda: self._overlay.scenario_wanted.emit(name), words=True)
        made.setCheckable(True)
        made.setToolTip("")
        made.set_unit(self._u)
        return made


class _Countdown(StoryCard):
    """Asks softly whether somebody is still there."""

    def show_seconds(self, seconds: int) -> None:
        """Seconds until the tour goes on."""
        told = trn("The tour goes on in {n} second.", "The tour goes on in {n} seconds.", seconds)
        self.show_words("", tr("Are you still there?"), told + " " + tr("Touch the screen to stay."))


def _no_act() -> None:
    """The kiosk connects what its buttons do."""
