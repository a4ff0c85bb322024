"""Sites on loopback for tests: a table of paths and responses, and a log of requests."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

from spiders.source import Source


@dataclass(frozen=True, slots=True)
class Answer:
    """Response of a path. A `stream` is sent as it is, and then the connection is closed."""

    body: bytes = b""
    status: int = 200
    type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    stream: Callable[[], Iterator[bytes]] | None = None
    seconds: float = 0.0


@dataclass(slots=True)
class Asked:
    """A request: its start and end in monotonic seconds, the number of concurrent requests, and its headers."""

    path: str
    headers: dict[str, str]
    time: float
    concurrent: int
    ended: float = 0.0
    sent: int = 0

    @property
    def conditional(self) -> bool:
        """True if the request has conditional headers."""
        return "if-none-match" in self.headers or "if-modified-since" in self.headers


@dataclass(slots=True)
class Site:
    """A site whose `pages` may change while it is served; other paths are 404. Several sites may share one `port`."""

    address: str
    port: int = 0
    pages: dict[str, Answer | Callable[[Asked], Answer]] = field(default_factory=dict)
    log: list[Asked] = field(default_factory=list)
    in_hand: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, path: str = "/") -> str:
        """Return the URL of a path."""
        return f"http://{self.address}:{self.port}{path}"

    def source(self, name: str = "site", *feeds: str, **settings: object) -> Source:
        """Return a source with feeds of this site, by default `/feed.xml`."""
        by_default = () if settings.keys() & {"sitemaps", "listings"} else ("/feed.xml",)
        urls = tuple(self.url(path) for path in feeds or by_default)
        return Source(name=name, title=name, home=self.url(), feeds=urls, **{"delay": 0.001, **settings})  # type: ignore[arg-type]

    def feed(self, *links: str, path: str = "/feed.xml", headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Serve an RSS feed of these links at a path."""
        self.pages[path] = Answer(rss(*links), type="application/rss+xml", headers=headers)

    def article(self, path: str, words: str = "") -> str:
        """Serve an article at a path; return its URL."""
        self.pages[path] = Answer(story(path, words))
        return self.url(path)

    def paths(self) -> list[str]:
        """Return the requested paths in order, without robots.txt."""
        return [asked.path for asked in list(self.log) if asked.path != "/robots.txt"]

    def asked(self, path: str) -> list[Asked]:
        """Return the requests of a path."""
        return [asked for asked in list(self.log) if asked.path == path]


def rss(*links: str) -> bytes:
    """Return an RSS feed of links."""
    items = "".join(f"<item><title>Story {n}</title><link>{escape(link)}</link></item>" for n, link in enumerate(links))
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Site</title>{items}</channel></rss>'.encode()


def story(name: str, words: str = "") -> bytes:
    """Return the page of an article with a text that depends on its name."""
    sentences = " ".join(
        f"{name.strip('/')} sentence {n} tells of batteries and chargers that nobody has seen." for n in range(12)
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head><title>About {name}</title></head><body><main><article>'
        f"<h1>About {name}</h1>"
        f"<p>{sentences}</p><p>{words}</p><p>{sentences[::-1].replace('<', '')}</p></article></main></body></html>"
    ).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True
    site: Site

    def do_GET(self) -> None:
        site = self.site
        with site.lock:
            site.in_hand += 1
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.path, headers, time.monotonic(), site.in_hand)
            site.log.append(asked)
        try:
            page = site.pages.get(self.path) or site.pages.get("*") or Answer(b"none", 404)
            answer = page(asked) if callable(page) else page
            time.sleep(answer.seconds)
            with contextlib.suppress(ConnectionError):
                self._say(answer, asked)
        finally:
            self._done(asked)

    def _done(self, asked: Asked) -> None:
        """Finish the log entry; called before the last byte is sent, after which the client may go on at once."""
        if not asked.ended:
            asked.ended = time.monotonic()
            with self.site.lock:
                self.site.in_hand -= 1

    def _say(self, answer: Answer, asked: Asked) -> None:
        if answer.stream is not None:
            self.close_connection = True
            for piece in answer.stream():
                self.connection.sendall(piece)
                asked.sent += len(piece)
            return
        self.send_response_only(answer.status)
        if answer.status != 304:
            self.send_header("Content-Type", answer.type)
            self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers:
            self.send_header(name, value)
        self._done(asked)
        self.end_headers()
        self.wfile.write(answer.body if answer.status != 304 else b"")

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore errors, such as closed connections."""


@contextlib.contextmanager
def serving(*sites: Site) -> Iterator[Site]:
    """Serve sites, each at its own address and all on one port; yield the first."""
    handlers = [type("Handler", (_Handler,), {"site": site}) for site in sites]
    with contextlib.ExitStack() as stack:
        for site, handler in zip(sites, handlers, strict=True):
            server = _Server((site.address, sites[0].port or site.port), handler)
            site.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            stack.callback(thread.join, 5)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
        yield sites[0]


@contextlib.contextmanager
def canary(address: str = "127.0.0.1") -> Iterator[Site]:
    """Open a listener that must not be connected to; its `log` has an entry per connection."""
    site = Site(address)
    listener = socket.create_server((address, 0))
    site.port = listener.getsockname()[1]

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                site.log.append(Asked("", {}, time.monotonic(), 1))
                connection.close()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield site
    finally:
        listener.close()
