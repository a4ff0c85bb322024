"""`evnews sources`: the catalogue shown, extended, checked, imported and exported."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aggregator.archive import make_home
from aggregator.cli.catalogue import chosen, read_catalogue
from aggregator.cli.output import TROUBLE, complain, format_count, mistake, print_json
from aggregator.config import Config
from aggregator.formatting import format_duration
from aggregator.logs import configure_logging, safe_line
from spiders.catalogue import CatalogueError, load_catalogue, parse_source
from spiders.catalogue_edit import add_source, add_sources, remove_source
from spiders.parse.links import resolve_url
from spiders.source import Source

if TYPE_CHECKING:
    from aggregator.feeds.opml import OutlineFeed

LONGEST_NAME = 64


def list_sources(config: Config, file: Path | None, *, as_json: bool) -> int:
    """Print every source of the catalogue; 1 where an entry of it is wrong."""
    catalogue = read_catalogue(config, file)
    if as_json:
        for source in catalogue.sources:
            print_json(_fields(source))
    else:
        _print_table(catalogue.sources)
    return TROUBLE if catalogue.problems else 0


def _print_table(sources: tuple[Source, ...]) -> None:
    from aggregator.cli.terminal import draw, table_of

    table = table_of("source", "title", "lang", ">every", ">indexes", "home")
    for source in sources:
        count = len(source.feeds) + len(source.sitemaps) + len(source.listings)
        every = _when(source) if source.enabled else "off"
        cells = (source.name, source.title, source.language, every, str(count), source.home)
        table.add_row(*(safe_line(cell) for cell in cells), style="" if source.enabled else "dim")
    draw(table)


def _when(source: Source) -> str:
    """When it is polled, as far as the catalogue says."""
    return source.cron or (format_duration(source.every) if source.every else "learned")


def _fields(source: Source) -> dict[str, object]:
    return {
        "source": source.name, "title": source.title, "home": source.home, "language": source.language,
        "feeds": source.feeds, "sitemaps": source.sitemaps,
        "listings": [{"url": one.url, "css": one.css, "pattern": one.pattern} for one in source.listings],
        "every": source.every, "min": source.min, "max": source.max, "cron": source.cron, "revisit": source.revisit,
        "delay": source.delay, "timezone": source.timezone, "enabled": source.enabled,
        "body_css": source.body_css, "drop_css": source.drop_css, "tags": source.tags,
    }  # fmt: skip


def own_catalogue(config: Config) -> Path:
    """The user's own catalogue file."""
    return config.home / "sources.toml"


def add(config: Config, url: str, *, name: str, every: str, dry_run: bool) -> int:
    """Look at the site, show what it offers, and write the source; 1 where it offers nothing."""
    configure_logging()
    url = url if "://" in url else f"https://{url}"
    if not resolve_url("", url):
        mistake(f"{url!r} is no http or https address")
    name = name or name_of(url)
    known = read_catalogue(config, None).sources
    if any(source.name == name for source in known):
        mistake(f"a source named {name!r} is in the catalogue already; give this one another --name")
    _entry(name, {"feeds": [url]}, every)  # a name or time that cannot be is told before the site is asked
    from aggregator.cli.source_check import discovered

    source = Source(name=name, title=name, home=url)
    found = discovered(config, url, source, known, lambda line: print(safe_line(line), flush=True))
    if not found.feeds and not found.sitemaps:
        why = f" ({found.problem})" if found.problem else ""
        complain(f"nothing to poll was found at {url}{why}; give the address of a feed or sitemap")
        return TROUBLE
    twin = next((source.name for source in known if {*source.feeds} & {*found.feeds}), "")
    if twin:
        mistake(f"{found.feeds[0]} is polled already, by {twin}")
    table: dict[str, object] = {
        "title": found.title or name, "home": found.home, "language": found.language,
        "feeds": found.feeds, "sitemaps": found.sitemaps,
    }  # fmt: skip
    source = _entry(name, table, every)
    if dry_run:
        return 0
    make_home(config)
    add_source(own_catalogue(config), source)
    print(f"added {name} to {own_catalogue(config)}; `evnews crawl {name}` fetches it now")
    return 0


def _entry(name: str, table: dict[str, object], every: str) -> Source:
    return parse_source(name, {**table, "every": every} if every else table, where="sources add")


def name_of(url: str) -> str:
    """A source's name made from its host: www.auto-motor.example -> auto-motor."""
    host = (urlsplit(url).hostname or "").lower()
    labels = [label for label in host.split(".") if label not in ("www", "feeds", "rss", "blog")]
    kept = labels[:-1] if len(labels) > 1 and not labels[-1].isdigit() else labels
    text = "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" for c in "-".join(kept))
    return text.strip("-")[:LONGEST_NAME].strip("-") or "source"


def remove(config: Config, name: str) -> int:
    """Take a source away, or switch a shipped one off."""
    shipped = {source.name for source in load_catalogue(None).sources}
    chosen(read_catalogue(config, None), [name])
    make_home(config)
    remove_source(own_catalogue(config), name, name in shipped)
    if name in shipped:
        print(f"{name} is switched off in {own_catalogue(config)}; its articles stay in the archive")
    else:
        print(f"{name} is removed; its articles stay in the archive")
    return 0


def import_opml(config: Config, file: Path) -> int:
    """Add every feed of an OPML file that is not in the catalogue yet, in one writing; 1 where one is not usable."""
    from aggregator.feeds.opml import read_opml

    catalogue = read_catalogue(config, None)
    known = {feed for source in catalogue.sources for feed in source.feeds}
    names = {source.name for source in catalogue.sources}
    try:
        outlines = read_opml(file.read_bytes())
    except ValueError as error:
        mistake(f"{file}: {error}")
    added: list[Source] = []
    wrong = 0
    fresh = [outline for outline in outlines if outline.xml_url not in known]
    for outline in fresh:
        name = _free_name(name_of(outline.html_url or outline.xml_url), names)
        try:
            added.append(_source_of(name, outline, str(file)))
            names.add(name)
        except CatalogueError as error:
            wrong += 1
            complain(str(error))
    if added:
        make_home(config)
        add_sources(own_catalogue(config), added)
    print(f"{format_count(len(added), 'feed')} added, {len(outlines) - len(fresh)} known already, {wrong} not usable")
    return TROUBLE if wrong else 0


def _source_of(name: str, outline: OutlineFeed, where: str) -> Source:
    home = outline.html_url or "{0.scheme}://{0.netloc}/".format(urlsplit(outline.xml_url))
    table = {"title": outline.title or name, "home": home, "feeds": [outline.xml_url], "language": outline.language}
    return parse_source(name, table, where=where)


def _free_name(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name[: LONGEST_NAME - 6]}-{number}", number + 1
    return free


def export_opml(config: Config, output: Path, file: Path | None) -> int:
    """Write the enabled sources' feeds as OPML."""
    from aggregator.feeds.opml import write_opml
    from storage.atomic_file import atomic_write

    sources = [source for source in read_catalogue(config, file).sources if source.enabled and source.feeds]
    data = write_opml(sources, "evnews sources", datetime.now(UTC))
    if str(output) == "-":
        sys.stdout.buffer.write(data)
        return 0
    try:
        with atomic_write(output) as target:
            target.write(data)
    except OSError as error:
        complain(f"{output} cannot be written: {error.strerror or error}")
        return TROUBLE
    print(f"{format_count(len(sources), 'source')} written to {output}")
    return 0


def check(config: Config, names: list[str], file: Path | None, *, as_json: bool) -> int:
    """Print what each source's indexes and three of its articles look like; 1 where one yields nothing."""
    configure_logging()
    catalogue = read_catalogue(config, file)
    from aggregator.cli.source_check import Report, examined

    def tell(report: Report) -> None:
        if as_json:
            print_json(report.fields())
        else:
            print("\n".join(map(safe_line, report.lines())), flush=True)

    reports = examined(config, chosen(catalogue, names), catalogue.sources, tell)
    return 0 if all(report.is_good for report in reports) else TROUBLE
