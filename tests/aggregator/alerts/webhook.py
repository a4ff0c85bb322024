"""A webhook of the tests' own: what is posted to it is kept, and it may hang or refuse."""

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
    """Messages in the order in which they came; `status` is the answer, `hangs` lets it come never."""

    port: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    hangs: bool = False
    came: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """As apprise spells it."""
        return f"json://someone:secret@127.0.0.1:{self.port}/hook"


@contextmanager
def listening() -> Iterator[Hook]:
    """A hook that listens on loopback."""
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
            """Nothing."""

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
