"""The HTTP server of the newsroom: every publisher on its own loopback address, and a proxy to them, on one port.

    python -m tests.newsroom.server --port 0 --public 5 --sources sources.toml

runs in the foreground and prints the addresses as one line of JSON. In a test:

    with running(Newsroom(public=5)) as room: ...
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import urlsplit

from tests.newsroom.faults import NEEDS_FULL_RESPONSE, apply_fault
from tests.newsroom.http_messages import Request, Response, SendMode
from tests.newsroom.newsroom import Newsroom
from tests.newsroom.publishers import PUBLISHERS
from tests.newsroom.responses import publisher_of, respond
from tests.newsroom.truth import Hit, Truth

__all__ = ["Hit", "Newsroom", "Truth", "main", "running"]

_IDLE = 60.0
_INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" * 100


class Server:
    """Serves a newsroom on an event loop, on sockets that are bound already."""

    def __init__(self, room: Newsroom, sockets: list[socket.socket]) -> None:
        self.room = room
        self._sockets = sockets
        self._in_progress: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, until: asyncio.Event) -> None:
        """Serve until the event is set, then close every connection."""
        servers = [await asyncio.start_server(self._client, sock=sock, backlog=512) for sock in self._sockets]
        await until.wait()
        for server in servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve the requests of one connection. Its task is registered, so that `serve` can cancel it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        # asyncio sets this only on sockets that name their protocol; without it each answer waits for a delayed ACK
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError):
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Read one request and send the response; return whether the connection stays open."""
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _IDLE)
        request, version = _parsed(head, writer.get_extra_info("sockname"))
        length = request.headers.get("content-length", "0")
        if length.isdigit() and 0 < int(length) <= 2**20:
            await reader.readexactly(int(length))
        keep = version != "HTTP/1.0" and request.headers.get("connection", "").lower() != "close"
        hit = self._log(request)
        try:
            slow = _is_slow(self.room, request)
            response = await asyncio.to_thread(self._response, request) if slow else self._response(request)
            hit.status = response.status
            return await self._send(reader, writer, response, request.method == "HEAD", keep)
        finally:
            hit.ended = time.monotonic()
            self._in_progress[request.host] -= 1

    def _log(self, request: Request) -> Hit:
        """Log a request before the response, so that the log has those without a response too."""
        self._in_progress[request.host] += 1
        at = publisher_of(request.host)
        hit = Hit(
            time=time.monotonic(),
            method=request.method,
            host=request.host,
            path=request.path,
            publisher=at.name if at else "",
            headers=request.headers,
            concurrent=self._in_progress[request.host],
        )
        self.room.log.append(hit)
        self.room.watch(hit)
        return hit

    def _response(self, request: Request) -> Response:
        """Return the normal response, or what a fault makes of it."""
        at = publisher_of(request.host)
        kind, arg = self.room.fault_at(at.name, request.path) if at else ("none", "")
        if kind in NEEDS_FULL_RESPONSE:
            unconditional = {k: v for k, v in request.headers.items() if not k.startswith("if-")}
            request = replace(request, headers=unconditional)
        normal = respond(self.room, request)
        return normal if kind == "none" else apply_fault(kind, arg, request, normal, self.room.canary_url)

    async def _send(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, response: Response, bare: bool, keep: bool
    ) -> bool:
        """Send a response (`bare`: without its body) in its mode; return whether the connection stays open."""
        if response.mode is SendMode.HANG:
            await reader.read()  # until the client gives up, or the server is stopped
            return False
        if response.mode is SendMode.RESET:
            _reset_connection(writer)
            return False
        if response.mode is SendMode.INTERIM:
            await _send_pieces(writer, (_INTERIM for _ in range(10**9 // len(_INTERIM))))
        writer.write(_head(response, keep))
        if bare or response.status in (204, 304):
            await writer.drain()
        elif response.stream is not None:
            await _send_pieces(writer, (b"%x\r\n%b\r\n" % (len(piece), piece) for piece in response.stream))
            writer.write(b"0\r\n\r\n")
        elif response.mode is SendMode.SLOW:
            await _send_slowly(writer, response)
        elif response.mode is SendMode.TRUNCATE:
            writer.write(response.body[: len(response.body) // 2])
            keep = False
        else:
            writer.write(response.body)
        await writer.drain()
        return keep


def _parsed(head: bytes, sockname: tuple[str, int]) -> tuple[Request, str]:
    """Parse the head of a request; raise ValueError. An absolute target is a request to the proxy."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if target.startswith("/"):
        named = urlsplit("//" + headers.get("host", "")).hostname or sockname[0]
        host = named if publisher_of(named) else sockname[0]
        base = f"http://{host}:{sockname[1]}"
        return Request(method=method, host=host, base=base, path=target, headers=headers), version
    parts = urlsplit(target)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host, base = parts.hostname or "", f"http://{parts.netloc}"
    return Request(method=method, host=host, base=base, path=path, headers=headers), version


def _is_slow(room: Newsroom, request: Request) -> bool:
    """Tell whether the response takes too long to be built on the event loop."""
    at = publisher_of(request.host)
    return at is not None and room.fault_at(at.name, request.path)[0] in ("bomb", "headers", "attributes")


def _head(response: Response, keep: bool) -> bytes:
    streamed = response.stream is not None
    length = ("Transfer-Encoding", "chunked") if streamed else ("Content-Length", str(len(response.body)))
    phrase = HTTPStatus(response.status).phrase if response.status in HTTPStatus._value2member_map_ else "Odd"
    lines = [
        ("Date", formatdate(usegmt=True)),
        ("Server", "newsroom"),
        ("Content-Type", response.type),
        *([] if response.status == 304 else [length]),
        ("Connection", "keep-alive" if keep else "close"),
        *response.headers,
    ]
    text = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return f"HTTP/1.1 {response.status} {phrase}\r\n{text}\r\n".encode("latin-1")


async def _send_pieces(writer: asyncio.StreamWriter, pieces: Iterator[bytes]) -> None:
    for piece in pieces:
        writer.write(piece)
        await writer.drain()


async def _send_slowly(writer: asyncio.StreamWriter, response: Response) -> None:
    for start in range(0, len(response.body), 64):
        writer.write(response.body[start : start + 64])
        await writer.drain()
        await asyncio.sleep(response.pause)


def _reset_connection(writer: asyncio.StreamWriter) -> None:
    """Close the connection with RST."""
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def bound(port: int = 0) -> list[socket.socket]:
    """Return listening sockets on one port: 127.0.0.1 and every publisher's address. Port 0 stands for a free port."""
    for attempt in range(20):
        sockets: list[socket.socket] = []
        try:
            for address in ("127.0.0.1", *(at.address for at in PUBLISHERS)):
                wanted = sockets[0].getsockname()[1] if sockets else port
                sockets.append(socket.create_server((address, wanted), backlog=512))
            return sockets
        except OSError:
            for opened in sockets:
                opened.close()
            if port or attempt == 19:
                raise
    raise AssertionError("unreachable")


@contextmanager
def running(room: Newsroom, port: int = 0) -> Iterator[Newsroom]:
    """Serve a newsroom from a thread while the block runs."""
    sockets = bound(port)
    room.port = sockets[0].getsockname()[1]
    loop = asyncio.new_event_loop()
    until = asyncio.Event()
    thread = threading.Thread(target=_run, args=(loop, Server(room, sockets), until), name="newsroom", daemon=True)
    thread.start()
    try:
        yield room
    finally:
        loop.call_soon_threadsafe(until.set)
        thread.join(10)


def _run(loop: asyncio.AbstractEventLoop, server: Server, until: asyncio.Event) -> None:
    try:
        loop.run_until_complete(server.serve(until))
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def main() -> None:
    """Run in the foreground until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(
        "python -m tests.newsroom.server", description="Serve a small news web on loopback."
    )
    parser.add_argument("--port", type=int, default=0, help="port on all addresses (default: a free one)")
    parser.add_argument(
        "--public", type=int, default=None, help="published articles of each publisher at the start (default: all)"
    )
    parser.add_argument("--sources", help="write a catalogue of the publishers to this file")
    parser.add_argument("--delay", type=float, default=0.01, help="delay in the catalogue, in seconds")
    parser.add_argument("--wide", action="store_true", help="add the sitemaps to the catalogue")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    with running(Newsroom(public=given.public), given.port) as room, suppress(KeyboardInterrupt):
        if given.sources:
            room.write_sources(given.sources, given.delay, wide=given.wide)
        print(json.dumps(room.addresses(), ensure_ascii=False), flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
