"""`evnews sources import` and `export`: sources as OPML files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aggregator.archive import make_home
from aggregator.cli.catalogue import MAX_NAME, name_from_url, read_catalogue, user_catalogue
from aggregator.cli.output import EXIT_FAILURE, output_file, usage_error, warn
from aggregator.feeds.opml import read_opml, write_opml
from aggregator.formatting import format_count
from spiders.catalogue import CatalogueError, parse_source
from spiders.catalogue_edit import add_sources

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.feeds.opml import OutlineFeed
    from spiders.source import Source


def import_opml(config: Config, file: Path) -> int:
    """Add every feed of an OPML file that is not in the catalogue. Return 1 if one is unusable."""
    catalogue = read_catalogue(config, None)
    known = {feed for source in catalogue.sources for feed in source.feeds}
    names = {source.name for source in catalogue.sources}
    try:
        outlines = read_opml(file.read_bytes())
    except ValueError as error:
        usage_error(f"{file}: {error}")
    added: list[Source] = []
    unusable = 0
    new_outlines = [outline for outline in outlines if outline.xml_url not in known]
    for outline in new_outlines:
        name = _unused_name(name_from_url(outline.html_url or outline.xml_url), names)
        try:
            added.append(_source_of(name, outline, str(file)))
            names.add(name)
        except CatalogueError as error:
            unusable += 1
            warn(str(error))
    if added:
        make_home(config)
        add_sources(user_catalogue(config), added)
    skipped = len(outlines) - len(new_outlines)
    print(f"{format_count(len(added), 'feed')} added, {skipped} already in the catalogue, {unusable} unusable")
    return EXIT_FAILURE if unusable else 0


def _source_of(name: str, outline: OutlineFeed, where: str) -> Source:
    home = outline.html_url or "{0.scheme}://{0.netloc}/".format(urlsplit(outline.xml_url))
    table = {"title": outline.title or name, "home": home, "feeds": [outline.xml_url], "language": outline.language}
    return parse_source(name, table, where=where)


def _unused_name(name: str, used: set[str]) -> str:
    number, unused = 2, name
    while unused in used:
        unused, number = f"{name[: MAX_NAME - 6]}-{number}", number + 1
    return unused


def export_opml(config: Config, output: Path, file: Path | None) -> int:
    """Write the enabled sources' feeds as OPML."""
    sources = [source for source in read_catalogue(config, file).sources if source.enabled and source.feeds]
    with output_file(output) as target:
        target.write(write_opml(sources, "evnews sources", datetime.now(UTC)))
    if str(output) != "-":
        print(f"{format_count(len(sources), 'source')} written to {output}")
    return 0
