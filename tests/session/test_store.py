import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from faults import FailingLayer
from hypothesis import HealthCheck, given, settings
from strategies import documents

from viewer import settings as settings_module
from viewer.errors import ChangedOnDiskError, SaveError, SessionError
from viewer.scenario import Scenario, Setting
from viewer.session import Document, Source, bundle, codec
from viewer.session.atomic import former_of
from viewer.session.store import load_session, open_session, purge_bundles, save_session, stamp_of

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def project(tmp_path):
    """A project folder with data in it and beside it."""
    folder = tmp_path / "Projekt Süd"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "city.city.json").write_text("{}", encoding="utf-8")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "Bäume 2024.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    document = Document(
        sources=(
            Source("city", str(folder / "data" / "city.city.json"), "city", title="City"),
            Source("trees", str(tmp_path / "shared" / "Bäume 2024.csv"), "layer", title="Trees"),
        ),
        scenarios=(Scenario("Scenario 1", (Setting("storeys_added", 2.0),)),),
        title="Süd",
    )
    return folder / "Süd.stadtforum", document


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=documents())
def test_any_document_saves_and_loads_the_same(tmp_path, document):
    path = tmp_path / "any.stadtforum"
    save_session(path, document)
    again, _ = load_session(path)
    assert again == document


def test_a_saved_session_opens_the_same(project):
    path, document = project
    saved = save_session(path, document)
    assert not saved.warnings
    again, issues = load_session(path)
    assert again == document and not issues
    head = json.loads(path.read_text(encoding="utf-8"))
    assert head["schema_version"] == codec.SCHEMA_VERSION
    assert head["session"]["sources"][0]["file"]["relative"] == "data/city.city.json"
    assert head["session"]["sources"][1]["file"]["relative"] == "../shared/Bäume 2024.csv"


def test_a_moved_project_finds_its_data(project, tmp_path):
    path, document = project
    save_session(path, document)
    moved = tmp_path / "Stick"
    shutil.copytree(path.parent, moved / "Projekt")
    shutil.copytree(tmp_path / "shared", moved / "shared")
    shutil.rmtree(path.parent)
    shutil.rmtree(tmp_path / "shared")
    again, issues = load_session(moved / "Projekt" / path.name)
    assert not issues
    assert Path(again.sources[0].path) == moved / "Projekt" / "data" / "city.city.json"
    assert Path(again.sources[1].path) == moved / "shared" / "Bäume 2024.csv"


def test_data_beside_a_session_that_was_sent_alone_is_found(project, tmp_path):
    path, document = project
    save_session(path, document)
    sent = tmp_path / "mail"
    sent.mkdir()
    shutil.move(path, sent / path.name)
    shutil.move(tmp_path / "shared" / "Bäume 2024.csv", sent / "Bäume 2024.csv")
    shutil.rmtree(path.parent)
    again, issues = load_session(sent / path.name)
    assert Path(again.sources[1].path) == sent / "Bäume 2024.csv"
    assert len(issues) == 1 and "City was not found" in str(issues[0])


def test_the_file_that_was_meant_wins_over_one_of_the_same_name(project, tmp_path):
    path, document = project
    save_session(path, document)
    copy = tmp_path / "copy"
    (copy / "data").mkdir(parents=True)
    (copy / "data" / "city.city.json").write_text('{"another": 1}', encoding="utf-8")
    shutil.copy(path, copy / path.name)
    again, _ = load_session(copy / path.name)
    assert again.sources[0].path == document.sources[0].path


def test_a_missing_source_stays_and_is_saved_back_unchanged(project):
    path, document = project
    save_session(path, document)
    before = json.loads(path.read_text(encoding="utf-8"))["session"]["sources"]
    Path(document.sources[1].path).unlink()
    again, issues = load_session(path)
    assert [str(issue) for issue in issues] == [
        "Trees was not found; it stays in the session and is shown again once its file is back."
    ]
    assert again == document
    save_session(path, replace(again, title="new"))
    assert json.loads(path.read_text(encoding="utf-8"))["session"]["sources"] == before


def test_a_changed_source_is_said(project):
    path, document = project
    save_session(path, document)
    Path(document.sources[1].path).write_text("other", encoding="utf-8")
    _, issues = load_session(path)
    assert [str(issue) for issue in issues] == ["Trees has changed since the session was saved."]


@pytest.mark.parametrize(
    "evil",
    [
        "https://example.org/a.gml",
        "/vsicurl/https://example.org/a.gml",
        "\\\\server\\share\\a.gml",
        "//server/a",
        "a\0b",
    ],
)
def test_addresses_and_other_computers_are_never_touched(project, evil):
    path, document = project
    save_session(path, document)
    head = json.loads(path.read_text(encoding="utf-8"))
    head["session"]["sources"][0]["file"] = {"relative": evil, "absolute": evil}
    path.write_text(json.dumps(head), encoding="utf-8")
    again, issues = load_session(path)
    assert any("City was not found" in str(issue) for issue in issues)
    assert again.sources[0].key == "city"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes have no names in folders there")
def test_a_pipe_is_not_waited_for(project):
    path, document = project
    Path(document.sources[0].path).unlink()
    os.mkfifo(document.sources[0].path)
    save_session(path, document)
    _, issues = load_session(path)
    assert any("City was not found" in str(issue) for issue in issues)


# --- bundles ------------------------------------------------------------------------------------


def test_a_bundle_opens_on_another_computer(project, tmp_path):
    path, document = project
    shape = path.parent / "data" / "areas.shp"
    for suffix in (".shp", ".dbf", ".shx", ".prj"):
        shape.with_suffix(suffix).write_bytes(suffix.encode())
    document = replace(document, sources=(*document.sources, Source("areas", str(shape), "layer")))
    save_session(path, document, bundle=True)
    sent = tmp_path / "there.stadtforum"
    shutil.move(path, sent)
    shutil.rmtree(path.parent)
    shutil.rmtree(tmp_path / "shared")
    again, issues = load_session(sent)
    assert not issues
    assert Path(again.sources[1].path).read_text(encoding="utf-8") == "x,y\n1,2\n"
    assert Path(again.sources[2].path).with_suffix(".dbf").read_bytes() == b".dbf"
    assert str(tmp_path / "shared") not in zipfile.ZipFile(sent).read("session.json").decode()
    save_session(sent, replace(again, title="second"))  # data from a bundle goes back into one
    third, issues = load_session(sent)
    assert not issues and third.title == "second"
    assert Path(third.sources[1].path).read_text(encoding="utf-8") == "x,y\n1,2\n"


def rewrite(path, change):
    """The bundle with one member more or another."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members.items():
            new.writestr(name, content)
        change(new)


def link(archive):
    info = zipfile.ZipInfo("data/9/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(info, "/etc/passwd")


@pytest.mark.parametrize(
    "change",
    [
        *(
            lambda z, name=name: z.writestr(name, b"x")
            for name in (
                "../evil", "/etc/evil", "data/9/../../evil", "data/9/..", "data/9/a\\b", "data/9/C:evil",
                "data/9/con.txt", "data/9/dot.", "evil.py", "data/9/a/b", "data/9/" + "n" * 300,
            )
        ),
        link,
        lambda z: z.writestr("DATA/1/Bäume 2024.csv", b"x"),
        lambda z: z.writestr("data/9/bomb", b"\0" * 1_000_000),
    ],
)  # fmt: skip
def test_a_bundle_writes_nothing_outside_its_folder(project, tmp_path, monkeypatch, change):
    monkeypatch.setattr(bundle, "_SMALL", 1000)
    monkeypatch.setattr(bundle, "MAX_EXPANSION", 100)
    path, document = project
    save_session(path, document, bundle=True)
    rewrite(path, change)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SessionError):
        load_session(path, unpack_into=tmp_path / "unpacked")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bundle_over_the_limits_is_refused(project, monkeypatch):
    path, document = project
    save_session(path, document, bundle=True)
    monkeypatch.setattr(bundle, "MAX_MEMBERS", 2)
    with pytest.raises(SessionError, match="more than 2 files"):
        load_session(path)
    monkeypatch.setattr(bundle, "MAX_MEMBERS", 10)
    monkeypatch.setattr(bundle, "MAX_BYTES", 10)
    with pytest.raises(SessionError, match="larger than"):
        load_session(path)


def test_unpacked_data_goes_when_nobody_opened_it_for_long(project):
    path, document = project
    save_session(path, document, bundle=True)
    load_session(path)
    assert purge_bundles() == 0
    (folder,) = (settings_module.data_folder() / "bundles").iterdir()
    old = time.time() - 100 * 86_400
    os.utime(folder, (old, old))
    load_session(path)
    assert purge_bundles() == 0, "it was used just now"
    os.utime(folder, (old, old))
    assert purge_bundles() == 1
    assert not load_session(path)[1], "it is unpacked again"


def test_a_damaged_bundle_is_one_sentence_and_nothing_half_unpacked(project, tmp_path):
    path, document = project
    save_session(path, document, bundle=True)
    whole = path.read_bytes()
    for at in range(0, len(whole), 23):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            load_session(path, unpack_into=tmp_path / "unpacked")
        except (SessionError, SaveError) as error:
            assert str(error)
    assert not list((tmp_path / "unpacked").glob("*.tmp"))


# --- other hands --------------------------------------------------------------------------------


def test_a_session_somebody_else_changed_is_not_overwritten(project):
    path, document = project
    save_session(path, document)
    opened = open_session(path)
    theirs = save_session(path, replace(document, title="theirs"))
    with pytest.raises(ChangedOnDiskError, match="Somebody else"):
        save_session(path, document, expected=opened.stamp)
    assert load_session(path)[0].title == "theirs"
    mine = save_session(path, document, expected=theirs.stamp)
    assert mine.stamp == stamp_of(path)
    assert load_session(path)[0] == document


def test_a_mere_touch_or_deletion_does_not_stop_saving(project):
    path, document = project
    stamp = save_session(path, document).stamp
    path.touch()
    stamp = save_session(path, document, expected=stamp).stamp
    path.unlink()
    save_session(path, document, expected=stamp)
    assert path.exists()


@pytest.mark.parametrize("sticky", [False, True])
@pytest.mark.parametrize("carry", [False, True], ids=["plain", "bundle"])
def test_a_session_survives_every_failing_step(project, carry, sticky):
    path, document = project
    save_session(path, document)
    changed = replace(document, title="changed")
    for at in range(1, 40):
        save_session(path, document)
        layer = FailingLayer(at, sticky=sticky, code=errno.EIO)
        try:
            save_session(path, changed, bundle=carry, layer=layer)
        except SaveError:
            assert load_session(path)[0] == document
        else:
            assert load_session(path)[0].title == "changed"
            if not layer.failed:
                return
    pytest.fail("the save never succeeded")


def test_data_that_cannot_be_read_leaves_the_former_session(project, monkeypatch):
    path, document = project
    save_session(path, document)

    def refuse(_path):
        raise SaveError("planted")
        yield

    monkeypatch.setattr(bundle, "_read", refuse)
    with pytest.raises(SaveError, match="planted"):
        save_session(path, replace(document, title="b"), bundle=True)
    assert load_session(path)[0] == document


def test_what_could_not_be_opened_again_is_not_saved(project):
    path, document = project
    save_session(path, document)
    bad = replace(document, scenarios=(Scenario("Scenario 1", (Setting("storeys_added", float("nan")),)),))
    with pytest.raises(SaveError, match="could not be opened again"):
        save_session(path, bad)
    assert load_session(path)[0] == document


# --- files that are none ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"", b"hello", b"\xff\xfe\x00", b"[]", b"{", b'{"type": "CityJSON"}', b'{"type": "StadtforumSession"}',
        b'{"type": "StadtforumSession", "schema_version": 1}',
        b'{"type": "StadtforumSession", "schema_version": NaN}',
        b'{"type": "StadtforumSession", "schema_version": 99, "session": {}}',
        b'{"type": "StadtforumSession", "schema_version": "1", "session": {}}',
        b"[" * 100_000, b'{"a":' * 100_000, b"PK\x03\x04rest", b"1" * 10_000,
    ],
)  # fmt: skip
def test_something_else_is_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "other.stadtforum"
    path.write_bytes(content)
    with pytest.raises(SessionError) as caught:
        load_session(path)
    assert caught.value.path == path
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none.stadtforum"):
        with pytest.raises(SessionError):
            load_session(path)


def test_a_session_edited_by_hand_opens_with_a_warning(project):
    path, document = project
    save_session(path, document)
    path.write_text(path.read_text(encoding="utf-8").replace('"Süd"', '"West"'), encoding="utf-8")
    again, issues = load_session(path)
    assert again.title == "West"
    assert any("changed by another program" in str(issue) for issue in issues)


def test_any_damaged_byte_gives_a_session_or_a_sentence(project):
    path, document = project
    save_session(path, document)
    whole = path.read_bytes()
    for at in range(0, len(whole), 11):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x21]) + whole[at + 1 :])
        try:
            load_session(path)
        except SessionError as error:
            assert str(error)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names that are no text exist on Linux")
def test_a_file_name_that_is_no_text_survives(tmp_path):
    name = b"caf\xe9.gml".decode("utf-8", "surrogateescape")
    (tmp_path / name).write_bytes(b"")
    document = Document(sources=(Source("a", str(tmp_path / name), "city"),))
    save_session(tmp_path / "s.stadtforum", document)
    again, issues = load_session(tmp_path / "s.stadtforum")
    assert again == document and not issues


@pytest.mark.parametrize("name", ["v1_plain.stadtforum", "v1_bundle.stadtforum", "v1_newer_entries.stadtforum"])
def test_sessions_of_earlier_versions_open(name, tmp_path):
    """R11. Never make these files anew: they are what earlier versions wrote."""
    copy = tmp_path / name
    shutil.copy(FIXTURES / name, copy)
    document, _issues = load_session(copy)
    expected = json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))[name]
    assert document.title == expected["title"]
    assert [s.name for s in document.scenarios] == expected["scenarios"]
    assert [s.key for s in document.sources] == expected["sources"]
    assert document.scenario.value("storeys_added") == expected["storeys_added"]
    save_session(copy, document)
    again, _issues = load_session(copy)
    assert without_paths(again) == without_paths(document)


def without_paths(document):
    """Where the data lies differs: a bundle is unpacked anew."""
    return replace(document, sources=tuple(replace(source, path="") for source in document.sources))


# --- killed while saving ------------------------------------------------------------------------

SAVER = """
import sys
from dataclasses import replace
from pathlib import Path
from viewer.scenario import Scenario, Selection, Setting
from viewer.session import Document
from viewer.session.store import save_session
ids = tuple(f"building_{n:06d}" for n in range(20_000))
document = Document(scenarios=(Scenario("Scenario 1", (Setting("storeys_added", 1.0, Selection(ids)),)),))
number = int(sys.argv[2])
while True:
    number += 1
    save_session(Path(sys.argv[1]), replace(document, title=str(number)))
    print(number, flush=True)
"""


def test_a_kill_during_saving_loses_nothing_acknowledged(tmp_path):
    """R6, fast form: 25 kills at random moments."""
    import random

    path = tmp_path / "killed.stadtforum"
    rng = random.Random(6)
    last = 0
    for _ in range(25):
        child = subprocess.Popen(
            [sys.executable, "-c", SAVER, str(path), str(last)], stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        first = child.stdout.readline()
        assert first, "the child could not save at all"
        time.sleep(rng.uniform(0, 0.08))
        child.kill()
        rest, _ = child.communicate()
        assert child.returncode == (-signal.SIGKILL if sys.platform != "win32" else 1)
        acknowledged = int((first + rest).split()[-1]) if (first + rest).endswith("\n") else int(first)
        document, issues = load_session(path)
        assert not issues  # the checksum is right
        assert int(document.title) in (acknowledged, acknowledged + 1)
        assert load_session(former_of(path))[0].scenarios == document.scenarios
        last = int(document.title)
    assert len(list(tmp_path.glob(".stadtforum-*"))) <= 25
