import json

import pytest

from viewer.cli import doctor, run
from viewer.cli.doctor import Finding


@pytest.fixture(autouse=True)
def no_drawing(monkeypatch):
    """The driver of the computer that runs the tests is not the matter here."""
    checks = tuple(c for c in doctor._CHECKS if c is not doctor._graphics)
    monkeypatch.setattr(doctor, "_CHECKS", checks)


def findings(capsys):
    code = run(["doctor", "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_sound_computer_has_no_problems(capsys):
    code, found = findings(capsys)
    assert code == 0 and not [f for f in found if f["level"] == "problem"]
    texts = " ".join(f["text"] for f in found)
    for part in ("Python", "vtk ", "PySide6", "trees", "SQLite"):
        assert part in texts
    assert run(["doctor"]) == 0
    assert "Everything that is needed works." in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_a_problem_with_advice(tmp_path, capsys):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "state").write_text("in the way", encoding="utf-8")
    code, found = findings(capsys)
    problems = [f for f in found if f["level"] == "problem"]
    assert code == 1 and problems
    assert all(f["advice"] for f in problems)
    assert any(str(tmp_path / "home" / "state") in f["text"] for f in problems)


def test_a_missing_package_is_named_with_the_way_to_install_it(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_PACKAGES", ("numpy", "no-such-package"))
    monkeypatch.setattr(doctor, "_OPTIONAL", ("no-such-extra",))
    code, found = findings(capsys)
    levels = {f["text"].split()[0]: (f["level"], f["advice"]) for f in found if f["topic"] == "Packages"}
    assert code == 1
    assert levels["no-such-package"] == ("problem", "Install it with: pip install no-such-package")
    assert levels["no-such-extra"][0] == "note" and levels["numpy"][0] == "ok"


def test_nothing_is_left_behind(tmp_path, capsys):
    findings(capsys)
    assert not [p for p in (tmp_path / "home").rglob("*") if p.is_file()]


def test_notes_alone_are_no_problem(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_CHECKS", (lambda: iter([Finding("note", "Graphics", "slow", "buy one")]),))
    assert run(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "slow" in text and "buy one" in text
