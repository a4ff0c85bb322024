"""Which indexes a source has: those of the catalogue, and those that they named when last read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spiders.source import Source, SourceListing
from storage.model.crawl import IndexEndpoint

CHILDREN_IN_EVERY_POLL = 10
"""How many of an index's children are asked at every poll; the others take turns."""
MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class KnownIndex:
    """An index by its address. `depth` counts the indexes above it; a backlog holds what is old."""

    url: str
    kind: str
    listing: SourceListing | None = None
    depth: int = 0
    is_backlog: bool = False


def list_indexes(source: Source, endpoints: Mapping[str, IndexEndpoint]) -> list[KnownIndex]:
    """Every index that is known, those that indexes named after those of the catalogue."""
    places = [KnownIndex(*known) for known in source.indexes]
    seen = {place.url for place in places}
    for parent in places:  # which grows while it is walked: a child may have children
        if parent.kind == "sitemap" and parent.depth < MAX_DEPTH and parent.url in endpoints:
            named = order_children(endpoints[parent.url].child_urls, endpoints)
            places += [
                KnownIndex(
                    url, parent.kind, parent.listing, parent.depth + 1, is_backlog=number >= CHILDREN_IN_EVERY_POLL
                )
                for number, url in enumerate(named)
                if url not in seen
            ]
            seen.update(named)
    return places


def order_children(urls: Sequence[str], endpoints: Mapping[str, IndexEndpoint]) -> tuple[str, ...]:
    """The newest few, as the index orders them, then those that were asked longest ago, so that each is reached."""

    def last_asked(url: str) -> float:
        polled_at = endpoints[url].polled_at if url in endpoints else None
        return polled_at.timestamp() if polled_at else 0.0

    return (*urls[:CHILDREN_IN_EVERY_POLL], *sorted(urls[CHILDREN_IN_EVERY_POLL:], key=last_asked))
