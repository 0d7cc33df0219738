"""Reading in a process of its own: what a damaged file does to it, it does to nobody else.

A helper is a script that takes a job as JSON from its standard input and writes lines of JSON: how far it is, then its
result or a sentence. It imports nothing of the viewer, so that it starts at once.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from viewer.errors import LimitError, ReadError
from viewer.plugin_api.context import Progress
from viewer.settings import cache_folder

#: What a helper may take, unless it is told otherwise.
SECONDS, MEMORY_BYTES = 900.0, 8 * 1024**3
_MOST_LINE, _MOST_TROUBLE = 1_000_000, 4_000
_FINISHED = "finished.json"
#: Turns prepared copies off, these and those of cities.
OFF_VARIABLE = "STADTFORUM_NO_CACHE"
_passing: list[Path] = []
#: Run before the script: memory beyond the limit raises MemoryError in it instead of slowing down the computer.
_START = """
import runpy, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), int(sys.argv[1])))
except (ImportError, ValueError, OSError):
    pass
runpy.run_path(sys.argv[2], run_name="__main__")
"""


def run_helper(
    script: Path,
    job: Mapping[str, object],
    progress: Progress,
    *,
    path: Path,
    seconds: float = SECONDS,
    memory_bytes: int = MEMORY_BYTES,
) -> dict[str, Any]:
    """Run a script on a job and wait for its result.

    The script prints ``{"share": 0.4, "text": "Reading"}`` while it works, and at the end ``{"result": {...}}`` or
    ``{"error": "A template.", "hint": "...", "values": {...}}``.

    Parameters
    ----------
    path : the file that is read, for messages. seconds, memory_bytes : after so long, or with more, it is ended.

    Raises
    ------
    ReadError, LimitError
        What the script said, or that it ended without a result, took too long or too much memory.
    Cancelled
        A person stopped it; the helper is ended.
    """
    command = [sys.executable, "-I", "-c", _START, str(int(memory_bytes)), str(script)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines: queue.Queue[bytes | None] = queue.Queue()
    trouble: list[bytes] = []
    readers = [
        threading.Thread(target=_pass_on, args=(process.stdout, lines), daemon=True),
        threading.Thread(target=_keep_end, args=(process.stderr, trouble), daemon=True),
    ]
    for reader in readers:
        reader.start()
    try:
        assert process.stdin is not None
        with suppress(OSError):  # a helper that ended at once says why below
            process.stdin.write(json.dumps(dict(job)).encode("utf-8"))
            process.stdin.close()
        answer = _answer(lines, progress, time.monotonic() + seconds, path, seconds)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for reader in readers:
            reader.join(5.0)
    if "result" in answer:
        return dict(answer["result"])
    if "error" in answer:
        values = answer.get("values") or {}
        raise ReadError(str(answer["error"]), hint=str(answer.get("hint", "")), path=path, **values)
    said = b"".join(trouble).decode("utf-8", "replace").strip().splitlines()
    if (said and said[-1].startswith("MemoryError")) or process.returncode == -9:
        raise LimitError("Reading this file took more than {limit} MB of memory.", path=path,
                         limit=int(memory_bytes) // 1024**2)  # fmt: skip
    reason = said[-1][:200] if said else str(process.returncode)
    raise ReadError("This file is damaged: reading it failed ({reason}).", path=path, reason=reason)


def _answer(
    lines: queue.Queue[bytes | None], progress: Progress, deadline: float, path: Path, seconds: float
) -> dict[str, Any]:
    """The last word of a helper; empty if it ended without one."""
    while True:
        try:
            line = lines.get(timeout=0.1)
        except queue.Empty:
            line = b""
        if line is None:
            return {}
        said = _said(line)
        if "result" in said or "error" in said:
            return said
        progress.raise_if_cancelled()
        if time.monotonic() > deadline:  # also of one that never stops talking
            raise LimitError("Reading this file took more than {limit} seconds.", path=path, limit=round(seconds))
        if "share" in said:
            progress.report(float(said["share"]), str(said.get("text", "")))


def _said(line: bytes) -> dict[str, Any]:
    """What a line says; nothing where a library printed it."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _pass_on(stream: IO[bytes], lines: queue.Queue[bytes | None]) -> None:
    while line := stream.readline(_MOST_LINE):
        lines.put(line)
    lines.put(None)


def _keep_end(stream: IO[bytes], kept: list[bytes]) -> None:
    while data := stream.read1(_MOST_TROUBLE):  # type: ignore[attr-defined]
        kept.append(data)
        del kept[:-4]


def prepared(
    kind: str, path: Path, make: Callable[[Path], None], *what: object, limit_bytes: int = 4 * 1024**3
) -> Path:
    """A folder in the cache with what ``make`` prepares of a file; made once, until the file changes.

    ``make`` fills an empty folder; what it raises is raised, and the folder is gone. The same file with the same
    ``what`` has the same folder. Those of this kind that were used longest ago make room.
    """
    stamp = path.stat()
    name = json.dumps([str(path.resolve()), stamp.st_size, stamp.st_mtime_ns, *map(str, what)])
    root = _cache_root() / kind
    folder = root / hashlib.sha256(name.encode("utf-8")).hexdigest()[:32]
    if (folder / _FINISHED).is_file():
        with suppress(OSError):
            (folder / _FINISHED).touch()
        return folder
    _make_room(root, limit_bytes)
    root.mkdir(parents=True, exist_ok=True)
    growing = Path(tempfile.mkdtemp(prefix="new-", dir=root))
    try:
        make(growing)
        (growing / _FINISHED).write_text(name, encoding="utf-8")
        try:
            growing.rename(folder)
        except OSError:
            if not (folder / _FINISHED).is_file():  # else another program was quicker
                raise
    finally:
        shutil.rmtree(growing, ignore_errors=True)
    return folder


def _cache_root() -> Path:
    """The cache, or a folder that is gone when the program ends where copies are switched off."""
    if not os.environ.get(OFF_VARIABLE):
        return cache_folder()
    if not _passing:
        _passing.append(Path(tempfile.mkdtemp(prefix="stadtforum-")))
        atexit.register(shutil.rmtree, _passing[0], ignore_errors=True)
    return _passing[0]


def _make_room(root: Path, limit_bytes: int) -> None:
    """Remove the folders used longest ago while there are too many bytes; ones in use on Windows stay."""
    if not root.is_dir():
        return
    found = []
    for folder in root.iterdir():
        mark = folder / _FINISHED
        with suppress(OSError):
            size = sum(file.stat().st_size for file in folder.iterdir())
            found.append((mark.stat().st_mtime if mark.is_file() else 0.0, size, folder))
    total = sum(size for _, size, _ in found)
    for _, size, folder in sorted(found, key=lambda entry: entry[0]):
        if total <= limit_bytes:
            break
        shutil.rmtree(folder, ignore_errors=True)
        total -= size
