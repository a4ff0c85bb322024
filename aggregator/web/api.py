"""The JSON API below /api/v1: what each address is asked and gives, as one table that the server and OpenAPI read."""

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
from aggregator.web.requests import InvalidParameter, QueryParams
from storage.db.database import Database
from storage.library import Library
from storage.model.article import ChangeCursor
from storage.model.search import Query
from storage.monitor import Monitor
from storage.search.snippet import MARK_END, MARK_START
from storage.timestamps import from_microseconds, to_microseconds

_DEFAULT_LIMIT, _MAX_LIMIT = 50, 200
_DEFAULT_CHANGES, _MAX_CHANGES = 100, 1_000
_MAX_ID = 2**63 - 1
_CHANGES_CURSOR = re.compile(r"(\d{1,18})\.(\d{1,19})\.(\d{1,9})")
_ORDERS = ("new", "old", "best", "changed")
_TEXT_FIELDS = ("text", "html")


class RecordNotFound(LookupError):
    """There is nothing of that number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """What the answers are made of. `topics` is read when it is needed, `now` is when a time ago is counted from."""

    database: Database
    topics: Callable[[], TopicCatalogue]
    now: Callable[[], datetime]
    muted: tuple[str, ...] = ()

    @property
    def library(self) -> Library:
        """The articles."""
        return Library(self.database)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOption:
    """An option of an address: what it is, and one that works."""

    name: str
    description: str
    example: str
    kind: str = "string"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiEndpoint:
    """An address: what it gives, what it may be asked, and the fields of what it gives."""

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
    answer = api.library.search(_build_query(api, params), api.now())
    left_out = () if params.is_on("full") else _TEXT_FIELDS
    items = [
        {name: value for name, value in article_fields(hit.article).items() if name not in left_out}
        | {"snippet": hit.snippet.replace(MARK_START, "").replace(MARK_END, ""), "also": list(hit.copy_sources)}
        for hit in answer.hits
    ]
    return {
        "items": items,
        "next_cursor": answer.cursor or None,
        "complete": answer.is_complete,
        "reached": format_optional_timestamp(answer.scanned_until),
        "notes": list(answer.notes),
    }


def _get_article(api: Api, params: QueryParams) -> dict[str, Any]:
    article = api.library.article(params.path_id)
    if article is None:
        raise RecordNotFound(f"No article has the number {params.path_id}.")
    captures = [capture_fields(*one) for one in api.library.captures(article.id)]
    copies = [{"id": number, "url": url} for number, url in api.library.copies(article.id)]
    return article_fields(article) | {"copies": copies, "captures": captures}


def _list_revisions(api: Api, params: QueryParams) -> dict[str, Any]:
    found = api.library.revisions(params.path_id)
    if not found:
        raise RecordNotFound(f"No article has the number {params.path_id}.")
    return {"items": [revision_fields(one) | {"text": one.text} for one in found]}


def _list_stories(api: Api, params: QueryParams) -> dict[str, Any]:
    found = api.library.stories(
        since=params.get_time("since", api.now()),
        min_sources=params.get_number("min_sources", 2, 1_000),
        limit=params.get_number("limit", _DEFAULT_LIMIT, _MAX_LIMIT),
    )
    return {"items": [story_fields(one) for one in found]}


def _get_story(api: Api, params: QueryParams) -> dict[str, Any]:
    story = api.library.story(params.path_id)
    if story is None:
        raise RecordNotFound(f"No story has an article {params.path_id}.")
    return story_fields(story)


def _list_sources(api: Api, _: QueryParams) -> dict[str, Any]:
    monitor = Monitor(api.database)
    refused = monitor.verdicts_by_source()
    return {"items": [source_fields(one, refused.get(one.name, {})) for one in monitor.source_states()]}


def _list_topics(api: Api, params: QueryParams) -> dict[str, Any]:
    entries = {entry.name: entry for entry in api.topics().entries}
    counts = api.library.topic_counts(params.get_time("since", api.now()))
    found = [(one, entries[one.name]) for one in counts if one.name in entries]
    return {"items": [topic_fields(one, entry.title, entry.kind, entry.part_of) for one, entry in found]}


def _get_timeline(api: Api, params: QueryParams) -> dict[str, Any]:
    unit = params.get_choice("by", ("month", "week", "day"))
    found = api.library.timeline(_build_query(api, params), unit, api.now())
    items = [
        {"period": PERIOD_FORMATS[unit](day), "from": day.isoformat(), "articles": many} for day, many in found.points
    ]
    return {
        "by": unit,
        "items": items,
        "complete": found.is_complete,
        "reached": format_optional_timestamp(found.scanned_until),
    }


def _list_changes(api: Api, params: QueryParams) -> dict[str, Any]:
    after = None
    if cursor := params.get_text("cursor", 200):
        after = _parse_cursor(cursor)
        if after is None:
            raise InvalidParameter("cursor is what an answer gave as next_cursor.")
    most = params.get_number("limit", _DEFAULT_CHANGES, _MAX_CHANGES)
    since = params.get_time("since", api.now())
    found = api.library.changes_after(since, after, most + 1)
    last = found[:most][-1] if found else None
    place = ChangeCursor(at=last.at, article_id=last.article_id, number=last.revision) if last else after
    return {
        "items": [change_fields(one) for one in found[:most]],
        "next_cursor": _format_cursor(place) if place else None,
        "complete": len(found) <= most,
    }


def _format_cursor(cursor: ChangeCursor) -> str:
    return f"{to_microseconds(cursor.at)}.{cursor.article_id}.{cursor.number}"


def _parse_cursor(text: str) -> ChangeCursor | None:
    found = _CHANGES_CURSOR.fullmatch(text)
    at = from_microseconds(int(found[1])) if found else None
    if found is None or at is None or int(found[2]) > _MAX_ID:
        return None
    return ChangeCursor(at=at, article_id=int(found[2]), number=int(found[3]))


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
    name="limit", description=f"At most so many, up to {_MAX_LIMIT}.", example="20", kind="integer"
)
_SINCE_OPTION = ApiOption(name="since", description="On or after: a date, a time, or a time ago.", example="30d")
_QUERY_OPTIONS = (
    ApiOption(name="q", description="A search, as docs/searching.md has it.", example='"solid state" -toyota'),
    ApiOption(name="source", description="Only these sources, by commas.", example="electrek,insideevs"),
    ApiOption(name="topic", description="Only what names all these topics, by commas.", example="byd"),
    _SINCE_OPTION,
    ApiOption(name="until", description="Published before.", example="2026-02-01"),
    ApiOption(name="all", description="1 for what is muted too.", example="1", kind="integer"),
)
_ARTICLE_FIELDS = (
    *("id", "url", "source", "title", "authors", "published", "summary", "language", "topics", "story", "first_seen"),
    *("revision", "revisions", "copy_of"),
)
ENDPOINTS = (
    ApiEndpoint(
        path="articles",
        description="A page of the articles that a search finds, the newest first; all of them without one.",
        handler=_list_articles,
        options=(
            *_QUERY_OPTIONS,
            _LIMIT_OPTION,
            ApiOption(name="order", description=f"{', '.join(_ORDERS)}.", example="best"),
            ApiOption(name="cursor", description="next_cursor of the page before.", example="new.r7345"),
            ApiOption(name="full", description="1 for text and html too.", example="1", kind="integer"),
            ApiOption(
                name="collapse", description="1 to leave out copies beside their original.", example="1", kind="integer"
            ),
        ),
        response_fields=("items", "next_cursor", "complete", "reached", "notes"),
    ),
    ApiEndpoint(
        path="articles/{id}",
        description="An article with its text, its copies and where its captures lie on the tape.",
        handler=_get_article,
        response_fields=(*_ARTICLE_FIELDS, "text", "html", "copies", "captures"),
    ),
    ApiEndpoint(
        path="articles/{id}/revisions",
        description="Every text that an article had, the oldest first.",
        handler=_list_revisions,
        response_fields=("items",),
    ),
    ApiEndpoint(
        path="stories",
        description="Stories that several sources tell, that which was told last first.",
        handler=_list_stories,
        options=(
            _SINCE_OPTION,
            ApiOption(
                name="min_sources", description="Told by so many sources at least; 2.", example="3", kind="integer"
            ),
            _LIMIT_OPTION,
        ),
        response_fields=("items",),
    ),
    ApiEndpoint(
        path="stories/{id}",
        description="Who tells a story, by its number or that of any article of it.",
        handler=_get_story,
        response_fields=("story", "title", "first_at", "last_at", "sources", "articles"),
    ),
    ApiEndpoint(
        path="sources", description="Every source and how it does.", handler=_list_sources, response_fields=("items",)
    ),
    ApiEndpoint(
        path="topics",
        description="Every topic that is named, that of most articles first.",
        handler=_list_topics,
        options=(_SINCE_OPTION,),
        response_fields=("items",),
    ),
    ApiEndpoint(
        path="timeline",
        description="How many articles a search finds of each day, week or month, copies too.",
        handler=_get_timeline,
        options=(*_QUERY_OPTIONS, ApiOption(name="by", description="month, week or day.", example="week")),
        response_fields=("by", "items", "complete", "reached"),
    ),
    ApiEndpoint(
        path="changes",
        description="What was edited, withdrawn or restored, the oldest first; next_cursor asks for what came since.",
        handler=_list_changes,
        options=(
            ApiOption(name="since", description="Seen on or after.", example="2026-01-31T12:00:00Z"),
            ApiOption(name="cursor", description="next_cursor of the answer before.", example="1769860800000000.42.2"),
            ApiOption(
                name="limit", description=f"At most so many, up to {_MAX_CHANGES}.", example="100", kind="integer"
            ),
        ),
        response_fields=("items", "next_cursor", "complete"),
    ),
    ApiEndpoint(
        path="stats",
        description="What the archive holds.",
        handler=_get_stats,
        response_fields=("articles", "sources", "revisions"),
    ),
)


def parse_id(text: str) -> int:
    """The number in a path; raises Nothing for what is none."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or not 0 < int(text) <= _MAX_ID:
        raise RecordNotFound(f"{text[:40]!r} is no number.")
    return int(text)


def with_path_id(params: QueryParams, text: str) -> QueryParams:
    """The options with the number that stands in the path."""
    return replace(params, path_id=parse_id(text)) if text else params
