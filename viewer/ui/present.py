"""Presenting: the story of the session on the whole screen, stepped by keys, clicks or a presenter remote.

The document stays as it is: a step only says what is shown. Moving a lever is a normal edit of the
scenario shown. Leaving puts panels and scenario back; the camera stays where the story ended.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QAbstractButton, QApplication, QSlider, QWidget

from viewer.session.document import View
from viewer.session.edits import SetLever, ShowScenario
from viewer.ui import icons, theme
from viewer.ui.big_levers import LeverPad
from viewer.ui.big_parts import BigButton, BigOverlay, Dots, NumberStrip, StoryCard, foot, touch
from viewer.ui.i18n import bind, language_changed, tr
from viewer.ui.story import TODAY, Showing, scenario_of, scenario_text, showing_of

_Key = Qt.Key
#: What presenter remotes and keyboards send.
NEXT_KEYS = frozenset({_Key.Key_Right, _Key.Key_Down, _Key.Key_PageDown, _Key.Key_Space, _Key.Key_Return,
                       _Key.Key_Enter, _Key.Key_N})  # fmt: skip
BACK_KEYS = frozenset({_Key.Key_Left, _Key.Key_Up, _Key.Key_PageUp, _Key.Key_Backspace, _Key.Key_P})
BLACK_KEYS = frozenset({_Key.Key_B, _Key.Key_Period})
#: Keys a focused slider or button keeps for itself.
_SLIDER_KEYS = frozenset({_Key.Key_Left, _Key.Key_Right, _Key.Key_Up, _Key.Key_Down, _Key.Key_Home, _Key.Key_End})
_BUTTON_KEYS = frozenset({_Key.Key_Space, _Key.Key_Return, _Key.Key_Enter})


class WholeScreen:
    """The window without panels, on the whole screen, and the way back."""

    def __init__(self, window) -> None:
        self._window = window
        self._panels = (window.topbar, window.left, window.right)
        self._shown: tuple[bool, ...] | None = None

    def enter(self, keep: tuple[QWidget, ...]) -> None:
        """Hide panels and overlays (but ``keep``) and take the whole screen."""
        window = self._window
        self._shown = tuple(not panel.isHidden() for panel in self._panels)
        self._state = window.windowState()
        self._active = window.workspace.session.document.active
        self._compare = window.act["compare"].isChecked()
        window.act["compare"].setChecked(False)
        window.act["tool_select"].setChecked(True)
        window.show_baseline(False)
        window.tip.hide()
        for panel in self._panels:
            panel.hide()
        window.stage.set_bare(keep)
        window.showFullScreen()

    def leave(self) -> None:
        """Put everything back as it was."""
        if self._shown is None:
            return
        window = self._window
        window.show_staged(Showing())
        window.workspace.session.edit(ShowScenario(self._active))
        for panel, shown in zip(self._panels, self._shown, strict=True):
            panel.setVisible(shown)
        self._shown = None
        window.stage.set_bare(None)
        window.setWindowState(self._state)
        if not self._state & Qt.WindowState.WindowFullScreen and window.isFullScreen():
            window.showNormal()
        window.act["compare"].setChecked(self._compare)
        window.refresh()


class Presentation(QObject):
    """Shows the steps of the story of a window."""

    #: True when it begins, False when it ends.
    running_changed = Signal(bool)

    def __init__(self, window) -> None:
        super().__init__(window)
        self._window = window
        self._screen = WholeScreen(window)
        self.overlay = PresentOverlay(window.stage)
        self.running = False
        self.index = 0
        overlay = self.overlay
        overlay.back.clicked.connect(lambda: self.step(-1))
        overlay.forward.clicked.connect(lambda: self.step(1))
        overlay.close_button.clicked.connect(self.stop)
        overlay.lever_button.toggled.connect(lambda _: self._refresh())
        overlay.dots.chosen.connect(self.go)
        overlay.levers.moved.connect(self._move)
        overlay.levers.released.connect(window.workspace.session.end_gesture)
        for edge, by in ((overlay.left_edge, -1), (overlay.right_edge, 1)):
            edge.tapped.connect(lambda by=by: self.step(by))
        window.workspace.changed.connect(self._refresh)
        language_changed.connect(self._refresh)
        theme.theme_changed.connect(self._refresh)

    @property
    def steps(self) -> tuple[View, ...]:
        """The saved views of the document."""
        return self._window.workspace.session.document.views

    def start(self, index: int = 0) -> None:
        """Begin with a step. Without saved views the city is shown with its levers."""
        if self.running or self._window.workspace.city is None:
            return
        self.running = True
        self._screen.enter((self._window.credits,))  # messages wait until the end
        self.overlay.lever_button.setChecked(not self.steps)
        self.overlay.set_black(False)
        self.overlay.show()
        QApplication.instance().installEventFilter(self)
        self._window.view.setFocus()
        if self.steps:
            self.go(index)
        else:
            self._window.view.home()
            self._refresh()
        self.running_changed.emit(True)

    def stop(self) -> None:
        """Leave; panels and scenario are as they were before."""
        if not self.running:
            return
        self.running = False
        QApplication.instance().removeEventFilter(self)
        self._window.workspace.session.end_gesture()
        self.overlay.set_black(False)
        self.overlay.hide()
        self._screen.leave()
        self._window.view.setFocus()
        self.running_changed.emit(False)

    def step(self, by: int) -> None:
        """Go on (+1) or back (-1); at the ends it stays. A black picture comes back first."""
        if self.overlay.black:
            self.overlay.set_black(False)
        elif self.steps:
            self.go(self.index + by)

    def go(self, index: int) -> None:
        """Fly to a step and show what it shows."""
        if not self.steps:
            return
        self.index = min(max(index, 0), len(self.steps) - 1)
        view = self.steps[self.index]
        self._window.show_staged(showing_of(view, self._window.workspace.session.document))
        self._window.view.set_camera(view.camera, fly=not self._window.view.reduced_motion)
        self._refresh()

    def toggle_levers(self) -> None:
        """Show or hide the levers."""
        self.overlay.lever_button.toggle()

    # -- showing -----------------------------------------------------------------------------------

    def _refresh(self) -> None:
        if not self.running:
            return
        workspace, overlay = self._window.workspace, self.overlay
        document, shown = workspace.session.document, self._window.staging.showing
        self.index = min(self.index, max(0, len(self.steps) - 1))
        pill = scenario_text(shown.scenario, document)
        if self.steps:
            view = self.steps[self.index]
            overlay.card.show_words(pill, view.name, view.text)
        else:
            hint = tr("Save views in the story panel: they become the steps of your presentation.")
            overlay.card.show_words(pill, document.title or tr("The whole city"), hint)
        overlay.numbers.show_records(workspace.indicators(shown.scenario))
        overlay.levers.setVisible(overlay.lever_button.isChecked())
        overlay.levers.show_scenario(scenario_of(document, shown.scenario))
        overlay.dots.show_step(self.index, len(self.steps))
        overlay.dots.setVisible(bool(self.steps))
        overlay.back.setEnabled(bool(self.steps) and self.index > 0)
        overlay.forward.setEnabled(bool(self.steps) and self.index < len(self.steps) - 1)
        overlay.fit()

    def _move(self, name: str, value: float) -> None:
        """A lever moves: from now on the scenario it acts on is shown, whatever the step said."""
        set_lever(self._window, name, value)

    # -- keys --------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.ShortcutOverride:
            event.accept()  # no shortcut of the window works now
            return True
        if kind == QEvent.Type.KeyPress and QApplication.activeModalWidget() is None:
            return self._key(event)
        if kind == QEvent.Type.Close and watched is self._window:
            self.stop()
        return False

    def _key(self, event) -> bool:
        """Answer a key; false leaves it to the focused widget."""
        key, focus = event.key(), QApplication.focusWidget()
        inside = focus is not None and self.overlay.isAncestorOf(focus)
        if inside and isinstance(focus, QSlider) and key in _SLIDER_KEYS:
            return False
        if inside and isinstance(focus, QAbstractButton) and key in _BUTTON_KEYS:
            return False
        if key == _Key.Key_Escape or key == _Key.Key_F5:
            if not event.isAutoRepeat():
                self.stop()
        elif key in BLACK_KEYS:
            self.overlay.set_black(not self.overlay.black)
        elif key in NEXT_KEYS:
            self.step(1)
        elif key in BACK_KEYS:
            self.step(-1)
        elif key == _Key.Key_Home:
            self.go(0)
        elif key == _Key.Key_End:
            self.go(len(self.steps) - 1)
        elif key == _Key.Key_L:
            self.toggle_levers()
        elif key in (_Key.Key_Tab, _Key.Key_Backtab):
            self.overlay.tab(-1 if key == _Key.Key_Backtab else 1)
        return True


def set_lever(window, name: str, value: float) -> None:
    """Move a lever for the whole city in the scenario shown; from the city of today, in the active one."""
    session, shown = window.workspace.session, window.staging.showing
    if shown.scenario not in (None, TODAY):
        session.edit(ShowScenario(shown.scenario))
    window.show_staged(Showing(None, shown.layers))
    session.edit(SetLever(name, value), merge=True)


class PresentOverlay(BigOverlay):
    """Numbers at the top, words at the bottom left, controls at the bottom right; the city in between."""

    def __init__(self, stage: QWidget) -> None:
        super().__init__(stage)
        self.black = False
        self.left_edge, self.right_edge = _Edge(self, "left"), _Edge(self, "right")
        self.numbers = NumberStrip(self)
        self.card = StoryCard(self)
        self.levers = LeverPad(self)
        self.dots = Dots(self)
        nothing = _no_act
        self.back = BigButton("Step back", nothing, icon="left")
        self.forward = BigButton("Next step", nothing, icon="right")
        self.lever_button = BigButton("Show the levers (L)", nothing, icon="sliders")
        self.lever_button.setCheckable(True)
        self.close_button = BigButton("End the presentation (Esc)", nothing, icon="close")
        for made in self._buttons():
            made.setParent(self)
        bind(self.left_edge.setAccessibleName, "Step back")
        bind(self.right_edge.setAccessibleName, "Next step")

    def _buttons(self) -> tuple[BigButton, ...]:
        return self.back, self.forward, self.lever_button, self.close_button

    def set_black(self, black: bool) -> None:
        """Black the picture out, so that people look at the speaker."""
        self.black = black
        self._mask()
        self.update()
        for child in self.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            if black:
                child.setProperty("was_hidden", child.isHidden())
                child.hide()
            elif child.property("was_hidden") is not None:
                child.setVisible(not child.property("was_hidden"))
                child.setProperty("was_hidden", None)
        if not black:
            self.fit()

    def _mask(self) -> None:
        if self.black:
            self.clearMask()
        else:
            super()._mask()

    def paintEvent(self, event) -> None:
        if self.black:
            painter = QPainter(self)
            painter.fillRect(self.rect(), Qt.GlobalColor.black)
            painter.end()

    def place(self, width: int, height: int, u: float) -> None:
        edge, side = round(3 * u), touch(u)
        zone = round(0.09 * width)
        self.left_edge.setGeometry(0, round(0.2 * height), zone, round(0.4 * height))
        self.right_edge.setGeometry(width - zone, round(0.2 * height), zone, round(0.4 * height))
        strip = self.numbers.sizeHint()
        self.numbers.setGeometry(edge, edge, min(strip.width(), width - 2 * edge), strip.height())
        x = width - edge
        for made in (self.close_button, self.lever_button, self.forward, self.back):
            x -= side
            made.setGeometry(x, height - foot(u) - side, side, side)
            x -= round(1.2 * u)
        room = width - 2 * edge
        wide = min(round(0.5 * width), round(86 * u)) if room > 90 * u else room
        high = self.card.height_for(wide)
        bottom = height - foot(u) if room > 90 * u else height - foot(u) - side - round(1.5 * u)
        self.card.setGeometry(edge, bottom - high, wide, high)
        hint = self.dots.sizeHint()
        left = x - round(1.5 * u) - hint.width()
        fits = left > edge + wide or bottom < height - foot(u)
        self.dots.setGeometry(
            left if fits else edge,
            height - foot(u) - side + (side - hint.height()) // 2 if fits else bottom - high - hint.height() - round(u),
            hint.width(),
            hint.height(),
        )
        pad = self.levers.sizeHint()
        pad_width = max(pad.width(), round(48 * u))
        self.levers.setGeometry(
            width - edge - pad_width, height - foot(u) - side - round(1.5 * u) - pad.height(), pad_width, pad.height()
        )
        for part in (self.levers, self.card, self.dots, self.numbers):
            part.raise_()


class _Edge(QWidget):
    """An edge of the picture to tap: back on the left, on on the right. An arrow tells while a mouse is near."""

    tapped = Signal()

    def __init__(self, parent: QWidget, icon: str) -> None:
        super().__init__(parent)
        self._icon = icon
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def paintEvent(self, event) -> None:
        if not self.underMouse():
            return
        side = min(self.width(), self.height()) * 0.4
        box = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("glass"))
        painter.drawEllipse(box)
        arrow = icons.pixmap(self._icon, theme.colors().text, round(side * 0.6), self.devicePixelRatioF())
        painter.drawPixmap(box.adjusted(side * 0.2, side * 0.2, -side * 0.2, -side * 0.2).toRect(), arrow)
        painter.end()

    def mousePressEvent(self, event) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.tapped.emit()


def _no_act() -> None:
    """The presentation connects what its buttons do."""
