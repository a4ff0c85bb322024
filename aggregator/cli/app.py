"""The typer application; commands are imported only when they are invoked."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator import __version__
from aggregator.cli.command_app import PlainGroup, example_text

if TYPE_CHECKING:
    from aggregator.config import Config

_PACKAGE = "aggregator.cli.commands"
COMMANDS = {
    "Collect": {
        "crawl": ("collect.crawl", "Poll the sources now and store their new articles."),
        "sources": ("collect.sources", "List, add, check, remove, import and export sources."),
    },
    "Read": {
        "search": ("read.search", "Search the archive and print the matching articles."),
        "show": ("read.show", "Print an article, its revisions or the edits between them."),
        "stories": ("read.stories", "List stories: events that several sources cover."),
        "topics": ("read.topics", "List topics and their numbers of articles and sources."),
        "changes": ("read.changes", "List edits, withdrawals and restorations, newest first."),
        "searches": ("read.searches", "Manage saved searches and their notifications."),
        "why": ("read.why", "Explain every decision about an article, URL or source."),
    },
    "Data": {
        "export": ("data.export", "Export articles as data, feeds or OPML."),
        "import": ("data.import_", "Restore an export into an empty archive."),
        "stats": ("data.stats", "Print how much the archive contains, source by source."),
        "db": ("data.db", "Check, back up, restore, upgrade and prune the archive."),
    },
    "Operate": {
        "up": ("operate.up", "Poll the sources on schedule and serve, in one process."),
        "serve": ("operate.serve", "Serve feeds, the JSON API and reader sync over HTTP."),
        "token": ("operate.token", "Manage access tokens of the server."),
        "health": ("operate.health", "List unhealthy sources with evidence and advice."),
        "doctor": ("operate.doctor", "Check the installation and print what to fix."),
    },
}
"""Module and summary of every command, by the groups in which `evnews --help` lists them."""


class LazyGroup(PlainGroup):
    """The commands of COMMANDS, each imported when it is invoked."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for group in COMMANDS.values() for name in group]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands:
            module = next((group[cmd_name][0] for group in COMMANDS.values() if cmd_name in group), None)
            if module is None:
                return None
            self.commands[cmd_name] = typer.main.get_command(import_module(f"{_PACKAGE}.{module}").app)
        return self.commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands under the headings of their groups, in columns of one width."""
        width = max(map(len, self.list_commands(ctx)))
        with formatter.section("Commands"):
            for title, group in COMMANDS.items():
                formatter.write_paragraph()
                formatter.write_text(f"{title}:")
                formatter.write_dl([(name.ljust(width), summary) for name, (_, summary) in group.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Fall back to all commands, so that a misspelled name gets a suggestion."""
        if args and args[0] not in self.list_commands(ctx):
            for name in self.list_commands(ctx):
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="evnews",
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Crawl the electric-vehicle press, archive every article, and search, read and export the archive.",
    epilog=example_text(("evnews up --open", "evnews crawl electrek", "evnews search battery --since 7d")),
)


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """The options that stand before the command."""

    home: Path | None
    db: str | None

    def load(self) -> Config:
        """Return the checked configuration. Raises ConfigError."""
        from aggregator.config import load_config

        return load_config(self.home, self.db)


@app.callback(invoke_without_command=True)
def evnews(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the archive and its settings (EVNEWS_HOME).")
    ] = None,
    db: Annotated[
        str | None, typer.Option(metavar="URL", help="Database, e.g. postgresql://user@host/name (EVNEWS_DB).")
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"evnews {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit
    context.obj = GlobalOptions(home, db)


def main() -> None:
    """Run the command line and exit with its status."""
    from aggregator.cli.garbage_collection import collect_rarely
    from aggregator.cli.output import run_command

    collect_rarely()
    sys.exit(run_command(app))
