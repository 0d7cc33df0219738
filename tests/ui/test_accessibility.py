"""Every control can be named by a screen reader, reached by Tab and hit with a finger."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDialogButtonBox,
    QLineEdit,
    QScrollBar,
    QSlider,
    QTabBar,
    QWidget,
)

from viewer.scene.camera import Pose
from viewer.session.document import Camera, View
from viewer.session.edits import SetViews

CONTROLS = (QAbstractButton, QSlider, QComboBox, QAbstractSpinBox, QLineEdit)
#: Smallest side after WCAG 2.2, 2.5.8.
TARGET_PX = 24


def controls(top: QWidget) -> list[QWidget]:
    """Everything a person operates that is visible, without the inner parts of Qt's own widgets."""
    found = [w for kind in CONTROLS for w in top.findChildren(kind) if w.isVisible() and w.isEnabled()]
    return [w for w in found if not w.objectName().startswith("qt_") and not _inner(w) and _operable(w)]


def _inner(widget: QWidget) -> bool:
    owner = widget.parent()
    return isinstance(owner, QAbstractSpinBox | QComboBox | QTabBar | QScrollBar | QLineEdit) or (
        widget.metaObject().className() == "QMenuBarExtension"
    )


def _operable(widget: QWidget) -> bool:
    return not widget.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)


def named(widget: QWidget) -> bool:
    text = getattr(widget, "text", lambda: "")() if isinstance(widget, QAbstractButton) else ""
    return bool(widget.accessibleName() or text or widget.toolTip())


def describe(widget: QWidget) -> str:
    owner = widget.parent()
    return f"{type(widget).__name__} in {type(owner).__name__} {widget.accessibleName() or widget.toolTip()!r}"


def faults(top: QWidget) -> dict[str, list[str]]:
    all_of_them = controls(top)
    assert all_of_them
    return {
        "nameless": [describe(w) for w in all_of_them if not named(w)],
        "out of reach": [describe(w) for w in all_of_them if not w.focusPolicy() & Qt.FocusPolicy.TabFocus],
        "small": [
            f"{describe(w)} {w.width()} x {w.height()}" for w in all_of_them if min(w.width(), w.height()) < TARGET_PX
        ],
    }


NONE = {"nameless": [], "out of reach": [], "small": []}


@pytest.fixture
def full_window(city_window, trees_file, qtbot):
    """City, layer, selection, report, comparison and a saved view: as much as can be open at once."""
    window = city_window
    window.resize(1500, 950)
    window.opener.open([str(trees_file)])
    qtbot.waitUntil(lambda: len(window.layers.cards) == 2)
    camera = Camera((565_040.0, 5_933_800.0, 200.0), (565_040.0, 5_934_040.0, 0.0))
    window.workspace.session.edit(SetViews((View("From the south", camera),)))
    window.workspace.select([4])
    window.show_report(next(iter(window.workspace.reports)))
    window.act["compare"].setChecked(True)
    window.act["performance"].setChecked(True)
    qtbot.wait(20)
    return window


def test_every_control_of_the_open_window_is_named_reachable_and_large_enough(full_window):
    assert faults(full_window) == NONE


def test_every_control_of_the_story_is_named_reachable_and_large_enough(full_window, qtbot):
    full_window.planning._tabs.setCurrentIndex(1)
    qtbot.wait(20)
    assert faults(full_window.planning) == NONE


def test_every_control_of_the_empty_window_is_named_reachable_and_large_enough(window, qtbot, city_file):
    window.stage.welcome.set_recent((str(city_file),))
    qtbot.wait(20)
    assert faults(window) == NONE


def dialogs(window):
    """Every dialog of the window by name, made but not run."""
    from viewer.ui.about import AboutDialog, KeysDialog
    from viewer.ui.export_city_dialog import ExportCityDialog
    from viewer.ui.export_dialog import ExportDialog
    from viewer.ui.picture_dialog import PictureDialog
    from viewer.ui.record_dialog import RecordDialog
    from viewer.ui.settings_dialog import SettingsDialog

    workspace = window.workspace
    import numpy as np

    def blank(state, size, pose):
        return np.full((size[1], size[0], 3), 200, np.uint8)

    record = next(r for r in workspace.indicators() if r.value is not None)
    return {
        "settings": lambda: SettingsDialog(window.settings, window),
        "keys": lambda: KeysDialog(window),
        "about": lambda: AboutDialog(window),
        "picture": lambda: PictureDialog(workspace, Pose((0.0, 0.0, 0.0), 300.0, 0.0, 45.0), draw=blank, parent=window),
        "export": lambda: ExportDialog(workspace, parent=window),
        "export_city": lambda: ExportCityDialog(workspace, window.tasks, window.stage.toasts, window),
        "record": lambda: RecordDialog(record, window),
    }


DIALOGS = ("settings", "keys", "about", "picture", "export", "export_city", "record")


@pytest.mark.parametrize("name", DIALOGS)
def test_every_control_of_a_dialog_is_named_reachable_and_large_enough(city_window, qtbot, name):
    dialog = dialogs(city_window)[name]()
    dialog.show()
    qtbot.wait(20)
    found = faults(dialog)
    dialog.close()
    dialog.deleteLater()
    assert found == NONE


def test_tab_reaches_every_part_of_the_window(city_window, qtbot):
    """Following the focus chain from the top bar meets bar, layers, picture and planning side."""
    seen, widget = [], city_window.topbar.scenario
    for _ in range(3000):
        widget = widget.nextInFocusChain()
        if widget is city_window.topbar.scenario:
            break
        if widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            seen.append(widget)
    parts = (city_window.topbar, city_window.left, city_window.navigation, city_window.tools_pad, city_window.right)
    missing = [part.objectName() or type(part).__name__ for part in parts if not any(map(part.isAncestorOf, seen))]
    assert missing == []
    assert city_window.view in seen


def test_dialog_buttons_speak_the_language(city_window):
    from viewer.ui import i18n

    i18n.set_language("de")
    dialog = dialogs(city_window)["about"]()
    box = dialog.findChild(QDialogButtonBox)
    assert [b.text() for b in box.buttons()] == ["Schließen"]
    dialog.deleteLater()
