"""`evnews serve`: run the HTTP server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from aggregator.archive import open_archive
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import Host, Port
from aggregator.cli.output import EXIT_FAILURE, usage_error, warn

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.service.server import Server
    from storage.db.database import Database

app = CommandApp()


@app.add("serve", "evnews serve", "evnews serve --host 0.0.0.0 --port 8080")
def serve(context: typer.Context, host: Host = "127.0.0.1", port: Port = 8080) -> None:
    """Serve feeds, the JSON API and reader sync over HTTP.

    The front page describes the feeds, and /opml lists them. Nothing is polled; `evnews up` polls and serves.
    """
    raise typer.Exit(run_server(context.obj.load(), host, port))


def run_server(config: Config, host: str, port: int) -> int:
    """Serve until a signal stops the process. Return 1 if the address cannot be used."""
    from aggregator.cli.live_status import warn_serving

    def serve_until_stopped(_: Database, server: Server) -> int:
        warn_serving(server.address)
        server.run()
        return 0

    return with_server(config, host, port, serve_until_stopped)


def with_server(config: Config, host: str, port: int, work: Callable[[Database, Server], int]) -> int:
    """Return the status of `work`, which gets an open archive and its server; 1 if the address cannot be used."""
    from aggregator.cli.garbage_collection import collect_as_usual
    from aggregator.service.server import CannotListen, TokenRequired, open_server

    with open_archive(config) as database:
        try:
            with open_server(config, database, host, port) as server:
                collect_as_usual()
                return work(database, server)
        except TokenRequired as error:
            usage_error(str(error))
        except CannotListen as error:
            warn(str(error))
            return EXIT_FAILURE
