"""Answers kept on this computer: one file each, with date and checksum, used when the network is gone.

A copy is a cache of what a server said; losing one costs nothing but the next use without a network.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from viewer.plugin_api.net.request import Answer, Request
from viewer.settings import cache_folder

#: All copies together, bytes; the oldest go first.
MAX_BYTES = 2 * 1024**3
_PRUNE_EVERY = 200
_MAX_HEAD = 64 * 1024

_log = logging.getLogger(__name__)


def default_copies() -> Copies:
    """The copies of this user."""
    return Copies(cache_folder() / "offline")


class Copies:
    """Copies below one folder. Several programs may use it at once: a file is written whole or not at all."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder, self._max_bytes, self._saved = folder, max_bytes, 0

    def find(self, request: Request) -> Answer | None:
        """The copy of what was answered to the same request; None if there is no whole one."""
        try:
            with self._path(request).open("rb") as file:
                head = json.loads(file.readline(_MAX_HEAD))
                body = file.read(request.max_bytes + 1)
            fetched = datetime.fromisoformat(head["fetched"])
            whole = hashlib.sha256(body).hexdigest() == head["sha256"] and head["url"] == request.url
            texts = [str(head[name]) for name in ("content_type", "etag", "modified")]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.info("a copy of an answer cannot be used: %s", type(error).__name__)
            return None
        if not whole or fetched.tzinfo is None:
            return None
        return Answer(request.url, body, texts[0], fetched, True, "", texts[1], texts[2])

    def keep(self, request: Request, answer: Answer) -> None:
        """Keep an answer; a full or locked disk is logged, not raised."""
        head = {
            "url": answer.url,
            "content_type": answer.content_type,
            "fetched": answer.fetched.astimezone(UTC).isoformat(timespec="seconds"),
            "etag": answer.etag,
            "modified": answer.modified,
            "sha256": hashlib.sha256(answer.body).hexdigest(),
        }
        path = self._path(request)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{id(answer):x}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(json.dumps(head).encode("utf-8") + b"\n" + answer.body)
            fresh.replace(path)
            self._saved += 1
            if self._saved % _PRUNE_EVERY == 1:
                self.prune()
        except OSError as error:
            _log.warning("a copy of an answer could not be kept: %s", error.strerror)
            fresh.unlink(missing_ok=True)

    def prune(self) -> None:
        """Let the oldest copies go until the rest fits."""
        found = []
        for path in self.folder.glob("??/*"):
            with suppress(FileNotFoundError):  # another program may prune too
                known = path.stat()
                found.append((known.st_mtime, known.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._max_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size

    def _path(self, request: Request) -> Path:
        key = hashlib.sha256(f"{request.accept}\n{request.url}".encode()).hexdigest()
        return self.folder / key[:2] / f"{key}.copy"
