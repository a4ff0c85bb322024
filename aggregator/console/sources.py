"""`evnews sources`: the catalogue shown, extended, checked, imported and exported."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.cli import mistake
from aggregator.config import Config
from aggregator.console.catalogue import chosen, read_catalogue
from aggregator.logs import configure_logging, safe_line
from spiders.catalogue import CatalogueError, load_catalogue, parse_source
from spiders.edit import add_source, remove_source
from spiders.source import Source


def list_sources(config: Config, file: Path | None, *, as_json: bool) -> int:
    """Print every source of the catalogue."""
    catalogue = read_catalogue(config, file)
    if as_json:
        for source in catalogue.sources:
            print(json.dumps(_fields(source), ensure_ascii=False))
        return 0
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in ("source", "title", "lang", "every", "indexes", "home"):
        table.add_column(title, no_wrap=title != "home", overflow="fold")
    for source in catalogue.sources:
        count = len(source.feeds) + len(source.sitemaps) + len(source.listings)
        every = f"{source.every / 60:g} min"
        cells = (source.name, source.title, source.language, every if source.enabled else "off", str(count), source.home)
        table.add_row(*(Text(safe_line(cell)) for cell in cells), style="" if source.enabled else "dim")
    Console(highlight=False).print(table)
    return 0


def _fields(source: Source) -> dict[str, object]:
    return {
        "source": source.name, "title": source.title, "home": source.home, "language": source.language,
        "feeds": source.feeds, "sitemaps": source.sitemaps,
        "listings": [{"url": l.url, "css": l.css, "pattern": l.pattern} for l in source.listings],
        "every": source.every, "delay": source.delay, "timezone": source.timezone, "enabled": source.enabled,
    }


def own_catalogue(config: Config) -> Path:
    """The user's own catalogue file."""
    return config.home / "sources.toml"


def add(config: Config, url: str, *, name: str, every: str, dry_run: bool) -> int:
    """Look at the site, show what it offers, and write the source; 1 where it offers nothing."""
    configure_logging()
    if "://" not in url:
        url = "https://" + url
    from aggregator.console.errands import discovered

    name = name or name_of(url)
    existing = {source.name for source in read_catalogue(config, None).sources}
    if name in existing:
        mistake(f"a source named {name!r} is in the catalogue already; give this one another --name")
    found = discovered(config, url, name)
    for line in found.report:
        print(safe_line(line))
    if not found.feeds and not found.sitemaps:
        print(f"evnews: nothing to poll was found at {safe_line(url)}; give the address of a feed or sitemap", file=sys.stderr)
        return 1
    table: dict[str, object] = {"title": found.title or name, "home": found.home, "feeds": list(found.feeds), "sitemaps": list(found.sitemaps)}
    if found.language:
        table["language"] = found.language
    if every:
        table["every"] = every
    try:
        source = parse_source(name, table, where="sources add")
    except CatalogueError as error:
        mistake(str(error))
    if dry_run:
        return 0
    config.home.mkdir(parents=True, exist_ok=True)
    add_source(own_catalogue(config), source)
    print(f"added {name} to {own_catalogue(config)}; `evnews crawl {name}` fetches it now")
    return 0


def name_of(url: str) -> str:
    """A source's name made from its host: www.auto-motor.example -> auto-motor."""
    labels = [label for label in (urlsplit(url).hostname or "").lower().split(".") if label not in ("www", "feeds", "rss", "blog")]
    kept = labels[:-1] if len(labels) > 1 and not labels[-1].isdigit() else labels
    text = "-".join(kept) or "source"
    return "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" for c in text).strip("-") or "source"


def remove(config: Config, name: str) -> int:
    """Take a source away, or switch a shipped one off."""
    shipped = {source.name for source in load_catalogue(None).sources}
    known = {source.name for source in read_catalogue(config, None).sources}
    if name not in known:
        mistake(f"no source is named {name!r}; `evnews sources` lists them")
    config.home.mkdir(parents=True, exist_ok=True)
    remove_source(own_catalogue(config), name, name in shipped)
    print(f"{name} is switched off" if name in shipped else f"{name} is removed; its articles stay in the archive")
    return 0


def import_opml(config: Config, file: Path) -> int:
    """Add every feed of an OPML file that is not in the catalogue yet."""
    from aggregator.feeds.opml import read_opml

    catalogue = read_catalogue(config, None)
    known = {feed for source in catalogue.sources for feed in source.feeds}
    names = {source.name for source in catalogue.sources}
    try:
        outlines = read_opml(file.read_bytes())
    except (OSError, ValueError) as error:
        mistake(f"{file}: {error}")
    config.home.mkdir(parents=True, exist_ok=True)
    added = skipped = wrong = 0
    for outline in outlines:
        if outline.xml_url in known:
            skipped += 1
            continue
        name = _free_name(name_of(outline.html_url or outline.xml_url), names)
        home = outline.html_url or "{0.scheme}://{0.netloc}/".format(urlsplit(outline.xml_url))
        table: dict[str, object] = {"title": outline.title or name, "home": home, "feeds": [outline.xml_url]}
        if outline.language:
            table["language"] = outline.language
        try:
            add_source(own_catalogue(config), parse_source(name, table, where=str(file)))
        except CatalogueError as error:
            wrong += 1
            print(f"evnews: {safe_line(str(error))}", file=sys.stderr)
            continue
        known.add(outline.xml_url)
        names.add(name)
        added += 1
    print(f"{added} feeds added, {skipped} known already, {wrong} not usable")
    return 0 if not wrong else 1


def _free_name(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def export_opml(config: Config, output: Path, file: Path | None) -> int:
    """Write the enabled sources' feeds as OPML."""
    from aggregator.feeds.files import written_whole
    from aggregator.feeds.opml import write_opml

    sources = [source for source in read_catalogue(config, file).sources if source.enabled and source.feeds]
    data = write_opml(sources, "evnews sources", datetime.now(UTC))
    if str(output) == "-":
        sys.stdout.buffer.write(data)
        return 0
    try:
        with written_whole(output) as target:
            target.write(data)
    except OSError as error:
        print(f"evnews: {output} cannot be written: {error.strerror or error}", file=sys.stderr)
        return 1
    print(f"{len(sources)} sources written to {output}")
    return 0


def check(config: Config, names: list[str], file: Path | None, *, as_json: bool) -> int:
    """Print what each source's indexes and three of its articles look like; 1 where one yields nothing."""
    configure_logging()
    sources = chosen(read_catalogue(config, file), names)
    from aggregator.console.errands import examined

    reports = examined(config, sources)
    for report in reports:
        if as_json:
            print(json.dumps(report.fields(), ensure_ascii=False))
        else:
            for line in report.lines():
                print(safe_line(line))
    return 0 if all(report.is_good for report in reports) else 1
