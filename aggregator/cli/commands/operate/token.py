"""`evnews token`: manage access tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.archive import open_archive
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import TokenName
from aggregator.cli.output import usage_error, warn
from aggregator.formatting import format_minute

if TYPE_CHECKING:
    from aggregator.config import Config

app = CommandApp(examples=("evnews token", "evnews token add phone"))


@app.callback(invoke_without_command=True)
def token(context: typer.Context) -> None:
    """Manage access tokens of the server.

    Requests from other machines need a token. Without a command, list the tokens.
    """
    if context.invoked_subcommand is None:
        raise typer.Exit(list_tokens(context.obj.load()))


@app.add("add", "evnews token add phone", "evnews token add dashboard --read-only")
def token_add(
    context: typer.Context,
    name: TokenName,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="The token cannot mark articles as read or starred.")
    ] = False,
) -> None:
    """Create a token and print its secret once."""
    raise typer.Exit(add_token(context.obj.load(), name, read_only=read_only))


@app.add("remove", "evnews token remove phone")
def token_remove(context: typer.Context, name: TokenName) -> None:
    """Remove a token; requests with it are refused."""
    raise typer.Exit(remove_token(context.obj.load(), name))


def list_tokens(config: Config) -> int:
    """Print the name and creation time of every token."""
    from storage.readers.tokens import load_tokens

    with open_archive(config) as database, database.read() as tx:
        tokens = load_tokens(tx)
    for token in tokens:
        print(f"{token.name}  created {format_minute(token.created_at)}{'  read-only' if token.is_read_only else ''}")
    if not tokens:
        warn("there are no tokens; `evnews token add NAME` creates one")
    return 0


def add_token(config: Config, name: str, *, read_only: bool = False) -> int:
    """Create a token and print its secret."""
    from spiders.toml_tables import ENTRY_NAME, ENTRY_NAME_RULE
    from storage.readers import tokens

    if not ENTRY_NAME.fullmatch(name):
        usage_error(f"{name!r} is not a valid name; allowed are {ENTRY_NAME_RULE}")
    with open_archive(config) as database, database.write() as tx:
        secret = tokens.add_token(tx, name, datetime.now(UTC), is_read_only=read_only)
    if not secret:
        usage_error(f"there is already a token {name!r}; `evnews token remove {name}` removes it")
    warn("the secret is shown only once; use it as a password, or in a URL such as /private/TOKEN/feeds/all.atom")
    print(secret)
    return 0


def remove_token(config: Config, name: str) -> int:
    """Remove a token."""
    from storage.readers import tokens

    with open_archive(config) as database, database.write() as tx:
        if not tokens.remove_token(tx, name):
            usage_error(f"there is no token {name!r}; `evnews token` lists the tokens")
    print(f"removed {name}; requests with it are refused from now on")
    return 0
