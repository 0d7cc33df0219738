import json
import subprocess
import sys

from viewer.cli import run


def test_the_bundled_plugins_are_listed_and_ready(capsys):
    assert run(["plugin", "list", "--json"]) == 0
    found = {plugin["id"]: plugin for plugin in json.loads(capsys.readouterr().out)}
    for plugin in ("trees", "areas", "points"):
        assert found[plugin]["state"] == "ready"
        assert found[plugin]["offers"]
    assert run(["plugin", "list"]) == 0
    assert "trees" in capsys.readouterr().out


def test_a_new_plugin_works_and_passes_its_own_test(tmp_path, capsys):
    assert run(["plugin", "new", "Noise maps", "--folder", str(tmp_path)]) == 0
    assert "noise_maps" in capsys.readouterr().out
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "noise_maps")],
        check=True,
        capture_output=True,
    )


def test_a_name_that_is_taken_is_one_line(tmp_path, capsys):
    (tmp_path / "noise").mkdir()
    assert run(["plugin", "new", "noise", "--folder", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
