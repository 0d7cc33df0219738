"""Dependencies behave as the project relies on."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on")
def test_qt_setters_keep_the_references_to_none(qapp):
    """PySide6 6.12.0 loses one reference to None per call and so ends the process after some thousands."""
    from PySide6.QtCore import QObject

    thing = QObject()
    before = sys.getrefcount(None)
    for _ in range(500):
        thing.setObjectName("name")
    assert sys.getrefcount(None) > before - 250


def test_the_package_metadata_keeps_the_broken_qt_away():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    qt = next(d for d in project["dependencies"] if d.startswith("PySide6-Essentials"))
    assert "<6.12" in qt


def test_every_dependency_is_named_with_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [d for group in project["optional-dependencies"].values() for d in group]
    decisions = (ROOT / "DECISIONS.md").read_text(encoding="utf-8")
    names = [d.split(">")[0].split("<")[0].split("=")[0].strip() for d in project["dependencies"] + extras]
    assert [name for name in names if name not in decisions] == []


@pytest.mark.parametrize("part", ["QtCharts", "QtGraphs", "QtHttpServer", "QtDataVisualization", "QtVirtualKeyboard"])
def test_no_gpl_part_of_qt_is_imported(part):
    sources = [*ROOT.glob("viewer/**/*.py"), *ROOT.glob("plugins/**/*.py"), ROOT / "main.py"]
    assert [str(f) for f in sources if part in f.read_text(encoding="utf-8")] == []
