"""Readers survive damage: every mutant ends in a result with messages or in one error a person can read.

And none needs more than three times the memory that undamaged files need.

``STADTFORUM_MUTANTS`` and ``STADTFORUM_MUTANT_SEED`` ask for more, or for others.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.readers import mutants, peak
from viewer.city.subset import take_features
from viewer.errors import ReadError

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
    assert result.get("memory_offenders", 0) == 0, result["offenders"]
    assert result["city"] + result["layer"] + result["refused"] == COUNT
    # Damage that never hurts, or leaves nothing, would prove nothing.
    assert 0 < result["refused"] < COUNT


def plant(kind, fault, monkeypatch, capsys) -> dict:
    """What the process says of five mutants, of which the third meets a reader with this fault."""
    _, make, is_json, _ = mutants.FORMATS[kind]
    seeds = make()
    third = mutants.mutant(seeds[2 % len(seeds)], random.Random(f"{kind}/1/2"), is_json=is_json)

    class Host:
        def __init__(self, *args: object, **kwargs: object) -> None: ...

        def read(self, path: Path, *args: object, **kwargs: object) -> object:
            if path.read_bytes() == third:
                fault()
            raise ReadError("no")

    monkeypatch.setattr("viewer.plugin_host.PluginHost", Host)
    monkeypatch.setattr(sys, "argv", ["mutants", kind, "--count", "5"])
    assert mutants.main() == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("kind", mutants.FORMATS)
def test_a_planted_fault_of_a_reader_is_found(kind, monkeypatch, capsys):
    """The test above can fail: a reader that stumbles once is reported with its number."""

    def stumble() -> None:
        raise KeyError("planted")

    result = plant(kind, stumble, monkeypatch, capsys)
    assert [failure["number"] for failure in result["failures"]] == [2]
    assert result["refused"] == 4


@pytest.mark.skipif(bool(peak.why_not()), reason=peak.why_not() or "the peak is known")
def test_a_planted_greed_for_memory_is_found(monkeypatch, capsys):
    result = plant("cityjson", lambda: np.ones(4_000_000), monkeypatch, capsys)
    assert [offender["number"] for offender in result["offenders"]] == [2]
    assert result["memory_offenders"] == 1
    assert result["offenders"][0]["mb"] > 25
    assert (result["failures"], result["refused"]) == ([], 5)


def test_memory_that_cannot_be_measured_is_skipped_with_a_reason(monkeypatch, capsys):
    monkeypatch.setattr(peak, "_CLEAR", mutants.ROOT / "no such folder" / "clear_refs")
    result = plant("csv", lambda: None, monkeypatch, capsys)
    assert "does not tell" in result["memory_skipped"]
    assert result["refused"] == 5


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
