"""Readers survive damage: every mutant ends in a result with messages or in one error a person can read.

``STADTFORUM_MUTANTS`` and ``STADTFORUM_MUTANT_SEED`` ask for more, or for others.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest

from tests.readers import mutants
from viewer.city.subset import take_features

COUNT = int(os.environ.get("STADTFORUM_MUTANTS", "500"))
SEED = int(os.environ.get("STADTFORUM_MUTANT_SEED", "20"))


@pytest.mark.parametrize("kind", mutants.FORMATS)
def test_every_mutant_ends_in_a_result_or_in_one_readable_error(kind):
    command = [sys.executable, "-m", "tests.readers.mutants", kind, "--count", str(COUNT), "--seed", str(SEED)]
    ended = subprocess.run(
        command, cwd=mutants.ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60 + COUNT, check=False
    )
    assert ended.returncode == 0, f"a hang or a crash:\n{ended.stderr[-3000:]}"
    result = json.loads(ended.stdout.splitlines()[-1])
    print(json.dumps({name: value for name, value in result.items() if name != "failures"}))
    assert result["failures"] == []
    assert result["city"] + result["layer"] + result["refused"] == COUNT
    # Damage that never hurts, or leaves nothing, would prove nothing.
    assert 0 < result["refused"] < COUNT


@pytest.mark.parametrize("kind", mutants.FORMATS)
def test_a_planted_fault_of_a_reader_is_found(kind, monkeypatch, capsys):
    """The test above can fail: a reader that stumbles once is reported with its number."""

    class Host:
        def __init__(self, *args: object, **kwargs: object) -> None:
            self.calls = 0

        def read(self, *args: object, **kwargs: object) -> object:
            self.calls += 1
            if self.calls == 3:
                raise KeyError("planted")
            from viewer.errors import ReadError

            raise ReadError("no")

    monkeypatch.setattr("viewer.plugin_host.PluginHost", Host)
    monkeypatch.setattr(sys, "argv", ["mutants", kind, "--count", "5"])
    assert mutants.main() == 0
    result = json.loads(capsys.readouterr().out)
    assert [failure["number"] for failure in result["failures"]] == [2]
    assert result["refused"] == 4


def test_mutants_are_the_same_for_the_same_seed_and_damaged():
    for _, make, is_json, _ in mutants.FORMATS.values():
        seed = make()[0]
        made = [mutants.mutant(seed, random.Random(f"x{i}"), is_json=is_json) for i in range(50)]
        assert made == [mutants.mutant(seed, random.Random(f"x{i}"), is_json=is_json) for i in range(50)]
        assert sum(content != seed for content in made) > 40


def test_an_object_that_goes_without_a_word_is_found(tmp_path):
    """R4 can fail: one object fewer than the file has, and no message."""
    from viewer.plugin_api import ReadContext
    from viewer.plugin_host import PluginHost

    for kind, ending in (("citygml", "a.gml"), ("cityjson", "a.city.json"), ("cityjsonseq", "a.city.jsonl")):
        path = tmp_path / ending
        path.write_bytes(mutants.FORMATS[kind][1]()[0])
        reading = PluginHost([mutants.ROOT / "plugins"], packages=False).read(path, ReadContext())
        assert mutants.silently_lost(path, reading) == 0
        names = reading.city.objects.features
        fewer = take_features(reading.city, np.arange(len(names)) > 0)
        assert mutants.silently_lost(path, dataclasses.replace(reading, city=fewer)) > 0
