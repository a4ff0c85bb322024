"""Which indexes a source has: those of the catalogue, and those that they named when last read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spiders.source import Listing, Source
from storage.model.crawl import Endpoint

NEWEST_FIRST = 10
"""How many of an index's children are asked at every poll; the others take turns."""
MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Place:
    """An index by its address. `depth` counts the indexes above it; a backlog holds what is old."""

    url: str
    kind: str
    listing: Listing | None = None
    depth: int = 0
    is_backlog: bool = False


def known_indexes(source: Source, memory: Mapping[str, Endpoint]) -> list[Place]:
    """Every index that is known, those that indexes named after those of the catalogue."""
    places = [Place(*known) for known in source.indexes]
    seen = {place.url for place in places}
    for parent in places:  # which grows while it is walked: a child may have children
        if parent.kind == "sitemap" and parent.depth < MAX_DEPTH and parent.url in memory:
            named = in_turn(memory[parent.url].more, memory)
            places += [
                Place(url, parent.kind, parent.listing, parent.depth + 1, is_backlog=number >= NEWEST_FIRST)
                for number, url in enumerate(named)
                if url not in seen
            ]
            seen.update(named)
    return places


def in_turn(urls: Sequence[str], memory: Mapping[str, Endpoint]) -> tuple[str, ...]:
    """The newest few, as the index orders them, then those that were asked longest ago, so that each is reached."""

    def last_asked(url: str) -> float:
        polled_at = memory[url].polled_at if url in memory else None
        return polled_at.timestamp() if polled_at else 0.0

    return (*urls[:NEWEST_FIRST], *sorted(urls[NEWEST_FIRST:], key=last_asked))
