"""`evnews searches`."""

from __future__ import annotations

from typing import Annotated

import typer

from aggregator.cli.app import app
from aggregator.cli.options import Json, Named

searches_app = typer.Typer(
    rich_markup_mode=None,
    help="Keep searches under a name, and be told of what they find.",
    epilog="Examples: evnews searches; evnews searches add sodium '\"sodium ion\"' --notify mailto://user:pass@example.org",
)
app.add_typer(searches_app, name="searches")


@searches_app.callback(invoke_without_command=True)
def searches_table(context: typer.Context, as_json: Json = False) -> None:
    """Keep searches under a name, and be told of what they find; alone, prints them as a table."""
    if context.invoked_subcommand is None:
        from aggregator.cli.commands.searches import list_searches

        raise typer.Exit(list_searches(context.obj.load(), as_json=as_json))


@searches_app.command(
    "add",
    epilog="Examples: evnews searches add sodium '\"sodium ion\" -toyota'; "
    "evnews searches add recalls title:recall --notify json://localhost:9000/hook",
)
def searches_add(
    context: typer.Context,
    name: Named,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="In the grammar of docs/searching.md, in quotes.")],
    notify: Annotated[
        list[str] | None,
        typer.Option(
            "--notify", metavar="ADDRESS", help="Who is told of new matches, as apprise spells it; repeatable."
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="In place of the one that has this name.")] = False,
) -> None:
    """Save a search in searches.toml; with --notify it tells of what arrives from now on."""
    from aggregator.cli.commands.searches import add

    raise typer.Exit(add(context.obj.load(), name, query, notify or [], replace=replace))


@searches_app.command("remove", epilog="Example: evnews searches remove sodium")
def searches_remove(context: typer.Context, name: Named) -> None:
    """Forget a search and what it still had to tell."""
    from aggregator.cli.commands.searches import remove

    raise typer.Exit(remove(context.obj.load(), name))


@searches_app.command("notify", epilog="Examples: evnews searches notify --dry-run; evnews searches notify")
def searches_notify(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what is new; tell nobody.")] = False,
) -> None:
    """Tell of what is new; `evnews crawl` does it by itself. Exit status 1 where a message could not be sent."""
    from aggregator.cli.commands.searches import notify

    raise typer.Exit(notify(context.obj.load(), dry_run=dry_run))


@searches_app.command("retry", epilog="Example: evnews searches retry sodium")
def searches_retry(context: typer.Context, name: Named) -> None:
    """Send again what may not have arrived, and at once what waits to be tried again."""
    from aggregator.cli.commands.searches import retry

    raise typer.Exit(retry(context.obj.load(), name))
