"""Asks a person before a server is contacted, and for the name and password it wants; remembers what was allowed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from viewer.errors import LoginError, NotConnectedError
from viewer.plugin_api.net import Network
from viewer.settings import Settings
from viewer.ui.i18n import tr
from viewer.ui.toasts import Toasts
from viewer.ui.widgets import label

Again = Callable[[], object]


class Connecting(QObject):
    """One question per server, however many sources wait for the answer.

    What was allowed for good stands in the settings of this computer, never in a session.
    """

    def __init__(self, network: Network, settings: Settings, toasts: Toasts, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.network, self._settings, self._toasts = network, settings, toasts
        self._asked: dict[str, list[Again]] = {}
        for host in settings.value.allowed_hosts:
            network.allow(host)

    def takes(self, error: Exception, again: Again) -> bool:
        """Ask what an error needs, then do it again; false if a question is no answer to it."""
        if isinstance(error, NotConnectedError):
            self.ask(str(error.values["host"]), again)
            return True
        if isinstance(error, LoginError) and not error.hint:
            self._ask_login(str(error.values["host"]), again)
            return True
        return False

    def ask(self, host: str, again: Again) -> None:
        """Ask whether a server may be contacted; ``again`` follows if it may."""
        waiting = self._asked.get(host)
        if waiting is not None:
            waiting.append(again)
            return
        self._asked[host] = [again]
        banner = self._toasts.ask(
            "Connect to {host}?",
            (
                ("Connect", lambda: self._allow(host, for_good=False)),
                ("Always connect", lambda: self._allow(host, for_good=True)),
            ),
            hint="The server learns the address of this computer and which part of the city is looked at.",
            host=host,
        )
        # a button closes the banner first and answers then: only what nobody answers is dropped
        banner.closed.connect(lambda: QTimer.singleShot(0, self, lambda: self._asked.pop(host, None)))

    def forget_all(self) -> None:
        """Take back every permission."""
        for host in self._settings.value.allowed_hosts:
            self.network.forbid(host)
        self._settings.update(allowed_hosts=())

    def _allow(self, host: str, *, for_good: bool) -> None:
        self.network.allow(host)
        if for_good:
            kept = self._settings.value.allowed_hosts
            self._settings.update(allowed_hosts=tuple(dict.fromkeys((*kept, host))))
        for again in self._asked.pop(host, []):
            again()

    def _ask_login(self, host: str, again: Again) -> None:
        dialog = LoginDialog(host, self._toasts.window())
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self.network.set_login(host, dialog.name.text(), dialog.password.text())
            again()
        else:
            self._toasts.show_error(LoginError(host))


class LoginDialog(QDialog):
    """Name and password for one server. They are kept until the program ends and written nowhere."""

    def __init__(self, host: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Name and password"))
        self.setMinimumWidth(360)
        self.name, self.password = QLineEdit(), QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.name.setAccessibleName(tr("Name"))
        self.password.setAccessibleName(tr("Password"))
        form = QFormLayout()
        form.setSpacing(12)
        form.addRow(tr("Name"), self.name)
        form.addRow(tr("Password"), self.password)
        standard = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(standard.Ok | standard.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 16)
        layout.setSpacing(16)
        layout.addWidget(label("{host} wants a name and a password.", "section", wrap=True, host=host))
        layout.addLayout(form)
        layout.addWidget(label("They are kept until the program ends, and written nowhere.", "muted", wrap=True))
        layout.addWidget(buttons)
