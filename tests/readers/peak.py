"""How much memory a piece of work needs at its highest, measured from outside of Python by the system (Linux)."""

from __future__ import annotations

import contextlib
import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
#: Written there, it sets the highest memory of the process back to what it has now.
_RESET_PEAK = "5"


def why_not() -> str:
    """Why the peak of this process cannot be measured; empty where it can."""
    try:
        _CLEAR.write_text(_RESET_PEAK, encoding="ascii")
        _status_kb("VmHWM")
    except (OSError, LookupError) as error:
        return f"this system does not tell the highest memory of a process ({error})"
    return ""


def peak_growth_mb(work: Callable[[], object]) -> float:
    """Megabytes of memory the process had more at its highest during ``work`` than before it.

    Raises
    ------
    Exception
        As ``work`` does.
    """
    gc.collect()
    _give_back()
    _CLEAR.write_text(_RESET_PEAK, encoding="ascii")
    before = _status_kb("VmRSS")
    work()
    return max(0.0, (_status_kb("VmHWM") - before) / 1024)


def _status_kb(name: str) -> int:
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise LookupError(name)


def _give_back() -> None:
    """Freed memory goes back to the system, or the next peak would hide in it. Only glibc has a way to say so."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
