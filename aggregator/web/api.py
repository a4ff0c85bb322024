"""The JSON API below /api/v1: a table of endpoints, which the server and the OpenAPI description use."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aggregator.feeds.json_records import (
    PERIOD_FORMATS,
    article_fields,
    capture_fields,
    change_fields,
    format_optional_timestamp,
    revision_fields,
    source_fields,
    story_fields,
    topic_fields,
)
from aggregator.topics.matcher import TopicCatalogue
from aggregator.topics.resolve import UnknownTopic, resolve_topics
from aggregator.web.requests import InvalidParameter, QueryParams, format_position, parse_position
from storage.db.database import Database
from storage.library import Library
from storage.model.article import ChangeCursor
from storage.model.search import MAX_ID, Query
from storage.monitor import Monitor
from storage.search.snippet import MARK_END, MARK_START

_DEFAULT_LIMIT, _MAX_LIMIT = 50, 200
_DEFAULT_CHANGES, _MAX_CHANGES = 100, 1_000
_CHANGES_CURSOR = re.compile(r"(\d{1,18})\.(\d{1,19})\.(\d{1,9})")
_ORDERS = ("new", "old", "best", "changed")
_TEXT_FIELDS = ("text", "html")


class RecordNotFound(LookupError):
    """Raised if no record has the requested id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Context of the handlers. `topics` loads the topic catalogue, ages of parameters count back from `now`."""

    database: Database
    topics: Callable[[], TopicCatalogue]
    now: Callable[[], datetime]
    muted: tuple[str, ...] = ()

    @property
    def library(self) -> Library:
        """Articles of the archive."""
        return Library(self.database)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOption:
    """A parameter of an endpoint with its description and a valid example."""

    name: str
    description: str
    example: str
    kind: str = "string"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiEndpoint:
    """An endpoint: its path, description, handler, parameters, and the fields of its response."""

    path: str
    description: str
    handler: Callable[[Api, QueryParams], dict[str, Any]]
    options: tuple[ApiOption, ...] = ()
    response_fields: tuple[str, ...] = ()


def _build_query(api: Api, params: QueryParams) -> Query:
    query = Query(
        words=params.get_text("q"),
        sources=tuple(filter(None, params.get_text("source").split(","))),
        topics=tuple(filter(None, params.get_text("topic").split(",")))[:16],
        since=params.get_time("since", api.now()),
        until=params.get_time("until", api.now()),
        limit=params.get_number("limit", _DEFAULT_LIMIT, _MAX_LIMIT),
        order=params.get_choice("order", _ORDERS),
        cursor=params.get_text("cursor", 200),
        collapse=params.is_on("collapse"),
        muted=() if params.is_on("all") else api.muted,
    )
    try:
        return resolve_topics(query, api.topics)
    except UnknownTopic as error:
        raise InvalidParameter(str(error)) from None


def _list_articles(api: Api, params: QueryParams) -> dict[str, Any]:
    results = api.library.search(_build_query(api, params), api.now())
    excluded = () if params.is_on("full") else _TEXT_FIELDS
    items = [
        {name: value for name, value in article_fields(hit.article).items() if name not in excluded}
        | {"snippet": hit.snippet.replace(MARK_START, "").replace(MARK_END, ""), "also": list(hit.copy_sources)}
        for hit in results.hits
    ]
    return {
        "items": items,
        "next_cursor": results.cursor or None,
        "complete": results.is_complete,
        "reached": format_optional_timestamp(results.scanned_until),
        "notes": list(results.notes),
    }


def _get_article(api: Api, params: QueryParams) -> dict[str, Any]:
    article = api.library.article(params.path_id)
    if article is None:
        raise RecordNotFound(f"There is no article {params.path_id}.")
    captures = [capture_fields(*capture) for capture in api.library.captures(article.id)]
    copies = [{"id": number, "url": url} for number, url in api.library.copies(article.id)]
    return article_fields(article) | {"copies": copies, "captures": captures}


def _list_revisions(api: Api, params: QueryParams) -> dict[str, Any]:
    revisions = api.library.revisions(params.path_id)
    if not revisions:
        raise RecordNotFound(f"There is no article {params.path_id}.")
    return {"items": [revision_fields(revision) | {"text": revision.text} for revision in revisions]}


def _list_stories(api: Api, params: QueryParams) -> dict[str, Any]:
    stories = api.library.stories(
        since=params.get_time("since", api.now()),
        min_sources=params.get_number("min_sources", 2, 1_000),
        limit=params.get_number("limit", _DEFAULT_LIMIT, _MAX_LIMIT),
    )
    return {"items": [story_fields(story) for story in stories]}


def _get_story(api: Api, params: QueryParams) -> dict[str, Any]:
    story = api.library.story(params.path_id)
    if story is None:
        raise RecordNotFound(f"No story contains article {params.path_id}.")
    return story_fields(story)


def _list_sources(api: Api, _: QueryParams) -> dict[str, Any]:
    monitor = Monitor(api.database)
    refused = monitor.verdicts_by_source()
    return {"items": [source_fields(state, refused.get(state.name, {})) for state in monitor.source_states()]}


def _list_topics(api: Api, params: QueryParams) -> dict[str, Any]:
    entries = {entry.name: entry for entry in api.topics().entries}
    counts = api.library.topic_counts(params.get_time("since", api.now()))
    known = [(count, entries[count.name]) for count in counts if count.name in entries]
    return {"items": [topic_fields(count, entry.title, entry.kind, entry.part_of) for count, entry in known]}


def _get_timeline(api: Api, params: QueryParams) -> dict[str, Any]:
    unit = params.get_choice("by", ("month", "week", "day"))
    timeline = api.library.timeline(_build_query(api, params), unit, api.now())
    items = [
        {"period": PERIOD_FORMATS[unit](day), "from": day.isoformat(), "articles": count}
        for day, count in timeline.points
    ]
    return {
        "by": unit,
        "items": items,
        "complete": timeline.is_complete,
        "reached": format_optional_timestamp(timeline.scanned_until),
    }


def _list_changes(api: Api, params: QueryParams) -> dict[str, Any]:
    after = None
    if cursor := params.get_text("cursor", 200):
        after = _parse_cursor(cursor)
        if after is None:
            raise InvalidParameter("cursor must be the next_cursor of a response.")
    most = params.get_number("limit", _DEFAULT_CHANGES, _MAX_CHANGES)
    since = params.get_time("since", api.now())
    changes = api.library.changes_after(since, after, most + 1)
    last = changes[:most][-1] if changes else None
    position = ChangeCursor(at=last.at, article_id=last.article_id, number=last.revision) if last else after
    return {
        "items": [change_fields(change) for change in changes[:most]],
        "next_cursor": format_position(position.at, position.article_id, position.number) if position else None,
        "complete": len(changes) <= most,
    }


def _parse_cursor(text: str) -> ChangeCursor | None:
    position = parse_position(_CHANGES_CURSOR, text)
    if position is None:
        return None
    at, (article_id, number) = position
    return ChangeCursor(at=at, article_id=article_id, number=number)


def _get_stats(api: Api, _: QueryParams) -> dict[str, Any]:
    stats = Monitor(api.database).stats()
    return {
        "articles": stats.articles,
        "copies": stats.copies,
        "revisions": stats.revisions,
        "sources": stats.sources,
        "captures": stats.captures,
        "capture_bytes": stats.capture_bytes,
        "database_bytes": stats.database_bytes,
        "oldest": format_optional_timestamp(stats.oldest),
        "newest": format_optional_timestamp(stats.newest),
        "last_kept": format_optional_timestamp(stats.last_kept),
    }


_LIMIT_OPTION = ApiOption(
    name="limit", description=f"Maximum number of items, up to {_MAX_LIMIT}.", example="20", kind="integer"
)
_SINCE_OPTION = ApiOption(name="since", description="On or after a date, a time or an age.", example="30d")
_QUERY_OPTIONS = (
    ApiOption(name="q", description="A query (docs/searching.md).", example='"solid state" -toyota'),
    ApiOption(name="source", description="Only these sources, separated by commas.", example="electrek,insideevs"),
    ApiOption(name="topic", description="Only articles with all these topics, separated by commas.", example="byd"),
    _SINCE_OPTION,
    ApiOption(name="until", description="Published before a date, a time or an age.", example="2026-02-01"),
    ApiOption(name="all", description="1 to include muted articles.", example="1", kind="integer"),
)
_ARTICLE_FIELDS = (
    *("id", "url", "source", "title", "authors", "published", "summary", "language", "topics", "story", "first_seen"),
    *("revision", "revisions", "copy_of"),
)
ENDPOINTS = (
    ApiEndpoint(
        path="articles",
        description="One page of the articles that match a query, or of all articles, newest first.",
        handler=_list_articles,
        options=(
            *_QUERY_OPTIONS,
            _LIMIT_OPTION,
            ApiOption(name="order", description=f"Order: {', '.join(_ORDERS)}.", example="best"),
            ApiOption(name="cursor", description="The next_cursor of the previous page.", example="new.r7345"),
            ApiOption(name="full", description="1 to include text and html.", example="1", kind="integer"),
            ApiOption(
                name="collapse",
                description="1 to omit copies if their original is listed.",
                example="1",
                kind="integer",
            ),
        ),
        response_fields=("items", "next_cursor", "complete", "reached", "notes"),
    ),
    ApiEndpoint(
        path="articles/{id}",
        description="An article with its text, its copies and the WARC records of its pages.",
        handler=_get_article,
        response_fields=(*_ARTICLE_FIELDS, "text", "html", "copies", "captures"),
    ),
    ApiEndpoint(
        path="articles/{id}/revisions",
        description="Every revision of an article with its text, oldest first.",
        handler=_list_revisions,
        response_fields=("items",),
    ),
    ApiEndpoint(
        path="stories",
        description="Stories covered by several sources, the latest first.",
        handler=_list_stories,
        options=(
            _SINCE_OPTION,
            ApiOption(
                name="min_sources", description="Minimum number of sources; 2 by default.", example="3", kind="integer"
            ),
            _LIMIT_OPTION,
        ),
        response_fields=("items",),
    ),
    ApiEndpoint(
        path="stories/{id}",
        description="A story and its articles, by its id or that of any of its articles.",
        handler=_get_story,
        response_fields=("story", "title", "first_at", "last_at", "sources", "articles"),
    ),
    ApiEndpoint(
        path="sources", description="Every source with its state.", handler=_list_sources, response_fields=("items",)
    ),
    ApiEndpoint(
        path="topics",
        description="Every topic with articles, the most frequent first.",
        handler=_list_topics,
        options=(_SINCE_OPTION,),
        response_fields=("items",),
    ),
    ApiEndpoint(
        path="timeline",
        description="Number of articles that match a query per day, week or month, copies included.",
        handler=_get_timeline,
        options=(*_QUERY_OPTIONS, ApiOption(name="by", description="Period: month, week or day.", example="week")),
        response_fields=("by", "items", "complete", "reached"),
    ),
    ApiEndpoint(
        path="changes",
        description="Edits, withdrawals and restorations, oldest first; next_cursor continues with later ones.",
        handler=_list_changes,
        options=(
            ApiOption(
                name="since", description="Found on or after a date, a time or an age.", example="2026-01-31T12:00:00Z"
            ),
            ApiOption(
                name="cursor", description="The next_cursor of the previous response.", example="1769860800000000.42.2"
            ),
            ApiOption(
                name="limit",
                description=f"Maximum number of items, up to {_MAX_CHANGES}.",
                example="100",
                kind="integer",
            ),
        ),
        response_fields=("items", "next_cursor", "complete"),
    ),
    ApiEndpoint(
        path="stats",
        description="Size and contents of the archive.",
        handler=_get_stats,
        response_fields=("articles", "sources", "revisions"),
    ),
)


def parse_id(text: str) -> int:
    """Return the id in a path; raise RecordNotFound if it is not a positive number."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or not 0 < int(text) <= MAX_ID:
        raise RecordNotFound(f"{text[:40]!r} is not an id.")
    return int(text)


def with_path_id(params: QueryParams, text: str) -> QueryParams:
    """Return the parameters with the id from the path."""
    return replace(params, path_id=parse_id(text)) if text else params
