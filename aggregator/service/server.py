"""Build and run the HTTP server."""

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
"""Seconds for which the stored tokens are cached: a removed token is accepted no longer than this."""
_MAX_CONCURRENT_REQUESTS = 100
_MAX_HEADER_BYTES = 16_384
_HUB_SECONDS = 5.0
"""Maximum seconds that the end of the server waits for a notification of the hub."""
_STOP_SECONDS = 8.0


class TokenRequired(Exception):
    """The server would be reachable by others without a token; a token must be added first."""


class CannotListen(Exception):
    """The server cannot listen at the address."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens at `address`, and answers requests while `run` runs."""

    address: str
    metrics: Metrics
    cut_feeds: Callable[[Callable[[], bool]], None]
    _server: uvicorn.Server
    _listening: socket.socket
    _publisher: HubPublisher | None

    def run(self) -> None:
        """Serve until a signal arrives or `stop` is called from another thread."""
        if threading.current_thread() is threading.main_thread():
            # uvicorn stops in good order on either signal, then raises it again for the previous handler.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: None)
        with _publishing(self._publisher):
            self._server.run(sockets=[self._listening])

    def stop(self) -> None:
        """End `run` after the requests in flight, or after a few seconds."""
        self._server.should_exit = True

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve in a thread until the block ends."""
        thread = threading.Thread(target=self.run, name="evnews-server", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stop()
            thread.join(_STOP_SECONDS)


@contextmanager
def open_server(config: Config, database: Database, host: str, port: int) -> Iterator[Server]:
    """Listen at an address until the block ends; raise TokenRequired or CannotListen."""
    stored_tokens = _cached_tokens(database)
    if not is_loopback(host) and not stored_tokens():
        raise TokenRequired(
            f"{host} can be reached by others, but there is no token: `evnews token add NAME` creates one;"
            " --host 127.0.0.1 serves this machine alone"
        )
    try:
        listening = _listen(host, port)
    except OSError as error:
        raise CannotListen(f"{host}:{port} cannot be served: {error.strerror or error}; --port takes another") from None
    with closing(listening):
        address = _server_address(config, host, listening.getsockname()[1])
        yield _build_server(config, database, listening, address, stored_tokens, is_open=is_loopback(host))


def _build_server(
    config: Config,
    database: Database,
    listening: socket.socket,
    address: str,
    stored_tokens: Callable[[], list[AccessToken]],
    *,
    is_open: bool,
) -> Server:
    def find_known_token(secret: str) -> AccessToken | None:
        return find_token(stored_tokens(), secret)

    library, monitor = Library(database), Monitor(database)
    searches = reload_on_change(searches_path(config.home), lambda: load_searches(config.home))
    topics = reload_on_change(config.home / "topics.toml", lambda: load_topics(config.home))
    # A hub is notified only of feeds that everybody can read.
    hub = config.hub if is_open and config.public_url != DEFAULT_PUBLIC_URL else ""
    feeds = FeedCatalogue(library, monitor, address, searches, topics, muted=config.mute, hub=hub)
    sync = GReaderApi(
        database=database,
        base_url=address,
        find_token=find_known_token,
        searches=searches,
        topics=topics,
        now=utc_now,
        muted=config.mute,
    )
    metrics = Metrics(database)
    context = ServerContext(
        library=library,
        monitor=monitor,
        feed_catalogue=feeds,
        etag_cache=EtagCache(database.data_version),
        public_url=address,
        find_token=None if is_open else find_known_token,
        greader_api=sync,
        metrics=metrics.render,
        api=Api(database=database, topics=topics, now=utc_now, muted=config.mute),
    )
    settings = uvicorn.Config(
        create_app(context),
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
    publisher = HubPublisher(database, hub, feeds.build_url, sync.resolve_searches) if hub else None
    return Server(address, metrics, feeds.cut_feeds, uvicorn.Server(settings), listening, publisher)


@contextmanager
def _publishing(publisher: HubPublisher | None) -> Iterator[None]:
    """Notify a hub of changed feeds until the block ends."""
    if publisher is None:
        yield
        return
    stopped = threading.Event()
    thread = threading.Thread(target=publisher.run, args=(stopped,), name="evnews-hub", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(_HUB_SECONDS)


def _listen(host: str, port: int) -> socket.socket:
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = addresses[0]
    # The protocol is explicit because asyncio sets TCP_NODELAY only if the socket says that it is TCP.
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
    """Return the URL for readers: the public URL if it is configured, else the address that the server listens at."""
    if config.public_url != DEFAULT_PUBLIC_URL:
        return config.public_url.rstrip("/") + "/"
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}/"


def _cached_tokens(database: Database) -> Callable[[], list[AccessToken]]:
    """Return a function that loads the tokens, at most once in two seconds if there are any."""
    cached: tuple[float, list[AccessToken]] = (-_TOKEN_CACHE_SECONDS, [])

    def load() -> list[AccessToken]:
        nonlocal cached
        if time.monotonic() - cached[0] >= _TOKEN_CACHE_SECONDS or not cached[1]:
            with database.read() as tx:
                cached = (time.monotonic(), load_tokens(tx))
        return cached[1]

    return load


_Content = TypeVar("_Content")


def reload_on_change(path: Path, load: Callable[[], _Content]) -> Callable[[], _Content]:
    """Return a function that returns the loaded content of a file, and loads it again if the file has changed."""
    cached: list[tuple[tuple[int, int] | None, _Content]] = []

    def read() -> _Content:
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
        except OSError:
            stamp = None
        if not cached or cached[0][0] != stamp:
            cached[:] = [(stamp, load())]
        return cached[0][1]

    return read
