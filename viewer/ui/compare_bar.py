"""The bar over a split view: which scenario stands left, which right, and what differs between them."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox

from viewer.session import Document
from viewer.ui.i18n import language_changed, tr
from viewer.ui.widgets import Card, row, tool


class CompareBar(Card):
    """Two choices over the two halves; "" stands for the city as it is today."""

    changed = Signal()
    closed = Signal()

    def __init__(self) -> None:
        super().__init__("glass", margin=8)
        self.left_box, self.right_box = QComboBox(), QComboBox()
        for box in (self.left_box, self.right_box):
            box.setMinimumWidth(170)
            box.activated.connect(lambda _index: self._chosen())
        self.swap = tool("compare", "Swap left and right", self._swap)
        self.end = tool("close", "End comparing", self.closed.emit)
        self.body.addLayout(row(self.left_box, self.swap, self.right_box, self.end))
        self._names: tuple[str, ...] = ()
        self._left: str | None = ""
        self._right: str | None = None
        language_changed.connect(self._retranslate)
        self._retranslate()
        self.hide()

    @property
    def left(self) -> str | None:
        """Scenario of the left half, "" for today, None for the active one."""
        return self._left

    @property
    def right(self) -> str | None:
        """Scenario of the right half, "" for today, None for the active one."""
        return self._right

    def show_document(self, document: Document) -> None:
        """Offer the scenarios there are; one that is gone gives way to today or to the active one."""
        self._names = tuple(s.name for s in document.scenarios)
        if self._left and self._left not in self._names:
            self._left = ""
        if self._right and self._right not in self._names:
            self._right = None
        self._fill()

    def _fill(self) -> None:
        for box, value in ((self.left_box, self._left), (self.right_box, self._right)):
            entries = [(tr("Active scenario"), None), (tr("As it is today"), "")]
            entries += [(name, name) for name in self._names]
            box.blockSignals(True)
            box.clear()
            for text, data in entries:
                box.addItem(text, data)
            box.setCurrentIndex(next((i for i, (_, data) in enumerate(entries) if data == value), 0))
            box.blockSignals(False)

    def _chosen(self) -> None:
        self._left, self._right = self.left_box.currentData(), self.right_box.currentData()
        self.changed.emit()

    def _swap(self) -> None:
        self._left, self._right = self._right, self._left
        self._fill()
        self.changed.emit()

    def _retranslate(self) -> None:
        self.left_box.setAccessibleName(tr("Scenario on the left"))
        self.right_box.setAccessibleName(tr("Scenario on the right"))
        self._fill()
