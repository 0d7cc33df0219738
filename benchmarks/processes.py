"""What the system tells about a process, and children of which each measures one thing in a fresh one."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def memory() -> dict[str, int]:
    """Bytes of this process: ``peak`` so far, ``own`` now (not backed by a file), ``mapped`` now (backed by files).

    Only ``peak`` where the system tells no more.
    """
    status = Path("/proc/self/status")
    if status.exists():
        names = {"VmHWM": "peak", "RssAnon": "own", "RssFile": "mapped"}
        lines = (line.split(":") for line in status.read_text(encoding="utf-8").splitlines())
        return {names[name]: int(value.split()[0]) * 1024 for name, value in lines if name in names}
    if sys.platform == "win32":
        return {}
    import resource

    return {"peak": int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)}  # bytes on macOS


@cache
def environment() -> dict[str, str]:
    """Variables of children: modules stay compiled, as those of an installed program, but outside the sources."""
    folder = tempfile.TemporaryDirectory(prefix="stadtforum-bench-")
    atexit.register(folder.cleanup)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": folder.name}


def child(module: str, *arguments: str, seconds: float = 3600.0) -> dict[str, Any]:
    """Run ``python -m module`` in a process of its own; its last line of output is JSON.

    Raises
    ------
    RuntimeError
        It ended badly or took longer; the end of what it said is in the text.
    """
    command = [sys.executable, "-m", module, *arguments]
    try:
        answer = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, encoding="utf-8", timeout=seconds,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{' '.join(command[1:])} took longer than {seconds:.0f} s") from error
    if answer.returncode != 0 or not answer.stdout.strip():
        raise RuntimeError(f"{' '.join(command[1:])} ended with {answer.returncode}:\n{answer.stderr[-2000:]}")
    found = json.loads(answer.stdout.strip().splitlines()[-1])
    assert isinstance(found, dict)
    return found
