"""The JSON API below /api/v1: what each address is asked and gives, as one table that the server and OpenAPI read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aggregator.feeds.json_records import (
    PERIODS,
    article_fields,
    capture_fields,
    change_fields,
    edition_fields,
    source_fields,
    story_fields,
    time_of,
    topic_fields,
)
from aggregator.topics.matcher import TopicCatalogue
from aggregator.topics.resolve import UnknownTopic, with_topics
from aggregator.web.requests import Given, Wrong
from storage.db.database import Database
from storage.library import Library
from storage.model.article import ChangePlace
from storage.model.search import Query
from storage.monitor import Monitor
from storage.search.snippet import END, START
from storage.timestamps import micros, of_micros

_USUAL, _MOST = 50, 200
_USUAL_CHANGES, _MOST_CHANGES = 100, 1_000
_LARGEST_ID = 2**63 - 1
_PLACE = re.compile(r"(\d{1,18})\.(\d{1,19})\.(\d{1,9})")
_ORDERS = ("new", "old", "best", "changed")
_TEXTS = ("text", "html")


class Nothing(LookupError):
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
class Option:
    """An option of an address: what it is, and one that works."""

    name: str
    about: str
    example: str
    kind: str = "string"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address: what it gives, what it may be asked, and the fields of what it gives."""

    path: str
    about: str
    answer: Callable[[Api, Given], dict[str, Any]]
    options: tuple[Option, ...] = ()
    gives: tuple[str, ...] = ()


def _query(api: Api, given: Given) -> Query:
    query = Query(
        words=given.text("q"),
        sources=tuple(filter(None, given.text("source").split(","))),
        topics=tuple(filter(None, given.text("topic").split(",")))[:16],
        since=given.moment("since", api.now()),
        until=given.moment("until", api.now()),
        limit=given.number("limit", _USUAL, _MOST),
        order=given.choice("order", _ORDERS),
        cursor=given.text("cursor", 200),
        collapse=given.is_on("collapse"),
        muted=() if given.is_on("all") else api.muted,
    )
    try:
        return with_topics(query, api.topics)
    except UnknownTopic as error:
        raise Wrong(str(error)) from None


def _articles(api: Api, given: Given) -> dict[str, Any]:
    answer = api.library.search(_query(api, given), api.now())
    left_out = () if given.is_on("full") else _TEXTS
    items = [
        {name: value for name, value in article_fields(hit.article).items() if name not in left_out}
        | {"snippet": hit.snippet.replace(START, "").replace(END, ""), "also": list(hit.also)}
        for hit in answer.hits
    ]
    return {
        "items": items,
        "next_cursor": answer.cursor or None,
        "complete": answer.complete,
        "reached": time_of(answer.reached),
        "notes": list(answer.notes),
    }


def _article(api: Api, given: Given) -> dict[str, Any]:
    article = api.library.article(given.number_in_path)
    if article is None:
        raise Nothing(f"No article has the number {given.number_in_path}.")
    captures = [capture_fields(*one) for one in api.library.captures(article.id)]
    copies = [{"id": number, "url": url} for number, url in api.library.copies(article.id)]
    return article_fields(article) | {"copies": copies, "captures": captures}


def _revisions(api: Api, given: Given) -> dict[str, Any]:
    found = api.library.revisions(given.number_in_path)
    if not found:
        raise Nothing(f"No article has the number {given.number_in_path}.")
    return {"items": [edition_fields(one) | {"text": one.text} for one in found]}


def _stories(api: Api, given: Given) -> dict[str, Any]:
    found = api.library.stories(
        since=given.moment("since", api.now()),
        least_sources=given.number("min_sources", 2, 1_000),
        limit=given.number("limit", _USUAL, _MOST),
    )
    return {"items": [story_fields(one) for one in found]}


def _story(api: Api, given: Given) -> dict[str, Any]:
    story = api.library.story(given.number_in_path)
    if story is None:
        raise Nothing(f"No story has an article {given.number_in_path}.")
    return story_fields(story)


def _sources(api: Api, _: Given) -> dict[str, Any]:
    monitor = Monitor(api.database)
    refused = monitor.refused()
    return {"items": [source_fields(one, refused.get(one.name, {})) for one in monitor.source_states()]}


def _topics(api: Api, given: Given) -> dict[str, Any]:
    entries = {entry.name: entry for entry in api.topics().entries}
    counts = api.library.topic_counts(given.moment("since", api.now()))
    found = [(one, entries[one.name]) for one in counts if one.name in entries]
    return {"items": [topic_fields(one, entry.title, entry.kind, entry.part_of) for one, entry in found]}


def _timeline(api: Api, given: Given) -> dict[str, Any]:
    unit = given.choice("by", ("month", "week", "day"))
    found = api.library.timeline(_query(api, given), unit, api.now())
    items = [{"period": PERIODS[unit](day), "from": day.isoformat(), "articles": many} for day, many in found.points]
    return {"by": unit, "items": items, "complete": found.complete, "reached": time_of(found.reached)}


def _changes(api: Api, given: Given) -> dict[str, Any]:
    after = None
    if cursor := given.text("cursor", 200):
        after = _read_place(cursor)
        if after is None:
            raise Wrong("cursor is what an answer gave as next_cursor.")
    most = given.number("limit", _USUAL_CHANGES, _MOST_CHANGES)
    since = given.moment("since", api.now())
    found = api.library.changes_after(since, after, most + 1)
    last = found[:most][-1] if found else None
    place = ChangePlace(at=last.at, article_id=last.article_id, number=last.revision) if last else after
    return {
        "items": [change_fields(one) for one in found[:most]],
        "next_cursor": _spelled(place) if place else None,
        "complete": len(found) <= most,
    }


def _spelled(place: ChangePlace) -> str:
    return f"{micros(place.at)}.{place.article_id}.{place.number}"


def _read_place(text: str) -> ChangePlace | None:
    found = _PLACE.fullmatch(text)
    at = of_micros(int(found[1])) if found else None
    if found is None or at is None or int(found[2]) > _LARGEST_ID:
        return None
    return ChangePlace(at=at, article_id=int(found[2]), number=int(found[3]))


def _stats(api: Api, _: Given) -> dict[str, Any]:
    stats = Monitor(api.database).stats()
    return {
        "articles": stats.articles,
        "copies": stats.copies,
        "revisions": stats.revisions,
        "sources": stats.sources,
        "captures": stats.captures,
        "capture_bytes": stats.capture_bytes,
        "database_bytes": stats.database_bytes,
        "oldest": time_of(stats.oldest),
        "newest": time_of(stats.newest),
        "last_kept": time_of(stats.last_kept),
    }


_LIMIT = Option(name="limit", about=f"At most so many, up to {_MOST}.", example="20", kind="integer")
_SINCE = Option(name="since", about="On or after: a date, a time, or a time ago.", example="30d")
_ASKED = (
    Option(name="q", about="A search, as docs/searching.md has it.", example='"solid state" -toyota'),
    Option(name="source", about="Only these sources, by commas.", example="electrek,insideevs"),
    Option(name="topic", about="Only what names all these topics, by commas.", example="byd"),
    _SINCE,
    Option(name="until", about="Published before.", example="2026-02-01"),
    Option(name="all", about="1 for what is muted too.", example="1", kind="integer"),
)
_ARTICLE = (
    *("id", "url", "source", "title", "authors", "published", "summary", "language", "topics", "story", "first_seen"),
    *("revision", "revisions", "copy_of"),
)
ENDPOINTS = (
    Endpoint(
        path="articles",
        about="A page of the articles that a search finds, the newest first; all of them without one.",
        answer=_articles,
        options=(
            *_ASKED,
            _LIMIT,
            Option(name="order", about=f"{', '.join(_ORDERS)}.", example="best"),
            Option(name="cursor", about="next_cursor of the page before.", example="new.r7345"),
            Option(name="full", about="1 for text and html too.", example="1", kind="integer"),
            Option(name="collapse", about="1 to leave out copies beside their original.", example="1", kind="integer"),
        ),
        gives=("items", "next_cursor", "complete", "reached", "notes"),
    ),
    Endpoint(
        path="articles/{id}",
        about="An article with its text, its copies and where its captures lie on the tape.",
        answer=_article,
        gives=(*_ARTICLE, "text", "html", "copies", "captures"),
    ),
    Endpoint(
        path="articles/{id}/revisions",
        about="Every text that an article had, the oldest first.",
        answer=_revisions,
        gives=("items",),
    ),
    Endpoint(
        path="stories",
        about="Stories that several sources tell, that which was told last first.",
        answer=_stories,
        options=(
            _SINCE,
            Option(name="min_sources", about="Told by so many sources at least; 2.", example="3", kind="integer"),
            _LIMIT,
        ),
        gives=("items",),
    ),
    Endpoint(
        path="stories/{id}",
        about="Who tells a story, by its number or that of any article of it.",
        answer=_story,
        gives=("story", "title", "first_at", "last_at", "sources", "articles"),
    ),
    Endpoint(path="sources", about="Every source and how it does.", answer=_sources, gives=("items",)),
    Endpoint(
        path="topics",
        about="Every topic that is named, that of most articles first.",
        answer=_topics,
        options=(_SINCE,),
        gives=("items",),
    ),
    Endpoint(
        path="timeline",
        about="How many articles a search finds of each day, week or month, copies too.",
        answer=_timeline,
        options=(*_ASKED, Option(name="by", about="month, week or day.", example="week")),
        gives=("by", "items", "complete", "reached"),
    ),
    Endpoint(
        path="changes",
        about="What was edited, withdrawn or restored, the oldest first; next_cursor asks for what came since.",
        answer=_changes,
        options=(
            Option(name="since", about="Seen on or after.", example="2026-01-31T12:00:00Z"),
            Option(name="cursor", about="next_cursor of the answer before.", example="1769860800000000.42.2"),
            Option(name="limit", about=f"At most so many, up to {_MOST_CHANGES}.", example="100", kind="integer"),
        ),
        gives=("items", "next_cursor", "complete"),
    ),
    Endpoint(path="stats", about="What the archive holds.", answer=_stats, gives=("articles", "sources", "revisions")),
)


def number_of(text: str) -> int:
    """The number in a path; raises Nothing for what is none."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or not 0 < int(text) <= _LARGEST_ID:
        raise Nothing(f"{text[:40]!r} is no number.")
    return int(text)


def with_number(given: Given, text: str) -> Given:
    """The options with the number that stands in the path."""
    return replace(given, number_in_path=number_of(text)) if text else given
