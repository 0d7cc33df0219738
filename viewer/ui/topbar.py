"""The one slim bar on top: menus, session name, open and save, undo, scenario, colouring, presenting."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QMenuBar, QSizePolicy, QToolButton, QWidget

from viewer.ui import icons, theme
from viewer.ui.i18n import bind
from viewer.ui.theme import TARGET
from viewer.ui.widgets import ElidedLabel, label

#: From this width on there is room for words beside the symbols.
_WIDE = 1240


class TopBar(QWidget):
    """Holds the widgets; the window gives them their meaning."""

    scenario_wanted = Signal(str)
    colour_wanted = Signal(str)

    def __init__(self, actions: dict[str, QAction], menu_bar: QMenuBar) -> None:
        super().__init__()
        self.setObjectName("topbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(52)
        self._logo = QLabel()
        self._logo.setFixedSize(28, 28)
        self.title = ElidedLabel("title")
        self.scenario = _combo("Scenario shown", 150)
        self.colour = _combo("Colour by", 140)
        self.scenario.activated.connect(lambda at: self.scenario_wanted.emit(self.scenario.itemData(at)))
        self.colour.activated.connect(lambda at: self.colour_wanted.emit(self.colour.itemData(at)))
        bar = QHBoxLayout(self)
        bar.setContentsMargins(12, 0, 12, 0)
        bar.setSpacing(4)
        menu_bar.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        menu_bar.setNativeMenuBar(True)
        bar.addWidget(self._logo)
        bar.addWidget(menu_bar, 0, Qt.AlignmentFlag.AlignVCenter)
        bar.addSpacing(8)
        for key in ("open", "save", "undo", "redo"):
            bar.addWidget(tool_for(actions[key]))
        bar.addSpacing(8)
        bar.addWidget(self.title, 1)
        bar.addWidget(self.scenario)
        bar.addWidget(tool_for(actions["compare"]))
        bar.addSpacing(8)
        self._colour_words = label("Colour by", "muted")
        bar.addWidget(self._colour_words)
        bar.addWidget(self.colour)
        bar.addSpacing(8)
        self._present = tool_for(actions["present"], words=True)
        actions["present"].visibleChanged.connect(lambda: self._present.setVisible(actions["present"].isVisible()))
        bar.addWidget(self._present)
        self.language = QToolButton()
        self.language.setMinimumSize(TARGET, TARGET)
        bind(self.language.setToolTip, "Switch between German and English")
        bind(self.language.setAccessibleName, "Switch between German and English")
        bar.addWidget(self.language)
        bar.addWidget(tool_for(actions["dark"]))
        bar.addWidget(tool_for(actions["left_panel"]))
        bar.addWidget(tool_for(actions["right_panel"]))
        self._paint_logo()
        theme.theme_changed.connect(self._paint_logo)

    def show_choices(
        self,
        *,
        scenarios: list[tuple[str, str]],
        scenario: str,
        colours: list[tuple[str, str]],
        colour: str,
        enabled: bool,
    ) -> None:
        """Offer scenarios and colourings, (text, key) each, and show which are chosen."""
        for combo, wanted, chosen in ((self.scenario, scenarios, scenario), (self.colour, colours, colour)):
            if [(combo.itemText(i), combo.itemData(i)) for i in range(combo.count())] != wanted:
                combo.clear()
                for text, data in wanted:
                    combo.addItem(text, data)
            combo.setCurrentIndex(max(0, combo.findData(chosen)))
            combo.setEnabled(enabled)

    def resizeEvent(self, event) -> None:
        """Where room is short, words go before menus do."""
        super().resizeEvent(event)
        wide = self.width() >= _WIDE
        self._colour_words.setVisible(wide)
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if wide else Qt.ToolButtonStyle.ToolButtonIconOnly
        self._present.setToolButtonStyle(style)

    def _paint_logo(self) -> None:
        self._logo.setPixmap(icons.pixmap("logo", theme.colors().accent_text, 28, self.devicePixelRatioF()))


def tool_for(action: QAction, *, words: bool = False) -> QToolButton:
    """A button that shows an action."""
    made = QToolButton()
    made.setDefaultAction(action)
    made.setIconSize(QSize(20, 20))
    made.setMinimumSize(TARGET, TARGET)
    if words:
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return made


def _combo(name: str, width: int) -> QComboBox:
    made = QComboBox()
    made.setMinimumWidth(width)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(8)
    bind(made.setToolTip, name)
    bind(made.setAccessibleName, name)
    return made
