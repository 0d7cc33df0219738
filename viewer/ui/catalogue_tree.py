"""The tree of the catalogue: entries are looked into when they are unfolded, searched, opened and dragged as files.

Slow looking runs in the background; what goes wrong is told where it happened. What the roots are, the panel knows.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QSize, Qt, QUrl, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from viewer.errors import NotConnectedError, ViewerError
from viewer.plugin_api import Entry
from viewer.ui import theme
from viewer.ui.connecting import Connecting
from viewer.ui.i18n import bind, error_text, tr
from viewer.ui.icons import icon
from viewer.ui.tasks import Tasks
from viewer.workspace.catalogue import LIST_NAMES, Catalogue

ROW_HEIGHT = 26
_ENTRY, _STATE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
#: What an item is: not looked into yet, being looked into, known; or a line that tells something.
_CLOSED, _WAITING, _KNOWN, _TOLD = range(4)
_ICONS = {
    "wms": "map", "wmts": "map", "xyz": "map", "wfs": "polygon", "features": "polygon", "sensorthings": "points",
}  # fmt: skip


class CatalogueTree(QTreeWidget):
    """Entries below roots; what is dragged out of it is a file."""

    #: Path of a file to open.
    open_wanted = Signal(str)
    #: What stands below an item is known now.
    looked = Signal()

    def __init__(self, catalogue: Catalogue, tasks: Tasks, connecting: Connecting) -> None:
        super().__init__()
        self.catalogue, self._tasks, self._connecting = catalogue, tasks, connecting
        self._number = 0
        self._words: list[str] = []
        bind(self.setAccessibleName, "Catalogue")
        self.setColumnCount(1)
        self.setHeaderHidden(True)
        self.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.setIconSize(QSize(16, 16))
        self.setIndentation(14)
        self.setUniformRowHeights(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.itemExpanded.connect(self._on_expanded)
        self.itemDoubleClicked.connect(lambda item: self.activate(item))
        theme.theme_changed.connect(self._repaint_icons)

    # -- entries -----------------------------------------------------------------------------------

    def add_root(self, entry: Entry) -> QTreeWidgetItem:
        """Put an entry at the end of the top level."""
        return self._add(self.invisibleRootItem(), entry)

    def entry_of(self, item: QTreeWidgetItem | None) -> Entry | None:
        """The entry of an item; None for one that only tells something."""
        entry = None if item is None else item.data(0, _ENTRY)
        return entry if isinstance(entry, Entry) else None

    def told(self, item: QTreeWidgetItem | None) -> str:
        """What an item tells that is no entry."""
        return item.text(0) if item is not None and item.data(0, _STATE) == _TOLD else ""

    def opens(self, item: QTreeWidgetItem | None) -> bool:
        """Whether an item can be opened on the city."""
        entry = self.entry_of(item)
        return entry is not None and entry.opens and not self.catalogue.can_browse(entry)

    def activate(self, item: QTreeWidgetItem) -> None:
        """Open an entry, or unfold one that holds others."""
        entry = self.entry_of(item)
        if entry is not None and self.catalogue.can_browse(entry):
            item.setExpanded(not item.isExpanded())
        else:
            self._open(item)

    def open_current(self) -> None:
        """Have the chosen entry opened, if it can be."""
        self._open(self.currentItem())

    def _open(self, item: QTreeWidgetItem | None) -> None:
        path = self.file_of(item)
        if path is not None:
            self.open_wanted.emit(str(path))

    def file_of(self, item: QTreeWidgetItem | None) -> Path | None:
        """The file that opens an entry; None for one that only holds others."""
        entry = self.entry_of(item)
        if item is None or entry is None or not self.opens(item):
            return None
        try:
            return self.catalogue.file_of(entry)
        except ViewerError as error:
            self._tell_below(item, error)
            return None

    def mimeData(self, items: list[QTreeWidgetItem]) -> QMimeData:
        """The files of what is dragged; a service becomes its source file."""
        data = QMimeData()
        paths = [path for path in map(self.file_of, items) if path is not None]
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        return data

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.CopyAction

    def keyPressEvent(self, event) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentItem() is not None:
            self.activate(self.currentItem())
            return
        super().keyPressEvent(event)

    # -- looking into entries ----------------------------------------------------------------------

    def look_again(self) -> None:
        """Look into the chosen entry, or what it is part of, again; a server is asked anew."""
        item = self.currentItem()
        while item is not None and item.parent() is not None and not self._stands_alone(item):
            item = item.parent()
        if item is not None:
            self._look(item, refresh=True)

    def _stands_alone(self, item: QTreeWidgetItem) -> bool:
        """Whether an item can be looked into by itself, and is no part of what its parent told."""
        entry = self.entry_of(item)
        return entry is not None and (bool(entry.address) or entry.path is not None) and not entry.opens

    def _on_expanded(self, item: QTreeWidgetItem) -> None:
        if item.data(0, _STATE) == _CLOSED:
            self._look(item)

    def _look(self, item: QTreeWidgetItem, *, refresh: bool = False) -> None:
        entry = self.entry_of(item)
        if entry is None or item.data(0, _STATE) == _WAITING:
            return
        if refresh and (entry.address or entry.path is not None):
            entry = Entry(entry.title, path=entry.path, address=entry.address)
        if not self.catalogue.can_browse(entry):
            return
        item.setData(0, _STATE, _WAITING)
        item.takeChildren()
        self._add_line(item, tr("Looking..."))
        self._number += 1
        catalogue, wanted = self.catalogue, entry
        self._tasks.start(
            f"catalogue:{self._number}",
            lambda progress: catalogue.browse(wanted, progress, refresh=refresh),
            lambda found: self._show_found(item, found),
            failed=lambda error: self._failed(item, error, refresh),
        )

    def _show_found(self, item: QTreeWidgetItem, entry: Entry) -> None:
        if not self._is_there(item):
            return
        item.setData(0, _STATE, _KNOWN)
        item.setData(0, _ENTRY, entry)
        item.setText(0, entry.title)
        item.takeChildren()
        for below in entry.entries or ():
            self._add(item, below)
        if not entry.entries:
            self._add_line(item, tr("There is nothing that can be opened."))
        item.setExpanded(True)
        self.search(self._words)
        self.looked.emit()

    def _failed(self, item: QTreeWidgetItem, error: Exception, refresh: bool) -> None:
        if not self._is_there(item):
            return
        item.setData(0, _STATE, _CLOSED)
        self._tell_below(item, error)
        self._connecting.takes(error, lambda: self._look(item, refresh=refresh) if self._is_there(item) else None)

    def _is_there(self, item: QTreeWidgetItem) -> bool:
        """Whether an item still stands in the tree; an answer may come after it was removed."""
        try:
            return item.treeWidget() is self
        except RuntimeError:
            return False

    # -- lines -------------------------------------------------------------------------------------

    def _add(self, parent: QTreeWidgetItem, entry: Entry) -> QTreeWidgetItem:
        item = QTreeWidgetItem(parent, [entry.title])
        item.setSizeHint(0, QSize(0, ROW_HEIGHT))
        item.setData(0, _ENTRY, entry)
        item.setData(0, _STATE, _CLOSED)
        item.setToolTip(0, entry.title)
        item.setIcon(0, icon(_icon_of(entry), "muted"))
        browsable = self.catalogue.can_browse(entry)
        shown = QTreeWidgetItem.ChildIndicatorPolicy
        item.setChildIndicatorPolicy(shown.ShowIndicator if browsable else shown.DontShowIndicatorWhenChildless)
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        item.setFlags(flags if browsable else flags | Qt.ItemFlag.ItemIsDragEnabled)
        return item

    def _add_line(self, parent: QTreeWidgetItem, text: str, mark: str = "") -> QTreeWidgetItem:
        line = QTreeWidgetItem(parent, [text])
        line.setSizeHint(0, QSize(0, ROW_HEIGHT))
        line.setToolTip(0, text)
        line.setData(0, _STATE, _TOLD)
        line.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        line.setForeground(0, theme.color("muted"))
        if mark:
            line.setIcon(0, icon(mark, "warning" if mark == "warning" else "muted"))
        return line

    def _tell_below(self, item: QTreeWidgetItem, error: Exception) -> None:
        """What went wrong, where it happened."""
        item.takeChildren()
        if isinstance(error, NotConnectedError):
            line = self._add_line(item, tr("Allow the connection to look into it."), "question")
        else:
            text = " ".join(filter(None, error_text(error)[:2])) if isinstance(error, ViewerError) else ""
            line = self._add_line(item, text or tr("Something went wrong in the program."), "warning")
        item.setExpanded(True)
        self.setCurrentItem(line)

    def _repaint_icons(self) -> None:
        waiting = [self.topLevelItem(at) for at in range(self.topLevelItemCount())]
        while waiting:
            item = waiting.pop()
            entry = self.entry_of(item)
            if entry is not None:
                item.setIcon(0, icon(_icon_of(entry), "muted"))
            else:
                item.setForeground(0, theme.color("muted"))
            waiting += [item.child(at) for at in range(item.childCount())]

    # -- searching ---------------------------------------------------------------------------------

    def search(self, words: list[str]) -> None:
        """Show only entries that all these words name (small letters), with what stands above and below them."""
        self._words = words
        for at in range(self.topLevelItemCount()):
            self._matches(self.topLevelItem(at), words)

    def _matches(self, item: QTreeWidgetItem, words: list[str]) -> bool:
        entry = self.entry_of(item)
        title, abstract = ("", "") if entry is None else (entry.title.casefold(), entry.abstract.casefold())
        named = bool(words) and all(word in title for word in words)
        own = all(word in title or word in abstract for word in words)
        below = [self._matches(item.child(at), [] if named else words) for at in range(item.childCount())]
        shown = not words or own or any(below)
        item.setHidden(not shown)
        if words and any(below) and not named:
            item.setExpanded(True)
        return shown


def _icon_of(entry: Entry) -> str:
    if entry.source is not None:
        return _ICONS.get(entry.source.type, "map")
    if entry.address:
        return "layers"
    if entry.path is not None and entry.opens and entry.path.name.lower() not in LIST_NAMES:
        return "building" if entry.path.suffix.lower() in (".gml", ".jsonl", ".citygml", ".xml") else "map"
    return "open"
