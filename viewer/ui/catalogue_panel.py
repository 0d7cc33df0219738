"""The catalogue: folders, lists and servers in one tree; an entry is opened by Enter, or dragged onto the city."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QFileDialog, QLineEdit, QMenu, QTreeWidgetItem, QWidget

from viewer.errors import ReadError, ViewerError
from viewer.plugin_api import Entry
from viewer.settings import Settings
from viewer.ui.catalogue_tree import CatalogueTree
from viewer.ui.connecting import Connecting
from viewer.ui.i18n import bind, error_text, language_changed, tr
from viewer.ui.tasks import Tasks
from viewer.ui.widgets import Card, button, label, row, tool
from viewer.workspace.catalogue import LIST_NAMES, Catalogue

WIDTH = 350


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
        self.catalogue, self._settings = catalogue, settings
        self._filled = False
        self.setFixedWidth(WIDTH)
        self.tree = CatalogueTree(catalogue, tasks, connecting)
        self.tree.open_wanted.connect(self.open_wanted)
        self.tree.looked.connect(lambda: self._describe(self.tree.currentItem()))
        self.tree.currentItemChanged.connect(lambda item: self._describe(item))
        self._make_head()
        self._make_address()
        self._make_actions()
        self._empty = self._make_empty()
        self.title_of = label("", "section", translate=False, wrap=True)
        self.about = label("", "muted", translate=False, wrap=True)
        self.about.setMaximumHeight(96)
        self.credit = label("", "small", translate=False, wrap=True)
        self.open_button = button("Open on the city", self.tree.open_current, role="primary", icon="open")
        for widget in (self.tree, self._empty):
            self.body.addWidget(widget, 1)
        for widget in (self.title_of, self.about, self.credit):
            self.body.addWidget(widget)
        self.body.addLayout(row(None, self.open_button))
        self.hide()
        language_changed.connect(self._retranslate)
        self._describe(None)

    # -- parts -------------------------------------------------------------------------------------

    def _make_head(self) -> None:
        self._add_menu = QMenu(self)
        self.add_button = tool("plus", "Add a folder, a list or a server", self._show_add_menu)
        head = row()
        head.addWidget(label("Catalogue", "title"), 1)
        head.addWidget(self.add_button)
        head.addWidget(tool("reset", "Look again", self.tree.look_again))
        head.addWidget(tool("close", "Close the catalogue", self.hide))
        self.body.addLayout(head)
        self.search = QLineEdit()
        self.search.setClearButtonEnabled(True)
        bind(self.search.setPlaceholderText, "Search what is unfolded")
        bind(self.search.setAccessibleName, "Search what is unfolded")
        self.search.textChanged.connect(lambda text: self.tree.search(text.casefold().split()))
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
            ("Open on the city", "", self.tree.open_current),
            ("Look again", "F5", self.tree.look_again),
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
        """Come forward, ready for the keyboard. Only now its places are looked at: a drive may sleep."""
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
            self.tree.add_root(entry)
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
            self.tree.add_root(entry)
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

    # -- what is chosen --------------------------------------------------------------------------------

    def _tell_address(self, error: ViewerError) -> None:
        self._describe(None)
        self.about.setText(" ".join(filter(None, error_text(error)[:2])))
        self.about.show()

    def _describe(self, item: QTreeWidgetItem | None) -> None:
        """What the chosen entry is and who made it."""
        entry = self.tree.entry_of(item)
        texts = ("", self.tree.told(item), "")
        if entry is not None:
            place = entry.address or ("" if entry.path is None else str(entry.path))
            texts = (entry.title, entry.abstract or place, entry.credit)
        for widget, text in zip((self.title_of, self.about, self.credit), texts, strict=True):
            widget.setText(text)
            widget.setToolTip(text if widget is self.about else "")
            widget.setVisible(bool(text))
        can_open = self.tree.opens(item)
        self.open_button.setVisible(entry is not None)
        self.open_button.setEnabled(can_open)
        self._actions[0].setEnabled(can_open)

    def _retranslate(self) -> None:
        self._describe(self.tree.currentItem())
