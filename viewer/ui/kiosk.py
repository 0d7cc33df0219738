"""Unattended mode for a stand: a tour of the saved views; any touch hands the city over to the visitor.

After a while without a touch it returns to the tour and puts the document back as it was: the state is a
value, nothing is loaded again. It ends with the operator's shortcut alone (Ctrl+Shift+F12). While it is
on, nothing asks: no dialog, no menu, no dropped file; messages go to the log and a small mark appears.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication, QDialog

from viewer.session.document import Camera, Document, View
from viewer.session.edits import ShowScenario
from viewer.ui import i18n, theme
from viewer.ui.i18n import language_changed
from viewer.ui.kiosk_overlays import TourOverlay, VisitorOverlay
from viewer.ui.present import WholeScreen, set_lever
from viewer.ui.story import TODAY, Showing, between, orbited, scenario_of, scenario_text, showing_of

_log = logging.getLogger(__name__)

#: Without a setting, a visitor who went away is waited for this long, seconds.
LEAST_IDLE_SECONDS = 15
#: The last seconds are counted down on screen.
COUNTDOWN = 10.0
#: The camera travels this long from step to step, then turns about its target, degrees per second.
TRAVEL_SECONDS = 4.0
TURN_PER_SECOND = 1.2
#: The operator reads how to end the mode for so long.
_OPERATOR_HINT_SECONDS = 6.0
#: A mouse that trembles is no visitor, pixels.
_TREMBLE = 14.0
_TOUR_MS, _VISITOR_MS = 33, 200

_Type = QEvent.Type
_POINTER = frozenset({_Type.MouseButtonPress, _Type.MouseButtonDblClick, _Type.MouseButtonRelease, _Type.MouseMove,
                      _Type.Wheel, _Type.TouchBegin, _Type.TouchUpdate, _Type.TouchEnd, _Type.NativeGesture,
                      _Type.TabletPress, _Type.TabletMove, _Type.TabletRelease})  # fmt: skip
_WAKING = frozenset({_Type.MouseButtonPress, _Type.Wheel, _Type.TouchBegin, _Type.NativeGesture, _Type.TabletPress})
_NEVER = frozenset({_Type.DragEnter, _Type.DragMove, _Type.Drop, _Type.ContextMenu, _Type.Quit, _Type.FileOpen})
_KEYS = frozenset({_Type.KeyPress, _Type.KeyRelease, _Type.ShortcutOverride, _Type.Shortcut})
_WATCHED = _POINTER | _NEVER | _KEYS | {_Type.Close, _Type.Show}
_Key = Qt.Key
#: Keys of a visitor: turning the city, moving a lever, pressing a button.
_VISITOR_KEYS = frozenset({_Key.Key_Left, _Key.Key_Right, _Key.Key_Up, _Key.Key_Down, _Key.Key_Home, _Key.Key_End,
                           _Key.Key_PageUp, _Key.Key_PageDown, _Key.Key_Space, _Key.Key_Return,
                           _Key.Key_Enter})  # fmt: skip


class Kiosk(QObject):
    """The unattended mode of a window.

    Parameters
    ----------
    window : the main window.
    clock : seconds that only go forward; tests give their own and call ``tick``.
    """

    #: "off", "tour" or "visitor".
    state_changed = Signal(str)

    def __init__(self, window, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(window)
        self._window, self._clock = window, clock
        self._screen = WholeScreen(window)
        self.tour, self.visitor = TourOverlay(window.stage), VisitorOverlay(window.stage)
        self.state = "off"
        self.index = 0
        self.troubles = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.tick)
        self._waiting = QTimer(self, interval=250)
        self._waiting.timeout.connect(self._start_if_open)
        self._swallowing = False
        self._cursor_hidden = False
        visitor = self.visitor
        visitor.scenario_wanted.connect(self._show_scenario)
        visitor.home.clicked.connect(self._home)
        visitor.language.clicked.connect(self._switch_language)
        visitor.again.clicked.connect(self.back_to_tour)
        visitor.levers.moved.connect(lambda name, value: set_lever(window, name, value))
        visitor.levers.released.connect(window.workspace.session.end_gesture)
        window.workspace.changed.connect(self._refresh)
        window.stage.toasts.changed.connect(self._hush)
        language_changed.connect(self._refresh)
        theme.theme_changed.connect(self._refresh)

    # -- on and off --------------------------------------------------------------------------------

    def start_when_open(self) -> None:
        """Start as soon as the city and everything that belongs to it is there."""
        self._waiting.start()

    def _start_if_open(self) -> None:
        workspace = self._window.workspace
        if workspace.city is not None and not workspace.missing_sources() and not self._window.tasks.busy():
            self._waiting.stop()
            self.start()

    def start(self) -> None:
        """Begin the tour; what the document is now is what every visitor finds."""
        if self.state != "off" or self._window.workspace.city is None:
            return
        session = self._window.workspace.session
        self._document: Document = session.document
        self._saved = not session.modified
        self._language = i18n.language()
        self._started = self._clock()
        self.troubles = 0
        self._window.workspace.select([])
        self._screen.enter((self._window.credits,))
        self._window.stage.setAcceptDrops(False)
        QApplication.instance().installEventFilter(self)
        self._stay_on_top(True)
        self._begin_tour()

    def leave(self) -> None:
        """End the mode, as the operator's shortcut does; the document is as it was before."""
        if self.state == "off":
            return
        self._put_back()
        self._set_state("off")
        self._timer.stop()
        self._hide_cursor(False)
        QApplication.instance().removeEventFilter(self)
        self._window.stage.setAcceptDrops(True)
        self._stay_on_top(False)
        self.tour.hide()
        self.visitor.hide()
        self._screen.leave()
        self._window.view.setFocus()

    @property
    def idle_seconds(self) -> float:
        """How long a silent visitor is waited for."""
        return float(max(self._window.settings.value.idle_seconds, LEAST_IDLE_SECONDS))

    @property
    def remaining(self) -> float:
        """Seconds until the tour returns."""
        return self.idle_seconds - (self._clock() - self._touched)

    def touched(self) -> None:
        """Somebody is there: the tour stops, or the countdown begins anew."""
        self._touched = self._clock()
        if self.state == "tour":
            self._hand_over()
        elif self.state == "visitor":
            self.visitor.set_countdown(0)

    def tick(self) -> None:
        """Go on with the tour or the waiting; called by a timer."""
        if self.state == "off":
            return
        if self._window.isMinimized() or not self._window.isFullScreen():
            self._window.showFullScreen()
        if self.state == "tour":
            self._go_on()
        elif self.remaining <= 0:
            self.back_to_tour()
        else:
            self.visitor.set_countdown(math.ceil(self.remaining) if self.remaining <= COUNTDOWN else 0)

    # -- the tour ----------------------------------------------------------------------------------

    @property
    def steps(self) -> tuple[View, ...]:
        """The saved views; without any, one step with the whole city."""
        views = self._document.views
        return views or (View("", self._home_camera, self._document.active, seconds=30.0),)

    def back_to_tour(self) -> None:
        """The visitor is gone: put the document back and go on with the tour."""
        self._put_back()
        self._begin_tour()

    def _begin_tour(self) -> None:
        view = self._window.view
        self.visitor.set_countdown(0)
        self.visitor.hide()
        if not self._document.views:
            view.home()
            self._home_camera: Camera = view.camera()
        self._hide_cursor(True)
        self._mouse_at: QPointF | None = None
        self._set_state("tour")
        self.tour.show()
        self._go(0)
        self._timer.start(_TOUR_MS)

    def _go(self, index: int) -> None:
        self.index = index % len(self.steps)
        step = self.steps[self.index]
        self._step_at = self._clock()
        self._from = self._window.view.camera()
        self._window.show_staged(showing_of(step, self._window.workspace.session.document))
        if self._window.view.reduced_motion:
            self._window.view.set_camera(step.camera, fly=False)
        self._refresh()

    def _go_on(self) -> None:
        step, gone = self.steps[self.index], self._clock() - self._step_at
        if gone >= TRAVEL_SECONDS + max(step.seconds, 2.0):
            self._go(self.index + 1)
            return
        self.tour.set_hint(self._clock() - self._started < _OPERATOR_HINT_SECONDS)
        if self._window.view.reduced_motion:
            return
        self.tour.breathe(self._clock())
        if gone < TRAVEL_SECONDS:
            camera = between(self._from, step.camera, gone / TRAVEL_SECONDS)
        else:
            turned = gone - TRAVEL_SECONDS
            soft = turned * turned / 4 if turned < 2 else turned - 1  # starts without a jerk
            camera = orbited(step.camera, TURN_PER_SECOND * soft)
        self._window.view.set_camera(camera, fly=False)

    # -- the visitor -------------------------------------------------------------------------------

    def _hand_over(self) -> None:
        """The visitor goes on with what the tour showed."""
        window, shown = self._window, self._window.staging.showing
        self._hide_cursor(False)
        self.tour.hide()
        self._set_state("visitor")
        if shown.scenario not in (None, TODAY):
            window.workspace.session.edit(ShowScenario(shown.scenario))
            window.show_staged(Showing(None, shown.layers))
        self.visitor.show()
        self._refresh()
        self._timer.start(_VISITOR_MS)
        window.view.setFocus()

    def _put_back(self) -> None:
        window, session = self._window, self._window.workspace.session
        session.end_gesture()
        window.show_staged(Showing())
        window.view.set_walking(False)
        window.workspace.select([])
        if session.document != self._document or session.undo_edit is not None or session.redo_edit is not None:
            session.open(self._document, saved=self._saved, path=session.path)
        i18n.set_language(self._language)

    def _show_scenario(self, name: str) -> None:
        session = self._window.workspace.session
        session.end_gesture()
        layers = self._window.staging.showing.layers
        if name != TODAY:
            session.edit(ShowScenario(name))
        self._window.show_staged(Showing(TODAY if name == TODAY else None, layers))
        self._refresh()

    def _home(self) -> None:
        self._window.view.set_walking(False)
        self._window.view.home()

    def _switch_language(self) -> None:
        i18n.set_language("en" if i18n.language() == "de" else "de")

    # -- showing -----------------------------------------------------------------------------------

    def _set_state(self, state: str) -> None:
        self.state = state
        self.state_changed.emit(state)

    def _refresh(self) -> None:
        workspace = self._window.workspace
        document, shown = workspace.session.document, self._window.staging.showing
        if self.state == "tour":
            step = self.steps[self.index]
            pill = scenario_text(shown.scenario, document)
            self.tour.show_step(document.title, pill, step.name, step.text, self.troubles)
        elif self.state == "visitor":
            names = [TODAY, *(s.name for s in document.scenarios)]
            current = document.active if shown.scenario is None else shown.scenario
            self.visitor.show_scenarios([(name, scenario_text(name, document)) for name in names], current)
            self.visitor.levers.show_scenario(scenario_of(document, shown.scenario))
            self.visitor.numbers.show_records(workspace.indicators(shown.scenario))
            self.visitor.language.setText("EN" if i18n.language() == "de" else "DE")
            self.visitor.fit()

    def _hush(self) -> None:
        """A message for people: at a stand it goes to the log, and a small mark tells the operator."""
        if self.state == "off":
            return
        for banner in self._window.stage.toasts.banners():
            if not banner.property("logged"):
                banner.setProperty("logged", True)
                serious = banner.kind in ("error", "warning")
                _log.log(logging.WARNING if serious else logging.INFO, "at the stand: %s", banner.sentence.text())
                self.troubles += serious
        self._refresh()

    def _hide_cursor(self, hidden: bool) -> None:
        if hidden != self._cursor_hidden:
            self._cursor_hidden = hidden
            if hidden:
                QApplication.setOverrideCursor(QCursor(Qt.CursorShape.BlankCursor))
            else:
                QApplication.restoreOverrideCursor()

    def _stay_on_top(self, on: bool) -> None:
        handle = self._window.windowHandle()
        if handle is not None:  # not QWidget.setWindowFlag: that would make a new window and lose the picture
            handle.setFlag(Qt.WindowType.WindowStaysOnTopHint, on)
            self._window.raise_()

    # -- events ------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind not in _WATCHED:
            return False
        if kind in _NEVER:
            event.ignore()
            return True
        if kind == _Type.Close:
            return self._close_wish(watched, event)
        if kind == _Type.Show:
            if isinstance(watched, QDialog):
                _log.warning("at the stand: a dialog was closed: %s", watched.windowTitle())
                QTimer.singleShot(0, watched, watched.reject)
            return False
        if kind in _KEYS:
            return self._on_key(kind, event)
        return self._on_pointer(kind, event)

    def _close_wish(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window or watched is self._window.windowHandle():
            event.ignore()
            return True
        return False

    def _on_key(self, kind: QEvent.Type, event) -> bool:
        if kind == _Type.Shortcut:
            return True
        if kind == _Type.ShortcutOverride:
            event.accept()  # no shortcut of the window works now
            return True
        if kind == _Type.KeyPress and is_operator(event):
            self.leave()
            return True
        if kind == _Type.KeyPress and event.key() not in (_Key.Key_Control, _Key.Key_Shift):
            waking = self.state == "tour"
            self.touched()
            if waking:
                return True
            if event.key() in (_Key.Key_Tab, _Key.Key_Backtab):
                self.visitor.tab(-1 if event.key() == _Key.Key_Backtab else 1)
                return True
        plain = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        return not (plain and event.key() in _VISITOR_KEYS)

    def _on_pointer(self, kind: QEvent.Type, event) -> bool:
        if self.state == "tour":
            if kind in _WAKING or (kind == _Type.MouseMove and self._really_moved(event)):
                self._swallowing = kind in (_Type.MouseButtonPress, _Type.TouchBegin, _Type.TabletPress)
                self.touched()
            if kind == _Type.TouchBegin:
                event.accept()
            return True
        if self._swallowing:  # the touch that woke the stand does nothing else
            if kind in (_Type.MouseButtonRelease, _Type.TouchEnd, _Type.TabletRelease):
                self._swallowing = False
                return True
            if kind not in _WAKING:
                return True
            self._swallowing = False
        if kind != _Type.MouseMove or event.buttons() or self._really_moved(event):
            self.touched()
        return False

    def _really_moved(self, event) -> bool:
        at = event.globalPosition()
        if self._mouse_at is None:
            self._mouse_at = at
            return False
        far = (at - self._mouse_at).manhattanLength() > _TREMBLE
        if far and self.state == "visitor":
            self._mouse_at = at
        return far


def is_operator(event) -> bool:
    """Whether a key event is the operator's shortcut, Ctrl+Shift+F12."""
    wanted = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    return event.key() == _Key.Key_F12 and event.modifiers() & wanted == wanted
