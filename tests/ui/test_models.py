"""A placed model: fields, pointer and keys move it, each gesture is one step back, scenarios show it or not."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QFormLayout

from tests.readers.test_models import stl
from viewer.session.edits import AddScenario, DeleteScenario, RenameScenario, ShowScenario
from viewer.session.placement import placement_of
from viewer.ui import i18n


@pytest.fixture
def placed(city_window, qtbot, tmp_path):
    """The window with nine buildings and a block beside them; the key of its source."""
    city_window.opener.open([str(stl(tmp_path / "block.stl"))])
    qtbot.waitUntil(lambda: len(city_window.workspace.session.document.sources) == 2)
    qtbot.wait(1)
    return city_window, city_window.workspace.session.document.sources[1].key


def where(window, key):
    return placement_of(window.workspace.session.document.source(key).options)


def view_of(window, key, scenario=None):
    return next(view for view in window.workspace.layer_views(scenario) if view.key == key)


def press(widget, key, keys=Qt.KeyboardModifier.NoModifier):
    QApplication.sendEvent(widget, QKeyEvent(QEvent.Type.KeyPress, key, keys))


def test_a_model_is_put_beside_the_city_on_the_ground(placed):
    window, key = placed
    _, high = window.workspace.city.extent_local
    matrix = view_of(window, key).matrix
    assert matrix[0, 3] > high[0] + 2
    assert matrix[2, 3] == pytest.approx(0.0, abs=0.2)


def test_numbers_move_turn_and_scale_it(placed):
    window, key = placed
    fields = window.layers.cards[key].model.fields
    fields["east"].setValue(565100.5)
    fields["turn_deg"].setValue(90.0)
    fields["scale"].setValue(2.0)
    fields["height_m"].setValue(3.0)
    placement = where(window, key)
    assert (placement.east, placement.turn_deg, placement.scale, placement.height_m) == (565100.5, 90.0, 2.0, 3.0)
    matrix = view_of(window, key).matrix
    assert np.linalg.norm(matrix[:3, 0]) == pytest.approx(2.0)
    assert matrix[:3, :3] @ [0, 1, 0] == pytest.approx([2, 0, 0], abs=1e-9)


def test_numbers_are_written_as_the_language_does_it(placed):
    window, key = placed
    field = window.layers.cards[key].model.fields["east"]
    field.setValue(565100.5)
    before = where(window, key)
    try:
        i18n.set_language("de")
        assert field.text() == "565100,50 m"
        i18n.set_language("en")
        assert field.text() == "565100.50 m"
    finally:
        i18n.set_language("en")
    assert where(window, key) == before  # another way of writing is no edit


def test_the_words_of_a_field_stand_beside_its_middle(placed, qtbot):
    window, key = placed
    card = window.layers.cards[key]
    card.fold.setChecked(True)
    qtbot.wait(20)
    form = card.model.findChild(QFormLayout)
    for field in card.model.fields.values():
        words = form.labelForField(field)
        assert words.alignment() & Qt.AlignmentFlag.AlignVCenter
        assert words.geometry().center().y() == pytest.approx(field.geometry().center().y(), abs=1)


def test_a_drag_is_one_step_and_shift_turns(placed):
    window, key = placed
    mover = window.mover
    mover.hold(key)
    assert window.layers.cards[key].model.move_button.isChecked()
    before = where(window, key)
    at = {0: (0.0, 0.0), 10: (5.0, 1.0), 20: (12.0, -3.0)}
    mover._view.ground_at = lambda position: np.array([*at[int(position.x())], 0.0])
    drag = mover._view.navigator.dragged
    drag.emit(QPointF(0, 0), QPointF(10, 0), Qt.KeyboardModifier.NoModifier, False)
    drag.emit(QPointF(0, 0), QPointF(20, 0), Qt.KeyboardModifier.NoModifier, True)
    after = where(window, key)
    assert (after.east - before.east, after.north - before.north) == pytest.approx((12.0, -3.0))
    drag.emit(QPointF(0, 0), QPointF(20, 0), Qt.KeyboardModifier.ShiftModifier, True)
    assert where(window, key).turn_deg == pytest.approx(10.0)
    window.workspace.session.undo()
    assert where(window, key) == after
    window.workspace.session.undo()
    assert where(window, key) == before


def test_ctrl_lifts_and_alt_sizes_it(placed):
    window, key = placed
    window.mover.hold(key)
    before = where(window, key)
    drag = window.mover._view.navigator.dragged
    drag.emit(QPointF(0, 100), QPointF(0, 40), Qt.KeyboardModifier.ControlModifier, True)
    lifted = where(window, key)
    assert lifted.height_m == pytest.approx(60 * window.view.metres_per_pixel, abs=0.01)
    drag.emit(QPointF(0, 100), QPointF(0, 40), Qt.KeyboardModifier.AltModifier, True)
    assert where(window, key).scale == pytest.approx(before.scale * np.exp(0.3), rel=1e-4)


def test_keys_move_it_by_a_metre_and_esc_lets_go(placed):
    window, key = placed
    before = where(window, key)
    window.mover.hold(key)
    press(window.view, Qt.Key.Key_Right)
    press(window.view, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    press(window.view, Qt.Key.Key_PageUp)
    after = where(window, key)
    moved = (after.east - before.east, after.north - before.north, after.height_m)
    assert moved == pytest.approx((1.0, 0.1, 1.0), abs=2e-3)
    press(window.view, Qt.Key.Key_Escape)
    assert window.mover.key == "" and not window.layers.cards[key].model.move_button.isChecked()
    press(window.view, Qt.Key.Key_Right)
    assert where(window, key) == after


def test_it_replaces_buildings_in_one_scenario_only(placed):
    window, key = placed
    workspace = window.workspace
    session = workspace.session
    name = session.document.active
    workspace.select([4])
    fields = window.layers.cards[key].model
    assert fields.replace_button.isEnabled()
    fields.replace_button.click()
    assert session.document.scenario.removed == frozenset({"house-4"})
    assert where(window, key).scenario == name
    assert view_of(window, key, name).visible and not view_of(window, key, "").visible
    session.edit(AddScenario("Other"))
    states = [workspace.scene_state(scenario).layers[0].visible for scenario in (name, "Other", "")]
    assert states == [True, False, False]
    session.edit(ShowScenario(name))
    session.edit(RenameScenario(name, "New square"))
    assert where(window, key).scenario == "New square"
    session.edit(DeleteScenario("New square"))
    assert not view_of(window, key, "Other").visible
    for _ in range(2):
        session.undo()
    session.undo()
    session.undo()
    assert session.document.scenario.removed == frozenset() and where(window, key).scenario == ""


def test_the_place_is_kept_in_the_session_file(placed, tmp_path):
    from viewer.session.store import load_session, save_session

    window, key = placed
    window.layers.cards[key].model.fields["turn_deg"].setValue(33.0)
    save_session(tmp_path / "plan.stadtforum", window.workspace.session.document)
    document, _ = load_session(tmp_path / "plan.stadtforum")
    assert placement_of(document.source(key).options) == where(window, key)


def test_another_unit_scales_what_was_guessed(placed, qtbot):
    window, key = placed
    window.opener.reread(key, {"unit": "cm"})
    qtbot.waitUntil(lambda: where(window, key).scale == 0.01)
