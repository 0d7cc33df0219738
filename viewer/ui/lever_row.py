"""One lever of a scenario as a row: name, explanation, slider, number entry, unit and reset."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QWidget,
)

from viewer.scenario import Parameter
from viewer.ui import i18n, theme
from viewer.ui.figures import lever_text
from viewer.ui.i18n import language_changed, tr
from viewer.ui.icons import bind_icon
from viewer.ui.theme import theme_changed
from viewer.ui.widgets import column, label, row, tool

#: Key presses and wheel clicks closer together than this are one undo step, milliseconds.
_ONE_STEP_MS = 700


class LeverSlider(QSlider):
    """A slider filled from the lever's rest position to its value; a click on the groove jumps there."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.rest = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(28)
        theme_changed.connect(self.update)

    def wheelEvent(self, event) -> None:
        event.ignore()  # the panel scrolls; a lever never moves by accident

    def mousePressEvent(self, event) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self._handle().contains(event.position().toPoint()):
            self.setSliderDown(True)
            self.setValue(self._value_at(event.position().x()))
        super().mousePressEvent(event)

    def _option(self) -> QStyleOptionSlider:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        return option

    def _handle(self):
        part = QStyle.SubControl.SC_SliderHandle
        return self.style().subControlRect(QStyle.ComplexControl.CC_Slider, self._option(), part, self)

    def _value_at(self, x: float) -> int:
        half = self._handle().width() / 2
        span = max(1, round(self.width() - 2 * half))
        return QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), round(x - half), span)

    def _x_of(self, value: int) -> float:
        half = self._handle().width() / 2
        share = (value - self.minimum()) / max(1, self.maximum() - self.minimum())
        return half + share * (self.width() - 2 * half)

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        on = self.isEnabled()
        middle = self.height() / 2
        at, rest = self._x_of(self.value()), self._x_of(self.rest)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("line"))
        left, right = self._x_of(self.minimum()), self._x_of(self.maximum())
        painter.drawRoundedRect(QRectF(left - 3, middle - 2, right - left + 6, 4), 2, 2)
        painter.setBrush(theme.color("accent" if on else "outline"))
        painter.drawRect(QRectF(min(at, rest), middle - 2, abs(at - rest), 4))
        painter.setPen(QPen(theme.color("outline"), 1.5))
        painter.drawLine(QPointF(rest, middle - 7), QPointF(rest, middle + 7))
        painter.setPen(QPen(theme.color("accent" if on else "outline"), 2))
        filled = self.isSliderDown() or (self.hasFocus() and on)
        painter.setBrush(theme.color("accent" if filled else "surface"))
        painter.drawEllipse(QPointF(at, middle), 8, 8)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("accent"), 1.5))
            painter.drawEllipse(QPointF(at, middle), 11, 11)
        painter.end()


class LeverRow(QWidget):
    """Shows one lever for the chosen target and tells what a person does with it."""

    #: (value, merge): the lever moved; ``merge`` while a drag or a run of key presses goes on.
    moved = Signal(float, bool)
    #: The drag or run of key presses is over.
    released = Signal()
    #: The person wants the lever back where it was.
    reset_wanted = Signal()

    def __init__(self, parameter: Parameter) -> None:
        super().__init__()
        self.parameter = parameter
        self._showing = False
        self._note = ""
        self.name = label(parameter.text, "section")
        self.help = tool("info", parameter.method)
        self.help.clicked.connect(self._toggle_help)
        self.explanation = label(parameter.method, "muted", wrap=True)
        self.explanation.hide()
        self.note = label("", "small", translate=False, wrap=True)
        self.note.hide()
        self.slider = LeverSlider()
        self.slider.setRange(0, round((parameter.maximum - parameter.minimum) / parameter.step))
        self.slider.rest = self._tick(parameter.default)
        self.slider.setPageStep(max(1, self.slider.maximum() // 10))
        self.entry = QDoubleSpinBox()
        self.entry.setDecimals(0 if all(float(v).is_integer() for v in (parameter.minimum, parameter.step)) else 2)
        self.entry.setRange(parameter.minimum, parameter.maximum)
        self.entry.setSingleStep(parameter.step)
        self.entry.setKeyboardTracking(False)
        self.entry.setProperty("role", "lever")
        self.entry.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.entry.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.entry.setGroupSeparatorShown(True)
        self.entry.setFixedWidth(66)
        self.unit = label(parameter.unit, "muted")
        self.unit.setFixedWidth(self.unit.fontMetrics().horizontalAdvance("Geschosse") + 8)
        self.reset = tool("reset", "Back to the start", self.reset_wanted.emit)
        self._lay_out()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_ONE_STEP_MS)
        self._pause.timeout.connect(self.released)
        self.slider.valueChanged.connect(self._on_slider)
        self.slider.sliderReleased.connect(self._on_released)
        self.entry.valueChanged.connect(self._on_entry)
        language_changed.connect(self.retranslate)
        self.retranslate()
        self.show_value(parameter.default, own=False)

    def _lay_out(self) -> None:
        for small in (self.help, self.reset):
            small.setMinimumSize(28, 28)
            small.setIconSize(QSize(16, 16))
        bind_icon(self.help.setIcon, "info", "muted")
        head = row(self.name, self.help, None, self.reset, spacing=2)
        self.slider.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        body = row(spacing=8)
        body.addWidget(self.slider, 1)
        body.addWidget(self.entry)
        body.addWidget(self.unit)
        self.setLayout(column(head, self.explanation, body, self.note, spacing=0))

    # -- showing -----------------------------------------------------------------------------------

    def show_value(self, value: float, *, own: bool, enabled: bool = True, note: str = "") -> None:
        """Show a value without telling anybody; ``own``: the target has a setting that can be reset."""
        self._showing = True
        if not self.slider.isSliderDown():
            self.slider.setValue(self._tick(value))
        self.entry.setValue(value)
        self._showing = False
        if self.slider.isEnabled() != enabled:
            for widget in (self.slider, self.entry, self.unit):
                widget.setEnabled(enabled)
        self.reset.setEnabled(own and enabled)
        if note != self._note:
            self._note = note
            self.note.setText(note)
            self.note.setVisible(bool(note))

    def retranslate(self) -> None:
        """Names for screen readers and the way numbers are written."""
        self._showing = True
        self.entry.setLocale(i18n.locale())
        self._showing = False
        name, unit = tr(self.parameter.text), tr(self.parameter.unit)
        spoken = tr("{name} in {unit}", name=name, unit=unit)
        low, high = (lever_text(self.parameter, v) for v in (self.parameter.minimum, self.parameter.maximum))
        self.slider.setAccessibleName(spoken)
        self.slider.setAccessibleDescription(tr("from {low} to {high}", low=low, high=high))
        self.entry.setAccessibleName(spoken)
        self.entry.setToolTip(tr("from {low} to {high}", low=low, high=high))
        self.reset.setAccessibleName(tr("{name}: back to the start", name=name))
        self.help.setAccessibleName(tr("{name}: what is it?", name=name))

    # -- acting ------------------------------------------------------------------------------------

    def _tick(self, value: float) -> int:
        return round((value - self.parameter.minimum) / self.parameter.step)

    def _on_slider(self, tick: int) -> None:
        if self._showing:
            return
        value = min(self.parameter.minimum + tick * self.parameter.step, self.parameter.maximum)
        self.moved.emit(value, True)
        if not self.slider.isSliderDown():
            self._pause.start()

    def _on_released(self) -> None:
        self._pause.stop()
        self.released.emit()

    def _on_entry(self, value: float) -> None:
        if not self._showing:
            self.moved.emit(value, True)
            self._pause.start()

    def _toggle_help(self) -> None:
        self.explanation.setVisible(self.explanation.isHidden())
