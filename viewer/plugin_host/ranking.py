"""Which readers take a file, and in which order: by name pattern first, then by what the file begins with."""

from __future__ import annotations

import gzip
import inspect
import math
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from viewer.errors import ViewerError
from viewer.plugin_host.manifest import Contribution, PluginInfo

#: What a sniffer sees of a file; of the content, where the file is packed.
HEAD_BYTES = 64 * 1024
#: A reader without a sniffer trusts the name; one whose sniffer failed stays behind the others.
NAME_ONLY, SNIFFER_FAILED = 0.4, 0.05

Sniff = Callable[[PluginInfo, Contribution, Path, bytes], float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reader that may take a file: confidence 0 to 1; result is "city" or "layer"."""

    plugin_id: str
    plugin: str
    title: str
    result: str
    confidence: float

    @property
    def key(self) -> str:
        """``"plugin_id:reader title"``, as a session remembers it."""
        return f"{self.plugin_id}:{self.title}"


def rank(path: Path, readers: Iterable[tuple[PluginInfo, Contribution]], sniff: Sniff) -> tuple[Candidate, ...]:
    """Readers for a file, best first; a reader whose sniffer says 0 is left out.

    Where no pattern fits the name, every reader with a sniffer is asked. Equals keep their order.
    """
    readers = list(readers)
    name = path.name.lower()
    fitting = [(info, r) for info, r in readers if any(fnmatchcase(name, pattern) for pattern in r.patterns)]
    head = read_head(path)
    found = [_candidate(info, reader, path, head, sniff) for info, reader in fitting]
    if not any(candidate.confidence > 0 for candidate in found):
        others = [(info, r) for info, r in readers if r.sniff and (info, r) not in fitting]
        found = [_candidate(info, r, path, head, sniff, failed=0.0) for info, r in others]
    return tuple(sorted((c for c in found if c.confidence > 0), key=lambda c: -c.confidence))


def _candidate(
    info: PluginInfo, reader: Contribution, path: Path, head: bytes, sniff: Sniff, *, failed: float = SNIFFER_FAILED
) -> Candidate:
    confidence = NAME_ONLY
    if reader.sniff:
        try:
            confidence = sniff(info, reader, path, head)
        except ViewerError:
            confidence = failed
    return Candidate(info.id, info.title, reader.title, reader.result, confidence)


def call_sniffer(function: Callable[..., Any], path: Path, head: bytes) -> Any:
    """Call a sniffer with those of ``path`` and ``head`` that it names."""
    offered = {"path": path, "head": head}
    names = list(inspect.signature(function).parameters)
    if not names or not set(names) <= set(offered):
        return function(path, head)
    return function(**{name: offered[name] for name in names})


def confidence(answer: object) -> float:
    """A sniffer's answer as 0 to 1; a plain yes counts 0.9, nonsense nothing."""
    if isinstance(answer, bool):
        return 0.9 if answer else 0.0
    try:
        value = float(answer)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0


def read_head(path: Path) -> bytes:
    """The first 64 kB of the content: unpacked for ``.gz``, of the first data file for ``.zip``; b"" if unreadable."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(path) as unpacked:
                return unpacked.read(HEAD_BYTES)
        if head.startswith(b"PK\x03\x04"):
            return _zip_head(path) or head
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return b""
    return head


def _zip_head(path: Path) -> bytes:
    endings = (".gml", ".citygml", ".xml", ".json", ".jsonl", ".geojson", ".csv")
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist()[:10_000]:
            hidden = member.filename.startswith("__MACOSX") or "/." in f"/{member.filename}"
            if not hidden and member.filename.lower().endswith(endings):
                with archive.open(member) as unpacked:
                    return unpacked.read(HEAD_BYTES)
    return b""
