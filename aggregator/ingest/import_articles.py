"""An export of articles comes in again: each line is checked like anything from outside, and put where it was."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, BinaryIO

from aggregator.duplicates.link import let_be_found
from aggregator.extraction.body.sanitize import sanitized
from aggregator.extraction.derived_fields import marked
from aggregator.stories.assign import put_in_story
from aggregator.topics.catalogue import catalogue_in_use
from storage.articles import importing as bringing
from storage.articles import snapshots as facts
from storage.articles.importing import Brought
from storage.db.statements import parts
from storage.identity import host_of
from storage.model.article import Article, Edition, Topic
from storage.stories import membership as stories
from storage.text.clean import clean
from storage.text.diff import Edit
from storage.timestamps import of_iso

if TYPE_CHECKING:
    from storage.db.writer import Transaction

LONGEST_LINE = 64 * 2**20
_LARGEST_ID = 2**63 - 1
_DEEPEST = 100
_MOST = 10_000
_AT_ONCE = 500
_TAGS = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*?(/?)>")
_VOID = frozenset(["br", "hr", "img", "wbr", "source", "col"])
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KINDS = ("", *Edit)


class ExportError(ValueError):
    """A line that is none of an export; the message says which, and what is wrong with it."""


@dataclass(slots=True)
class Bringing:
    """What is known on the way through an export: links of copies, stories, and what was there already."""

    copies: list[tuple[int, int]] = field(default_factory=list)
    stories: set[int] = field(default_factory=set)
    brought: int = 0
    there: int = 0
    last_second: datetime | None = None
    within: int = 0

    def arrival(self, second: datetime) -> datetime:
        """When an article was first seen: those of one second keep the order in which they stand."""
        self.within = self.within + 1 if second == self.last_second else 0
        self.last_second = second
        return second + timedelta(microseconds=min(self.within, 999_999))


def bring_back(tx: Transaction, lines: Iterable[tuple[int, bytes]], known: Bringing) -> None:
    """Bring back the articles of some lines, given with their numbers; those that are there are left as they are.

    Raises ExportError.
    """
    for number, line in lines:
        try:
            _bring_back(tx, read_exported(line, known.arrival), known)
        except ValueError as error:
            raise ExportError(f"line {number}: {error}") from error


def _bring_back(tx: Transaction, one: Brought, known: Bringing) -> None:
    if one.copy_of is not None:
        known.copies.append((one.id, one.copy_of))
    elif one.story is not None:
        known.stories.add(one.story)
    if facts.holds(tx, one.id):
        known.there += 1
        return
    bringing.bring(tx, one)
    let_be_found(tx, one.article, one.id)
    if one.story is not None and one.copy_of is None:
        put_in_story(tx, one.id, one.story, one.article.terms)
    else:
        stories.due(tx, [one.id])
    known.brought += 1


def finish(tx: Transaction, known: Bringing) -> int:
    """Link the copies and count the stories; returns how many copies have no original in the export."""
    for some in parts(sorted(known.stories), _AT_ONCE):
        stories.tally(tx, some)
    return bringing.finish(tx, known.copies)


def lines_of(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers, empty ones left out; raises ExportError for one without end."""
    for number in count(1):
        line = file.readline(LONGEST_LINE + 1)
        if not line:
            return
        if len(line) > LONGEST_LINE:
            raise ExportError(f"line {number}: longer than {LONGEST_LINE} bytes")
        if line.strip():
            yield number, line


def read_exported(line: bytes, arrival: Callable[[datetime], datetime]) -> Brought:
    """An article as a line of `evnews export jsonl` has it; raises ExportError."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ExportError(f"no JSON: {error}") from None
    if not isinstance(told, dict):
        raise ExportError("no JSON object")
    record = _Record(told)
    article = marked(_article(record))
    topics, catalogue = _topics(article, record.texts("topics"))
    editions = _editions(record)
    shown = record.number("revision")
    if not editions or not 0 < shown <= len(editions):
        raise ExportError("its revision is none of its revisions")
    past = {one.text("digest"): one.text("text") for one in record.records("past_texts")}
    first_seen = record.time("first_seen")
    if first_seen is None:
        raise ExportError("first_seen is missing")
    return Brought(
        id=record.number("id"), article=article, source=record.text("source"), first_seen=arrival(first_seen),
        shown=shown, copy_of=record.number_or_none("copy_of"), withdrawn=record.time("withdrawn"),
        story=record.number_or_none("story"), topics=topics, catalogue=catalogue, editions=editions, past=past,
    )  # fmt: skip


def _article(record: _Record) -> Article:
    url = record.text("url")
    if not url.startswith(("http://", "https://")) or not host_of(url):
        raise ExportError("url is no http or https address")
    return Article(
        url=url,
        canonical_url=record.text("canonical_url"),
        title=record.text("title"),
        authors=record.texts("authors"),
        published=record.time("published"),
        published_date=record.text("published_date"),
        published_raw=record.text("published_raw"),
        zone_known=record.truth("published_zone_known"),
        modified=record.time("updated"),
        language=record.text("language"),
        summary=record.text("summary"),
        text=record.text("text"),
        html=_html(record.text("html")),
        image=record.text("image"),
        tags=record.texts("tags"),
        words=record.number("words", least=0),
        truncated=record.truth("truncated"),
        extractor="export",
    )


def _html(html: str) -> str:
    """The body as what is allowed of it; raises ExportError where it is nested too deeply to be looked at."""
    depth = 0
    for closing, name, empty in _TAGS.findall(html):
        if closing:
            depth -= 1
        elif not empty and name.lower() not in _VOID:
            depth += 1
        if depth > _DEEPEST:
            raise ExportError("html is nested too deeply")
    return sanitized(html)


def _editions(record: _Record) -> tuple[Edition, ...]:
    found: list[Edition] = []
    for number, one in enumerate(record.records("revisions"), 1):
        at, kind, digest = one.time("at"), one.text("kind"), one.text("digest")
        if at is None or kind not in _KINDS or not _DIGEST.fullmatch(digest) or one.number("revision") != number:
            raise ExportError(f"its revision {number} is none")
        if kind == Edit.WITHDRAWN and not found:
            raise ExportError("its first revision is a withdrawal")
        found.append(
            Edition(
                number=number, fetched_at=at, title=one.text("title"), digest=digest, kind=kind,
                added=one.number("added", least=0), removed=one.number("removed", least=0),
            )
        )  # fmt: skip
    return tuple(found)


def _topics(article: Article, names: tuple[str, ...]) -> tuple[tuple[Topic, ...], str]:
    """The topics of these names and the catalogue they are of: as the present one counts them, where it finds the same.

    Else they stand in their order, and as read with none: `evnews topics --refresh` reads them anew.
    """
    found = sorted(article.topics, key=lambda topic: (-topic.title, -topic.body, topic.name))
    if tuple(topic.name for topic in found) == names:
        return tuple(found), catalogue_in_use().digest
    unique = tuple(dict.fromkeys(names))
    return tuple(Topic(name=name, body=len(unique) - place) for place, name in enumerate(unique)), ""


class _Record:
    """A JSON object whose fields are taken by their kind; raises ExportError for one of another."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._told = told

    def text(self, name: str) -> str:
        value = self._told.get(name)
        if value is not None and not isinstance(value, str):
            raise ExportError(f"{name} is no text")
        return clean(value or "")

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(_Record({name: value}).text(name) for value in self._list(name))

    def records(self, name: str) -> list[_Record]:
        values = self._list(name)
        if not all(isinstance(value, dict) for value in values):
            raise ExportError(f"{name} is no list of objects")
        return [_Record(value) for value in values]

    def number(self, name: str, least: int = 1) -> int:
        value = self._told.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _LARGEST_ID:
            raise ExportError(f"{name} is no number from {least} on")
        return value

    def number_or_none(self, name: str) -> int | None:
        return None if self._told.get(name) is None else self.number(name)

    def truth(self, name: str) -> bool:
        return self._told.get(name) is True

    def time(self, name: str) -> datetime | None:
        text = self.text(name)
        if not text:
            return None
        try:
            return of_iso(text)
        except ValueError:
            raise ExportError(f"{name} is no time") from None

    def _list(self, name: str) -> list[Any]:
        value = self._told.get(name) or []
        if not isinstance(value, list) or len(value) > _MOST:
            raise ExportError(f"{name} is no list, or one of more than {_MOST}")
        return value
