"""`evnews serve`: the server, as long as it is let run; and how any command opens one."""

from __future__ import annotations

from collections.abc import Callable

from aggregator.archive import open_archive
from aggregator.cli.output import TROUBLE, complain, mistake
from aggregator.config import Config
from aggregator.service.server import CannotListen, Server, TokenRequired, open_server
from storage.db.database import Database


def serve(config: Config, host: str, port: int) -> int:
    """Serve until it is stopped; 1 where the address cannot be used."""

    def until_stopped(_: Database, server: Server) -> int:
        tell_serving(server.address)
        server.run()
        return 0

    return with_server(config, host, port, until_stopped)


def tell_serving(address: str) -> None:
    """Where it is served, on stderr."""
    complain(f"serving {address}; its feeds are listed at {address}opml; Ctrl-C ends it")


def with_server(config: Config, host: str, port: int, work: Callable[[Database, Server], int]) -> int:
    """What the work with an archive and its server gives; 1 where the address cannot be used."""
    with open_archive(config) as database:
        try:
            with open_server(config, database, host, port) as server:
                return work(database, server)
        except TokenRequired as error:
            mistake(str(error))
        except CannotListen as error:
            complain(str(error))
            return TROUBLE
