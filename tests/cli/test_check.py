from __future__ import annotations

import json

import pytest

from tests.readers import gml_fixtures as gml
from viewer.cli.command import run


@pytest.fixture
def sound(tmp_path):
    return gml.write(tmp_path / "sound.gml", "2.0", gml.houses("2.0", 4))


@pytest.fixture
def faulty(tmp_path):
    """Four houses; a wall of the second is a bow tie, the third is 20 m too high in its attribute."""
    members = list(gml.houses("2.0", 4))
    rings = gml.house_rings(gml.X0 + 25, gml.Y0)
    a, b, f, e = rings[1][1]
    members[1] = members[1].replace(gml.ring([a, b, f, e]), gml.ring([a, f, b, e]))
    members[2] = members[2].replace(">9.0</b:measuredHeight>", ">29.0</b:measuredHeight>")
    return gml.write(tmp_path / "faulty.gml", "2.0", members)


def test_a_sound_city_is_called_so(sound, capsys):
    assert run(["check", str(sound)]) == 0
    out = capsys.readouterr().out
    assert "Verdict: no faults found in 4 objects; 0 notes." in out
    assert "snap 0.001 m" in out


def test_faults_are_told_by_class_with_ids_and_the_exit_code_stays_0(faulty, capsys):
    assert run(["check", str(faulty)]) == 0
    out = capsys.readouterr().out
    assert "RING_SELF_INTERSECTION" in out and "H1" in out
    assert "measuredHeight differs" in out and "Largest: 20 m." in out
    assert "3 of 4 objects have a valid geometry." in out


def test_json_has_every_fault_with_its_place(faulty, capsys):
    assert run(["check", str(faulty), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    found = {finding["code"]: finding for finding in data["findings"]}
    assert set(found) == {"104", "A21"}
    assert found["104"]["ids"] == ["H1"]
    x, y, _ = found["104"]["faults"][0]["place"]
    assert gml.X0 + 25 <= x <= gml.X0 + 35 and abs(y - gml.Y0) < 0.01
    assert found["A21"]["faults"] == [{"id": "H2", "place": pytest.approx([565_005, 5_935_029, 12.5]), "amount": 20.0}]


def test_the_limit_shortens_the_list_and_says_so(tmp_path, capsys):
    bare = [gml.building(gml.house_surfaces("2.0", f"H{i}", gml.X0 + 25 * i), f"H{i}") for i in range(12)]
    assert run(["check", str(gml.write(tmp_path / "bare.gml", "2.0", bare)), "--limit", "5"]) == 0
    out = capsys.readouterr().out
    assert "and 7 more objects" in out
    assert "H11" not in out


def test_a_file_that_cannot_be_read_is_2_and_the_others_are_checked(sound, tmp_path, capsys):
    broken = tmp_path / "broken.gml"
    broken.write_text("<x", encoding="utf-8")
    assert run(["check", str(broken), str(sound)]) == 2
    ended = capsys.readouterr()
    assert "sound.gml" in ended.out and "broken.gml" in ended.err


def test_a_layer_is_refused_in_one_line(tmp_path, capsys):
    path = tmp_path / "trees.csv"
    path.write_text("x;y;height\n565000;5934000;8\n565010;5934000;9\n", encoding="utf-8")
    assert run(["check", str(path)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_names_from_files_cannot_steer_the_terminal(tmp_path, capsys):
    evil = gml.building(gml.boundary("2.0", "WallSurface", gml.polygon(gml.square())), "A&#x9b;31mB")
    assert run(["check", str(gml.write(tmp_path / "evil.gml", "2.0", [evil]))]) == 0
    assert "\x9b" not in capsys.readouterr().out


def test_the_help_explains_the_exit_code(capsys):
    assert run(["check", "--help"]) == 0
    assert "exit code" in capsys.readouterr().out
