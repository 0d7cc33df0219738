"""The probe of the graphics: whatever the child does, the parent gets a report."""

from __future__ import annotations

import json
import sys
import time

import pytest

from viewer.scene import probe as module
from viewer.scene.probe import GraphicsReport, fallback_environment, probe, probe_all

GOOD = {"drawn": True, "renderer": "Card 9000", "version": "4.6.0 Maker 1.2", "window": "vtkXOpenGLRenderWindow"}


def child(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def saying(facts: object, before: str = "") -> list[str]:
    return child(f"{before}\nprint({json.dumps(json.dumps(facts))})")


def test_a_good_answer_is_a_report_that_works():
    report = probe(command=saying(GOOD))
    assert report == GraphicsReport(True, "Card 9000", "4.6.0 Maker 1.2", False, "vtkXOpenGLRenderWindow")
    assert report.reason == "" and report.on_screen


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no signals")
def test_a_child_ended_by_a_signal_is_a_report():
    report = probe(command=child("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"))
    assert not report.works
    assert report.reason == "The graphics driver ended the program while drawing."


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no signals")
def test_the_reason_tells_the_last_complaint_of_a_child_that_was_ended():
    code = "import os, sys; sys.stderr.write('first\\nno driver for this card.\\n\\n'); sys.stderr.flush(); os.abort()"
    assert probe(command=child(code)).reason == (
        "The graphics driver ended the program while drawing (no driver for this card)."
    )


def test_a_child_that_hangs_is_ended_in_time():
    start = time.monotonic()
    report = probe(timeout_s=0.5, command=child("import time; time.sleep(600)"))
    assert not report.works
    assert report.reason == "The graphics driver did not answer within 0.5 seconds."
    assert time.monotonic() - start < 60  # the child would have gone on for ten minutes


@pytest.mark.parametrize(
    "code",
    [
        "pass",
        "print('no json')",
        "print('[1, 2]'); print('\"text\"')",
        "import sys; sys.stdout.buffer.write(bytes(range(256)) * 4000)",
        "print('[' * 60000)",
        "print('{\"drawn\": tru')",
    ],
)
def test_garbage_is_a_report_without_an_answer(code):
    report = probe(command=child(code))
    assert not report.works
    assert report.reason == "The test of the graphics gave no usable answer."


def test_an_answer_is_found_among_what_a_driver_prints():
    assert probe(command=saying(GOOD, "print('driver: hello'); print('{')")).works


@pytest.mark.parametrize("wrong", [1, "yes", None, [True]])
def test_only_a_clear_yes_counts_as_drawn(wrong):
    report = probe(command=saying({**GOOD, "drawn": wrong}))
    assert not report.works and report.reason == "The test picture came out wrong."


def test_an_old_driver_is_named_with_its_version():
    report = probe(command=saying({**GOOD, "version": "2.1 Mesa 20"}))
    assert not report.works and report.renderer == "Card 9000"
    assert report.reason == "The graphics driver offers OpenGL 2.1; 3.2 or newer is needed."


def test_a_missing_library_is_named():
    report = probe(command=saying({"missing": "libGL.so.1: cannot open shared object file"}))
    assert report.reason == ("A library that drawing needs is missing: libGL.so.1: cannot open shared object file.")


def test_a_command_that_does_not_exist_is_a_report(tmp_path):
    report = probe(command=[str(tmp_path / "nothing")])
    assert not report.works and report.reason.startswith("The test of the graphics could not be started: ")


@pytest.mark.parametrize(
    ("renderer", "software"),
    [("llvmpipe (LLVM 15)", True), ("GDI Generic", True), ("Microsoft Basic Render Driver", True), ("GeForce", False)],
)
def test_drawing_by_the_processor_is_told_from_a_card(renderer, software):
    assert probe(command=saying({**GOOD, "renderer": renderer})).software is software


def test_the_variables_of_a_try_reach_the_child_and_the_report():
    code = "import os; print('{\"missing\": \"' + os.environ['STADTFORUM_TEST_STEP'] + '\"}')"
    report = probe(command=child(code), environment={"STADTFORUM_TEST_STEP": "two"})
    assert report.reason.endswith(" two.")
    assert report.environment == (("STADTFORUM_TEST_STEP", "two"),)


def test_complaints_are_one_short_clean_line():
    said = module._last_sentence(
        "2026-01-01 10:00:00.000 (   0.2s) [   7F92]vtkXOpenGLRenderWindow.:1452  WARN| bad X server\x1b\n" + "\n"
    )
    assert said == "bad X server"
    assert len(module._last_sentence("x" * 5000)) == 200


def test_the_ladder_goes_down_step_by_step_and_ends():
    report, steps = GraphicsReport(False), []
    while step := fallback_environment(report):
        steps.append(step)
        report = GraphicsReport(False, environment=tuple(sorted(step.items())))
    assert [s.get("VTK_DEFAULT_OPENGL_WINDOW", "") for s in steps] == ["", "vtkOSOpenGLRenderWindow"]
    assert all(s["LIBGL_ALWAYS_SOFTWARE"] == "1" for s in steps)


def test_nothing_is_changed_where_drawing_works():
    assert fallback_environment(GraphicsReport(True)) == {}


def test_all_steps_are_tried_until_one_works(monkeypatch):
    need = "os.environ.get('VTK_DEFAULT_OPENGL_WINDOW')"
    command = child(f"import os; print({json.dumps(json.dumps(GOOD))} if {need} else 'broken')")
    monkeypatch.setattr(module, "_command", lambda: command)
    monkeypatch.delenv("VTK_DEFAULT_OPENGL_WINDOW", raising=False)
    report = probe_all()
    assert report.works
    assert dict(report.environment)["VTK_DEFAULT_OPENGL_WINDOW"] == "vtkOSOpenGLRenderWindow"


def test_when_no_step_works_the_first_reason_is_told(monkeypatch):
    monkeypatch.setattr(module, "_command", lambda: child("print('broken')"))
    report = probe_all()
    assert not report.works and report.environment == ()
    assert report.reason == "The test of the graphics gave no usable answer."


def test_a_frozen_program_asks_itself(monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert module._command() == [sys.executable, "--probe"]


def test_the_real_probe_draws_here_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = probe_all(60.0)
    if not report.works:
        pytest.skip(f"this computer cannot draw: {report.reason}")
    assert report.renderer and report.version and report.window.startswith("vtk")
