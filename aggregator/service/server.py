"""The server of a process: what it hands out, where it listens, and its end."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import uvicorn

from aggregator.alerts.saved_searches import load_searches, searches_path
from aggregator.config import DEFAULT_PUBLIC_URL, Config
from aggregator.service.metrics import Metrics
from aggregator.topics.catalogue import load_topics
from aggregator.web.access import is_loopback
from aggregator.web.api import Api
from aggregator.web.app import ServerContext, create_app
from aggregator.web.feed_catalogue import FeedCatalogue
from aggregator.web.greader.call import GReaderApi
from aggregator.web.responses import EtagCache
from aggregator.web.websub import HubPublisher
from storage.db.database import Database
from storage.library import Library
from storage.monitor import Monitor
from storage.readers.tokens import AccessToken, find_token, load_tokens
from storage.timestamps import utc_now

_TOKEN_CACHE_SECONDS = 2.0
"""Seconds after which a token that was taken away opens nothing any more."""
_MAX_CONCURRENT_REQUESTS = 100
_MAX_HEADER_BYTES = 16_384
_HUB_SECONDS = 5.0
"""How long the end waits for a hub that is just being told."""
_STOP_SECONDS = 8.0


class TokenRequired(Exception):
    """The server could be reached by others, and nobody would need a token: one has to be made first."""


class CannotListen(Exception):
    """The address cannot be used."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens at `address`; nothing is answered before `run`."""

    address: str
    metrics: Metrics
    cut_feeds: Callable[[Callable[[], bool]], None]
    _server: uvicorn.Server
    _listening: socket.socket
    _publisher: HubPublisher | None

    def run(self) -> None:
        """Serve until a signal comes, or `stop` is called from another thread."""
        if threading.current_thread() is threading.main_thread():
            # uvicorn ends well on either signal, and then raises it once more, for whoever was there before.
            for one in (signal.SIGINT, signal.SIGTERM):
                signal.signal(one, lambda *_: None)
        with _publishing(self._publisher):
            self._server.run(sockets=[self._listening])

    def stop(self) -> None:
        """End `run`: answers under way are given a few seconds."""
        self._server.should_exit = True

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve in a thread as long as the block runs."""
        thread = threading.Thread(target=self.run, name="evnews-server", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stop()
            thread.join(_STOP_SECONDS)


@contextmanager
def open_server(config: Config, database: Database, host: str, port: int) -> Iterator[Server]:
    """A server on an address that is taken for as long as the block runs; raises NeedsTokens, CannotListen."""
    known = _cached_tokens(database)
    if not is_loopback(host) and not known():
        raise TokenRequired(
            f"{host} can be reached by others, and no token is made yet: `evnews token add NAME` makes one;"
            " --host 127.0.0.1 serves this machine alone"
        )
    try:
        listening = _listen(host, port)
    except OSError as error:
        raise CannotListen(f"{host}:{port} cannot be served: {error.strerror or error}; --port takes another") from None
    with closing(listening):
        address = _server_address(config, host, listening.getsockname()[1])
        yield _build_server(config, database, listening, address, known, is_open=is_loopback(host))


def _build_server(
    config: Config,
    database: Database,
    listening: socket.socket,
    address: str,
    load_tokens: Callable[[], list[AccessToken]],
    *,
    is_open: bool,
) -> Server:
    def knows(secret: str) -> AccessToken | None:
        return find_token(load_tokens(), secret)

    library, monitor = Library(database), Monitor(database)
    searches = reload_on_change(searches_path(config.home), lambda: load_searches(config.home))
    topics = reload_on_change(config.home / "topics.toml", lambda: load_topics(config.home))
    # What is not open to all is no hub's business.
    hub = config.hub if is_open and config.public_url != DEFAULT_PUBLIC_URL else ""
    shelf = FeedCatalogue(library, monitor, address, searches, topics, muted=config.mute, hub=hub)
    sync = GReaderApi(
        database=database,
        base_url=address,
        find_token=knows,
        searches=searches,
        topics=topics,
        now=utc_now,
        muted=config.mute,
    )
    metrics = Metrics(database)
    serving = ServerContext(
        library=library,
        monitor=monitor,
        feed_catalogue=shelf,
        etag_cache=EtagCache(database.data_version),
        public_url=address,
        find_token=None if is_open else knows,
        greader_api=sync,
        metrics=metrics.render,
        api=Api(database=database, topics=topics, now=utc_now, muted=config.mute),
    )
    settings = uvicorn.Config(
        create_app(serving),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MAX_CONCURRENT_REQUESTS,
        h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
        timeout_graceful_shutdown=5,
        lifespan="off",
        log_config=None,
    )
    publisher = HubPublisher(database, hub, shelf.build_url, sync.resolve_searches) if hub else None
    return Server(address, metrics, shelf.cut_feeds, uvicorn.Server(settings), listening, publisher)


@contextmanager
def _publishing(publisher: HubPublisher | None) -> Iterator[None]:
    """A hub is told of changes as long as the block runs."""
    if publisher is None:
        yield
        return
    is_over = threading.Event()
    running = threading.Thread(target=publisher.run, args=(is_over,), name="evnews-hub", daemon=True)
    running.start()
    try:
        yield
    finally:
        is_over.set()
        running.join(_HUB_SECONDS)


def _listen(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    # With its protocol named: asyncio sends small answers at once only where it knows that it speaks TCP.
    listening = socket.socket(family, kind, protocol or socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except BaseException:
        listening.close()
        raise
    return listening


def _server_address(config: Config, host: str, port: int) -> str:
    """Where readers find the server: the public address where one is set, or where it listens."""
    if config.public_url != DEFAULT_PUBLIC_URL:
        return config.public_url.rstrip("/") + "/"
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}/"


def _cached_tokens(database: Database) -> Callable[[], list[AccessToken]]:
    """The tokens, read again when they are a little old."""
    held: tuple[float, list[AccessToken]] = (-_TOKEN_CACHE_SECONDS, [])

    def known() -> list[AccessToken]:
        nonlocal held
        if time.monotonic() - held[0] >= _TOKEN_CACHE_SECONDS or not held[1]:
            with database.read() as tx:
                held = (time.monotonic(), load_tokens(tx))
        return held[1]

    return known


_Read = TypeVar("_Read")


def reload_on_change(path: Path, load: Callable[[], _Read]) -> Callable[[], _Read]:
    """What a file says, read again when it was changed."""
    held: list[tuple[tuple[int, int] | None, _Read]] = []

    def read() -> _Read:
        try:
            status = path.stat()
            mark = (status.st_mtime_ns, status.st_size)
        except OSError:
            mark = None
        if not held or held[0][0] != mark:
            held[:] = [(mark, load())]
        return held[0][1]

    return read
