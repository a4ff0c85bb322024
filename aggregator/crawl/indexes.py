"""List the indexes of a source: those of the catalogue, and the children of its sitemap indexes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spiders.source import Source, SourceListing
from storage.model.crawl import IndexEndpoint

CHILDREN_IN_EVERY_POLL = 10
"""Children of an index that every poll requests; the others take turns."""
MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class KnownIndex:
    """An index with its number of parents. A backlog index lists old articles and is polled in turn."""

    url: str
    kind: str
    listing: SourceListing | None = None
    depth: int = 0
    is_backlog: bool = False


def list_indexes(source: Source, endpoints: Mapping[str, IndexEndpoint]) -> list[KnownIndex]:
    """Return the known indexes: those of the catalogue, then their descendants."""
    indexes = [KnownIndex(*known) for known in source.indexes]
    seen = {index.url for index in indexes}
    for parent in indexes:  # the list grows during the loop: a child may have children
        if parent.kind == "sitemap" and parent.depth < MAX_DEPTH and parent.url in endpoints:
            children = order_children(endpoints[parent.url].child_urls, endpoints)
            indexes += [
                KnownIndex(
                    url, parent.kind, parent.listing, parent.depth + 1, is_backlog=number >= CHILDREN_IN_EVERY_POLL
                )
                for number, url in enumerate(children)
                if url not in seen
            ]
            seen.update(children)
    return indexes


def order_children(urls: Sequence[str], endpoints: Mapping[str, IndexEndpoint]) -> tuple[str, ...]:
    """Return the first children in the order of their index, then the others by the time of their last poll."""

    def last_polled(url: str) -> float:
        polled_at = endpoints[url].polled_at if url in endpoints else None
        return polled_at.timestamp() if polled_at else 0.0

    return (*urls[:CHILDREN_IN_EVERY_POLL], *sorted(urls[CHILDREN_IN_EVERY_POLL:], key=last_polled))
