import errno
import os
import stat
import subprocess
import sys
import time

import pytest
from faults import FailingLayer

from viewer.errors import SaveError
from viewer.session import atomic
from viewer.session.atomic import former_of, sweep_leftovers, write_atomic
from viewer.session.files import FileLayer

OLD, NEW = b"old" * 1000, b"new" * 2000


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "plan.stadtforum"
    path.write_bytes(OLD)
    return path


def test_the_new_file_stands_and_the_former_one_is_kept(target):
    result = write_atomic(target, NEW)
    assert target.read_bytes() == NEW
    assert former_of(target).read_bytes() == OLD
    assert result.size == len(NEW) and not result.warnings
    write_atomic(target, b"third")
    assert former_of(target).read_bytes() == NEW
    assert sorted(p.name for p in target.parent.iterdir()) == ["plan.stadtforum", "plan.stadtforum~"]


def test_chunks_are_written_one_after_the_other(tmp_path):
    result = write_atomic(tmp_path / "new", (bytes([n]) * 70_000 for n in range(20)))
    assert (tmp_path / "new").stat().st_size == result.size == 1_400_000


@pytest.mark.parametrize("sticky", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("there", [False, True], ids=["new file", "over a file"])
def test_every_step_may_fail(tmp_path, there, sticky):
    """R7: after each failure the file is whole, and the report tells which of the two it is."""
    seen = set()
    for at in range(1, 40):
        path = tmp_path / f"{at}.stadtforum"
        if there:
            path.write_bytes(OLD)
        layer = FailingLayer(at, sticky=sticky)
        try:
            warnings = write_atomic(path, NEW, layer=layer).warnings
        except SaveError as error:
            assert error.hint and error.path == path
            assert (path.read_bytes() == OLD) if there else not path.exists()
        else:
            assert path.read_bytes() == NEW
            assert bool(warnings) == bool(layer.failed)
        assert not layer.open, "a file was left open"
        seen.update(layer.failed)
        if not layer.failed:
            break
        if not sticky:
            assert not list(tmp_path.glob(".stadtforum-*")), "a temporary file was left"
    else:
        pytest.fail("the save never succeeded")
    assert {"create", "write", "length", "sync", "close", "checksum", "replace", "sync_folder"} <= seen


def test_a_failed_folder_sync_is_a_warning_because_the_save_is_done(target):
    class Layer(FileLayer):
        def sync_folder(self, folder):
            raise OSError(errno.EIO, "planted")

    assert write_atomic(target, NEW, layer=Layer()).warnings == (atomic.FOLDER_WARNING,)
    assert target.read_bytes() == NEW


def test_a_short_write_is_gone_on_with(target):
    class Layer(FileLayer):
        def write(self, descriptor, data):
            return super().write(descriptor, data[:7])

    write_atomic(target, NEW, layer=Layer())
    assert target.read_bytes() == NEW


def test_a_write_that_stops_is_a_full_disk(target):
    class Layer(FileLayer):
        def write(self, descriptor, data):
            return 0

    with pytest.raises(SaveError, match="disk is full"):
        write_atomic(target, NEW, layer=Layer())
    assert target.read_bytes() == OLD


def test_a_disk_that_reads_back_something_else_is_noticed(target):
    class Layer(FileLayer):
        def checksum(self, path):
            return "0" * 64

    with pytest.raises(SaveError, match="read back"):
        write_atomic(target, NEW, layer=Layer())
    assert target.read_bytes() == OLD


class Held(FileLayer):
    """A virus scanner holds the file for a while, as on Windows."""

    def __init__(self, times):
        self.times, self.waited = times, 0.0

    def replace(self, source, target):
        if self.times > 0:
            self.times -= 1
            error = PermissionError(errno.EACCES, "used by another process")
            error.winerror = 32
            raise error
        super().replace(source, target)

    def wait(self, seconds):
        self.waited += seconds


def test_a_file_held_by_another_program_is_tried_again(target):
    write_atomic(target, NEW, layer=Held(5))
    assert target.read_bytes() == NEW


def test_after_three_seconds_the_person_is_told(target):
    layer = Held(1000)
    with pytest.raises(SaveError, match="Another program"):
        write_atomic(target, NEW, layer=layer)
    assert layer.waited == pytest.approx(atomic.RETRY_SECONDS)
    assert target.read_bytes() == OLD


def test_chunks_that_cannot_be_made_leave_the_former_file(target):
    def chunks():
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(target, chunks())
    assert target.read_bytes() == OLD
    assert not list(target.parent.glob(".stadtforum-*"))


def test_a_symbolic_link_stays_one(tmp_path, target):
    link = tmp_path / "other" / "link.stadtforum"
    link.parent.mkdir()
    link.symlink_to(target)
    write_atomic(link, NEW)
    assert link.is_symlink() and target.read_bytes() == NEW
    assert former_of(target).read_bytes() == OLD


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_access_rights_are_kept(target):
    target.chmod(0o640)
    write_atomic(target, NEW)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_write_protected_file_is_not_replaced(target):
    target.chmod(0o444)
    with pytest.raises(SaveError, match="write-protected"):
        write_atomic(target, NEW)
    assert target.read_bytes() == OLD
    target.chmod(0o644)


def test_folders_and_missing_folders_are_refused(tmp_path):
    with pytest.raises(SaveError):
        write_atomic(tmp_path, NEW)
    with pytest.raises(SaveError, match="folder does not exist"):
        write_atomic(tmp_path / "none" / "file", NEW)


def test_a_name_too_long_is_said(tmp_path):
    with pytest.raises(SaveError, match="too long"):
        write_atomic(tmp_path / ("n" * 300), NEW)


def test_only_old_leftovers_of_ours_are_swept(tmp_path):
    ours, fresh, foreign = (tmp_path / n for n in (".stadtforum-1-0123abcd.tmp", ".stadtforum-2-0123abcd.tmp", "a.tmp"))
    for path in (ours, fresh, foreign):
        path.write_bytes(b"")
    os.utime(ours, (time.time() - 2 * 86_400,) * 2)
    assert sweep_leftovers(tmp_path) == 1
    assert not ours.exists() and fresh.exists() and foreign.exists()


SAVE_TOO_MUCH = """
import sys
from pathlib import Path
from viewer.errors import SaveError
from viewer.session.atomic import write_atomic
path = Path(sys.argv[1]) / "plan.stadtforum"
write_atomic(path, b"old" * 1000)
if sys.argv[2] == "limit":
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    write_atomic(path, (b"x" * 65_536 for _ in range(64)))
except SaveError as error:
    print(error.text)
assert path.read_bytes() == b"old" * 1000
print(sorted(p.name for p in path.parent.iterdir()))
"""


@pytest.mark.skipif(os.name == "nt", reason="file size limits are a matter of POSIX")
def test_a_file_size_limit_leaves_the_former_file(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SAVE_TOO_MUCH, str(tmp_path), "limit"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["The disk is full, so the file was not saved.", "['plan.stadtforum']"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a user namespace")
def test_a_really_full_disk_leaves_the_former_file(tmp_path):
    mounted = ["unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=2m none "$1" && shift && exec "$@"', "sh"]
    try:
        subprocess.run([*mounted, str(tmp_path), "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets nobody mount a small disk")
    done = subprocess.run(
        [*mounted, str(tmp_path), sys.executable, "-c", SAVE_TOO_MUCH, str(tmp_path), "disk"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["The disk is full, so the file was not saved.", "['plan.stadtforum']"]
