import json
import subprocess
import sys

import pytest

from viewer.errors import LockedError, SaveError
from viewer.session.lock import SessionLock, this_program

HOLDER = """
import sys
from pathlib import Path
from viewer.errors import LockedError
from viewer.session.lock import SessionLock
lock = SessionLock(Path(sys.argv[1]))
try:
    lock.acquire()
except LockedError as error:
    print("locked", error.values["owner"].pid, flush=True)
else:
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder():
    """Starts other programs that take a lock."""
    children = []

    def start(path):
        child = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        children.append(child)
        return child, child.stdout.readline().split()

    yield start
    for child in children:
        child.kill()
        child.communicate()


@pytest.fixture
def project(tmp_path):
    return tmp_path / "Plan für Süd.stadtforum"


def test_the_second_program_is_told_who_has_it_open(project, holder):
    """R12."""
    child, said = holder(project)
    assert said == ["held"]
    with pytest.raises(LockedError) as caught:
        SessionLock(project).acquire(take_over=True)
    owner = caught.value.values["owner"]
    assert owner.pid == child.pid and owner.host == this_program().host
    assert str(child.pid) in str(caught.value)
    assert caught.value.values["can_take_over"] is False


def test_the_lock_is_free_at_once_after_a_kill(project, holder):
    """R12: nothing has to be waited for or deleted by hand."""
    for _ in range(3):
        child, said = holder(project)
        assert said == ["held"]
        child.kill()
        child.wait()
        with SessionLock(project) as lock:
            assert lock.held
            _, said = holder(project)
            assert said == ["locked", str(this_program().pid)]


def test_a_lock_that_was_given_back_leaves_no_file(project):
    with SessionLock(project) as lock:
        assert lock.lock_path.exists()
        with pytest.raises(LockedError):
            SessionLock(project).acquire()
    assert not lock.lock_path.exists()
    lock.release()


def foreign(lock, **changes):
    owner = {"pid": 1, "host": "planning-7", "user": "amira", "program": "stadtforum", "since": "2026-01-01T10:00"}
    lock.lock_path.write_text(json.dumps({**owner, **changes}), encoding="utf-8")


def test_a_lock_of_another_computer_can_be_taken_over_by_choice(project):
    lock = SessionLock(project)
    foreign(lock)
    with pytest.raises(LockedError) as caught:
        lock.acquire()
    assert "amira has this session open on the computer planning-7" in str(caught.value)
    assert caught.value.values["can_take_over"] is True
    assert not lock.held
    lock.acquire(take_over=True)
    assert lock.owner().host == this_program().host
    lock.release()


def test_a_reused_process_number_does_not_hold_a_dead_lock(project):
    """Number 1 is alive on every system, yet the lock of this computer that names it is stale."""
    lock = SessionLock(project)
    foreign(lock, host=this_program().host, pid=1)
    lock.acquire()
    lock.release()


@pytest.mark.parametrize("content", ["", "nonsense", "[1]", '{"host": 3}', "\x00" * 100, "[" * 5000])
def test_a_damaged_lock_file_holds_nobody_up(project, content):
    lock = SessionLock(project)
    lock.lock_path.write_text(content, encoding="utf-8")
    lock.acquire()
    lock.release()


def test_control_characters_in_a_foreign_lock_are_not_shown(project):
    lock = SessionLock(project)
    foreign(lock, user="a\x1b[2Jb\n" + "c" * 500)
    with pytest.raises(LockedError) as caught:
        lock.acquire()
    assert "\x1b" not in str(caught.value) and "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_planted_as_lock_file_is_not_followed(project, tmp_path):
    victim = tmp_path / "letter.txt"
    victim.write_text("dear", encoding="utf-8")
    lock = SessionLock(project)
    lock.lock_path.symlink_to(victim)
    with pytest.raises(SaveError):
        lock.acquire()
    assert victim.read_text(encoding="utf-8") == "dear"


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(SaveError):
        SessionLock(tmp_path / "none" / "plan.stadtforum").acquire()
