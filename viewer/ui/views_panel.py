"""The saved views: list, order, words and duration of the steps of a story.

It turns what a person does into ``SetViews`` and asks for flights; the window flies and presents.
Run it alone with ``python -m viewer.ui.views_panel``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeySequence, QPainter, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QStyle,
    QStyledItemDelegate,
    QVBoxLayout,
    QWidget,
)

from viewer.session.document import Camera, View
from viewer.session.edits import SetViews
from viewer.ui import i18n, theme
from viewer.ui.i18n import bind, language_changed, tr
from viewer.ui.story import TODAY, free_name, moved, scenario_text, visible_layers
from viewer.ui.widgets import Card, button, column, label, line, row, tool

MAX_TEXT = 400
_SECONDS = (2.0, 600.0)


class ViewsPanel(QWidget):
    """The steps of the story and the words of the chosen one."""

    #: A person wants to look from here (a ``View``).
    view_wanted = Signal(object)
    #: Present, beginning with this step.
    present_wanted = Signal(int)
    #: Begin the unattended mode.
    kiosk_wanted = Signal()

    def __init__(self, workspace, tasks=None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace, self.tasks = workspace, tasks
        #: Where the window looks from; None while there is no window.
        self.take_camera: Callable[[], Camera] | None = None
        #: The scenario the window shows, None for the active one.
        self.scenario_shown: Callable[[], str | None] = lambda: None
        self._filling = False
        self.list = QListWidget()
        self.list.setItemDelegate(_StepDelegate(self.list))
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.save = button("Save this view", self.add, role="primary", icon="camera")
        self.present = button("Present", lambda: self.present_wanted.emit(max(0, self.index)), icon="present")
        self.stand = button("Unattended mode", self.kiosk_wanted.emit, role="quiet", icon="play")
        bind(self.stand.setToolTip, "Tour for a stand; Ctrl+Shift+F12 ends it")
        self.up = tool("up", "Move the step up (Ctrl+Shift+Up)", lambda: self.move_by(-1))
        self.down = tool("down", "Move the step down (Ctrl+Shift+Down)", lambda: self.move_by(1))
        self.update_view = tool("camera", "Take the current picture for this step", self.take_again)
        self.delete = tool("trash", "Delete this step (Del)", self.remove)
        self.name = QLineEdit()
        self.name.setMaxLength(80)
        self.text = QPlainTextEdit()
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(96)
        self.scenario = QComboBox()
        self.scenario.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.seconds = QDoubleSpinBox()
        self.seconds.setRange(*_SECONDS)
        self.seconds.setDecimals(0)
        self.seconds.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.seconds.setFixedWidth(72)
        self.seconds.setKeyboardTracking(False)
        self._lay_out()
        self._connect()
        self.setMinimumWidth(300)
        self.retranslate()

    def _lay_out(self) -> None:
        self.empty = label(
            "A story is a row of saved views. Move the city into the picture you want to show, "
            "choose a scenario, and save the view.",
            "muted",
            wrap=True,
        )
        self.editor = Card("inset", margin=12)
        tools = row(self.update_view, self.up, self.down, None, self.delete, spacing=2)
        self.editor.body.addWidget(self.name)
        self.editor.body.addWidget(self.text)
        for words, field in (("Shows", self.scenario), ("Seconds in the tour", self.seconds)):
            line_of = row(label(words, "muted"), spacing=8)
            line_of.addWidget(field, 1 if field is self.scenario else 0)
            if field is self.seconds:
                line_of.addStretch(1)
            self.editor.body.addLayout(line_of)
        self.editor.body.addLayout(tools)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(10)
        layout.addWidget(label("Saved views", "title"))
        layout.addWidget(self.empty)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.save)
        layout.addWidget(self.editor)
        layout.addWidget(line())
        layout.addLayout(column(row(self.present, self.stand, None)))
        layout.addStretch(0)

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(lambda _: self._show_step())
        self.list.itemClicked.connect(lambda _: self._fly())
        self.list.itemActivated.connect(lambda _: self._fly())
        self.name.editingFinished.connect(self._rename)
        self.text.textChanged.connect(self._write)
        self.text.installEventFilter(self)
        self.scenario.activated.connect(self._choose_scenario)
        self.seconds.valueChanged.connect(self._set_seconds)
        for keys, act in (
            ("Del", self.remove),
            ("Ctrl+Shift+Up", lambda: self.move_by(-1)),
            ("Ctrl+Shift+Down", lambda: self.move_by(1)),
            ("F2", lambda: self.name.setFocus(Qt.FocusReason.ShortcutFocusReason)),
        ):
            QShortcut(QKeySequence(keys), self.list, act, context=Qt.ShortcutContext.WidgetShortcut)
        self.workspace.changed.connect(self.refresh)
        language_changed.connect(self.retranslate)

    # -- showing -----------------------------------------------------------------------------------

    @property
    def views(self) -> tuple[View, ...]:
        """The steps of the document."""
        return self.workspace.session.document.views

    @property
    def index(self) -> int:
        """The chosen step, -1 for none."""
        return self.list.currentRow()

    def refresh(self) -> None:
        """Show the document; the chosen step stays chosen."""
        document, chosen = self.workspace.session.document, self.index
        self._filling = True
        while self.list.count() > len(document.views):
            self.list.takeItem(self.list.count() - 1)
        for at, view in enumerate(document.views):
            if at >= self.list.count():
                self.list.addItem(QListWidgetItem())
            item = self.list.item(at)
            told = tr("{scenario}, {seconds} s", scenario=_scenario_of(view, document), seconds=round(view.seconds))
            words = (view.name, told)
            if item.data(Qt.ItemDataRole.UserRole) != words:
                item.setData(Qt.ItemDataRole.UserRole, words)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{at + 1}. {view.name}, {told}")
                item.setToolTip(view.text)
        self.list.setCurrentRow(min(max(chosen, 0), len(document.views) - 1))
        self._filling = False
        some = bool(document.views)
        self.empty.setVisible(not some)
        self.list.setVisible(some)
        self.editor.setVisible(some)
        has_city = self.workspace.city is not None
        self.save.setEnabled(self.take_camera is not None and has_city)
        self.present.setEnabled(has_city)
        self.stand.setEnabled(has_city)
        self._show_step()

    def _show_step(self) -> None:
        if self._filling or not 0 <= self.index < len(self.views):
            return
        view, document = self.views[self.index], self.workspace.session.document
        self._filling = True
        if not self.name.hasFocus() or not self.name.isModified():
            self.name.setText(view.name)
        if self.text.toPlainText() != view.text:
            self.text.setPlainText(view.text)
        names = [TODAY, *(s.name for s in document.scenarios)]
        wanted = [scenario_text(name, document) for name in names]
        if [self.scenario.itemText(i) for i in range(self.scenario.count())] != wanted:
            self.scenario.clear()
            for name, text in zip(names, wanted, strict=True):
                self.scenario.addItem(text, name)
        self.scenario.setCurrentIndex(self.scenario.findData(view.scenario))
        self.seconds.setValue(view.seconds)
        self._filling = False
        self.up.setEnabled(self.index > 0)
        self.down.setEnabled(self.index < len(self.views) - 1)
        self.update_view.setEnabled(self.take_camera is not None)

    def retranslate(self) -> None:
        """Texts that are not bound, and how numbers are written."""
        self.name.setPlaceholderText(tr("Title of the step"))
        self.name.setAccessibleName(tr("Title of the step"))
        self.text.setPlaceholderText(tr("One or two sentences for the audience"))
        self.text.setAccessibleName(tr("Text of the step"))
        self.scenario.setAccessibleName(tr("Scenario of the step"))
        self.seconds.setAccessibleName(tr("Seconds in the tour"))
        self.seconds.setLocale(i18n.locale())
        self.list.setAccessibleName(tr("Saved views"))
        self.refresh()

    # -- acting ------------------------------------------------------------------------------------

    def add(self) -> None:
        """Save what the window shows as the next step."""
        if self.take_camera is None:
            return
        document = self.workspace.session.document
        name = free_name(tr("View {n}", n=len(self.views) + 1), self.views)
        scenario = self.scenario_shown()
        made = View(
            name, self.take_camera(), document.active if scenario is None else scenario, visible_layers(document)
        )
        at = self.index + 1 if self.views else 0
        self._set((*self.views[:at], made, *self.views[at:]), at)
        self.name.setFocus(Qt.FocusReason.OtherFocusReason)
        self.name.selectAll()

    def take_again(self) -> None:
        """Put camera and visible layers of the window into the chosen step."""
        if self.take_camera is not None and self.index >= 0:
            layers = visible_layers(self.workspace.session.document)
            self._change(camera=self.take_camera(), visible_layers=layers)

    def move_by(self, by: int) -> None:
        """Move the chosen step up (-1) or down (+1)."""
        goal = self.index + by
        if self.index >= 0 and 0 <= goal < len(self.views):
            self._set(moved(self.views, self.index, by), goal)

    def remove(self) -> None:
        """Delete the chosen step; undo brings it back."""
        at = self.index
        if 0 <= at < len(self.views):
            self._set((*self.views[:at], *self.views[at + 1 :]), at)

    def _fly(self) -> None:
        if 0 <= self.index < len(self.views):
            self.view_wanted.emit(self.views[self.index])

    def _set(self, views: tuple[View, ...], chosen: int) -> None:
        session = self.workspace.session
        session.end_gesture()
        session.edit(SetViews(views))
        session.end_gesture()
        self.list.setCurrentRow(min(chosen, len(views) - 1))

    def _change(self, *, merge: bool = False, **values: object) -> None:
        at = self.index
        if self._filling or not 0 <= at < len(self.views):
            return
        changed = replace(self.views[at], **values)  # type: ignore[arg-type]
        views = (*self.views[:at], changed, *self.views[at + 1 :])
        self.workspace.session.edit(SetViews(views), merge=merge)
        if not merge:
            self.workspace.session.end_gesture()

    def _rename(self) -> None:
        name = self.name.text().strip()
        self.name.setModified(False)
        if name:
            self._change(name=name)
        else:
            self._show_step()

    def _write(self) -> None:
        text = self.text.toPlainText()
        if len(text) > MAX_TEXT and not self._filling:
            cursor = self.text.textCursor()
            cursor.deletePreviousChar()
            return
        self._change(text=text, merge=True)

    def _choose_scenario(self, at: int) -> None:
        self._change(scenario=self.scenario.itemData(at))
        self._fly()

    def _set_seconds(self, seconds: float) -> None:
        self._change(seconds=seconds, merge=True)

    def eventFilter(self, watched, event) -> bool:
        if event.type() == QEvent.Type.FocusOut:
            self.workspace.session.end_gesture()  # the next words are another step
        return False


def _scenario_of(view: View, document) -> str:
    return scenario_text(view.scenario, document)


class _StepDelegate(QStyledItemDelegate):
    """One step: number, name, and below it what it shows and how long."""

    def sizeHint(self, option, index) -> QSize:
        return QSize(200, 2 * option.fontMetrics.height() + 20)

    def paint(self, painter: QPainter, option, index) -> None:
        name, told = index.data(Qt.ItemDataRole.UserRole) or ("", "")
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = option.rect.adjusted(2, 1, -2, -1)
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(theme.color("accent") if chosen else Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent_soft" if chosen else "hover"))
            painter.drawRoundedRect(box, 6, 6)
        badge = QRect(box.left() + 8, box.center().y() - 12, 26, 26)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent" if chosen else "line"))
        painter.drawEllipse(badge)
        bold = QFont(option.font)
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(theme.color("on_accent" if chosen else "text"))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, str(index.row() + 1))
        words = box.adjusted(44, 8, -8, -8)
        metrics = option.fontMetrics
        half = words.height() // 2
        painter.setPen(theme.color("text"))
        upper = QRect(words.left(), words.top(), words.width(), half)
        shown = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(upper, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        painter.setFont(option.font)
        painter.setPen(theme.color("muted"))
        lower = QRect(words.left(), words.top() + half, words.width(), half)
        shown = metrics.elidedText(told, Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(lower, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        painter.restore()


if __name__ == "__main__":
    from viewer.ui.planning_sample import run_alone

    run_alone(ViewsPanel)
