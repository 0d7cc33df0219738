import json

import pytest

import viewer.workspace.parts  # noqa: F401
from viewer.cli import run
from viewer.readers.store import cache as caches
from viewer.readers.store.folder import MANIFEST


@pytest.fixture
def worth_it(monkeypatch):
    """Small files are worth a copy too."""
    plain = caches.CityCache
    monkeypatch.setattr(caches, "CityCache", lambda: plain(min_source_bytes=1))


def info(capsys, path):
    assert run(["info", str(path), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_prepared_file_is_opened_from_its_copy(city, worth_it, capsys):
    before = info(capsys, city)
    assert run(["bake", str(city)]) == 0
    assert "Prepared: " in capsys.readouterr().out
    after = info(capsys, city)
    told = [message["text"] for message in after["messages"]]
    assert caches.OPENED_TEXT in told
    assert {**after, "messages": 0, "seconds": 0} == {**before, "messages": 0, "seconds": 0}
    assert run(["bake", str(city)]) == 0
    assert "prepared already" in capsys.readouterr().out


def test_a_small_file_is_left_alone(city, capsys):
    assert run(["bake", str(city)]) == 0
    assert "as quickly without" in capsys.readouterr().out


def test_a_prepared_city_opens_like_a_file(city, tmp_path, capsys):
    before = info(capsys, city)
    out = tmp_path / "row.city"
    assert run(["bake", str(city), str(out)]) == 0
    assert "Prepared: " in capsys.readouterr().out and (out / MANIFEST).is_file()
    for path in (out, out / MANIFEST):
        after = info(capsys, path)
        assert {**after, "seconds": 0} == {**before, "seconds": 0}
    assert run(["indicators", str(out), "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert run(["indicators", str(city), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == numbers


def test_several_cities_become_one(city, tmp_path, capsys):
    other = tmp_path / "other.city.json"
    other.write_text(city.read_text(encoding="utf-8").replace("house-", "villa-").replace("565000", "565200"))
    out = tmp_path / "both.city"
    assert run(["bake", str(city), str(other), str(out)]) == 0
    capsys.readouterr()
    facts = info(capsys, out)
    assert facts["buildings"] == 8 and facts["extent"][0] == 565000 and facts["extent"][3] == 565270


def test_a_damaged_prepared_city_is_refused_in_a_sentence(city, tmp_path, capsys):
    out = tmp_path / "row.city"
    assert run(["bake", str(city), str(out)]) == 0
    (out / "triangles.npy").write_bytes(b"")
    capsys.readouterr()
    assert run(["info", str(out)]) == 2
    error = capsys.readouterr().err
    assert "damaged" in error and "Traceback" not in error


def test_what_is_no_prepared_city_is_not_overwritten(city, tmp_path, capsys):
    out = tmp_path / "mine.city"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    assert run(["bake", str(city), str(out)]) == 2
    assert (out / "thesis.txt").read_text() == "years of work"
    assert "Something else has this name" in capsys.readouterr().err


def test_layers_and_missing_files_are_refused(city, trees, tmp_path, capsys):
    assert run(["bake", str(trees)]) == 2
    assert run(["bake", str(tmp_path / "none.gml")]) == 2
    assert run(["bake", str(tmp_path / "only.city")]) == 2
    assert run(["bake", str(city), str(tmp_path / "no" / "folder.city")]) == 2
    assert capsys.readouterr().err.count("\n") == 4


def test_turned_off_it_says_so(city, monkeypatch, capsys):
    monkeypatch.setenv(caches.OFF_VARIABLE, "1")
    assert run(["bake", str(city)]) == 2
    assert "STADTFORUM_NO_CACHE" in capsys.readouterr().err


def test_a_bad_file_among_several_is_told_and_missing(city, tmp_path, capsys):
    bad = tmp_path / "bad.city.json"
    bad.write_text("{")
    out = tmp_path / "town.city"
    assert run(["bake", str(city), str(bad), str(out), "--workers", "1"]) == 3
    told = capsys.readouterr()
    assert "2 of 2: bad.city.json: " in told.err and "1 of 2 files are missing" in told.err
    assert "Prepared: " in told.out
    assert info(capsys, out)["buildings"] == info(capsys, city)["buildings"]


def test_a_stop_is_said_and_leaves_what_is_finished(city, tmp_path, monkeypatch, capsys):
    def stop(self, tile, count):
        raise KeyboardInterrupt

    out = tmp_path / "town.city"
    with monkeypatch.context() as patch:
        patch.setattr("viewer.cli.bake._Told.joining", stop)
        assert run(["bake", str(city), str(out)]) == 130
    assert "goes on from there" in capsys.readouterr().err and not out.exists()
    assert run(["bake", str(city), str(out)]) == 0
    assert "finished earlier" in capsys.readouterr().err


def test_a_cluster_needs_one_result_and_a_scheduler_that_answers(city, tmp_path, monkeypatch, capsys):
    assert run(["bake", str(city), "--cluster"]) == 2
    assert "name OUT.city" in capsys.readouterr().err
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    monkeypatch.setattr("viewer.workspace.cluster.PATIENCE_S", 1)
    assert run(["bake", str(city), str(tmp_path / "x.city"), "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert "No scheduler answers" in capsys.readouterr().err
    assert run(["bake", str(city), str(tmp_path / "x.city"), "--workers", "0"]) == 2
