"""`evnews serve`: the server, as long as it is let run."""

from __future__ import annotations

from aggregator.archive import open_archive
from aggregator.config import Config
from aggregator.console.answer import TROUBLE, complain, mistake
from aggregator.service.server import CannotListen, NeedsTokens, opened_server


def serve(config: Config, host: str, port: int) -> int:
    """Serve until it is stopped; 1 where the address cannot be used."""
    with open_archive(config) as database:
        try:
            with opened_server(config, database, host, port) as server:
                address = server.address
                complain(f"serving {address}; its feeds are listed at {address}opml; Ctrl-C ends it")
                server.run()
        except NeedsTokens as error:
            mistake(str(error))
        except CannotListen as error:
            complain(str(error))
            return TROUBLE
    return 0
