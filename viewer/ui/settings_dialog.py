"""Settings: language, colours, motion, frame times, memory of the drawn city, idle time of a kiosk."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from viewer.scene.governor import MEMORY_SHARE, memory_budget
from viewer.settings import Settings
from viewer.ui import i18n, theme
from viewer.ui.i18n import LANGUAGES, number, tr, trn
from viewer.ui.widgets import beside_the_middle, set_number_language

#: The least memory of the drawn city that can be chosen, megabytes, and the most, whatever the machine has.
LEAST_MB, MOST_MB = 500, 64_000


class SettingsDialog(QDialog):
    """Every change applies at once; there is nothing to confirm."""

    #: Take back what was allowed to contact servers.
    forget_wanted = Signal()
    #: The drawn city may take so many megabytes now; 0 for a share of the machine's memory.
    memory_changed = Signal(int)

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setMinimumWidth(380)
        self.language = QComboBox()
        self.colours = QComboBox()
        self.motion = QCheckBox()
        self.frames = QCheckBox()
        self.memory = QComboBox()
        self.idle = QSpinBox()
        self.idle.setRange(15, 3600)
        self.forget = QPushButton()
        self.forget.clicked.connect(self._forget)
        self._form = QFormLayout()
        self._form.setSpacing(12)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self._buttons.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())  # not of our set
        self._buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 16)
        layout.setSpacing(16)
        layout.addLayout(self._form)
        layout.addStretch(1)
        layout.addWidget(self._buttons)
        self._rows = [
            ("Language", self.language),
            ("Colours", self.colours),
            ("", self.motion),
            ("", self.frames),
            ("Memory of the drawn city", self.memory),
            ("Seconds until a stand starts again", self.idle),
            ("Servers allowed for good", self.forget),
        ]
        for text, field in self._rows:
            self._form.addRow(tr(text) if text else "", field)
        beside_the_middle(self._form)
        self._fill()
        self.language.activated.connect(self._set_language)
        self.colours.activated.connect(self._set_theme)
        self.motion.toggled.connect(lambda on: settings.update(reduced_motion=on))
        self.frames.toggled.connect(lambda on: settings.update(performance_overlay=on))
        self.memory.activated.connect(self._set_memory)
        self.idle.valueChanged.connect(lambda seconds: settings.update(idle_seconds=seconds))
        i18n.language_changed.connect(self._fill)

    def _fill(self) -> None:
        value = self._settings.value
        set_number_language(self.idle)
        self.setWindowTitle(tr("Settings"))
        for text, field in self._rows:
            words = self._form.labelForField(field)
            if text and words is not None:
                words.setText(tr(text))
                field.setAccessibleName(tr(text))
        self._buttons.button(QDialogButtonBox.StandardButton.Close).setText(tr("Close"))
        self.language.clear()
        self.language.addItem(tr("As the system"), "")
        for code, name in LANGUAGES.items():
            self.language.addItem(name, code)
        self.language.setCurrentIndex(max(0, self.language.findData(value.language)))
        self.colours.clear()
        for text, key in ((tr("As the system"), ""), (tr("Light"), "light"), (tr("Dark"), "dark")):
            self.colours.addItem(text, key)
        self.colours.setCurrentIndex(max(0, self.colours.findData(value.theme)))
        self.motion.setText(tr("Jump instead of flying (reduced motion)"))
        self.motion.setChecked(value.reduced_motion)
        self.frames.setText(tr("Show frame times over the picture"))
        self.frames.setChecked(value.performance_overlay)
        self.memory.clear()
        self.memory.addItem(tr("Automatic (a quarter of this machine)"), 0)
        for megabytes in sorted({*memory_choices(), value.city_memory_mb} - {0}):
            self.memory.addItem(_size(megabytes), megabytes)
        self.memory.setCurrentIndex(max(0, self.memory.findData(value.city_memory_mb)))
        self.memory.setToolTip(
            tr("What the city may take on the graphics card. With less, far parts are coarser. Applies at once.")
        )
        self.idle.setValue(value.idle_seconds)
        hosts = value.allowed_hosts
        self.forget.setText(trn("Forget {n} server", "Forget {n} servers", len(hosts)) if hosts else tr("None"))
        self.forget.setToolTip("\n".join(hosts))
        self.forget.setEnabled(bool(hosts))

    def _forget(self) -> None:
        self.forget_wanted.emit()
        self._fill()

    def _set_language(self, index: int) -> None:
        code = self.language.itemData(index)
        self._settings.update(language=code)
        i18n.set_language(code)

    def _set_memory(self, index: int) -> None:
        megabytes = self.memory.itemData(index)
        self._settings.update(city_memory_mb=megabytes)
        self.memory_changed.emit(megabytes)

    def _set_theme(self, index: int) -> None:
        wish = self.colours.itemData(index)
        self._settings.update(theme=wish)
        theme.apply(QApplication.instance(), wish)


def memory_choices() -> tuple[int, ...]:
    """Megabytes the drawn city may be given here: doubling, up to what the machine has."""
    most = min(MOST_MB, memory_budget() / MEMORY_SHARE / 1e6)
    choices = [LEAST_MB]
    while choices[-1] * 2 <= most:
        choices.append(choices[-1] * 2)
    return tuple(choices)


def _size(megabytes: int) -> str:
    if megabytes < 1000:
        return tr("{value} MB", value=number(megabytes))
    return tr("{value} GB", value=number(megabytes / 1000, None))
