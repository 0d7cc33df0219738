"""The whole window, told as a story: open the sample, lay data over it, plan, compare, present, save, open again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from viewer.plugin_host import PluginHost
from viewer.session import Session
from viewer.session.codec import state_hash
from viewer.settings import Settings
from viewer.workspace import Workspace

pytestmark = [pytest.mark.window, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def make_window(qtbot, tmp_path):
    """Windows over the real view, with tasks that run at once; closed again at the end."""
    from viewer.ui.tasks import ImmediateRunner
    from viewer.ui.window import MainWindow

    made = []

    def make() -> MainWindow:
        settings = Settings(tmp_path / f"preferences-{len(made)}.json")
        settings.update(reduced_motion=True)
        workspace = Workspace(Session(), PluginHost([ROOT / "plugins"], packages=False))
        window = MainWindow(workspace, ImmediateRunner(), settings)
        window.resize(1400, 900)
        window.show()
        qtbot.waitExposed(window)
        window.start_view()
        made.append(window)
        return window

    yield make
    for window in made:
        window.workspace.session.mark_saved()
        window.close()
        window.deleteLater()
    qtbot.wait(10)


def picture(window) -> np.ndarray:
    """(H, W, 3) of the city as it is on screen now."""
    image = window.view.picture().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).astype(np.int16)


def difference(one: np.ndarray, two: np.ndarray) -> float:
    """Share of the pixels that differ visibly."""
    return float((np.abs(one - two).max(axis=2) > 12).mean())


def value(window, name: str) -> float:
    return next(r.value for r in window.workspace.indicators() if r.id == name)


def is_open(window) -> bool:
    return window.workspace.city is not None and not window.workspace.missing_sources()


def settle(qtbot, window) -> None:
    window.view.redraw()
    qtbot.wait(600)


def write_trees(window, folder: Path) -> Path:
    """A register of forty trees around the middle of the city, in its coordinates."""
    centre = window.workspace.frame.crs_from_local(window.workspace.measures.centre_local.mean(axis=0))
    rows = ["baumart;x;y;hoehe"]
    rows += [f"Linde;{centre[0] + 9 * (n % 8):.1f};{centre[1] + 9 * (n // 8):.1f};{8 + n % 9}" for n in range(40)]
    path = folder / "neue baeume.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_planning_session_from_opening_to_opening_again(make_window, qtbot, tmp_path, monkeypatch):
    # open the sample
    window = make_window()
    window.opener.open_sample()
    qtbot.waitUntil(
        lambda: window.workspace.city is not None and not window.workspace.missing_sources(), timeout=60_000
    )
    assert value(window, "building_count") > 1000
    assert len(window.workspace.session.document.views) == 5
    window.view.home()
    settle(qtbot, window)
    start = picture(window)
    assert len(np.unique(start.reshape(-1, 3), axis=0)) > 500, "the city is drawn"

    # lay a tree register over it
    layers = len(window.workspace.layer_views())
    window.opener.open([str(write_trees(window, tmp_path))])
    qtbot.waitUntil(lambda: len(window.workspace.layer_views()) == layers + 1)
    assert len(window.workspace.layer_views()[-1].layer) == 40

    # raise storeys in a drawn area: picture and number change together
    middle = window.workspace.measures.centre_local[: len(window.workspace.measures.is_building)].mean(axis=0)
    ring = middle + np.array([[-260.0, -260.0], [260.0, -260.0], [260.0, 260.0], [-260.0, 260.0]])
    window.area_drawn.emit(ring)
    panel = window.planning.scenario
    row = panel.rows["storeys_added"]
    settle(qtbot, window)
    before, floor_area = picture(window), value(window, "gross_floor_area")
    document = window.workspace.session.document
    for step in (1.0, 2.0, 4.0):  # a drag: several ticks, one gesture
        row.moved.emit(step, True)
    row.released.emit()
    settle(qtbot, window)
    raised = picture(window)
    assert value(window, "gross_floor_area") > floor_area
    assert difference(before, raised) > 0.003
    changed = window.workspace.change()
    assert 0 < int((changed.storeys_added > 0).sum()) < value(window, "building_count")

    # one step back undoes the whole drag
    window.act["undo"].trigger()
    settle(qtbot, window)
    assert window.workspace.session.document == document
    assert value(window, "gross_floor_area") == pytest.approx(floor_area, rel=1e-9)
    assert difference(before, picture(window)) < 0.002
    window.act["redo"].trigger()

    # compare today with the scenario
    window.act["compare"].setChecked(True)
    settle(qtbot, window)
    halves = picture(window)
    assert difference(raised, halves) > 0.05
    window.act["compare"].setChecked(False)

    # present: steps by key, Escape leaves
    active = window.workspace.session.document.active
    window.act["present"].trigger()
    qtbot.wait(300)
    assert not window.left.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_Right)
    qtbot.wait(200)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    qtbot.wait(300)
    assert window.left.isVisible()
    assert window.workspace.session.document.active == active

    # save, and open again in another window
    target = tmp_path / "Mein Plan für Auenstadt.stadtforum"
    monkeypatch.setattr(
        "viewer.ui.session_files.QFileDialog.getSaveFileName", lambda *a, **k: (str(target), a[3] if len(a) > 3 else "")
    )
    window.act["save"].trigger()
    assert target.is_file()
    assert not window.workspace.session.modified
    saved = state_hash(window.workspace.session.document)
    numbers = {r.id: r.value for r in window.workspace.indicators()}
    window.files.release()

    second = make_window()
    second.opener.open([str(target)])
    qtbot.waitUntil(
        lambda: second.workspace.city is not None and not second.workspace.missing_sources(), timeout=60_000
    )
    assert state_hash(second.workspace.session.document) == saved
    assert {r.id: r.value for r in second.workspace.indicators()} == pytest.approx(numbers)
