"""`evnews up`: run the service and the server in one process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.catalogue import read_catalogue, warn_without_contact
from aggregator.cli.command_app import CommandApp
from aggregator.cli.commands.operate.serve import with_server
from aggregator.cli.options import Host, Port, SourcesFile
from aggregator.cli.output import usage_error

if TYPE_CHECKING:
    from aggregator.cli.commands.operate.up_service import UpOptions
    from aggregator.config import Config
    from aggregator.service.server import Server
    from storage.db.database import Database

app = CommandApp()


@app.add("up", "evnews up --open", "evnews up --port 8081", "evnews up --sources mine.toml --log json")
def up(
    context: typer.Context,
    sources: SourcesFile = None,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    open_page: Annotated[bool, typer.Option("--open", help="Open the front page in the browser.")] = False,
    log: Annotated[
        str, typer.Option("--log", metavar="FORMAT", help="Format of the log on stderr: text or json.")
    ] = "text",
) -> None:
    """Poll the sources on schedule and serve, in one process.

    Also runs saved searches, backups and pruning. The first Ctrl-C finishes the requests in flight, the second stops
    at once; nothing is lost.
    """
    if log not in ("text", "json"):
        usage_error(f"--log {log!r} is unknown; write text or json")
    from aggregator.cli.commands.operate.up_service import UpOptions

    options = UpOptions(host=host, port=port, open=open_page, log=log)
    raise typer.Exit(run_up(context.obj.load(), sources, options))


def run_up(config: Config, file: Path | None, options: UpOptions) -> int:
    """Run until Ctrl-C or SIGTERM. Return 0 after an orderly stop, 1 if serving or polling is impossible."""
    # Imported before the server starts: a signal that arrives during imports would end the process at once.
    from aggregator.cli.commands.operate.up_service import run_service, watch_sources
    from aggregator.crawl.reactor import run_in_reactor
    from aggregator.logs import configure_logging

    configure_logging(options.log)
    catalogue = read_catalogue(config, file)
    if not catalogue.enabled_sources:
        usage_error("no source is enabled; `evnews sources add URL` adds one")
    warn_without_contact(config)
    sources = watch_sources(config, file, catalogue)

    def work(database: Database, server: Server) -> int:
        with server.running():
            return run_in_reactor(lambda: run_service(config, database, file, sources, server, options))

    return with_server(config, options.host, options.port, work)
