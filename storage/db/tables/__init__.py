"""Every table of the archive, as SQLAlchemy Core sees it; the migrations make them.

What was seen is kept as facts (texts, sightings, aliases, claims); what is concluded from
them (articles, revisions, the search index) can be made again from the facts alone, so it
is the same whatever the order in which they arrived.
"""

from storage.db.tables.articles import (
    aliases,
    articles,
    beside_rows,
    claims,
    looks,
    merged,
    past_texts,
    revisions,
    sightings,
    texts,
    vocabulary,
)
from storage.db.tables.copies import likenesses, prints, signatures
from storage.db.tables.crawl import (
    appointments,
    calendar,
    captures,
    endpoints,
    leads,
    meta,
    next_looks,
    parked_hosts,
    polls,
    robots,
    second_looks,
)
from storage.db.tables.derived import stories, story_due, story_terms, tellers, term_counts
from storage.db.tables.health import audits, conditions, turns
from storage.db.tables.learned import changed_blocks, held_blocks, paragraph_windows, source_hints
from storage.db.tables.readers import alerts, archived_feeds, feed_pages, marks, read_upto, saved_searches, tokens
from storage.db.tables.topics import article_topics, topic_readings
from storage.db.tables.types import EARLIEST, LATEST, metadata, moment
from storage.timestamps import EPOCH

__all__ = [
    "EARLIEST",
    "EPOCH",
    "LATEST",
    "alerts",
    "aliases",
    "appointments",
    "archived_feeds",
    "article_topics",
    "articles",
    "audits",
    "beside_rows",
    "calendar",
    "captures",
    "changed_blocks",
    "claims",
    "conditions",
    "endpoints",
    "feed_pages",
    "held_blocks",
    "leads",
    "likenesses",
    "looks",
    "marks",
    "merged",
    "meta",
    "metadata",
    "moment",
    "next_looks",
    "paragraph_windows",
    "parked_hosts",
    "past_texts",
    "polls",
    "prints",
    "read_upto",
    "revisions",
    "robots",
    "saved_searches",
    "second_looks",
    "sightings",
    "signatures",
    "source_hints",
    "stories",
    "story_due",
    "story_terms",
    "tellers",
    "term_counts",
    "texts",
    "tokens",
    "topic_readings",
    "turns",
    "vocabulary",
]
