from __future__ import annotations

import threading

import pytest

from viewer.errors import ReadError
from viewer.ui.tasks import ImmediateRunner, TaskRunner


@pytest.fixture
def runner(qapp):
    made = TaskRunner()
    yield made
    assert made.shutdown()
    qapp.processEvents()


def test_the_answer_arrives_on_the_main_thread(runner, qtbot):
    seen = []
    runner.start("a", lambda progress: threading.get_ident(), lambda ident: seen.append((ident, threading.get_ident())))
    qtbot.waitUntil(lambda: bool(seen))
    worker, main = seen[0]
    assert main == threading.get_ident() != worker


def test_the_newest_task_of_a_key_wins_and_late_answers_are_dropped(runner, qtbot):
    gate, answers = threading.Event(), []
    runner.start("a", lambda progress: gate.wait(5) and "old", answers.append)
    runner.start("a", lambda progress: "new", answers.append)
    qtbot.waitUntil(lambda: answers == ["new"])
    gate.set()
    qtbot.wait(50)
    assert answers == ["new"]


def test_cancelling_stops_the_work_and_is_no_error(runner, qtbot):
    stopped, errors = threading.Event(), []
    runner.error.connect(errors.append)

    def work(progress):
        try:
            while True:
                progress.report(0.5)
        finally:
            stopped.set()

    runner.start("a", work, lambda _: errors.append("answered"))
    qtbot.wait(20)
    runner.cancel("a")
    assert not runner.busy()
    assert stopped.wait(5)
    qtbot.wait(20)
    assert errors == []


def test_progress_is_told_with_its_words(runner, qtbot):
    told = []
    runner.progressed.connect(lambda key, share, text: told.append((key, share, text)))
    runner.start("a", lambda progress: progress.report(1.0, "Reading"))
    qtbot.waitUntil(lambda: told == [("a", 1.0, "Reading")])


def test_an_error_goes_to_one_place(runner, qtbot):
    def work(progress):
        raise ReadError("This file cannot be read.")

    with qtbot.waitSignal(runner.error) as caught:
        runner.start("a", work)
    assert isinstance(caught.args[0], ReadError)
    assert not runner.busy()


def test_its_own_handler_takes_the_error_instead(runner, qtbot):
    def work(progress):
        raise ReadError("This file cannot be read.")

    mine, others = [], []
    runner.error.connect(others.append)
    runner.start("a", work, failed=mine.append)
    qtbot.waitUntil(lambda: len(mine) == 1)
    assert others == []


@pytest.mark.expects_errors
def test_a_bug_in_the_work_is_logged_and_told(runner, qtbot, caplog):
    with qtbot.waitSignal(runner.error) as caught:
        runner.start("a", lambda progress: 1 / 0)
    assert isinstance(caught.args[0], ZeroDivisionError)
    assert "task a failed" in caplog.text


def test_the_immediate_runner_is_done_when_start_returns(qapp):
    answers = []
    ImmediateRunner().start("a", lambda progress: 3, answers.append)
    assert answers == [3]


def test_what_python_keeps_for_a_thread_outlives_a_task(qtbot):
    """PROJ keeps its context so; a thread that loses it between two tasks ends the program."""
    runner, kept, answers = TaskRunner(threads=1), threading.local(), []
    runner.start("first", lambda progress: setattr(kept, "value", 7))
    qtbot.waitUntil(lambda: not runner.busy(), timeout=5000)
    runner.start("second", lambda progress: getattr(kept, "value", None), answers.append)
    qtbot.waitUntil(lambda: bool(answers), timeout=5000)
    assert runner.shutdown()
    assert answers == [7]
