"""The newsroom's HTTP server: the publishers on loopback addresses of their own, and a proxy to them, on one port.

    python -m tests.newsroom.server --port 0 --public 5 --sources sources.toml

runs in the foreground and prints the address map as one line of JSON. In a test:

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

from tests.newsroom.answers import answer, publisher_of
from tests.newsroom.exchange import Manner, Request, Response
from tests.newsroom.faults import BLIND, misbehave
from tests.newsroom.publishers import PUBLISHERS
from tests.newsroom.room import Newsroom
from tests.newsroom.truth import Hit, Truth

__all__ = ["Hit", "Newsroom", "Truth", "main", "running"]

_IDLE = 60.0
_INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" * 100


class Server:
    """Answers for a Newsroom on an event loop; `sockets` are bound already."""

    def __init__(self, room: Newsroom, sockets: list[socket.socket]) -> None:
        self.room = room
        self._sockets = sockets
        self._in_hand: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, until: asyncio.Event) -> None:
        """Serve until told to stop, then drop every connection."""
        servers = [await asyncio.start_server(self._client, sock=sock, backlog=512) for sock in self._sockets]
        await until.wait()
        for server in servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request. Its task is registered so that a hanging one can be ended."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        # asyncio sets this only on sockets that name their protocol; without it each answer waits for a delayed ACK
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while await self._turn(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError):
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _turn(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Read one request and answer it; tells whether the connection stays open."""
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _IDLE)
        request, version = _parsed(head, writer.get_extra_info("sockname"))
        length = request.headers.get("content-length", "0")
        if length.isdigit() and 0 < int(length) <= 2**20:
            await reader.readexactly(int(length))
        keep = version != "HTTP/1.0" and request.headers.get("connection", "").lower() != "close"
        hit = self._arrived(request)
        try:
            slow = _is_slow(self.room, request)
            response = await asyncio.to_thread(self._response, request) if slow else self._response(request)
            hit.status = response.status
            return await self._send(reader, writer, response, request.method == "HEAD", keep)
        finally:
            hit.ended = time.monotonic()
            self._in_hand[request.host] -= 1

    def _arrived(self, request: Request) -> Hit:
        """Log a request as it arrives, so that one that is never answered stands in the log too."""
        self._in_hand[request.host] += 1
        at = publisher_of(request.host)
        hit = Hit(
            time=time.monotonic(),
            method=request.method,
            host=request.host,
            path=request.path,
            publisher=at.name if at else "",
            headers=request.headers,
            concurrent=self._in_hand[request.host],
        )
        self.room.log.append(hit)
        self.room.watch(hit)
        return hit

    def _response(self, request: Request) -> Response:
        """The honest answer, or what a fault makes of it."""
        at = publisher_of(request.host)
        kind, arg = self.room.fault_at(at.name, request.path) if at else ("none", "")
        if kind in BLIND:
            unconditional = {k: v for k, v in request.headers.items() if not k.startswith("if-")}
            request = replace(request, headers=unconditional)
        honest = answer(self.room, request)
        return honest if kind == "none" else misbehave(kind, arg, request, honest, self.room.canary_url)

    async def _send(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, response: Response, bare: bool, keep: bool
    ) -> bool:
        """Send a response (`bare`: without its body) in its manner; tells whether the connection stays open."""
        if response.manner is Manner.HANG:
            await reader.read()  # until the client gives up, or the server is stopped
            return False
        if response.manner is Manner.RESET:
            _reset(writer)
            return False
        if response.manner is Manner.INTERIM:
            await _pour(writer, (_INTERIM for _ in range(10**9 // len(_INTERIM))))
        writer.write(_head(response, keep))
        if bare or response.status in (204, 304):
            await writer.drain()
        elif response.stream is not None:
            await _pour(writer, (b"%x\r\n%b\r\n" % (len(piece), piece) for piece in response.stream))
            writer.write(b"0\r\n\r\n")
        elif response.manner is Manner.DRIP:
            await _drip(writer, response)
        elif response.manner is Manner.TRUNCATE:
            writer.write(response.body[: len(response.body) // 2])
            keep = False
        else:
            writer.write(response.body)
        await writer.drain()
        return keep


def _parsed(head: bytes, sockname: tuple[str, int]) -> tuple[Request, str]:
    """A request's head; raises ValueError. An absolute target names its host as to a proxy."""
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
    """Whether the answer takes so long to make that the loop must not wait for it."""
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


async def _pour(writer: asyncio.StreamWriter, pieces: Iterator[bytes]) -> None:
    for piece in pieces:
        writer.write(piece)
        await writer.drain()


async def _drip(writer: asyncio.StreamWriter, response: Response) -> None:
    for start in range(0, len(response.body), 64):
        writer.write(response.body[start : start + 64])
        await writer.drain()
        await asyncio.sleep(response.pause)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the client sees RST and not an orderly end."""
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def bound(port: int = 0) -> list[socket.socket]:
    """Listening sockets on one port: 127.0.0.1 and each publisher's address. Port 0 takes a free one."""
    for attempt in range(20):
        taken: list[socket.socket] = []
        try:
            for address in ("127.0.0.1", *(at.address for at in PUBLISHERS)):
                wanted = taken[0].getsockname()[1] if taken else port
                taken.append(socket.create_server((address, wanted), backlog=512))
            return taken
        except OSError:
            for one in taken:
                one.close()
            if port or attempt == 19:
                raise
    raise AssertionError("unreachable")


@contextmanager
def running(room: Newsroom, port: int = 0) -> Iterator[Newsroom]:
    """Serve a Newsroom from a thread of its own while the block runs."""
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
    """Run in the foreground until interrupted."""
    parser = argparse.ArgumentParser("python -m tests.newsroom.server", description="A small news web on loopback.")
    parser.add_argument("--port", type=int, default=0, help="one port for all addresses (0: a free one)")
    parser.add_argument("--public", type=int, default=None, help="articles public at the start, of each publisher")
    parser.add_argument("--sources", help="write a catalogue of the publishers to this file")
    parser.add_argument("--delay", type=float, default=0.01, help="the delay in that catalogue, in seconds")
    parser.add_argument("--wide", action="store_true", help="name the publishers' sitemaps in it too")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    with running(Newsroom(public=given.public), given.port) as room, suppress(KeyboardInterrupt):
        if given.sources:
            room.write_sources(given.sources, given.delay, wide=given.wide)
        print(json.dumps(room.addresses(), ensure_ascii=False), flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
