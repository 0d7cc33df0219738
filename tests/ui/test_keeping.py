"""Work survives the end of the program: it is journaled, offered at the next start, and comes back the same."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QPushButton

from viewer.session import Session
from viewer.session.codec import state_hash
from viewer.session.edits import SetLever
from viewer.session.journal import Journal
from viewer.session.recovery import mark_opening, usable_state_folder
from viewer.ui.keeping import Keeping


@pytest.fixture
def lost(window, city_file):
    """A session with one unsaved change, left behind as by a program that ended."""
    folder, _ = usable_state_folder()
    window.opener.open([str(city_file)])
    document = window.workspace.session.document
    session = Session(document)
    journal = Journal(session, folder)
    session.edit(SetLever("storeys_added", 2))
    journal.flush()
    journal.close(keep=True)
    window.workspace.session.mark_saved()
    return state_hash(session.document)


@pytest.fixture
def keeping(window):
    made = Keeping(window, window.workspace.session, window.workspace.host)
    yield made
    made.close()


def buttons(window, text):
    return [b for banner in window.stage.toasts.banners() for b in banner.findChildren(QPushButton) if b.text() == text]


def test_lost_work_is_offered_and_comes_back_the_same(lost, window, keeping):
    keeping.start([], keeping.advise())
    (recover,) = buttons(window, "Recover")
    recover.click()
    assert state_hash(window.workspace.session.document) == lost
    assert window.workspace.session.modified
    assert window.workspace.city is not None


def test_recovered_work_is_offered_once_only(lost, window, keeping, qtbot):
    keeping.start([], keeping.advise())
    buttons(window, "Recover")[0].click()
    keeping.close()
    window.workspace.session.mark_saved()
    again = Keeping(window, window.workspace.session, window.workspace.host)
    for banner in list(window.stage.toasts.banners()):
        banner.dismiss()
    again.start([], again.advise())
    assert buttons(window, "Recover") == []
    again.close()


def test_later_keeps_the_offer_for_the_next_start(lost, window, keeping):
    keeping.start([], keeping.advise())
    buttons(window, "Later")[0].click()
    keeping.close()
    again = Keeping(window, window.workspace.session, window.workspace.host)
    again.start([], again.advise())
    assert len(buttons(window, "Recover")) == 1
    again.close()


def test_a_start_that_never_came_to_a_picture_is_followed_by_a_careful_one(window, keeping):
    folder, _ = usable_state_folder()
    mark = mark_opening(folder, ("broken.gml",), ("trees",), "widget")
    mark._lock.release()  # the program that held it is gone
    advice = keeping.advise()
    assert advice is not None and advice.skip_files == ("broken.gml",)
    assert any("without them" in banner.sentence.text() for banner in window.stage.toasts.banners())


def test_a_clean_end_leaves_nothing_to_offer(window, keeping, city_file):
    keeping.start([], keeping.advise())
    window.opener.open([str(city_file)])
    window.workspace.session.mark_saved()
    keeping.flush()
    keeping.close()
    again = Keeping(window, window.workspace.session, window.workspace.host)
    again.start([], again.advise())
    assert buttons(window, "Recover") == []
    again.close()
