"""Messages over the picture that never stop the work: banners (errors, questions) and running tasks."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QComboBox, QLabel, QProgressBar, QVBoxLayout, QWidget

from viewer.errors import ViewerError
from viewer.ui.i18n import error_text, language_changed, tr
from viewer.ui.icons import bind_icon
from viewer.ui.tasks import TaskInfo, Tasks
from viewer.ui.widgets import Card, button, label, let_go, row, tool

_ICONS = {"info": "info", "warning": "warning", "error": "error", "question": "question"}
_ROLES = {"info": "notice", "warning": "notice-warning", "error": "notice-error", "question": "notice"}

#: A value to choose: (name, offered values, current value, what to do with the chosen one).
Field = tuple[str, tuple[str, ...], str, Callable[[str], object]]


class Banner(Card):
    """One message: sentence, hint, path, and buttons for what can be done about it."""

    closed = Signal()

    def __init__(
        self,
        kind: str,
        sentence: Callable[[], str],
        *,
        hint: Callable[[], str] | None = None,
        path: str = "",
        choices: tuple[tuple[str, Callable[[], object]], ...] = (),
        field: Field | None = None,
    ) -> None:
        super().__init__(_ROLES[kind], margin=12)
        self.kind = kind
        self._sentence_text, self._hint_text = sentence, hint
        mark = tool(_ICONS[kind], "Message")
        mark.setEnabled(True)
        mark.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        mark.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        role = {"error": "error", "warning": "warning"}.get(kind, "accent_text")
        bind_icon(mark.setIcon, _ICONS[kind], role)
        self.sentence = label(role="section", wrap=True)
        self.hint = label(wrap=True)
        self.path = label(path, "small", wrap=True, translate=False)
        self.path.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.path.setVisible(bool(path))
        close = tool("close", "Close this message", self.dismiss)
        texts = QVBoxLayout()
        texts.setSpacing(4)
        for item in (self.sentence, self.hint, self.path):
            texts.addWidget(item)
        if choices:
            texts.addSpacing(4)
            texts.addLayout(row(*(self._choice(text, act) for text, act in choices), None))
        if field is not None:
            texts.addSpacing(4)
            texts.addLayout(self._make_field(field))
        line = row(mark, spacing=8)
        line.addLayout(texts, 1)
        line.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        line.setAlignment(mark, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(line)
        self.retranslate()
        language_changed.connect(self.retranslate)

    def _choice(self, text: str, act: Callable[[], object]):
        def chosen() -> None:
            self.dismiss()
            act()

        return button(text, chosen)

    def _make_field(self, field: Field):
        name, offered, current, accept = field
        self.field = QComboBox()
        self.field.setEditable(True)
        self.field.addItems(list(offered))
        self.field.setEditText(current)
        self.field.setAccessibleName(name)
        self.field.setMinimumWidth(170)

        def chosen() -> None:
            value = self.field.currentText().strip()
            self.dismiss()
            accept(value)

        return row(self.field, button("Read again", chosen), None)

    def retranslate(self) -> None:
        """Words in the current language."""
        self.sentence.setText(self._sentence_text())
        hint = self._hint_text() if self._hint_text is not None else ""
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        self.setAccessibleName(" ".join(part for part in (self.sentence.text(), hint) if part))

    def dismiss(self) -> None:
        """Close the banner."""
        let_go(self)
        self.closed.emit()


class Toasts(QWidget):
    """The column of banners and running tasks at the top of the picture."""

    changed = Signal()
    WIDTH = 460
    #: Banners beyond these push the oldest out.
    MAX_BANNERS = 4

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._running: dict[str, RunningTask] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.setAlignment(Qt.AlignmentFlag.AlignTop)
        tasks.started.connect(self._on_started)
        tasks.progressed.connect(self._on_progressed)
        tasks.finished.connect(self._on_finished)
        tasks.error.connect(self.show_error)

    def banners(self) -> list[Banner]:
        """The open banners, newest first."""
        items = (self._column.itemAt(i).widget() for i in range(self._column.count()))
        return [item for item in items if isinstance(item, Banner)]

    def add(self, banner: Banner, seconds: float = 0.0) -> Banner:
        """Show a banner; with ``seconds`` it goes by itself."""
        self._column.insertWidget(0, banner)
        banner.closed.connect(self.fit)
        for old in self.banners()[self.MAX_BANNERS :]:
            old.dismiss()
        if seconds:
            QTimer.singleShot(int(seconds * 1000), banner, banner.dismiss)
        self.fit()
        QAccessible.updateAccessibility(QAccessibleEvent(banner, QAccessible.Event.Alert))
        return banner

    def say(self, text: str, *, kind: str = "info", seconds: float = 6.0, hint: str = "", **values: object) -> Banner:
        """Show one sentence (an English key); warnings and errors stay until closed."""
        if kind in ("error", "warning"):
            seconds = 0.0
        told = (lambda: tr(hint, **values)) if hint else None
        return self.add(Banner(kind, lambda: tr(text, **values), hint=told), seconds)

    def ask(
        self,
        text: str,
        choices: tuple[tuple[str, Callable[[], object]], ...] = (),
        *,
        hint: str = "",
        path: str = "",
        field: Field | None = None,
        **values: object,
    ) -> Banner:
        """Ask without stopping the work: the answer is a button, or nothing."""
        told = (lambda: tr(hint, **values)) if hint else None
        return self.add(
            Banner("question", lambda: tr(text, **values), hint=told, path=path, choices=choices, field=field)
        )

    def show_error(self, error: Exception) -> Banner:
        """Show an error: a ``ViewerError`` in its own words, a bug as such."""
        if isinstance(error, ViewerError):
            return self.add(
                Banner(
                    "error",
                    lambda: error_text(error)[0],
                    hint=lambda: error_text(error)[1],
                    path=error_text(error)[2],
                )
            )
        name = type(error).__name__
        return self.say(
            "Something went wrong in the program ({name}).",
            kind="error",
            hint="Your work is kept. The log folder (menu Help) tells support more.",
            name=name,
        )

    def sizeHint(self) -> QSize:
        """As wide as the picture allows, as high as the messages need: the picture below stays clickable."""
        room = self.parentWidget().width() - 32 if self.parentWidget() is not None else self.WIDTH
        width = max(240, min(self.WIDTH, room))
        need = self._column.heightForWidth(width) if self._column.hasHeightForWidth() else -1
        return QSize(width, need if need > 0 else self._column.sizeHint().height())

    def fit(self) -> None:
        """Show what there is; the stage gives the place."""
        self._column.activate()
        self.setVisible(self._column.count() > 0)
        self.updateGeometry()
        self.changed.emit()
        self.raise_()

    def _on_started(self, info: TaskInfo) -> None:
        if not info.title:
            return
        shown = RunningTask(info)
        shown.cancelled.connect(self._tasks.cancel)
        self._running[info.key] = shown
        self._column.addWidget(shown)
        self.fit()

    def _on_progressed(self, key: str, share: float, text: str) -> None:
        shown = self._running.get(key)
        if shown is not None:
            shown.set_progress(share, text)

    def _on_finished(self, key: str) -> None:
        shown = self._running.pop(key, None)
        if shown is not None:
            let_go(shown)
            self.fit()


class RunningTask(Card):
    """Title, what is being done, a bar, and a way to stop it."""

    cancelled = Signal(str)

    def __init__(self, info: TaskInfo) -> None:
        super().__init__("card", margin=12)
        self._key = info.key
        self.title = label(info.title, "section", translate=False)
        self.title.setMinimumWidth(0)
        self.detail = QLabel()
        self.detail.setProperty("role", "small")
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(info.title)
        head = row()
        head.addWidget(self.title, 1)
        if info.cancellable:
            stop = tool("close", "Stop reading", lambda: self.cancelled.emit(self._key))
            head.addWidget(stop)
        self.body.addLayout(head)
        self.body.addWidget(self.bar)
        self.body.addWidget(self.detail)

    def set_progress(self, share: float, text: str) -> None:
        """Show how far the work is; ``text`` is a translation key."""
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(share * 1000))
        if text:
            self.detail.setText(tr(text))
