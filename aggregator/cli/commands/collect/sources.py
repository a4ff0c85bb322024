"""`evnews sources`: list, add, check, remove, import and export sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.catalogue import name_from_url, read_catalogue, select_sources, user_catalogue
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import Json, Output, SourceNames, SourcesFile
from aggregator.cli.output import EXIT_FAILURE, print_json, usage_error, warn
from aggregator.logs import configure_logging, safe_line

if TYPE_CHECKING:
    from aggregator.config import Config
    from spiders.source import Source

app = CommandApp(
    examples=("evnews sources", "evnews sources add https://electrek.co/", "evnews sources check electrek")
)


@app.callback(invoke_without_command=True)
def sources(context: typer.Context, sources: SourcesFile = None, as_json: Json = False) -> None:
    """List, add, check, remove, import and export sources.

    Without a command, print the catalogue as a table. Exit status 1 if an entry of it is invalid.
    """
    if context.invoked_subcommand is None:
        raise typer.Exit(list_sources(context.obj.load(), sources, as_json=as_json))


@app.add(
    "add",
    "evnews sources add https://electrek.co/",
    'evnews sources add https://electrek.co/feed/ --name electrek --every "30 min"',
)
def sources_add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="A feed, a sitemap or the home page of a site.")],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the source; derived from the host by default.")
    ] = "",
    every: Annotated[
        str, typer.Option(metavar="DURATION", help='Poll interval, e.g. "30 min"; learned by default.')
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what is found without adding a source.")] = False,
) -> None:
    """Find a site's feeds and sitemaps and add it as a source.

    The source is written to sources.toml in the home folder. Exit status 1 if no feed or sitemap is found.
    """
    raise typer.Exit(add_source(context.obj.load(), url, name=name, every=every, dry_run=dry_run))


@app.add("check", "evnews sources check", "evnews sources check electrek insideevs")
def sources_check(
    context: typer.Context, names: SourceNames = None, sources: SourcesFile = None, as_json: Json = False
) -> None:
    """Fetch a source and print what it yields, without storing.

    Fetches each index and extracts three articles. Exit status 1 if a source yields no article.
    """
    raise typer.Exit(check_sources(context.obj.load(), names or [], sources, as_json=as_json))


@app.add("remove", "evnews sources remove electrek")
def sources_remove(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the source.")]
) -> None:
    """Remove a source, or disable it if it is built in.

    Its articles stay in the archive.
    """
    raise typer.Exit(remove_source(context.obj.load(), name))


@app.add("import", "evnews sources import subscriptions.opml")
def sources_import(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="OPML file of a feed reader.")
    ],
) -> None:
    """Add the feeds of an OPML file as sources.

    Feeds that are already in the catalogue are skipped. Exit status 1 if some feeds are unusable.
    """
    from aggregator.cli.commands.collect.sources_opml import import_opml

    raise typer.Exit(import_opml(context.obj.load(), file))


@app.add("export", "evnews sources export -o evnews.opml", "evnews sources export -o -")
def sources_export(context: typer.Context, output: Output, sources: SourcesFile = None) -> None:
    """Write the feeds of the enabled sources as OPML."""
    from aggregator.cli.commands.collect.sources_opml import export_opml

    raise typer.Exit(export_opml(context.obj.load(), output, sources))


def list_sources(config: Config, file: Path | None, *, as_json: bool) -> int:
    """Print every source of the catalogue. Return 1 if an entry is invalid."""
    catalogue = read_catalogue(config, file)
    if as_json:
        for source in catalogue.sources:
            print_json(source_fields(source))
    else:
        _print_table(catalogue.sources)
    return EXIT_FAILURE if catalogue.problems else 0


def _print_table(sources: tuple[Source, ...]) -> None:
    from aggregator.cli.terminal import draw, make_table

    table = make_table("source", "title", "lang", ">every", ">indexes", "home")
    for source in sources:
        count = len(source.feeds) + len(source.sitemaps) + len(source.listings)
        schedule = _schedule(source) if source.enabled else "off"
        cells = (source.name, source.title, source.language, schedule, str(count), source.home)
        table.add_row(*(safe_line(cell) for cell in cells), style="" if source.enabled else "dim")
    draw(table)


def _schedule(source: Source) -> str:
    from aggregator.formatting import format_duration

    return source.cron or (format_duration(source.every) if source.every else "learned")


def source_fields(source: Source) -> dict[str, object]:
    """Return the fields of a source's JSON object (docs/json.md)."""
    return {
        "source": source.name, "title": source.title, "home": source.home, "language": source.language,
        "feeds": source.feeds, "sitemaps": source.sitemaps,
        "listings": [
            {"url": listing.url, "css": listing.css, "pattern": listing.pattern} for listing in source.listings
        ],
        "every": source.every, "min": source.min, "max": source.max, "cron": source.cron, "revisit": source.revisit,
        "delay": source.delay, "timezone": source.timezone, "enabled": source.enabled,
        "body_css": source.body_css, "drop_css": source.drop_css, "tags": source.tags,
    }  # fmt: skip


def add_source(config: Config, url: str, *, name: str, every: str, dry_run: bool) -> int:
    """Find a site's indexes, print them and write the source. Return 1 if there are none."""
    from aggregator.archive import make_home
    from spiders import catalogue_edit
    from spiders.parse.links import resolve_url

    configure_logging()
    url = url if "://" in url else f"https://{url}"
    if not resolve_url("", url):
        usage_error(f"{url!r} is not an http or https URL")
    name = name or name_from_url(url)
    known = read_catalogue(config, None).sources
    if any(source.name == name for source in known):
        usage_error(f"the catalogue already has a source {name!r}; choose another name with --name")
    _checked_source(name, {"feeds": [url]}, every)  # reports an invalid name or interval before any request
    from aggregator.cli.source_check import discover
    from spiders.source import Source

    placeholder = Source(name=name, title=name, home=url)
    indexes = discover(config, url, placeholder, known, lambda line: print(safe_line(line), flush=True))
    if not indexes.feeds and not indexes.sitemaps:
        problem = f" ({indexes.problem})" if indexes.problem else ""
        warn(f"no feed or sitemap was found at {url}{problem}; give the URL of a feed or sitemap")
        return EXIT_FAILURE
    duplicate = next((source.name for source in known if {*source.feeds} & {*indexes.feeds}), "")
    if duplicate:
        usage_error(f"{indexes.feeds[0]} is already polled by the source {duplicate}; remove that source first")
    table: dict[str, object] = {
        "title": indexes.title or name, "home": indexes.home, "language": indexes.language,
        "feeds": indexes.feeds, "sitemaps": indexes.sitemaps,
    }  # fmt: skip
    source = _checked_source(name, table, every)
    if dry_run:
        return 0
    make_home(config)
    catalogue_edit.add_source(user_catalogue(config), source)
    print(f"added {name} to {user_catalogue(config)}; `evnews crawl {name}` polls it now")
    return 0


def _checked_source(name: str, table: dict[str, object], every: str) -> Source:
    from spiders.catalogue import parse_source

    return parse_source(name, {**table, "every": every} if every else table, where="sources add")


def remove_source(config: Config, name: str) -> int:
    """Remove a source of the user, or disable a built-in one."""
    from aggregator.archive import make_home
    from spiders import catalogue_edit
    from spiders.catalogue import load_catalogue

    built_in = {source.name for source in load_catalogue(None).sources}
    select_sources(read_catalogue(config, None), [name])
    make_home(config)
    catalogue_edit.remove_source(user_catalogue(config), name, name in built_in)
    action = f"disabled {name} in {user_catalogue(config)}" if name in built_in else f"removed {name}"
    print(f"{action}; its articles stay in the archive")
    return 0


def check_sources(config: Config, names: list[str], file: Path | None, *, as_json: bool) -> int:
    """Print what each source's indexes and three of its articles look like. Return 1 if a source yields nothing."""
    from aggregator.cli.source_check import SourceCheck, check_each

    configure_logging()
    catalogue = read_catalogue(config, file)

    def report(check: SourceCheck) -> None:
        if as_json:
            print_json(check.fields())
        else:
            print("\n".join(map(safe_line, check.lines())), flush=True)

    checks = check_each(config, select_sources(catalogue, names), catalogue.sources, report)
    return 0 if all(check.is_good for check in checks) else EXIT_FAILURE
