"""Undo, gestures and what counts as saved."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from viewer.scenario import LEVERS, Selection, WholeCity
from viewer.session import Document, Session
from viewer.session.edits import (
    AddScenario,
    DeleteScenario,
    RenameScenario,
    ResetLever,
    SetLever,
    SetTitle,
    ShowScenario,
)

names = st.sampled_from(["A", "B", "C"])
edits = st.one_of(
    st.sampled_from(sorted(LEVERS)).flatmap(
        lambda n: st.builds(
            SetLever,
            st.just(n),
            st.floats(LEVERS[n].minimum, LEVERS[n].maximum),
            st.sampled_from([WholeCity(), Selection(("a",))]),
        )
    ),
    st.builds(ResetLever, st.sampled_from(sorted(LEVERS))),
    st.builds(AddScenario, names, names),
    st.builds(RenameScenario, names, names),
    st.builds(DeleteScenario, names),
    st.builds(ShowScenario, names),
    st.builds(SetTitle, names),
)


@given(st.lists(st.tuples(edits, st.booleans()), max_size=20))
def test_undo_returns_to_the_baseline_and_redo_to_the_end(steps):
    session = Session()
    start = session.document
    for edit, merge in steps:
        session.edit(edit, merge=merge)
    end = session.document
    undone = 0
    while session.undo_edit is not None:
        session.undo()
        undone += 1
    assert {s.name: s for s in session.document.scenarios} == {s.name: s for s in start.scenarios}
    assert session.document.title == start.title
    for _ in range(undone):
        session.redo()
    assert session.redo_edit is None
    if not steps or not isinstance(steps[-1][0], ShowScenario):
        assert session.document.scenarios == end.scenarios and session.document.title == end.title


def test_a_drag_is_one_step_and_tells_so():
    session, seen = Session(), []
    session.edited.connect(lambda edit, merged: seen.append(merged))
    for value in (110, 120, 130):
        session.edit(SetLever("height_percent", value), merge=True)
    session.end_gesture()
    session.edit(SetLever("height_percent", 140), merge=True)
    assert seen == [False, True, True, False]
    session.undo()
    assert session.document.scenario.value("height_percent") == 130
    session.undo()
    assert session.document.scenario.is_baseline and session.undo_edit is None


def test_modified_is_about_the_saved_state_and_not_about_steps():
    session, told = Session(), []
    session.saved.connect(lambda document, path: told.append((document, path)))
    session.edit(SetTitle("a"))
    assert session.modified
    session.mark_saved(Path("a.stadtforum"))
    assert not session.modified and session.path == Path("a.stadtforum")
    session.edit(SetTitle("b"))
    session.undo()
    assert not session.modified
    session.mark_saved()
    assert session.path == Path("a.stadtforum")
    session.open(Document(title="c"), saved=False)
    assert session.modified and session.path is None
    assert [t[1] for t in told] == [Path("a.stadtforum"), Path("a.stadtforum"), None]
    assert told[-1][0] is None
