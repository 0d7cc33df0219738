"""A small server on loopback that answers as a test wants and counts what it was asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request: path, query (names in small letters) and headers."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    full: str


@dataclass
class Said:
    """An answer. ``pieces`` with pauses instead of a body for slow servers."""

    body: bytes | str = b""
    kind: str = "application/json"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pieces: tuple[bytes, ...] = ()
    pause_s: float = 0.0
    length: int | None = None


class Loopback:
    """Routes by path; everything asked is kept in ``asked``."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.routes: dict[str, Said | Callable[[Asked], Said]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {k.lower(): v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
                asked = Asked(parts.path, query, {k.lower(): v for k, v in self.headers.items()}, self.path)
                outer.asked.append(asked)
                route = outer.routes.get(parts.path) or outer.routes.get("*")
                said = route(asked) if callable(route) else route
                outer._say(self, said or Said(b"nothing here", "text/plain", 404))

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.host}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def _say(self, handler: BaseHTTPRequestHandler, said: Said) -> None:
        body = said.body.encode("utf-8") if isinstance(said.body, str) else said.body
        try:
            handler.send_response(said.status)
            handler.send_header("Content-Type", said.kind)
            for name, value in said.headers.items():
                handler.send_header(name, value)
            if said.status != 304:
                length = said.length if said.length is not None else len(body) or sum(map(len, said.pieces))
                handler.send_header("Content-Length", str(length))
            handler.end_headers()
            if said.status != 304:
                handler.wfile.write(body)
            for piece in said.pieces:
                handler.wfile.write(piece)
                handler.wfile.flush()
                time.sleep(said.pause_s)
            if said.length is not None and said.length > len(body):
                handler.close_connection = True
        except OSError:
            handler.close_connection = True  # whoever asked went away

    def close(self) -> None:
        """Stop answering: from now on nobody is there."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
