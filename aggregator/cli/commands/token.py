"""`evnews token`."""

from __future__ import annotations

from typing import Annotated

import typer

from aggregator.cli.app import app
from aggregator.cli.options import Named

token_app = typer.Typer(
    rich_markup_mode=None,
    help="Who may ask a server that others can reach.",
    epilog="Example: evnews token add phone",
)
app.add_typer(token_app, name="token")


@token_app.callback(invoke_without_command=True)
def token_list(context: typer.Context) -> None:
    """Who may ask a server that others can reach; alone, prints the tokens' names."""
    if context.invoked_subcommand is None:
        from aggregator.cli.commands.tokens import list_tokens

        raise typer.Exit(list_tokens(context.obj.load()))


@token_app.command("add", epilog="Examples: evnews token add phone; evnews token add dashboard --read-only")
def token_add(
    context: typer.Context,
    name: Named,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="With it nothing can be marked as read or starred.")
    ] = False,
) -> None:
    """Make a token and print its secret, this once."""
    from aggregator.cli.commands.tokens import add

    raise typer.Exit(add(context.obj.load(), name, read_only=read_only))


@token_app.command("remove", epilog="Example: evnews token remove phone")
def token_remove(context: typer.Context, name: Named) -> None:
    """Take a token away: it opens nothing any more."""
    from aggregator.cli.commands.tokens import remove

    raise typer.Exit(remove(context.obj.load(), name))
