"""The front door itself: what holds for every command."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator import __version__

if TYPE_CHECKING:
    from aggregator.config import Config


app = typer.Typer(
    name="evnews",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Crawl the electric-vehicle press, keep every article, find it again and hand it out.",
    epilog="Example: evnews crawl; then evnews search battery",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The options before the command."""

    home: Path | None
    db: str | None

    def load(self) -> Config:
        """The checked configuration; raises ConfigError."""
        from aggregator.config import load_config

        return load_config(self.home, self.db)


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the archive lives (EVNEWS_HOME).")] = None,
    db: Annotated[
        str | None, typer.Option(metavar="URL", help="Another database, e.g. postgresql://... (EVNEWS_DB).")
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        typer.echo(f"evnews {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit
    context.obj = Settings(home, db)


def main() -> None:
    """Run the command line."""
    from aggregator.cli.output import answered

    sys.exit(answered(app))
