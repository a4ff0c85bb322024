"""`evnews search --by UNIT` and `--facets`: what was found, seen from above."""

from __future__ import annotations

from dataclasses import replace

from aggregator.archive import open_archive
from aggregator.cli.commands.topics import resolved
from aggregator.cli.output import TROUBLE, complain, format_count, mistake, print_json
from aggregator.config import Config
from aggregator.feeds.json_records import PERIOD_FORMATS
from aggregator.logs import safe_line
from storage.library import Library
from storage.model.search import Query
from storage.search.facets import TIMELINE_UNITS

_BAR = 40
_LISTED = 10


def show_timeline(config: Config, query: Query, unit: str, *, as_json: bool) -> int:
    """Print how many articles of each day, week or month there are; 1 where there are none."""
    if unit not in TIMELINE_UNITS:
        mistake(f"--by {unit!r} is none; the units are {', '.join(TIMELINE_UNITS)}")
    asked = resolved(query, config)
    if isinstance(asked, str):
        complain(asked)
        return TROUBLE
    with open_archive(config) as database:
        found = Library(database).timeline(replace(asked, muted=config.mute), unit)
    most = max((many for _, many in found.points), default=0)
    for day, many in found.points:
        if as_json:
            print_json({unit: PERIOD_FORMATS[unit](day), "from": day.isoformat(), "articles": many})
        else:
            print(f"{PERIOD_FORMATS[unit](day):>10}  {many:>7}  {'█' * max(round(_BAR * many / most), 1)}")
    if found.scanned_until is not None:
        complain(f"counted those since {found.scanned_until:%Y-%m-%d}; a longer time: --since, --until")
    if not found.points:
        complain("nothing found")
    return 0 if found.points else TROUBLE


def show_facets(config: Config, query: Query, *, as_json: bool) -> int:
    """Print the sources, languages and topics of what is found; 1 where nothing is."""
    asked = resolved(query, config)
    if isinstance(asked, str):
        complain(asked)
        return TROUBLE
    with open_archive(config) as database:
        months, facets = Library(database).facets(replace(asked, muted=config.mute))
    kinds = {"sources": facets.sources, "languages": facets.languages, "topics": facets.topics}
    if as_json:
        print_json({"sampled": facets.sampled, **{kind: dict(found) for kind, found in kinds.items()}})
        return 0 if facets.sampled else TROUBLE
    if not facets.sampled:
        complain("nothing found")
        return TROUBLE
    total = sum(many for _, many in months.points)
    print(f"{format_count(total, 'article')}{'' if facets.sampled >= total else f'; of a sample of {facets.sampled}:'}")
    for kind, found in kinds.items():
        for number, (name, many) in enumerate(found[:_LISTED]):
            share = many / facets.sampled
            print(f"{kind if not number else '':>10}  {many:>5}  {share:>4.0%}  {safe_line(name)}")
    return 0
