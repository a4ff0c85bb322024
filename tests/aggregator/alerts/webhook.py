"""A webhook for tests that records what is posted to it, and may hang or refuse."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hook:
    """Recorded messages; requests are answered with `status`, or never if `hangs`."""

    port: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    hangs: bool = False
    came: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """The address in apprise's notation."""
        return f"json://someone:secret@127.0.0.1:{self.port}/hook"


@contextmanager
def listening() -> Iterator[Hook]:
    """Yield a webhook that listens on loopback."""
    hook = Hook()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.messages.append(json.loads(body))
            hook.came.set()
            if hook.hangs:
                hook.ended.wait()
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    hook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        hook.ended.set()
        server.shutdown()
        server.server_close()
