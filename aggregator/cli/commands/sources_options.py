"""`evnews sources`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aggregator.cli.app import app
from aggregator.cli.options import Json, Output, SourcesFile

sources_app = typer.Typer(
    rich_markup_mode=None,
    help="Show and change the catalogue of sources.",
    epilog="Examples: evnews sources; evnews sources add https://electrek.co/",
)
app.add_typer(sources_app, name="sources")


@sources_app.callback(invoke_without_command=True)
def sources_table(context: typer.Context, sources: SourcesFile = None, as_json: Json = False) -> None:
    """Show and change the catalogue of sources; alone, prints it as a table."""
    if context.invoked_subcommand is None:
        from aggregator.cli.commands.sources import list_sources

        raise typer.Exit(list_sources(context.obj.load(), sources, as_json=as_json))


@sources_app.command("add", epilog="Example: evnews sources add https://electrek.co/ --name electrek")
def sources_add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="A feed, or a site's home page.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="The source's name; made from the host by default.")] = "",
    every: Annotated[str, typer.Option(metavar="TIME", help='How often to poll, e.g. "30 min".')] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what was found and write nothing.")] = False,
) -> None:
    """Find a site's feeds and sitemaps, show them, and write the source into your own catalogue."""
    from aggregator.cli.commands.sources import add

    raise typer.Exit(add(context.obj.load(), url, name=name, every=every, dry_run=dry_run))


@sources_app.command("check", epilog="Example: evnews sources check electrek")
def sources_check(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Sources to check; all by default.")] = None,
    sources: SourcesFile = None,
    as_json: Json = False,
) -> None:
    """Fetch a source's indexes, extract three articles, and print what was seen; no article is stored."""
    from aggregator.cli.commands.sources import check

    raise typer.Exit(check(context.obj.load(), names or [], sources, as_json=as_json))


@sources_app.command("remove", epilog="Example: evnews sources remove electrek")
def sources_remove(context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Take a source out of your catalogue; a shipped one is switched off."""
    from aggregator.cli.commands.sources import remove

    raise typer.Exit(remove(context.obj.load(), name))


@sources_app.command("import", epilog="Example: evnews sources import subscriptions.opml")
def sources_import(
    context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE.opml", exists=True, dir_okay=False)]
) -> None:
    """Add the feeds of an OPML file to your catalogue."""
    from aggregator.cli.commands.sources import import_opml

    raise typer.Exit(import_opml(context.obj.load(), file))


@sources_app.command("export", epilog="Example: evnews sources export -o evnews.opml")
def sources_export(context: typer.Context, output: Output, sources: SourcesFile = None) -> None:
    """Write the catalogue as OPML."""
    from aggregator.cli.commands.sources import export_opml

    raise typer.Exit(export_opml(context.obj.load(), output, sources))
