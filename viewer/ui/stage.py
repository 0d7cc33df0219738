"""The stage: the 3D view with what lies over it. Places overlays; knows neither files nor scenarios."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt, Signal
from PySide6.QtWidgets import QWidget

from viewer.ui.tasks import Tasks
from viewer.ui.theme import GRID
from viewer.ui.toasts import Toasts
from viewer.ui.welcome import Welcome

_EDGE = 2 * GRID


class Stage(QWidget):
    """A view with overlays in its corners. Overlays keep their own size; the welcome covers everything."""

    files_dropped = Signal(list)  # of str
    resized = Signal()

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("stage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAcceptDrops(True)
        self.setMinimumSize(320, 240)
        self.view: QWidget | None = None
        self._overlays: list[tuple[QWidget, str]] = []
        self._bare: tuple[QWidget, ...] | None = None
        self.welcome = Welcome(self)
        self.toasts = Toasts(tasks, self)
        self.toasts.hide()
        self.toasts.changed.connect(self.place)

    def set_view(self, view: QWidget) -> None:
        """Put the 3D view underneath everything."""
        if self.view is not None:
            self.view.removeEventFilter(self)
        self.view = view
        view.setParent(self)
        view.lower()
        view.setGeometry(self.rect())
        view.show()

    def add_overlay(self, widget: QWidget, corner: str) -> None:
        """Lay a widget over the view: ``top-left`` ... ``bottom-right``, ``left``, ``right``, ``bottom``."""
        widget.setParent(self)
        widget.installEventFilter(self)
        self._overlays.append((widget, corner))
        self.place()

    def set_bare(self, keep: tuple[QWidget, ...] | None) -> None:
        """Put every overlay but those of ``keep`` outside the picture, as presenting wants it; None ends that."""
        self._bare = keep
        self.place()

    def set_welcome(self, visible: bool) -> None:
        """Show or hide the empty state; while it stands, the other overlays step aside."""
        self.welcome.setVisible(visible)
        if visible:
            self.welcome.raise_()
            self.toasts.raise_()

    def sizeHint(self) -> QSize:
        return QSize(900, 700)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.place()
        self.resized.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.LayoutRequest):
            self.place()
        return False

    def place(self) -> None:
        """Give every overlay its place; those of one corner stack away from the edge."""
        if self.view is not None:
            self.view.setGeometry(self.rect())
        self.welcome.setGeometry(self.rect())
        used: dict[str, int] = {}
        band = QRect()  # what stands in the middle of the upper edge; the upper corners begin below it
        tools = QRect()  # and of the lower edge; what reaches into it from a corner stands above it
        for widget, corner in sorted(self._overlays, key=lambda overlay: overlay[1] not in ("top", "bottom")):
            if widget.isHidden():
                continue
            if self._bare is not None and widget not in self._bare:
                widget.move(-20_000, 0)
                continue
            hint = widget.sizeHint().expandedTo(widget.minimumSize())
            if corner in ("top-left", "top-right") and corner not in used and not band.isNull():
                reach = _EDGE + hint.width() + GRID
                meets = reach > band.left() if corner == "top-left" else self.width() - reach < band.right()
                used[corner] = band.bottom() + GRID - _EDGE if meets else 0
            if corner in ("bottom-left", "bottom-right") and corner not in used and not tools.isNull():
                reach = _EDGE + hint.width() + GRID
                meets = reach > tools.left() if corner == "bottom-left" else self.width() - reach < tools.right()
                used[corner] = self.height() - tools.top() + GRID - _EDGE if meets else 0
            room = self.height() - 2 * _EDGE - used.get(corner, 0)
            if widget.minimumHeight() < hint.height() and room > 0:
                hint.setHeight(min(hint.height(), room))
            size = hint.boundedTo(self.size())
            offset = _EDGE + used.get(corner, 0)
            used[corner] = used.get(corner, 0) + size.height() + GRID
            x = _EDGE if "left" in corner else self.width() - size.width() - _EDGE
            if corner in ("bottom", "top"):
                x = (self.width() - size.width()) // 2
            y = offset if "top" in corner else self.height() - size.height() - offset
            if corner in ("left", "right"):
                y = (self.height() - size.height()) // 2
            widget.setGeometry(x, y, size.width(), size.height())
            if corner == "top":
                band = band.united(widget.geometry())
            if corner == "bottom" and tools.isNull():
                tools = widget.geometry()

    def dragEnterEvent(self, event) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.files_dropped.emit(paths)
