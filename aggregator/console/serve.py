"""`evnews serve`: the server, as long as it is let run."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from contextlib import closing

from aggregator.alerts.searchfile import load_searches
from aggregator.archive import open_archive
from aggregator.config import DEFAULT_PUBLIC_URL, Config
from aggregator.console.answer import TROUBLE, complain, mistake
from aggregator.intake.topicfile import load_topics
from aggregator.web.access import Knows, is_loopback
from aggregator.web.app import Serving, application
from aggregator.web.marks import Marks
from aggregator.web.shelf import Shelf
from storage.database import Database
from storage.library import Library
from storage.tokens import Token, all_tokens, name_of

_TOKENS_FOR = 2.0
"""Seconds after which a token that was taken away opens nothing any more."""
_MOST_AT_ONCE = 100
_LARGEST_HEAD = 16_384


def serve(config: Config, host: str, port: int) -> int:
    """Serve until it is stopped; 1 where the address cannot be used."""
    with open_archive(config) as database:
        known = _known(database)
        if not is_loopback(host) and not known():
            mistake(
                f"{host} can be reached by others, and no token is made yet: `evnews token add NAME` makes one;"
                " --host 127.0.0.1 serves this machine alone"
            )
        try:
            listening = _listening(host, port)
        except OSError as error:
            complain(f"{host}:{port} cannot be served: {error.strerror or error}; --port takes another")
            return TROUBLE
        with closing(listening):
            port = listening.getsockname()[1]
            return _run(config, database, listening, _address(config, host, port), known, is_open=is_loopback(host))


def _run(
    config: Config,
    database: Database,
    listening: socket.socket,
    address: str,
    known: Callable[[], list[Token]],
    *,
    is_open: bool,
) -> int:
    import uvicorn

    knows: Knows | None = None if is_open else lambda secret: name_of(known(), secret)
    library = Library(database)
    shelf = Shelf(
        library, address, lambda: load_searches(config.home), lambda: load_topics(config.home), muted=config.mute
    )
    serving = Serving(library=library, shelf=shelf, marks=Marks(database.version), public_url=address, knows=knows)
    complain(f"serving {address}; its feeds are listed at {address}opml; Ctrl-C ends it")
    settings = uvicorn.Config(
        application(serving), log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        limit_concurrency=_MOST_AT_ONCE, h11_max_incomplete_event_size=_LARGEST_HEAD, timeout_graceful_shutdown=5,
        lifespan="off",
    )  # fmt: skip
    # uvicorn ends well on either signal, and then raises it once more, for whoever was there before.
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: None)
    uvicorn.Server(settings).run(sockets=[listening])
    return 0


def _listening(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except BaseException:
        listening.close()
        raise
    return listening


def _address(config: Config, host: str, port: int) -> str:
    """Where readers find the server: the public address where one is set, or where it listens."""
    if config.public_url != DEFAULT_PUBLIC_URL:
        return config.public_url.rstrip("/") + "/"
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}/"


def _known(database: Database) -> Callable[[], list[Token]]:
    """The tokens, read again when they are a little old."""
    held: tuple[float, list[Token]] = (-_TOKENS_FOR, [])

    def known() -> list[Token]:
        nonlocal held
        if time.monotonic() - held[0] >= _TOKENS_FOR or not held[1]:
            with database.read() as tx:
                held = (time.monotonic(), all_tokens(tx))
        return held[1]

    return known
