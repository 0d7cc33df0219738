import subprocess
import sys
from pathlib import Path

import pytest

from viewer.cli import COMMANDS, run

ROOT = Path(__file__).resolve().parents[2]


def failing(capsys, *arguments):
    """The one line a bad input ends with."""
    assert run([str(a) for a in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "Traceback" not in err
    return err.strip()


def test_help_names_every_command(capsys):
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"stadtforum {command}" in text for command in COMMANDS)


@pytest.mark.parametrize("command", ["info", "snapshot", "indicators"])
def test_help_of_a_command_shows_examples(command, capsys):
    assert run([command, "--help"]) == 0
    assert f"stadtforum {command} " in capsys.readouterr().out.partition("examples:")[2]


def test_help_names_every_lever_with_its_range(capsys):
    from viewer.scenario import LEVERS

    run(["indicators", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for lever in LEVERS.values():
        assert f"{lever.name} ({lever.minimum:g} to {lever.maximum:g} {lever.unit})" in text


def test_files_open_the_window():
    opened = []

    def open_window(files):
        opened.append(files)
        return 7

    assert run(["a.gml", "b c.gml"], open_window) == 7
    assert run([], open_window) == 7
    assert run(["./info"], open_window) == 7
    assert opened == [[Path("a.gml"), Path("b c.gml")], [], [Path("info")]]


def test_a_wrong_argument_is_one_line(capsys):
    assert "--help" in failing(capsys, "info")
    assert "--nonsense" in failing(capsys, "info", "a.gml", "--nonsense")
    assert "plugin" in failing(capsys, "plugin")
    assert "-o/--output" in failing(capsys, "snapshot", "a.gml")


@pytest.mark.parametrize("command", [["info"], ["indicators"], ["snapshot", "-o", "o.png"]])
def test_a_bad_file_is_one_line_that_names_it(command, tmp_path, capsys):
    assert "none.gml" in failing(capsys, *command, tmp_path / "none.gml")
    assert str(tmp_path) in failing(capsys, *command, tmp_path)
    for name, content in {
        "empty.gml": b"", "text.gml": b"hello", "half.city.json": b'{"type": "CityJSON"',
        "bytes.xyz": bytes(range(256)), "half.stadtforum": b"{",
        "other.stadtforum": b"hello", "broken.zip": b"PK\x03\x04xx",
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
        assert name in failing(capsys, *command, tmp_path / name)


def test_names_with_control_characters_do_not_steer_the_terminal(capsys, tmp_path):
    assert "\x1b" not in failing(capsys, "info", tmp_path / "a\x1b[2Jb\n.gml")


def test_an_unknown_lever_or_value_is_one_line(city, capsys):
    for command in (["indicators"], ["snapshot", "-o", "o.png"]):
        line = failing(capsys, *command, city, "--set", "storeys=1")
        assert "storeys" in line and "storeys_added" in line
        assert "-3 to 5" in failing(capsys, *command, city, "--set", "storeys_added=9")
        assert "nan" in failing(capsys, *command, city, "--set", "storeys_added=nan")
        assert "LEVER=VALUE" in failing(capsys, *command, city, "--set", "storeys_added")


def test_german_terminals_are_answered_in_german(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert "Diese Datei gibt es nicht" in failing(capsys, "info", tmp_path / "none.gml")


def test_the_command_line_needs_no_qt_and_help_no_arrays():
    code = (
        "import sys; from viewer.cli import run\n"
        "assert run(['--help']) == 0 and 'numpy' not in sys.modules\n"
        "assert run(['info', 'none.gml']) == 2 and run(['plugin', 'list']) == 0\n"
        "assert not any(m.startswith('PySide6') for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_output_into_a_closed_pipe_is_no_error(city):
    code = f"import sys; from viewer.cli import run; sys.exit(run(['info', {str(city)!r}, '--json']))"
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    child.stdout.close()
    assert "Traceback" not in child.stderr.read()
    child.wait()


def test_a_terminal_without_umlauts_gets_question_marks():
    import io

    from viewer.cli.words import show

    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    show("Süd 木", stream)
    assert raw.getvalue() == b"S?d ?\n"
