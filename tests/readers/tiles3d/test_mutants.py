"""Damaged tiles, models and tilesets end in what could be read, or in one error a person can read.

``STADTFORUM_MUTANTS`` and ``STADTFORUM_MUTANT_SEED`` ask for more, or for others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.readers.tiles3d import mutants

COUNT = int(os.environ.get("STADTFORUM_MUTANTS", "500"))
SEED = int(os.environ.get("STADTFORUM_MUTANT_SEED", "20"))


def test_every_mutant_ends_in_a_result_or_in_one_readable_error():
    pytest.importorskip("DracoPy")
    command = [sys.executable, "-m", "tests.readers.tiles3d.mutants", "--count", str(COUNT), "--seed", str(SEED)]
    ended = subprocess.run(
        command, cwd=mutants.ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60 + COUNT, check=False
    )
    assert ended.returncode == 0, f"a hang or a crash:\n{ended.stderr[-3000:]}"
    result = json.loads(ended.stdout.splitlines()[-1])
    print(json.dumps({name: value for name, value in result.items() if name != "failures"}))
    assert result["failures"] == []
    assert result["read"] + result["partly"] + result["refused"] == COUNT
    # Damage that never hurts, or leaves nothing, would prove nothing.
    assert min(result["partly"], result["refused"], result["read"]) > 0


def test_a_planted_fault_of_the_reader_is_found(monkeypatch, capsys):
    """The test above can fail: a reader that stumbles once is reported with its number."""
    pytest.importorskip("DracoPy")
    calls = iter(range(100))

    def stumble(*_: object) -> str:
        if next(calls) == 2:
            raise KeyError("planted")
        return "refused"

    monkeypatch.setattr(mutants, "read_and_use", stumble)
    monkeypatch.setattr(sys, "argv", ["mutants", "--count", "5"])
    assert mutants.main() == 0
    result = json.loads(capsys.readouterr().out)
    assert [failure["number"] for failure in result["failures"]] == [2]
