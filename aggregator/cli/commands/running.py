"""`evnews crawl`, `up`, `serve`, `health` and `doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from aggregator.cli.app import app
from aggregator.cli.options import Host, Json, Port, SourcesFile


@app.command(epilog="Examples: evnews crawl; evnews crawl electrek insideevs; evnews crawl --watch")
def crawl(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE", help="Sources to poll; all by default.")
    ] = None,
    sources: SourcesFile = None,
    due: Annotated[bool, typer.Option("--due", help="Only sources whose time has come.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep running and poll each source when it is due.")] = False,
    revisit: Annotated[
        bool, typer.Option("--revisit", help="Then ask again for every kept article: was it edited, is it gone?")
    ] = False,
    confirm_now: Annotated[
        bool,
        typer.Option("--confirm-now", help="With --revisit: a missing page is asked for twice at once."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Poll the sources, fetch and keep their new articles."""
    from aggregator.cli.commands.crawl import How, run_crawl

    how = How(due=due, watch=watch, revisit=revisit, confirm_now=confirm_now, as_json=as_json)
    raise typer.Exit(run_crawl(context.obj.load(), names or [], sources, how))


@app.command(epilog="Examples: evnews up; evnews up --port 8081; evnews up --sources mine.toml --log json")
def up(
    context: typer.Context,
    sources: SourcesFile = None,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    open_page: Annotated[bool, typer.Option("--open", help="Open its address in the browser.")] = False,
    log: Annotated[str, typer.Option("--log", metavar="text|json", help="How the log on stderr is written.")] = "text",
) -> None:
    """Poll each source when it is time, and serve: everything in one process, until Ctrl-C."""
    from aggregator.cli.commands.up import How, run_up

    raise typer.Exit(run_up(context.obj.load(), sources, How(host=host, port=port, open=open_page, log=log)))


@app.command(epilog="Examples: evnews health; evnews health electrek; evnews health --json")
def health(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE", help="Sources to tell of; all by default.")
    ] = None,
    sources: SourcesFile = None,
    as_json: Json = False,
) -> None:
    """Which sources went silent, block, fail or yield too little, since when, and what to do; 1 where one does."""
    from aggregator.cli.commands.health import show_health

    raise typer.Exit(show_health(context.obj.load(), sources, names or [], as_json=as_json))


@app.command(epilog="Examples: evnews doctor; evnews doctor --json")
def doctor(
    context: typer.Context,
    sources: SourcesFile = None,
    port: Port = 8080,
    as_json: Json = False,
) -> None:
    """Look whether all that evnews stands on is in order, and say what to do where it is not: exit status 1."""
    from aggregator.cli.commands.doctor import run_doctor

    raise typer.Exit(run_doctor(context.obj.load(), sources, port, as_json=as_json))


@app.command(epilog="Examples: evnews serve; evnews serve --host 0.0.0.0 --port 8080")
def serve(
    context: typer.Context,
    host: Host = "127.0.0.1",
    port: Port = 8080,
) -> None:
    """Serve feeds of everything, a source, a topic, a saved search or any query: /opml lists them."""
    from aggregator.cli.commands.serve import serve as run

    raise typer.Exit(run(context.obj.load(), host, port))
