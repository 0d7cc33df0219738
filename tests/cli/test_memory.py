"""A city too large for the memory is refused in one sentence; the program is never killed (Linux).

The goal speaks of 4 GB. Here the cap is some hundred megabytes, just above what an empty program needs, so that a
city of a few megabytes is too large for it and the test takes seconds; which allocation fails first is the same matter
of luck, so several caps are tried.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.generate import write_citygml, write_cityjson

resource = pytest.importorskip("resource", reason="this system cannot cap the memory of a process")
if not sys.platform.startswith("linux"):
    pytest.skip("only Linux holds a process to its address space", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]
MEBI = 1024**2
#: Above the memory of a program that has read a small file: most fail, the last may be enough.
MORE_MB = (0, 4, 8, 16, 60)


def info(path: Path, processes: int, cap: int = 0) -> subprocess.CompletedProcess:
    """``stadtforum info`` in a process of its own, under a cap of its address space in bytes."""
    environment = {**os.environ, "STADTFORUM_NO_CACHE": "1", "STADTFORUM_PROCESSES": str(processes)}
    return subprocess.run(
        [sys.executable, "main.py", "info", str(path), "--json"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_AS, (cap, cap))) if cap else None,
    )


@pytest.fixture(scope="module", params=[("gml", write_citygml, 8_000), ("city.json", write_cityjson, 8_000)])
def files(request, tmp_path_factory) -> tuple[Path, Path]:
    """A small city and one too large, in one format."""
    ending, write, count = request.param
    folder = tmp_path_factory.mktemp("too_large")
    return write(folder / f"small.{ending}", 10), write(folder / f"large.{ending}", count)


def need_mb(path: Path) -> int:
    """The address space, megabytes, from which on a file is read."""
    for cap in range(140, 1200, 10):
        if info(path, 1, cap * MEBI).returncode == 0:
            return cap
    pytest.fail("no cap was enough for a small file")


def test_a_city_too_large_for_the_memory_is_refused_in_one_sentence(files):
    small, large = files
    assert info(large, 1).returncode == 0
    base = need_mb(small)
    refused = 0
    for more in MORE_MB:
        ended = info(large, 1, (base + more) * MEBI)
        if ended.returncode == 0:
            assert json.loads(ended.stdout)["buildings"] > 1000
            continue
        refused += 1
        assert ended.returncode == 2, ended.stderr  # as any other file that cannot be read; a signal is negative
        assert "Traceback" not in ended.stderr, ended.stderr
        line = ended.stderr.splitlines()[-1]  # a library that found no room may have warned before
        assert line.startswith(str(large)) and "too little free memory" in line and "stadtforum bake" in line
        assert not ended.stdout
    assert refused >= 2, "the caps are too high to prove anything"
