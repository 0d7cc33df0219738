import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from viewer.session import Document, Session, codec
from viewer.session.edits import SetTitle
from viewer.session.journal import Journal
from viewer.session.recovery import (
    discard,
    discarded,
    let_go,
    mark_opening,
    orphans,
    purge,
    recover,
    safe_start,
    usable_state_folder,
)
from viewer.session.store import load_session, save_session

CRASH = """
import os, sys
from pathlib import Path
from viewer.scenario import Selection
from viewer.session import Document, Session, codec
from viewer.session.edits import SetLever, SetTitle
from viewer.session.journal import Journal
from viewer.session.store import save_session
state, project = Path(sys.argv[1]), Path(sys.argv[2])
session = Session()
journal = Journal(session, state)
session.edit(SetTitle("Über den Fluß"))
save_session(project, session.document)
session.mark_saved(project)
for value in range(1, 1 + int(sys.argv[3])):
    session.edit(SetLever("storeys_added", value, Selection(("a", "b"))))
session.undo()
session.redo()
journal.flush()
journal.set_picture(b"picture")
print(codec.state_hash(session.document), flush=True)
os.kill(os.getpid(), 9) if hasattr(os, "getuid") else os._exit(1)
"""


def crash(state, project, edits=3):
    """A program that edits and dies; the hash of its last state."""
    done = subprocess.run(
        [sys.executable, "-c", CRASH, str(state), str(project), str(edits)], capture_output=True, text=True
    )
    assert done.stdout, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "name", ["plain", "with blanks in it", "Straßenbäume Süd äöü ✓", "n" * 120 + "/" + "m" * 120, "it's 100% #1?"]
)
def test_an_orphan_is_offered_and_comes_back_the_same(tmp_path, name):
    """R10."""
    place = tmp_path / name
    place.mkdir(parents=True)
    project = place / "Plan B.stadtforum"
    digest = crash(place / "state", project)
    saved = project.read_bytes()
    (orphan,) = orphans(place / "state")
    assert orphan.title == "Über den Fluß"
    assert orphan.path == project
    assert orphan.changes == 5  # three edits, undo, redo
    assert orphan.picture is not None and orphan.picture.read_bytes() == b"picture"
    assert orphan.time.startswith("20")
    document = recover(orphan)
    assert codec.state_hash(document) == digest == orphan.state_hash
    session = Session()
    session.open(document, saved=False, path=orphan.path)
    assert session.modified and session.path == project
    assert project.read_bytes() == saved, "the saved file was touched"
    assert load_session(project)[0].scenario.settings == ()
    orphan.lock.release()


def test_recovered_work_is_in_the_new_journal_before_the_old_one_goes(tmp_path):
    crash(tmp_path, tmp_path / "p.stadtforum")
    (orphan,) = orphans(tmp_path)
    session = Session()
    journal = Journal(session, tmp_path)
    session.open(recover(orphan), saved=False, path=orphan.path)
    assert journal.flush()
    discard(orphan)
    assert orphans(tmp_path) == []
    assert len(discarded(tmp_path)) == 1
    journal.close()


def test_later_offers_it_again(tmp_path):
    crash(tmp_path, tmp_path / "p.stadtforum")
    (orphan,) = orphans(tmp_path)
    assert orphans(tmp_path) == [], "two programs would offer the same session"
    let_go(orphan)
    (again,) = orphans(tmp_path)
    assert again == orphan
    let_go(again)


def test_a_session_that_is_open_is_no_orphan(tmp_path):
    session = Session()
    journal = Journal(session, tmp_path)
    session.edit(SetTitle("open"))
    assert journal.flush()
    assert orphans(tmp_path) == []
    journal.close()


def test_work_kept_for_later_is_offered_at_the_next_start(tmp_path):
    session = Session()
    journal = Journal(session, tmp_path)
    session.edit(SetTitle("later"))
    journal.close(keep=True)
    (orphan,) = orphans(tmp_path)
    assert recover(orphan).title == "later"
    let_go(orphan)


def test_a_crash_without_changes_is_not_offered(tmp_path):
    child = (
        "import os, sys; from pathlib import Path; from viewer.session import Session\n"
        "from viewer.session.journal import Journal\n"
        "j = Journal(Session(), Path(sys.argv[1])); j.flush(); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", child, str(tmp_path)], check=False)
    assert len([f for f in (tmp_path / "sessions").iterdir() if f.is_dir()]) == 1
    assert orphans(tmp_path) == []
    assert not [f for f in (tmp_path / "sessions").iterdir() if f.is_dir()]


def test_discarded_work_is_kept_for_two_weeks(tmp_path):
    crash(tmp_path, tmp_path / "p.stadtforum")
    (orphan,) = orphans(tmp_path)
    discard(orphan)
    assert orphans(tmp_path) == []
    assert purge(tmp_path) == 0
    (folder,) = discarded(tmp_path)
    old = time.time() - 15 * 86_400
    os.utime(folder / "discarded", (old, old))
    assert purge(tmp_path) == 1
    assert discarded(tmp_path) == []


def test_a_journal_that_cannot_be_read_is_named_and_not_deleted(tmp_path):
    crash(tmp_path, tmp_path / "p.stadtforum")
    (journal,) = (tmp_path / "sessions").glob("*/journal.sqlite")
    journal.write_bytes(b"no database" * 100)
    (orphan,) = orphans(tmp_path)
    assert orphan.problem is not None and "cannot be read" in str(orphan.problem)
    assert journal.exists()
    let_go(orphan)


def test_a_crash_while_recovering_offers_it_again(tmp_path):
    digest = crash(tmp_path, tmp_path / "p.stadtforum")
    child = (
        "import os, sys; from pathlib import Path; from viewer.session.recovery import orphans, recover\n"
        "recover(orphans(Path(sys.argv[1]))[0]); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", child, str(tmp_path)], check=False)
    (orphan,) = orphans(tmp_path)
    assert codec.state_hash(recover(orphan)) == digest
    let_go(orphan)


def test_a_home_that_cannot_be_written_falls_back_with_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "home").write_text("a file in the way", encoding="utf-8")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder, issues = usable_state_folder()
    assert folder.parent == tmp_path and len(issues) == 1
    assert "temporary folder" in str(issues[0])
    session = Session()
    journal = Journal(session, folder)
    session.edit(SetTitle("a"))
    assert journal.flush()
    journal.close()


@pytest.mark.skipif(os.name == "nt", reason="access rights of POSIX")
def test_a_temporary_folder_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    from viewer.errors import SaveError

    (tmp_path / "home").write_text("in the way", encoding="utf-8")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"stadtforum-{os.getuid()}").mkdir(mode=0o777)
    (tmp_path / f"stadtforum-{os.getuid()}").chmod(0o777)
    with pytest.raises(SaveError):
        usable_state_folder()


def test_the_usual_state_folder_needs_no_sentence(tmp_path):
    folder, issues = usable_state_folder()
    assert folder == tmp_path / "home" / "state" and issues == ()


# --- starts that do not come to a picture -------------------------------------------------------

OPENING = """
import os, sys
from pathlib import Path
from viewer.session.recovery import mark_opening, safe_start
state = Path(sys.argv[1])
advice = safe_start(state)
files = ("bad.gml",) if advice is None else ()
mark = mark_opening(state, files, ("trees",), "old driver", after=advice)
if sys.argv[2] == "picture":
    mark.first_picture()
os._exit(1)
"""


def start(state, how):
    subprocess.run([sys.executable, "-c", OPENING, str(state), how], check=False)


def test_each_failed_start_leaves_out_more(tmp_path):
    start(tmp_path, "crash")
    start(tmp_path, "picture")
    assert safe_start(tmp_path) is None
    start(tmp_path, "crash")
    advice = safe_start(tmp_path)
    assert advice is not None and advice.attempt == 1
    assert advice.skip_files == ("bad.gml",) and advice.skip_plugins == () and not advice.software_graphics
    assert safe_start(tmp_path) is None, "the advice is given once"
    start(tmp_path, "crash")
    start(tmp_path, "crash")
    advice = safe_start(tmp_path)
    assert advice.skip_files == ("bad.gml",) and advice.skip_plugins == ("trees",) and not advice.software_graphics
    mark = mark_opening(tmp_path, (), (), "old driver", after=advice)
    assert safe_start(tmp_path) is None, "this program is just starting"
    mark._lock.release()
    advice = safe_start(tmp_path)
    assert advice.software_graphics and advice.driver == "old driver"
    assert not list(Path(tmp_path).glob("opening-*"))


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"attempt": "x"}', b"\xff" * 10])
def test_a_damaged_mark_is_no_advice(tmp_path, content):
    (tmp_path / "opening-1-1.json").write_bytes(content)
    assert safe_start(tmp_path) is None


def test_marks_where_nothing_can_be_written_are_harmless(tmp_path):
    mark = mark_opening(tmp_path / "none", ("a",), (), "")
    mark.first_picture()
    assert safe_start(tmp_path / "none") is None


def test_the_recovered_session_saves_over_nothing_by_itself(tmp_path):
    project = tmp_path / "p.stadtforum"
    save_session(project, Document(title="saved"))
    session = Session()
    session.open(Document(title="recovered"), saved=False, path=project)
    assert load_session(project)[0].title == "saved"
    assert session.modified
