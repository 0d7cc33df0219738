"""What is remembered about plugins between two starts: which are off, which failed, which never came back.

A plugin that ends the whole program cannot be caught. So a key file is written before such a call and
removed after it; a key whose program is gone tells the next start who it was.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedRandom
from pathlib import Path

#: So many failures in a row switch a plugin off.
MAX_FAILURES = 3
_RUNNING = "plugin-running-"


@dataclass
class PluginMemory:
    """The remembered state. Without a path nothing is written and nothing survives.

    off : ids a person switched off. failures : id -> failures in a row. vanished : ids during whose
    call the program ended.
    """

    path: Path | None = None
    off: set[str] = field(default_factory=set)
    failures: dict[str, int] = field(default_factory=dict)
    vanished: set[str] = field(default_factory=set)

    @classmethod
    def load(cls, path: Path | None) -> PluginMemory:
        """Read the memory, take over keys left by programs that are gone. A damaged file counts as empty."""
        memory = cls(path)
        if path is None:
            return memory
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            table = {}
        if isinstance(table, dict):
            memory.off = _strings(table.get("off"))
            memory.vanished = _strings(table.get("vanished"))
            failures = table.get("failures")
            if isinstance(failures, dict):
                memory.failures = {str(k): v for k, v in failures.items() if isinstance(v, int)}
        left = memory._left_behind()
        if left:
            memory.vanished |= left
            memory.save()
        return memory

    def save(self) -> None:
        """Write the memory; a folder that cannot be written only means that nothing is remembered."""
        if self.path is None:
            return
        table = {
            "schema_version": 1,
            "off": sorted(self.off),
            "failures": dict(sorted(self.failures.items())),
            "vanished": sorted(self.vanished),
        }
        temporary = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(table, indent=1), encoding="utf-8")
            temporary.replace(self.path)
        except OSError:
            temporary.unlink(missing_ok=True)

    def failed(self, plugin_id: str) -> bool:
        """Count a failure; true if the plugin is off from now on."""
        self.failures[plugin_id] = self.failures.get(plugin_id, 0) + 1
        self.save()
        return self.failures[plugin_id] >= MAX_FAILURES

    def succeeded(self, plugin_id: str) -> None:
        """Forget the failures of a plugin that works again."""
        if self.failures.pop(plugin_id, 0):
            self.save()

    def switch(self, plugin_id: str, on: bool) -> None:
        """A person switches a plugin on (which forgives everything) or off."""
        if on:
            self.off.discard(plugin_id)
            self.vanished.discard(plugin_id)
            self.failures.pop(plugin_id, None)
        else:
            self.off.add(plugin_id)
        self.save()

    @contextmanager
    def running(self, plugin_id: str) -> Iterator[None]:
        """The key lies on disk while the plugin is called, locked by this process."""
        if self.path is None:
            yield
            return
        key = self.path.with_name(f"{_RUNNING}{secrets.token_hex(8)}")
        file: BufferedRandom | None = None
        with suppress(OSError):  # in a folder that cannot be written the plugin runs without a watch-dog
            key.parent.mkdir(parents=True, exist_ok=True)
            file = key.open("x+b")
            file.write(plugin_id.encode())
            file.flush()
            _lock(file)
        try:
            yield
        finally:
            if file is not None:
                file.close()
                key.unlink(missing_ok=True)

    def _left_behind(self) -> set[str]:
        """Ids in keys whose program is gone; those keys are removed."""
        assert self.path is not None
        ids = set()
        for key in self.path.parent.glob(f"{_RUNNING}*"):
            try:
                with key.open("r+b") as file:
                    _lock(file)
                    file.seek(0)
                    ids.add(file.read(80).decode("ascii", "replace"))
                key.unlink()
            except OSError:
                continue  # locked: that program still runs
        return ids - {""}


def _strings(value: object) -> set[str]:
    return {item for item in value if isinstance(item, str)} if isinstance(value, list) else set()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BufferedRandom) -> None:
        """Lock a file until it is closed; OSError if another process has it. The lock lies behind the text."""
        file.seek(1024)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: BufferedRandom) -> None:
        """Lock a file until it is closed; OSError if another process has it."""
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
