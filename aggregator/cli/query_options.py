"""Turn search options into a Query."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aggregator.cli.output import usage_error

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.topics.matcher import TopicCatalogue
    from storage.model.search import Query

MAX_TOPICS = 16


def make_query(
    config: Config,
    words: list[str] | None,
    sources: list[str] | None = None,
    topics: list[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    *,
    saved: str = "",
    limit: int | None = None,
    order: str = "new",
    cursor: str = "",
) -> Query:
    """Return the Query that words and options ask for. Raises UsageError."""
    from storage.model.search import Query
    from storage.text.clean import clean

    text = " ".join(words or [])
    if saved:
        from aggregator.cli.saved_search_option import add_saved_query

        text = add_saved_query(config, saved, text)
    return Query(
        words=clean(text), topics=tuple(dict.fromkeys(topics or ()))[:MAX_TOPICS], sources=tuple(sources or ()),
        since=parse_date("--since", since), until=parse_date("--until", until), limit=limit, order=order, cursor=cursor,
    )  # fmt: skip


def parse_date(option: str, text: str | None) -> datetime | None:
    """Return the time that an option names, absolute or as an age. Raises UsageError."""
    if not text:
        return None
    from aggregator.feeds.timestamps import parse_time

    try:
        return parse_time(text, datetime.now(UTC))
    except ValueError:
        usage_error(
            f"{option} {text!r} is not a date; write 2026-01-31, 2026-01-31T12:00 or an age: 12h, 7d, 4w, 6m, 1y"
        )


def resolve_topics(query: Query, config: Config) -> Query | str:
    """Return the query with the catalogue's names of its topics, or a message about the first unknown topic."""
    from aggregator.topics.resolve import UnknownTopic, resolve_topics

    def load() -> TopicCatalogue:
        from aggregator.topics.catalogue import load_topics

        return load_topics(config.home)

    try:
        return resolve_topics(query, load)
    except UnknownTopic as error:
        return str(error)


def unmuted_query(query: Query, config: Config) -> Query:
    """Return the query with its topics resolved, without mute rules. Raises UsageError."""
    resolved = resolve_topics(query, config)
    if isinstance(resolved, str):
        usage_error(resolved)
    return resolved


def muted_query(query: Query, config: Config) -> Query:
    """Return the query with its topics resolved and the mute rules of the configuration. Raises UsageError."""
    return replace(unmuted_query(query, config), muted=config.mute)
