"""Prepared copies are used only for the very file, choices and program they were made for, and never in the way."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.builders import houses
from viewer import settings
from viewer.city import Frame, ImportReport
from viewer.city.report import IssueLog
from viewer.readers.store import cache as caches
from viewer.readers.store import city as cities
from viewer.readers.store import folder as folders
from viewer.readers.store.cache import DAMAGED_TEXT, CityCache, Request
from viewer.readers.store.folder import MANIFEST

CITY, REPORT = houses(9), ImportReport("x.gml", format="CityGML")


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "x.gml"
    path.write_bytes(os.urandom(300_000))
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))
    return path


@pytest.fixture
def cache(tmp_path) -> CityCache:
    return CityCache(tmp_path / "cache", min_source_bytes=1000)


def request_of(source: Path, **options: str) -> Request:
    return Request(source, "stadtforum:CityGML", options)


def keep(cache: CityCache, request: Request) -> Path:
    ticket = cache.ticket(request)
    assert ticket is not None
    folder = ticket.keep(CITY, REPORT, {}, {"x": np.arange(3)})
    assert folder is not None
    return folder


def found(cache: CityCache, request: Request, log: IssueLog | None = None) -> bool:
    return cache.find(request, IssueLog() if log is None else log) is not None


def test_an_unchanged_file_is_found_again(cache, source):
    keep(cache, request_of(source))
    stored = cache.find(request_of(source), IssueLog())
    assert stored is not None and stored.report == REPORT and list(stored.ready) == ["x"]


def test_other_choices_reader_frame_or_path_are_another_copy(cache, source, tmp_path):
    keep(cache, request_of(source))
    assert not found(cache, request_of(source, crs="EPSG:25833"))
    assert not found(cache, Request(source, "stadtforum:CityJSON"))
    assert not found(cache, Request(source, "stadtforum:CityGML", {}, Frame("EPSG:25832", (1.0, 2.0, 3.0))))
    twin = shutil.copy2(source, tmp_path / "twin.gml")
    assert not found(cache, request_of(Path(twin)))
    assert found(cache, request_of(source))


def test_a_changed_file_is_read_again(cache, source):
    keep(cache, request_of(source))
    source.write_bytes(source.read_bytes() + b" ")
    assert not found(cache, request_of(source))


def test_another_content_of_the_same_size_and_time_is_read_again(cache, source):
    keep(cache, request_of(source))
    times, content = source.stat(), bytearray(source.read_bytes())
    content[123_456] ^= 1
    source.unlink()
    source.write_bytes(content)
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert source.stat().st_mtime_ns == times.st_mtime_ns
    assert not found(cache, request_of(source))


def test_the_same_content_with_another_time_is_still_known(cache, source):
    keep(cache, request_of(source))
    os.utime(source)
    assert found(cache, request_of(source))


def test_a_file_too_large_to_hash_is_known_by_size_time_and_samples(cache, source, monkeypatch):
    monkeypatch.setattr("viewer.readers.store.mark.HASHED_UP_TO_BYTES", 1000)
    keep(cache, request_of(source))
    assert found(cache, request_of(source))
    os.utime(source)
    assert not found(cache, request_of(source))


def test_a_part_of_a_shapefile_belongs_to_it(cache, source):
    shape = source.rename(source.with_suffix(".shp"))
    shape.with_suffix(".dbf").write_bytes(b"one")
    keep(cache, request_of(shape))
    assert found(cache, request_of(shape))
    shape.with_suffix(".dbf").write_bytes(b"two")
    assert not found(cache, request_of(shape))


def test_another_version_of_the_program_reads_again(cache, source, monkeypatch):
    keep(cache, request_of(source))
    monkeypatch.setattr(caches, "fingerprint", lambda: "another")
    assert not found(cache, request_of(source))


def test_the_fingerprint_follows_the_code(monkeypatch, tmp_path):
    package = tmp_path / "viewer"
    shutil.copytree(Path(cities.viewer.__file__).parent / "city", package / "city")
    monkeypatch.setattr(cities.viewer, "__file__", str(package / "__init__.py"))
    before = cities.fingerprint.__wrapped__()
    assert cities.fingerprint.__wrapped__() == before
    (package / "city" / "measures.py").write_text("changed = True\n")
    assert cities.fingerprint.__wrapped__() != before


def test_a_file_that_changes_while_it_is_read_is_not_kept(cache, source):
    ticket = cache.ticket(request_of(source))
    assert ticket is not None
    source.write_bytes(b"other" * 1000)
    assert ticket.keep(CITY, REPORT, {}, {}) is None
    assert not found(cache, request_of(source))


def test_small_files_are_not_kept(tmp_path, source):
    assert CityCache(tmp_path / "cache").ticket(request_of(source)) is None


@pytest.mark.parametrize("name", ["positions_local.npy", MANIFEST])
def test_a_damaged_copy_is_told_removed_and_the_file_read_again(cache, source, name):
    folder = keep(cache, request_of(source))
    content = bytearray((folder / name).read_bytes())
    content[-3] ^= 1
    (folder / name).write_bytes(content)
    log = IssueLog()
    assert not found(cache, request_of(source), log)
    assert [issue.text for issue in log.issues()] == [DAMAGED_TEXT]
    assert not folder.exists()
    keep(cache, request_of(source))
    assert found(cache, request_of(source))


def test_an_interrupted_writing_leaves_nothing_that_is_found(cache, source, monkeypatch):
    def failing(path, content):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(folders, "_write_synced", failing)
        with pytest.raises(OSError, match="No space"):
            keep(cache, request_of(source))
    assert list(cache.folder.iterdir()) == []
    assert not found(cache, request_of(source))


def test_what_a_killed_program_left_is_swept_after_a_day(cache, source):
    keep(cache, request_of(source))
    fresh, old = (folders.scratch_name(cache.folder, "tmp") for _ in range(2))
    for folder in (fresh, old):
        folder.mkdir()
    os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)
    cache.sweep()
    assert fresh.exists() and not old.exists()


def test_copies_used_longest_ago_go_first_when_all_are_too_large(cache, source, tmp_path):
    sources = [Path(shutil.copy2(source, tmp_path / f"{n}.gml")) for n in range(3)]
    kept = [keep(cache, request_of(path)) for path in sources]
    for age, folder in zip((30, 20, 10), kept, strict=True):
        os.utime(folder / MANIFEST, (time.time() - age,) * 2)
    assert found(cache, request_of(sources[0]))  # now the last used
    size = sum(file.stat().st_size for file in kept[0].iterdir())
    cache.limit_bytes = int(size * 2.5)
    cache.sweep()
    assert [folder.exists() for folder in kept] == [True, False, True]


def test_a_copy_larger_than_all_may_be_is_not_kept(cache, source):
    cache.limit_bytes = 100
    ticket = cache.ticket(request_of(source))
    assert ticket is not None and ticket.keep(CITY, REPORT, {}, {}) is None
    assert list(cache.folder.iterdir()) == []


def test_copies_may_take_a_share_of_the_disk(tmp_path, monkeypatch):
    for total, limit in ((100 * 10**9, 10 * 10**9), (10**9, caches.LIMIT_BYTES)):
        monkeypatch.setattr(caches.shutil, "disk_usage", lambda folder, total=total: SimpleNamespace(total=total))
        assert CityCache(tmp_path / "not" / "yet").limit_bytes == limit
    assert CityCache(tmp_path, limit_bytes=5).limit_bytes == 5


def test_a_cache_that_cannot_be_written_only_costs_the_copy(tmp_path, source, caplog):
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = CityCache(tmp_path / "cache", min_source_bytes=1000)
    ticket = cache.ticket(request_of(source))
    assert ticket is not None
    with caplog.at_level("INFO"):
        ticket.keep_in_background(CITY, REPORT, {}, dict)
        caches.wait_for_writers()
    assert "no prepared copy of x.gml" in caplog.text
    assert not found(cache, request_of(source))


def test_a_copy_leaves_the_first_picture_the_start_and_hurries_when_waited_for(cache, source, monkeypatch):
    monkeypatch.setattr(caches, "HEAD_START_S", 60.0)
    ticket = cache.ticket(request_of(source))
    begun = threading.Event()
    ticket.keep_in_background(CITY, REPORT, {}, lambda: begun.set() or {})
    assert not begun.wait(0.2), "nothing is done at once"
    caches.wait_for_writers(30)
    assert begun.is_set() and found(cache, request_of(source))


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root and Windows write there all the same")
def test_a_read_only_cache_is_still_read(cache, source):
    keep(cache, request_of(source))
    cache.folder.chmod(0o500)
    try:
        assert found(cache, request_of(source))
    finally:
        cache.folder.chmod(0o700)


def test_the_cache_lies_in_the_users_folder_and_can_be_turned_off(monkeypatch, tmp_path):
    monkeypatch.setenv(settings.HOME_VARIABLE, str(tmp_path / "own"))
    made = caches.default_cache()
    assert made is not None and made.folder == tmp_path / "own" / "cache" / "cities"
    monkeypatch.setenv(caches.OFF_VARIABLE, "1")
    assert caches.default_cache() is None


def _open_often(folder: Path, source: Path, results) -> None:
    cache, log = CityCache(folder, min_source_bytes=1000), IssueLog()
    answers = []
    for _ in range(60):
        stored = cache.find(request_of(source), log)
        answers.append(stored is not None and len(stored.city.objects) == 9)
    results.put((answers, [issue.text for issue in log.issues()]))


def test_two_programs_read_while_one_writes(cache, source):
    """Readers see a whole copy or none, never a damaged one, while it is written anew again and again."""
    keep(cache, request_of(source))
    start = multiprocessing.get_context("spawn")
    results = start.Queue()
    readers = [start.Process(target=_open_often, args=(cache.folder, source, results)) for _ in range(2)]
    for reader in readers:
        reader.start()
    while any(reader.is_alive() for reader in readers):
        keep(cache, request_of(source))
    told = [results.get(timeout=60) for _ in readers]
    for reader in readers:
        reader.join(60)
    for answers, texts in told:
        assert any(answers)
        assert DAMAGED_TEXT not in texts
