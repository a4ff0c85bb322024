"""`evnews search --by UNIT` and `--facets`: count results instead of listing them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aggregator.archive import open_archive
from aggregator.cli.output import EXIT_FAILURE, print_json, usage_error, warn
from aggregator.cli.query_options import resolve_topics
from aggregator.feeds.json_records import PERIOD_FORMATS
from aggregator.formatting import format_count
from aggregator.logs import safe_line
from storage.library import Library
from storage.search.facets import TIMELINE_UNITS

if TYPE_CHECKING:
    from aggregator.config import Config
    from storage.model.search import Query

_BAR_WIDTH = 40
_MAX_VALUES = 10


def print_timeline(config: Config, query: Query, unit: str, *, as_json: bool) -> int:
    """Print the number of results of each day, week or month. Return 1 if there are none."""
    if unit not in TIMELINE_UNITS:
        usage_error(f"--by {unit!r} is not a unit; write {' or '.join(TIMELINE_UNITS)}")
    resolved = resolve_topics(query, config)
    if isinstance(resolved, str):
        warn(resolved)
        return EXIT_FAILURE
    with open_archive(config) as database:
        timeline = Library(database).timeline(replace(resolved, muted=config.mute), unit)
    largest = max((count for _, count in timeline.points), default=0)
    for day, count in timeline.points:
        if as_json:
            print_json({unit: PERIOD_FORMATS[unit](day), "from": day.isoformat(), "articles": count})
        else:
            print(f"{PERIOD_FORMATS[unit](day):>10}  {count:>7}  {'█' * max(round(_BAR_WIDTH * count / largest), 1)}")
    if timeline.scanned_until is not None:
        warn(f"counted articles since {timeline.scanned_until:%Y-%m-%d}; --since and --until choose another period")
    if not timeline.points:
        warn("nothing found; try fewer words, or run `evnews crawl` first")
    return 0 if timeline.points else EXIT_FAILURE


def print_facets(config: Config, query: Query, *, as_json: bool) -> int:
    """Print the sources, languages and topics of the results. Return 1 if there are none."""
    resolved = resolve_topics(query, config)
    if isinstance(resolved, str):
        warn(resolved)
        return EXIT_FAILURE
    with open_archive(config) as database:
        months, facets = Library(database).facets(replace(resolved, muted=config.mute))
    counts_by_facet = {"sources": facets.sources, "languages": facets.languages, "topics": facets.topics}
    if as_json:
        print_json({"sampled": facets.sampled, **{facet: dict(counts) for facet, counts in counts_by_facet.items()}})
        return 0 if facets.sampled else EXIT_FAILURE
    if not facets.sampled:
        warn("nothing found; try fewer words, or run `evnews crawl` first")
        return EXIT_FAILURE
    total = sum(count for _, count in months.points)
    sample = "" if facets.sampled >= total else f"; counts of a sample of {facets.sampled}:"
    print(f"{format_count(total, 'article')}{sample}")
    for facet, counts in counts_by_facet.items():
        for number, (value, count) in enumerate(counts[:_MAX_VALUES]):
            share = count / facets.sampled
            print(f"{facet if not number else '':>10}  {count:>5}  {share:>4.0%}  {safe_line(value)}")
    return 0
