"""The catalogue: folders, lists and servers in one tree; an entry is opened by Enter, or dragged onto the city."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QLineEdit,
    QMenu,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from viewer.errors import NotConnectedError, ReadError, ViewerError
from viewer.plugin_api import Entry
from viewer.settings import Settings
from viewer.ui import theme
from viewer.ui.connecting import Connecting
from viewer.ui.i18n import bind, error_text, language_changed, tr
from viewer.ui.icons import icon
from viewer.ui.tasks import Tasks
from viewer.ui.widgets import Card, button, label, row, tool
from viewer.workspace.catalogue import LIST_NAMES, Catalogue

TITLE = "Catalogue"
WIDTH, ROW_HEIGHT = 350, 26
_ENTRY, _STATE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
#: What an item is: not browsed yet, being browsed, browsed; or a line that tells something.
_CLOSED, _WAITING, _KNOWN, _TOLD = range(4)
_ICONS = {
    "wms": "map", "wmts": "map", "xyz": "map", "wfs": "polygon", "features": "polygon", "sensorthings": "points",
}  # fmt: skip


class CatalogueTree(QTreeWidget):
    """The tree; what is dragged out of it is a file."""

    def __init__(self, panel: CataloguePanel) -> None:
        super().__init__()
        self._panel = panel
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

    def mimeData(self, items: list[QTreeWidgetItem]) -> QMimeData:
        """The files of what is dragged; a service becomes its source file."""
        data = QMimeData()
        paths = [path for path in map(self._panel.file_of, items) if path is not None]
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        return data

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.CopyAction

    def keyPressEvent(self, event) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentItem() is not None:
            self._panel.activate(self.currentItem())
            return
        super().keyPressEvent(event)


class CataloguePanel(Card):
    """Search, tree, what the chosen entry is, and a way to open it. Stays over the picture until it is closed."""

    #: Path of a file to open.
    open_wanted = Signal(str)

    def __init__(
        self,
        catalogue: Catalogue,
        settings: Settings,
        tasks: Tasks,
        connecting: Connecting,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("card", parent, margin=12)
        self.catalogue, self._settings, self._tasks, self._connecting = catalogue, settings, tasks, connecting
        self._number = 0
        self.setFixedWidth(WIDTH)
        self._make_head()
        self._make_address()
        self.tree = CatalogueTree(self)
        bind(self.tree.setAccessibleName, "Catalogue")
        self.tree.itemExpanded.connect(self._on_expanded)
        self.tree.itemDoubleClicked.connect(lambda item: self.activate(item))
        self.tree.currentItemChanged.connect(lambda item: self._describe(item))
        self._make_actions()
        self._empty = self._make_empty()
        self.title_of = label("", "section", translate=False, wrap=True)
        self.about = label("", "muted", translate=False, wrap=True)
        self.about.setMaximumHeight(96)
        self.credit = label("", "small", translate=False, wrap=True)
        self.open_button = button("Open on the city", self._open_current, role="primary", icon="open")
        for widget in (self.tree, self._empty):
            self.body.addWidget(widget, 1)
        for widget in (self.title_of, self.about, self.credit):
            self.body.addWidget(widget)
        self.body.addLayout(row(None, self.open_button))
        self.hide()
        language_changed.connect(self._retranslate)
        theme.theme_changed.connect(self._repaint_icons)
        self._filled = False
        self._describe(None)

    # -- parts -------------------------------------------------------------------------------------

    def _make_head(self) -> None:
        self._add_menu = QMenu(self)
        self.add_button = tool("plus", "Add a folder, a list or a server", self._show_add_menu)
        head = row()
        head.addWidget(label("Catalogue", "title"), 1)
        head.addWidget(self.add_button)
        head.addWidget(tool("reset", "Look again", self.refresh_current))
        head.addWidget(tool("close", "Close the catalogue", self.hide))
        self.body.addLayout(head)
        self.search = QLineEdit()
        self.search.setClearButtonEnabled(True)
        bind(self.search.setPlaceholderText, "Search what is unfolded")
        bind(self.search.setAccessibleName, "Search what is unfolded")
        self.search.textChanged.connect(self._filter)
        self.body.addWidget(self.search)

    def _make_address(self) -> None:
        self.address = QLineEdit()
        bind(self.address.setPlaceholderText, "Address of a server, https://...")
        bind(self.address.setAccessibleName, "Address of a server, https://...")
        self.address.returnPressed.connect(self._add_address)
        self._address_row = QWidget()
        self._address_row.setLayout(row(self.address, button("Add", self._add_address)))
        self._address_row.hide()
        self.body.addWidget(self._address_row)

    def _make_empty(self) -> QWidget:
        box = Card("inset", margin=16)
        box.body.addWidget(label("Nothing here yet", "section"))
        words = "Add a folder with city data, a list of sources, or the address of a map or sensor server."
        box.body.addWidget(label(words, "muted", wrap=True))
        box.body.addWidget(button("Add a folder...", self._add_folder, icon="open"))
        box.body.addWidget(button("Add a list of sources...", self._add_list, icon="report"))
        box.body.addWidget(button("Add a server...", self.ask_address, icon="map"))
        box.body.addStretch(1)
        return box

    def _make_actions(self) -> None:
        """What the keyboard and the context menu of the tree do."""
        self._actions = []
        for text, keys, do in (
            ("Open on the city", "", self._open_current),
            ("Look again", "F5", self.refresh_current),
            ("Remove from the catalogue", "Delete", self.remove_current),
        ):
            action = QAction(self)
            bind(action.setText, text)
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            action.triggered.connect(lambda _=False, do=do: do())
            self.tree.addAction(action)
            self._actions.append(action)

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 640)

    # -- roots -------------------------------------------------------------------------------------

    def show_panel(self) -> None:
        """Come forward, ready for the keyboard. Its places are looked at now and not at the start: a drive may sleep."""
        self._fill_once()
        self.show()
        self.raise_()
        (self.tree if self.tree.topLevelItemCount() else self.add_button).setFocus()

    def add(self, place: str) -> bool:
        """Add a folder, a list or an address and look into it; false if it is none of them."""
        self._fill_once()
        try:
            entry = self.catalogue.root(place)
        except ReadError as error:
            self._tell_address(error)
            return False
        known = self._settings.value.catalogue
        if place not in known:
            self._settings.update(catalogue=(*known, place))
            self._add_item(self.tree.invisibleRootItem(), entry)
        self._show_emptiness()
        at = self._settings.value.catalogue.index(place)
        item = self.tree.topLevelItem(at)
        self.tree.setCurrentItem(item)
        item.setExpanded(True)
        return True

    def remove_current(self) -> None:
        """Take the root that the chosen entry belongs to out of the catalogue; nothing of it is deleted."""
        item = self.tree.currentItem()
        while item is not None and item.parent() is not None:
            item = item.parent()
        if item is None:
            return
        at = self.tree.indexOfTopLevelItem(item)
        places = list(self._settings.value.catalogue)
        del places[at]
        self._settings.update(catalogue=tuple(places))
        self.tree.takeTopLevelItem(at)
        self._show_emptiness()

    def refresh_current(self) -> None:
        """Look into the chosen entry again; a server is asked anew."""
        item = self.tree.currentItem()
        if item is None:
            return
        while item.parent() is not None and not self._own_entry(item):
            item = item.parent()
        self._browse(item, refresh=True)

    def ask_address(self) -> None:
        """Offer a line for an address."""
        self._address_row.show()
        self.address.setFocus()

    def _fill_once(self) -> None:
        if not self._filled:
            self._fill()

    def _fill(self) -> None:
        self._filled = True
        self.tree.clear()
        for place in self._settings.value.catalogue:
            try:
                entry = self.catalogue.root(place)
            except ReadError:
                entry = Entry(place)
            self._add_item(self.tree.invisibleRootItem(), entry)
        self._show_emptiness()
        self._describe(None)

    def _show_emptiness(self) -> None:
        empty = self.tree.topLevelItemCount() == 0
        self.tree.setVisible(not empty)
        self.search.setVisible(not empty)
        self._empty.setVisible(empty)

    def _show_add_menu(self) -> None:
        self._add_menu.clear()
        self._add_menu.addAction(tr("Add a folder..."), self._add_folder)
        self._add_menu.addAction(tr("Add a list of sources..."), self._add_list)
        self._add_menu.addAction(tr("Add a server..."), self.ask_address)
        self._add_menu.popup(self.add_button.mapToGlobal(self.add_button.rect().bottomLeft()))

    def _add_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, tr("Add a folder..."), self._settings.value.last_folder)
        if chosen:
            self.add(chosen)

    def _add_list(self) -> None:
        filters = f"{tr('Lists of sources')} ({' '.join(LIST_NAMES)} *.json)"
        folder = self._settings.value.last_folder
        chosen, _ = QFileDialog.getOpenFileName(self, tr("Add a list of sources..."), folder, filters)
        if chosen:
            self.add(chosen)

    def _add_address(self) -> None:
        text = self.address.text().strip()
        if text and "://" not in text:
            text = f"https://{text}"
        if text and self.add(text):
            self.address.clear()
            self._address_row.hide()

    # -- browsing ----------------------------------------------------------------------------------

    def activate(self, item: QTreeWidgetItem) -> None:
        """Open an entry, or unfold one that holds others."""
        entry = item.data(0, _ENTRY)
        if not isinstance(entry, Entry):
            return
        if self.catalogue.can_browse(entry):
            item.setExpanded(not item.isExpanded())
        elif entry.opens:
            self.open_wanted.emit(str(self.file_of(item) or ""))

    def file_of(self, item: QTreeWidgetItem) -> Path | None:
        """The file that opens an entry; None for one that only holds others."""
        entry = item.data(0, _ENTRY)
        if not isinstance(entry, Entry) or not entry.opens or self.catalogue.can_browse(entry):
            return None
        try:
            return self.catalogue.file_of(entry)
        except ViewerError as error:
            self._tell_below(item, error)
            return None

    def _open_current(self) -> None:
        item = self.tree.currentItem()
        path = None if item is None else self.file_of(item)
        if path is not None:
            self.open_wanted.emit(str(path))

    def _on_expanded(self, item: QTreeWidgetItem) -> None:
        if item.data(0, _STATE) == _CLOSED:
            self._browse(item)

    def _browse(self, item: QTreeWidgetItem, *, refresh: bool = False) -> None:
        entry = item.data(0, _ENTRY)
        if not isinstance(entry, Entry) or item.data(0, _STATE) == _WAITING:
            return
        if refresh and (entry.address or entry.path is not None):
            entry = Entry(entry.title, path=entry.path, address=entry.address)
        if not self.catalogue.can_browse(entry):
            return
        item.setData(0, _STATE, _WAITING)
        item.takeChildren()
        self._add_line(item, tr("Looking..."), "")
        self._number += 1
        catalogue = self.catalogue
        self._tasks.start(
            f"catalogue:{self._number}",
            lambda progress: catalogue.browse(entry, progress, refresh=refresh),
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
            self._add_item(item, below)
        if not entry.entries:
            self._add_line(item, tr("There is nothing that can be opened."), "")
        item.setExpanded(True)
        self._describe(self.tree.currentItem())
        self._filter()

    def _failed(self, item: QTreeWidgetItem, error: Exception, refresh: bool) -> None:
        if not self._is_there(item):
            return
        item.setData(0, _STATE, _CLOSED)
        self._tell_below(item, error)
        self._connecting.takes(error, lambda: self._browse(item, refresh=refresh) if self._is_there(item) else None)

    def _is_there(self, item: QTreeWidgetItem) -> bool:
        """Whether an item still stands in the tree; an answer may come after it was removed."""
        try:
            return item.treeWidget() is self.tree
        except RuntimeError:
            return False

    # -- lines -------------------------------------------------------------------------------------

    def _add_item(self, parent: QTreeWidgetItem, entry: Entry) -> None:
        item = QTreeWidgetItem(parent, [entry.title])
        item.setSizeHint(0, QSize(0, ROW_HEIGHT))
        item.setData(0, _ENTRY, entry)
        item.setToolTip(0, entry.title)
        item.setIcon(0, icon(_icon_of(entry), "muted"))
        browsable = self.catalogue.can_browse(entry)
        item.setData(0, _STATE, _CLOSED)
        shown = QTreeWidgetItem.ChildIndicatorPolicy
        item.setChildIndicatorPolicy(shown.ShowIndicator if browsable else shown.DontShowIndicatorWhenChildless)
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        item.setFlags(flags if browsable else flags | Qt.ItemFlag.ItemIsDragEnabled)

    def _add_line(self, parent: QTreeWidgetItem, text: str, mark: str) -> QTreeWidgetItem:
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
        self.tree.setCurrentItem(line)

    def _tell_address(self, error: ViewerError) -> None:
        self._describe(None)
        self.about.setText(" ".join(filter(None, error_text(error)[:2])))
        self.about.show()

    def _describe(self, item: QTreeWidgetItem | None) -> None:
        """What the chosen entry is and who made it."""
        entry = None if item is None else item.data(0, _ENTRY)
        told = item is not None and item.data(0, _STATE) == _TOLD
        known = isinstance(entry, Entry)
        texts = (
            entry.title if known else "",
            (entry.abstract or entry.address or (str(entry.path) if entry.path else "")) if known else "",
            entry.credit if known else "",
        )
        if told and item is not None:
            texts = ("", item.text(0), "")
        for widget, text in zip((self.title_of, self.about, self.credit), texts, strict=True):
            widget.setText(text)
            widget.setToolTip(text if widget is self.about else "")
            widget.setVisible(bool(text))
        can_open = known and entry.opens and not self.catalogue.can_browse(entry)
        self.open_button.setVisible(known)
        self.open_button.setEnabled(can_open)
        self._actions[0].setEnabled(can_open)

    def _filter(self) -> None:
        """Show only entries that the search names, with what stands above them."""
        words = self.search.text().casefold().split()
        for at in range(self.tree.topLevelItemCount()):
            self._matches(self.tree.topLevelItem(at), words)

    def _matches(self, item: QTreeWidgetItem, words: list[str]) -> bool:
        entry = item.data(0, _ENTRY)
        title, abstract = (entry.title.casefold(), entry.abstract.casefold()) if isinstance(entry, Entry) else ("", "")
        named = bool(words) and all(word in title for word in words)
        own = all(word in title or word in abstract for word in words)
        below = [self._matches(item.child(at), [] if named else words) for at in range(item.childCount())]
        shown = not words or own or any(below)
        item.setHidden(not shown)
        if words and any(below) and not named:
            item.setExpanded(True)
        return shown

    def _own_entry(self, item: QTreeWidgetItem) -> bool:
        """Whether an item can be looked into by itself, and is no part of what its parent told."""
        entry = item.data(0, _ENTRY)
        return isinstance(entry, Entry) and (bool(entry.address) or entry.path is not None) and not entry.opens

    def _repaint_icons(self) -> None:
        waiting = [self.tree.topLevelItem(at) for at in range(self.tree.topLevelItemCount())]
        while waiting:
            item = waiting.pop()
            entry = item.data(0, _ENTRY)
            if isinstance(entry, Entry):
                item.setIcon(0, icon(_icon_of(entry), "muted"))
            else:
                item.setForeground(0, theme.color("muted"))
            waiting += [item.child(at) for at in range(item.childCount())]

    def _retranslate(self) -> None:
        self._describe(self.tree.currentItem())


def _icon_of(entry: Entry) -> str:
    if entry.source is not None:
        return _ICONS.get(entry.source.type, "map")
    if entry.address:
        return "layers"
    if entry.path is not None and entry.opens and entry.path.name.lower() not in LIST_NAMES:
        return "building" if entry.path.suffix.lower() in (".gml", ".jsonl", ".citygml", ".xml") else "map"
    return "open"
