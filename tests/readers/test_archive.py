"""Archives from strangers: what is found in them, and what is refused."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from viewer.errors import LimitError, ReadError
from viewer.readers import archive, limits


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return path


def contents(path: Path) -> dict[str, bytes]:
    result = {}
    for member in archive.members(path):
        with member.open() as stream:
            result[member.name] = stream.read()
    return result


def test_a_plain_file_is_its_own_only_member(tmp_path: Path) -> None:
    path = tmp_path / "a.gml"
    path.write_bytes(b"<a/>")
    assert contents(path) == {"a.gml": b"<a/>"}


def test_gzip_is_known_by_its_bytes_and_not_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.gml"
    path.write_bytes(gzip.compress(b"<a/>"))
    assert list(contents(path).values()) == [b"<a/>"]


def test_folders_hidden_files_and_apple_junk_are_passed_over(tmp_path: Path) -> None:
    path = pack(
        tmp_path / "a.zip",
        {"d/": b"", "d/b.gml": b"b", "a.gml": b"a", "__MACOSX/._a.gml": b"x", "d/.DS_Store": b"x", ".x/a.gml": b"x"},
    )
    assert contents(path) == {"a.gml": b"a", "d/b.gml": b"b"}


def test_members_can_be_chosen_by_their_first_bytes(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"a": b"yes 1", "b": b"no 2", "c": b"yes 3"})
    assert [m.name for m in archive.members(path, lambda head: head.startswith(b"yes"))] == ["a", "c"]


def test_a_name_that_climbs_out_is_only_a_name(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"../../evil.gml": b"e"})
    assert contents(path) == {"../../evil.gml": b"e"}
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_ARCHIVE_MEMBERS", 3)
    path = pack(tmp_path / "a.zip", {str(i): b"x" for i in range(4)})
    with pytest.raises(LimitError, match="3 is the limit"):
        archive.members(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EXPANSION_FREE_BYTES", 1000)
    path = pack(tmp_path / "a.zip", {"a": bytes(5_000_000)})
    with pytest.raises(LimitError, match="200 times"):
        archive.members(path)


def test_a_gzip_bomb_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EXPANSION_FREE_BYTES", 1000)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes(50_000_000)))
    (member,) = archive.members(path)
    with pytest.raises(LimitError), member.open() as stream:
        while stream.read(1 << 16):
            pass


def test_a_large_member_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_MEMBER_BYTES", 10)
    path = pack(tmp_path / "a.zip", {"a": b"12345678901"})
    with pytest.raises(LimitError):
        archive.members(path)


def test_a_damaged_archive_gives_one_sentence(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"a": b"1234567890" * 100})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ReadError, match="damaged"):
        archive.members(path)


def test_a_damaged_member_is_an_os_error_for_its_reader(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"a": bytes(range(256)) * 50})
    data = bytearray(path.read_bytes())
    data[60:90] = bytes(30)
    path.write_bytes(bytes(data))
    (member,) = archive.members(path)
    with pytest.raises(OSError), member.open() as stream:
        stream.read()


def test_a_missing_file_gives_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="cannot be opened"):
        archive.members(tmp_path / "nowhere.gml")
