"""Large levers: a slider for fingers, its name and value, and a pad of three for the whole city.

They tell what a person does; which scenario it acts on is ``present``.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QVBoxLayout, QWidget

from viewer.scenario import LEVERS, Parameter
from viewer.ui import theme
from viewer.ui.big_parts import TOUCH, Scaled, big_label
from viewer.ui.figures import lever_text
from viewer.ui.i18n import tr
from viewer.ui.widgets import Card, row

#: Levers offered large.
KEY_LEVERS = ("storeys_added", "unsealing_share", "trees_added")


class BigSlider(QSlider, Scaled):
    """A slider for fingers: a touch anywhere moves it, the fill begins at the lever's rest position."""

    def __init__(self, parameter: Parameter) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.parameter = parameter
        self._u = 8.0
        self.setRange(0, round((parameter.maximum - parameter.minimum) / parameter.step))
        self.setPageStep(max(1, self.maximum() // 10))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents, False)
        theme.theme_changed.connect(self.update)

    def set_unit(self, u: float) -> None:
        self._u = u
        self.setFixedHeight(max(TOUCH, round(6.0 * u)))
        self.setMinimumWidth(round(22 * u))

    @property
    def amount(self) -> float:
        """The lever's value."""
        return min(self.parameter.minimum + self.value() * self.parameter.step, self.parameter.maximum)

    def tick_of(self, amount: float) -> int:
        """The position for a value of the lever."""
        return round((amount - self.parameter.minimum) / self.parameter.step)

    def _radius(self) -> float:
        return min(2.1 * self._u, self.height() / 2 - 3)

    def _x_of(self, tick: int) -> float:
        r = self._radius() + 2
        return r + (self.width() - 2 * r) * tick / max(1, self.maximum())

    def _tick_at(self, x: float) -> int:
        r = self._radius() + 2
        return round(min(max((x - r) / max(1.0, self.width() - 2 * r), 0.0), 1.0) * self.maximum())

    def mousePressEvent(self, event) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self.setValue(self._tick_at(event.position().x()))
            event.accept()

    def mouseMoveEvent(self, event) -> None:
        if self.isSliderDown():
            self.setValue(self._tick_at(event.position().x()))

    def mouseReleaseEvent(self, event) -> None:
        self.setSliderDown(False)

    def wheelEvent(self, event) -> None:
        event.ignore()

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, r, thick = self.height() / 2, self._radius(), max(5.0, 0.9 * self._u)
        at, rest = self._x_of(self.value()), self._x_of(self.tick_of(self.parameter.default))
        left, right = self._x_of(0), self._x_of(self.maximum())
        painter.setPen(QPen(theme.color("outline"), 1))
        painter.setBrush(theme.color("field"))
        groove = QRectF(left - thick / 2, middle - thick / 2, right - left + thick, thick)
        painter.drawRoundedRect(groove, thick / 2, thick / 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent"))
        painter.drawRect(QRectF(min(at, rest), middle - thick / 2, abs(at - rest), thick))
        painter.setPen(QPen(theme.color("muted"), max(2.0, 0.25 * self._u)))
        painter.drawLine(QPointF(rest, middle - 1.3 * thick), QPointF(rest, middle + 1.3 * thick))
        painter.setPen(QPen(theme.color("accent"), max(3.0, 0.45 * self._u)))
        painter.setBrush(theme.color("accent" if self.isSliderDown() else "surface"))
        painter.drawEllipse(QPointF(at, middle), r - 1, r - 1)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("text"), 2))
            painter.drawEllipse(QPointF(at, middle), r + 1, r + 1)
        painter.end()


class BigLever(QWidget, Scaled):
    """Name and value above a large slider."""

    #: (name of the lever, value)
    moved = Signal(str, float)
    released = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.parameter = LEVERS[name]
        self.name, self.amount = big_label("big-delta"), big_label("big-delta")
        self.slider = BigSlider(self.parameter)
        self._showing = False
        head = row(self.name, 24, None, self.amount, spacing=0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.slider)
        self.slider.valueChanged.connect(self._on_value)
        self.slider.sliderReleased.connect(self.released)

    def show_value(self, value: float) -> None:
        """Show a value without telling anybody."""
        self._showing = True
        if not self.slider.isSliderDown():
            self.slider.setValue(self.slider.tick_of(value))
        self._showing = False
        name = tr(self.parameter.text)
        self.name.setText(name)
        self.amount.setText(lever_text(self.parameter, self.slider.amount))
        self.slider.setAccessibleName(tr("{name} in {unit}", name=name, unit=tr(self.parameter.unit)))

    def set_unit(self, u: float) -> None:
        """The parts inside take their own sizes."""

    def _on_value(self, _tick: int) -> None:
        self.amount.setText(lever_text(self.parameter, self.slider.amount))
        if not self._showing:
            self.moved.emit(self.parameter.name, self.slider.amount)


class LeverPad(Card, Scaled):
    """Three levers for the whole city, below each other or side by side."""

    moved = Signal(str, float)
    released = Signal()

    def __init__(self, parent: QWidget, *, flat: bool = False) -> None:
        super().__init__("big-card", parent)
        self.levers = {name: BigLever(name) for name in KEY_LEVERS if name in LEVERS}
        self._box = QHBoxLayout() if flat else QVBoxLayout()
        for lever in self.levers.values():
            lever.moved.connect(self.moved)
            lever.released.connect(self.released)
            self._box.addWidget(lever, 1)
        self.body.addLayout(self._box)

    def show_scenario(self, scenario) -> None:
        """Show what the levers of a scenario are set to for the whole city."""
        for name, lever in self.levers.items():
            lever.show_value(scenario.value(name))
            lever.layout().invalidate()
        self.body.invalidate()

    def set_unit(self, u: float) -> None:
        self.body.setContentsMargins(round(2.4 * u), round(1.6 * u), round(2.4 * u), round(1.4 * u))
        self._box.setSpacing(round((3.0 if isinstance(self._box, QHBoxLayout) else 0.8) * u))
